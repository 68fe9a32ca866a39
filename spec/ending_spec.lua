-- Whether a build is over, and how it ended, where its status is not one of those that are documented.

local service = require "spec.support.lifecycle"

local JOB, FINISHED = service.JOB, service.FINISHED
local record, building, running_status, failure_of =
  service.record, service.building, service.running_status, service.failure_of

local STARTED = ',"start_time":"2022-10-11T08:28:12.000+00:00"'

local unpack = table.unpack or rawget(_G, "unpack")

local stage = service.stage()
local answers, paths = stage.answers, stage.paths
local client, server

setup(stage.start)
teardown(stage.stop)
before_each(function()
  client, server = stage.fresh()
end)
after_each(stage.close)

describe("a build whose status is not documented", function()
  local function wait(options)
    options = options or {}
    options.interval = options.interval or 0.001
    return client:build(JOB, 20):wait(options)
  end

  it("is never taken for a success by itself", function()
    answers(record("SUCCEEDED", FINISHED), building(false))
    local err = failure_of(wait)
    assert.same({ "build", "unknown", "SUCCEEDED" }, { err.kind, err.verdict, err.build_status })
    assert.is_truthy(err.message:find("SUCCEEDED; nothing tells whether", 1, true))
  end)

  it("may run yet", function()
    answers(record "WEIRD", record("WEIRD", FINISHED), building(true), record "SUCCESS")
    assert.are.equal("SUCCESS", wait().status)
  end)

  it("is judged by what the record says once it has stopped, not by what it said before", function()
    for _, again in ipairs { { record("SUCCESS", FINISHED) }, { 503, record "SUCCESS" } } do
      answers(record("UNKNOWN", STARTED), building(false, "SUCCESS"), unpack(again))
      assert.are.equal("SUCCESS", wait().status)
    end
    answers(
      record("UNKNOWN", STARTED),
      building(false, "SUCCESS"),
      record "RUNNING",
      record "SUCCESS"
    )
    assert.are.equal("SUCCESS", wait().status)
    answers(record("UNKNOWN", STARTED), building(false), record "SUCCESS")
    assert.are.equal("SUCCESS", wait().status)
    answers(record("UNKNOWN", STARTED), 500, '{"result":false}', record "SUCCESS")
    assert.are.equal("SUCCESS", wait().status)
    answers(record("UNKNOWN", STARTED), building(false, "ABORTED"), record("ABORTED", FINISHED))
    local err = failure_of(wait)
    assert.same({ "ABORTED", "ABORTED" }, { err.build_status, err.record.status })
  end)

  it("is judged by no record from before its end where the next one is not to be had", function()
    local other = record("SUCCESS", FINISHED):gsub('"build_no":20', '"build_no":21')
    for _, stray in ipairs { "<html></html>", "", other } do
      answers(record("UNKNOWN", STARTED), building(false), stray, record("SUCCESS", FINISHED))
      assert.are.equal("SUCCESS", wait().status)
    end
    for _, status in ipairs { 302, 400, 403, 404 } do
      answers(record("UNKNOWN", STARTED), building(false), status, record("SUCCESS", FINISHED))
      local _, err = pcall(wait)
      assert.are_not.equal("build", err.kind)
    end
  end)

  it("has not ended because it does not run, where it may wait in a queue", function()
    for _, state in ipairs {
      { building(false) },
      { 404, '{"result":false}' },
      { 404, 403, '{"result":{"is_running":false,"last_build_no":20}}' },
    } do
      local script = {}
      for _ = 1, 2 do
        script[#script + 1] = record "UNKNOWN"
        for _, answer in ipairs(state) do
          script[#script + 1] = answer
        end
      end
      script[#script + 1] = record("SUCCESS", FINISHED)
      answers(unpack(script))
      assert.are.equal("SUCCESS", wait().status)
      -- It is its turn, and no executor has begun.
      script[1] = record("UNKNOWN", STARTED .. ',"runnable_time":null')
      answers(unpack(script))
      assert.are.equal("SUCCESS", wait().status)
      script = { record("UNKNOWN", STARTED), unpack(state) }
      script[#script + 1] = record("UNKNOWN", STARTED)
      answers(unpack(script))
      assert.are.equal("UNKNOWN", failure_of(wait).build_status)
    end
  end)

  it("is asked about at its task where its own state cannot be had", function()
    answers(
      record("WEIRD", FINISHED),
      404,
      '{"result":true}',
      running_status(20),
      record("WEIRD", FINISHED),
      403,
      '{"result":false}'
    )
    assert.are.equal("build", failure_of(wait).kind)
    assert.are.equal("GET /v3/jobs/" .. JOB .. "/status", paths()[7])
  end)

  it("is asked about again after trouble with a question", function()
    local over = record("UNKNOWN", FINISHED)
    for _, trouble in ipairs { 429, 500, 503 } do
      answers(over, trouble, over, building(false, "SUCCESS"), over)
      assert.equal("UNKNOWN", wait().status)
      answers(over, 404, trouble, over, 404, '{"result":false}', record("SUCCESS", FINISHED))
      assert.equal("SUCCESS", wait().status)
    end
    for _, trouble in ipairs {
      '{"status":"fail","error":null,"result":null}',
      '{"status":"fail","error":"busy","result":null}',
      '{"status":"error","error":{"code":"CB.00060100","message":"busy"},"result":null}',
      '{"status":"success","error":null,"result":null}',
      "<html>",
    } do
      answers(over, trouble, over, building(false, "SUCCESS"), over)
      assert.equal("UNKNOWN", wait().status)
    end
  end)

  it("is an error where nobody may read whether it still runs", function()
    local refused = { "answer", status = 403, body = "{}" }
    server:script({ { "answer", body = record("WEIRD", FINISHED) } }, refused)
    local err = failure_of(wait)
    assert.same({ "auth", 403 }, { err.kind, err.status })
    server:script({}, { "answer", body = record("WEIRD", FINISHED) })
    err = failure_of(wait, { interval = 0.00000001 })
    assert.equal("protocol", err.kind)
  end)

  it("may tell its own state in other forms", function()
    for _, info in ipairs {
      '{"status":"success","result":[{"building":false,"build_result":"X"}]}',
      '{"status":"success","result":[{"building":"false"}]}',
      '{"status":"success","result":{"building":"False"}}',
    } do
      answers(record("WEIRD", FINISHED), info)
      assert.are.equal("build", failure_of(wait).kind)
    end
    for _, info in ipairs {
      '{"status":"success","result":[{"building":true}]}',
      '{"status":"success","result":{"building":"true"}}',
    } do
      answers(record("WEIRD", FINISHED), info, record "SUCCESS")
      assert.are.equal("SUCCESS", wait().status)
    end
  end)

  it("is asked about at its task once more where one operation is gone", function()
    local state = '{"status":"success","result":{"last_build_no":"20","is_running":%s}}'
    answers(record("WEIRD", FINISHED), 404, 404, state:format "true", record "SUCCESS")
    assert.are.equal("SUCCESS", wait().status)
    answers(record("WEIRD", FINISHED), 404, 404, state:format "false")
    assert.are.equal("build", failure_of(wait).kind)
  end)

  it("is not held up by a later build of the job", function()
    for _, info in ipairs {
      404,
      '{"status":"success","result":[]}',
      '{"status":"success","result":[1]}',
      '{"status":"success","result":{"building":null}}',
    } do
      for _, state in ipairs { '{"result":true}', 403 } do
        answers(record("WEIRD", FINISHED), info, state, running_status(21))
        assert.are.equal("build", failure_of(wait).kind)
      end
    end
  end)

  it("may have begun and ended within one second", function()
    local at_once = record("BUILD_FAILED", FINISHED .. FINISHED:gsub("finish", "start"))
    answers(
      at_once,
      building(true, "FAILURE"),
      at_once,
      building(false),
      at_once,
      building(false, "FAILURE"),
      at_once
    )
    assert.equal("BUILD_FAILED", failure_of(wait).build_status)
    assert.equal(7, #paths())
  end)

  it("ended as its own result tells", function()
    for _, status in ipairs { "COMPLETED", "UNKNOWN" } do
      local over = record(status, FINISHED)
      answers(over, building(false, "SUCCESS"), over)
      assert.equal(status, wait().status)
      answers(over, building(false, "FAILURE"), over)
      assert.equal(status, failure_of(wait).build_status)
    end
    for _, status in ipairs { "TIMEOUT", "CANCELED" } do
      local over = record(status, FINISHED)
      answers(over, building(false, "SUCCESS"), over)
      assert.equal(status, failure_of(wait).build_status)
    end
  end)

  it("has a finish time though the clock of a gateway is behind", function()
    local now = os.time()
    local times = (',"start_time":"%s","finish_time":"%s"'):format(
      os.date("!%Y-%m-%dT%H:%M:%S.000+00:00", now - 2 * 86400),
      os.date("!%Y-%m-%dT%H:%M:%S.000+00:00", now - 30)
    )
    local date = { { "Date", os.date("!%a, %d %b %Y %H:%M:%S GMT", now - 7200) } }
    server:script {
      { "answer", body = record("BUILD_FAILED", times), headers = date },
      { "answer", status = 403, body = '{"error_code":"X","error_msg":"no"}' },
      { "answer", body = '{"result":false}' },
      { "answer", body = record("BUILD_FAILED", times), headers = date },
    }
    assert.equal("BUILD_FAILED", failure_of(wait).build_status)
  end)

  --- A record whose build began so many seconds ago.
  local function begun(status, ago, more)
    local start = os.date("!%Y-%m-%dT%H:%M:%S.000+00:00", os.time() - ago)
    return record(status, (',"start_time":"%s"%s'):format(start, more or ""))
  end

  it("is not asked about at its task by credentials that have ended", function()
    server:script({
      { "answer", body = record("UNKNOWN", FINISHED) },
      { "answer", status = 401, body = '{"error_code":"X","error_msg":"no"}' },
    }, { "answer", body = '{"result":false}' })
    assert.equal(401, failure_of(wait).status)
    assert.equal(2, #paths())
  end)

  it("may show later to who tells how it ended than to who has its record", function()
    answers(
      '{"octopus_job_name":"j_1","actual_build_number":"20","daily_build_number":"1.1"}',
      record("UNKNOWN", FINISHED),
      404,
      record("UNKNOWN", FINISHED),
      building(false, "SUCCESS"),
      record("UNKNOWN", FINISHED)
    )
    assert.equal("UNKNOWN", client:run({ job_id = JOB }):wait({ interval = 0.001 }).status)
  end)

  it("has not ended before other places of the service had time to tell how", function()
    local ends = os.date("!%Y-%m-%dT%H:%M:%S.000+00:00", os.time() - 1)
    local finish = (',"finish_time":"%s"'):format(ends)
    for _, over in ipairs {
      begun("UNKNOWN", 60),
      begun("UNKNOWN", 60, finish),
      begun("COMPLETED", 60, finish),
    } do
      answers(
        over,
        building(false),
        over,
        over,
        building(true),
        over,
        building(false),
        record "SUCCESS"
      )
      assert.equal("SUCCESS", wait().status)
      answers(over, 404, '{"result":false}', over, over, building(false, "SUCCESS"), over)
      assert.equal(over:match '"status":"(%u+)"', wait().status)
    end
    local ended = begun("TERMINATED", 60, finish)
    answers(ended, building(false), ended, ended, building(false, "ABORTED"), ended)
    assert.equal("cancelled", failure_of(wait).verdict)
    local over = begun("UNKNOWN", 60)
    server:behave("by_path", {
      rows = {
        { path = "/record%-info$", body = over },
        { path = "/build%-info$", body = building(false) },
      },
    })
    local err = failure_of(wait, { timeout = 2, interval = 1 })
    assert.same({ "timeout", "wait" }, { err.kind, err.reason })
    assert.equal("unknown", failure_of(wait, { interval = 10.5 }).verdict)
  end)

  it("has not had that time because its record was long in coming", function()
    local finish = os.date("!%Y-%m-%dT%H:%M:%S.000+00:00", os.time() - 8)
    local body = begun("COMPLETED", 60, (',"finish_time":"%s"'):format(finish))
    local over = { "answer", body = body }
    server:script {
      over,
      { "answer", body = building(false) },
      { "slow", body = body, interval = 3 / #body },
      over,
      { "answer", body = building(false, "SUCCESS") },
      over,
    }
    assert.equal("COMPLETED", wait().status)
  end)

  it("has not had that time because a clock is ahead", function()
    local now = os.time()
    local function at(format, ago)
      return os.date(format, now - ago)
    end
    for _, seconds in ipairs { { finish = 1, date = -60 }, { finish = 40, date = 39 } } do -- theirs, ours
      local ended = (',"finish_time":"%s"'):format(
        at("!%Y-%m-%dT%H:%M:%S.000+00:00", seconds.finish)
      )
      local date = { { "Date", at("!%a, %d %b %Y %H:%M:%S GMT", seconds.date) } }
      local over = { "answer", body = begun("COMPLETED", 60, ended), headers = date }
      local not_yet = { "answer", body = building(false) }
      local how = { "answer", body = building(false, "SUCCESS") }
      server:script { over, not_yet, over, over, how, over }
      assert.equal("COMPLETED", wait().status)
    end
  end)

  it("may run yet though its status sounds like an end", function()
    for _, status in ipairs { "TIMEOUT", "ERROR", "CANCELED", "UNKNOWN", "not_built" } do
      local ended = record(status, STARTED)
      answers(ended, building(true), ended, building(false), ended)
      assert.are.equal(status, failure_of(wait).build_status)
      -- Without a finish time a later build proves nothing.
      answers(record(status), 404, '{"result":true}', record "SUCCESS")
      assert.are.equal("SUCCESS", wait().status)
      answers(record(status), 404, 403, running_status(21), record "SUCCESS")
      assert.are.equal("SUCCESS", wait().status)
    end
  end)
end)
