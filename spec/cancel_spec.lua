-- Cancelling a call, or closing its client, in every state that a call can be in: it ends exactly once,
-- as cancelled, and what it says of the build is true. Counted at the server.

local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local net = require "spec.support.net"
local servers = require "spec.support.server"

local LONG = 20

local plain, tls, hole

-- Steps until the condition holds.
local function steps_until(client, condition)
  local till = core.now() + LONG
  while not condition() do
    assert(core.now() < till, "it never came to that")
    client:step(0.005)
  end
end

local function attempts_of(call)
  local _, err = call:try_wait()
  return err and err.attempts
end

-- One row a state: options of the client, how to get there, and what is to be told then.
local STATES = {
  {
    "not yet sent off",
    function()
      return { endpoint = plain }
    end,
    function() end,
    outcome = "not_started",
    attempts = 0,
  },
  {
    "queued behind max_in_flight",
    function()
      plain:behave "never_answer"
      return { endpoint = plain, max_in_flight = 1 }
    end,
    function(client)
      steps_until(client, function()
        return plain:stats().processed == 1
      end)
    end,
    outcome = "not_started",
    attempts = 0,
    blocked = true,
  },
  {
    "waiting for an identity",
    function()
      return { endpoint = plain, auth = core.identity() }
    end,
    function(client)
      client:step(0)
    end,
    outcome = "not_started",
    attempts = 0,
    core_only = true,
  },
  {
    "waiting for the next attempt",
    function()
      plain:behave("unavailable_seconds", { seconds = 100 })
      return { endpoint = plain }
    end,
    function(client, call)
      steps_until(client, function()
        return plain:stats().processed == 1 and attempts_of(call) == 1
      end)
      for _ = 1, 3 do
        client:step(0.01)
      end
    end,
    outcome = "not_started",
    attempts = 1,
    processed = 1,
  },
  {
    "connecting",
    function()
      hole = hole or net.blackhole()
      return { endpoint = hole.url }
    end,
    function(client)
      client:step(0.01)
    end,
    outcome = "not_started",
    attempts = 1,
  },
  {
    "in the TLS handshake",
    function()
      tls:behave "tls_stall"
      return { endpoint = tls }
    end,
    function(client)
      steps_until(client, function()
        return tls:stats().bytes > 0
      end)
    end,
    outcome = "not_started",
    attempts = 1,
  },
  {
    "sent",
    function()
      plain:behave "never_answer"
      return { endpoint = plain }
    end,
    function(client)
      steps_until(client, function()
        return plain:stats().processed == 1
      end)
    end,
    outcome = "unknown",
    attempts = 1,
    processed = 1,
  },
  {
    "in the middle of the answer",
    function()
      plain:behave "stall_in_body"
      return { endpoint = plain }
    end,
    function(client)
      steps_until(client, function()
        return plain:stats().processed == 1
      end)
      for _ = 1, 3 do
        client:step(0.01)
      end
    end,
    outcome = "unknown",
    attempts = 1,
    processed = 1,
  },
}

