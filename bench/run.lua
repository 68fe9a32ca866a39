-- `make bench`: codearts-build beside bare libcurl and beside what else one would use. Prints tables
-- and writes build/bench.json; see bench/README.md for what each row means.
--
-- Arguments: the suites to run, default all. BENCH_QUICK=1: under a minute, measured less often.

local cjson = require "cjson"
local socket = require "socket"
local clients_of = require "bench.clients"
local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"
local server_of = require "bench.server"

local SUITES = {
  "sequential",
  "signing",
  "processes",
  "command",
  "many",
  "scale",
  "stream",
  "small",
  "waiting",
  "nginx",
  "keys",
}

local quick = os.getenv "BENCH_QUICK" == "1"
local bench = {
  quick = quick,
  rounds = quick and 3 or 9,
  calls = quick and 600 or 8000,
  counted = quick and 200 or 800, -- calls whose instructions are counted
  tries = quick and 1 or 3,
  log_mib = quick and 128 or 1024,
}

---Bytes of a client's request on the wire, and its User-Agent.
function bench.request_bytes(command)
  measure.run(command)
  local line = measure.output("tail -n 1 " .. bench.server.dir .. "/echo.log")
  local bytes, agent = line:match "^(%d+)|(.*)$"
  return tonumber(bytes), agent
end

-- All others take over our User-Agent, so that requests are of one size.
local function same_request()
  local clients = bench.clients
  local ours, agent = bench.request_bytes(clients.ours(machine.reference, "sequential", "echo", 1))
  clients.agent = agent
  local floor = bench.request_bytes(clients.floor("echo", 1))
  report.out("A request has %d bytes from codearts.build and %d from libcurl in C.", ours, floor)
end

local function main()
  local where = measure.output "uname -srm; sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1"
  report.out("%s", (where:gsub("\n", ", ")))
  bench.clients = clients_of(bench.server)
  same_request()
  for _, name in ipairs(#arg > 0 and arg or SUITES) do
    require("bench.suites." .. name)(bench)
  end
  report.verdict()
  local file = assert(io.open("build/bench.json", "w"))
  file:write(
    cjson.encode {
      quick = quick,
      machine = where,
      tables = report.tables,
      targets = report.targets,
    },
    "\n"
  )
  file:close()
end

local started = socket.gettime()
bench.server = server_of.start { pin = machine.pin, log_bytes = bench.log_mib * 1024 * 1024 }
local ok, err = xpcall(main, debug.traceback)
bench.server.stop()
if not ok then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
report.out("%.0f s; as JSON in build/bench.json", socket.gettime() - started)
