-- How exactly calls keep to their deadline: lua bench/deadline.lua
--
-- Promised is an end within 50 ms and 5 % of it, whatever the server or a mute name server does. Each
-- row is one way to say nothing; the servers are those of the specs. Ends with status 1 when a call
-- was later than that, or early. A busy machine is late through no fault of ours: look twice.

local core = require "codearts.build.core"
local report = require "bench.report"

local JOB = { job_id = ("0"):rep(32) }
local DEADLINES = { 0.02, 0.1, 0.5, 2 }
local CALLS = 5 -- at once

local unpack = table.unpack or unpack

-- Notes the lateness of an ended call.
local function judge(lates, began, deadline, err)
  local late = core.now() - began - deadline
  -- A refusal is told at once when another attempt would come too late.
  assert(err and (err.kind == "api" or err.reason == "deadline"), tostring(err))
  assert(err.kind == "api" or late > -0.002, "ended before its deadline")
  lates[#lates + 1] = late
end

-- Worst lateness for each deadline, in seconds; new(options) answers a client with more options.
local function measure(new)
  local worst = {}
  for i, deadline in ipairs(DEADLINES) do
    local client = new { deadline = deadline, retry = { max_attempts = 1000, base_delay = 0.01 } }
    local lates = {}
    for _ = 1, CALLS do
      local began = core.now()
      client:start(JOB):on_done(function(_, err)
        judge(lates, began, deadline, err)
      end)
    end
    repeat
    until client:step() == 0 and #lates == CALLS
    client:close()
    worst[i] = math.max(unpack(lates))
  end
  return worst
end

local function core_client(fixed)
  return function(options)
    for name, value in pairs(fixed) do
      options[name] = value
    end
    return core.new(options)
  end
end

-- In the namespace of a mute name server: see below.
if arg[1] == "dns" then
  local new = core_client { endpoint = "https://service.test", auth = "fake-token" }
  for _, late in ipairs(measure(new)) do
    print(("%.6f"):format(late))
  end
  os.exit(0)
end

local build = require "codearts.build"
local dns = require "spec.support.dns"
local net = require "spec.support.net"
local servers = require "spec.support.server"

local rows, worst_share = {}, 0

local function row(name, worst)
  local cells = { name }
  for i, deadline in ipairs(DEADLINES) do
    cells[i + 1] = ("%.1f"):format(worst[i] * 1000)
    worst_share = math.max(worst_share, worst[i] / (0.05 + 0.05 * deadline))
  end
  rows[#rows + 1] = cells
end

for _, mode in ipairs { { "plain", {} }, { "TLS", { tls = true } }, { "HTTP/2", { http2 = true } } } do
  local server = servers.start(mode[2])
  local names = { "never_read", "never_answer", "stall_in_body", "throttled" }
  if mode[1] ~= "HTTP/2" then
    names[#names + 1] = "slow"
  end
  if mode[1] == "TLS" then
    names[#names + 1] = "tls_hang"
    names[#names + 1] = "tls_stall"
  end
  for _, name in ipairs(names) do
    server:behave(name)
    row(
      ("%s: %s"):format(mode[1], name),
      measure(core_client {
        endpoint = server.url,
        auth = "fake-token",
        tls = { ca_file = server.ca_file },
      })
    )
  end
  server:stop()
end

local hole = net.blackhole()
row("nobody accepts", measure(core_client { endpoint = hole.url, auth = "fake-token" }))
row("an identity never set", measure(core_client { endpoint = hole.url, auth = core.identity() }))
hole.close()

local iam = servers.start()
iam:behave "never_answer"
row(
  "IAM never answers",
  measure(function(options)
    options.endpoint, options.iam_endpoint = "http://127.0.0.1:1", iam.url
    options.auth = { user = "u", password = "fake", domain = "d", project = "p" }
    return build.new(options)
  end)
)
iam:stop()

local mute = dns.start()
local first = 0
while arg[first - 1] do
  first = first - 1
end
local pipe = io.popen(mute:command(arg[first] .. " " .. arg[0] .. " dns"), "r")
local worst = {}
for line in pipe:lines() do
  worst[#worst + 1] = tonumber(line)
end
pipe:close()
mute:stop()
assert(#worst == #DEADLINES, "the run with a mute name server failed")
row("a name server never answers", worst)

local head = { "worst lateness of " .. CALLS .. ", ms" }
for i, deadline in ipairs(DEADLINES) do
  head[i + 1] = ("deadline %g s"):format(deadline)
end
report.show("Ends of calls after their deadline; libcurl " .. core.versions().libcurl, head, rows)
report.target("worst lateness, of 50 ms + 5 %", worst_share, "<=", 1)
report.verdict()
os.exit(worst_share <= 1 and 0 or 1)
