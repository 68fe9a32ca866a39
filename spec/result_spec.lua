-- What a started build's answer becomes, and what build.meta tells of it (API reference 1.3).
local build = require "codearts.build"
local run_job = require "spec.support.run_job"

local JOB = { job_id = run_job.JOB_ID }
local MEMBERS = { "octopus_job_name", "actual_build_number", "daily_build_number" }
local math_type = math.type or type

-- What `pairs` sees, for comparing.
local function members(result)
  local names = {}
  for name in pairs(result) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, " ")
end

describe("the result", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  local function result_of(body, status)
    return bench:result { "answer", body = body, status = status }
  end

  it("has the three members of the answer, and nothing else", function()
    local result = bench:result "ok"
    assert.equal("j_Oaqg3PCN", result.octopus_job_name)
    assert.equal("20", result.actual_build_number)
    assert.equal("20200612.20", result.daily_build_number)
    assert.equal("actual_build_number daily_build_number octopus_job_name", members(result))
  end)

  it("is a plain table: raw access sees the same", function()
    local result = bench:result "ok"
    assert.equal("table", type(result))
    local seen = {}
    for name, value in next, result do
      seen[name] = rawget(result, name) == value
    end
    assert.same(
      { octopus_job_name = true, actual_build_number = true, daily_build_number = true },
      seen
    )
    assert.is_false(build.is_error(result))
  end)

  it("has its methods by metatable, shared by all results of a client", function()
    local one, two = bench:result "ok", bench:result "ok"
    assert.equal(getmetatable(one), getmetatable(two))
    for _, name in ipairs { "wait", "status", "log", "stop" } do
      assert.equal("function", type(one[name]), name)
      assert.is_nil(rawget(one, name))
    end
    assert.is_nil(one.no_such_method)
  end)

  it("has texts where the service sent numbers", function()
    local result = bench:result "ok_numbers"
    assert.equal("20", result.actual_build_number)
    assert.equal("20200612.25", result.daily_build_number)
    for number, text in pairs {
      ["1"] = "1",
      ["1.0"] = "1",
      ["1e3"] = "1000",
      ["9007199254740992"] = "9007199254740992",
      ["20200612.1"] = "20200612.1",
    } do
      assert.equal(
        text,
        result_of(('{"actual_build_number":%s}'):format(number)).actual_build_number
      )
    end
  end)

  it("is unwrapped when it is nested under result", function()
    local result = bench:result "ok_nested"
    assert.equal("20", result.actual_build_number)
    assert.equal("actual_build_number daily_build_number octopus_job_name", members(result))
    result = result_of '{"result":{"actual_build_number":7},"status":"success"}'
    assert.equal("7", result.actual_build_number)
    assert.equal("actual_build_number", members(result))
  end)

  it("is what stands outside when both are there", function()
    local result = result_of '{"actual_build_number":"1","result":{"actual_build_number":"2"}}'
    assert.equal("1", result.actual_build_number)
    assert.equal("2", result.result.actual_build_number)
  end)

  it("needs one of the three members only", function()
    for _, name in ipairs(MEMBERS) do
      local result = result_of(('{"%s":"x"}'):format(name))
      assert.equal(name, members(result))
      assert.equal("x", result[name])
    end
  end)

  it("keeps every further member as it came", function()
    local result = result_of [[{
      "octopus_job_name": "j_1", "actual_build_number": null, "daily_build_number": "d",
      "text": "\u00e4/\"", "whole": 3, "integral": 4.0, "large": 9007199254740992, "larger": 1e17,
      "broken": 0.25, "yes": true, "no": false, "nothing": null,
      "list": [1, "2", null, [], {}], "object": {"a": {"b": 1}}, "reconcile": "data", "": 1
    }]]
    assert.equal(build.null, result.actual_build_number)
    assert.equal('\195\164/"', result.text)
    assert.equal(3, result.whole)
    assert.equal(4, result.integral)
    assert.equal(2 ^ 53, result.large)
    assert.equal(1e17, result.larger)
    assert.equal(0.25, result.broken)
    assert.is_true(result.yes)
    assert.is_false(result.no)
    assert.equal(build.null, result.nothing)
    assert.same({ 1, "2", build.null, {}, {} }, result.list)
    assert.equal(1, result.object.a.b)
    assert.equal("data", result.reconcile)
    assert.equal(1, result[""])
    local whole = math_type(1)
    for _, name in ipairs { "whole", "integral", "large" } do
      assert.equal(whole, math_type(result[name]), name)
    end
    assert.equal(whole, math_type(result.object.a.b))
    assert.equal(whole, math_type(result.list[1]))
    assert.equal(math_type(0.5), math_type(result.larger))
  end)

  it("may come with any 2xx and any media type", function()
    for _, status in ipairs { 200, 201, 202, 206, 299 } do
      assert.equal("1", result_of('{"actual_build_number":"1"}', status).actual_build_number)
    end
    local result =
      bench:result { "answer", body = '{"actual_build_number":"1"}', kind = "text/plain" }
    assert.equal("1", result.actual_build_number)
  end)

  it("comes in chunks, after interim answers and over HTTP/1.0 as well", function()
    for _, behaviour in ipairs { "chunked", "interim", "http_1_0" } do
      assert.equal("20", bench:result(behaviour).actual_build_number, behaviour)
    end
  end)

  describe("is not made of", function()
    local NONE = {
      { "nothing", "bad_json", "" },
      { "white space", "bad_json", " \n" },
      { "a page", "bad_json", "<html></html>" },
      { "half of the JSON", "bad_json", '{"actual_build_number":"1"' },
      { "null", "bad_answer", "null" },
      { "true", "bad_answer", "true" },
      { "a number", "bad_answer", "20" },
      { "a text", "bad_answer", '"actual_build_number"' },
      { "an empty object", "bad_answer", "{}" },
      { "an empty array", "bad_answer", "[]" },
      { "an array of a good answer", "bad_answer", '[{"actual_build_number":"1"}]' },
      { "other members", "bad_answer", '{"hello":"world"}' },
      { "members that are null", "bad_answer", '{"actual_build_number":null}' },
      {
        "members of the wrong type",
        "bad_answer",
        '{"actual_build_number":{},"octopus_job_name":[1]}',
      },
      { "a number beyond all numbers", "bad_answer", '{"actual_build_number":1e999}' },
      {
        "members that are empty",
        "bad_answer",
        '{"octopus_job_name":"","actual_build_number":""}',
      },
      { "a number that no build has", "bad_answer", '{"actual_build_number":0}' },
      {
        "the same, and null, as texts",
        "bad_answer",
        '{"octopus_job_name":"null","actual_build_number":"0","daily_build_number":"null"}',
      },
      {
        "an error beside empty members",
        "bad_answer",
        '{"error_code":"CB.1","error_msg":"no","octopus_job_name":"","actual_build_number":0}',
      },
      { "members in other letters", "bad_answer", '{"Actual_Build_Number":"1"}' },
      { "an empty result", "bad_answer", '{"result":{}}' },
      { "a result that is null", "bad_answer", '{"status":"success","result":null}' },
      { "a result that is an array", "bad_answer", '{"result":[{"actual_build_number":"1"}]}' },
      { "a result in a result", "bad_answer", '{"result":{"result":{"actual_build_number":"1"}}}' },
    }
    for _, case in ipairs(NONE) do
      it(case[1], function()
        local err = bench:failure { "answer", body = case[3] }
        assert.equal("protocol", err.kind)
        assert.equal(case[2], err.reason)
        assert.equal("unknown", err.outcome)
        assert.equal(200, err.status)
        assert.is_false(err.retryable)
        assert.is_nil(err.message:find("\n"))
      end)
    end

    it("an answer that says fail, whatever else it says", function()
      for _, body in ipairs {
        '{"status":"fail"}',
        '{"status":"fail","actual_build_number":"1"}',
        '{"status":"fail","error":{"code":"CB.1","message":"broken"},"result":null}',
      } do
        local err = bench:failure { "answer", body = body }
        assert.equal("api", err.kind)
        assert.equal("unknown", err.outcome)
        assert.is_false(err.retryable)
      end
    end)
  end)

  -- These three in plain texts, and nothing else, are read in a walk of their own.
  it("is the same by whichever way its answer is read", function()
    local name, number, day =
      '"octopus_job_name":"j"', '"actual_build_number":"2 0"', '"daily_build_number":"d.20"'
    local function object(...)
      return "{" .. table.concat({ ... }, ",") .. "}"
    end
    for _, body in ipairs {
      object(name, number, day),
      object(day, name, number),
      object(number, day, name),
      (object(name, number, day):gsub('[{}":,]', " %0 ", 1)),
      (object(name, number, day):gsub("[{}:,]", " \r\n\t%0 ")),
      (object(name, number, day):gsub("[{}:,]", " %0  ")),
      object('"octopus_job_name":"\\u006a"', number, day),
      object('"octopus_job_\\u006eame":"j"', number, day),
      object('"octopus_job_name":"x"', name, number, day),
      object('"octopus_job_name":"x"', number, day, name),
      object('"octopus_job_name":{}', number, day, name),
    } do
      local result = result_of(body)
      assert.equal("actual_build_number daily_build_number octopus_job_name", members(result), body)
      assert.equal("j", result.octopus_job_name, body)
      assert.equal("2 0", result.actual_build_number, body)
      assert.equal("d.20", result.daily_build_number, body)
    end
    for _, text in ipairs { "\195\164", "\127", "'", "a{b}:c,d", "a\nb", ("long "):rep(400) } do
      local result = result_of(object(('"octopus_job_name":"%s"'):format(text), number, day))
      assert.equal(text, result.octopus_job_name)
    end
    for _, body in ipairs {
      object(name, number, day, ""),
      object(name, "", number, day),
      object("", name, number, day),
      object(name, number, day) .. "}",
      object(name, number, day):sub(1, -2),
      object(name, number, day):sub(2),
      object(name, number, day):sub(1, -3),
      (object(name, number, day):gsub(":", " ", 1)),
      (object(name, number, day):gsub(",", " ", 1)),
      object('"octopus_job_name":"\195"', number, day),
      object('"octopus_job_name":"\0"', number, day),
    } do
      local err = bench:failure { "answer", body = body }
      assert.equal("bad_json", err.reason, body)
      assert.equal("unknown", err.outcome, body)
    end
    for _, filler in ipairs { "", "0", "null" } do
      local body = object(name, number, day):gsub(':"[^"]*"', ':"' .. filler .. '"')
      assert.equal("bad_answer", bench:failure({ "answer", body = body }).reason, body)
      body = object(name, number, day):gsub(':"[^"]*"', ':"' .. filler .. '"', 2)
      assert.equal(filler, result_of(body).octopus_job_name)
    end
    assert.equal(
      "api",
      bench:failure({
        "answer",
        body = object(name, number, '"status":"fail"'),
      }).kind
    )
  end)

  it("carries no member over from an earlier answer", function()
    result_of '{"actual_build_number":"1","extra":"x"}'
    assert.equal("octopus_job_name", members(result_of '{"octopus_job_name":"j"}'))
  end)
end)