describe("cancelling a call that is", function()
  setup(function()
    plain = servers.start()
    tls = servers.start { tls = true }
  end)
  teardown(function()
    plain:stop()
    tls:stop()
    if hole then
      hole.close()
    end
  end)
  before_each(function()
    plain:reset()
    tls:reset()
  end)
  after_each(function()
    plain:drop "close"
    tls:drop "close"
  end)

  -- Answers the client, the call in that state, and a function that tells its completions.
  local function arrive(state)
    local options = state[2]()
    options.timeout, options.connect_timeout = LONG, LONG
    local client
    if state.core_only then
      options.endpoint = options.endpoint.url
      client = core.new(options)
    else
      client = caller.new(options)
    end
    if state.blocked then
      client:start(caller.JOB)
    end
    local call, ends = client:start(caller.JOB), {}
    call:on_done(function(result, err)
      ends[#ends + 1] = { result = result, err = err }
    end)
    state[3](client, call)
    assert.is_false(call:done())
    assert.equal(0, #ends)
    return client, call, ends
  end

  local function check(state, ends)
    assert.equal(1, #ends)
    assert.is_nil(ends[1].result)
    caller.check({
      kind = "cancelled",
      outcome = state.outcome,
      retryable = false,
      attempts = state.attempts,
    }, ends[1].err)
    if not state.blocked then
      assert.equal(state.processed or 0, plain:stats().processed + tls:stats().processed)
    end
  end

  for _, state in ipairs(STATES) do
    it(state[1], function()
      local client, call, ends = arrive(state)
      call:cancel()
      call:cancel()
      client:step(0)
      assert.is_true(call:done())
      check(state, ends)
      call:cancel()
      for _ = 1, 3 do
        client:step(0)
      end
      client:close()
      check(state, ends)
    end)

    it(state[1] .. ", by closing the client", function()
      local client, call, ends = arrive(state)
      client:close()
      assert.is_true(call:done())
      check(state, ends)
      client:close()
      check(state, ends)
    end)
  end

  it("done changes nothing", function()
    local client = caller.new { endpoint = plain }
    local call = client:start(caller.JOB)
    local result = caller.wait(client, call)
    call:cancel()
    client:step(0)
    assert.equal(result, call:try_wait())
    client:close()
  end)

  it("sent leaves the connection pool and the next call sound", function()
    local client = caller.new { endpoint = plain, max_connections = 1, timeout = LONG }
    for i = 1, 5 do
      plain:script { "never_answer" }
      local call = client:start(caller.JOB)
      steps_until(client, function()
        return plain:stats().processed == 2 * i - 1
      end)
      call:cancel()
      local _, err = caller.wait(client, call)
      caller.check({ kind = "cancelled", outcome = "unknown" }, err)
      assert.is_table(client:run(caller.JOB))
    end
    client:close()
    assert.equal(10, plain:stats().processed)
  end)

  it("sent over HTTP/2 ends its stream and keeps the connection", function()
    local server = servers.start { http2 = true }
    server:script { "ok", "never_answer" }
    local client = caller.new { endpoint = server, timeout = LONG }
    assert.is_table(client:run(caller.JOB))
    local call = client:start(caller.JOB)
    steps_until(client, function()
      return server:stats().processed == 2
    end)
    call:cancel()
    local _, err = caller.wait(client, call)
    caller.check({ kind = "cancelled", outcome = "unknown" }, err)
    assert.is_table(client:run(caller.JOB))
    server:wait_for(1, "cancelled")
    local stats = server:stats()
    assert.equal(1, stats.connections)
    assert.equal(3, stats.processed)
    client:close()
    server:stop()
  end)

  it("one of many leaves the others alone", function()
    plain:behave "ok_on_release"
    local client = caller.new { endpoint = plain, timeout = LONG }
    local calls = {}
    for i = 1, 20 do
      calls[i] = client:start(caller.JOB)
    end
    steps_until(client, function()
      return plain:stats().waiting == 20
    end)
    for i = 1, 20, 2 do
      calls[i]:cancel()
    end
    plain:release()
    for i, call in ipairs(calls) do
      local result, err = caller.wait(client, call)
      if i % 2 == 1 then
        caller.check({ kind = "cancelled", outcome = "unknown" }, err)
      else
        assert.is_table(result)
      end
    end
    client:close()
  end)

  it("a stream gets no more pieces", function()
    plain:behave("slow", { interval = 0.002, body = "line after line" })
    local client = caller.new { endpoint = plain }
    local pieces, call = 0, nil
    call = client:request {
      method = "GET",
      path = "/v3/log",
      answer = "bytes",
      stream = function()
        pieces = pieces + 1
        if pieces == 3 then
          call:cancel()
        end
      end,
    }
    local _, err = caller.wait(client, call)
    caller.check({ kind = "cancelled", outcome = false }, err)
    client:step(0.05)
    assert.equal(3, pieces)
    client:close()
  end)

  it("a pause", function()
    local client = caller.new { endpoint = plain }
    local call = client:sleep(100)
    client:step(0)
    call:cancel()
    local result, err = caller.wait(client, call)
    assert.is_nil(result)
    caller.check({ kind = "cancelled" }, err)
    client:close()
  end)
end)
