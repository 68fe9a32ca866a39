-- What the command makes of answers that tell too little, or more than they should.

local command = require "spec.support.command"
local build = require "codearts.build"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local lifecycle = require "spec.support.lifecycle"
local server_process = require "spec.support.server"

local GOOD, OTHER = "goodjob0000000000000000000000001", "goodjob0000000000000000000000002"

describe("codearts-build run", function()
  local server

  setup(function()
    server = server_process.start()
  end)

  teardown(function()
    server:stop()
  end)

  it("has exit status 6 for a started build whose number cannot be one", function()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    for _, number in ipairs { "7.5", "1e20" } do
      server:script {
        {
          "answer",
          body = ('{"octopus_job_name":"j_1","actual_build_number":%s}'):format(number),
        },
      }
      local result = command.run("run --wait --json " .. GOOD, env)
      assert.are.equal(6, result.status, result.err)
      local data = core.decode(result.out)
      assert.are.equal("started", data.error.outcome)
      assert.are.equal("j_1", data.octopus_job_name)
    end
  end)

  it("has exit status 5 for an answer that has none of the members that tell of a build", function()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    server:script { { "answer", body = '{"build_no":9}' } }
    local result = command.run("run --wait --json " .. GOOD, env)
    assert.are.equal(5, result.status, result.err)
    assert.are.equal("unknown", core.decode(result.out).error.outcome)
  end)

  it("never calls it safe to run again what has started a build, unless a key is given", function()
    local folder = host.folder()
    local env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      CODEARTS_BUILD_KEY_STORE = "file:" .. folder,
    }
    local start = {
      "answer",
      body = '{"octopus_job_name":"j_1","actual_build_number":"20","daily_build_number":"1.1"}',
    }
    local running = { "answer", body = lifecycle.record "RUNNING" }
    local function told(words, form, status, answer, more)
      server:script(more or {}, answer)
      local timeout = answer == running and "0.3s" or "1m"
      local arguments = ("%s --timeout %s --output %s"):format(words, timeout, form)
      local result = command.run(arguments, env)
      assert.are.equal(status, result.status, result.err)
      local err = core.decode(result.out:match "([^\n]+)\n$").error
      return { err.outcome, err.kind, err.retryable }
    end
    local failed = { "answer", body = lifecycle.record "FAILURE" }
    local refused = { "answer", status = 403, body = "{}" }
    local run, keyed = "run --wait " .. GOOD, "run --wait --key k " .. GOOD
    for _, form in ipairs { "json", "ndjson" } do
      assert.same({ "started", "timeout", false }, told(run, form, 124, running, { start }))
      assert.same({ "started", "auth", false }, told(run, form, 4, refused, { start }))
      assert.same({ nil, "timeout", true }, told(("wait %s 20"):format(GOOD), form, 124, running))
    end
    assert.same({ "started", "build", false }, told(run, "json", 1, failed, { start }))
    assert.same({ "started", "timeout", true }, told(keyed, "json", 124, running, { start }))
    assert.same({ "started", "timeout", true }, told(keyed, "json", 124, running))
    assert.same({ "not_started", "auth", false }, told(run, "json", 4, refused))
    host.remove(folder)
  end)

  it("says in --json what it knows itself, whatever members the answer has", function()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    server:script {
      {
        "answer",
        body = [[{"octopus_job_name":"j_1","actual_build_number":"7","job_id":"x","verdict":"success",
          "status":"SUCCESS","build_no":8,"error":"no","detached":true,"more":1,"wait":2,"log":null,"stop":"x"}]],
      },
    }
    local result = command.run("run --json " .. GOOD, env)
    assert.are.equal(0, result.status, result.err)
    assert.are.same({
      job_id = GOOD,
      octopus_job_name = "j_1",
      actual_build_number = "7",
      more = 1,
      wait = 2, -- those that are called as methods of a result, too
      log = core.null,
      stop = "x",
    }, core.decode(result.out))
  end)
end)

