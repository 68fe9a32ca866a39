-- What goes wrong before a request can be sent: nothing was started, the error says so and why, and
-- trying again is safe. Counted at the server wherever there is one.

local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local dns = require "spec.support.dns"
local net = require "spec.support.net"
local servers = require "spec.support.server"
local socket = require "socket"

local LONG = 20 -- seconds that no call here may take: a hang, not a delay

-- Each row ends by itself: the same with and without a deadline.
local function refuses(name, open, expected)
  for _, scheme in ipairs { "http", "https" } do
    for _, deadline in ipairs { false, LONG } do
      local how = deadline and "with" or "without"
      it(("%s over %s, %s deadline"):format(name, scheme, how), function()
        local options, close = open(scheme)
        options.deadline = deadline or nil
        local _, err = caller.run(options)
        if close then
          close()
        end
        caller.check(expected, err)
      end)
    end
  end
end

-- Each row hangs: what ends it is the first limit that runs out.
local function hangs(name, open)
  local LIMITS = {
    { { connect_timeout = 0.05 }, "connect_timeout", 2 },
    { { timeout = 0.05 }, "timeout", 2 },
    { { deadline = 0.05 }, "deadline", 1 },
    { { connect_timeout = 0.05, timeout = LONG, deadline = LONG }, "connect_timeout", 2 },
    { { connect_timeout = 0.05, deadline = 0.08 }, "deadline", 2 },
  }
  for _, row in ipairs(LIMITS) do
    local limits, reason, attempts = row[1], row[2], row[3]
    local names = {}
    for limit, value in pairs(limits) do
      names[#names + 1] = ("%s %g"):format(limit, value)
    end
    table.sort(names)
    it(("%s, %s"):format(name, table.concat(names, ", ")), function()
      local options, factor, err = open(), 1
      repeat -- a busy machine may not come to the second attempt
        for limit, value in pairs(limits) do
          options[limit] = value * factor
        end
        local began = core.now()
        err = select(2, caller.run(options))
        assert.is_true(core.now() - began < LONG)
        factor = 4 * factor
      until err.attempts == attempts or factor > 16
      caller.check({
        kind = "timeout",
        reason = reason,
        outcome = "not_started",
        retryable = true,
        attempts = attempts,
        status = false,
      }, err)
    end)
  end
end

local FAILED =
  { kind = "transport", outcome = "not_started", retryable = true, attempts = 2, status = false }
local function failed(reason)
  local expected = { reason = reason }
  for name, value in pairs(FAILED) do
    expected[name] = value
  end
  return expected
end

describe("connecting:", function()
  refuses("refused", function(scheme)
    local port = net.refused()
    return { endpoint = ("%s://127.0.0.1:%d"):format(scheme, port.port) }, port.close
  end, failed "connect")

  refuses("a name that does not resolve", function(scheme)
    return { endpoint = scheme .. "://no-such-host.invalid", allow_http = true }
  end, failed "resolve")

  it("a long name without a dot, which may be a secret, is not repeated", function()
    local _, err = caller.run { endpoint = "Sk-Secret1234567890abcdefghijklmnopqrstu" }
    caller.check(failed "resolve", err)
    assert.equal("Could not resolve host", err.message)
    _, err = caller.run { endpoint = "no-such-host.invalid" }
    assert.equal("Could not resolve host: no-such-host.invalid", err.message)
  end)

  it("a long word, which may be a secret, is asked of no name server", function()
    local secret = "SkSecret1234567890abcdefghijklmnopqrstuv"
    for _, options in ipairs {
      { endpoint = secret },
      { endpoint = "https://" .. secret .. ":8443/x" },
      { endpoint = "SkSecret/1234567890+" .. secret },
      { endpoint = "http://127.0.0.1:9", proxy = secret },
      { endpoint = "http://127.0.0.1:9", proxy = "SkSecret/1234567890+abc/def" },
      { endpoint = "http://127.0.0.1:9", proxy = ("http://%s:3128"):format(secret) },
    } do
      local ok, err = pcall(caller.new, options)
      assert.is_false(ok)
      assert.same({ "config", options.proxy and "proxy" or "endpoint" }, { err.kind, err.field })
      assert.is_nil(tostring(err):find(secret, 1, true))
      assert.truthy(tostring(err):find "is a %l* ?word.* which may be a secret", tostring(err))
      assert.is_nil(tostring(err):find("SkSecret", 1, true))
    end
    caller.new({ endpoint = "https://gateway/build" }):close()
    caller.new({ endpoint = secret .. "." }):close()
    caller.new({ endpoint = "http://127.0.0.1:9", proxy = "http://proxy/" }):close()
    caller.new({ endpoint = "build-gateway-of-the-other-department" }):close()
  end)

  local hole
  hangs("nobody accepts", function()
    hole = hole or net.blackhole()
    return { endpoint = hole.url }
  end)
  teardown(function()
    hole.close()
  end)

  -- The kernel has accepted the connection when the listener goes: RST comes in the middle of
  -- connecting, as the TLS handshake belongs to that.
  it("RST before the connection is there", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local client = caller.new { endpoint = "https://127.0.0.1:" .. port, retry = false }
    local call = client:start(caller.JOB)
    repeat
      client:step(0.01)
    until #socket.select({ listener }, nil, 0) == 1
    listener:close()
    repeat
      client:step(LONG)
    until call:done()
    local result, err = call:try_wait()
    assert.is_nil(result)
    caller.check({
      kind = "transport",
      reason = "tls_handshake",
      outcome = "not_started",
      retryable = true,
      attempts = 1,
    }, err)
    client:close()
  end)
end)

-- What each way to break a handshake is told as.
local HANDSHAKES = {
  tls_garbage = failed "tls_handshake",
  tls_close = failed "tls_handshake",
  tls_reset = failed "tls_handshake",
  tls_alert = failed "tls_handshake",
}

describe("the TLS handshake:", function()
  local server

  setup(function()
    server = servers.start { tls = true }
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
  end)

  local function nothing_arrived(attempts)
    local stats = server:stats()
    assert.equal(attempts, stats.connections)
    assert.equal(0, stats.tls_handshakes)
    assert.equal(0, stats.heads)
    assert.equal(0, stats.processed)
  end

  for name, expected in pairs(HANDSHAKES) do
    for _, deadline in ipairs { false, LONG } do
      it(name .. (deadline and " with" or " without") .. " deadline", function()
        server:behave(name)
        local _, err = caller.run { endpoint = server, deadline = deadline or nil }
        caller.check(expected, err)
        nothing_arrived(2)
      end)
    end

    it(name .. " once, then a good connection: one build", function()
      server:script { name }
      local result, err = caller.run { endpoint = server }
      assert.is_nil(err)
      assert.is_string(result.octopus_job_name)
      local stats = server:stats()
      assert.equal(1, stats.processed)
      assert.equal(2, stats.connections)
    end)
  end

  for _, name in ipairs { "tls_hang", "tls_stall" } do
    hangs(name, function()
      server:behave(name)
      return { endpoint = server }
    end)

    it(name .. " once, then a good connection: one build", function()
      server:script { name }
      -- A good handshake may take longer than that, too, where the machine is busy.
      local result, err = caller.run {
        endpoint = server,
        connect_timeout = 0.05,
        retry = { max_attempts = 100, base_delay = 0.001, max_delay = 0.01 },
      }
      assert.is_nil(err)
      assert.is_string(result.octopus_job_name)
      assert.equal(1, server:stats().processed)
    end)
  end
end)

-- The resolver's configuration is the machine's: a process of its own sees another one.
local LOOK_UP = [[
local core = require "codearts.build.core"
local client = core.new {
  endpoint = "https://build.service.test", auth = "fake-token", OPTIONS,
  retry = { max_attempts = 2, base_delay = 0.001, max_delay = 0.002 },
}
local _, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
print(err.kind, err.reason, err.outcome, err.retryable, err.attempts)
]]

local function look_up(server, options)
  local told = caller.elsewhere((LOOK_UP:gsub("OPTIONS", options)), function(command)
    return server:command(command)
  end)
  return (told:gsub("%s+", " "))
end

describe("a name server", function()
  local server
  after_each(function()
    if server then
      server:stop()
    end
  end)

  for _, row in ipairs {
    { "connect_timeout = 0.1", "timeout connect_timeout not_started true 2 " },
    { "timeout = 0.1", "timeout timeout not_started true 2 " },
    { "deadline = 0.1", "timeout deadline not_started true 1 " },
  } do
    it("that never answers: " .. row[1], function()
      if dns.missing() then
        pending(dns.missing())
      end
      server = dns.start()
      assert.equal(row[2], look_up(server, row[1]))
      server:wait_for(1)
    end)
  end

  it("that knows no such name", function()
    if dns.missing() then
      pending(dns.missing())
    end
    server = dns.start "nxdomain"
    assert.equal("transport resolve not_started true 2 ", look_up(server, "deadline = 20"))
  end)
end)

-- libcurl times nothing that waits in it for the connection which another request makes.
describe("a connection that is being made for ever", function()
  for limit, more in pairs { deadline = 0, timeout = 2 } do
    it("holds nobody beyond the " .. limit .. " of a call that waits for it", function()
      local listener = assert(socket.bind("127.0.0.1", 0))
      local _, port = listener:getsockname()
      local client = caller.new {
        endpoint = ("https://127.0.0.1:%d"):format(port),
        connect_timeout = LONG,
        retry = { max_attempts = 2, base_delay = 0 },
      }
      local first = client:start(caller.JOB, { retry = false })
      client:step(0.01)
      local _, err = client:try_run(caller.JOB, { [limit] = 0.05 })
      caller.check(
        { kind = "timeout", reason = limit, outcome = "not_started", attempts = more },
        err
      )
      assert.is_false(first:done())
      client:close()
      listener:close()
    end)
  end
end)
