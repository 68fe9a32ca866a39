--- The command line: reads the arguments, hands over to the command, turns errors into messages and exit statuses.
local exit_status = require "codearts.build.cli.exit_status"

local cli = {}

local PROGRAM = "codearts-build"

local function complain(message)
  io.stderr:write(PROGRAM, ": ", message, "\n")
end

--- Runs a command line. Prints; raises nothing but errors of our own making.
---@param argv string[]
---@return integer exit status
function cli.main(argv)
  if argv[1] == "--version" then -- the way of scripts, so it takes no detour
    print(PROGRAM .. " " .. require "codearts.build.version")
    return exit_status.success
  end
  local has_argparse = pcall(require, "argparse")
  if not has_argparse then
    complain "the command needs argparse for Lua: apt install lua-argparse, or luarocks install argparse"
    return exit_status.usage
  end
  local values, usage, problem = require("codearts.build.cli.arguments").parse(argv)
  if not values then
    io.stderr:write(usage, "\n")
    complain(problem)
    return exit_status.usage
  end
  return require("codearts.build.cli." .. values.command)(values)
end

return cli
