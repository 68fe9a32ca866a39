-- Mixed calls against the misbehaving server for SOAK_SECONDS: does memory grow, do descriptors
-- leak, does every call that was started end once? `make soak`; not part of the checks.

local build = require "codearts.build"
local core = require "codearts.build.core"
local read_file = require "spec.support.read_file"
local servers = require "spec.support.server"

local SECONDS = tonumber(os.getenv "SOAK_SECONDS") or 600
local AT_ONCE = 16
local WARM_UP = 0.3 -- of the time: pools fill, the allocator finds its size
local MOST_GROWTH = 256 -- KiB from the middle of the rest to its end that are noise

-- Those that end by themselves and quickly; fine answers as often as all the others.
local FAULTS = {
  "ok_then_close",
  "ok_then_reset",
  "ok_cut",
  "ok_empty",
  "ok_not_json",
  "ok_bad_utf8",
  "chunked",
  "chunked_cut",
  "http_1_0",
  "truncated",
  "gzip",
  "redirect",
  "busy_400",
  "forbidden",
  "error_500",
  "error_502",
  "throttled",
  "unavailable",
  "unauthorized",
  "close_before_reading",
  "close_on_bytes",
  "close_after_head",
  "close_in_body",
  "close_after_body",

  "reset_on_bytes",
  "reset_in_body",
  "reset_after_body",
}

local function resident()
  return tonumber(read_file("/proc/self/statm"):match "%d+ (%d+)") * 4
end

local function descriptors()
  local count = 0
  for _ in io.popen("ls /proc/" .. read_file("/proc/self/stat"):match "%d+" .. "/fd"):lines() do
    count = count + 1
  end
  return count
end

-- The least-squares slope of points (x, y).
local function slope(points)
  local n, sx, sy, sxx, sxy = #points, 0, 0, 0, 0
  for _, p in ipairs(points) do
    sx, sy, sxx, sxy = sx + p[1], sy + p[2], sxx + p[1] * p[1], sxy + p[1] * p[2]
  end
  return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

math.randomseed(4711)
local server = servers.start()
local function behave()
  local list = {}
  while #list < 200 do
    list[#list + 1] = math.random(2) == 1 and "ok" or FAULTS[math.random(#FAULTS)]
  end
  server:script(list)
end

local function new_client()
  return build.new {
    endpoint = server.url,
    auth = "a-fake-token",
    proxy = false,
    timeout = 5,
    retry = { max_attempts = 2, base_delay = 0.001, max_delay = 0.002 },
    on_event = function() end,
  }
end

local started, completed, results, errors, cancelled, clients = 0, 0, 0, 0, 0, 0
local open = 0
local JOB = ("0f1e2d3c"):rep(4)

local function done(result, err)
  assert((result == nil) ~= (err == nil))
  open, completed = open - 1, completed + 1
  if result then
    results = results + 1
  else
    assert(build.is_error(err), tostring(err))
    errors = errors + 1
  end
end

local function start_one(client)
  local dice = math.random(20)
  local call
  if dice <= 14 then
    call = client:start { job_id = JOB, parameter = { n = dice, branch = "master" } }
  elseif dice <= 17 then
    call = client:request { path = "/v1/x", query = { { "n", tostring(dice) } } }
  elseif dice == 18 then
    call = client:sleep(0.001)
  else
    call = client:start({ job_id = JOB }, { auth = { ak = "FAKEAK", sk = "fake-secret" } })
  end
  started, open = started + 1, open + 1
  call:on_done(done)
  if dice == 1 then
    cancelled = cancelled + 1
    call:cancel()
  end
end

local begun = core.now()
local points, fds, next_look = {}, {}, begun
local client
while core.now() - begun < SECONDS do
  client = new_client()
  clients = clients + 1
  behave()
  for _ = 1, 150 do
    while open < AT_ONCE do
      start_one(client)
    end
    client:step(1)
  end
  if math.random(2) == 1 then -- every second client is closed with calls in flight
    while client:step(1) > 0 do
    end
  end
  client:close()
  assert(open == 0, "calls were not told that their client was closed")
  if core.now() >= next_look and core.now() - begun > SECONDS * WARM_UP then
    next_look = core.now() + SECONDS / 100
    client = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    points[#points + 1] = { core.now() - begun, resident() }
    fds[#fds + 1] = descriptors()
  end
end
server:stop()

table.sort(fds)
local kib_per_second = slope(points)
local growth = kib_per_second * SECONDS * (1 - WARM_UP) / 2
print(
  ("%d started, %d completed (%d results, %d errors, %d cancelled at once), %d clients, %.0f s"):format(
    started,
    completed,
    results,
    errors,
    cancelled,
    clients,
    core.now() - begun
  )
)
print(
  ("memory %d to %d KiB, slope %.3f KiB/s; descriptors %d to %d"):format(
    points[1][2],
    points[#points][2],
    kib_per_second,
    fds[1],
    fds[#fds]
  )
)
local fine = started == completed and growth < MOST_GROWTH and fds[#fds] - fds[1] <= 2
print(fine and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(fine)
