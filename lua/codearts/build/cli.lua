--- The command line: reads the arguments, hands over to the command, turns errors into messages and exit statuses.
local attempt = require "codearts.build.cli.attempt"
local exit_status = require "codearts.build.cli.exit_status"
local output = require "codearts.build.cli.output"

local cli = {}

local PROGRAM = "codearts-build"

local function complain(message)
  output.say(PROGRAM, ": ", message, "\n")
end

local function run(argv)
  if argv[1] == "--version" then -- the way of scripts, so it takes no detour
    output.write(PROGRAM, " ", require "codearts.build.version", "\n")
    return exit_status.success
  end
  if argv[1] == "--complete" then -- of the completion scripts, for which every millisecond counts
    return require "codearts.build.cli.complete"(
      argv[2],
      { (table.unpack or rawget(_G, "unpack"))(argv, 3) }
    )
  end
  local has_argparse = attempt(require, "argparse")
  if not has_argparse then
    complain "the command needs argparse for Lua: apt install lua-argparse, or luarocks install argparse"
    return exit_status.usage
  end
  local arguments = require "codearts.build.cli.arguments"
  local values, usage, problem = arguments.parse(argv)
  if not values then
    output.say(usage, "\n")
    complain(problem)
    require("codearts.build.cli.app").print_usage_error(argv, problem)
    return exit_status.usage
  end
  return arguments.command(values.command).run(values)
end

--- Runs a command line. Prints; raises nothing but errors of our own making.
---@param argv string[]
---@return integer exit status
function cli.main(argv)
  output.check_streams()
  -- With nowhere to print a result to, nothing is begun.
  local status = output.problem and exit_status.service or run(argv)
  if not output.problem then
    return status
  elseif output.nobody_reads then
    return exit_status.of_all { status, output.ending() or exit_status.nobody_reads }
  end
  complain("standard output cannot be written to: " .. output.problem)
  -- The end of a session takes its terminal away: then the signal is what happened.
  return status == exit_status.hung_up and status
    or exit_status.of_all { status, exit_status.service }
end

return cli
