--- What may stand at a place of the command line, for the shells: `codearts-build --complete SHELL WORD...`, where the last
-- word is the one that is being typed. Prints a line each: the word, a tab, what it means; or ":files".
local arguments = require "codearts.build.cli.arguments"
local kinds = require "codearts.build.cli.kinds"
local output = require "codearts.build.cli.output"
local reference = require "codearts.build.cli.reference"

local FILES = ":files"

--- Bash takes `--output=json` for three words.
local function joined(words)
  local list = {}
  for index, word in ipairs(words) do
    if index > 1 and (word == "=" or words[index - 1] == "=" and list[#list]:find "=$") then
      list[#list] = list[#list] .. word
    else
      list[#list + 1] = word
    end
  end
  return list
end

local function is_option(row)
  return row.name:sub(1, 1) == "-"
end

local function find_option(command, name)
  for _, row in ipairs(command.rows) do
    if row.name == name then
      return row
    end
  end
  return nil
end

--- Goes through what is typed already: which option waits for its value, how many arguments there are, what was given.
local function read(command, words)
  local seen = { count = 0, options = {} }
  for index = 2, #words - 1 do
    local name, value = words[index]:match "^(%-%-[^=]+)=?(.*)$"
    if seen.waiting then
      seen.options[seen.waiting.name], seen.waiting = words[index], nil
    elseif name then
      local row = find_option(command, name)
      seen.options[name] = value
      seen.waiting = row and row.word and not words[index]:find "=" and row or nil
    else
      seen.count = seen.count + 1
    end
  end
  return seen
end

--- Jobs that a listing told: by name where a project says which names are meant, else by id.
local function jobs(seen)
  local project = seen.options["--project"] or os.getenv "CODEARTS_BUILD_PROJECT" or ""
  local list = {}
  for _, job in ipairs(require("codearts.build.cli.names").all()) do
    if project == "" then
      list[#list + 1] = { job.id, job.name }
    elseif project:find(job.project, 1, true) then
      list[#list + 1] = { reference.word(job.name), job.id }
    end
  end
  return list
end

local function projects()
  local list, known = {}, {}
  for _, job in ipairs(require("codearts.build.cli.names").all()) do
    if not known[job.project] then
      list[#list + 1], known[job.project] = { job.project, "project" }, true
    end
  end
  return list
end

local function operations()
  local list = {}
  for name in pairs(require("codearts.build.operations.rows").operations) do
    list[#list + 1] = { name, "operation" }
  end
  return list
end

--- What the value of a row may be.
local function values_of(row, seen)
  local list = {}
  for index, value in ipairs(row.values or {}) do
    list[index] = { value, row.help }
  end
  if row.file then
    return FILES
  elseif row.kind == kinds.job then
    return jobs(seen)
  elseif row.kind == kinds.project then
    return projects()
  elseif row.name == "operation" then
    return operations()
  end
  return list
end

local function options_of(command, seen)
  local list = { { "--help", "Show the help." } }
  for _, row in ipairs(command.rows) do
    if is_option(row) and (row.many or not seen.options[row.name]) then
      list[#list + 1] = { row.name, row.help }
    end
  end
  return list
end

--- The row of the argument that comes after `count` others.
local function argument_after(command, count)
  local last
  for _, row in ipairs(command.rows) do
    if not is_option(row) then
      last, count = row, count - 1
      if count < 0 then
        return row
      end
    end
  end
  return last and last.many and last or nil
end

local function commands()
  local list = { { "--help", "Show the help." }, { "--version", "Print the version." } }
  for _, name in ipairs(arguments.commands) do
    list[#list + 1] = { name, arguments.command(name).summary }
  end
  return list
end

--- Candidates for the last word, and what of it stands before them.
local function candidates(words)
  local current = words[#words] or ""
  if #words < 2 then
    return commands(), current, ""
  end
  local known = false
  for _, name in ipairs(arguments.commands) do
    known = known or name == words[1]
  end
  if not known then
    return {}, current, ""
  end
  local command = arguments.command(words[1])
  local seen = read(command, words)
  local name, value = current:match "^(%-%-[^=]+)=(.*)$"
  local row = name and find_option(command, name)
  if row and row.word then
    return values_of(row, seen), value, name .. "="
  elseif seen.waiting then
    return values_of(seen.waiting, seen), current, ""
  elseif current:sub(1, 1) == "-" then
    return options_of(command, seen), current, ""
  end
  row = argument_after(command, seen.count)
  return row and values_of(row, seen) or {}, current, ""
end

--- The word that is being typed, of which zsh alone tells what it says: without a quote that is still open, and what
-- that makes necessary.
local function plain(shell, typed)
  local quote = typed:match "^[\"']"
  typed = quote and typed:sub(2) or typed
  if shell == "zsh" or quote == "'" then
    return typed
  end
  return (typed:gsub(quote and '\\([\\"$`])' or "\\(.)", "%1"))
end

---@param shell string
---@param words string[] after the name of the program
---@return integer exit status
return function(shell, words)
  local list, typed, before = candidates(joined(words))
  if list == FILES then
    output.write(FILES, "\n")
    return 0
  end
  table.sort(list, function(a, b)
    return a[1] < b[1]
  end)
  typed = plain(shell, typed)
  for _, item in ipairs(list) do
    if item[1]:sub(1, #typed) == typed then
      -- Bash completes what comes after the "=" alone.
      output.write(shell == "bash" and "" or before, item[1], "\t", item[2], "\n")
    end
  end
  return 0
end
