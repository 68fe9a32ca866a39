-- When a wait looks at its build, and what that is worth: the delay of the verdict, and the looks it takes.

local Schedule = require "codearts.build.lifecycle.schedule"
local waiting = require "spec.support.waiting"

describe("a schedule", function()
  local function looks(schedule, till)
    local list, at = {}, 0
    while at < till do
      at = at + schedule:next(at)
      list[#list + 1] = at
    end
    return list
  end

  it("is none without earlier builds", function()
    assert.is_nil(Schedule.new({}, {}))
  end)

  it("looks rarely before the end is due, and closely then", function()
    local schedule = Schedule.new({ 590, 600, 610, 605 }, {})
    local before, around = 0, 0
    for _, at in ipairs(looks(schedule, 700)) do
      before = before + (at < 400 and 1 or 0)
      around = around + (at > 560 and at < 640 and 1 or 0)
    end
    assert.is_true(before <= 20, before)
    assert.is_true(around >= 20, around)
  end)

  it("looks closely where builds fail early as well as where they succeed", function()
    local schedule = Schedule.new({ 30, 31, 29, 600, 610, 590 }, { 600, 610, 590 })
    assert.is_true(schedule:next(30) <= 3.8)
    assert.is_true(schedule:next(120) >= 20)
    assert.is_true(schedule:next(600) <= 3.8)
  end)

  it("never looks away over the time at which the end begins to be due", function()
    for _, ends in ipairs { { 30 }, { 600 }, { 1800, 1750, 1900 }, { 20, 500 }, { 0.2 }, { 5, 6 } } do
      local schedule = Schedule.new(ends, {})
      local at = 0
      for _ = 1, 1000 do
        local step = schedule:next(at)
        assert.is_true(step >= 0.5 and step <= 25)
        for _, stop in ipairs(ends) do
          assert.is_false(at < stop * 0.75 and at + step > stop + 4)
        end
        at = at + step
      end
    end
  end)

  it("looks at short builds closely, and at what outlasts all others less and less", function()
    local short = Schedule.new({ 2, 2.2, 1.9 }, {})
    assert.is_true(short:next(2) <= 0.5)
    assert.is_true(short:next(5) <= 1)
    local long = Schedule.new({ 100 }, {})
    assert.are.equal(15, long:next(10000))
  end)

  it("tells what is left, from the builds that took as long", function()
    local schedule = Schedule.new({ 100, 200, 300, 20 }, { 100, 200, 300 })
    assert.are.equal(200, schedule:left(0))
    assert.are.equal(200, schedule:usual())
    assert.are.equal(50, schedule:left(150))
    assert.are.equal(50, schedule:left(250))
    assert.are.equal(0, schedule:left(300))
    assert.are.equal(0, schedule:left(330))
    assert.is_nil(schedule:left(332))
    assert.are.equal(20, Schedule.new({ 20 }, {}):left(0))
  end)
end)

describe("the verdict comes in time:", function()
  local function normal(median, random)
    local u = math.max(random(), 1e-9)
    return median
      * math.max(0.1, 1 + 0.2 * math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * random()))
  end

  local function uniform(median, random)
    return median * (0.8 + 0.4 * random())
  end

  for _, median in ipairs { 30, 60, 120, 300, 600, 1800 } do
    it(("jobs of %d s"):format(median), function()
      for _, options in ipairs {
        { earlier = 20, seed = 1 },
        { earlier = 20, seed = 2, duration = normal },
        { earlier = 20, seed = 3, duration = uniform },
        { earlier = 10, seed = 4, latency = 0.1 },
        { earlier = 5, seed = 5, latency = 0.1 },
      } do
        local measured, plain = waiting.measure(median, median < 600 and 200 or 100, options)
        local told = ("seed %d: %.2f s, %.2f s, %.2f of the looks"):format(
          options.seed,
          measured.median,
          measured.most,
          measured.looks / plain.looks
        )
        assert.is_true(measured.median <= 2, told)
        assert.is_true(measured.most <= 4, told)
        assert.is_true(measured.looks <= plain.looks * (median >= 120 and 0.5 or 1), told)
      end
    end)
  end

  it("after a queue, and for a build that failed", function()
    local earlier = { 100, 110, 90, 105, 95 }
    local measured = waiting.run { took = 102, earlier = earlier, queued = 333, status = "FAILURE" }
    assert.are.equal("build", measured.err.kind)
    assert.is_true(measured.delay <= 4, measured.delay)
  end)

  it("for a wait that begins in the middle", function()
    local measured = waiting.run({ took = 600, earlier = { 590, 600, 620 }, queued = -300 })
    assert.is_true(measured.delay <= 4, measured.delay)
    assert.is_true(measured.looks < 70, measured.looks)
  end)

  it("of what ended until shortly before the wait is over, for one look more", function()
    for _, timeout in ipairs { 1, 5, 22, 60, 300 } do
      for _, usual in ipairs { 1, 20, 55, 300, 3000 } do
        local earlier = { usual, usual * 1.1, usual * 0.9 }
        local plain = waiting.run { took = timeout, earlier = earlier }
        for _, share in ipairs { 0.3, 0.6, 0.89, 1.1 } do
          local measured = waiting.run(
            { took = timeout * share, earlier = earlier },
            { timeout = timeout }
          )
          local told = ("%g of %d s, as a rule %d s"):format(timeout * share, timeout, usual)
          assert.are.equal(share < 1, measured.err == nil, told)
          assert.is_true(measured.looks <= plain.looks + 1, told)
          assert.is_true(measured.delay + timeout * share <= timeout + 0.001, told)
        end
      end
    end
  end)

  it("with a clock that differs from the service's", function()
    for _, off in ipairs { -28800, -300, -3, 3, 28800 } do
      local measured = waiting.run { took = 300, earlier = { 290, 300, 310, 305 }, clock_off = off }
      assert.is_true(measured.delay <= 4, ("%d: %g"):format(off, measured.delay))
    end
  end)

  it("asks no history for a build that is over, or if the pauses are given", function()
    local over = waiting.run { took = 5, earlier = { 5 }, queued = -10 }
    assert.are.equal(1, over.looks)
    local given = waiting.run({ took = 10, earlier = { 10 } }, { interval = 2 })
    assert.are.equal(5, given.looks) -- at 0, 2, 5, 9.5 and 16.25
  end)

  it("tells what is left", function()
    local seen = {}
    waiting.run({ took = 100, earlier = { 100, 110, 90, 105, 95 }, queued = 3 }, {
      on_progress = function(progress)
        seen[#seen + 1] = progress
      end,
    })
    assert.is_nil(seen[1].running)
    assert.is_nil(seen[1].eta)
    assert.are.equal(100, seen[1].usual)
    local running = 0
    for _, progress in ipairs(seen) do
      if progress.running and progress.running < 60 then
        running = running + 1
        assert.is_true(math.abs(progress.running + progress.eta - 100) < 0.01)
      end
    end
    assert.is_true(running >= 3)
    waiting.run({ took = 200, earlier = { 100 } }, {
      on_progress = function(progress)
        seen = progress
      end,
    })
    assert.is_nil(seen.eta)
    assert.are.equal(100, seen.usual)
  end)
end)
