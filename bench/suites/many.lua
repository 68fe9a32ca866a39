-- Many calls at a time against a server that answers after 50 ms.

local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

local CAP = 64 -- connections over HTTP/2: the default of max_connections

local function seconds(run)
  return run.seconds
end

local function connects(run)
  return run.connects
end

return function(bench)
  local clients, lua = bench.clients, machine.reference
  local calls = bench.quick and 3000 or 10000
  local list = {
    { "1,000 at a time, libcurl in C", clients.floor_multi("slow", calls, 1000, 1000, 1000) },
    {
      "1,000 at a time, codearts.build",
      clients.ours(lua, "many", "slow", calls, nil, 1000, 1000, 1000),
    },
    {
      "10,000 at once over 256 connections, libcurl in C (256 handles)",
      clients.floor_multi("slow", 10000, 256, 256, 0),
    },
    {
      "10,000 at once over 256 connections, codearts.build",
      clients.ours(lua, "many", "slow", 10000, nil, 10000, 256, 0),
    },
    { "1,000 at once, HTTP/2, libcurl in C", clients.floor_multi("slow_h2", 1000, 1000, CAP, 0) },
    {
      "1,000 at once, HTTP/2, codearts.build",
      clients.ours(lua, "many", "slow_h2", 1000, nil, 1000, CAP, 0),
    },
  }
  local commands = {}
  for i, entry in ipairs(list) do
    commands[i] = entry[2]
  end
  local runs = measure.rounds(commands, bench.quick and 1 or bench.rounds)
  local rows = {}
  for i, entry in ipairs(list) do
    rows[i] = {
      entry[1],
      string.format("%.2f", measure.least(runs[i], seconds)),
      string.format("%.1f", measure.least(runs[i], measure.cpu)),
      string.format("%.1f", measure.median(runs[i], measure.peak) / 1024),
      string.format("%.0f", measure.median(runs[i], connects)),
    }
  end
  local head = { "calls", "s", "CPU us a call", "peak MiB", "connections opened" }
  report.show("Many at a time, answered after 50 ms, " .. lua, head, rows)

  local function cpu(i)
    return measure.least(runs[i], measure.cpu)
  end
  report.target("1,000 in flight: CPU a call, of libcurl's", cpu(2) / cpu(1), "<=", 1.2)
  report.target("10,000 at once: seconds", measure.least(runs[4], seconds), "<=", 2.4)
  report.target("10,000 at once: CPU a call, of 1,000's", cpu(4) / cpu(2), "<=", 1.25)
  report.target("10,000 at once: peak MiB", measure.median(runs[4], measure.peak) / 1024, "<=", 40)
  local opened = measure.median(runs[6], connects)
  report.target("1,000 at once over HTTP/2: connections", opened, "<=", CAP, "n")
end
