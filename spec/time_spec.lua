-- Every call ends, and by the limit that comes first. How exactly it keeps to a deadline is measured
-- by bench/deadline.lua; here a call must only not hang.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local servers = require "spec.support.server"

local LONG = 20 -- seconds: whatever takes longer hangs
local SHORT = 0.05

-- Runs f and raises if it takes LONG.
local function in_time(f)
  local began = core.now()
  local a, b = f()
  assert(core.now() - began < LONG, "a call did not end")
  return a, b
end

local function run(options, opts)
  return in_time(function()
    return caller.run(options, opts)
  end)
end

local MODES = {
  { name = "plain", options = {} },
  { name = "TLS", options = { tls = true } },
  { name = "HTTP/2", options = { http2 = true } },
}

for _, mode in ipairs(MODES) do
  describe("a server that takes its time over " .. mode.name .. ":", function()
    local server

    setup(function()
      server = servers.start(mode.options)
    end)
    teardown(function()
      server:stop()
    end)
    before_each(function()
      server:reset()
    end)

    local names = { "never_read", "never_answer", "stall_in_body" }
    if mode.name ~= "HTTP/2" then
      names[#names + 1] = "slow"
    end
    for _, name in ipairs(names) do
      for _, limit in ipairs { "timeout", "deadline" } do
        it(("%s is ended by %s"):format(name, limit), function()
          -- A busy machine may need more until the request is out.
          local seconds = SHORT
          local err
          repeat
            server:reset()
            server:behave(name)
            err = select(2, run { endpoint = server, [limit] = seconds })
            seconds = seconds * 2
          until err.outcome == "unknown" and err.attempts == 1 or seconds > LONG
          caller.check({
            kind = "timeout",
            reason = limit,
            outcome = "unknown",
            retryable = false,
            attempts = 1,
          }, err)
          assert.is_true(server:stats().processed <= 1)
        end)
      end
    end

    it("timeout is for each attempt, deadline for all of a read-only call", function()
      server:behave "never_answer"
      local client = caller.new { endpoint = server }
      local function get(opts)
        local call = client:request({ method = "GET", path = "/v3/anything" }, opts)
        local _, err = caller.wait(client, call)
        return err
      end
      local err = get { timeout = SHORT }
      caller.check({ kind = "timeout", reason = "timeout", attempts = 2, retryable = true }, err)
      -- A busy machine may miss what is between the two limits.
      local seconds, retry = 0.2, { max_attempts = 50, base_delay = 0 }
      repeat
        err = get { timeout = seconds, deadline = seconds * 1.5, retry = retry }
        seconds = seconds * 2
      until err.reason == "deadline" and err.attempts == 2 or seconds > LONG
      caller.check({ kind = "timeout", reason = "deadline", attempts = 2, retryable = true }, err)
      client:close()
    end)

    it("the deadline of one call goes before the client's", function()
      server:behave "never_answer"
      local _, err = run({ endpoint = server, deadline = LONG }, { deadline = SHORT })
      caller.check({ reason = "deadline" }, err)
      _, err = run({ endpoint = server, timeout = LONG }, { timeout = SHORT })
      caller.check({ reason = "timeout" }, err)
    end)
  end)
end

-- An editor or a game may be busy longer than any limit.
describe("a program that does not look for longer than a limit", function()
  local function busy(seconds)
    local till = core.now() + seconds
    repeat
    until core.now() >= till
  end

  local AWAY = {
    ["between steps"] = function(_, seconds)
      busy(seconds)
    end,
    ["before another call"] = function(client, seconds)
      busy(seconds)
      client:start(caller.JOB)
    end,
    ["in a callback, before another call"] = function(client, seconds)
      local other = client:start(caller.JOB)
      other:on_done(function()
        busy(seconds)
        client:start(caller.JOB)
      end)
      other:cancel()
      client:step(0)
    end,
  }

  local function away(server, name, limits, seconds, how)
    server:behave(name)
    local client = caller.new { endpoint = server }
    local call = client:start(caller.JOB, limits)
    local till = core.now() + LONG
    local counter = name == "ok_on_release" and "waiting" or "processed"
    repeat
      client:step(0.001)
    until server:stats()[counter] == 1 or core.now() > till
    server:release()
    AWAY[how](client, seconds)
    -- One would do where nothing else keeps the processor; what it leaves, another does at once.
    local steps = 0
    repeat
      steps = steps + 1
      client:step(0)
    until call:done() or steps == 100
    assert.is_true(call:done())
    local result, err = call:try_wait()
    client:close()
    return result, err
  end

  -- On a busy machine a limit may be over before the request has come, and be counted by its server after that.
  local function away_in_time(mode, name, limit, how, is_right)
    local seconds, result, err = 0.125
    repeat
      seconds = seconds * 2
      local server = servers.start(mode.options)
      result, err = away(server, name, { [limit] = seconds }, seconds + 0.1, how)
      server:stop()
    until is_right(result, err) or seconds > 4
    return result, err
  end

  for i, mode in ipairs(MODES) do
    local limit = i == 2 and "deadline" or "timeout"

    it(("still gets an answer that came in time: %s, %s"):format(mode.name, limit), function()
      for how in pairs(AWAY) do
        local result, err = away_in_time(mode, "ok_on_release", limit, how, function(result)
          return result
        end)
        assert.is_nil(err, how)
        assert.is_string(result.octopus_job_name)
      end
    end)

    -- A handshake takes more than one step.
    if mode.options.tls or mode.options.http2 then
      for _, reason in ipairs { "deadline", "timeout" } do
        it(("sends nothing then: %s, %s"):format(mode.name, reason), function()
          local server = servers.start(mode.options)
          local client = caller.new { endpoint = server, retry = false }
          local call = client:start(caller.JOB, { [reason] = 0.25 })
          client:step(0)
          busy(0.35)
          local _, err = caller.wait(client, call)
          caller.check({ kind = "timeout", reason = reason, outcome = "not_started" }, err)
          assert.equal(0, server:stats().heads)
          client:close()
          server:stop()
        end)
      end
    end

    it(("hears at once that none came: %s, %s"):format(mode.name, limit), function()
      local name = i == 1 and "never_answer" or "stall_in_body"
      local _, err = away_in_time(mode, name, limit, "between steps", function(_, err)
        return err and err.outcome == "unknown" and err.attempts == 1
      end)
      caller.check({ kind = "timeout", reason = limit, outcome = "unknown", attempts = 1 }, err)
    end)
  end

  it("sends nothing then that has waited for a stream", function()
    local server = servers.start { http2 = true, max_streams = 1 }
    server:script({ "ok", "ok_on_release" }, "ok")
    local client = caller.new { endpoint = server, max_connections = 1, retry = false }
    client:run(caller.JOB) -- by now the host is known to speak HTTP/2
    client:start(caller.JOB)
    local till = core.now() + LONG
    repeat
      client:step(0.001)
    until server:stats().waiting == 1 or core.now() > till
    local call = client:start(caller.JOB, { timeout = 0.25 })
    client:step(0)
    server:release()
    busy(0.35)
    local _, err = caller.wait(client, call)
    caller.check({ kind = "timeout", reason = "timeout", outcome = "not_started" }, err)
    assert.equal(2, server:stats().processed)
    client:close()
    server:stop()
  end)

  it("still gets the answers to the other items of a list", function()
    local server = servers.start()
    local seconds, lost = 0.125
    repeat
      seconds, lost = seconds * 2, 0
      server:reset()
      server:script({ "ok", "ok_on_release", "ok_on_release" }, "ok")
      local client = caller.new { endpoint = server, timeout = seconds }
      local list, till = {}, core.now() + LONG
      for i = 1, 6 do
        list[i] = caller.JOB
      end
      local items = client:run_all(list, {
        max_in_flight = 3,
        on_progress = function(done)
          if done == 1 then
            repeat
            until server:stats().waiting == 2 or core.now() > till
            server:release()
            busy(seconds + 0.1)
          end
        end,
      })
      for _, item in ipairs(items) do
        lost = lost + (item.result and 0 or 1)
      end
      client:close()
    until lost == 0 or seconds > 4
    assert.equal(0, lost)
    server:stop()
  end)

  it("still gets it where the whole process was stopped", function()
    local PROGRAM = [[
      local client = require("codearts.build").new { endpoint = %q, timeout = %f, auth = "t", proxy = false }
      local result, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
      print(result and "a result" or err)
    ]]
    local server = servers.start()
    local seconds, seen = 0.5
    repeat
      seconds = seconds * 2
      server:reset()
      server:behave "ok_on_release"
      local running = command.start_line(
        ("exec %s -e %s"):format(caller.LUA, command.quote(PROGRAM:format(server.url, seconds)))
      )
      server:wait_for(1)
      running:signal "STOP"
      server:release()
      busy(seconds + 0.1)
      running:signal "CONT"
      seen = select(2, running:finish())
    until seen == "a result\n" or seconds > 4
    assert.equal("a result\n", seen)
    server:stop()
  end)

  -- More than one step of 2 ms takes.
  it("still gets all answers that came in time", function()
    local COUNT = 800 -- both sides may have 1,024 descriptors
    local server = servers.start()
    local seconds, lost = 1
    repeat
      seconds, lost = seconds * 2, 0
      server:reset()
      server:behave "ok_on_release"
      local client = caller.new { endpoint = server, max_connections = COUNT }
      local began, calls = core.now(), {}
      for i = 1, COUNT do
        calls[i] = client:start(caller.JOB, { timeout = seconds })
      end
      repeat
        client:step(0.001)
      until server:stats().waiting == COUNT or core.now() > began + seconds
      server:release()
      busy(began + seconds + 1 - core.now()) -- starting them took a while
      for _, call in ipairs(calls) do
        while not call:done() do
          client:step(0)
        end
        lost = lost + (call:try_wait() and 0 or 1)
      end
      client:close()
    until lost == 0 or seconds > 10 -- on a busy machine the server may be late
    assert.equal(0, lost)
    server:stop()
  end)
end)

describe("a pause", function()
  it("takes a time, and nothing else", function()
    local client = core.new { endpoint = "http://127.0.0.1:1" }
    assert.is_true(client:sleep(0):wait(LONG))
    for _, seconds in ipairs { -1, 0 / 0, 1e9, math.huge, "1", true } do
      local ok, err = pcall(client.sleep, client, seconds)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    assert.is_false((pcall(client.sleep, client)))
    client:close()
  end)
end)

describe("between attempts:", function()
  local server

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
  end)

  it("the deadline ends an endless row of refusals", function()
    local deadline, _, err = SHORT
    repeat -- on a busy machine a short one may be over with the first
      server:reset()
      server:behave "throttled"
      _, err = run {
        endpoint = server,
        deadline = deadline,
        retry = { max_attempts = 1000, base_delay = 0.002, max_delay = 0.002 },
      }
      deadline = deadline * 2
    until err.attempts > 1 or deadline > LONG
    -- It passes in a wait, in a queue or on the way.
    assert.is_true(err.kind == "api" or err.kind == "timeout" and err.reason == "deadline")
    caller.check({ retryable = err.outcome == "not_started" }, err)
    assert.is_true(err.attempts > 1 and err.attempts < 1000)
    local known = err.outcome == "not_started" and 0 or 1
    assert.is_true(server:stats().processed >= err.attempts - known)
  end)

  for _, name in ipairs { "throttled", "unavailable" } do
    it("Retry-After beyond the deadline ends the call at once: " .. name, function()
      for _, form in ipairs { "_seconds", "_date" } do
        server:reset()
        server:behave(name .. form, { seconds = 100 })
        local _, err = run { endpoint = server, deadline = LONG }
        caller.check({ kind = "api", outcome = "not_started", retryable = true, attempts = 1 }, err)
        assert.equal(1, server:stats().processed)
      end
    end)

    it("an absurd Retry-After ends it at once even without a deadline: " .. name, function()
      server:behave(name .. "_absurd")
      local _, err = run { endpoint = server }
      caller.check({ kind = "api", outcome = "not_started", retryable = true, attempts = 1 }, err)
    end)

    -- Not waited for: what the call is going to wait is told by its event.
    for form, range in pairs { _seconds = { 7, 7 }, _date = { 5, 7 } } do
      it(("Retry-After is honoured: %s%s"):format(name, form), function()
        server:behave(name .. form, { seconds = 7 })
        local wait
        local client = caller.new {
          endpoint = server,
          on_event = function(event)
            wait = event.type == "retry" and event.delay or wait
          end,
        }
        local call = client:start(caller.JOB)
        local began = core.now()
        repeat
          client:step(1)
        until wait or core.now() - began > LONG
        assert.is_true(wait >= range[1] and wait <= range[2], tostring(wait))
        assert.is_false(call:done())
        call:cancel()
        local _, err = caller.wait(client, call)
        caller.check({ kind = "cancelled", outcome = "not_started", attempts = 1 }, err)
        client:close()
      end)
    end
  end

  it("a short Retry-After is waited for", function()
    server:script { { "unavailable_seconds", seconds = 1 } }
    local began = core.now()
    local result = run { endpoint = server, deadline = LONG }
    assert.equal(2, build.meta(result).attempts)
    assert.is_true(core.now() - began >= 1)
  end)
end)

