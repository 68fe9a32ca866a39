-- Answers of which one member is not what the service documents: every reader goes on without it or says so in a
-- structured error. The cases are generated: each member of an answer, replaced by a value of each kind of JSON.

local build = require "codearts.build"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local lifecycle = require "spec.support.lifecycle"
local server_process = require "spec.support.server"

local JOB = lifecycle.JOB
local TIME = '"2022-10-11T08:27:02.000+00:00"'

-- One answer with the members of all operations that are read, so that one body serves whatever is asked for.
local RECORD = ('"build_no":20,"build_record_id":"%s","err_msg":"why","start_time":%s,"finish_time":%s,"duration":100000,'):format(
  lifecycle.RECORD,
  TIME,
  TIME
) .. '"daily_build_num":"20221011.1","execution_id":"name"'
local RESULT = "{"
  .. RECORD
  .. ',"status":"%s","building":false,"is_running":false,"last_build_no":"20","last_build_status":"x",'
  .. '"content":"a line\\n","offset":7,"has_more_data":false,'
  .. '"package_infos":{"a":{"name":"p","version":"1","package_type":"t","uri":"u"}},"image_infos":[{"name":"i"}],'
  .. '"package_info":{"name":"q"},'
  .. '"build_stages":{"stage1":{"sequence":1,"display_name":"one","status":"x","start_time":1665476822000,"finish_time":1665476823000}},'
  .. '"total_record":1,"total_page":1,"job_build_states":[{"number":20,"start_time":1665476822000,"build_time":1000,"state":"SUCCESS"}],'
  .. '"parameters":[{"name":"RUN_ID","value":"x","secret":false,"params":[{"name":"name","value":"known"}]}]}'
local ANSWER = '{"status":"success","total":1,"jobs":[{"id":"'
  .. JOB
  .. '","job_name":"good","last_build_status":"x","last_build_time":1665476822000}],'
  .. '"history_records":[{"build_number":"19","result":"SUCCESS",'
  .. '"start_time":"2022-10-11T08:27:02.000+08:00","end_time":"2022-10-11T08:28:02.000+08:00"}],"build_number":20,'
  .. '"build_steps":[{"name":"one","status":"x","build_time":1500}],"parameters":{"RUN_ID":"x"},'
  .. '"octopus_job_name":"name","actual_build_number":"20","daily_build_number":"20221011.1","result":%s}'
local LISTED = '[{"name":"RUN_ID","value":"x","secret":false}]'

local VALUES = { "null", "true", "1.5", "-1e300", '"x"', '"1e999"', "[]", "{}", "[null,true]" }

local ENDED = ANSWER:format(RESULT:format "TIMEOUT")
local RUNNING = ANSWER:format(RESULT:format "RUNNING")
local WITH_LIST = ANSWER:format(LISTED)

--- A place of an answer as the value that stands there, and a function that puts another one there.
local function each_member(value, put, visit)
  visit(put)
  if type(value) == "table" then
    for key, member in pairs(value) do
      each_member(member, function(text)
        value[key] = text
        return function()
          value[key] = member
        end
      end, visit)
    end
  end
end

--- All answers that differ from this one in one member.
local function variants(answer, f)
  local root = { core.decode(answer) }
  each_member(root[1], function(text)
    local before = root[1]
    root[1] = text
    return function()
      root[1] = before
    end
  end, function(put)
    for _, value in ipairs(VALUES) do
      local back = put "\1here"
      local body = core.encode(root[1])
      back()
      f((body:gsub('"\\u0001here"', function()
        return value
      end)))
    end
  end)
end

