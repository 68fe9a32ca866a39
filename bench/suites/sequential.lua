-- One call after another on a connection kept alive, over HTTP, HTTPS and HTTP/2.

local socket = require "socket"
local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

local FLOOR = "libcurl in C"
-- The same by what a client has that may make many calls at once, in any event loop: its handle keeps
-- tables that are looked through with each call.
local MULTI = "libcurl in C, multi handle"
local TITLES = { http = "HTTP", https = "HTTPS", h2 = "HTTP/2 over TLS" }
local RATES = { ["lua5.4"] = { http = 0.92, https = 0.92 }, luajit = { http = 0.95, https = 0.92 } }
local ROUNDS = { http = 100, https = 25 } -- over HTTP, one limit is within 1 % of what is measured
local WARM = 1000 -- calls before those that are timed: until then each is a little quicker than the last
local ROUNDS_OF_A_SERVER = 5
local OVER = {
  ["lua5.4"] = { instructions = 12000, data = 370, code = 415 },
  luajit = { instructions = 7000, data = 300, code = 380 },
}
local COUNTED = {
  { "instructions", "instructions", "instructions" },
  { "data", "misses of the first-level cache for data", "misses, data" },
  { "code", "misses of the first-level cache for instructions", "misses, code" },
}

local function ours_name(lua)
  return "codearts.build, " .. lua
end

-- What else one would use: its name in the table, program, interpreter, module that must be there,
-- calls, warm calls (fewer and none for those that open a connection per call).
local function peers_of(kind, quick)
  if kind == "h2" then
    return {} -- lua-http 0.4 ends with a protocol error against nginx, the others do not speak it
  end
  local secure = kind == "https"
  local list = {
    {
      "lua-http + lua-cjson, luajit",
      "luahttp",
      "luajit",
      "http.client",
      quick and 600 or 2000,
      WARM,
    },
    {
      (secure and "LuaSec" or "LuaSocket") .. " + lua-cjson, " .. machine.reference,
      "luasocket",
      machine.reference,
      secure and "ssl" or "socket",
      secure and 10 or 200,
      0,
    },
  }
  local there = {}
  for _, peer in ipairs(list) do
    if machine.has(peer[3], peer[4]) then
      there[#there + 1] = peer
    end
  end
  return there
end

-- Runs by client name, and the names in the order of the table.
local function time_all(bench, kind)
  local clients = bench.clients
  local order, commands = { FLOOR, MULTI }, {}
  commands[FLOOR] = clients.floor(kind, bench.calls, WARM)
  commands[MULTI] = clients.floor_multi(kind, bench.calls, 1, 0, WARM)
  for _, lua in ipairs(machine.luas) do
    order[#order + 1] = ours_name(lua)
    commands[ours_name(lua)] = clients.ours(lua, "sequential", kind, bench.calls, nil, WARM)
  end
  -- A few per cent are to be told apart, and a process is some per cent quicker or slower all its
  -- life, by where its memory happens to lie: many of them, so that each client has had its luck.
  local compared = not bench.quick and ROUNDS[kind] or bench.rounds
  local runs = measure.rounds(commands, compared, function(round)
    if round % ROUNDS_OF_A_SERVER == 0 then
      bench.server.renew()
    end
  end)
  local peers = {}
  for _, peer in ipairs(peers_of(kind, bench.quick)) do
    order[#order + 1] = peer[1]
    peers[peer[1]] = clients.peer(peer[3], peer[2], kind, peer[5], peer[6])
  end
  for name, list in pairs(measure.rounds(peers, bench.rounds)) do
    runs[name] = list
  end
  if kind ~= "h2" then
    local name = "a `curl` process per call"
    order[#order + 1], runs[name] = name, {}
    for round = 1, bench.rounds do
      runs[name][round] = measure.process(clients.curl(kind), 5, socket.gettime)
    end
  end
  return runs, order
end

-- What a call costs by client name; a quick run counts over HTTP only.
local function count_all(bench, kind)
  local counts = {}
  if bench.quick and kind ~= "http" then
    return counts
  end
  counts[FLOOR] = measure.cost(function(n)
    return bench.clients.floor(kind, n)
  end, bench.counted, bench.tries)
  counts[MULTI] = measure.cost(function(n)
    return bench.clients.floor_multi(kind, n, 1, 0, 0)
  end, bench.counted, bench.tries)
  for _, lua in ipairs(machine.luas) do
    counts[ours_name(lua)] = measure.cost(function(n)
      return bench.clients.ours(lua, "sequential", kind, n)
    end, bench.counted, bench.tries)
  end
  return counts
end

local function judge(kind, lua, cost, floor, rate, peak)
  local what = TITLES[kind] .. ", " .. lua .. ": "
  if kind == "http" then
    for _, counted in ipairs(COUNTED) do
      local name = counted[1]
      local over = cost[name] - floor[name]
      report.target(what .. counted[2] .. " over libcurl's", over, "<=", OVER[lua][name], "n")
    end
    report.target(what .. "peak memory over libcurl's, MiB", peak, "<=", 3)
  end
  if RATES[lua][kind] then
    report.target(what .. "rate, of libcurl's", rate, ">=", RATES[lua][kind])
  end
end

-- Each count, and what it is over each of the two floors.
local function show_counts(kind, order, counts)
  local head, rows = { "client" }, {}
  for _, counted in ipairs(COUNTED) do
    head[#head + 1] = counted[3]
    head[#head + 1] = "over libcurl"
    head[#head + 1] = "over multi"
  end
  for _, name in ipairs(order) do
    local row = counts[name] and { name }
    for _, counted in ipairs(row and COUNTED or {}) do
      local count = counts[name][counted[1]]
      row[#row + 1] = report.thousands(count)
      row[#row + 1] = report.thousands(count - counts[FLOOR][counted[1]])
      row[#row + 1] = report.thousands(count - counts[MULTI][counted[1]])
    end
    rows[#rows + 1] = row
  end
  if #rows > 0 then
    report.show(TITLES[kind] .. ", what a call takes", head, rows)
  end
end

local function one_kind(bench, kind)
  local runs, order = time_all(bench, kind)
  local counts = count_all(bench, kind)
  local floor = measure.least(runs[FLOOR], measure.wall)
  local rows = {}
  for i, name in ipairs(order) do
    local least = measure.least(runs[name], measure.wall)
    rows[i] = {
      name,
      string.format("%.1f", least),
      string.format("%.1f", measure.median(runs[name], measure.wall)),
      string.format("%.2f", floor / least),
      runs[name][1].peak_kib
        and string.format("%.1f", measure.median(runs[name], measure.peak) / 1024),
    }
  end
  local head = { "client", "us a call", "median", "rate", "peak MiB" }
  report.show(TITLES[kind] .. ", one call after another", head, rows)
  show_counts(kind, order, counts)
  for _, lua in ipairs(machine.luas) do
    local name = ours_name(lua)
    local peak = measure.median(runs[name], measure.peak)
      - measure.median(runs[FLOOR], measure.peak)
    local rate = floor / measure.least(runs[name], measure.wall)
    judge(kind, lua, counts[name], counts[FLOOR], rate, peak / 1024)
  end
end

return function(bench)
  one_kind(bench, "http")
  one_kind(bench, "https")
  one_kind(bench, "h2")
end