describe("codearts-build wait --follow --timeout", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    server:reset()
  end)

  --- Runs it; answers what it did, and how often it looked for more of the log.
  local function wait(status, timeout, log)
    server:behave("by_path", {
      rows = {
        { path = "/record%-info", body = ('{"result":{"status":"%s"}}'):format(status) },
        log or {
          path = "log",
          body = '{"result":{"content":"","offset":0,"has_more_data":true}}',
        },
      },
    })
    local arguments = ("wait %s 20 --follow --progress none --timeout %s"):format(GOOD, timeout)
    local result = command.run(arguments, env)
    local looks = 0
    for _, request in ipairs(server:stats().requests) do
      looks = looks + (request.path:find "log" and 1 or 0)
    end
    return result, looks
  end

  it("tells the verdict in time, though the log does not come to its end", function()
    local result, looks = wait("SUCCESS", "1s")
    assert.are.equal(0, result.status, result.err)
    assert.matches(
      "the log of .* is not complete: .*its end did not come within [%d.]+ s",
      result.err
    )
    assert.is_true(looks <= 4, looks .. " looks") -- in the 20 seconds that a log may take otherwise: 9
  end)

  it("tells what kept the end of the log, if there was trouble", function()
    local body = '{"error_code":"CB.1","error_msg":"no disk"}'
    local result = wait("SUCCESS", "1s", { path = "log", status = 400, body = body })
    assert.are.equal(0, result.status, result.err)
    assert.matches("the log of .* is not complete: .*400 CB.1 no disk", result.err)
  end)

  it("ends with 124 while the build runs", function()
    local result, looks = wait("RUNNING", "1s")
    assert.are.equal(124, result.status, result.err)
    assert.is_true(looks <= 4, looks .. " looks")
  end)
end)

describe("codearts-build, told by a cache on the way", function()
  it("says so of what may have changed since", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local function told(arguments, body)
      server:behave("by_path", {
        rows = {
          { path = "/record%-info$", body = body, headers = { { "Age", "600" } } },
          { path = "/history%?", body = body, headers = { { "Age", "600" } } },
        },
      })
      local result = command.run(arguments, env)
      assert.are.equal(0, result.status, result.err)
      return result.err:find("a cache on the way has kept the answer for 600 s", 1, true) ~= nil
    end
    assert.is_true(told("status " .. GOOD .. " 20", lifecycle.record "RUNNING"))
    assert.is_true(told("status " .. GOOD .. " 20 --json", lifecycle.record "RUNNING"))
    assert.is_false(
      told("status " .. GOOD .. " 20", lifecycle.record("SUCCESS", lifecycle.FINISHED))
    )
    assert.is_true(told("history " .. GOOD, '{"total":0,"history_records":[]}'))
    server:stop()
  end)
end)

describe("codearts-build --json", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      CODEARTS_BUILD_PROJECT = GOOD,
    }
  end)

  teardown(function()
    server:stop()
  end)

  --- What the service says, with numbers in it that no double can hold.
  local ROWS = {
    { path = "/build$", body = [[{"actual_build_number":"7","octopus_job_name":"j_7","x":1e999}]] },
    { path = "/execute", body = [[{"actual_build_number":"7","x":[-1e999,{"y":1e999}]}]] },
    { path = "/history%-details", body = [[{"build_steps":[{"name":"a","build_time":1e999}]}]] },
    {
      path = "record%-info",
      body = [[{"result":{"build_no":7,"status":"SUCCESS","duration":1e999}}]],
    },
    {
      path = "/history",
      body = [[{"total":1e999,"history_records":[{"build_number":7,"x":1e999}]}]],
    },
    { path = "/output%-info", body = [[{"result":{"package_info":{"name":"p","x":-1e999}}}]] },
    { path = "/jobs", body = [[{"total":1e999,"jobs":[{"id":"a","job_name":"b","x":1e999}]}]] },
  }

  it("has null for a number that nobody can read, and tells everything else", function()
    server:behave("by_path", { rows = ROWS })
    for arguments, expected in pairs {
      ["run --json " .. GOOD] = '"actual_build_number":"7"',
      ["run --json --wait " .. GOOD] = '"duration":null',
      ["run --json " .. GOOD .. " " .. OTHER] = '"job_id":"' .. OTHER,
      ["run --output ndjson --wait " .. GOOD] = '"event":"finished"',
      ["wait --json " .. GOOD .. " 7"] = '"duration":null',
      ["status --json " .. GOOD .. " 7"] = '"duration":null',
      ["history --json " .. GOOD] = '"x":null',
      ["artifacts --json " .. GOOD .. " 7"] = '"x":null',
      ["jobs --json"] = '"x":null',
      ["call RunJob job_id=" .. GOOD] = '"x":null',
      ["call ExecuteJob job_id=" .. GOOD] = '"x":[null,{"y":null}]',
    } do
      local result = command.run(arguments, env)
      assert.are.equal(0, result.status, arguments .. "\n" .. result.err)
      assert.is_truthy(result.out:find(expected, 1, true), arguments .. "\n" .. result.out)
      for line in result.out:gmatch "[^\n]+" do
        assert.is_table(core.decode(line))
      end
    end
  end)
