--- `:CodeArts`: reads its words by the rows of the program's commands, and hands over.
local address = require "codearts.build.nvim.address"
local arguments = require "codearts.build.cli.arguments"
local jobs = require "codearts.build.nvim.jobs"
local rows = require "codearts.build.cli.rows"
local words = require "codearts.build.cli.words"

local command = {}

-- What belongs to a program on a terminal; an editor has one client, with one store of keys.
local LEFT_OUT = {
  ["--json"] = true,
  ["--output"] = true,
  ["--progress"] = true,
  ["--wait"] = true,
  ["--follow"] = true,
  ["--timeout"] = true,
  ["--on-interrupt"] = true,
  ["--region"] = true,
  ["--endpoint"] = true,
  ["--key-store"] = true,
}

local function kept(given)
  local list = {}
  for _, row in ipairs(given) do
    if not LEFT_OUT[row.name] then
      list[#list + 1] = row
    end
  end
  return list
end

local function rows_of(name)
  return kept(arguments.command(name).rows)
end

---@class codearts.build.nvim.Word
---@field rows fun(): codearts.build.cli.Row[]
---@field check? fun(values: table): string?
---@field takes_build? boolean without words it is about the build at hand
---@field takes_job? boolean the same with the job

local function of_build()
  return kept(rows.build)
end

local function of_job()
  return rows.list(rows.job, rows.project)
end

---@type table<string, codearts.build.nvim.Word>
command.WORDS = {
  run = {
    rows = function()
      return rows_of "run"
    end,
    check = function(values)
      return arguments.command("run").check(values)
    end,
    takes_job = true,
  },
  wait = { rows = of_build, takes_build = true },
  log = { rows = of_build, takes_build = true },
  stop = { rows = of_build, takes_build = true },
  status = { rows = of_build, takes_build = true },
  open = { rows = of_build, takes_build = true },
  history = { rows = of_job, takes_job = true },
  jobs = {
    rows = function()
      return {}
    end,
  },
  key = {
    rows = function()
      return rows_of "key"
    end,
    check = function(values)
      return arguments.command("key").check(values)
    end,
  },
}

--- The names of the words, in their order.
command.NAMES = { "run", "wait", "log", "stop", "status", "history", "jobs", "open", "key" }

local function fail(message)
  local core = require "codearts.build.core"
  error(core.error { kind = "usage", field = "CodeArts", message = message }, 0)
end

--- NAME=VALUE is a parameter; an address, which may have a query, is a job, and so is name:….
local function option_of_run(word)
  return word:find "^[^=:/]+=" and "--param" or nil
end

--- The words of a command: its options, and what stands beside them.
---@param name string
---@param list string[] the words after it
---@return codearts.build.cli.Words
function command.sorted(name, list)
  return words.sort(command.WORDS[name].rows(), list, name == "run" and option_of_run or nil)
end

--- What was left out and is at hand: the build of this buffer, or the one that was started last. One that is only looked
-- at may be somebody else's; one whose number is not known cannot be meant by it, nor the one before it.
---@param is_build boolean the build is meant, not its job alone
local function at_hand(is_build)
  local here = jobs.here()
  if here and here.job then
    return here.job, here.number
  end
  local watches = require "codearts.build.nvim.watch"
  local doubt = watches.doubt()
  if doubt and (is_build or next(watches.starting)) then
    fail(doubt)
  end
  local last = watches.started or {}
  return last.job_id, last.number
end

--- Whether a key stands for the number of the build.
local function has_key(sorted)
  for _, option in ipairs(sorted.options) do
    if option.row.name == "--key" then
      return true
    end
  end
  return false
end

--- Puts in what is at hand, where no argument names a job.
local function complete(word, sorted)
  local list = sorted.arguments
  local counts = word.takes_build and #list == 1 and list[1]:find "^%d+$" and #list[1] < 32
  if not (word.takes_build or word.takes_job) or list[1] and not counts then
    return
  end
  local is_build = word.takes_build and not has_key(sorted) or false
  local job, number = at_hand(is_build)
  if not job then
    return
  end
  table.insert(list, 1, job)
  if is_build and number and not counts then
    table.insert(list, tostring(number))
  end
end

--- The values of a command. Raises kind "usage" and "config".
---@param name string
---@param list string[] the words after it
---@return table values
function command.values(name, list)
  local word = command.WORDS[name]
  if not word then
    local nearest = require("codearts.build.core").nearest(name, command.NAMES)
    fail(
      ("no command %s; %s"):format(
        name,
        nearest and ("did you mean %s?"):format(nearest)
          or "there are: " .. table.concat(command.NAMES, ", ")
      )
    )
  end
  local project = require("codearts.build.nvim.settings").get().project
  local sorted = command.sorted(name, list)
  if not sorted.problem then
    complete(word, sorted)
  end
  local values, problem = words.values(word.rows(), sorted)
  if values then
    values.project = values.project or project
    problem = arguments.complete({ rows = word.rows(), check = word.check }, values)
  end
  if problem then
    fail(("%s: %s"):format(name, problem))
  end
  return values
end

--- Runs `:CodeArts`.
---@param given { fargs: string[], bang: boolean, mods: string }
function command.run(given)
  local session = require "codearts.build.nvim.session"
  local name = given.fargs[1] or "jobs"
  session.go(function()
    local list = vim.list_slice(given.fargs, 2)
    for _, word in ipairs(list) do
      jobs.note_page(word) -- what was typed; what the service calls a job is no address
    end
    local values = command.values(name, list)
    require("codearts.build.nvim.actions")[name](values, {
      bang = given.bang,
      mods = given.mods or "",
    })
  end)
end

--- What a map of a buffer of ours does with the place that it is about: "again" or "open".
---@param name "again"|"open"
function command.again(name)
  local session = require "codearts.build.nvim.session"
  local view = require("codearts.build.nvim.buffer").view()
  local below = view and view.below and view:below(vim.api.nvim_win_get_cursor(0)[1])
  local place = below and address.read(below) or jobs.here()
  if not place or not place.job then
    return
  end
  session.go(function()
    local actions = require "codearts.build.nvim.actions"
    if name == "again" and not below and not place.number then
      fail "no job or build is under the cursor" -- the buffer's job would run without the parameters of a build
    elseif name == "again" then
      actions.again(place)
    else
      actions.open(command.values("open", { place.job }))
    end
  end)
end

---@param lead string
---@param line string
---@param at integer
---@return string[]
function command.complete(lead, line, at)
  local ok, list = pcall(function()
    return require "codearts.build.nvim.complete"(command, lead, line:sub(1, at))
  end)
  return ok and list or {}
end

return command
