-- A large log streamed to a file, beside the `curl` program.

local socket = require "socket"
local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

-- In memory where there is room: a disk that catches up with its writes measures nothing of ours.
local function temporary(bench)
  local free = "df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }'"
  if (tonumber(measure.output(free)) or 0) > 2 * bench.log_mib * 1024 then
    return measure.output "mktemp /dev/shm/bench.XXXXXX"
  end
  return bench.server.dir .. "/copy"
end

local function stream(bench, file)
  local ours = bench.clients.ours(machine.reference, "stream", "http", 1, nil, file)
  local runs = { ours = {}, curl = {} }
  for round = 1, bench.quick and 2 or bench.rounds do
    local curl = bench.clients.curl_log("http", file)
    -- `curl` would write over the older file, ours beside it, in memory that is to be found first.
    os.remove(file)
    runs.curl[round] = measure.process(curl, 1, socket.gettime)
    os.remove(file)
    runs.ours[round] = measure.run(ours)
    local size = tonumber(measure.output("wc -c <" .. file))
    assert(size == bench.log_mib * 1024 * 1024, "the log came incomplete")
  end
  local curl_us = measure.least(runs.curl, measure.wall)
  local ours_us = measure.least(runs.ours, measure.wall)
  local peak = measure.median(runs.ours, measure.peak) / 1024
  local function rate(us)
    return string.format("%.0f", bench.log_mib / us * 1e6)
  end
  report.show("A log of " .. bench.log_mib .. " MiB to a file", { "client", "MiB/s", "peak MiB" }, {
    { "the `curl` program", rate(curl_us) },
    { "codearts.build, " .. machine.reference, rate(ours_us), string.format("%.1f", peak) },
  })
  report.target(
    "log to a file: rate, of curl's",
    measure.ratio(runs.curl, runs.ours, measure.wall),
    ">=",
    0.9
  )
  report.target("log to a file: peak MiB", peak, "<=", 16)
end

return function(bench)
  local file = temporary(bench)
  local ok, err = pcall(stream, bench, file)
  os.remove(file)
  assert(ok, err)
end