describe("an answer with an odd member", function()
  local server, client

  setup(function()
    server = server_process.start()
  end)

  before_each(function()
    client = build.new { endpoint = server.url, auth = "a-token", retry = false }
  end)

  after_each(function()
    client:close()
  end)

  teardown(function()
    server:stop()
  end)

  --- Every flow that reads, under way.
  local function readers()
    local this, quick = client:build(JOB, 20), { async = true }
    return {
      status = this:status(quick),
      wait = this:wait { async = true, timeout = 0.02, on_progress = function() end },
      log = this:log { async = true },
      step = this:log { async = true, step = "nosuch" },
      stop = this:stop(quick),
      history = client:history(JOB, quick),
      days = client:history(JOB, { async = true, from = "2024-05-01", to = "2024-05-02" }),
      jobs = client:jobs(JOB, quick),
    }
  end

  local function check(name, err, body)
    assert.is_true(
      err == nil or build.is_error(err),
      ("%s: %s\n%s"):format(name, tostring(err), body)
    )
    return err == nil or tostring(err)
  end

  for name, answer in pairs { ended = ENDED, running = RUNNING, listed = WITH_LIST } do
    it("raises nothing but structured errors: " .. name, function()
      variants(answer, function(body)
        server:behave("answer", { body = body })
        for reader, call in pairs(readers()) do
          pcall(call.wait, call, 0.2) -- some are asked again for good reasons
          call:cancel()
          pcall(call.wait, call)
          local _, err = call:try_wait()
          check(reader, err, body)
        end
      end)
    end)
  end

  it("leaves a start its outcome, and its result what can be done with it", function()
    local methods = require("codearts.build.lifecycle").result_methods
    variants(ENDED, function(body)
      server:behave("answer", { body = body })
      local result, err = client:try_run { job_id = JOB }
      check("run", err, body)
      if result then
        local ok, problem = pcall(methods.status, result)
        check("status of a result", not ok and problem or nil, body)
      end
    end)
  end)

  it("is no proof for who looks for a lost start", function()
    local lost
    local other = build.new { endpoint = server.url, auth = "a-token", retry = false }
    server:behave("answer", { status = 500, body = "{}" })
    lost = select(2, other:try_run({ job_id = JOB }, { run_id = { parameter = "RUN_ID" } }))
    assert.are.equal("unknown", lost.outcome)
    for _, answer in ipairs { ENDED, WITH_LIST } do
      variants(answer, function(body)
        server:behave("answer", { body = body })
        local ok, seen = pcall(lost.reconcile, lost, { timeout = 0 })
        check("reconcile", not ok and seen or nil, body)
        assert.are_not.equal("started", ok and seen.verdict)
      end)
    end
    other:close()
  end)
end)

describe("the command, given lists of anything,", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      CODEARTS_BUILD_PROJECT = JOB,
      XDG_CACHE_HOME = "/nonexistent",
    }
  end)

  teardown(function()
    server:stop()
  end)

  local ANYTHING = '[null,true,5,1e300,"x",[],{},[null],{"name":[]}]'

  --- The answer with that list instead of each of its own, and with nothing but that.
  local function answers()
    local all = { "5", "null", ANYTHING, '{"result":5}', '{"result":null}' }
    local function with(pattern, text)
      local body, count = ENDED:gsub(pattern, function(before)
        return before .. text
      end)
      assert(count > 0, pattern)
      all[#all + 1] = body
    end
    with('("jobs":)%b[]', ANYTHING)
    with('("history_records":)%b[]', ANYTHING)
    with('("build_steps":)%b[]', ANYTHING)
    with('("params":)%b[]', ANYTHING)
    with('("parameters":)%b[]', ANYTHING)
    with('("actual_build_number":)"20"', '"1.5"')
    with('("actual_build_number":)"20"', "null")
    with('("octopus_job_name":)"name"', "null")
    with('("daily_build_number":)"[0-9.]+"', "[]")
    with('("total":)1', "1.5")
    with('("total":)1', "1e300")
    with('("build_time":)1500', "1e300")
    return all
  end

  it("never calls an error its own", function()
    for _, body in ipairs(answers()) do
      server:behave("answer", { body = body })
      for _, arguments in ipairs {
        "run %s --param known=1 --wait --timeout 1s",
        "jobs",
        "history %s",
        "status %s",
        "wait %s 20 --timeout 1s --json",
        "artifacts %s 20",
        "status good 20",
      } do
        local result = command.run(arguments:format(JOB), env)
        local told = ("%s\n%s\n%s%s"):format(arguments, body, result.out, result.err)
        assert.is_nil(result.err:find("internal error", 1, true), told)
        assert.is_nil((result.out .. result.err):find("lua:%d+:"), told)
      end
    end
  end)
end)
