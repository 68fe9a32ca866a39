-- A start whose attempts wait to be let out one by one, each with its date: what keys are built on.

local core = require "codearts.build.core"
local servers = require "spec.support.server"

local JOB = { job_id = "f9d6c8466d614a9788e9a0acf6c15f46" }
local DATE, TEXT = 1700000000, "20231114T221320Z"

describe("an attempt that asks for admission", function()
  local server, client
  local times -- that it was told of one

  local function told()
    times = times + 1
  end

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    times = 0
    client = core.new {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      retry = { max_attempts = 3, base_delay = 0 },
    }
  end)
  after_each(function()
    client:close()
  end)

  local function until_admission(call)
    local attempt, signed
    repeat
      client:step(1)
      attempt, signed = call:admission()
    until attempt or call:done()
    return attempt, signed
  end

  it("goes out when it is let, signed with the date that was said", function()
    local call = client:start(JOB, nil, nil, nil, told)
    call:send()
    local attempt, signed = until_admission(call)
    assert.same({ 1, true, 1 }, { attempt, signed, times })
    client:step(0)
    assert.equal(0, server:stats().heads)
    call:admit(DATE)
    assert.is_nil(call:admission())
    assert.equal("20", call:wait().actual_build_number)
    assert.equal(TEXT, server:stats().requests[1].headers["x-sdk-date"])
    assert.is_nil(call:admission())
    local ok, err = pcall(call.admit, call, DATE)
    assert.is_false(ok)
    assert.equal("admit", err.field)
  end)

  it("is one for each attempt", function()
    server:script { { "answer", status = 429, body = "" } }
    local call = client:start(JOB, nil, nil, nil, told)
    call:send()
    assert.equal(1, until_admission(call))
    call:admit(DATE - 3600)
    assert.equal(2, until_admission(call))
    assert.equal(1, #server:stats().requests)
    call:admit(DATE)
    assert.equal("20", call:wait().actual_build_number)
    assert.equal(TEXT, server:stats().requests[2].headers["x-sdk-date"])
    assert.equal(2, times)
  end)

  it("goes out with the credentials that it was admitted with", function()
    local identity = core.identity()
    local call = client:start(JOB, { auth = identity }, nil, nil, told)
    call:send()
    client:step(0)
    assert.is_nil(call:admission())
    assert.is_truthy(identity:wanted())
    identity:set { token = "first" }
    local _, signed = until_admission(call)
    assert.is_false(signed)
    identity:set { token = "second" }
    call:admit(DATE)
    call:wait()
    assert.equal("first", server:stats().requests[1].headers["x-auth-token"])
  end)

  it("ends without a request when it is cancelled, late, or its client closes", function()
    local function outcome_of(opts, act)
      local call = client:start(JOB, opts, nil, nil, told)
      call:send()
      until_admission(call)
      act(call)
      local _, err = call:try_wait()
      while err.reason == "wait" do
        client:step(1)
        _, err = call:try_wait()
      end
      assert.equal("not_started", err.outcome)
      return err
    end
    assert.equal(
      "cancelled",
      outcome_of({}, function(call)
        call:cancel()
      end).kind
    )
    assert.equal("deadline", outcome_of({ deadline = 0.02 }, function() end).reason)
    assert.equal(
      "cancelled",
      outcome_of({}, function()
        client:close()
      end).kind
    )
    assert.equal(0, server:stats().heads)
  end)

  it("is no option", function()
    for field, opts in pairs {
      admission = { admission = told },
      ["run_id.value"] = { run_id = { parameter = "R", value = core.uuid() } },
    } do
      for _, name in ipairs { "run", "start" } do
        local ok, err = pcall(client[name], client, JOB, opts)
        assert.is_false(ok)
        assert.same({ "usage", field, "not_started" }, { err.kind, err.field, err.outcome })
        assert.matches("unknown", err.message)
      end
    end
    assert.equal(0, server:stats().heads)
  end)

  it("leaves keys to clients that have a store", function()
    for _, name in ipairs { "key", "key_wait", "when_lost", "settle" } do
      local ok, err = pcall(client.run, client, JOB, { [name] = "x" })
      assert.is_false(ok)
      assert.same({ "usage", name, "not_started" }, { err.kind, err.field, err.outcome })
      assert.truthy(err.message:find("codearts.build", 1, true))
      assert.equal(name ~= "key", err.message:find("goes with a key", 1, true) ~= nil)
    end
  end)
end)

describe("RunJob, where it is gone", function()
  local GONE = {
    "answer",
    status = 404,
    body = '{"error_code":"APIGW.0101","error_msg":"The API does not exist","request_id":"r"}',
  }
  local server, client

  setup(function()
    server = servers.start()
    client = core.new { endpoint = server.url, auth = "a-token", retry = false }
  end)
  teardown(function()
    client:close()
    server:stop()
  end)

  it("leaves the start to ExecuteJob from then on", function()
    server:script { { "answer", status = 404, body = '{"error_code":"CB.00060214"}' } }
    local _, err = client:try_run(JOB)
    assert.equal(404, err.status)
    server:reset()
    server:script { GONE }
    assert.equal("20", client:run(JOB).actual_build_number)
    assert.equal("20", client:run(JOB).actual_build_number)
    local paths = {}
    for i, request in ipairs(server:stats().requests) do
      paths[i] = request.path
    end
    assert.same({ "/v3/jobs/build", "/v1/job/execute", "/v1/job/execute" }, paths)
    server:script { GONE }
    _, err = client:try_run(JOB)
    assert.same({ "ExecuteJob", "APIGW.0101", "not_started" }, {
      err.operation,
      err.error_code,
      err.outcome,
    })
  end)
end)
