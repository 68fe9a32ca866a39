-- The one judgement on builds and steps, and that every command uses it.

local command = require "spec.support.command"
local core = require "codearts.build.core"
local server_process = require "spec.support.server"
local verdict = require "codearts.build.lifecycle.verdict"

local JOB = "f9d6c8466d614a9788e9a0acf6c15f46"
local unpack = table.unpack or unpack
local RECORD = "0123456789abcdef0123456789abcdef0123"

describe("a verdict", function()
  it("comes from a status alone only if that is documented", function()
    local cases = {
      SUCCESS = "success",
      success = "success",
      ["SUCCESS  "] = "success",
      FAILURE = "failure",
      SCHEDULE_FAILURE = "failure",
      ABORTED = "cancelled",
    }
    for status, expected in pairs(cases) do
      assert.are.equal(expected, verdict.of_status(status))
      assert.are.equal(expected, verdict.of_end(status))
    end
    for _, status in ipairs { "", "RUNNING", "TIMEOUT", "UNKNOWN", "SUCCEEDED", 5, {} } do
      assert.is_nil(verdict.of_status(status))
    end
    assert.is_nil(verdict.of_status(nil))
  end)

  it("is never a success for an end that is not known", function()
    for status, expected in pairs {
      TIMEOUT = "failure",
      SUCCEEDED = "unknown",
      UNKNOWN = "unknown",
      [""] = "unknown",
      CANCELED = "cancelled",
      cancelled = "cancelled",
    } do
      assert.are.equal(expected, verdict.of_end(status))
    end
    assert.are.equal("unknown", verdict.of_end(nil))
  end)

  it(
    "is what the service tells beside a word that is not known, or that sounds like no success",
    function()
      for _, case in ipairs {
        { "COMPLETED", "success", "success" },
        { "UNKNOWN", "cancelled", "cancelled" },
        { "TERMINATED", "cancelled", "cancelled" },
        { "STOPPED", "failure", "failure" },
        { "STOPPED", "success", "cancelled" },
        { "TIMEOUT", "success", "failure" },
        { "FAILURE", "success", "failure" },
      } do
        assert.are.equal(case[3], verdict.of_end(case[1], case[2]))
      end
    end
  )

  it("tells how a step stands", function()
    for _, case in ipairs {
      { "", false, "rest" },
      { "", true, "rest" },
      { "success", false, "good" },
      { "SUCCESS", true, "good" },
      { "running", false, "now" },
      { "running", true, "now" },
      { "error", false, "bad" },
      { "ABORTED", false, "bad" },
      { "timeout", false, "bad" },
      { "queued", false, "now" },
      { "queued", true, "rest" },
      { "skipped", true, "rest" },
      { "UNKNOWN", false, "rest" },
      { "SCHEDULE_FAILURE", true, "bad" },
    } do
      assert.are.equal(case[3], verdict.of_step(case[1], case[2]), case[1])
    end
  end)
end)

