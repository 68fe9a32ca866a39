--- The arguments of every command, as argparse reads them. Loads neither the core nor libcurl, so that a usage error and
-- --help cost nothing.
local dates = require "codearts.build.lifecycle.dates"
local duration = require "codearts.build.cli.duration"
local reference = require "codearts.build.cli.reference"

local PROGRAM = "codearts-build"

local function integer_from(least, most)
  local wanted = ("an integer %s"):format(
    most and ("from %d to %d"):format(least, most) or ("of %d or more"):format(least)
  )
  return function(str)
    local number = str:find("^%d+$") and tonumber(str)
    if not number or number < least or number > (most or 2147483647) then
      return nil, ("expected %s, got '%s'"):format(wanted, str)
    end
    return number
  end
end

local function day(str)
  if not dates.parse(str) then
    return nil, ("expected a day such as 2024-05-31, got '%s'"):format(str)
  end
  return str
end

--- NAME=VALUE.
local function pair(str)
  local name, value = str:match("^([^=]+)=(.*)$")
  if not name then
    return nil, ("expected NAME=VALUE, got '%s'"):format(str)
  end
  return { name = name, value = value }
end

--- NAME=TEXT, NAME:=JSON or NAME=@FILE.
local function call_argument(str)
  local name, colon, value = str:match("^([%w_]+)(:?)=(.*)$")
  if not name then
    return nil, ("expected NAME=VALUE, NAME:=JSON or NAME=@FILE, got '%s'"):format(str)
  end
  return { name = name, value = value, json = colon == ":" }
end

local function one_of(...)
  local words = { ... }
  return function(str)
    for _, word in ipairs(words) do
      if str == word then
        return str
      end
    end
    return nil, ("expected one of %s, got '%s'"):format(table.concat(words, ", "), str)
  end
end

local function not_empty(str)
  if str == "" then
    return nil, "expected a text that is not empty"
  end
  return str
end

--- A converter whose complaint names what it complains about.
local function named(name, convert)
  return function(str)
    local value, problem = convert(str)
    if value == nil then
      return nil, name .. ": " .. problem
    end
    return value
  end
end

local function add_option(command, name, argname, description, convert)
  return command:option(name, description):argname(argname):convert(named(name, convert))
end

local function add_argument(command, name, argname, description, convert)
  return command:argument(name, description):argname(argname):convert(named(argname, convert))
end

local function add_connection(command)
  add_option(command, "--region", "ID", "Region of the service, for example cn-north-4.", not_empty)
  add_option(command, "--endpoint", "URL", "Address of the service instead of a region.", not_empty)
end

local function add_output(command, events)
  local json = command:flag("--json", "Print the result as one JSON document.")
  if events then
    command:mutex(
      json,
      add_option(
        command,
        "--output",
        "FORM",
        "text, json, or ndjson: every event as one line of JSON.",
        one_of("text", "json", "ndjson")
      )
    )
    add_option(
      command,
      "--progress",
      "HOW",
      "auto, plain (no live lines) or none.",
      one_of("auto", "plain", "none")
    ):default("auto")
  end
end

local function add_job(command)
  add_argument(
    command,
    "job",
    "JOB",
    "Job id, or the address of its page in the console.",
    reference.job
  )
end

local function add_build(command)
  add_job(command)
  add_argument(command, "build_no", "NUMBER", "Number of the build.", integer_from(1))
end

local function add_waiting(command)
  add_option(
    command,
    "--timeout",
    "TIME",
    "Stop waiting after this time, such as 90s, 30m, 1h30m; the build goes on.",
    duration.parse
  )
  command:flag("--follow", "Print the log while waiting.")
end

local commands, define = {}, {}

commands.run = {
  "Start builds, and wait for them if asked to.",
  [[
Examples:
  codearts-build run f9d6c8466d614a9788e9a0acf6c15f46
  codearts-build run f9d6c8466d614a9788e9a0acf6c15f46 --param codeBranch=master --wait
  codearts-build run JOB_A JOB_B --wait --timeout 30m]],
}

function define.run(command)
  add_argument(
    command,
    "jobs",
    "JOB",
    "Job ids, or addresses of their pages in the console.",
    reference.job
  ):args("+")
  add_option(
    command,
    "--param",
    "NAME=VALUE",
    "A parameter of the build; may be given again.",
    pair
  ):count("*")
  add_option(command, "--tag", "TAG", "Code tag to build.", not_empty)
  add_option(command, "--commit", "ID", "Commit to build.", not_empty)
  add_option(command, "--branch", "NAME", "Branch to build.", not_empty)
  command:flag("--wait", "Wait for the end of the build; the exit status tells how it went.")
  add_waiting(command)
  add_output(command, true)
  add_connection(command)
