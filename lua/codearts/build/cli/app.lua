--- What every command stands on: the library, the terminal, the form of the output, one client, and the way out.
local attempt = require "codearts.build.cli.attempt"
local exit_status = require "codearts.build.cli.exit_status"
local given = require "codearts.build.cli.given"
local output = require "codearts.build.cli.output"
local rows = require "codearts.build.cli.rows"

local PROGRAM = "codearts-build"
local TICK = 0.25

---@class codearts.build.cli.App
---@field build table the facade
---@field core table
---@field terminal codearts.build.cli.Terminal
---@field form "text"|"json"|"ndjson"
---@field starts string? job of a build that App:await may be starting
---@field stops string? build that it may be stopping
local App = {}
App.__index = App

-- Raised by App:await when a signal ends us; a value of its own, so that nothing else can look like it.
local ENDED = setmetatable({}, {
  __tostring = function()
    return "ended by a signal"
  end,
})

local WORDS = { INT = "interrupted", TERM = "terminated", HUP = "hung up" }

-- Raised by App:await when nobody can read the result any more; cli.main tells why.
local NO_OUTPUT = {}

local function complain(message)
  output.say(PROGRAM, ": ", message, "\n")
end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function form_of(values)
  return values.json and "json" or values.output or "text"
end

--- An error as the one document, or the one event, that says it.
---@param form "json"|"ndjson"
---@param err table structured error, or its members
local function error_document(form, err)
  local json = require "codearts.build.cli.json"
  return json.encode { error = json.of_error(err), event = form == "ndjson" and "error" or nil }
end

--- What was wrong with the words of a command, for programs that asked for JSON: those words could not be read.
---@param argv string[]
---@param problem string
function App.print_usage_error(argv, problem)
  local words = " " .. table.concat(argv, " ") .. " "
  local form = words:find(" --json ", 1, true) and "json" or words:match " %-%-output[= ]([a-z]+) "
  if form == "json" or form == "ndjson" then
    output.write(error_document(form, { kind = "usage", message = problem }), "\n")
  end
end

--- Loads the library and looks at the terminal.
---@param values table parsed arguments
---@return codearts.build.cli.App? app
---@return string? problem
local function open(values)
  local ok, build = attempt(require, "codearts.build")
  if not ok then
    return nil, tostring(build)
  end
  local core = require "codearts.build.core"
  output.use(core)
  local Terminal = require "codearts.build.cli.terminal"
  return setmetatable({
    build = build,
    core = core,
    values = values,
    form = form_of(values),
    terminal = Terminal.new { core = core, progress = values.progress or "auto" },
  }, App)
end

--- A line for people on standard error: a warning or a hint. It may hold words of the service.
---@param message string
function App:warn(message)
  self.terminal:warn(PROGRAM .. ": " .. given.masked(message))
end

--- The client of this command; made on first use.
---@return codearts.build.Client
function App:client()
  if not self.the_client then
    local options = require "codearts.build.cli.connection"(self.values)
    options.on_event = function(event)
      if event.type == "warning" then
        self:warn(tostring(event.message))
      end
    end
    self.the_client = given.hide_in(self.build.new(options))
  end
  return self.the_client
end

--- Between two bits of work of which there may be much. An editor, which is an app, too, goes on meanwhile.
function App:pause() end -- luacheck: ignore 212

--- Breaks off the command when a signal ends us.
function App:check_ending()
  if self.core.ending() then
    error(ENDED, 0)
  end
end

--- Waits for a call, stopping for the signals that end us and where output cannot be written. Raises what the call
-- ends with.
---@param call table
---@return any result
function App:await(call)
  local client = self:client()
  while not call:done() do
    if self.core.ending() and call:is_out() then
      client:step(0) -- an answer that came before the signal counts
    end
    if call:done() then
      break
    end
    self:check_ending()
    if output.problem then
      error(NO_OUTPUT, 0)
    end
    client:step(TICK)
  end
  return call:wait()
end

