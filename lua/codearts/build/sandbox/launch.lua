-- Starts the sandbox beside this process. `io.popen` goes one way only, so the child's input is the pipe, which carries nothing but its
-- end (that this process is gone); its one line of output comes through a named pipe, and its options are in a file beside that one.

local json = require("codearts.build.sandbox.json")
local quote = require("codearts.build.sandbox.reaper").quote

local M = {}

local CODE = [[local folder = %q
package.path = folder .. "/?.lua;" .. package.path
require("codearts.build.sandbox").serve_child(%q)]]

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

local function write(path, text)
  local handle = assert(io.open(path, "wb"))
  handle:write(text)
  handle:close()
end

local FIND = [[for lua in luajit lua5.5 lua5.4 lua5.3 lua5.2 lua5.1 lua; do
  if $lua -e 'require "cqueues" require "cjson"' >/dev/null 2>&1; then echo $lua; break; fi
done]]

-- The interpreter that runs this very program, or, inside another host (an editor, a game), one that has what the sandbox needs.
local function interpreter()
  local arg, lowest = rawget(_G, "arg"), 0
  while arg and arg[lowest - 1] do
    lowest = lowest - 1
  end
  local name = lowest < 0 and arg[lowest]
  if name and name:find("lua[A-Za-z0-9.%-]*$") then
    return name
  end
  return line_of(FIND)
end

-- Runs the child and answers the pipe that it lives on and the line that it prints, "" when it dies without one.
local function run_child(lua, folder, options)
  local ready, file = folder .. "/ready", folder .. "/options"
  write(file, json.encode(options))
  -- A sanitizer that is preloaded for the program that starts it watches that one alone.
  local command = ("LD_PRELOAD= exec setsid %s -e %s >%s"):format(
    quote(lua),
    quote(CODE:format(lua_folder(), file)),
    quote(ready)
  )
  local pipe = assert(io.popen(command, "w"))
  local handle = assert(io.open(ready, "r"))
  local line = handle:read("*l") or ""
  handle:close()
  os.remove(ready)
  os.remove(file)
  return pipe, line
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
  local pipe, line = run_child(lua, folder, options)
  os.remove(folder)
  local endpoint, token, project_id =
    line:match("^codearts%-build sandbox ready endpoint=([^ ]+) token=(.-) project_id=([^ ]+)$")
  if not endpoint then
    pipe:close()
    return nil, line:match("^codearts%-build sandbox failed (.*)$") or "the process did not start"
  end
  return {
    endpoint = endpoint,
    token = token,
    project_id = project_id,
    stop = function()
      if pipe then
        pipe:close()
        pipe = nil
      end
    end,
  }
end

return M
