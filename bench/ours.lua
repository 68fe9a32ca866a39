-- codearts-build as a client of the bench: MODE calls url token-bytes http-version agent ca [more …]
--
--   sequential [warm]                   calls one after another, kept alive, warm calls before (unmeasured)
--   many in-flight connections warm     that many at a time, warm calls before (unmeasured)
--   step mute-calls                     `calls` times step(0) with that many calls in flight that nobody answers
--   stream file                         a log streamed to a file
--   marshal parameters                  start and cancel `calls` calls with that many parameters
--   grow                                sequential, telling the resident memory after 2 % and at the end
--
--   cjson parameters                    what marshal is compared with: lua-cjson encoding the same
--
-- token-bytes may be `signed`: ak/sk instead of a token.

local bench = require "bench.client"
local build = require "codearts.build"
local core = require "codearts.build.core"

local mode, calls, url, token, version, _, ca = ...
calls = math.floor(tonumber(calls))
local more = { select(8, ...) }
for i, text in ipairs(more) do
  more[i] = tonumber(text) and math.floor(tonumber(text)) or text
end

local function client_with(connections)
  local signed = token == "signed"
  return build.new {
    endpoint = url:match "^%w+://[^/]+",
    auth = signed and { ak = "AK0000000000", sk = "not-a-secret-0000000000", project_id = "p" }
      or { token = string.rep("A", tonumber(token)) },
    tls = { ca_file = ca ~= "" and ca or nil },
    http_version = version,
    max_connections = connections,
    proxy = false,
  }
end

local args = bench.args(build.null)
local modes = {}

function modes.sequential()
  local client = client_with()
  bench.sequential(calls, more[1] or 0, core.now, function()
    bench.verify(client:run(args))
  end)
  client:close()
end

-- Sockets that this process has open.
local function sockets()
  local file = io.open("/proc/self/stat", "r")
  local pid = file and file:read("*n")
  if file then
    file:close()
  end
  local pipe = io.popen("ls -l /proc/" .. string.format("%d", pid or 0) .. "/fd | grep -c socket:")
  local count = pipe and pipe:read("*n")
  if pipe then
    pipe:close()
  end
  return math.floor(count or -1)
end

-- Runs `total` calls, `in_flight` at a time.
local function run_many(client, total, in_flight)
  local started, failure, start = 0, nil, nil
  local function on_done(result, err)
    if err then
      failure = failure or err
    else
      bench.verify(result)
    end
    if started < total then
      start()
    end
  end
  function start()
    started = started + 1
    client:start(args):on_done(on_done)
  end
  for _ = 1, math.min(in_flight, total) do
    start()
  end
  while client:step(10) > 0 do
    assert(not failure, tostring(failure))
  end
  assert(not failure, tostring(failure))
end

function modes.many()
  local in_flight, connections, warm = more[1], more[2], more[3]
  local client = client_with(connections)
  local before = sockets()
  if warm > 0 then
    run_many(client, warm, in_flight)
  end
  bench.report(calls, core.now, function()
    run_many(client, calls, in_flight)
    return { connects = sockets() - before }
  end)
  client:close()
end

function modes.stream()
  local client = client_with()
  bench.report(calls, core.now, function()
    client:call("DownloadBuildLog", { record_id = ("0"):rep(32) }, { to = more[1] })
  end)
  client:close()
end

function modes.step()
  local mute = more[1]
  local client = client_with(math.max(mute, 1))
  local held = {}
  for i = 1, mute do
    held[i] = client:start(args)
  end
  for _ = 1, 20 do
    client:step(0.05) -- until every request is out and there is nothing left but to wait
  end
  bench.report(calls, core.now, function()
    for _ = 1, calls do
      client:step(0)
    end
    return { mute = #held }
  end)
  client:close()
end

local function many_parameters(count)
  local many = { job_id = args.job_id, parameter = {} }
  for i = 1, count do
    many.parameter[i] = { name = "PARAMETER_" .. i, value = "the value of parameter number " .. i }
  end
  return many
end

function modes.marshal()
  local client, many = client_with(), many_parameters(more[1])
  bench.report(calls, core.now, function()
    for _ = 1, calls do
      client:start(many):cancel()
    end
  end)
  client:close()
end

function modes.cjson()
  local cjson = require "cjson"
  local many = many_parameters(more[1])
  bench.report(calls, core.now, function()
    for _ = 1, calls do
      cjson.encode(many)
    end
  end)
end

function modes.grow()
  local client = client_with()
  local early
  bench.report(calls, core.now, function()
    for i = 1, calls do
      client:run(args)
      if i * 50 == calls then
        collectgarbage()
        early = bench.resident()
      end
    end
    collectgarbage()
    return { early_kib = early, late_kib = bench.resident() }
  end)
  client:close()
end

modes[mode]()
