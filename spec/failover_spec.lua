-- Several endpoints (API reference 5): the next one is for a name that does not resolve and for a TLS
-- handshake that breaks, when nothing was sent; for nothing else.
local build = require "codearts.build"
local servers = require "spec.support.server"

local JOB = { job_id = ("0"):rep(32) }
local NOWHERE, NOWHERE_ELSE = "http://nowhere.invalid", "http://elsewhere.invalid"

local first, second, client

setup(function()
  first, second = servers.start { tls = true }, servers.start()
end)
teardown(function()
  first:stop()
  second:stop()
end)
before_each(function()
  for _, server in ipairs { first, second } do
    server:reset()
    server:behave "ok"
  end
end)
after_each(function()
  client:close()
end)

local function new(...)
  client = build.new {
    endpoint = table.concat({ ... }, ","),
    auth = "token-hidden",
    allow_http = true, -- of names that do not resolve
    retry = false,
    tls = { ca_file = first.ca_file },
  }
  return client
end

describe("the next endpoint", function()
  it("serves when a name does not resolve, at once and from then on", function()
    assert(new(NOWHERE, NOWHERE_ELSE, second.url):run(JOB))
    local result = client:run(JOB)
    assert.equal(1, build.meta(result).attempts)
    assert.equal(2, second:stats().processed)
  end)

  for _, how in ipairs { "tls_close", "tls_reset", "tls_garbage" } do
    it("serves when the handshake breaks: " .. how, function()
      first:behave(how)
      assert(new(first.url, second.url):run(JOB))
      assert.equal(0, first:stats().processed)
      assert.equal(1, second:stats().processed)
    end)
  end

  for _, how in ipairs {
    "close_after_body",
    "error_500",
    "error_503",
    "busy_400",
    "redirect",
    "forbidden",
  } do
    it("does not serve after " .. how, function()
      first:behave(how)
      assert.is_nil((new(first.url, second.url):try_run(JOB)))
      assert.equal(1, first:stats().processed)
      assert.equal(0, second:stats().processed)
    end)
  end

  it("does not serve when a connection is refused", function()
    local other = servers.start()
    local refused = other.url
    other:stop()
    local _, err = new(refused, second.url):try_run(JOB)
    assert.equal("connect", err.reason)
    assert.equal(0, second:stats().processed)
  end)

  it("is the first again after the last has failed", function()
    local _, err = new(NOWHERE, NOWHERE_ELSE):try_run(JOB)
    assert.equal("transport", err.kind)
    assert.equal("resolve", err.reason)
    assert.equal("not_started", err.outcome)
    assert.equal(2, err.attempts)
    assert.equal(2, select(2, client:try_run(JOB)).attempts)
  end)
end)