describe("a member that is called as a method is", function()
  local METHODS = { "wait", "status", "log", "stop" }
  local core = require "codearts.build.core"
  local bench, bare
  setup(function()
    bench = run_job.start()
    bare = core.new { endpoint = bench.server.url, auth = run_job.TOKEN, proxy = false }
  end)
  teardown(function()
    bare:close()
    bench:stop()
  end)

  local FLAT = [[{"actual_build_number":7,"wait":9007199254740992,"status":"success","log":null,
    "stop":{"wait":[1]},"more":"m"}]]
  local NESTED = '{"result":' .. FLAT .. ',"status":"success","log":"outside"}'

  -- The starts that there are; each answers its result.
  local STARTS = {
    run = function()
      return bench.client:run(JOB)
    end,
    try_run = function()
      return bench.client:try_run(JOB)
    end,
    ["start and wait"] = function()
      return bench.client:start(JOB):wait()
    end,
    RunJob = function()
      return bench.client:call("RunJob", JOB)
    end,
    ExecuteJob = function()
      return bench.client:call("ExecuteJob", JOB)
    end,
    run_all = function()
      return bench.client:run_all({ JOB })[1].result
    end,
    ["the core alone"] = function()
      return bare:run(JOB)
    end,
  }

  local function check(result, by, meta)
    assert.equal("7", result.actual_build_number, by)
    assert.equal("actual_build_number more", members(result), by)
    local aside = meta(result).members
    assert.equal(2 ^ 53, aside.wait, by)
    assert.equal(math_type(1), math_type(aside.wait), by)
    assert.equal("success", aside.status, by)
    assert.equal(build.null, aside.log, by)
    assert.same({ wait = { 1 } }, aside.stop, by)
    assert.equal(math_type(1), math_type(aside.stop.wait[1]), by)
  end

  for by, start in pairs(STARTS) do
    it("under build.meta(result).members: " .. by, function()
      for _, body in ipairs { FLAT, NESTED } do
        bench.server:reset()
        bench.server:script { { "answer", body = body } }
        local result = start()
        if by == "the core alone" then
          check(result, by, core.meta)
        else
          check(result, by, build.meta)
          for _, name in ipairs(METHODS) do
            assert.is_function(result[name], by .. " " .. name)
          end
        end
      end
    end)
  end

  it("no hindrance: the methods work", function()
    bench.server:reset()
    bench.server:script {
      { "answer", body = FLAT },
      { "answer", body = '{"result":{"status":"SUCCESS"},"status":"success"}' },
    }
    assert.equal("SUCCESS", bench.client:run(JOB):status().status)
  end)

  it("looked for alone: there is no table of none", function()
    assert.is_nil(build.meta(bench:result "ok").members)
    assert.is_nil(build.meta(bench:result "ok_nested").members)
    for _, name in ipairs(METHODS) do
      local result =
        bench:result { "answer", body = ('{"octopus_job_name":"j","%s":false}'):format(name) }
      assert.same({ [name] = false }, build.meta(result).members)
      assert.is_function(result[name])
    end
  end)

  it("told anew each time, and kept no longer than its result", function()
    local result = bench:result { "answer", body = FLAT }
    build.meta(result).members.wait = nil
    assert.equal(2 ^ 53, build.meta(result).members.wait)
    local weak = setmetatable({ build.meta(result).members.stop }, { __mode = "v" })
    result = bench:result "ok" -- luacheck: ignore
    for _ = 1, 20 do
      collectgarbage()
      bench:result "ok"
    end
    collectgarbage()
    assert.is_nil(weak[1])
  end)

  it("nothing by which another build is asked about", function()
    bench.server:reset()
    bench.server:script {
      { "answer", body = '{"actual_build_number":"7","build_no":8,"job_id":"x"}' },
      { "answer", body = '{"result":{"status":"SUCCESS"},"status":"success"}' },
    }
    local result = bench.client:run(JOB)
    assert.equal(8, result.build_no)
    assert.equal(7, result:status().build_no)
    local path = bench.server:stats().requests[2].path
    assert.truthy(path:find(JOB.job_id, 1, true), path)
    assert.truthy(path:find "/7%f[%D]", path)
  end)
end)