end)

describe("codearts-build, told no steps,", function()
  it("does not take that for a build that has none", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local record = '{"result":{"build_no":7,"status":"FAILURE"}}'
    for _, case in ipairs { { "{}", 6 }, { '{"build_steps":"x"}', 6 }, { '{"build_steps":null}', 0 } } do
      server:behave("by_path", {
        rows = {
          { path = "/record%-info", body = record },
          { path = "/history%-details", body = case[1] },
          { path = "/real%-time%-log", body = '{"result":{"content":"all","offset":3}}' },
        },
      })
      local log = command.run(("log --failed %s 7"):format(GOOD), env)
      assert.are.equal(case[2], log.status, case[1])
      local status = command.run(("status %s 7"):format(GOOD), env)
      assert.are.equal(1, status.status)
      local warned = status.err:find("the steps cannot be read", 1, true) ~= nil
      assert.are.equal(case[2] == 6, warned, status.err)
    end
    server:stop()
  end)
end)

describe("codearts-build call", function()
  local server, client, env

  setup(function()
    server = server_process.start()
    client = build.new { endpoint = server.url, auth = "a-token", retry = false }
    env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
  end)

  teardown(function()
    client:close()
    server:stop()
  end)

  local STOP = { "StopBuildJob", { job_id = GOOD, build_no = 7 } }
  local STATUS = { "ShowJobStatus", { job_id = GOOD } }
  local LOG = { "DownloadRealTimeLog", { job_id = GOOD, build_no = 7, offset = 0 } }
  local GONE =
    { status = 404, path = "^/v3/", body = '{"error_code":"APIGW.0101","error_msg":"x"}' }

  --- Both, given these answers: the command's exit status and output, and whether the method raised, and what.
  local function both(operation, ...)
    server:behave("by_path", { rows = { ... } })
    local words = { "call", operation[1] }
    for name, value in pairs(operation[2]) do
      words[#words + 1] = ("%s=%s"):format(name, value)
    end
    local result = command.run(table.concat(words, " "), env)
    client.gone = nil
    local ok, answer = pcall(client.call, client, operation[1], operation[2])
    return result.status, result.out, ok, answer
  end

  it("judges as the method does", function()
    for _, case in ipairs {
      { STOP, '{"status":"error","error":"no"}', 6 },
      { STOP, '{"success":true,"status":"error"}', 6 },
      { STOP, '{"success":true}', 0 },
      { STATUS, '{"status":"error","result":true}', 0 }, -- the state of something
      { STATUS, '{"status":"fail","error":"x"}', 6 },
      { STATUS, '{"status":"fail","error":"\255"}', 6 }, -- though a character is broken
      { STATUS, '{"result":"\255"}', 0 },
      { STATUS, "<html>", 6 },
      { STATUS, "", 6 },
    } do
      local status, out, ok = both(case[1], { path = "", body = case[2] })
      assert.are.equal(case[3], status, case[2])
      assert.are.equal(case[3] == 0, ok, case[2])
      assert.are.equal(ok and case[2] .. "\n" or "", out)
    end
  end)

  it("takes no word of the service's for a signal", function()
    local body = '{"error_code":"X.1","error_msg":"operation interrupted!"}'
    local status, out = both(STOP, { path = "", status = 400, body = body })
    assert.are.same({ 6, "" }, { status, out })
  end)

  it("takes an answer without a body where the method does", function()
    local status, out, ok, answer = both(STOP, { path = "", status = 204, body = "" })
    assert.are.same({ 0, "true\n", true, true }, { status, out, ok, answer })
  end)

  it("asks the twin of an operation that is gone, as the method does", function()
    local body = '{"status":"success","empty":[]}'
    local status, out, ok = both(STOP, GONE, { path = "^/v1/", body = body })
    assert.are.same({ 0, body .. "\n", true }, { status, out, ok })
    local page = '{"result":{"log":"a","end_offset":1,"has_more":false,"start_offset":0}}'
    local answer
    status, out, ok, answer = both(LOG, GONE, { path = "^/v1/", body = page })
    assert.are.same({ 0, true }, { status, ok })
    assert.are.same(answer, core.decode(out))
    assert.are.equal("a", answer.result.content)
  end)
end)
