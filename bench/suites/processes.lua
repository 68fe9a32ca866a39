-- Whole processes: one call from start to end, over http and, trusting what the system trusts, over
-- https; and what `require` costs.

local socket = require "socket"
local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

local LOAD = 'assert(package.loadlib("libcurl.so.4", "*"))'
local REQUIRE = 'require "codearts.build"'

return function(bench)
  local clients = bench.clients
  local times, rounds = 5, bench.quick and bench.rounds or 10 * bench.rounds
  local trust = bench.server.trust
  local list = {
    { "libcurl in C, one call", clients.floor("http", 1) },
    { "the `curl` program, one call", clients.curl "http" },
    { "libcurl in C, https", clients.floor("https", 1, 0, trust) },
    { "the `curl` program, https", clients.curl("https", trust) },
  }
  for _, lua in ipairs(machine.luas) do
    list[#list + 1] = { lua .. ", one call", clients.one_call(lua, "http") }
    list[#list + 1] = { lua .. ", https", clients.one_call(lua, "https", trust) }
    list[#list + 1] = { lua .. ", libcurl loaded, no more", clients.lua(lua, LOAD) }
    list[#list + 1] = { lua .. ", require", clients.lua(lua, REQUIRE) }
  end
  local runs = {}
  for round = 1, rounds do
    for _, entry in ipairs(list) do
      runs[entry[1]] = runs[entry[1]] or {}
      runs[entry[1]][round] = measure.process(entry[2], times, socket.gettime)
    end
  end
  local rows = {}
  for i, entry in ipairs(list) do
    rows[i] = {
      entry[1],
      string.format("%.2f", measure.least(runs[entry[1]], measure.wall) / 1000),
      string.format("%.2f", measure.median(runs[entry[1]], measure.wall) / 1000),
      report.thousands(measure.process_cost(entry[2]).instructions / 1000) .. "k",
    }
  end
  report.show("A whole process", { "process", "ms", "median", "instructions" }, rows)
  local function ratio(one, other)
    return measure.ratio(runs[one], runs[other], measure.wall)
  end
  for _, lua in ipairs(machine.luas) do
    local one = ratio(lua .. ", one call", "libcurl in C, one call")
    local load = ratio(lua .. ", require", lua .. ", libcurl loaded, no more")
    report.target(lua .. ": one call as a process, of libcurl's in C", one, "<=", 1.35)
    report.target(lua .. ": require, of loading libcurl", load, "<=", 1.05)
    local first = lua .. ", https"
    report.target(first .. ", of libcurl's in C", ratio(first, "libcurl in C, https"), "<=", 1)
    report.target(first .. ", of curl's", ratio(first, "the `curl` program, https"), "<=", 1)
  end
end
