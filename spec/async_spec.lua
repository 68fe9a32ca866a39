-- Calls, callbacks and steps without any host; each case with the facade's client and the core's.

local build = require("codearts.build")
local calls = require("spec.support.calls")
local core = require("codearts.build.core")
local on_collection = require("spec.support.on_collection")
local server = require("spec.support.server").start()

local JOB, NAME = calls.JOB, calls.NAME
local raised, assert_usage, step_until = calls.raised, calls.assert_usage, calls.step_until

local function options(more)
  return calls.options(server, more)
end

teardown(function()
  server:stop()
end)

for name, new in pairs({ facade = build.new, core = core.new }) do
  describe("calls of the " .. name, function()
    local client

    before_each(function()
      server:reset()
      client = new(options())
    end)

    after_each(function()
      client:close()
    end)

    it("are done where their answer has come by the end of a wait", function()
      server:behave("ok_on_release")
      local call = client:start(JOB)
      step_until(client, function()
        return server:stats().waiting == 1
      end)
      server:release()
      server:wait_for(1, "let_go")
      assert.equal(NAME, call:try_wait(0).octopus_job_name)
    end)

    it("are done when a step has brought their answer", function()
      server:behave("ok_on_release")
      local call = client:start(JOB)
      assert.is_false(call:done())
      assert.equal(1, client:step(0))
      step_until(client, function()
        return server:stats().waiting == 1
      end)
      assert.is_false(call:done())
      server:release()
      assert.equal(NAME, call:wait().octopus_job_name)
      assert.is_true(call:done())
      assert.equal(0, client:step(0))
      assert.equal(NAME, call:try_wait().octopus_job_name)
      assert.equal(call:wait(), call:wait())
    end)

    it("tell of a request while it is under way, in a wait, too", function()
      server:script({ "ok", "ok_on_release" })
      client:run(JOB) -- leaves a connection on which nothing else happens
      local call
      call = client:start(JOB, {
        timeout = 5,
        on_event = function(event)
          if event.type == "request" then
            call:cancel()
          end
        end,
      })
      assert.equal("cancelled", raised(call.wait, call).kind)
    end)

    it("answer try_wait at once, and go on", function()
      server:behave("ok_on_release")
      local call = client:start(JOB)
      local result, err = call:try_wait()
      assert.is_nil(result)
      assert.same({ "timeout", "wait" }, { err.kind, err.reason })
      err = raised(call.wait, call, 0)
      assert.same({ "timeout", "wait" }, { err.kind, err.reason })
      err = raised(call.wait, call, 0.05)
      assert.same({ "timeout", "wait" }, { err.kind, err.reason })
      server:wait_for(1)
      server:release()
      assert.equal(NAME, call:wait(10).octopus_job_name)
    end)

    it("answer try_wait with a time when that is over, or before with their end", function()
      server:behave("ok_on_release")
      local call = client:start(JOB)
      for _, seconds in ipairs({ 0, 0.05 }) do
        local result, err = call:try_wait(seconds)
        assert.is_nil(result)
        assert.same({ "timeout", "wait" }, { err.kind, err.reason })
      end
      server:wait_for(1)
      server:release()
      assert.equal(NAME, call:try_wait(10).octopus_job_name)
      assert.equal(NAME, call:try_wait(0).octopus_job_name)
      local _, err = client:start({ job_id = JOB.job_id }, { timeout = 0.001 }):try_wait(10)
      assert.equal("timeout", err.kind)
      assert.not_equal("wait", err.reason)
    end)

    it("answer try_wait with an error where it cannot wait, and raise none", function()
      server:behave("ok_on_release")
      local call, told = client:start(JOB), {}
      step_until(client, function()
        return server:stats().waiting == 1
      end)
      client:sleep(0):on_done(function()
        told = { call:try_wait(10) }
        server:release() -- the answer must not come before
      end)
      -- What a callback raises is left to the next step: the answer must not be lost.
      call:on_done(function()
        error("of a callback")
      end)
      assert.equal(NAME, call:try_wait(10).octopus_job_name)
      assert_usage(told[2])
      assert.is_nil(told[1])
      assert.matches("of a callback", tostring(raised(client.step, client, 0)))
      local open = client:sleep(60)
      for _, bad in ipairs({ "long", -1, 0 / 0, {} }) do
        local result, err = open:try_wait(bad)
        assert.is_nil(result)
        assert_usage(err)
        assert.equal("timeout", err.field)
      end
      open:cancel()
    end)

    it("refuse bad arguments at once and send nothing", function()
      assert_usage(raised(client.start, client, { job_id = "short" }))
      assert_usage(raised(client.step, client, "soon"))
      assert_usage(raised(client.step, client, -1))
      local call = client:start(JOB)
      assert_usage(raised(call.wait, call, "long"))
      assert_usage(raised(call.on_done, call, "not a function"))
      call:wait()
      assert.equal(1, server:stats().processed)
    end)

    it("tell every callback once, in their order, with what try_wait answers", function()
      server:script({ "ok", "forbidden" })
      local seen = {}
      for i = 1, 2 do
        local call = client:start(JOB)
        for j = 1, 2 do
          call:on_done(function(result, err)
            seen[#seen + 1] = { i, j, result and result.octopus_job_name, err and err.kind }
          end)
        end
        pcall(call.wait, call)
        call:on_done(function(result, err)
          seen[#seen + 1] = { i, "late", result and result.octopus_job_name, err and err.kind }
        end)
        assert.equal(0, client:timeout())
        client:step(0)
      end
      client:step(0)
      assert.same({
        { 1, 1, NAME },
        { 1, 2, NAME },
        { 1, "late", NAME },
        { 2, 1, nil, "auth" },
        { 2, 2, nil, "auth" },
        { 2, "late", nil, "auth" },
      }, seen)
    end)

    it("run callbacks inside steps only", function()
      local called = 0
      local call = client:start(JOB)
      call:wait()
      call:on_done(function()
        called = called + 1
      end)
      call:done()
      call:try_wait()
      call:wait()
      assert.equal(0, called)
      client:step(0)
      assert.equal(1, called)
    end)

    it("can be started, cancelled and awaited with callbacks from callbacks", function()
      local order = {}
      local second
      local first = client:start(JOB)
      first:on_done(function()
        order[#order + 1] = "first"
        second = client:start(JOB)
        second:on_done(function(result)
          order[#order + 1] = result.octopus_job_name
          local third = client:start(JOB)
          third:on_done(function(_, err)
            order[#order + 1] = err.kind
          end)
          third:cancel()
        end)
      end)
      step_until(client, function()
        return #order == 3
      end)
      assert.same({ "first", NAME, "cancelled" }, order)
      assert.equal(2, server:stats().processed)
    end)

    it("end as cancelled, with an honest outcome", function()
      server:behave("never_answer")
      local unsent = client:start(JOB)
      unsent:cancel()
      assert.is_false(unsent:done())
      client:step(0)
      local _, err = unsent:try_wait()
      assert.same({ "cancelled", "not_started", 0 }, { err.kind, err.outcome, err.attempts })
      local sent = client:start(JOB)
      step_until(client, function()
        return server:stats().processed == 1
      end)
      local told
      sent:on_done(function(_, why)
        told = why
      end)
      sent:cancel()
      sent:cancel()
      err = raised(sent.wait, sent)
      assert.same({ "cancelled", "unknown", 1 }, { err.kind, err.outcome, err.attempts })
      assert.equal(err, told)
      sent:cancel()
      assert.equal(0, client:step(0))
    end)

    it("complete though nobody waits for them", function()
      for _ = 1, 20 do
        client:start(JOB)
      end
      collectgarbage()
      step_until(client, function()
        collectgarbage()
        return client:step(0.1) == 0
      end)
      assert.equal(20, server:stats().processed)
    end)

    it("end with their client when nobody holds either", function()
      server:behave("never_answer")
      local weak = setmetatable({}, { __mode = "v" })
      local function forget()
        local lost = new(options())
        weak[1], weak[2] = lost, lost:start(JOB)
        step_until(lost, function()
          return server:stats().processed == 1
        end)
      end
      forget()
      for _ = 1, 4 do
        collectgarbage()
      end
      assert.is_nil(weak[1])
      assert.is_nil(weak[2])
      server:wait_for(1, "closed")
    end)

    it("outlive their client", function()
      local call = client:start(JOB)
      call:wait()
      client:close()
      client = new(options())
      collectgarbage()
      collectgarbage()
      assert.is_true(call:done())
      assert.equal(NAME, call:try_wait().octopus_job_name)
      call:cancel()
    end)

    it("work with the collector at its most aggressive", function()
      require("spec.support.collector")(0, 10000)
      local done = 0
      local ok, err = pcall(function()
        for i = 1, 30 do
          client:start({ job_id = JOB.job_id, parameter = { number = i } }):on_done(function(result)
            assert(result.octopus_job_name == NAME)
            collectgarbage()
            done = done + 1
          end)
          if i % 3 == 0 then
            client:start(JOB):cancel()
          end
          client:step(0)
          collectgarbage()
        end
        while client:step(1) > 0 do
          collectgarbage()
        end
      end)
      require("spec.support.collector")(200, 200)
      assert.is_true(ok, tostring(err))
      assert.equal(30, done)
      assert.equal(30, server:stats().processed)
    end)
  end)

  describe("closing the client of the " .. name, function()
    it("ends what is in flight and tells it", function()
      server:reset()
      server:behave("never_answer")
      local client = new(options())
      local told = {}
      local sent = client:start(JOB)
      step_until(client, function()
        return server:stats().processed == 1
      end)
      local unsent = client:start(JOB)
      for i, call in ipairs({ sent, unsent }) do
        call:on_done(function(result, err)
          told[i] = { result == nil, err.kind, err.outcome }
        end)
      end
      client:close()
      client:close()
      assert.same({ { true, "cancelled", "unknown" }, { true, "cancelled", "not_started" } }, told)
      assert.equal("cancelled", raised(sent.wait, sent).kind)
      assert.is_true(unsent:done())
      server:wait_for(1, "closed")
    end)

    it("makes everything else a usage error", function()
      local client = new(options())
      client:close()
      for _, method in ipairs({ "start", "run", "step", "pollfd", "events", "timeout", "request" }) do
        local err = assert_usage(raised(client[method], client, JOB))
        assert.truthy(err.message:find("closed", 1, true), method)
      end
      local result, err = client:try_run(JOB)
      assert.is_nil(result)
      assert_usage(err)
    end)

    it("leaves calls that still tell what became of them", function()
      server:reset()
      local client = new(options())
      local ended = client:start(JOB)
      ended:wait()
      local cut = client:sleep(3600)
      client:close()
      local told = {}
      ended:on_done(function(result)
        told[1] = result.octopus_job_name
      end)
      cut:on_done(function(_, err)
        told[2] = err.kind
        cut:on_done(function()
          told[3] = true
        end)
      end)
      assert.same({ NAME, "cancelled", true }, told)
    end)

    it("is fine inside a callback", function()
      server:reset()
      server:script({ "ok" }, "never_answer")
      local client = new(options())
      local told = {}
      local first = client:start(JOB)
      first:on_done(function()
        client:close()
        client:close()
        told[#told + 1] = "first"
      end)
      first:on_done(function()
        told[#told + 1] = "first again"
        assert_usage(raised(client.step, client, 0))
      end)
      client:sleep(3600):on_done(function(_, err)
        told[#told + 1] = err.kind
      end)
      local remaining
      repeat
        remaining = client:step(1)
      until told[1]
      assert.equal(0, remaining)
      assert.same({ "first", "first again", "cancelled" }, told)
    end)

    it("is fine while a finalizer runs inside its step", function()
      server:reset()
      require("spec.support.collector")(0, 10000)
      local answers = {}
      for i = 1, 40 do
        local client = new(options())
        on_collection(function()
          client:close()
        end)
        answers[0] = ("x"):rep(i * 100) -- so that the collector comes by at another moment
        local _, answer = pcall(function()
          return client:start(JOB):wait()
        end)
        answers[i] = answer
        client:close()
      end
      require("spec.support.collector")(200, 200)
      assert.equal(40, #answers)
    end)

    it("waits for the end of a step that it comes in the middle of", function()
      server:reset()
      -- Making so many values keeps the collector busy within the step.
      server:behave("answer", { body = "[" .. ("[[],[]],"):rep(20000) .. "[]]" })
      local client = new(options({ retry = false }))
      local call = client:request({ method = "GET", path = "/v3/x" })
      local other = client:sleep(3600)
      local closed
      on_collection(function()
        client:close()
        closed = true
      end)
      step_until(client, function()
        return call:done()
      end)
      collectgarbage()
      assert.is_true(closed)
      assert.is_true(other:done())
      assert.equal("cancelled", select(2, other:try_wait()).kind)
      assert.is_table(call:try_wait())
    end)
  end)

  describe("a callback of the " .. name, function()
    local client

    before_each(function()
      server:reset()
      client = new(options())
    end)

    after_each(function()
      client:close()
    end)

    it("must not step, wait or run", function()
      local errors = {}
      local other = client:sleep(3600)
      client:sleep(0):on_done(function()
        errors[1] = raised(client.step, client, 0)
        errors[2] = raised(other.wait, other)
        errors[3] = raised(client.run, client, JOB)
        errors[4] = select(2, client:try_run(JOB))
      end)
      step_until(client, function()
        return errors[4]
      end)
      for i, err in ipairs(errors) do
        assert_usage(err)
        assert.truthy(err.message:find("callback", 1, true))
        assert.equal(i > 2 and "not_started" or nil, err.outcome)
      end
      other:cancel()
      client:step(0)
      assert.equal(0, server:stats().processed)
    end)

    it("may ask an ended call", function()
      local answer
      local call = client:start(JOB)
      call:on_done(function()
        answer = { call:done(), call:wait().octopus_job_name, call:try_wait().octopus_job_name }
      end)
      call:wait()
      assert.same({ true, NAME, NAME }, answer)
    end)

    it("that raises does not stop the others; the step raises the first", function()
      local problem = { "mine" }
      local seen = {}
      local call = client:sleep(0)
      for i = 1, 4 do
        call:on_done(function()
          seen[i] = true
          if i >= 2 then
            error(i == 2 and problem or "not the first")
          end
        end)
      end
      assert.equal(problem, raised(client.step, client, 1))
      assert.same({ true, true, true, true }, seen)
      assert.equal(0, client:step(0))
    end)

    it("that raises a text gets its traceback", function()
      local function culprit()
        error("oops")
      end
      client:sleep(0):on_done(function()
        culprit()
      end)
      local err = raised(client.step, client, 1)
      assert.truthy(err:find("async_spec.lua:%d+: oops\nstack traceback:"))
      assert.truthy(err:find("culprit", 1, true))
    end)

    it("that raises nothing sensible is told, too", function()
      client:sleep(0):on_done(function()
        error(nil)
      end)
      assert.truthy(raised(client.step, client, 1):find("nil", 1, true))
    end)

    it("that raises in somebody's wait is not taken for the call's own error", function()
      server:script({ "ok", "ok_on_release" })
      local first = client:start(JOB)
      first:on_done(function()
        error(core.error({ kind = "api", message = "not yours", outcome = "not_started" }), 0)
      end)
      local second = client:start(JOB)
      local err = raised(second.wait, second)
      assert.equal("string", type(err))
      assert.truthy(err:find("not yours", 1, true))
      assert.is_false(second:done())
      server:wait_for(2)
      server:release()
      assert.equal(NAME, second:wait().octopus_job_name)
    end)

    it("that raises in a run leaves it its result; the next step raises", function()
      for _, run in ipairs({ "run", "try_run" }) do
        server:script({ "ok", "ok" })
        client:start(JOB):on_done(function()
          error("in " .. run)
        end)
        local result, err = client[run](client, JOB)
        assert.equal(NAME, result.octopus_job_name)
        assert.is_nil(err)
        local ok, problem = true, nil
        for _ = 1, 100 do
          if ok then
            ok, problem = pcall(client.step, client, 0.1)
          end
        end
        assert.is_false(ok)
        assert.truthy(problem:find("in " .. run, 1, true))
      end
    end)

    it("that raises while the client closes is told by close", function()
      local other = new(options())
      local told
      other:sleep(3600):on_done(function()
        error("while closing")
      end)
      other:sleep(3600):on_done(function(_, err)
        told = err.kind
      end)
      assert.truthy(raised(other.close, other):find("while closing", 1, true))
      assert.equal("cancelled", told)
      other:close()
    end)

    it("cannot hold a step for ever", function()
      local count, enough = 0, false
      local function again()
        if enough then
          return
        end
        count = count + 1
        local call = client:start({ job_id = JOB.job_id })
        call:on_done(again)
        call:cancel()
      end
      again()
      client:step(0)
      assert.equal(2, count)
      client:step(0)
      assert.equal(3, count)
      enough = true
    end)
  end)

  describe("the descriptor of the " .. name, function()
    -- A function that tells whether the descriptor is readable now.
    local function watch(fd)
      local socket = require "socket"
      local readable = {
        getfd = function()
          return fd
        end,
        dirty = function()
          return false
        end,
      }
      return function()
        return socket.select({ readable }, nil, 0)[1] ~= nil
      end
    end

    it("tells once that the server has ended an idle connection", function()
      local client = new(options())
      server:reset()
      local is_readable = watch(client:pollfd())
      for round = 1, 3 do
        local call = client:start(JOB)
        step_until(client, function()
          return call:done()
        end)
        client:step(0)
        assert.is_false(is_readable(), "round " .. round)
        local ended = server:stats().ended
        server:drop "close"
        server:wait_for(ended + 1, "ended")
        client:step(0)
        assert.is_false(is_readable(), "round " .. round)
      end
      assert.equal(3, server:stats().processed)
      client:close()
    end)

    it("becomes readable when something is started or cancelled", function()
      local client = new(options())
      server:reset()
      server:behave("never_answer")
      local is_readable = watch(client:pollfd())
      assert.equal("r", client:events())
      assert.is_nil(client:timeout())
      assert.is_false(is_readable())
      local call = client:start(JOB)
      assert.is_true(is_readable())
      assert.equal(0, client:timeout())
      client:step(0)
      step_until(client, function()
        return server:stats().processed >= 1
      end)
      client:step(0)
      assert.is_false(is_readable())
      call:cancel()
      assert.is_true(is_readable())
      assert.equal(0, client:step(0))
      assert.is_false(is_readable())
      client:close()
      assert_usage(raised(client.pollfd, client))
    end)
  end)
end
