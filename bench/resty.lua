-- What the nginx adapter costs, where the engine is stepped between pauses instead of by a
-- descriptor: lua bench/resty.lua
--
-- One worker runs the client, another nginx is the service that answers after a delay. A plain
-- script with the same calls is what the adapter is compared with.

local build = require "codearts.build"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local nginx = require "spec.support.nginx"
local socket = require "socket"

local JOB = host.JOB
local DELAYS = { 0, 0.005, 0.02, 0.1, 1 }
local WAITING = 50

local function free_port()
  local bound = assert(socket.bind("127.0.0.1", 0))
  local _, port = bound:getsockname()
  bound:close()
  return tonumber(port)
end

local port = free_port()
local service = nginx.start {
  server = ([[
    listen 127.0.0.1:%d;
    keepalive_requests 1000000;
    location = /v3/jobs/build {
      content_by_lua_block {
        local delay = tonumber(ngx.req.get_headers()["X-Delay"])
        if delay > 0 then
          ngx.sleep(delay)
        end
        ngx.print('{"octopus_job_name":"j","actual_build_number":"1","daily_build_number":"1.1"}')
      }
    }]]):format(port),
}
local endpoint = ("http://127.0.0.1:%d"):format(port)
local worker = nginx.start {
  endpoint = endpoint,
  app = ([[
    local M = {}
    local client
    function M.run(delay)
      client = client or require("codearts.build.resty").new {
        endpoint = "%s", auth = "a-fake-token", proxy = false, max_connections = 1000,
      }
      return client:run({ job_id = ("a"):rep(32) }, { headers = { ["X-Delay"] = delay } })
    end
    return M]]):format(endpoint),
  server = [[
    location = /wait { content_by_lua_block { require("app").run(ngx.var.arg_delay) ngx.print("ok") } }
    location = /measure {
      content_by_lua_block {
        local app, core = require "app", require "codearts.build.core"
        app.run("0")
        for _ = 1, tonumber(ngx.var.arg_calls) do
          local started = core.now()
          app.run(ngx.var.arg_delay)
          ngx.say(("%.6f"):format(core.now() - started))
        end
      }
    }]],
}

local function median(values)
  table.sort(values)
  return values[math.floor((#values + 1) / 2)]
end

-- Median of the seconds that a call takes, in a script and in the worker.
local function latencies(delay, calls)
  local client = build.new { endpoint = endpoint, auth = "a-fake-token", proxy = false }
  local opts = { headers = { ["X-Delay"] = tostring(delay) } }
  client:run(JOB, opts)
  local plain, inside = {}, {}
  for i = 1, calls do
    local started = core.now()
    client:run(JOB, opts)
    plain[i] = core.now() - started
  end
  client:close()
  local _, text = worker:get(("/measure?calls=%d&delay=%s"):format(calls, delay))
  for seconds in text:gmatch "[%d.]+" do
    inside[#inside + 1] = tonumber(seconds)
  end
  return median(plain), median(inside)
end

local function hello_median(n)
  local seconds = {}
  for i = 1, n do
    local started = core.now()
    assert(worker:get "/hello" == 200)
    seconds[i] = core.now() - started
  end
  return median(seconds)
end

-- Processor seconds of the worker so far.
local function cpu()
  local file = assert(io.open(("/proc/%d/schedstat"):format(worker:workers()[1])))
  local nanoseconds = file:read "*n"
  file:close()
  return nanoseconds / 1e9
end

local function with_waiting(seconds, f)
  local requests = {}
  for i = 1, WAITING do
    requests[i] = worker:send("/wait?delay=" .. seconds)
  end
  socket.sleep(0.2) -- until all have been sent and the pauses have grown
  local before = cpu()
  local answer = f()
  local used = cpu() - before
  for i = 1, WAITING do
    assert(requests[i]:read() == 200)
  end
  return answer, used
end

local ok, err = xpcall(function()
  print "a call, median in ms:\n\n| answer after | script | nginx | added |\n|---|---|---|---|"
  for _, delay in ipairs(DELAYS) do
    local plain, inside = latencies(delay, delay < 0.1 and 200 or delay < 1 and 20 or 5)
    print(
      ("| %g ms | %.2f | %.2f | %.2f |"):format(
        delay * 1000,
        plain * 1000,
        inside * 1000,
        (inside - plain) * 1000
      )
    )
  end
  local idle = hello_median(1000)
  local busy = with_waiting(1, function()
    return hello_median(500)
  end)
  print(
    ("\na page of the same worker, median: %.0f us idle, %.0f us while %d calls wait for a server\n"):format(
      idle * 1e6,
      busy * 1e6,
      WAITING
    ) .. ("that answers after 1 s: %.2f times (at most 2)"):format(busy / idle)
  )
  local _, used = with_waiting(6, function()
    socket.sleep(5)
  end)
  print(
    ("the worker's processor time while %d calls wait: %.2f %%"):format(WAITING, used / 5 * 100)
  )
  local before = cpu()
  socket.sleep(3)
  print(("and while none does: %.2f %%"):format((cpu() - before) / 3 * 100))
end, debug.traceback)
worker:stop()
service:stop()
if not ok then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
