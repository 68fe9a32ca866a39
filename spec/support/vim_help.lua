--- The parts of doc/codearts.txt that stand elsewhere already: rows of the command, tables of doc/client.md.
---
---     lua spec/support/vim_help.lua      writes them into the file

local arguments = require "codearts.build.cli.arguments"
local command = require "codearts.build.nvim.command"
local read_file = require "spec.support.read_file"

local FILE, WIDTH = "doc/codearts.txt", 78

local M = {}

-- The width of a text on the screen.
local function width(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

-- Fills lines with the words of a text.
local function wrap(text, indent)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if line ~= "" and indent + width(line) + 1 + width(word) > WIDTH then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  local margin = (" "):rep(indent)
  return margin .. table.concat(lines, "\n" .. margin)
end

-- A term, and on the next lines what it means.
local function item(term, text, indent)
  return (" "):rep(indent) .. term .. "\n" .. wrap(text, indent + 8)
end

local SUMMARIES = {
  run = "Start builds. `!` waits, and puts the errors into the quickfix list. NAME=VALUE is a parameter.",
  wait = "Tell when a build has ended; with `!` its errors go into the quickfix list.",
  log = "Show the log of a build.",
  stop = "Stop a build.",
  status = "Tell how a build stands.",
  history = "List the builds of a job.",
  jobs = "List the jobs of the project. `:CodeArts` alone does so, too.",
  open = "Open the page of a job in the console, if the job was named by its address.",
  key = "What the store knows of keys: `list [JOB]`, `show JOB KEY`, `resolve JOB KEY` with --build or --none.",
}

local function is_option(row)
  return row.name:sub(1, 1) == "-"
end

local function typed(row)
  local word = row.word and (is_option(row) and row.name .. " " .. row.word or row.word) or row.name
  return row.optional and ("[%s]"):format(word) or word
end

local function arguments_of(name, rows)
  local words = { ":CodeArts " .. name }
  for _, row in ipairs(rows) do
    words[#words + 1] = not is_option(row) and typed(row) .. (row.many and "…" or "") or nil
  end
  return table.concat(words, " ")
end

--- `:CodeArts`, by the rows that it is read by. What several have is told once.
---@return string
function M.commands()
  local parts, told = {}, {}
  parts[1] = (" "):rep(WIDTH - 11)
    .. "*:CodeArts*\n"
    .. wrap(
      "Words, jobs, parameters, options and numbers are completed. What is left out is the build of this buffer, or the one that "
        .. "was started last; a number that is left out is the latest. While a start has no answer yet, and after one "
        .. "that left open which build it started, say which build is meant. "
        .. "In front of a word `:vertical`, `:tab` and the like say where "
        .. "a new window goes.",
      0
    )
  for _, name in ipairs(command.NAMES) do
    local rows = command.WORDS[name].rows()
    local head, tag = arguments_of(name, rows), ("*:CodeArts-%s*"):format(name)
    local lines = {
      head .. (" "):rep(math.max(WIDTH - width(head) - #tag, 1)) .. tag,
      wrap(assert(SUMMARIES[name], name), 8),
    }
    for _, row in ipairs(rows) do
      local line = item(typed(row), (row.help:gsub(", NAME=@%- standard input", "")), 8)
      lines[#lines + 1] = not told[line] and line or nil
      told[line] = true
    end
    parts[#parts + 1] = table.concat(lines, "\n")
  end
  return table.concat(parts, "\n\n")
end

--- The variables of the environment that count for an editor.
---@return string
function M.environment()
  local parts = { "They are read when Neovim starts a build for the first time.\n" }
  for _, row in ipairs(arguments.environment) do
    if not row[1]:find "SANDBOX" and not row[1]:find "NO_COLOR" then
      parts[#parts + 1] = item(row[1], (row[2]:gsub(", where %-%-[a-z]+ is not given", "")), 0)
    end
  end
  return table.concat(parts, "\n")
end

-- The rows of the table that begins with this head.
local function table_of(head)
  local _, stop = read_file("doc/client.md"):find("\n" .. head .. "\n|[-|]+|\n", 1, false)
  local rows = {}
  for line in read_file("doc/client.md"):sub(assert(stop, head) + 1):gmatch "(.-)\n" do
    local first, second = line:match "^| (.-) | (.-) |$"
    if not first then
      break
    end
    rows[#rows + 1] = { first, second }
  end
  return rows
end

-- Without the marks of Markdown.
local function plain(text)
  return (text:gsub("%[[^%]]*%]%(([^)]*)%)", "%1"):gsub("`", ""))
end

--- What to sign in with.
---@return string
function M.sign_in()
  local parts = { "Commands sign in by the environment, the library also by its option `auth`.\n" }
  for _, row in ipairs(table_of "| you have | write |") do
    parts[#parts + 1] = item(plain(row[1]), plain(row[2]), 0)
  end
  parts[#parts + 1] = "\nMore in doc/signing-in.md."
  return table.concat(parts, "\n")
end

local LIBRARY = [[
`require("codearts.build.nvim").new(options)` answers a client that lives in
Neovim's loop: >

        local client = require("codearts.build.nvim").new()
        client:start({ job_id = id }):on_done(function(result, err)
          print(err or "started " .. result.actual_build_number)
        end)
<
Callbacks and coroutines go on in the main loop, where the editor's functions
are allowed. In a coroutine `client:run` waits without holding up the editor.
What else there is tell doc/client.md and doc/after-the-run.md. Its options:
]]

--- The library's options.
---@return string
function M.library()
  local parts = { LIBRARY }
  for _, row in ipairs(table_of "| option | default |") do
    parts[#parts + 1] = wrap(plain(row[1]), 0) .. "\n" .. wrap("default: " .. plain(row[2]), 8)
  end
  return table.concat(parts, "\n")
end

local SECTIONS = {
  ["codearts-commands"] = M.commands,
  ["codearts-environment"] = M.environment,
  ["codearts-sign-in"] = M.sign_in,
  ["codearts-library"] = M.library,
}

--- The file as it has to be.
---@return string
function M.text()
  local text = read_file(FILE)
  for tag, render in pairs(SECTIONS) do
    local _, head = text:find("[^\n]*%*" .. tag:gsub("%-", "%%-") .. "%*[^\n]*\n")
    local rule = text:find("\n====", assert(head, tag), true)
    text = text:sub(1, head) .. "\n" .. render() .. "\n" .. text:sub(rule)
  end
  return text
end

if arg and arg[0] and arg[0]:find "support/vim_help%.lua$" then
  local text = M.text()
  local file = assert(io.open(FILE, "w"))
  file:write(text)
  file:close()
end

return M