describe("build.meta", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  it("tells how the result came to be", function()
    local result = bench:result {
      "answer",
      body = '{"actual_build_number":"1"}',
      headers = { { "x-request-id", "5e07bd" } },
    }
    local meta = build.meta(result)
    assert.equal(JOB.job_id, meta.job_id)
    assert.equal(200, meta.status)
    assert.equal("5e07bd", meta.request_id)
    assert.equal(1, meta.attempts)
    assert.equal("1.1", meta.http_version)
    assert.equal(math_type(1), math_type(meta.status))
    assert.is_true(meta.elapsed >= 0)
    for _, name in ipairs { "dns", "connect", "tls", "first_byte", "total" } do
      assert.is_true(meta.timings[name] >= 0, name)
    end
    assert.equal(0, meta.timings.tls)
    assert.is_true(meta.timings.total >= meta.timings.first_byte)
    assert.is_true(meta.timings.first_byte >= meta.timings.connect)
  end)

  it("tells HTTP/2 by its name", function()
    local server = require("spec.support.server").start { http2 = true }
    local client =
      build.new { endpoint = server.url, auth = "fake-token", tls = { ca_file = server.ca_file } }
    local meta = build.meta(client:run(JOB))
    assert.equal("2", meta.http_version)
    assert.is_true(meta.timings.tls > 0)
    client:close()
    server:stop()
  end)

  it("counts the attempts", function()
    local client = bench:new_client { retry = { max_attempts = 3, base_delay = 0 } }
    bench.server:script { "throttled", "throttled", "ok" }
    local meta = build.meta(client:run(JOB))
    client:close()
    assert.equal(3, meta.attempts)
    assert.equal(200, meta.status)
  end)

  it("has no request id when there is none, and IAM's trace id when that is the one", function()
    assert.is_nil(build.meta(bench:result "ok").request_id)
    local traced = bench:result {
      "answer",
      body = '{"actual_build_number":"1"}',
      headers = { { "X-IAM-Trace-Id", "trace" } },
    }
    assert.equal("trace", build.meta(traced).request_id)
  end)

  it("answers nil for what is no result", function()
    local result = bench:result "ok"
    local copy = {}
    for name, value in pairs(result) do
      copy[name] = value
    end
    for _, value in ipairs { copy, {}, 1, "x", true, build.null, print } do
      assert.is_nil(build.meta(value))
    end
    assert.is_nil(build.meta(nil))
  end)

  it("keeps no result alive", function()
    local weak = setmetatable({}, { __mode = "v" })
    for i = 1, 5 do
      weak[i] = bench:result "ok"
    end
    -- A client holds an outcome until the place of its call is used again.
    for _ = 1, 20 do
      collectgarbage()
      bench:result "ok"
    end
    collectgarbage()
    local left = 0
    for _ in pairs(weak) do
      left = left + 1
    end
    assert.equal(0, left, left .. " results are left")
  end)

  it("stays with its result, whatever became of others", function()
    local client = bench:new_client()
    local kept = {}
    for i = 1, 400 do
      local job_id = ("%032d"):format(i)
      local long = i % 7 == 0 and { run_id = { parameter = ("P"):rep(i % 128 + 1) } } or nil
      local result = client:run({ job_id = job_id }, long)
      if i % 3 == 0 then
        kept[job_id] = result
      end
      if i % 100 == 0 then
        collectgarbage()
      end
    end
    client:close()
    for job_id, result in pairs(kept) do
      local meta, i = build.meta(result), tonumber(job_id)
      assert.equal(job_id, meta.job_id)
      assert.equal(i % 7 == 0 and ("P"):rep(i % 128 + 1) or nil, meta.run_id_parameter)
    end
  end)

  it("may be changed without changing what the next one says", function()
    local result = bench:result "ok"
    build.meta(result).status = 1
    assert.equal(200, build.meta(result).status)
  end)
end)

describe("a member that is a boolean", function()
  it("becomes its text, like the numbers", function()
    local server = require("spec.support.server").start {}
    local client = build.new { endpoint = server.url, auth = "fake-token-of-results" }
    local body = '{"octopus_job_name":true,"actual_build_number":7}'
    server:script({}, { "answer", status = 200, body = body })
    local result = client:run { job_id = ("0f1e2d3c"):rep(4) }
    client:close()
    server:stop()
    assert.equal("true", result.octopus_job_name)
    assert.equal("7", result.actual_build_number)
  end)
end)
