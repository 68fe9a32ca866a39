-- Part of `make check`: fails when a call takes 5 % more instructions than bench/baseline.lua says.
-- Instructions, not seconds: they are the same on a busy machine.

local baseline = require "bench.baseline"
local clients_of = require "bench.clients"
local machine = require "bench.machine"
local measure = require "bench.measure"
local server_of = require "bench.server"

local CALLS, TRIES, SLACK = 200, 2, 1.05

local server = server_of.start { pin = machine.pin }
local ok, failures = pcall(function()
  local clients = clients_of(server)
  local floor = measure.instructions(function(n)
    return clients.floor("http", n)
  end, CALLS, TRIES)
  local failed = 0
  for _, lua in ipairs(machine.luas) do
    local ours = measure.instructions(function(n)
      return clients.ours(lua, "sequential", "http", n)
    end, CALLS, TRIES)
    local limit = baseline[lua] * SLACK
    local bad = ours / floor > limit
    failed = failed + (bad and 1 or 0)
    local line = "%s %s: %.0f instructions a call, %.3f of libcurl's %.0f, limit %.3f"
    print(line:format(bad and "FAIL" or "ok", lua, ours, ours / floor, floor, limit))
  end
  return failed
end)
server.stop()
if not ok then
  io.stderr:write(tostring(failures), "\n")
end
os.exit(ok and failures == 0 and 0 or 1)
