-- Part of `make check`: fails when a call takes more than bench/baseline.lua says. Counts, not seconds:
-- they are the same on a busy machine, but for answers that are not there yet at the first look.

local baseline = require "bench.baseline"
local clients_of = require "bench.clients"
local machine = require "bench.machine"
local measure = require "bench.measure"
local server_of = require "bench.server"

-- Within the first calls LuaJIT compiles, when is up to addresses: counted with that, runs of one commit differ by a tenth.
-- What malloc does for a call follows the places where its blocks came to lie, and differs from one process to
-- the next by 500 instructions: that is the warm one's over `CALLS`, so these are many.
local FIRST, CALLS, TRIES, SLACK = 500, 3000, 3, 1.1
local COUNTED = {
  http = { "instructions", "data", "code" },
  traced = { "instructions" }, -- what an id in the answer takes, which is masked, is nothing else
}

local server = server_of.start { pin = machine.pin }

---@return integer failed
local function check(clients, kind)
  local floor = measure.cost(function(n)
    return clients.floor(kind, n)
  end, CALLS, TRIES, FIRST)
  local multi = measure.cost(function(n)
    return clients.floor_multi(kind, n, 1, 0, 0)
  end, CALLS, TRIES, FIRST)
  local failed = 0
  for _, lua in ipairs(machine.luas) do
    local ours = measure.cost(function(n)
      return clients.ours(lua, "sequential", kind, n)
    end, CALLS, TRIES, FIRST)
    for _, name in ipairs(COUNTED[kind]) do
      local over, limit = ours[name] - floor[name], baseline[lua][kind][name] * SLACK
      failed = failed + (over > limit and 1 or 0)
      local line =
        "%s %s, %s, %s: %.0f a call, %.0f over libcurl's, at most %.0f; %.0f over a multi handle's"
      local verdict, by_multi = over > limit and "FAIL" or "ok", ours[name] - multi[name]
      print(line:format(verdict, lua, kind, name, ours[name], over, limit, by_multi))
    end
  end
  return failed
end

local ok, failures = pcall(function()
  local clients = clients_of(server)
  return check(clients, "http") + check(clients, "traced")
end)
server.stop()
if not ok then
  io.stderr:write(tostring(failures), "\n")
end
os.exit(ok and failures == 0 and 0 or 1)
