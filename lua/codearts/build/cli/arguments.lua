--- Reads the command line: collects the words, arguments and options of the commands, each from cli/<command>.lua, for
-- argparse. Loads neither the core nor libcurl, so that a usage error and --help cost nothing.
local exit_status = require "codearts.build.cli.exit_status"
local kinds = require "codearts.build.cli.kinds"

local PROGRAM = "codearts-build"

---@class codearts.build.cli.Command
---@field summary string one sentence
---@field about string? more of it
---@field examples string[]
---@field rows codearts.build.cli.Row[]
---@field check (fun(values: table): string?)? what single rows cannot say about each other: the problem
---@field run fun(values: table): integer answers the exit status
---@field body (fun(app: table, values: table))? what it does, for who brings an App of their own

local arguments = {
  program = PROGRAM,
  summary = "Run builds in Huawei Cloud CodeArts Build, and follow them.",
  --- Names of the commands, in the order of the help.
  commands = {
    "run",
    "wait",
    "status",
    "log",
    "artifacts",
    "stop",
    "history",
    "jobs",
    "key",
    "call",
    "doctor",
    "sandbox",
    "completion",
  },
}

local function is_command(name)
  for _, known in ipairs(arguments.commands) do
    if known == name then
      return true
    end
  end
  return false
end

--- What a command is: its words, rows and body.
---@param name string
---@return codearts.build.cli.Command
function arguments.command(name)
  return require("codearts.build.cli." .. name)
end

--- Where sign-in and region come from: for --help and the manual.
arguments.about = [[
Sign-in and region come from the environment (CODEARTS_BUILD_TOKEN, CODEARTS_BUILD_REGION or
CODEARTS_BUILD_ENDPOINT, and the vendor's HUAWEICLOUD_SDK_... variables) or from
~/.huaweicloud/credentials. `codearts-build doctor` tells which one serves. Jobs have names where
CODEARTS_BUILD_PROJECT is set.]]

arguments.examples = {
  "codearts-build jobs 54bc5ae8ca3e43e19d3ba0f7dc9e2a3c",
  "codearts-build run f9d6c8466d614a9788e9a0acf6c15f46 --wait --follow",
  "codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 --failed",
}

--- What the environment tells the command, for the manual.
arguments.environment = {
  { "CODEARTS_BUILD_TOKEN", "Token to sign in with." },
  { "CODEARTS_BUILD_REGION", "Region of the service, where --region is not given." },
  { "CODEARTS_BUILD_ENDPOINT", "Address of the service, where --endpoint is not given." },
  { "CODEARTS_BUILD_PROJECT", "Project whose jobs have names, where --project is not given." },
  { "CODEARTS_BUILD_SANDBOX_TOKEN", "Token that the sandbox accepts." },
  { "CODEARTS_BUILD_SANDBOX_AK, ..._SK", "Access key that the sandbox accepts." },
  { "CODEARTS_BUILD_SANDBOX_PASSWORD", "Password of the sandbox's --user." },
  {
    "HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK, ...",
    "The variables of the vendor's SDK: keys, region, project, the file of credentials.",
  },
  { "https_proxy, no_proxy", "Proxy on the way, as for other programs." },
  { "SSL_CERT_FILE", "File of certificates to trust instead of the system's." },
  { "NO_COLOR, TERM", "No colours if NO_COLOR is not empty; nothing moves if TERM is dumb." },
  { "TZ", "Time zone that times are shown in." },
  { "XDG_CACHE_HOME", "Where the names of listed jobs are kept (default: ~/.cache)." },
}

local function epilog()
  local lines = { arguments.about, "", "Exit status:" }
  for _, row in ipairs(exit_status.meanings) do
    lines[#lines + 1] = ("  %-4d %s"):format(row[1], row[2])
  end
  lines[#lines + 1] = "\nExamples:\n  " .. table.concat(arguments.examples, "\n  ")
  return table.concat(lines, "\n") .. "\n"
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

local function add_option(command, row)
  if not row.word then
    return command:flag(row.name, row.help)
  end
  local option = command:option(row.name, row.help):argname(row.word)
  if row.many then
    option:count "*"
  end
  if row.default then
    option:default(row.default)
  end
  return option
end

local function add_argument(command, row)
  local argument = command:argument(row.name, row.help):argname(row.word)
  if row.many or row.optional then
    argument:args(row.many and (row.optional and "*" or "+") or "?")
  end
  return argument
end

local function add_rows(command, rows)
  local elements = {}
  for _, row in ipairs(rows) do
    local is_option = row.name:sub(1, 1) == "-"
    local element = (is_option and add_option or add_argument)(command, row)
    local kind = row.kind or row.values and kinds.one_of(row.values)
    if kind then
      element:convert(named(is_option and row.name or row.word, kind))
    end
    elements[row.name] = element
    for _, other in ipairs(row.excludes or {}) do
      command:mutex(elements[other], element)
    end
  end
end

local function epilog_of(command)
  local head = #command.examples > 1 and "Examples:" or "Example:"
  return (command.about and command.about .. "\n\n" or "")
    .. head
    .. "\n  "
    .. table.concat(command.examples, "\n  ")
end

--- The parser of the command line. If a command is meant, it alone is loaded and gets its options, for all of them would
-- cost more time than the rest of a usage error.
---@param meant string
---@return table parser of argparse
local function parser_for(meant)
  local argparse = require "argparse"
  local parser = argparse(PROGRAM, arguments.summary):epilog(epilog())
  parser:command_target("command"):require_command(true)
  parser:flag("--version", "Print the version."):action(function() end)
  for _, name in ipairs(arguments.commands) do
    if name == meant then
      local command = arguments.command(name)
      add_rows(parser:command(name, command.summary):epilog(epilog_of(command)), command.rows)
    else
      parser:command(name, not is_command(meant) and arguments.command(name).summary or nil)
    end
  end
  return parser
end

--- Takes from the environment what was not given, and checks what single rows cannot say. The problem, if there is one.
---@param command codearts.build.cli.Command
---@param values table
---@return string?
function arguments.complete(command, values)
  for _, row in ipairs(command.rows) do
    local target = row.name:gsub("^%-+", ""):gsub("-", "_")
    local value = row.variable and values[target] == nil and os.getenv(row.variable)
    if value and value ~= "" then
      local problem
      values[target], problem = row.kind(value)
      if problem then
        return row.variable .. ": " .. problem
      end
    end
  end
  for _, row in ipairs(command.rows) do
    local problem = row.check and row.check(values)
    if problem then
      return problem
    end
  end
  return command.check and command.check(values)
end

--- Reads the command line. --help prints and ends the process, as argparse does.
---@param argv string[]
---@return table? values by name; `command` is the command
---@return string? usage of the command that was meant
---@return string? problem
function arguments.parse(argv)
  local parser = parser_for(argv[1] or "")
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
  local problem = arguments.complete(arguments.command(values.command), values)
  if problem then
    return nil, ("Usage: %s %s --help"):format(PROGRAM, values.command), problem
  end
  return values
end

return arguments