describe("the deadline covers", function()
  local server

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
  end)

  local NOT_SENT = {
    kind = "timeout",
    reason = "deadline",
    outcome = "not_started",
    retryable = true,
    attempts = 0,
  }

  it("waiting behind max_in_flight", function()
    server:behave "never_answer"
    local client = caller.new { endpoint = server, max_in_flight = 1, timeout = LONG }
    local first = client:start(caller.JOB)
    local second = client:start(caller.JOB, { deadline = SHORT })
    local _, err = caller.wait(client, second)
    caller.check(NOT_SENT, err)
    assert.is_false(first:done())
    client:close()
    assert.is_true(server:stats().processed <= 1)
  end)

  it("an identity that is never set, in a core client's own wait", function()
    local client = core.new { endpoint = server.url, auth = core.identity() }
    client:sleep(LONG) -- at whose end somebody might set it
    local calls = {}
    for i = 1, 3 do
      calls[i] = client:start(caller.JOB, { deadline = SHORT })
    end
    for _, call in ipairs(calls) do
      local ok, err = in_time(function()
        return pcall(call.wait, call)
      end)
      assert.is_false(ok)
      caller.check(NOT_SENT, err)
    end
    client:close()
  end)

  -- Signing in takes one request that nobody answers.
  local function by_password(iam, options)
    options.endpoint, options.iam_endpoint = server, iam.url
    options.auth = { user = "ci", password = "fake-password", domain = "acme", project = "p" }
    return options
  end

  it("signing in", function()
    local iam = servers.start()
    for _, name in ipairs { "never_answer", "never_read", "slow" } do
      iam:behave(name)
      local _, err = run(by_password(iam, { deadline = SHORT }))
      caller.check(NOT_SENT, err)
    end
    assert.equal(0, server:stats().connections)
    iam:stop()
  end)

  it("signing in once more after a refusal", function()
    local iam = servers.start()
    local token = { token = { expires_at = "2099-01-01T00:00:00.000000Z" } }
    iam:script({
      {
        "answer",
        status = 201,
        body = require("cjson").encode(token),
        headers = { { "X-Subject-Token", "fake-token-1" } },
      },
    }, "never_answer")
    server:behave "unauthorized"
    local _, err = run(by_password(iam, { deadline = 0.3 }))
    caller.check({
      kind = "timeout",
      reason = "deadline",
      outcome = "not_started",
      attempts = 1,
    }, err)
    assert.equal(1, server:stats().processed)
    iam:stop()
  end)

  it("everything together: a deadline of its own is no limit for the next call", function()
    server:script { "never_answer" }
    local client = caller.new { endpoint = server }
    local _, err = client:try_run(caller.JOB, { deadline = SHORT })
    caller.check({ reason = "deadline", outcome = "unknown" }, err)
    assert(client:try_run(caller.JOB))
    client:close()
  end)