describe("every command judges alike:", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
  end)

  teardown(function()
    server:stop()
  end)

  local function record(status, finished)
    return (
      '{"status":"success","result":{"build_no":20,"build_record_id":"%s","status":"%s",'
      .. '"start_time":"2022-10-11T08:28:12.000+00:00","finish_time":%s}}'
    ):format(RECORD, status, finished and '"2022-10-11T08:28:42.000+00:00"' or "null")
  end

  local OVER = '{"status":"success","result":{"building":false}}'
  local STEPS = '{"build_steps":[]}'

  local function answers(...)
    local script = {}
    for index, body in ipairs { ... } do
      script[index] = { "answer", body = body }
    end
    local used_up = '{"error_code":"X.1","error_msg":"the script is used up"}'
    server:script(script, { "answer", status = 404, body = used_up })
  end

  local function listed(...)
    local list = {}
    for index, status in ipairs { ... } do
      list[index] = ('{"build_number":%d,"result":"%s","end_time":"2022-10-11T08:28:42+00:00"}'):format(
        21 - index,
        status
      )
    end
    return ('{"total":1,"history_records":[%s]}'):format(table.concat(list, ","))
  end

  for _, case in ipairs {
    { "SUCCESS", 0, "success" },
    { "FAILURE", 1, "failure" },
    { "SCHEDULE_FAILURE", 1, "failure" },
    { "ABORTED", 3, "cancelled" },
    { "TIMEOUT", 1, "failure", true },
    { "ERROR", 1, "failure", true },
    { "UNKNOWN", 1, "unknown", true },
    { "CANCELED", 3, "cancelled", true },
    { "A_NEW_WORD", 1, "unknown", true },
  } do
    it(("%s is %d"):format(case[1], case[2]), function()
      local over = case[4] and { OVER } or {}
      local detail = record(case[1], true)
      answers(detail, unpack(over[1] and { OVER, STEPS } or { STEPS }))
      local status = command.run(("status %s 20 --json"):format(JOB), env)
      assert.are.equal(case[2], status.status, status.err)
      assert.are.equal(case[3], core.decode(status.out).verdict)
      answers(detail, unpack(over[1] and { OVER, STEPS } or { STEPS }))
      local wait = command.run(("wait %s 20 --json"):format(JOB), env)
      assert.are.equal(case[2], wait.status, wait.err)
      assert.are.equal(case[3], core.decode(wait.out).verdict)
      answers(listed(case[1]), unpack(over))
      local history = command.run("history " .. JOB .. " --json", env)
      assert.are.equal(case[3], core.decode(history.out).records[1].verdict)
    end)
  end

  it("an end of which nothing tells how it was meant is told as that", function()
    local doubt = "; nothing tells whether that is a success"
    local detail = record("UNKNOWN", true):gsub('"status":"UNKNOWN"', '%0,"err_msg":"disk full"')
    answers(detail, OVER, detail, STEPS)
    local status = command.run(("status %s 20"):format(JOB), env)
    assert.is_truthy(status.err:find("build 20 is over" .. doubt, 1, true), status.err)
    answers(detail, OVER, detail, STEPS)
    local wait = command.run(("wait %s 20"):format(JOB), env)
    assert.is_truthy(wait.out:find("UNKNOWN, took 30s: disk full" .. doubt, 1, true), wait.out)
  end)

  it("what has ended while that was asked is judged by how it ended", function()
    local before, after = record("UNKNOWN", false), record("SUCCESS", true)
    local over = '{"status":"success","result":{"building":false,"build_result":"SUCCESS"}}'
    answers(before, over, after, STEPS)
    local status = command.run(("status %s 20 --json"):format(JOB), env)
    local data = core.decode(status.out)
    assert.same({ 0, "success", "SUCCESS" }, { status.status, data.verdict, data.status })
    answers(listed "UNKNOWN", over, after)
    local listed_now = core.decode(command.run("history " .. JOB .. " --json", env).out).records[1]
    assert.same({ "success", "SUCCESS" }, { listed_now.verdict, listed_now.result })
  end)

  it("a word that says nothing is what the service tells beside it", function()
    for _, case in ipairs {
      { "SUCCESS", 0, "success" },
      { "ABORTED", 3, "cancelled" },
      { "FAILURE", 1, "failure" },
    } do
      local over = OVER:gsub("false", 'false,"build_result":"' .. case[1] .. '"')
      local detail = record("UNKNOWN", true)
      for _, arguments in ipairs { "status %s 20 --json", "wait %s 20 --json" } do
        answers(detail, over, detail, STEPS)
        local told = command.run(arguments:format(JOB), env)
        local data = core.decode(told.out)
        assert.same({ case[2], case[3], "UNKNOWN" }, { told.status, data.verdict, data.status })
      end
      answers(listed "UNKNOWN", over, detail)
      local history = command.run("history " .. JOB .. " --json", env)
      assert.equal(case[3], core.decode(history.out).records[1].verdict)
    end
  end)

  it("what does not tell whether it is over, and cannot be asked, is not known", function()
    for status, exit in pairs { [403] = 4, [400] = 6 } do
      server:behave("by_path", {
        rows = {
          { path = "/record%-info$", body = record("TIMEOUT", true) },
          {
            path = "/history%-details$",
            body = '{"build_steps":[{"name":"a","status":"success"}]}',
          },
          { path = "/history%?", body = listed("TIMEOUT", "SUCCESS", "TIMEOUT") },
          { path = "", status = status, body = '{"error_code":"X","error_msg":"no"}' },
        },
      })
      for _, arguments in ipairs { "status %s 20", "wait %s 20 --timeout 60s", "log %s 20 --failed" } do
        local result = command.run(arguments:format(JOB) .. " --json", env)
        local told = ("%s\n%s%s"):format(arguments, result.out, result.err)
        assert.are.equal(exit, result.status, told)
        local data = core.decode(result.out)
        assert.is_nil(data.verdict, told)
        assert.are.equal(status, data.error.status, told)
      end
      local result = command.run(("status %s 20"):format(JOB), env)
      assert.are.equal(exit, result.status)
      assert.is_truthy(result.out:find "^status +TIMEOUT\n", result.out)
      assert.is_truthy(result.err:find("whether build 20 is over cannot be read", 1, true))
      result = command.run(("history %s --json"):format(JOB), env)
      assert.are.equal(0, result.status)
      assert.is_truthy(result.err:find("whether build 20 is over cannot be read", 1, true))
      local verdicts = {}
      for index, item in ipairs(core.decode(result.out).records) do
        verdicts[index] = item.verdict or "none"
      end
      assert.are.same({ "none", "success", "none" }, verdicts)
    end
  end)

  -- As a stock Varnish keeps what a token reads: it may have been said before the build began.
  it("what a cache has kept does not end a build", function()
    for _, case in ipairs {
      { "/build%-info$", '{"result":{"building":false}}' },
      { "/status$", '{"result":false}' },
      { "/running%-status$", '{"result":{"is_running":false,"last_build_no":20}}' },
      { "/record%-info$", record("UNKNOWN", true), OVER },
    } do
      for age, expected in pairs { [0] = "unknown", [40] = "none" } do
        server:behave("by_path", {
          rows = {
            { path = case[1], body = case[2], headers = { { "Age", tostring(age) } } },
            { path = "/record%-info$", body = record("UNKNOWN", true) },
            case[3] and { path = "/build%-info$", body = case[3] } or {
              path = "/build%-info$",
              status = 404,
              body = '{"error_code":"X","error_msg":"no"}',
            },
            { path = "/status$", status = 403, body = '{"error_code":"X","error_msg":"no"}' },
          },
        })
        local result = command.run(("status %s 20 --json"):format(JOB), env)
        local data = core.decode(result.out)
        assert.are.equal(expected, data.verdict or "none", case[1] .. result.out)
      end
    end
  end)

  -- As services write where a build has no end yet: a zero, the end of all times, the end of the build before.
  for _, none in ipairs {
    "1970-01-01T00:00:00.000+00:00",
    "9999-12-31T23:59:59.000+00:00",
    "2022-10-10T08:28:42.000+00:00",
    "2022-10-11T08:28:12.000+00:00", -- the start
    os.date("!%Y-%m-%dT%H:%M:%S+00:00", os.time() + 7200), -- when it is expected to end
  } do
    it("a finish time that is none ends no build: " .. none, function()
      local queued = ('{"result":{"build_no":20,"status":"ODD","start_time":"%s","finish_time":"%s"}}'):format(
        none:sub(1, 4) == "1970" and none or "2022-10-11T08:28:12.000+00:00", -- as in `record`
        none
      )
      local running = record("ODD", true):gsub('(finish_time":")[^"]*', "%1" .. none)
      for _, body in ipairs { queued, running } do
        server:behave("by_path", {
          rows = {
            { path = "/record%-info$", body = body },
            { path = "/build%-info$", status = 403, body = "{}" },
            { path = "/status$", body = '{"result":true}' },
            { path = "", body = '{"result":{"is_running":true,"last_build_no":21}}' },
          },
        })
        local data = core.decode(command.run(("status %s 20 --json"):format(JOB), env).out)
        assert.is_nil(data.verdict, body)
      end
      answers(queued, OVER, queued, STEPS)
      assert.is_nil(core.decode(command.run(("status %s 20 --json"):format(JOB), env).out).verdict)
    end)
  end

  it("no time ends a build that is told to go on", function()
    for _, status in ipairs { "RUNNING", "queued", "InQueue", "Pending", "IN_PROGRESS" } do
      answers(record(status, true), OVER, record(status, true), STEPS)
      local data = core.decode(command.run(("status %s 20 --json"):format(JOB), env).out)
      assert.are.same({ status }, { data.status, data.verdict })
    end
  end)

  it("a listed build that runs has no verdict", function()
    answers(listed "TIMEOUT", '{"result":{"building":true}}')
    local history = command.run("history " .. JOB .. " --json", env)
    assert.is_nil(core.decode(history.out).records[1].verdict)
    assert.are.equal("", history.err)
  end)

  it(
    "what waits for its executor has no verdict, also where the list does not tell that it waits",
    function()
      local start = '"start_time":"2022-10-11T08:28:12.000+00:00"'
      local row = ('{"total":1,"history_records":[{"build_number":20,"result":"UNKNOWN",%s}]}'):format(
        start
      )
      answers(row, OVER, ('{"result":{"status":"UNKNOWN","runnable_time":"",%s}}'):format(start))
      local history = command.run("history " .. JOB .. " --json", env)
      assert.is_nil(core.decode(history.out).records[1].verdict)
      assert.matches("nothing tells whether the build has begun", history.err, 1, true)
    end
  )

  it("a build that runs is 0", function()
    for _, status in ipairs { "", "RUNNING", "QUEUED" } do
      answers(record(status, false), STEPS)
      assert.are.equal(0, command.run(("status %s 20"):format(JOB), env).status)
    end
  end)
