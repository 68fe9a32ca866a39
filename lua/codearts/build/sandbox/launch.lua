-- Starts the sandbox beside this process. `io.popen` goes one way only, so the child's input is the pipe (its end tells the child that
-- this process is gone) and its one line of output comes through a named pipe.

local json = require "codearts.build.sandbox.json"
local quote = require("codearts.build.sandbox.reaper").quote

local M = {}

local CODE = [[local folder = %s
package.path = folder .. "/?.lua;" .. package.path
require("codearts.build.sandbox").serve_child()]]

-- The folder that `codearts/build/sandbox/launch.lua` lies in.
local function lua_folder()
  local source = debug.getinfo(1, "S").source:gsub("^@", "")
  local folder = source:match("^(.*)codearts/build/sandbox/launch%.lua$")
  return folder == "" and "." or folder:sub(1, -2)
end

local function line_of(command)
  local pipe = assert(io.popen(command, "r"))
  local line = pipe:read("*l")
  pipe:close()
  return line
end

local INTERPRETERS = "luajit lua5.4 lua5.3 lua5.2 lua5.1 lua"

-- The interpreter that runs this very program, or, inside another host (an editor, a game), one that has what the sandbox needs.
local function interpreter()
  local lowest = 0
  while arg and arg[lowest - 1] do
    lowest = lowest - 1
  end
  local name = arg and lowest < 0 and arg[lowest]
  if name and name:find("lua[^/]*$") then
    return name
  end
  return line_of(
    ('for lua in %s; do if $lua -e \'require "cqueues" require "cjson"\' >/dev/null 2>&1; then echo $lua; break; fi; done'):format(
      INTERPRETERS
    )
  )
end

local function read_ready_line(fifo)
  local handle = assert(io.open(fifo, "r"))
  local line = handle:read("*l")
  handle:close()
  return line or ""
end

---@param options codearts.build.sandbox.Options
---@return codearts.build.sandbox.Handle|nil
---@return string|nil message
function M.start(options)
  local lua = interpreter()
  if not lua then
    return nil, "no Lua interpreter with lua-cqueues and lua-cjson was found"
  end
  local folder = assert(
    line_of('umask 077; d=$(mktemp -d) && mkfifo "$d/ready" && echo "$d"'),
    "no temporary folder can be made"
  )
  local code = CODE:format(("%q"):format(lua_folder()))
  local fifo = folder .. "/ready"
  local pipe =
    assert(io.popen(("exec setsid %s -e %s >%s"):format(quote(lua), quote(code), quote(fifo)), "w"))
  pipe:write(json.encode(options), "\n")
  pipe:flush()
  local line = read_ready_line(fifo)
  os.remove(fifo)
  os.remove(folder)
  local endpoint, token, project_id =
    line:match("^codearts%-build sandbox ready endpoint=(%S+) token=(.-) project_id=(%S+)$")
  if not endpoint then
    pipe:close()
    return nil, line:match("^codearts%-build sandbox failed (.*)$") or "the process did not start"
  end
  local stopped = false
  return {
    endpoint = endpoint,
    token = token,
    project_id = project_id,
    stop = function()
      if not stopped then
        stopped = true
        pipe:close()
      end
    end,
  }
end

return M
