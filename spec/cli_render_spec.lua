-- What the command draws: pictures and live lines, as text to compare.

local duration = require "codearts.build.cli.duration"
local live = require "codearts.build.cli.live"
local render_table = require "codearts.build.cli.table"
local spans = require "codearts.build.cli.spans"
local text = require "codearts.build.cli.text"
local timeline = require "codearts.build.cli.timeline"

local function style(unicode)
  return {
    unicode = unicode,
    paint = function(_, str)
      return str
    end,
  }
end

local STEPS = {
  { name = "checkout", status = "success", time = 2 },
  { name = "编译程序", status = "success", time = 70 },
  { name = "test everything there is to test", status = "error", time = 20 },
  { name = "upload", status = "" },
}

local function lines(list)
  return table.concat(list, "\n") .. "\n"
end

describe("cli timeline", function()
  it("draws the steps to scale, marks the longest one and the failed one", function()
    assert.are.equal(
      [[
✓ checkout                │█                              │    2.0s
✓ 编译程序               *│████████████████████████       │  1m 10s
✗ test everything there…  │                        ███████│     20s
  upload                  │                               │ not run
]],
      lines(timeline(spans.of_steps(STEPS), 68, style(true)))
    )
  end)

  it("gives no sign to a step of which nothing is known", function()
    local list = { { name = "a", status = "skipped", start = 0, stop = 1 } }
    assert.is_truthy(lines(timeline(list, 40, style(true))):find "^  a ")
  end)

  it("draws in ASCII where the terminal knows no more", function()
    assert.are.equal(
      [[
+ checkout          |#                  |    2.0s
+ ????             *|###############    |  1m 10s
x test everythi...  |              #####|     20s
  upload            |                   | not run
]],
      lines(timeline(spans.of_steps(STEPS), 50, style(false)))
    )
  end)

  it("leaves the bars out on a narrow page and never is wider than the page", function()
    for columns = 24, 120 do
      for _, line in ipairs(timeline(spans.of_steps(STEPS), columns, style(true))) do
        assert.is_true(text.width(line) <= columns, ("%d columns: %s"):format(columns, line))
      end
    end
    assert.is_nil(lines(timeline(spans.of_steps(STEPS), 30, style(true))):find("█", 1, true))
  end)

  it("draws nothing for a build without steps, and steps without times", function()
    assert.are.same({}, timeline({}, 80, style(true)))
    assert.are.equal(
      "  a     not run\n",
      lines(timeline({ { name = "a", status = "" } }, 20, style(true))):gsub(" +", function(run)
        return #run > 5 and "     " or run
      end)
    )
  end)

  it("knows what ran, though not when or how long", function()
    local T = "2026-11-28T04:00:%02d.000+00:00"
    local stages = {
      a = { sequence = 1, status = "SUCCESS", start_time = T:format(0), finish_time = T:format(10) },
      b = { sequence = 2, status = "FAILURE", start_time = T:format(10), duration = 20000 },
      c = { sequence = 3, status = "" },
    }
    assert.are.equal(
      [[
✓ a     │███████              │     10s
✗ b    *│       ██████████████│     20s
  c     │                     │ not run
]],
      lines(timeline(spans.of_stages(stages), 40, style(true)))
    )
    stages.b.duration = nil
    assert.are.equal(
      [[
✓ a     │█████████████████████│     10s
✗ b     │                     │       ?
  c     │                     │ not run
]],
      lines(timeline(spans.of_stages(stages), 40, style(true)))
    )
  end)

  it("paints good and bad parts", function()
    local painted = {}
    timeline(spans.of_steps(STEPS), 80, {
      unicode = false,
      paint = function(colour, str)
        painted[colour] = true
        return str
      end,
    })
    assert.are.same({ good = true, bad = true, dim = true }, painted)
  end)
end)

describe("cli spans", function()
  it("reads the service's times", function()
    assert.are.equal(1665476922, spans.time "2022-10-11T08:28:42.000+00:00")
    assert.are.equal(1609320791, spans.time "2020-12-30T17:33:11+08:00")
    assert.are.equal(1609320791.25, spans.time(1609320791250))
    assert.are.equal(951782400, spans.time "2000-02-29 00:00:00")
    for _, bad in ipairs { "", "yesterday", {}, true } do
      assert.is_nil(spans.time(bad))
    end
    assert.is_nil(spans.time(nil))
  end)

  it("puts stages in their order and on one scale", function()
    local function stage(name, sequence, start, finish)
      return {
        display_name = name,
        sequence = sequence,
        status = "SUCCESS",
        start_time = start,
        finish_time = finish,
      }
    end
    assert.are.same(
      {
        { name = "initial", status = "SUCCESS", start = 0, stop = 2 },
        { name = "Compile", status = "SUCCESS", start = 2, stop = 10 },
        { name = "stage2", status = "" },
      },
      spans.of_stages {
        stage1 = stage(
          "Compile",
          1,
          "2022-10-11T08:00:02.000+00:00",
          "2022-10-11T08:00:10.000+00:00"
        ),
        initial = stage(
          "initial",
          0,
          "2022-10-11T08:00:00.000+00:00",
          "2022-10-11T08:00:02.000+00:00"
        ),
        stage2 = { sequence = 2 },
      }
    )
  end)

  it(
    "puts stages without a place by the numbers of their keys, as the list of steps does",
    function()
      local stages = {}
      for number = 1, 11 do
        local time = 1665475200000 + number
        stages["stage" .. number] = { start_time = time, finish_time = time }
      end
      local names = {}
      for index, span in ipairs(spans.of_stages(stages)) do
        names[index] = span.name
      end
      assert.are.equal(
        "stage1 stage2 stage3 stage4 stage5 stage6 stage7 stage8 stage9 stage10 stage11",
        table.concat(names, " ")
      )
    end
  )

  it("gives up on stages without times", function()
    assert.is_nil(spans.of_stages(nil))
    assert.is_nil(spans.of_stages { initial = { sequence = 0 } })
  end)
end)

