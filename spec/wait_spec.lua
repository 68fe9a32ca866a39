-- Waiting for the end of a build, against a server that says exactly what the specs let it say.

local build = require "codearts.build"
local core = require "codearts.build.core"
local service = require "spec.support.lifecycle"

local JOB, RECORD, FINISHED, RECORD_PATH =
  service.JOB, service.RECORD, service.FINISHED, service.RECORD_PATH
local record, steps, page, failure_of =
  service.record, service.steps, service.page, service.failure_of

local stage = service.stage()
local answers, paths = stage.answers, stage.paths
local client, server

setup(stage.start)
teardown(stage.stop)
before_each(function()
  client, server = stage.fresh()
end)
after_each(stage.close)

describe("wait", function()
  local function wait(options)
    options = options or {}
    options.interval = options.interval or 0.001
    return client:build(JOB, 20):wait(options)
  end

  it("answers the record of a build that succeeded", function()
    answers(record "", record "RUNNING", record("SUCCESS", FINISHED))
    local detail = wait()
    assert.are.equal("SUCCESS", detail.status)
    assert.are.equal(RECORD, detail.build_record_id)
    assert.are.same({ RECORD_PATH, RECORD_PATH, RECORD_PATH }, paths())
  end)

  it("raises for every documented end without success", function()
    for _, status in ipairs { "FAILURE", "ABORTED", "SCHEDULE_FAILURE" } do
      answers(record(status, FINISHED .. ',"err_msg":"disk full"'))
      local err = failure_of(wait)
      assert.are.equal("build", err.kind)
      assert.are.equal(status, err.build_status)
      assert.are.equal(status == "ABORTED" and "cancelled" or "failure", err.verdict)
      assert.are.equal(status, err.record.status)
      assert.is_truthy(tostring(err):find("disk full", 1, true))
    end
  end)

  it("outlasts trouble of the service that a 200 tells", function()
    for _, code in ipairs { "CB.00060100", "CB.00060101" } do
      local trouble = ('{"status":"fail","error":{"code":"%s","message":"busy"},"result":null}'):format(
        code
      )
      answers(trouble, trouble, record("SUCCESS", FINISHED))
      assert.equal("SUCCESS", wait().status)
    end
    answers '{"status":"fail","error":{"code":"CB.00060200","message":"no"},"result":null}'
    assert.equal("api", failure_of(wait).kind)
  end)

  --- What is told of a build that began 200 s ago by the service's clock, which is half an hour behind; a cache has kept
  --- the answer for `age` seconds.
  local function seen_running(age)
    local theirs = os.time() - 1800
    local function answer(path, body)
      local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", theirs - age)
      local headers = { { "Date", date }, { "Age", tostring(age) } }
      return { path = path, body = body, headers = headers }
    end
    local start = (',"start_time":"%s"'):format(
      os.date("!%Y-%m-%dT%H:%M:%S.000+00:00", theirs - 200)
    )
    server:behave("by_path", {
      rows = {
        answer("/record%-info$", record("RUNNING", start)),
        answer(
          "/history%?",
          '{"total":1,"history_records":[{"build_number":19,"result":"SUCCESS",'
            .. '"start_time":"2022-10-11T08:28:42Z","end_time":"2022-10-11T08:38:42Z"}]}'
        ),
      },
    })
    local seen
    local call = client:build(JOB, 20):wait {
      async = true,
      on_progress = function(progress)
        seen = progress
      end,
    }
    repeat
      client:step(1)
    until seen
    call:cancel()
    return seen
  end

  it("counts by the service's clock how long a build has run", function()
    for _, age in ipairs { 0, 100 } do
      local seen = seen_running(age)
      assert.is_true(seen.running >= 199 and seen.running < 300, tostring(seen.running))
      assert.is_true(math.abs(seen.running + seen.eta - 600) < 0.01, tostring(seen.eta))
      assert.are.equal(600, seen.usual)
    end
  end)

  local RUN = '{"octopus_job_name":"j_1","actual_build_number":"20","daily_build_number":"1.1"}'

  it("gives what was just started time to show", function()
    answers(
      RUN,
      404,
      '{"status":"fail","error":"no record","result":null}',
      record "RUNNING",
      record "SUCCESS"
    )
    local result = client:run { job_id = JOB }
    assert.are.equal("SUCCESS", result:wait({ interval = 0.001 }).status)
    answers(RUN, record "", 404, record "RUNNING", 404, 404, record "SUCCESS")
    result = client:run { job_id = JOB } -- where several places lag, one that has it may be followed by one that has not
    assert.are.equal("SUCCESS", result:wait({ interval = 0.001 }).status)
    answers(RUN, 404, 404, page("a\n", 2, false), record "SUCCESS", page("", 2, false))
    assert.are.equal("a\n", client:run({ job_id = JOB }):log { follow = true })
  end)

  it("does not take a build for gone by what a cache has kept since before it showed", function()
    local gone = { "answer", status = 404, body = "{}", headers = { { "Age", "61" } } }
    server:script({ { "answer", body = RUN }, gone, gone }, { "answer", body = record "SUCCESS" })
    local result, now = client:run { job_id = JOB }, core.now
    rawset(core, "now", function()
      return now() + 62
    end)
    local ok, answer = pcall(result.wait, result, { interval = 0.001 })
    rawset(core, "now", now)
    assert.is_true(ok, tostring(answer))
    assert.are.equal("SUCCESS", answer.status)
  end)

  it("ends if a build that showed is gone for good, or never shows", function()
    local start, seen = { "answer", body = RUN }, { "answer", body = record "RUNNING" }
    for _, script in ipairs { { start, seen }, { start } } do
      server:script(script, { "answer", status = 404, body = "{}" })
      local result = client:run { job_id = JOB }
      local now, passed = core.now, 0
      rawset(core, "now", function()
        passed = passed + 5
        return now() + passed
      end)
      local ok, err = pcall(result.wait, result, { interval = 0.001 })
      rawset(core, "now", now)
      assert.is_false(ok)
      assert.are.equal(404, err.status)
    end
  end)

  it("outlasts trouble that may pass", function()
    answers(500, 502, 429, record "SUCCESS")
    assert.are.equal("SUCCESS", wait().status)
    server:script({
      "reset_after_body",
      "close_in_body",
      { "answer", body = "<html>" },
      { "answer", body = record "SUCCESS" },
    })
    assert.are.equal("SUCCESS", wait().status)
  end)

  it("asks no earlier than the service said", function()
    server:script({
      { "answer", status = 503, body = "", headers = { { "Retry-After", "7" } } },
      { "answer", body = record "SUCCESS" },
    })
    local real, slept = client.sleep, {}
    function client:sleep(seconds)
      slept[#slept + 1] = seconds
      return real(self, 0)
    end
    assert.are.equal("SUCCESS", wait().status)
    assert.are.same({ 7 }, slept)
  end)

  it("is not ended by a time to come back that nobody can mean", function()
    local slept
    for _, told in ipairs {
      "100000000000000000000",
      ("9"):rep(400),
      "Thu, 31 Dec 2099 23:59:59 GMT",
      "18446744073709551616x",
      "-5",
      "nan",
    } do
      server:script({
        { "answer", status = 429, body = "", headers = { { "Retry-After", told } } },
        { "answer", body = record "SUCCESS" },
      })
      local real = client.sleep
      function client:sleep(seconds)
        slept = seconds
        real(self, seconds) -- raises what it raises
        return real(self, 0)
      end
      assert.are.equal("SUCCESS", wait().status)
      assert.is_true(slept <= 3600, told)
      client.sleep = real
    end
  end)

  it("tells a time to come back that a call can sleep", function()
    server:script(
      {},
      { "answer", status = 429, body = "", headers = { { "Retry-After", ("9"):rep(40) } } }
    )
    local err = failure_of(client:build(JOB, 20).status, client:build(JOB, 20))
    assert.are.equal(31536000, err.retry_after)
    client:sleep(err.retry_after):cancel()
  end)

  it("reads a record whose texts were cut within a character", function()
    local broken = record(
      "SUCCESS",
      ',"commit_message":"ship it \\ud83d","repo_name":"a\240\159","tag":"\\ud83d\\ude80 \\\\ud83d"'
    )
    answers(broken)
    local detail = wait()
    assert.are.equal("ship it \239\191\189", detail.commit_message)
    assert.are.equal("a\239\191\189\239\191\189", detail.repo_name)
    assert.are.equal("🚀 \\ud83d", detail.tag)
    assert.are.equal(20, detail.build_no)
  end)

  it("ends with trouble that will not pass", function()
    answers(403)
    assert.are.equal("auth", failure_of(wait).kind)
    answers(404)
    assert.are.equal(404, failure_of(wait).status)
    answers '{"status":"fail","error":"gone","result":null}'
    local err = failure_of(wait)
    assert.are.equal("api", err.kind)
    assert.is_truthy(err.error_msg:find("gone", 1, true))
  end)

  it("gives up after many looks in a row that failed", function()
    server:script({}, { "answer", status = 500, body = "" })
    local err = failure_of(
      client.build(client, JOB, 20).wait,
      client:build(JOB, 20),
      { interval = 0.00000001 }
    )
    assert.are.equal(500, err.status)
    assert.are.equal(31, #paths())
  end)

  it("ends with its timeout, and the build goes on", function()
    server:script({}, { "answer", body = record "RUNNING" })
    local err = failure_of(wait, { timeout = 0.05 })
    assert.are.equal("timeout", err.kind)
    assert.are.equal("wait", err.reason)
    assert.matches("was RUNNING when last asked, [%d.]+ s ago; ", err.message)
    assert.is_truthy(err.message:find("the wait of 0.05 s is over", 1, true), err.message)
  end)

  it("counts the time that a cache on the way has kept what it tells", function()
    server:script({}, { "answer", body = record "RUNNING", headers = { { "Age", "600" } } })
    local err = failure_of(wait, { timeout = 0.05 })
    assert.matches(
      "was RUNNING when last asked, 60%d[%d.]* s ago, of which .* 600 s; ",
      err.message
    )
  end)

  it("looks once more shortly before its time is over", function()
    -- The end of the wait may cut a look off on a busy machine.
    local function looks_twice(expected, ...)
      local seconds, before, said = 0.5
      repeat
        seconds, before = seconds * 2, #paths()
        answers(...)
        local ok, told = pcall(wait, { timeout = seconds, interval = 10 })
        said = ok and told.status or told.reason or told.kind
      until #paths() == before + 2 and said == expected or seconds == 8
      assert.are.equal(before + 2, #paths())
      assert.are.equal(expected, said)
    end
    looks_twice("SUCCESS", record "RUNNING", record("SUCCESS", FINISHED))
    local running = record "RUNNING"
    looks_twice("wait", running, running, record("SUCCESS", FINISHED))
    looks_twice("build", 500, record("FAILURE", FINISHED))
  end)

  it("does not do so where the service named a later time", function()
    local later = { "answer", status = 503, body = "", headers = { { "Retry-After", "7" } } }
    server:script({ later }, { "answer", body = record "SUCCESS" })
    local err = failure_of(wait, { timeout = 0.3 })
    assert.are.equal("wait", err.reason)
    assert.matches("build 20 of job %w+ could not be asked: ", err.message)
    assert.are.same({ RECORD_PATH }, paths())
  end)

  it("tells since when the status is known if the last look hangs or fails", function()
    local seconds, err = 0.5
    repeat -- a busy machine may have no time for the last look
      server:reset()
      server:script({ { "answer", body = record "RUNNING" } }, "never_answer")
      err = failure_of(wait, { timeout = seconds, interval = 10 })
      seconds = seconds * 2
    until #paths() == 2 or seconds > 8
    assert.are.equal("wait", err.reason)
    assert.matches("was RUNNING when last asked, [%d.]+ s ago; ", err.message)
    assert.are.same({ RECORD_PATH, RECORD_PATH }, paths())
    answers(record "RUNNING", 500)
    err = failure_of(wait, { timeout = 3, interval = 10 }) -- the last look has 0.3 s of it
    assert.are.equal("wait", err.reason)
    assert.matches("was RUNNING when last asked, [%d.]+ s ago, and then ", err.message)
    assert.matches("could not be asked: .*busy", err.message)
    assert.are.equal(4, #paths())
    local busy = { "answer", status = 500, body = '{"error_code":"CB.1","error_msg":"busy"}' }
    server:script({ busy }, "never_answer")
    err = failure_of(wait, { timeout = 0.5, interval = 10 })
    assert.matches("build 20 of job %w+ could not be asked: .*busy", err.message)
  end)

  it("tells the last status if its end cuts a look short", function()
    server:script({ { "answer", body = record "RUNNING" } }, "never_answer")
    local err = failure_of(wait, { timeout = 0.5 })
    assert.matches("was RUNNING when last asked", err.message)
    assert.are.same({ RECORD_PATH, RECORD_PATH }, paths())
  end)

  it("looks once more where the program was away until after its end", function()
    server:behave("by_path", { rows = { { path = "/record%-info$", body = record "RUNNING" } } })
    local seen = false
    local call = client:build(JOB, 20):wait {
      async = true,
      timeout = 2,
      interval = 0.1,
      on_progress = function()
        seen = true
      end,
    }
    repeat
      client:step(0.01)
    until seen
    server:behave("by_path", { rows = { { path = "/record%-info$", body = record "SUCCESS" } } })
    local till = core.now() + 2.1
    repeat
    until core.now() > till
    assert.equal("SUCCESS", call:wait(5).status)
  end)

  it("ends with its timeout while the server says nothing", function()
    server:script({}, "never_answer")
    local err = failure_of(wait, { timeout = 0.05 })
    assert.are.equal("timeout", err.kind)
    assert.are.equal("wait", err.reason)
  end)

  it("ends with its timeout though a look has several questions", function()
    server:script({ { "answer", body = record("ODD", FINISHED) } }, "never_answer")
    local err = failure_of(wait, { timeout = 0.3 })
    assert.matches("was ODD when last asked", err.message)
    assert.are.equal(2, #paths()) -- each had as long as the wait: it went on for twice as long again
    server:script({ { "answer", body = record "RUNNING" } }, "never_answer")
    err = failure_of(wait, { timeout = 0.3, on_progress = function() end })
    assert.matches("was RUNNING when last asked", err.message)
    assert.are.equal(4, #paths())
  end)

  it("tells its progress: status, and steps with name, status and seconds", function()
    answers(
      record "RUNNING",
      steps("success", "running", ""),
      record "SUCCESS",
      steps("success", "success", "success")
    )
    local seen = {}
    wait {
      on_progress = function(progress)
        seen[#seen + 1] = progress
      end,
    }
    assert.are.equal(2, #seen)
    assert.are.equal("RUNNING", seen[1].status)
    assert.are.same({
      { name = "step 1", status = "success", time = 1.5 },
      { name = "step 2", status = "running", time = 3 },
      { name = "step 3", status = "", time = 4.5 },
    }, seen[1].steps)
    assert.are.equal("SUCCESS", seen[2].record.status)
    assert.are.equal(20, seen[2].build_no)
    assert.are.equal("number", type(seen[2].elapsed))
  end)

  it("is not ended by steps that cannot be read", function()
    answers(record "RUNNING", 404, record "SUCCESS", 500)
    local counts = {}
    wait {
      on_progress = function(progress)
        counts[#counts + 1] = #progress.steps
      end,
    }
    assert.are.same({ 0, 0 }, counts)
  end)

  it("runs several at once on one client", function()
    server:script({}, { "answer", body = record "SUCCESS" })
    local calls = {}
    for number = 1, 20 do
      calls[number] = client:build(JOB, 20):wait { async = true }
    end
    for _, call in ipairs(calls) do
      assert.are.equal("SUCCESS", call:wait().status)
    end
  end)

  it("can be cancelled", function()
    server:script({}, { "answer", body = record "RUNNING" })
    local call = client:build(JOB, 20):wait { async = true }
    repeat
      client:step(0.01)
    until server:stats().processed > 0
    call:cancel()
    while not call:done() do
      client:step()
    end
    local _, err = call:try_wait()
    assert.are.equal("cancelled", err.kind)
  end)

  -- Its steps would be asked for again when an attempt has hung for six seconds, were there so much time for them.
  it("does not keep the verdict for steps that do not answer", function()
    local patient = build.new { endpoint = server.url, auth = "a-token", timeout = 6 }
    server:script({ { "answer", body = record("SUCCESS", FINISHED) } }, "never_answer")
    local seen
    local detail = patient:build(JOB, 20):wait {
      on_progress = function(progress)
        seen = progress.steps
      end,
    }
    patient:close()
    assert.are.equal("SUCCESS", detail.status)
    assert.are.same({}, seen)
    assert.are.equal(2, #paths())
  end)

  it("refuses options that cannot be", function()
    local cases = { timeout = 0, interval = -1, on_progress = "x", async = 1, timeot = 1 }
    for name, value in pairs(cases) do
      local err =
        failure_of(client.build(client, JOB, 20).wait, client:build(JOB, 20), { [name] = value })
      assert.are.equal("usage", err.kind)
      assert.are.equal(name, err.field)
    end
    assert.are.same({}, paths())
  end)
end)
