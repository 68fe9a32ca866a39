-- Several endpoints: the next one is asked only where nothing was sent, by the official rule (API
-- reference 5): a name that does not resolve, or a TLS handshake that fails.

local caller = require "spec.support.caller"
local net = require "spec.support.net"
local servers = require "spec.support.server"

local UNKNOWN = "https://no-such-host.invalid"

describe("several endpoints:", function()
  local first, second, plain

  setup(function()
    first = servers.start { tls = true }
    second = servers.start { tls = true }
    plain = servers.start()
  end)
  teardown(function()
    first:stop()
    second:stop()
    plain:stop()
  end)
  before_each(function()
    first:reset()
    second:reset()
    plain:reset()
  end)

  local function new(urls, more)
    local all =
      { endpoint = table.concat(urls, ","), tls = { ca_file = first.ca_file }, timeout = 5 }
    for name, value in pairs(more or {}) do
      all[name] = value
    end
    return caller.new(all)
  end

  it("the first one is asked as long as it answers", function()
    local client = new { first.url, second.url }
    for _ = 1, 3 do
      assert.is_table(client:run(caller.JOB))
    end
    client:close()
    assert.equal(3, first:stats().processed)
    assert.equal(0, second:stats().connections)
  end)

  for _, name in ipairs { "tls_garbage", "tls_close", "tls_reset", "tls_alert", "tls_1_1" } do
    it("the second one after " .. name .. ", and it is remembered", function()
      first:behave(name)
      local client = new({ first.url, second.url }, { retry = false })
      local result = client:run(caller.JOB)
      assert.equal(2, require("codearts.build").meta(result).attempts)
      assert.is_table(client:run(caller.JOB))
      client:close()
      assert.equal(2, second:stats().processed)
      assert.equal(1, first:stats().connections)
      assert.equal(0, first:stats().processed)
    end)
  end

  it("the second one when the first one's name does not resolve", function()
    local client = new({ UNKNOWN, second.url }, { retry = false })
    assert.is_table(client:run(caller.JOB))
    client:close()
    assert.equal(1, second:stats().processed)
  end)

  it("all of them, however many", function()
    first:behave "tls_alert"
    local client = new({ UNKNOWN, first.url, UNKNOWN, second.url }, { retry = false })
    assert.is_table(client:run(caller.JOB))
    client:close()
    assert.equal(1, second:stats().processed)
  end)

  it("around to the first one again when the remembered one breaks", function()
    first:script { "tls_alert" }
    local client = new({ first.url, second.url }, { retry = false })
    assert.is_table(client:run(caller.JOB))
    second:behave "tls_alert"
    second:drop "close"
    second:wait_for(1, "closed")
    assert.is_table(client:run(caller.JOB))
    client:close()
    assert.equal(1, first:stats().processed)
    assert.equal(1, second:stats().processed)
  end)

  -- One name was good, all break: a try of every one of them after each wait.
  it("each of them again after a wait", function()
    first:behave "tls_alert"
    second:behave "tls_alert"
    local client = new({ first.url, second.url }, { retry = { max_attempts = 6, base_delay = 0 } })
    local _, err = client:try_run(caller.JOB)
    client:close()
    caller.check({
      kind = "transport",
      reason = "tls_handshake",
      outcome = "not_started",
      retryable = true,
      attempts = 6,
    }, err)
    assert.equal(3, first:stats().connections)
    assert.equal(3, second:stats().connections)
  end)

  it("signed for the host that is asked", function()
    first:behave "tls_alert"
    local auth = { ak = "FAKEAK", sk = "fake-secret-key" }
    local client = new({ first.url, second.url }, { retry = false, auth = auth })
    assert.is_table(client:run(caller.JOB))
    client:close()
    local request = second:stats().requests[1]
    assert.equal("127.0.0.1:" .. second.port, request.headers.host)
    assert.is_truthy(request.headers.authorization:find("host", 1, true))
  end)

  describe("the next one is not asked", function()
    local function stays(urls, expected, more)
      local client = new(urls, more)
      local _, err = client:try_run(caller.JOB)
      client:close()
      caller.check(expected, err)
      assert.equal(0, second:stats().connections)
    end

    for _, name in ipairs { "cert_expired", "cert_untrusted", "cert_wrong_host", "cert_self_signed" } do
      it("after " .. name, function()
        first:behave(name)
        stays({ first.url, second.url }, { reason = "tls_verify", outcome = "not_started" })
      end)
    end

    it("after a refused connection", function()
      local port = net.refused()
      stays({ "https://127.0.0.1:" .. port.port, second.url }, { reason = "connect" })
      port.close()
    end)

    for _, name in ipairs {
      "close_after_body",
      "reset_after_head",
      "error_500",
      "error_503",
      "see_other",
      "not_http",
      "ok_empty",
      "gzip",
    } do
      it("after " .. name .. ", for a build may have been started", function()
        first:behave(name)
        stays({ first.url, second.url }, { outcome = "unknown", attempts = 1 })
        assert.is_true(first:stats().processed <= 1)
      end)
    end

    for _, name in ipairs { "unavailable", "busy_500", "forbidden", "unauthorized", "redirect" } do
      it("after " .. name .. ", for the service has answered", function()
        first:behave(name)
        stays({ first.url, second.url }, { outcome = "not_started" })
      end)
    end

    it("when time is over", function()
      first:behave "tls_hang"
      stays({ first.url, second.url }, { reason = "deadline", attempts = 1 }, { deadline = 0.1 })
    end)
  end)

  -- Cancelled in the very step in which the first endpoint's answer is there.
  it("a call that is cancelled goes no further", function()
    first:behave "tls_alert"
    local call
    local client = new({ first.url, second.url }, {
      on_event = function(event)
        if event.type == "response" then
          call:cancel()
        end
      end,
    })
    call = client:start(caller.JOB)
    local result, err = caller.wait(client, call)
    assert.is_nil(result)
    caller.check({ outcome = "not_started", attempts = 1 }, err)
    client:close()
    assert.equal(0, second:stats().connections)
  end)

  it("a client that is closed then ends its calls", function()
    first:behave "tls_alert"
    local client, call, ends
    ends = {}
    client = new({ first.url, second.url }, {
      on_event = function(event)
        if event.type == "response" then
          client:close()
        end
      end,
    })
    call = client:start(caller.JOB)
    call:on_done(function(result, err)
      ends[#ends + 1] = { result, err }
    end)
    repeat
      client:step(1)
    until call:done() or not pcall(client.events, client)
    assert.is_true(call:done())
    assert.equal(1, #ends)
    caller.check({ outcome = "not_started" }, ends[1][2])
    assert.equal(0, second:stats().connections)
  end)

  it("one that is plain is for this machine alone", function()
    local client = new { plain.url, second.url }
    assert.is_table(client:run(caller.JOB))
    client:close()
    local ok, err = pcall(new, { second.url, "http://build.example" })
    assert.is_false(ok)
    caller.check({ kind = "config", field = "endpoint" }, err)
  end)
end)
