-- What comes after a run, against a server that says exactly what the specs let it say.

local core = require "codearts.build.core"
local lifecycle = require "codearts.build.lifecycle"
local read_log = require "codearts.build.lifecycle.log"
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

describe("a build known by its numbers", function()
  it("has job_id and build_no as data, and the methods of a result", function()
    local one = client:build(JOB, "20")
    assert.are.same(
      { build_no = 20, job_id = JOB },
      { job_id = one.job_id, build_no = one.build_no }
    )
    local keys = {}
    for key in pairs(one) do
      keys[#keys + 1] = key
    end
    assert.are.equal(2, #keys)
    for _, name in ipairs { "status", "wait", "log", "stop" } do
      assert.are.equal("function", type(one[name]))
    end
  end)

  it("is a usage error with numbers that cannot be", function()
    assert.are.equal("job_id", failure_of(client.build, client, "short", 1).field)
    for _, number in ipairs { 0, -1, 1.5, 2147483648, "x", true, {} } do
      assert.are.equal("build_no", failure_of(client.build, client, JOB, number).field)
    end
    assert.are.same({}, paths())
  end)

  it("comes out of a run too", function()
    answers(
      '{"octopus_job_name":"j_1","actual_build_number":"20","daily_build_number":"1.1"}',
      record "SUCCESS"
    )
    local result = client:run { job_id = JOB }
    assert.are.equal("SUCCESS", result:status().status)
    assert.are.equal(RECORD_PATH, paths()[2])
  end)

  it("is missing where the service told no number, or what cannot be one", function()
    for _, more in ipairs { "", "7.5", "1e20", "0", '"-1"', '"x"' } do
      answers(
        more == "" and '{"octopus_job_name":"j_1"}'
          or ('{"octopus_job_name":"j_1","actual_build_number":%s}'):format(more)
      )
      local result = client:run { job_id = JOB }
      local err = failure_of(result.status, result)
      assert.are.equal("protocol", err.kind)
      assert.are.equal("bad_answer", err.reason)
      assert.are.equal("started", err.outcome)
    end
  end)
end)

describe("status", function()
  it("passes the service's text through", function()
    answers(record "SOMETHING_NEW")
    assert.are.equal("SOMETHING_NEW", client:build(JOB, 20):status().status)
    assert.are.same({ RECORD_PATH }, paths())
  end)

  it("reads numbers that an older edition writes as strings", function()
    answers '{"status":"success","result":{"build_no":"20","status":"SUCCESS"}}'
    assert.are.equal(20, client:build(JOB, 20):status().build_no)
  end)

  it("takes a failure inside status 200 for what it is", function()
    answers '{"status":"fail","error":{"code":"CB.1","message":"no such build"},"result":null}'
    local err = failure_of(function()
      client:build(JOB, 20):status()
    end)
    assert.are.equal("api", err.kind)
    assert.are.equal(200, err.status)
    assert.are.equal("CB.1", err.error_code)
    assert.are.equal("no such build", err.error_msg)
    assert.are.equal("ShowRecordDetail", err.operation)
    assert.is_false(err.retryable)
  end)

  it("is a protocol error without a result", function()
    answers('{"status":"success","result":null}', "[]")
    for _ = 1, 2 do
      assert.are.equal(
        "protocol",
        failure_of(function()
          client:build(JOB, 20):status()
        end).kind
      )
    end
  end)

  it("has an asynchronous form", function()
    answers(record "SUCCESS", 500)
    local call = client:build(JOB, 20):status { async = true }
    assert.are.equal("SUCCESS", call:wait().status)
    local seen
    client:build(JOB, 20):status({ async = true }):on_done(function(result, err)
      seen = { result = result, kind = err.kind }
    end)
    repeat
      client:step(1)
    until seen
    assert.are.same({ kind = "api" }, seen)
  end)

  it("refuses options that it does not have", function()
    local err = failure_of(function()
      client:build(JOB, 20):status { asinc = true }
    end)
    assert.are.equal("usage", err.kind)
    assert.are.equal("asinc", err.field)
    assert.is_truthy(err.message:find('did you mean "async"', 1, true))
  end)
end)

describe("log", function()
  local function log(options)
    return client:build(JOB, 20):log(options)
  end

  local LOG_PATH = "GET /v3/jobs/" .. JOB .. "/20/real-time-log?offset=%d"

  it("follows the offsets that the service returns", function()
    answers(page("one\ntw", 1000, true), page("o\nthree", 2500, false))
    assert.are.equal("one\ntwo\nthree\n", log())
    assert.are.same({ LOG_PATH:format(0), LOG_PATH:format(1000) }, paths())
  end)

  it("understands the separator of the documentation and string-typed members", function()
    answers(
      '{"status":"success","result":{"content":"[2023/12/21 15:44:18.743] a\\\\n[2023/12/21 15:44:19.000] b\\\\n",'
        .. '"offset":"126548","has_more_data":"true","current_offset":"0"}}',
      page("[2023/12/21 15:44:20.000] c", 126600, '"false"')
    )
    assert.are.equal(
      "[2023/12/21 15:44:18.743] a\n[2023/12/21 15:44:19.000] b\n[2023/12/21 15:44:20.000] c\n",
      log()
    )
    assert.are.equal(LOG_PATH:format(126548), paths()[2])
  end)

  it("gives each line to on_line and counts them", function()
    answers(page("a\nb\n", 4, true), page("c", 5, false))
    local lines = {}
    assert.are.equal(
      3,
      log {
        on_line = function(line)
          lines[#lines + 1] = line
        end,
      }
    )
    assert.are.same({ "a", "b", "c" }, lines)
  end)

  it("asks again where more was promised of a build that is over", function()
    answers(
      page("a\n", 2, true),
      page("", 2, true),
      record("SUCCESS", FINISHED),
      page("b\n", 4, false)
    )
    assert.are.equal("a\nb\n", log())
  end)

  it("stops at what is there of a build that runs", function()
    answers(page("a\n", 2, true), page("", 2, true), record "RUNNING")
    assert.are.equal("a\n", log())
  end)

  it("follows a build to its end", function()
    answers(
      page("", 0, false),
      record "",
      page("a\n", 2, true),
      page("", 2, true),
      record "RUNNING",
      page("b\n", 4, false),
      record("SUCCESS", FINISHED),
      page("c\n", 6, false)
    )
    assert.are.equal("a\nb\nc\n", log { follow = true })
  end)

  it("does not sleep on when somebody else learns that the build is over", function()
    answers(page("a\n", 2, false), page("b\n", 4, false))
    local real = client.sleep
    function client:sleep(seconds)
      return real(self, seconds > 0 and 1000 or 0) -- 0: a step that is over
    end
    local watch, lines = {}, {}
    local call = client:task(read_log(lifecycle.handle(client:build(JOB, 20)), {
      follow = true,
      on_line = function(line)
        lines[#lines + 1] = line
      end,
    }, watch))
    repeat
      client:step(1)
    until watch.sleep
    watch.over = true
    watch.sleep:cancel()
    assert.are.equal(2, call:wait())
    assert.are.same({ "a", "b" }, lines)
    assert.are.same({ LOG_PATH:format(0), LOG_PATH:format(2) }, paths())
  end)

  it("waits for a log that does not exist yet", function()
    answers(404, record "", page("a\n", 2, false), record "SUCCESS", page("", 2, false))
    assert.are.equal("a\n", log { follow = true })
  end)

  it("waits longer for it than it takes to give up, while the build is there", function()
    local script = {}
    for _ = 1, 40 do
      script[#script + 1] = 404
      script[#script + 1] = record "QUEUED"
    end
    for _, item in ipairs { page("a\n", 2, false), record "SUCCESS", page("", 2, false) } do
      script[#script + 1] = item
    end
    answers((table.unpack or unpack)(script))
    local real = client.sleep
    function client:sleep(seconds)
      assert.is_true(seconds <= 5)
      return real(self, 0)
    end
    assert.are.equal("a\n", log { follow = true })
  end)

  it("pauses after every look that shows nothing, whatever the record answers", function()
    answers(
      page("", 0, false),
      500,
      page("", 0, false),
      500,
      page("a\n", 2, false),
      record "SUCCESS",
      page("", 2, false)
    )
    local real, slept = client.sleep, 0
    function client:sleep(seconds)
      slept = slept + (seconds > 0 and 1 or 0)
      return real(self, 0)
    end
    assert.are.equal("a\n", log { follow = true })
    assert.are.equal(2, slept)
  end)

  it("ends where the log is quiet and nothing tells whether the build runs", function()
    local pages, real = 0, client.sleep
    function client:sleep()
      pages = pages + 1
      assert.is_true(pages < 100, "it never ends")
      return real(self, 0)
    end
    for _, body in ipairs { page("", 0, false), page("", 0, true) } do
      local script = {}
      for _ = 1, 60 do
        script[#script + 1] = body
        script[#script + 1] = 500
      end
      answers((table.unpack or unpack)(script))
      pages = 0
      assert.are.equal(500, failure_of(log, { follow = true }).status)
    end
  end)

  it("ends where neither log nor build exist", function()
    answers(404, 404)
    assert.are.equal(404, failure_of(log, { follow = true }).status)
  end)

  it("is a protocol error if the offset does not move", function()
    answers(page("a\n", 0, true))
    assert.are.equal("protocol", failure_of(log).kind)
  end)

  local function raw_page(content, offset, more)
    return ('{"status":"success","result":{"content":"%s","offset":%d,"has_more_data":%s}}'):format(
      content,
      offset,
      tostring(more)
    )
  end

  it("joins a character that the end of a page cuts", function()
    local cases = {
      { "go \\ud83d", "\\ude80 go\\n", "go 🚀 go\n" },
      { "go \240\159", "\154\128 go\\n", "go 🚀 go\n" },
      { "\231", "\188\150\232\175\145\\n", "编译\n" },
      { "go \\ud83d", "stop\\n", "go \239\191\189stop\n" },
      { "go \\\\ud83d", "stop\\n", "go \\ud83dstop\n" },
      { "go \240\159", "stop\\n", "go \239\191\189\239\191\189stop\n" },
      { "a \\ude80 \\ud83d\\ud83d\\ude80 ", "z\\n", "a \239\191\189 \239\191\189🚀 z\n" },
      { "one\\ntwo", " \\ud83d", "one\ntwo \239\191\189\n" },
    }
    for _, case in ipairs(cases) do
      server:reset()
      answers(raw_page(case[1], 10, true), raw_page(case[2], 20, false))
      assert.are.equal(case[3], log())
      assert.are.equal(2, #paths())
    end
  end)

  it("keeps an empty log empty", function()
    answers(page("", 0, false))
    assert.are.equal("", log())
  end)

  it("reads one step by the stage of its name", function()
    answers(
      record "FAILURE",
      '{"status":"success","result":{"build_stages":{"initial":{"display_name":"initial"},'
        .. '"stage1":{"display_name":"Compile"}}}}',
      "line 1\nline 2\n"
    )
    assert.are.equal("line 1\nline 2\n", log { step = "compile" })
    assert.are.equal(("GET /v4/%s/task-log?task_name=stage1"):format(RECORD), paths()[3])
  end)

  it("reads one step by its number, and by that alone where the stages are not told", function()
    answers(record "FAILURE", "text")
    assert.are.equal("text\n", log { step = 3 })
    assert.are.equal(("GET /v4/%s/task-log?task_name=stage3"):format(RECORD), paths()[2])
    answers(record "FAILURE", 404, steps("success", "error"), "text")
    local err = failure_of(log, { step = "step 2" })
    assert.are.same({ "api", "ShowBuildRecordFullStages" }, { err.kind, err.operation })
    answers(record "FAILURE", '{"result":{"build_stages":null}}')
    assert.are.equal("protocol", failure_of(log, { step = "step 2" }).kind)
  end)

  local function stages(...)
    local list = {}
    for index, name in ipairs { ... } do
      local key = index == 1 and "initial"
        or index == select("#", ...) and "final"
        or "stage" .. index - 1
      list[index] = ('"%s":{"display_name":"%s","sequence":%d}'):format(key, name, index - 1)
    end
    return ('{"status":"success","result":{"build_stages":{%s}}}'):format(table.concat(list, ","))
  end

  it("lists the steps that a name fits, if it fits several", function()
    local function told(step, answer)
      answers(record "FAILURE", answer)
      local err = failure_of(log, { step = step })
      assert.are.same({ "usage", "step" }, { err.kind, err.field })
      return err.message
    end
    local twice = stages("Prepare", "Test", "Build", "Test", "Clean")
    assert.is_truthy(told("Test", twice):find("1 (Test), 3 (Test); give the number", 1, true))
    local keys = stages("stage2", "initial", "Build", "final", "stage2")
    assert.is_truthy(
      told("stage2", keys):find("initial (stage2), 2 (Build), final (stage2)", 1, true)
    )
    assert.is_truthy(told("initial", keys):find("initial (stage2), 1 (initial)", 1, true))
    assert.is_truthy(told("FINAL", keys):find("3 (final), final (stage2)", 1, true))
  end)

  it("takes the step whose name is written the same before others", function()
    answers(record "FAILURE", stages("Prepare", "Test", "test", "Clean"), "text")
    assert.are.equal("text\n", log { step = "test" })
    assert.are.equal(("GET /v4/%s/task-log?task_name=stage2"):format(RECORD), paths()[3])
    answers(record "FAILURE", stages("Prepare", "Test", "Build", "Clean"), "text")
    log { step = "STAGE2" }
    assert.are.equal(("GET /v4/%s/task-log?task_name=stage2"):format(RECORD), paths()[6])
  end)

  it("names the steps that there are", function()
    answers(record "FAILURE", stages("Prepare", "Test", "Build", "Clean"))
    local err = failure_of(log, { step = "nothing" })
    assert.are.equal("usage", err.kind)
    assert.is_truthy(
      err.message:find("initial (Prepare), 1 (Test), 2 (Build), final (Clean)", 1, true)
    )
  end)

  it("raises what a callback raises", function()
    answers(page("a\n", 2, false))
    local ok, err = pcall(log, {
      on_line = function()
        error("mine", 0)
      end,
    })
    assert.is_false(ok)
    assert.is_truthy(tostring(err):find("mine", 1, true))
  end)
end)

describe("stop", function()
  it("asks once", function()
    answers('{"success":true,"result":""}', '{"status":"Success"}')
    assert.is_true(client:build(JOB, 20):stop())
    assert.are.same({ "POST /v3/jobs/" .. JOB .. "/20/stop" }, paths())
    assert.is_true(client:build(JOB, 20):stop()) -- as the other edition words it
  end)

  it("raises when the service refuses with status 200", function()
    for _, body in ipairs {
      '{"error_code":"CB.9","error_msg":"no"}',
      '{"error_code":"CB.9"}',
      '{"status":"error","error":{"code":"CB.9","message":"no"}}',
    } do
      answers(body)
      local one = client:build(JOB, 20)
      local err = failure_of(one.stop, one)
      assert.are.equal("api", err.kind)
      assert.are.equal("CB.9", err.error_code)
      assert.are.equal(200, err.status)
    end
  end)

  it("raises where nothing tells that the service has taken it", function()
    for _, body in ipairs {
      "{}",
      "[]",
      '"text"',
      "null",
      '{"error":"x"}',
      '{"success":null}',
      '{"success":true,"result":false}',
      '{"status":"success","result":"false"}',
      '{"status":"denied"}',
      '{"status":"NOT_FOUND","result":null}',
    } do
      answers(body)
      local one = client:build(JOB, 20)
      local err = failure_of(one.stop, one)
      assert.are.same(
        { "protocol", "bad_answer", "StopBuildJob" },
        { err.kind, err.reason, err.operation },
        body
      )
    end
    server:script { { "answer", status = 204 } }
    assert.is_true(client:build(JOB, 20):stop())
  end)

  it("takes for an error only what is nothing else", function()
    answers '{"error_code":"","success":true}'
    assert.is_true(client:build(JOB, 20):stop())
    answers '{"error_code":"CB.9","success":true}'
    assert.is_true(client:build(JOB, 20):stop())
  end)

  it("raises when the service refuses", function()
    answers('{"success":false,"result":"already over"}', 404)
    local one = client:build(JOB, 20)
    local err = failure_of(one.stop, one)
    assert.are.equal("api", err.kind)
    assert.are.equal("already over", err.error_msg)
    assert.are.equal(404, failure_of(one.stop, one).status)
  end)
end)

describe("lists", function()
  it("answer the history of a task", function()
    answers '{"total":"2","history_records":[{"build_number":"2","result":"SUCCESS"},{"build_number":1,"result":"FAILURE"}]}'
    local history = client:history(JOB, { page = 1, limit = 2, days = 30 })
    assert.are.equal(2, history.total)
    assert.are.same({ build_number = 2, result = "SUCCESS" }, history.records[1])
    assert.are.same({ "GET /v3/jobs/" .. JOB .. "/history?interval=30&limit=2&offset=1" }, paths())
  end)

  it("are empty only where the service says so", function()
    local function history()
      return client:history(JOB)
    end
    local function jobs()
      return client:jobs(JOB)
    end
    for _, more in ipairs { "null", "[]", "{}" } do
      answers(('{"history_records":%s}'):format(more), ('{"jobs":%s}'):format(more))
      assert.are.same({ total = 0, records = {} }, history())
      assert.are.same({ total = 0, jobs = {} }, jobs())
    end
    for _, body in ipairs {
      "{}",
      "[]",
      '{"error":"x"}',
      '{"result":"permission denied","status":"success","total":1}',
      '{"history_records":"x","jobs":true}',
      '{"history_records":{"x":1},"jobs":{"x":1}}',
    } do
      answers(body, body)
      for _, list in ipairs { history, jobs } do
        local err = failure_of(list)
        assert.are.same({ "protocol", "bad_answer" }, { err.kind, err.reason }, body)
      end
    end
  end)

  it("take the single record of the documented example", function()
    answers '{"total":1,"history_records":{"build_number":7,"result":"SUCCESS"}}'
    assert.are.equal(7, client:history(JOB).records[1].build_number)
  end)

  it("answer the history between two days", function()
    answers '{"total":0,"history_records":[]}'
    assert.are.same({}, client:history(JOB, { from = "2024-05-01", to = "2024-05-31" }).records)
    assert.are.same({
      "GET /v3/jobs/"
        .. JOB
        .. "/period-history?end_time=2024-05-31&limit=10&offset=0&start_time=2024-05-01",
    }, paths())
    assert.are.equal("to", failure_of(client.history, client, JOB, { from = "2024-05-01" }).field)
    assert.are.equal(1, #paths())
  end)

  it("send nothing that the documentation rules out", function()
    for _, case in ipairs {
      { "limit", { limit = 101 } },
      { "days", { days = 31 } },
      { "from", { from = "2024-5-1", to = "2024-05-02" } },
      { "from", { from = "2023-02-29", to = "2023-03-01" } },
      { "from", { from = "2024-05-01 00:00:00", to = "2024-05-02" } },
      { "to", { from = "2024-05-01", to = "2024-13-01" } },
      { "to", { from = "2024-05-01", to = "2024-04-30" } },
      { "to", { from = "2024-02-01", to = "2024-03-03" } },
      { "to", { from = "2023-12-01", to = "2024-01-01" } },
    } do
      local err = failure_of(client.history, client, JOB, case[2])
      assert.are.same({ "usage", case[1] }, { err.kind, err.field })
    end
    assert.are.equal("limit", failure_of(client.jobs, client, JOB, { limit = 101 }).field)
    assert.are.same({}, paths())
    answers('{"total":0}', '{"total":0}')
    client:history(JOB, { from = "2024-02-01", to = "2024-03-02" })
    client:history(JOB, { from = "2023-12-02", to = "2024-01-01" })
  end)

  it("answer the tasks of a project", function()
    answers '{"total":1,"jobs":[{"id":"x","job_name":"demo"}]}'
    local jobs = client:jobs(JOB, { limit = 5 })
    assert.are.equal("demo", jobs.jobs[1].job_name)
    assert.are.same({ "GET /v3/" .. JOB .. "/jobs?page_index=0&page_size=5" }, paths())
    assert.are.equal("project_id", failure_of(client.jobs, client, "x").field)
  end)
end)

describe("an operation that is gone", function()
  local GONE = {
    "answer",
    status = 404,
    body = '{"error_code":"APIGW.0101","error_msg":"The API does not exist or has not been published","request_id":"r"}',
  }

  --- Answers like a service without its outdated group, and remembers who was asked.
  local function without_v3(...)
    local script = {}
    for index, item in ipairs { ... } do
      script[index] = item == GONE and GONE or { "answer", body = item }
    end
    server:script(script, { "answer", status = 404, body = "{}" })
  end

  it("is replaced by its twin, from then on", function()
    without_v3(GONE, record "RUNNING", record "SUCCESS")
    local one = client:build(JOB, 20)
    assert.are.equal("RUNNING", one:status().status)
    assert.are.equal("SUCCESS", one:wait({ interval = 0.001 }).status)
    local twin = "GET /v1/record/" .. JOB .. "/20/record-info"
    assert.are.same({ RECORD_PATH, twin, twin }, paths())
  end)

  it("is replaced where the answer has another form", function()
    local function twin_page(text, from, to, more)
      return ('{"status":"success","result":{"log":%s,"start_offset":"%d","end_offset":"%d","has_more":%s,"location":"jenkins"}}'):format(
        core.encode(text),
        from,
        to,
        tostring(more)
      )
    end
    without_v3(GONE, twin_page("one\ntw", 0, 6, true), twin_page("o\n", 6, 8, false))
    assert.are.equal("one\ntwo\n", client:build(JOB, 20):log())
    local path = "GET /v1/log/" .. JOB .. "/20/real-time-log?size=1000&start_offset=%d"
    assert.are.same({ path:format(0), path:format(6) }, { paths()[2], paths()[3] })
  end)

  it("is replaced for what changes something too: nothing was processed", function()
    without_v3(GONE, '{"status":"success"}', '{"status":"success"}')
    local one = client:build(JOB, 20)
    assert.is_true(one:stop())
    assert.is_true(one:stop())
    local twin = "POST /v1/job/" .. JOB .. "/stop?build_no=20"
    assert.are.same({ twin, twin }, { paths()[2], paths()[3] })
  end)

  it("is replaced for who calls it by name", function()
    without_v3(GONE, '{"status":"success","result":{"job_build_states":[]}}')
    local answer = client:call("ListBuildInfoRecord", {
      job_id = JOB,
      start_time = "2024-05-01 00:00:00",
      end_time = "2024-05-02 00:00:00",
    })
    assert.are.equal(0, #answer.result.job_build_states)
    assert.is_truthy(paths()[2]:find("/v1/record/" .. JOB .. "/list", 1, true))
    assert.are.equal(
      "usage",
      failure_of(client.call, client, "ListBuildInfoRecord", { start = 1 }).kind
    )
  end)

  it("is replaced by a list of the current group for the history of a wait", function()
    local states = ('{"status":"success","result":{"job_build_states":[%s,%s,%s]}}'):format(
      '{"number":20,"state":"RUNNING","start_time":1700000000000,"build_time":0}',
      '{"number":19,"state":"SUCCESS","start_time":1700000000000,"build_time":90000}',
      '{"number":18,"state":"ABORTED","start_time":1700000000000,"build_time":5000}'
    )
    without_v3(record "RUNNING", GONE, states, steps "running")
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
    assert.are.equal(90, seen.usual)
    assert.is_truthy(paths()[3]:find("GET /v1/record/" .. JOB .. "/list?end_time=", 1, true))
  end)

  it("is not taken for gone by another 404", function()
    answers(404, 404)
    for _ = 1, 2 do
      assert.are.equal(404, failure_of(client:build(JOB, 20).status, client:build(JOB, 20)).status)
    end
    assert.are.same({ RECORD_PATH, RECORD_PATH }, paths())
  end)

  it("tells what its twin answers", function()
    without_v3(GONE, GONE)
    local err = failure_of(client:build(JOB, 20).status, client:build(JOB, 20))
    assert.are.equal("ShowJobBuildRecordDetail", err.operation)
    assert.are.equal("APIGW.0101", err.error_code)
  end)
end)
