-- Many calls as one: run_all and tasks, and what waiting for them says.

local build = require("codearts.build")
local calls = require("spec.support.calls")
local core = require("codearts.build.core")
local server = require("spec.support.server").start()

local JOB, NAME = calls.JOB, calls.NAME
local raised, assert_usage, step_until = calls.raised, calls.assert_usage, calls.step_until

local function options(more)
  return calls.options(server, more)
end

teardown(function()
  server:stop()
end)

describe("run_all", function()
  local client

  before_each(function()
    server:reset()
    client = build.new(options())
  end)

  after_each(function()
    client:close()
  end)

  local function list_of(n)
    local list = {}
    for i = 1, n do
      list[i] = { job_id = JOB.job_id, parameter = { index = i } }
    end
    return list
  end

  it("answers an empty list at once", function()
    assert.same({}, client:run_all({}))
  end)

  it("starts what the list held at first, each once", function()
    local list = list_of(3)
    for i, item in ipairs(list) do
      item.parameter = { ITEM = i }
    end
    local items = client:run_all(list, {
      max_in_flight = 1,
      on_progress = function()
        table.insert(list, 1, { job_id = JOB.job_id })
      end,
    })
    assert.equal(3, #items)
    local requests = server:stats().requests
    assert.equal(3, #requests)
    for i, request in ipairs(requests) do
      assert.truthy(request.body:find(('"value":"%d"'):format(i), 1, true), request.body)
    end
  end)

  it("answers in the order of the list; one failure stops nothing", function()
    local list = list_of(20)
    list[4] = { job_id = "bad" }
    server:script({ "forbidden" })
    local items = client:run_all(list, { max_in_flight = 1 })
    assert.equal(20, #items)
    for i, item in ipairs(items) do
      if i == 1 then
        assert.equal("auth", item.error.kind)
      elseif i == 4 then
        assert.equal("usage", item.error.kind)
      else
        assert.equal(NAME, item.result.octopus_job_name)
      end
    end
    for i, request in ipairs(server:stats().requests) do
      assert.truthy(request.body:find(('"%d"'):format(i < 4 and i or i + 1), 1, true))
    end
  end)

  it("keeps to max_in_flight", function()
    server:behave("ok_on_release")
    local most, total = 0, 9
    local task = coroutine.wrap(function()
      return client:run_all(list_of(total), {
        max_in_flight = 3,
        on_progress = function(done, all, index, item)
          assert(all == total and index >= 1 and index <= total and item.result)
          most = math.max(most, done)
        end,
      })
    end)
    -- The wait of a client without a host blocks; here a host of the spec's own releases between.
    client.host = {
      wait = function(_, call)
        while not call:done() do
          client:step(0.01)
          local held = server:stats().waiting
          assert(held <= 3, held)
          if held == math.min(3, total - most) then
            server:release()
          end
        end
      end,
    }
    assert.equal(total, #task())
    assert.equal(total, most)
    assert.equal(total, server:stats().processed)
  end)

  it("finishes the list before it raises what on_progress raised", function()
    local count = 0
    local err = raised(client.run_all, client, list_of(5), {
      max_in_flight = 2,
      on_progress = function()
        count = count + 1
        error("in progress " .. count)
      end,
    })
    assert.truthy(err:find("in progress 1", 1, true))
    assert.equal(5, count)
    assert.equal(5, server:stats().processed)
  end)

  it("answers every item when the client is closed meanwhile", function()
    -- A server of its own: requests may still come in when the client is gone.
    local own = require("spec.support.server").start()
    own:script({ "ok" }, "never_answer")
    local doomed = build.new(options({ endpoint = own.url }))
    local items = doomed:run_all(list_of(6), {
      max_in_flight = 3,
      on_progress = function(done)
        if done == 1 then
          doomed:close()
        end
      end,
    })
    local kinds = {}
    for i = 1, 6 do
      kinds[#kinds + 1] = items[i].result and "result" or items[i].error.kind
    end
    table.sort(kinds)
    assert.same({ "cancelled", "cancelled", "result", "usage", "usage", "usage" }, kinds)
    own:stop()
  end)

  it("refuses bad options", function()
    for _, opts in ipairs({
      { max_in_flight = 0 },
      { max_in_flight = 1.5 },
      { max_in_flight = "2" },
      { on_progress = 1 },
      { max_inflight = 2 },
    }) do
      assert_usage(raised(client.run_all, client, { JOB }, opts))
    end
    assert_usage(raised(client.run_all, client, JOB.job_id))
    for _, opts in ipairs({ 5, "x", true, print }) do
      assert.equal("opts", assert_usage(raised(client.run_all, client, { JOB }, opts)).field)
    end
    for _, self in ipairs({ {}, 1, "x", client.core }) do
      local err = assert_usage(raised(client.run_all, self, { JOB }))
      assert.same({ "self", "not_started" }, { err.field, err.outcome })
    end
    assert.equal(0, server:stats().processed)
  end)
end)

describe("tasks", function()
  local client

  before_each(function()
    server:reset()
    client = build.new(options())
  end)

  after_each(function()
    client:close()
  end)

  it("look like calls", function()
    local told = {}
    local task = client:task(function(await)
      local first = await(client:start(JOB))
      local _, err = await(client:start(JOB, { deadline = 0.001, timeout = 0.001 }))
      return first.octopus_job_name .. " " .. (err and err.kind or "ok")
    end)
    assert.is_false(task:done())
    assert.same(
      { "timeout", "wait" },
      { select(2, task:try_wait()).kind, select(2, task:try_wait()).reason }
    )
    task:on_done(function(result)
      told[#told + 1] = result
    end)
    server:script({ "ok" }, "never_answer")
    local text = task:wait()
    assert.equal(NAME .. " timeout", text)
    task:on_done(function(result)
      told[#told + 1] = result
    end)
    client:step(1)
    assert.same({ text, text }, told)
  end)

  it("answer try_wait with a time", function()
    server:behave("ok_on_release")
    local task = client:task(function(await)
      return await(client:start(JOB))
    end)
    local _, err = task:try_wait(0.02)
    assert.same({ "timeout", "wait", "RunJob" }, { err.kind, err.reason, err.operation })
    server:wait_for(1)
    server:release()
    assert.equal(NAME, task:try_wait(10).octopus_job_name)
  end)

  it("end when they are cancelled, and when their client closes", function()
    server:behave("never_answer")
    local function flow(await)
      local _, err = await(client:start(JOB))
      local _, again = await(client:sleep(0))
      return nil, again or err
    end
    local cancelled, closed = client:task(flow), client:task(flow)
    cancelled:cancel()
    cancelled:cancel()
    step_until(client, function()
      return cancelled:done()
    end)
    assert.equal("cancelled", select(2, cancelled:try_wait()).kind)
    client:close()
    assert.is_true(closed:done())
    local told
    closed:on_done(function(_, err)
      told = err.kind
    end)
    assert.equal("cancelled", told)
    client = build.new(options())
  end)

  it("end with what their flow raises", function()
    local task = client:task(function(await)
      await(client:sleep(0))
      error(core.error({ kind = "protocol", message = "mine" }), 0)
    end)
    assert.equal("protocol", raised(task.wait, task).kind)
  end)

  it("take nothing raised for success, not even nil", function()
    for _, value in ipairs({ { n = 1 }, { false, n = 1 } }) do
      local task = client:task(function(await)
        await(client:sleep(0))
        error(value[1])
      end)
      -- Lua 5.5 puts a text in its place.
      local said = select(2, pcall(error, value[1]))
      local expected = type(said) == "string" and said or "a callback raised " .. tostring(said)
      assert.equal(expected, raised(task.wait, task))
      assert.same({ n = 2, nil, expected }, { n = select("#", task:try_wait()), task:try_wait() })
    end
  end)

  it("end with a usage error when what they call yields", function()
    for _, value in ipairs({ { n = 0 }, { 5 }, { {} }, { "x" }, { client }, { print } }) do
      local told
      local task = client:task(function(await)
        await(client:sleep(0))
        coroutine.yield(value[1])
        error("nobody resumes this")
      end)
      task:on_done(function(_, err)
        told = err
      end)
      local err = assert_usage(raised(task.wait, task))
      assert.truthy(err.message:find("yield", 1, true))
      assert.equal(err, told)
      assert.is_true(task:done())
      task:cancel()
    end
    local at_once = client:task(function()
      coroutine.yield()
    end)
    assert_usage(raised(at_once.wait, at_once))
    local wrong = client:task(function(await)
      await("no call")
    end)
    assert_usage(raised(wrong.wait, wrong))
  end)

  it("tell while they are open what they are waiting for", function()
    server:behave("never_answer")
    local task = client:call("ExecuteJob", JOB, { async = true })
    local err = raised(task.wait, task, 0)
    assert.same(
      { "timeout", "wait", "ExecuteJob", "unknown" },
      { err.kind, err.reason, err.operation, err.outcome }
    )
    assert.equal("number", type(err.attempts))
    task:cancel()
    local sleeping = client:task(function(await)
      return await(client:sleep(3600))
    end)
    local _, open = sleeping:try_wait()
    assert.equal("wait", open.reason)
    assert.is_nil(open.operation)
    assert.is_nil(open.outcome)
    sleeping:cancel()
    pcall(task.wait, task)
  end)

  it("refuse what is no function, and methods without their colon", function()
    local call, task = client:sleep(0), client:task(function() end)
    assert.equal("flow", assert_usage(raised(client.task, client)).field)
    for _, value in ipairs({ 1, "x", {} }) do
      assert.equal("on_done", assert_usage(raised(task.on_done, task, value)).field)
      assert.equal("on_done", assert_usage(raised(call.on_done, call, value)).field)
    end
    assert_usage(raised(task.on_done, task))
    for _, one in ipairs({ call, task }) do
      for _, method in ipairs({ "wait", "try_wait", "done", "cancel", "on_done" }) do
        for _, self in ipairs({ 1, "x", {}, print, client, client.core }) do
          assert.equal("self", assert_usage(raised(one[method], self, print)).field)
        end
        assert_usage(raised(one[method]))
      end
    end
    for _, value in ipairs({ 1, "x", {}, print, client }) do
      assert.equal("call", assert_usage(raised(client.wait_for, client, value)).field)
    end
    call:wait()
  end)
end)

describe("waiting", function()
  local probe = require("spec.support.probe")

  it("uses no processor time and wakes up a few times only", function()
    server:script({}, "never_answer")
    for name, new in pairs({ facade = build.new, core = core.new }) do
      local client = new(options({ timeout = 2, retry = false }))
      local before = probe.usage()
      local _, err = client:try_run(JOB)
      local after = probe.usage()
      assert.same({ "timeout", "timeout", "unknown" }, { err.kind, err.reason, err.outcome })
      local wakes = after.switches - before.switches
      assert.is_true(wakes < 20, name .. ": " .. wakes)
      client:close()
    end
  end)
end)

describe("an error in a callback", function()
  it("comes out as it is where there is no debug library", function()
    local told = require("spec.support.caller").elsewhere([[
local core = require "codearts.build.core"
debug = nil
local client = core.new { endpoint = "http://127.0.0.1:1" }
for _, problem in ipairs { "a text", 42 } do
  client:sleep(0):on_done(function()
    error(problem, 0)
  end)
  local ok, err
  repeat
    ok, err = pcall(client.step, client, 1)
  until not ok
  print(err)
end
client:close()]])
    assert.equal("a text\n42\n", told)
  end)
end)
