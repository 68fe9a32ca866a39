-- How long a build still takes: in words and as a bar, in the live view, in plain lines and in events.

local command = require "spec.support.command"
local core = require "codearts.build.core"
local live = require "codearts.build.cli.live"
local remaining = require "codearts.build.cli.remaining"
local screen = require "spec.support.screen"
local server_process = require "spec.support.server"
local text = require "codearts.build.cli.text"

local JOB = "f9d6c8466d614a9788e9a0acf6c15f46"

local function entry(progress, now)
  local result = {
    job_id = JOB,
    build_no = 7,
    status = "RUNNING",
    began = 100,
    steps = {},
    step_began = {},
  }
  remaining.note(result, progress, now or 100)
  return result
end

local function style(unicode)
  return {
    unicode = unicode,
    paint = function(_, str)
      return str
    end,
  }
end

describe("what is left", function()
  it("is told in words that nobody has to read twice", function()
    for _, case in ipairs {
      { -1, "due now" },
      { 0, "due now" },
      { 4, "a few seconds left" },
      { 12, "about 10 s left" },
      { 54, "about 50 s left" },
      { 58, "about 1 min left" },
      { 100, "about 2 min left" },
      { 3500, "about 58 min left" },
      { 3600, "about 1 h 00 min left" },
      { 5000, "about 1 h 20 min left" },
      { 7100, "about 2 h 00 min left" },
    } do
      local one = entry { running = 10, eta = case[1], usual = 100 }
      assert.are.equal(case[2], remaining.words(one, 100))
    end
    assert.are.equal(
      "about 2 min left",
      remaining.words(entry { running = 0, eta = 180, usual = 180 }, 160)
    )
    assert.are.equal("due now", remaining.words(entry { running = 0, eta = 180, usual = 180 }, 999))
  end)

  it("is not told without a history, in a queue, or behind the end", function()
    assert.is_nil(remaining.words(entry { running = 10 }, 100))
    assert.is_nil(remaining.words(entry { usual = 10 }, 100))
    local over = entry { running = 10, eta = 5, usual = 15 }
    over.ended = 110
    assert.is_nil(remaining.words(over, 110))
  end)

  it("is told to be longer than usual, rather than due for ever", function()
    local one = entry { running = 200, usual = 125 }
    assert.are.equal("longer than usual (2m 05s)", remaining.words(one, 100))
  end)

  it("is a bar that grows and never goes back, whatever the estimate does", function()
    local one = entry { running = 50, eta = 50, usual = 100 }
    assert.are.equal("  [#####.....]  about 50 s left", remaining.line(one, 100, 31, false))
    assert.are.equal("  [########..]  about 20 s left", remaining.line(one, 130, 31, false))
    remaining.note(one, { running = 80, eta = 120, usual = 100 }, 130)
    assert.are.equal("  [########..]  about 2 min left", remaining.line(one, 130, 32, false))
    remaining.note(one, { running = 300, usual = 100 }, 350)
    assert.is_truthy(remaining.line(one, 350, 60, true):find "█  longer than usual")
  end)

  it("fits any page", function()
    local one = entry { running = 50, eta = 50, usual = 100 }
    for columns = 1, 120 do
      for rows = 1, 5 do
        for _, list in ipairs { { one }, { one, one } } do
          local drawn = live(list, 110, columns, rows, style(true))
          assert.is_true(#drawn <= math.max(rows - 1, 1))
          for _, line in ipairs(drawn) do
            assert.is_true(text.width(line) < math.max(columns, 2))
          end
        end
      end
    end
  end)
end)

describe("codearts-build", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
  end)

  teardown(function()
    server:stop()
  end)

  local function record(status, ran)
    return ('{"status":"success","result":{"build_no":7,"status":"%s","start_time":"%s"}}'):format(
      status,
      os.date("!%Y-%m-%dT%H:%M:%S.000+00:00", math.floor(core.time() - ran))
    )
  end

  --- Builds that took as long, and one that says nothing because somebody stopped it.
  local function history(...)
    local list = {
      '{"build_number":6,"result":"ABORTED","start_time":"2024-05-01T10:00:00+08:00","end_time":"2024-05-01T10:00:01+08:00"}',
    }
    for index, seconds in ipairs { ... } do
      list[#list + 1] = ('{"build_number":%d,"result":"SUCCESS","start_time":"%s","end_time":"%s"}'):format(
        6 - index,
        "2024-05-01T10:00:00+08:00",
        ("2024-05-01T10:%02d:%02d+08:00"):format(math.floor(seconds / 60), seconds % 60)
      )
    end
    return ('{"total":%d,"history_records":[%s]}'):format(#list, table.concat(list, ","))
  end

  local STEPS = '{"build_steps":[{"name":"Compile","status":"running","build_time":1000}]}'

  local function answers(...)
    local script = {}
    for index, body in ipairs { ... } do
      script[index] = { "answer", body = body }
    end
    server:script(script, { "answer", status = 404, body = "{}" })
  end

  it("shows on a terminal what is left, and a bar", function()
    answers(record("RUNNING", 60), history(180, 175, 190), STEPS)
    local running = command.start_on_terminal(("wait %s 7"):format(JOB), env, 120)
    running:expect "about 2 min left"
    running:type "\3"
    local _, bytes = running:finish()
    local bar = bytes:match "\n  ([^\n]*)  about 2 min left"
    assert.is_truthy(bar:find("██░", 1, true), bar)
    assert.is_truthy(screen.new(120):feed(bytes))
  end)

  it("counts from the start of the build, not of the wait", function()
    answers(record("RUNNING", 60), history(180, 175, 190), STEPS, record("SUCCESS", 180), STEPS)
    local plain = command.run(("wait %s 7 --timeout 1s"):format(JOB), env)
    assert.is_truthy(plain.err:find(": RUNNING, Compile, 1m %d+s, about 2 min left\n"), plain.err)
    answers(record("RUNNING", 60), history(180, 175, 190), STEPS)
    local running = command.start_on_terminal(("wait %s 7"):format(JOB), env, 120)
    running:expect "RUNNING  1m "
    running:type "\3"
    running:finish()
  end)

  it("tells it in plain lines and in events", function()
    answers(record("RUNNING", 2), history(3, 4, 3), STEPS, record("SUCCESS", 3), STEPS)
    local plain = command.run(("wait %s 7"):format(JOB), env)
    assert.are.equal(0, plain.status, plain.err)
    assert.is_truthy(plain.err:find(": RUNNING, Compile, %d.%ds, a few seconds left\n"), plain.err)
    answers(record("RUNNING", 2), history(3, 4, 3), STEPS, record("SUCCESS", 3), STEPS)
    local events = command.run(("wait %s 7 --output ndjson"):format(JOB), env)
    local first = core.decode(events.out:match "^[^\n]+")
    assert.are.equal("progress", first.event)
    assert.is_true(first.eta >= 0 and first.eta < 2, events.out) -- 0 where the first look came late
    local requests = server:stats().requests
    assert.are.equal(
      "/v3/jobs/" .. JOB .. "/history?interval=30&limit=20&offset=0",
      requests[#requests - 3].path
    )
  end)

  it("waits as ever where the history cannot be read", function()
    for _, answer in ipairs {
      '{"total":0,"history_records":[]}',
      "[]",
      '{"history_records":[{"build_number":6},5]}',
    } do
      answers(record("RUNNING", 2), answer, STEPS, record("SUCCESS", 3), STEPS)
      local plain = command.run(("wait %s 7"):format(JOB), env)
      assert.are.equal(0, plain.status, plain.err)
      assert.is_nil(plain.err:find("left", 1, true))
    end
  end)
end)
