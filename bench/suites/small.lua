-- Small things: a step that finds nothing to do, and large arguments.

local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

return function(bench)
  local steps = bench.quick and 100000 or 300000
  local function ours(mode, kind, calls, size)
    return bench.clients.ours(machine.reference, mode, kind, calls, nil, size)
  end
  local runs = measure.rounds({
    idle = ours("step", "mute", steps, 0),
    mute = ours("step", "mute", steps, 100),
    many = ours("marshal", "mute", 300, 1000),
    one = ours("marshal", "mute", 300, 1),
    cjson = ours("cjson", "mute", 300, 1000),
  }, bench.rounds)
  local function us(name)
    return measure.least(runs[name], measure.wall)
  end
  local marshal = us "many" - us "one"
  report.show("Small things, " .. machine.reference, { "what", "us" }, {
    { "step(0), nothing in flight", string.format("%.2f", us "idle") },
    { "step(0), 100 mute calls in flight", string.format("%.2f", us "mute") },
    { "1,000 parameters checked and marshalled", string.format("%.0f", marshal) },
    { "lua-cjson encoding the same", string.format("%.0f", us "cjson") },
  })
  report.target("step(0), nothing in flight, us", us "idle", "<=", 1)
  report.target("step(0), 100 mute calls, us", us "mute", "<=", 5)
  report.target("1,000 parameters, of lua-cjson's encode", marshal / us "cjson", "<=", 2)
end
