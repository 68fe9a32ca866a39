-- What a call costs by how many there are, against a server that answers at once, and whether memory
-- stays with time.

local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

local SIZES = { 1, 10, 100, 1000, 10000 } -- calls that are started at once
local CONNECTIONS = 256

local function by_size(bench)
  local clients, commands = bench.clients, {}
  for _, n in ipairs(SIZES) do
    local calls, flying = bench.quick and 3000 or 10000, math.min(n, CONNECTIONS)
    commands["floor " .. n] = clients.floor_multi("http", calls, flying, flying, flying)
    commands["ours " .. n] =
      clients.ours(machine.reference, "many", "http", math.max(calls, n), nil, n, flying, flying)
  end
  local runs = measure.rounds(commands, bench.quick and 1 or bench.rounds)
  local rows, worst = {}, 0
  local first = measure.median(runs["ours 1"], measure.peak)
  for i, n in ipairs(SIZES) do
    local floor = measure.least(runs["floor " .. n], measure.cpu)
    local ours = measure.least(runs["ours " .. n], measure.cpu)
    local peak = measure.median(runs["ours " .. n], measure.peak)
    worst = math.max(worst, ours / floor)
    rows[i] = {
      report.thousands(n),
      string.format("%.1f", floor),
      string.format("%.1f", ours),
      string.format("%.2f", ours / floor),
      string.format("%.1f", peak / 1024),
      n > 1 and string.format("%.1f", (peak - first) / n),
    }
  end
  report.show("CPU of a call by how many are started at once, " .. machine.reference, {
    "calls at once",
    "libcurl in C, us",
    "codearts.build, us",
    "ratio",
    "peak MiB",
    "KiB each",
  }, rows)
  report.target("1 to 10,000 at once: CPU a call, of libcurl's, at worst", worst, "<=", 1.25)
end

local function over_time(bench)
  local lua = machine.luas[#machine.luas]
  local calls = bench.quick and 50000 or 1000000
  local run = measure.run(bench.clients.ours(lua, "grow", "http", calls, 100))
  local name = report.thousands(calls) .. " calls, " .. lua .. ": memory grown, KiB"
  report.target(name, run.late_kib - run.early_kib, "<=", 256, "n")
end

return function(bench)
  by_size(bench)
  over_time(bench)
end