end

commands.wait = {
  "Wait for the end of a build.",
  [[
Example:
  codearts-build wait f9d6c8466d614a9788e9a0acf6c15f46 20 --follow]],
}

function define.wait(command)
  add_build(command)
  add_waiting(command)
  add_output(command, true)
  add_connection(command)
end

commands.status = {
  "Show how a build stands, and its steps.",
  [[
Example:
  codearts-build status f9d6c8466d614a9788e9a0acf6c15f46 20]],
}

function define.status(command)
  add_build(command)
  add_output(command)
  add_connection(command)
end

commands.log = {
  "Print the log of a build.",
  [[
Examples:
  codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 20 --follow
  codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 20 --step compile]],
}

function define.log(command)
  add_build(command)
  command:mutex(
    command:flag("--follow", "Go on until the build is over."),
    add_option(command, "--step", "NAME", "Only this step.", not_empty)
  )
  add_output(command)
  add_connection(command)
end

commands.stop =
  { "Stop a build.", [[
Example:
  codearts-build stop f9d6c8466d614a9788e9a0acf6c15f46 20]] }

function define.stop(command)
  add_build(command)
  add_output(command)
  add_connection(command)
end

commands.history = {
  "List the builds of a job.",
  [[
Examples:
  codearts-build history f9d6c8466d614a9788e9a0acf6c15f46 --days 30
  codearts-build history f9d6c8466d614a9788e9a0acf6c15f46 --from 2024-05-01 --to 2024-05-31]],
}

function define.history(command)
  add_job(command)
  add_option(
    command,
    "--days",
    "N",
    "How many days to look back, at most 30 (default 7).",
    integer_from(0, 30)
  )
  add_option(command, "--from", "DAY", "First day, with --to.", day)
  add_option(command, "--to", "DAY", "Last day, at most 30 days later.", day)
  add_option(
    command,
    "--limit",
    "N",
    "Builds to list, at most 100 (default 10).",
    integer_from(1, 100)
  )
  add_option(command, "--page", "N", "Page of that many builds, from 0.", integer_from(0))
  add_output(command)
  add_connection(command)
end

commands.jobs = {
  "List the build jobs of a project.",
  [[
Example:
  codearts-build jobs 54bc5ae8ca3e43e19d3ba0f7dc9e2a3c --limit 50]],
}

function define.jobs(command)
  add_argument(
    command,
    "project",
    "PROJECT",
    "Project id, or an address of it in the console.",
    reference.project
  )
  add_option(
    command,
    "--limit",
    "N",
    "Jobs to list, at most 100 (default 10).",
    integer_from(1, 100)
  )
  add_option(command, "--page", "N", "Page of that many jobs, from 0.", integer_from(0))
  add_output(command)
  add_connection(command)
end

commands.call = {
  "Call any operation of the service by its name.",
  [[
Arguments are NAME=TEXT, NAME:=JSON or NAME=@FILE (its content). JSON answers are printed as JSON, others as they
are.

Examples:
  codearts-build call --list
  codearts-build call ShowJobStatus job_id=f9d6c8466d614a9788e9a0acf6c15f46
  codearts-build call DownloadBuildLog record_id=ID --to build.log]],
}

function define.call(command)
  command:argument("operation", "Name of the operation."):argname("OPERATION"):args("?")
  add_argument(command, "arguments", "ARGUMENT", "Its arguments.", call_argument):args("*")
  command:flag("--list", "List all operations and their arguments.")
  add_option(
    command,
    "--to",
    "FILE",
    "File for an answer that is not JSON; it appears whole or not at all.",
    not_empty
  )
  command:flag("--json", "JSON in any case (the default of this command).")
  add_connection(command)
end

commands.doctor = {
  "Check what goes wrong in practice, and say what to do.",
  [[
What it prints holds no secrets and may go into a bug report.

Example:
  codearts-build doctor --region cn-north-4 --job f9d6c8466d614a9788e9a0acf6c15f46]],
}

function define.doctor(command)
  add_option(
    command,
    "--job",
    "JOB",
    "Job id or address, to try a call that reads it.",
    reference.job
  )
  command:flag("--json", "Print the result as one JSON document.")
  add_connection(command)