describe("cli live lines", function()
  local function entry(number, fields)
    local result = {
      job_id = ("%08d"):format(number) .. ("a"):rep(24),
      build_no = number,
      status = "RUNNING",
      began = 100,
      steps = STEPS,
    }
    for key, value in pairs(fields or {}) do
      result[key] = value
    end
    return result
  end

  it("show one build with its steps", function()
    local steps = {
      { name = "checkout", status = "success", time = 2 },
      { name = "编译", status = "running", time = 3 },
      { name = "upload", status = "" },
    }
    assert.are.equal(
      [[
build 7 of 00000007aaaaaaaaaaaaaaaaaaaaaaaa  RUNNING  12s
  ✓ checkout  2.0s
  ▸ 编译  5.0s
  · upload
]],
      lines(
        live({ entry(7, { steps = steps, step_began = { [2] = 107 } }) }, 112, 80, 24, style(true))
      )
    )
  end)

  it("show several builds in one line each", function()
    assert.are.equal(
      [[
00000001 #1  RUNNING  10s
00000002 #2  SUCCESS  5.0s
00000003 #?  starting  10s
]],
      lines(live({
        entry(1, { steps = {} }),
        entry(2, { status = "SUCCESS", ended = 105 }),
        { job_id = "00000003" .. ("b"):rep(24), began = 100 },
      }, 110, 80, 24, style(false)))
    )
  end)

  it("show first what went wrong and what goes on, and say how many more there are", function()
    local list = {}
    for number = 1, 9 do
      list[number] = entry(number, { steps = {}, status = "QUEUED" })
    end
    list[2].ended = 105
    list[4].steps = { { name = "compile", status = "running" } }
    list[8].ended, list[8].err, list[8].status = 106, {}, "FAILURE"
    list[8].job_name = "nightly"
    assert.are.equal(
      [[
00000001 #1  QUEUED  10s
00000004 #4  QUEUED  10s  compile (1/1)
nightly #8  FAILURE  6.0s
and 6 more: 5 waiting, 1 succeeded
]],
      lines(live(list, 110, 80, 5, style(false)))
    )
  end)

  it("fit any page", function()
    for columns = 1, 60 do
      for rows = 1, 6 do
        local drawn = live({ entry(1) }, 110, columns, rows, style(true))
        assert.is_true(#drawn <= math.max(rows - 1, 1))
        for _, line in ipairs(drawn) do
          assert.is_true(text.width(line) < math.max(columns, 2))
        end
      end
    end
  end)

  it("show a name that would move the cursor as plain text", function()
    local drawn = live(
      { entry(1, { steps = { { name = "\27[2Jx", status = "running" } } }) },
      110,
      80,
      24,
      style(true)
    )
    assert.is_nil(lines(drawn):find "\27")
  end)
end)

describe("cli table", function()
  it("aligns columns by what is seen", function()
    assert.are.same(
      { "JOB   NAME", "编译  x", "a     y" },
      render_table({ "JOB", "NAME" }, { { "编译", "x" }, { "a", "y" } })
    )
  end)
end)

describe("cli table on a page", function()
  it("lets the widest columns give way, but for those that are kept", function()
    local head, rows =
      { "ID", "NAME", "STATE" }, { { ("x"):rep(12), ("编译"):rep(6), "RUNNING" } }
    assert.are.same({
      "ID            NAME      STATE",
      "xxxxxxxxxxxx  编译...   RUNNING",
    }, render_table(head, rows, 31, { true }))
    for columns = 26, 60 do
      local drawn = render_table(head, rows, columns, { true })
      assert.is_true(render_table.width(drawn) <= columns)
      assert.is_truthy(drawn[2]:find(("x"):rep(12), 1, true))
    end
    assert.is_true(render_table.width(render_table(head, rows, 1, { true })) > 12)
  end)
end)

describe("cli duration", function()
  it("reads what people write", function()
    local cases = {
      ["90"] = 90,
      ["90s"] = 90,
      ["30m"] = 1800,
      ["1h30m"] = 5400,
      ["1.5h"] = 5400,
      ["1m 5s"] = false,
      [""] = false,
      ["0"] = false,
      ["5x"] = false,
      ["m"] = false,
      ["1m1h"] = false,
      ["-5"] = false,
      ["1e3"] = false,
    }
    for str, seconds in pairs(cases) do
      local value, problem = duration.parse(str)
      assert.are.equal(seconds or nil, value, str)
      assert.is_true(value ~= nil or problem:find("expected a duration", 1, true) ~= nil)
    end
  end)

  it("writes what people read", function()
    local cases = {
      [0] = "0.0s",
      [0.44] = "0.4s",
      [9.94] = "9.9s",
      [9.96] = "10s",
      [59.4] = "59s",
      [59.6] = "1m 00s",
      [100] = "1m 40s",
      [3600] = "1h 00m",
      [5430] = "1h 30m",
      [-1] = "0.0s",
    }
    for seconds, str in pairs(cases) do
      assert.are.equal(str, duration.format(seconds))
    end
  end)
end)
