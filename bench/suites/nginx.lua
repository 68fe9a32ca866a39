-- In an nginx worker, beside the same request over a bare cosocket.

local measure = require "bench.measure"
local nginx = require "bench.nginx"
local report = require "bench.report"
local socket = require "socket"

-- seconds after which the service answers, calls of a round one after another and 20 at once
local ROWS = {
  { 0, 1000, 2000 },
  { 0.001, 400, 2000 },
  { 0.005, 150, 1000 },
  { 0.02, 50, 500 },
  { 0.1, 12, 200 },
}
local ROUNDS, QUICK_ROUNDS = 5, 2
local MANY = 10000 -- calls, of which none may take long
local WAIT = 5 -- seconds
local SIDES = { "bare", "ours", "least" }
local COST_CALLS = 25 -- of a round
local WARM = 5000 -- calls after which LuaJIT has compiled what it will
local TOKEN = #"a-fake-token"

local function median(values)
  table.sort(values)
  return values[math.floor((#values + 1) / 2)]
end

local function append(list, values)
  for _, value in ipairs(values) do
    list[#list + 1] = value
  end
end

-- Medians of both sides, who take turns.
local function medians(pair, rounds, delay, calls, at_once)
  local seconds = { ours = {}, bare = {} }
  for _ = 1, rounds do
    for _, side in ipairs { "bare", "ours" } do
      append(seconds[side], pair:send(side, delay, calls, at_once):read())
    end
  end
  return median(seconds.ours), median(seconds.bare)
end

local function latencies(pair, rounds)
  local lines = {}
  for column, at_once in ipairs { 1, 20 } do
    for _, row in ipairs(ROWS) do
      local delay = row[1]
      local ours, bare = medians(pair, rounds, delay, row[column + 1], at_once)
      local limit = 1.05 * bare + 0.0001
      local name = ("%d at once, answers after %g ms"):format(at_once, delay * 1000)
      lines[#lines + 1] = {
        name,
        ("%.3f"):format(bare * 1000),
        ("%.3f"):format(ours * 1000),
        ("%.3f"):format((ours - bare) * 1000),
      }
      report.target("nginx, " .. name .. ", ms", ours * 1000, "<=", limit * 1000, "%.3f")
    end
  end
  report.show("A call in nginx, median, ms", { "", "bare cosocket", "ours", "more" }, lines)
end

-- CPU of a call that is answered after 100 ms: medians of rounds in which all take turns.
local function costs(bench, pair, rounds)
  local floor = bench.clients.floor_multi(pair.url, COST_CALLS, 1, 1, 3, TOKEN)
  local used = { libcurl = {} }
  for _, side in ipairs(SIDES) do
    used[side] = {}
    pair:send(side, 0, WARM, 1):read()
  end
  for _ = 1, rounds do
    for _, side in ipairs(SIDES) do
      pair:send(side, 0.1, 3, 1):read()
      local before = pair:cpu(side)
      pair:send(side, 0.1, COST_CALLS, 1):read()
      append(used[side], { (pair:cpu(side) - before) / COST_CALLS * 1e6 })
    end
    append(used.libcurl, { measure.cpu(measure.run(floor)) })
  end
  local medians_of = {}
  for name, values in pairs(used) do
    medians_of[name] = median(values)
  end
  return medians_of
end

local function while_waiting(pair)
  local request = pair:send("ours", WAIT + 2, 1, 1)
  socket.sleep(1.5)
  local before, cpu = pair:sleeps "ours", pair:cpu "ours"
  socket.sleep(WAIT)
  local sleeps, used = pair:sleeps "ours" - before, pair:cpu "ours" - cpu
  request:read()
  return sleeps / WAIT, used / WAIT
end

return function(bench)
  local rounds = bench.quick and QUICK_ROUNDS or ROUNDS
  local pair = nginx.start()
  local ok, err = xpcall(function()
    latencies(pair, rounds)
    local all = pair:send("ours", 0, MANY, 1):read()
    table.sort(all)
    local cost = costs(bench, pair, 2 * rounds + 1)
    local wakes, used = while_waiting(pair)
    local lines = {}
    for i, row in ipairs {
      { "a bare cosocket", cost.bare },
      { "ours", cost.ours },
      { "the core, stepped by who waits", cost.least },
      { "libcurl alone, a C program", cost.libcurl },
    } do
      lines[i] = { row[1], ("%.0f"):format(row[2]), ("%.2f"):format(row[2] / cost.bare) }
    end
    local head = { "", "us", "of the cosocket's" }
    report.show("CPU of a call that is answered after 100 ms", head, lines)
    report.show("What an nginx worker spends", { "", "ours" }, {
      { "wake-ups a second while nothing happens", ("%.1f"):format(wakes) },
      { "CPU meanwhile, %", ("%.3f"):format(used * 100) },
      { "longest of 10,000 calls, ms", ("%.1f"):format(all[#all] * 1000) },
    })
    report.target(
      "nginx, CPU of a call of 100 ms, of a bare cosocket's",
      cost.ours / cost.bare,
      "<=",
      1.3
    )
    report.target("nginx, wake-ups a second while nothing happens", wakes, "<=", 1.2)
    report.target("nginx, longest of 10,000 calls, ms", all[#all] * 1000, "<=", 100)
  end, debug.traceback)
  pair:stop()
  if not ok then
    error(err, 0)
  end
end