end

commands.sandbox = {
  "Run a local build service for development and tests.",
  [[
Example:
  codearts-build sandbox --jobs jobs.lua]],
}

function define.sandbox(command)
  add_option(command, "--jobs", "FILE", "File that describes the jobs.", not_empty)
  add_option(
    command,
    "--host",
    "ADDRESS",
    "Address to listen on; it runs commands, so keep it on loopback.",
    not_empty
  )
  add_option(command, "--port", "N", "Port to listen on (default: any free one).", integer_from(0))
  add_option(
    command,
    "--token",
    "TEXT",
    "Token to accept (default: CODEARTS_BUILD_SANDBOX_TOKEN, else a random one). Others on this machine can read it here.",
    not_empty
  )
  add_option(
    command,
    "--folder",
    "DIR",
    "Where builds work and stay (default: a temporary one).",
    not_empty
  )
  add_option(
    command,
    "--max-builds",
    "N",
    "Builds at once; the others wait (default 2).",
    integer_from(1)
  )
end

commands.completion = {
  "Print the completion script for a shell.",
  [[
Example:
  eval "$(codearts-build completion bash)"]],
}

function define.completion(command)
  add_argument(command, "shell", "SHELL", "bash, zsh or fish.", one_of("bash", "zsh", "fish"))
end

local ORDER = {
  "run",
  "wait",
  "status",
  "log",
  "stop",
  "history",
  "jobs",
  "call",
  "doctor",
  "sandbox",
  "completion",
}

local arguments = { program = PROGRAM, commands = ORDER }

--- The parser of the command line. Only the command that is meant gets its own options, for all of them would cost
-- more time than the rest of a usage error.
---@param meant? string name of a command; nil: all
---@return table parser of argparse
function arguments.parser(meant)
  local argparse = require "argparse"
  local parser =
    argparse(PROGRAM, "Run builds in Huawei Cloud CodeArts Build, and follow them."):epilog([[
Sign-in and region come from the environment (CODEARTS_BUILD_TOKEN, CODEARTS_BUILD_REGION, and the
vendor's HUAWEICLOUD_SDK_... variables) or from ~/.huaweicloud/credentials. `codearts-build doctor`
tells which one serves.

Exit status: 0 success, 1 the build failed, 2 usage or configuration, 3 cancelled, 4 sign-in or
permission, 5 unknown whether a build started, 6 service, network or output, 124 waiting timed
out, 130 interrupted (the build goes on).

Example:
  codearts-build run f9d6c8466d614a9788e9a0acf6c15f46 --wait --follow
]])
  parser:command_target("command"):require_command(true)
  parser:flag("--version", "Print the version."):action(function() end)
  for _, name in ipairs(ORDER) do
    local description, examples = commands[name][1], commands[name][2]
    local command = parser:command(name, description)
    if meant == nil or meant == name then
      define[name](command:epilog(examples))
    end
  end
  return parser
end

--- What single options cannot say about each other.
local function check_together(values)
  if values.command == "run" then
    if values.timeout and not (values.wait or values.follow) then
      return "--timeout needs --wait or --follow"
    end
  elseif values.command == "history" then
    if (values.from == nil) ~= (values.to == nil) then
      return "--from and --to come together"
    elseif values.from and values.days then
      return "--days and --from exclude each other"
    end
    local problem = values.from and dates.problem_of_span(values.from, values.to)
    if problem then
      return "--to: " .. problem
    end
  elseif values.command == "call" and not values.operation and not values.list then
    return "missing argument 'operation' (or --list)"
  end
  return nil
end

--- Reads the command line. --help prints and ends the process, as argparse does.
---@param argv string[]
---@return table? values by name; `command` is the command
---@return string? usage of the command that was meant
---@return string? problem
function arguments.parse(argv)
  local parser = arguments.parser(argv[1] or "")
  local failure = {}
  -- argparse ends the process with status 1 here, but a usage error is 2.
  function parser.error(at, problem)
    failure.usage, failure.problem = at:get_usage(), problem
    error(failure, 0)
  end
  local ok, values = pcall(parser.parse, parser, argv)
  if not ok then
    if values ~= failure then
      error(values, 0)
    end
    return nil, failure.usage, failure.problem
  end
  local problem = check_together(values)
  if problem then
    return nil, ("Usage: %s %s --help"):format(PROGRAM, values.command), problem
  end
  return values
end

return arguments
