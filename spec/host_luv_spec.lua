-- Clients in a libuv loop.

local adapter = require("codearts.build.luv")
local build = require("codearts.build")
local host = require("spec.support.host")
local server = require("spec.support.server").start()
local uv = require("luv")

local JOB, NAME = host.JOB, host.NAME

local function options(more)
  local all = { endpoint = server.url, auth = host.TOKEN, proxy = false }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

-- Runs the loop until nothing is left to do in it, and tells when that takes for ever.
local function run_loop()
  local guard = uv.new_timer()
  local hung = false
  uv.update_time() -- the loop's clock may stand where the spec before left it
  guard:start(120000, 0, function()
    hung = true
    uv.stop()
  end)
  guard:unref()
  uv.run()
  guard:close()
  uv.run("nowait")
  assert(not hung, "the loop did not end")
end

-- What is written to standard error meanwhile.
local function errors_of(f)
  local written = {}
  local stderr = io.stderr
  io.stderr = {
    write = function(_, ...)
      for _, text in ipairs({ ... }) do
        written[#written + 1] = text
      end
    end,
  }
  local ok, err = pcall(f)
  io.stderr = stderr
  assert(ok, err)
  return table.concat(written)
end

teardown(function()
  server:stop()
end)

describe("luv", function()
  local client

  before_each(function()
    server:reset()
    client = adapter.new(options())
  end)

  after_each(function()
    client:close()
    run_loop()
  end)

  it("delivers to callbacks", function()
    local names = {}
    for i = 1, 20 do
      client:start(JOB):on_done(function(result)
        names[i] = result.octopus_job_name
      end)
    end
    run_loop()
    assert.equal(20, #names)
    run_loop()
    client:start(JOB):on_done(function(result)
      names[21] = result.octopus_job_name
    end)
    run_loop()
    assert.equal(NAME, names[21])
  end)

  it("waits in coroutines without blocking the loop", function()
    server:behave("ok_on_release")
    local ticks, done = 0, 0
    local timer = uv.new_timer()
    timer:start(1, 1, function()
      ticks = ticks + 1
      if ticks == 20 then
        assert.equal(0, done)
        server:wait_for(10)
        server:release()
        timer:close()
      end
    end)
    for i = 1, 10 do
      coroutine.wrap(function()
        local result
        if i % 2 == 0 then
          result = client:run(JOB)
        else
          result = client:start(JOB):wait(20)
        end
        assert(result.octopus_job_name == NAME)
        done = done + 1
      end)()
    end
    run_loop()
    assert.equal(10, done)
    assert.is_true(ticks >= 20)
  end)

  it("lets a coroutine run one after the other, and many at once", function()
    local names, items = {}, nil
    coroutine.wrap(function()
      for i = 1, 3 do
        names[i] = client:run(JOB).octopus_job_name
      end
      items = client:run_all({ JOB, JOB, { job_id = "bad" }, JOB }, { max_in_flight = 2 })
    end)()
    run_loop()
    assert.same({ NAME, NAME, NAME }, names)
    assert.equal(4, #items)
    assert.equal("usage", items[3].error.kind)
    assert.equal(NAME, items[4].result.octopus_job_name)
  end)

  it("runs the loop while it waits outside of coroutines", function()
    local ticked
    local timer = uv.new_timer()
    timer:start(0, 0, function()
      ticked = true
      timer:close()
    end)
    assert.equal(NAME, client:run(JOB).octopus_job_name)
    assert.is_true(ticked)
    assert.equal(NAME, client:start(JOB):wait(10).octopus_job_name)
    assert.is_nil(select(2, client:try_run(JOB)))
  end)

  it("blocks when it waits in a callback of the loop", function()
    local name
    local timer = uv.new_timer()
    timer:start(0, 0, function()
      name = client:run(JOB).octopus_job_name
      timer:close()
    end)
    run_loop()
    assert.equal(NAME, name)
  end)

  it("ends a wait in time; the call goes on", function()
    server:behave("ok_on_release")
    local kinds = {}
    local call = client:start(JOB)
    local _, err = pcall(call.wait, call, 0.02)
    kinds[1] = err.kind .. " " .. err.reason
    coroutine.wrap(function()
      local result, problem
      repeat
        -- Not pcall: a coroutine cannot yield across it everywhere.
        result, problem = call:try_wait(0.02)
        if problem then
          kinds[2] = problem.kind .. " " .. problem.reason
          server:wait_for(1)
          server:release()
        end
      until result
      kinds[3] = result.octopus_job_name
    end)()
    run_loop()
    assert.same({ "timeout wait", "timeout wait", NAME }, kinds)
  end)

  it("answers try_wait, and raises nothing where this Lua cannot yield", function()
    local told = {}
    local call = client:start(JOB)
    coroutine.wrap(function()
      told[1] = call:try_wait(math.huge).octopus_job_name
      local open = client:sleep(60)
      string.gsub("x", "x", function()
        told[2] = select(2, open:try_wait(0.01)).kind
      end)
      open:cancel()
    end)()
    run_loop()
    -- Where a Lua can tell that, it blocks instead.
    local tells = require("codearts.build.core").yieldable() ~= nil
    assert.same({ NAME, tells and "timeout" or "usage" }, told)
    for _, seconds in ipairs { 10, 1e9, math.huge } do
      assert.equal(NAME, client:start(JOB):try_wait(seconds).octopus_job_name)
    end
  end)

  it("ends a wait in time though the loop is late, and nothing else happens", function()
    client:run(JOB)
    server:behave "ok_on_release"
    local mute, pause = client:start(JOB, { timeout = 2 }), client:sleep(0.1)
    client:sleep(0.05):wait()
    local late = uv.hrtime() + 1e8
    repeat
    until uv.hrtime() > late
    pause:wait()
    assert.is_false(mute:done())
    mute:cancel()
  end)

  it("waits in time when somebody has closed all handles of the loop", function()
    server:behave("never_answer")
    local told = {}
    local call = client:start(JOB)
    uv.walk(function(handle)
      if not handle:is_closing() then
        handle:close()
      end
    end)
    uv.run()
    local function wait()
      told[#told + 1] = select(2, call:try_wait(0.01)).reason
    end
    wait()
    coroutine.wrap(wait)()
    assert.same({ "wait", "wait" }, told)
    server:script({}, "ok")
    assert.equal(NAME, client:run(JOB).octopus_job_name)
    call:cancel()
    client:step(0)
    assert.equal("cancelled", select(2, call:try_wait()).kind)
  end)

  it("says what is known of a start that it cannot wait for", function()
    local told = {}
    coroutine.wrap(function()
      local call = client:start(JOB)
      string.gsub("x", "x", function()
        for i, seconds in ipairs { false, 0.001, "x" } do
          local ok, err = pcall(call.wait, call, seconds or nil)
          local known = not ok and type(err.reconcile) == "function" and err.operation
          told[i] = ok and NAME or ("%s %s %s"):format(err.kind, err.outcome, known)
        end
      end)
      call:cancel()
    end)()
    run_loop()
    if require("codearts.build.core").yieldable() == nil then
      local expected = "usage unknown RunJob"
      assert.same({ expected, expected, expected }, told)
    end
  end)

  it("reconciles in a coroutine", function()
    server:script({ "close_after_body" }, {
      "answer",
      body = '{"result":{"job_build_states":[],"total_page":"0","total_record":"0"}}',
    })
    local verdict
    coroutine.wrap(function()
      local _, err = client:try_run(JOB, { run_id = { parameter = "RUN_ID" }, retry = false })
      verdict = err:reconcile({ timeout = 0.05, interval = 0.01 }).verdict
    end)()
    run_loop()
    assert.equal("none_found", verdict)
  end)

  it("does not keep an idle loop running, nor spin it", function()
    run_loop()
    client:run(JOB)
    run_loop()
    local late
    local call = client:start(JOB)
    call:wait()
    call:on_done(function(result)
      late = result.octopus_job_name
    end)
    run_loop()
    assert.equal(NAME, late)
  end)

  it("is not kept running by cancelling what has ended", function()
    local ended = false
    coroutine.wrap(function()
      local calls = { client:start(JOB), client:sleep(0), client:task(function() end) }
      for _, call in ipairs(calls) do
        call:wait()
        call:cancel()
      end
      ended = true
    end)()
    run_loop()
    assert.is_true(ended)
    assert.equal(1, server:stats().processed)
  end)

  -- Which of these can wait depends on the Lua; a place that cannot says so before anything is sent.
  local PLACES = {
    pcall = function(f)
      pcall(f)
    end,
    gsub = function(f)
      string.gsub("x", "x", f)
    end,
    sort = function(f)
      table.sort({ 2, 1 }, function(a, b)
        f()
        return a < b
      end)
    end,
    metamethod = function(f)
      local _ = setmetatable({}, { __index = f }).member
    end,
    iterator = function(f)
      for _ in f do
      end
    end,
    finalizer = function(f)
      setmetatable({}, { __gc = f })
      collectgarbage()
    end,
    loader = function(f)
      load(f)
    end,
    ["a plain call"] = function(f)
      f()
    end,
  }

  -- Ways to wait: whether it starts a build, then what does it; `answer`: what it needs to be told.
  local WAYS = {
    run = { true, "run", JOB },
    try_run = { true, "try_run", JOB },
    run_all = { true, "run_all", { JOB } },
    call = { true, "call", "ExecuteJob", JOB },
    history = { false, "history", JOB.job_id, answer = '{"history_records":[]}' },
    stop = { false, "stop", answer = '{"success":true}' },
  }

  for place, call_in in pairs(PLACES) do
    it("waits or refuses structured in a coroutine: " .. place, function()
      for _, way in pairs(WAYS) do
        server:reset()
        if way.answer then
          server:script({}, { "answer", body = way.answer })
        end
        local object = client[way[2]] and client or client:build(JOB.job_id, 20)
        local asked, outcome, foreign = 0, nil, nil
        local ok, raised = coroutine.resume(coroutine.create(function()
          call_in(function()
            if asked == 0 then
              asked = 1
              local result, err = object[way[2]](object, way[3], way[4])
              outcome = result or err
            end
          end)
          foreign = "waiting"
          coroutine.yield()
          foreign = "resumed"
        end))
        outcome = not ok and raised or outcome
        run_loop()
        if asked == 1 then
          assert.equal(ok and "waiting" or nil, foreign)
          local refused = build.is_error(outcome) and outcome.kind == "usage"
          if refused then
            assert.equal(way[1] and "not_started" or nil, outcome.outcome)
          end
          local answered = outcome and not refused and type(outcome) ~= "string"
          assert.equal(answered and 1 or 0, server:stats().processed)
        end
      end
    end)
  end

  it("refuses structured what cannot yield", function()
    local errors = {}
    coroutine.wrap(function()
      for _, f in ipairs({
        function()
          return client:run(JOB)
        end,
        function()
          return client:run_all({ JOB })
        end,
        function()
          return client:sleep(0.001):wait()
        end,
        function()
          return client:sleep(3600):wait(0.001)
        end,
      }) do
        local ok, err = true, nil
        local routine = coroutine.running()
        string.gsub("x", "x", function()
          assert(coroutine.running() == routine)
          ok, err = pcall(f)
        end)
        if not ok then
          assert(build.is_error(err), tostring(err))
          errors[#errors + 1] = err.kind .. " " .. tostring(err.outcome)
        end
      end
    end)()
    local processed = server:stats().processed
    if coroutine.isyieldable then
      assert.same({ "timeout nil" }, errors)
      assert.equal(2, processed)
    else
      assert.same({ "usage not_started", "usage not_started", "usage nil", "usage nil" }, errors)
      assert.equal(0, processed)
    end
    client:close() -- ends the long sleep
  end)

  it("wakes up a few times only while a server is mute for 2 s", function()
    server:behave("never_answer")
    local mute = adapter.new(options({ timeout = 2, retry = false }))
    local steps, kind = 0, nil
    local step = mute.step
    mute.step = function(...)
      steps = steps + 1
      return step(...)
    end
    mute:start(JOB):on_done(function(_, err)
      kind = err.kind
    end)
    run_loop()
    mute:close()
    assert.equal("timeout", kind)
    assert.is_true(steps < 20, steps)
  end)

  it("writes what callbacks raise to standard error, with its traceback; the others run", function()
    local seen = {}
    local text = errors_of(function()
      for i = 1, 3 do
        client:start(JOB):on_done(function()
          seen[i] = true
          error("in callback " .. i)
        end)
      end
      run_loop()
    end)
    assert.same({ true, true, true }, seen)
    assert.truthy(text:find("host_luv_spec.lua:%d+: in callback %d\nstack traceback:"))
    seen = {}
    text = errors_of(function()
      coroutine.wrap(function()
        client:run(JOB)
        local function culprit()
          error("in coroutine")
        end
        culprit()
      end)()
      coroutine.wrap(function()
        seen[1] = client:run(JOB).octopus_job_name
      end)()
      run_loop()
    end)
    assert.same({ NAME }, seen)
    assert.truthy(text:find("host_luv_spec.lua:%d+: in coroutine\nstack traceback:"))
    assert.truthy(text:find("culprit", 1, true))
  end)

  it("refuses to wait in a callback before anything is sent", function()
    local err
    client:sleep(0):on_done(function()
      err = select(2, client:try_run(JOB))
    end)
    run_loop()
    assert.same({ "usage", "not_started" }, { err.kind, err.outcome })
    assert.equal(0, server:stats().processed)
  end)

  it("closes in a callback, in a coroutine and from outside, and wakes who waits", function()
    server:script({ "ok", "ok" }, "never_answer")
    for _, where in ipairs({ "callback", "coroutine", "outside" }) do
      local doomed = adapter.new(options())
      local ends = {}
      for i = 1, 2 do
        coroutine.wrap(function()
          if i == 2 and where ~= "callback" then
            doomed:sleep(3600):on_done(function(_, err)
              ends[#ends + 1] = err.kind
            end)
          end
          doomed:wait_for(doomed:sleep(3600))
          ends[#ends + 1] = "woken"
        end)()
      end
      if where == "callback" then
        doomed:start(JOB):on_done(function()
          doomed:close()
        end)
      elseif where == "coroutine" then
        coroutine.wrap(function()
          doomed:run(JOB)
          doomed:close()
        end)()
      else
        doomed:close()
      end
      run_loop()
      table.sort(ends)
      assert.same(
        where == "callback" and { "woken", "woken" } or { "cancelled", "woken", "woken" },
        ends
      )
      doomed:close()
    end
  end)

  it("steps and goes on when libuv reports a poll error", function()
    local notice
    local shim = setmetatable({
      new_poll = function(fd)
        local poll = uv.new_poll(fd)
        return {
          start = function(_, events, f)
            notice = f
            return poll:start(events, f)
          end,
          stop = function()
            return poll:stop()
          end,
          close = function()
            return poll:close()
          end,
          ref = function()
            return poll:ref()
          end,
          unref = function()
            return poll:unref()
          end,
          is_closing = function()
            return poll:is_closing()
          end,
          break_down = function()
            poll:stop()
          end,
          poll = poll,
        }
      end,
    }, { __index = uv })
    package.loaded.luv = shim
    local ok, broken = pcall(adapter.new, options())
    package.loaded.luv = uv
    assert.is_true(ok)
    local name
    broken:start(JOB):on_done(function(result)
      name = result.octopus_job_name
    end)
    local first = notice
    notice = nil
    first("EBADF")
    assert.equal(first, notice)
    run_loop()
    assert.equal(NAME, name)
    broken:close()
  end)

  -- The loop waits by a descriptor that a forked child shares with it.
  for what, act in pairs({
    ["closes the client"] = function()
      client:close()
    end,
    ["closes the client and runs the loop"] = function()
      client:close()
      uv.run("nowait")
    end,
    ["runs the loop"] = function()
      uv.run("nowait")
    end,
  }) do
    it("goes on as before when a forked child " .. what, function()
      server:script({ "ok", "ok_on_release" }, "ok")
      local probe = require("spec.support.probe")
      local function fork()
        local told = probe.fork(function()
          return errors_of(act) .. "end"
        end)
        assert.equal("end", told)
      end
      local names = {}
      local function note(result, err)
        names[#names + 1] = err and err.message or result.octopus_job_name
      end
      coroutine.wrap(function()
        note(client:try_run(JOB))
        fork()
        local open = client:start(JOB, { timeout = 5 })
        repeat
          client:sleep(0.005):wait()
        until server:stats().waiting == 1
        fork()
        server:release()
        note(open:try_wait(10))
        note(client:try_run(JOB, { timeout = 5 }))
      end)()
      run_loop()
      assert.same({ NAME, NAME, NAME }, names)
    end)
  end

  it("adapts a client with calls in flight, once", function()
    local plain = build.new(options())
    local name
    plain:start(JOB):on_done(function(result)
      name = result.octopus_job_name
    end)
    plain:step(0)
    assert.equal(plain, adapter.attach(plain))
    run_loop()
    assert.equal(NAME, name)
    local ok, err = pcall(adapter.attach, plain)
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    plain:close()
    assert.equal("usage", select(2, pcall(adapter.attach, {})).kind)
    assert.equal("usage", select(2, pcall(adapter.attach, plain)).kind)
  end)

  -- In a process of its own: here each step would collect all that the specs before have left.
  it("works with the collector at its most aggressive", function()
    local output = host.run(host.service(server.url) .. host.lua([[
      local client = require("codearts.build.luv").new {}
      local job, done = { job_id = os.getenv "JOB_ID" }, 0
      require("spec.support.collector")(0, 10000)
      for _ = 1, 4 do
        coroutine.wrap(function()
          client:run(job)
          collectgarbage()
          client:start(job):wait()
          done = done + 1
        end)()
      end
      require("luv").run()
      print(done)
    ]]))
    assert.equal("4\n", output)
  end)

  it("runs the example", function()
    local output = host.example("examples/luv.lua", server.url)
    local lines = {}
    for line in output:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    assert.equal("the loop runs", table.remove(lines, 1))
    table.sort(lines)
    assert.same({ "callback: started build 20", "coroutine: started build 20" }, lines)
  end)

  it("leaves nothing behind that crashes the end of a program", function()
    -- A server of its own, for requests may still come in when the program is gone.
    local own = require("spec.support.server").start()
    for _, rest in ipairs({
      "",
      "client:close()",
      "client:start(job)",
      "client:start(job) client:close()",
      "client:start(job) uv.run('nowait') client:close()",
      "client:start(job) uv.run('nowait')",
      "client:close() uv.run()",
      "coroutine.wrap(client.run)(client, job) uv.run('nowait') os.exit(0, true)",
    }) do
      local output = host.run(host.service(own.url) .. host.lua(([[
        uv = require "luv"
        client = require("codearts.build.luv").new()
        job = { job_id = os.getenv "JOB_ID" }
        %s
        print "end"]]):format(rest)))
      assert.equal(rest:find("exit") and "" or "end\n", output, rest)
    end
    own:stop()
  end)

  it("signs in and waits for builds with tasks of its own", function()
    local asked = 0
    local signer = adapter.new(options({
      auth = function()
        asked = asked + 1
        return "another-fake-token"
      end,
    }))
    local name
    coroutine.wrap(function()
      name = signer:run(JOB).octopus_job_name
    end)()
    run_loop()
    assert.equal(NAME, name)
    assert.equal(1, asked)
    assert.equal("another-fake-token", server:stats().requests[1].headers["x-auth-token"])
    signer:close()
  end)
end)