--- A command to type next. It goes where this one went: by its --region or --endpoint, if they were given.
---@param format string what follows the program's name
---@param ... string|integer
---@return string
function App:next_command(format, ...)
  local line = ("%s " .. format):format(PROGRAM, ...)
  for _, row in ipairs(rows.connection) do
    local value = self.values[row.name:sub(3)]
    if value then
      line = ("%s %s %s"):format(
        line,
        row.name,
        value:find "[^0-9A-Za-z./:_-]" and quote(value) or value
      )
    end
  end
  return line
end

--- Prints one JSON document as the result.
---@param value any
function App:print_json(value)
  self.terminal:json(require("codearts.build.cli.json").encode(value))
end

--- Tells people the command to type next: the user's own words, in which nothing is hidden.
---@param what string it is for
---@param format string see next_command
---@param ... string|integer
function App:warn_next(what, format, ...)
  self.terminal:warn(PROGRAM .. ": " .. what .. self:next_command(format, ...))
end

local HINTS = {
  config = "`codearts-build doctor` tells what is missing",
  auth = "`codearts-build doctor` tells which credentials served",
}

--- Tells people what went wrong, and where to go from there.
---@param err table structured error
function App:warn_of(err)
  self:warn(tostring(err))
  if HINTS[err.kind] then
    self:warn(HINTS[err.kind])
  end
end

--- Tells people that nobody knows whether a build is over: its status alone does not tell, and what would cannot be read.
---@param build_no integer
---@param err table
function App:warn_unjudged(build_no, err)
  self:warn(("whether build %d is over cannot be read: %s"):format(build_no, tostring(err)))
end

--- Tells programs what went wrong, with --json.
---@param err table structured error
function App:print_error(err)
  if self.form ~= "text" then
    self.terminal:json(error_document(self.form, err))
  end
end

--- What a signal did to us: "interrupted", "terminated" or "hung up".
---@return string
function App:ended()
  return WORDS[self.core.ending() or "INT"]
end

--- What a signal cut off, as an error: a start that nobody waits for any more may have reached the service.
---@param starts string? job of the build that was being started
---@param outcome string? what is known of that; "unknown" without it
---@return table err
function App:interruption(starts, outcome)
  return self.core.error {
    kind = "cancelled",
    outcome = starts and (outcome or "unknown") or nil,
    message = self:ended()
      .. (starts and " while starting a build of " .. starts or "")
      .. (self.stops and "; " .. self.stops .. " may have been stopped" or ""),
  }
end

local function report_interrupt(app)
  local err = app:interruption(app.starts)
  app:print_error(err)
  if app.starts then
    app:warn_of(err)
    app:warn_next("  to look for it: ", "history %s", app.starts)
  else
    app:warn(err.message)
  end
end

local function status_of_failure(app, failure)
  app.terminal:clear()
  local answered = app.build.is_error(failure) and failure.status
  local is_interrupt = tostring(failure):find "interrupted!$" and not answered -- lua's own handler
  if failure == ENDED or is_interrupt then
    report_interrupt(app)
    return exit_status.of_ending[app.core.ending() or "INT"]
  elseif failure == NO_OUTPUT then
    return exit_status.success -- cli.main makes a status of why
  elseif app.build.is_error(failure) then
    app:print_error(failure)
    app:warn_of(failure)
    return exit_status.of_error(failure)
  end
  app:warn("internal error: " .. tostring(failure))
  return exit_status.service
end

--- Makes a command from its body.
---@param body fun(app: codearts.build.cli.App, values: table): integer? answers the exit status, nil for success
---@return fun(values: table): integer
function App.command(body)
  return function(values)
    local app, problem = open(values)
    if not app then
      problem = "the library cannot be loaded: " .. problem
      if form_of(values) ~= "text" then
        local err = { kind = "config", message = problem, retryable = false }
        output.write(error_document(form_of(values), err), "\n")
      end
      complain(problem)
      complain "`codearts-build doctor` tells more"
      return exit_status.usage
    end
    local ok, status = pcall(body, app, values)
    if not ok then
      status = status_of_failure(app, status)
    end
    if app.the_client then
      pcall(app.the_client.close, app.the_client)
    end
    app.terminal:clear()
    return status or exit_status.success
  end
end

return App