end)

-- "name status, …", which stands for a step or stage each.
local function listed(text)
  local list = {}
  for name, status in text:gmatch "([^ ]+) ([^,]*),? ?" do
    list[#list + 1] = { name = name, status = status, key = "stage" .. #list + 1 }
  end
  return list
end

describe("the stage of a step", function()
  local stage_of = require("codearts.build.lifecycle.steps").stage_of

  local CASES = {
    { "a success, b error", "a SUCCESS, b FAILURE", "stage1 stage2" },
    { "a success, c error", "a SUCCESS, b SUCCESS, c FAILURE", "stage1 stage3" },
    { "s success, s error", "a SUCCESS, s SUCCESS, s FAILURE", "stage2 stage3" },
    { "s error, s error", "s FAILURE, a SUCCESS, s ABORTED", "stage1 stage3" },
    -- One of two that are called so is not shown.
    { "s error", "s SUCCESS, s FAILURE", "stage2" },
    { "s success, s error", "s SUCCESS, s SUCCESS, s FAILURE", "- stage3" },
    { "s error", "s FAILURE, s FAILURE", "-" },
    { "s error", "S FAILURE", "-" },
    { "s error", "", "-" },
    -- The places do not tell which one it is, but how they stand does.
    { "s success, s error", "s FAILURE, s SUCCESS", "stage2 stage1" },
    { "s error", "s SUCCESS", "-" },
    { "s success", "s FAILURE", "-" },
    { "s success, s error, s error", "s SUCCESS, s SUCCESS, s FAILURE", "- - -" },
    { "s success, s error", "s , s ", "stage1 stage2" },
  }
  for _, case in ipairs(CASES) do
    it(("%q among %q"):format(case[1], case[2]), function()
      local steps_of_page, stages, found = listed(case[1]), listed(case[2]), {}
      for place in ipairs(steps_of_page) do
        local stage = stage_of(steps_of_page, place, stages)
        found[place] = stage and stage.key or "-"
      end
      assert.are.equal(case[3], table.concat(found, " "))
    end)
  end
end)

describe("a step is a place:", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
  end)

  teardown(function()
    server:stop()
  end)

  local DETAIL = ('{"status":"success","result":{"build_no":20,"build_record_id":"%s","status":"FAILURE"}}'):format(
    RECORD
  )

  it("one that was left out has not failed, whatever the service calls that", function()
    local detail = DETAIL:gsub("FAILURE", "SUCCESS")
    for _, word in ipairs { "skipped", "UNEXECUTED", "warning", "init" } do
      server:behave("by_path", {
        rows = {
          { path = "/record%-info$", body = detail },
          {
            path = "/history%-details$",
            body = ('{"build_steps":[{"name":"Deploy","status":"%s"}]}'):format(word),
          },
          { path = "/task%-log", body = "nothing to do" },
        },
      })
      local status = command.run(("status %s 20"):format(JOB), env)
      assert.are.equal(0, status.status)
      assert.is_nil(status.err:find("failed", 1, true), word .. status.err)
      local log = command.run(("log %s 20 --failed --json"):format(JOB), env)
      assert.are.equal(0, log.status)
      assert.are.same({}, core.decode(log.out).steps, word)
      assert.is_truthy(log.err:find("no step failed", 1, true), log.err)
    end
  end)

  it("the last lines are those of the one that failed, whatever it is called", function()
    for _, name in ipairs { "Test", "initial", "stage9" } do
      server:script({
        { "answer", body = DETAIL },
        {
          "answer",
          body = ('{"build_steps":[{"name":"%s","status":"success"},{"name":"%s","status":"error"}]}'):format(
            name,
            name
          ),
        },
        {
          "answer",
          body = ('{"result":{"build_stages":{"stage9":{"display_name":"%s"},"stage10":{"display_name":"%s"}}}}'):format(
            name,
            name
          ),
        },
        { "answer", body = "it was the second\n" },
      }, { "answer", status = 404, body = "{}" })
      local result = command.run(("wait %s 20"):format(JOB), env)
      assert.is_truthy(result.err:find("it was the second", 1, true), result.err)
      local requests = server:stats().requests
      assert.are.equal(
        ("/v4/%s/task-log?task_name=stage10"):format(RECORD),
        requests[#requests].path
      )
    end
  end)

  -- The clock is no witness here: a log that is waited for is asked for four times, a minute each, and the command is killed then.
  it("that does not answer does not keep the verdict", function()
    for _, options in ipairs { "--timeout 2s", "" } do
      server:script({
        { "answer", body = DETAIL },
        { "answer", body = '{"build_steps":[{"name":"Test","status":"error"}]}' },
        { "answer", body = '{"result":{"build_stages":{"stage1":{"display_name":"Test"}}}}' },
      }, "never_answer")
      local before = #server:stats().requests
      local result = command.run(("wait %s 20 %s"):format(JOB, options), env)
      assert.are.equal(1, result.status)
      assert.is_truthy((result.out .. result.err):find("FAILURE", 1, true), result.err)
      assert.is_nil(result.err:find("last lines", 1, true))
      local requests = server:stats().requests
      assert.is_truthy(requests[#requests].path:find("task-log", 1, true))
      assert.are.equal(4, #requests - before)
    end
  end)

  it("a number is the place", function()
    server:script({ { "answer", body = DETAIL }, { "answer", body = "two\n" } })
    local result = command.run(("log %s 20 --step 2"):format(JOB), env)
    assert.are.equal("two\n", result.out)
    server:script({ { "answer", body = DETAIL } })
    assert.are.equal(2, command.run(("log %s 20 --step 0"):format(JOB), env).status)
  end)
end)
