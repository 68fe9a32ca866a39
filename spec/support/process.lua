--- Starts the processes that specs talk to (run.lua) and speaks their control channel.
---
--- A process prints the number of its control port once it listens, and ends when the one
--- connection to that port does: nothing stays behind when a spec dies.

local socket = require("socket")
local wire = require("spec.support.wire")
local quote = require("spec.support.quote")

local ROOT = debug.getinfo(1, "S").source:match("^@(.*)spec/support/process%.lua$") or ""
local PATIENCE = 90 -- seconds until a silent process is an error

local M = {}

---@class spec.Process
---@field private control table
local Process = {}
Process.__index = Process

-- The interpreter that runs the spec, so that one environment fits both.
local function interpreter()
  local first = 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  local program = arg and arg[first]
  if first < 0 and program:match("lua[%w%.%-]*$") then
    return program
  end
  return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d%.%d")
end

---@param role string module of spec/support that the process runs
---@param options table handed to that module
---@return spec.Process process
---@return table answer of the module
function M.start(role, options)
  -- In the background of its shell: closing the pipe then never waits for the process. A
  -- sanitizer preloaded for the spec watches the spec alone.
  local pipe = assert(
    io.popen(
      ("LD_PRELOAD= %s %s %s </dev/null &"):format(
        quote(interpreter()),
        quote(ROOT .. "spec/support/run.lua"),
        quote(ROOT)
      ),
      "r"
    )
  )
  local port = pipe:read("*l")
  pipe:close()
  assert(port, "the support process did not start")
  local control = assert(socket.connect("127.0.0.1", tonumber(port)))
  control:settimeout(PATIENCE)
  control:setoption("tcp-nodelay", true)
  local process = setmetatable({ control = control, role = role }, Process)
  return process, process:ask("start", role, options)
end

--- Asks the process to do something and waits for its answer; raises what it raised.
---@param operation string
---@return any
function Process:ask(operation, ...)
  assert(self.control:send(wire.pack({ operation, ... })))
  local length, why = self.control:receive("*l")
  if not length then
    error(("%s process, %s: %s"):format(self.role, operation, why), 2)
  end
  local answer = wire.unpack(assert(self.control:receive(tonumber(length))))
  if answer.error then
    error(answer.error, 2)
  end
  return answer.value
end

--- Ends the process and waits until it has ended. Stopping twice is fine.
function Process:stop()
  if self.control then
    self.control:send(wire.pack({ "quit" }))
    self.control:receive("*l")
    self.control:close()
    self.control = nil
  end
end

return M