end)

describe("a streamed answer:", function()
  local server

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)

  local function stream(name, args, opts)
    server:behave(name, args)
    local client = caller.new { endpoint = server, retry = false }
    local pieces = {}
    local call = client:request({
      method = "GET",
      path = "/v3/log",
      answer = "bytes",
      stream = function(piece)
        pieces[#pieces + 1] = piece
      end,
    }, opts)
    local result, err = caller.wait(client, call)
    client:close()
    return result, err, table.concat(pieces)
  end

  it("timeout limits its silence, not its duration", function()
    -- A busy server may be silent for longer than it means to.
    local timeout = 0.125
    local began, result, err, text
    repeat
      timeout = timeout * 2
      began = core.now()
      result, err, text = stream("slow", { interval = timeout / 31 }, { timeout = timeout })
    until result or timeout > LONG
    assert.is_nil(err)
    assert.is_string(result)
    assert.is_true(core.now() - began > timeout)
    assert.is_truthy(text:find "^{.*}$")
  end)

  it("timeout ends it when it falls silent", function()
    for _, deadline in ipairs { false, LONG } do
      local opts = { timeout = SHORT, deadline = deadline or nil }
      local _, err, text = stream("stall_in_body", nil, opts)
      caller.check({ kind = "timeout", reason = "timeout" }, err)
      assert.is_truthy(err.message:find("silent", 1, true))
      assert.is_true(#text > 0)
    end
  end)

  it("timeout ends it when it never begins", function()
    local _, err, text = stream("never_answer", nil, { timeout = SHORT })
    caller.check({ kind = "timeout", reason = "timeout" }, err)
    assert.equal("", text)
  end)

  it("the deadline limits its duration", function()
    -- A busy server may not have begun by then.
    local deadline = 0.25
    local err, text
    repeat
      deadline = deadline * 2
      local opts = { timeout = LONG, deadline = deadline }
      local _
      _, err, text = stream("slow", { interval = deadline / 62 }, opts)
      caller.check({ kind = "timeout", reason = "deadline" }, err)
    until #text > 0 or deadline > LONG
    assert.is_true(#text > 0)
  end)
end)

describe("sleeping calls", function()
  it("wake in the order of their times, those that are cancelled not at all", function()
    local client = core.new { endpoint = "http://127.0.0.1:1" }
    local woken, sleeping, order = {}, {}, { 7, 2, 9, 4, 1, 8, 3, 6, 5, 10 }
    for _, place in ipairs(order) do
      sleeping[place] = client:sleep(place * 0.01)
      sleeping[place]:on_done(function(ok)
        woken[#woken + 1] = ok and place
      end)
    end
    sleeping[4]:cancel()
    sleeping[1]:cancel()
    in_time(function()
      while not sleeping[10]:done() do
        client:step(1)
      end
    end)
    local of_time = {}
    for _, place in ipairs(woken) do
      if place then
        of_time[#of_time + 1] = place
      end
    end
    assert.same({ 2, 3, 5, 6, 7, 8, 9, 10 }, of_time)
    client:close()
  end)
end)
