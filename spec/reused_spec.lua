-- A kept connection that its server has ended: the next request does not go out on it, whether or not
-- libcurl has noticed. Nothing was sent, so the call goes on over a new connection, as one attempt.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local native = require "spec.support.native"
local certs = require "spec.support.certs"
local proxies = require "spec.support.proxy"
local servers = require "spec.support.server"

local MODES = {
  { name = "plain", options = {} },
  { name = "TLS", options = { tls = true } },
  { name = "HTTP/2", options = { http2 = true } },
}

-- What a server may say before it ends a kept connection (RFC 9110 15.5.9), as HAProxy does: Jetty's
-- issue 5152, openshift/release's 378.
local GOODBYE = "HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

-- An answer to nothing, whole: it would be told as that of the next call. What came so in other clients:
-- yhirose/cpp-httplib's issue 591, Project-OSRM/osrm-backend's 5527.
local STRAY = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n"
  .. '{"actual_build_number":"99"}'

-- What a program tells with a library of spec/support before all others, of a client and its server; at its end how
-- many requests and connections there were.
local function beside(name, mode, body)
  local library = native.library(name, "-Wl,--no-as-needed $(pkg-config --libs libcurl)")
  local program = ([[
local build = require "codearts.build"
local server = require("spec.support.server").start { tls = %s, http2 = %s }
local client = build.new {
  endpoint = server.url, auth = "fake-token", retry = false, timeout = 10, proxy = false,
  tls = { ca_file = server.ca_file },
}
%s
local stats = server:stats()
print(stats.processed, stats.connections)
client:close()
server:stop()
]]):format(tostring(mode.options.tls), tostring(mode.options.http2), body)
  local told = caller.elsewhere(program, function(command)
    return ("ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=%s %s"):format(library, command)
  end)
  os.remove(library)
  return told
end

for _, mode in ipairs(MODES) do
  describe("a kept connection over " .. mode.name, function()
    local server, client

    setup(function()
      server = servers.start(mode.options)
    end)
    teardown(function()
      server:stop()
    end)
    before_each(function()
      server:reset()
      client = caller.new { endpoint = server, retry = false, timeout = 10 }
    end)
    after_each(function()
      client:close()
      server:drop "close"
    end)

    -- Runs a build, lets the server end the connection, and runs another.
    local function run_twice()
      assert(client:try_run(caller.JOB))
      local before = server:stats()
      server:drop "close"
      server:wait_for(before.ended + 1, "ended")
      local result, err = client:try_run(caller.JOB)
      local after = server:stats()
      return result, err, after.processed - before.processed, after.connections - before.connections
    end

    it("that ended while nobody looked is not used again", function()
      for _ = 1, 3 do
        local result, err, processed, connections = run_twice()
        assert(result, tostring(err))
        assert.equal(1, build.meta(result).attempts)
        assert.equal(1, processed)
        assert.equal(1, connections)
      end
    end)

    it("that is kept carries the next request", function()
      for _ = 1, 5 do
        assert(client:try_run(caller.JOB))
      end
      assert.equal(1, server:stats().connections)
    end)

    it("that libcurl holds for alive is looked at", function()
      local told = beside(
        "unseen_end",
        mode,
        [[
for i = 1, 3 do
  local result, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
  print(result and build.meta(result).attempts or err)
  server:drop "close"
  server:wait_for(i, "ended")
end]]
      )
      assert.equal("1\n1\n1\n3\t3\n", told)
    end)

    -- Nor is what an answer calls itself believed there, HTTP/2 or not.
    it("takes a start only where it can be looked into", function()
      local told = beside(
        "other_tls",
        mode,
        [[
for _ = 1, 2 do
  assert(client:request({ method = "GET", path = "/v3/x" }):try_wait(10))
end
print(server:stats().connections)
for _ = 1, 2 do
  print(build.meta(client:run { job_id = ("0f1e2d3c"):rep(4) }).attempts)
end]]
      )
      assert.equal(mode.name == "plain" and "1\n1\n1\n4\t1\n" or "1\n1\n1\n4\t3\n", told)
    end)
  end)
end

describe("a kept connection", function()
  local server, client

  local function open(options, http_version)
    server = servers.start(options)
    client =
      caller.new { endpoint = server, retry = false, timeout = 10, http_version = http_version }
  end

  after_each(function()
    client:close()
    server:stop()
  end)

  local function second_call_after(entry, options)
    open(options)
    server:script { entry }
    assert(client:try_run(caller.JOB))
    server:wait_for(1, "waiting")
    server:release()
    server:wait_for(1, entry.keep and "unasked" or "ended")
    local result, err = client:try_run(caller.JOB)
    assert(result, tostring(err))
    assert.equal(2, server:stats().connections)
    assert.equal(2, server:stats().processed)
  end

  it("on which something came unasked over TLS before it ended is not used again", function()
    second_call_after({ "send_on_release", bytes = GOODBYE }, { tls = true })
  end)

  it("on which an answer came unasked over TLS, left open, is not used again", function()
    second_call_after({ "send_on_release", bytes = STRAY, keep = true }, { tls = true })
  end)

  -- TLS has decrypted it by then: the socket shows nothing of it.
  for of, begin in pairs {
    ["the same record of TLS"] = function()
      open { tls = true }
      return function()
        return client:start(caller.JOB)
      end
    end,
    ["that of a request with a trust of its own"] = function()
      open({ tls = true }, "1.1")
      return function()
        local tls = { ca_file = certs.shared().ca }
        return client:request { method = "GET", path = "/v3/x", tls = tls }
      end
    end,
  } do
    it("on which another answer came in " .. of .. " is not used again", function()
      local start = begin()
      server:script { { "answer_twice", bytes = STRAY } }
      local first = start()
      repeat
        client:step(0.01)
      until server:stats().waiting == 1
      server:release()
      assert(first:try_wait(10))
      local result = assert(client:try_run(caller.JOB))
      assert.equal("20", result.actual_build_number)
      assert.equal(2, server:stats().connections)
    end)
  end

  -- A step that has worked its time leaves to the next one what has ended meanwhile; that begins a start first.
  it(
    "on which another answer came, and whose own nobody has taken yet, is not used again",
    function()
      open({ tls = true }, "1.1")
      local lines = {}
      for i = 1, 40 do
        lines[i] = { "answer_twice", bytes = STRAY }
      end
      server:script(lines)
      for _ = 1, 40 do
        client:request { method = "GET", path = "/v3/x" }
      end
      repeat
        client:step(0.01)
      until server:stats().waiting == 40
      server:release()
      server:wait_for(40, "unasked")
      local start
      repeat
        local left = client:step(0)
        start = start or left < 40 and client:start(caller.JOB)
      until left == 0
      assert.equal("20", start:wait().actual_build_number)
    end
  )

  for _, keep in ipairs { false, true } do
    local how = keep and "left open" or "ended"
    it("on which something came unasked, " .. how .. ", is not used again", function()
      second_call_after({ "send_on_release", bytes = GOODBYE, keep = keep }, {})
    end)

    it("on which TLS said goodbye, " .. how .. ", is not used again", function()
      second_call_after({ "goodbye_on_release", keep = keep }, { tls = true })
    end)
  end

  it("that ends below a request in flight takes no other", function()
    open { http2 = true }
    server:script { "ok", "close_after_body" }
    assert(client:try_run(caller.JOB)) -- from now on it is known to speak HTTP/2
    local first = client:start(caller.JOB)
    while server:stats().processed < 2 do
      client:step(0)
    end
    server:wait_for(1, "ended")
    local second = client:start(caller.JOB)
    local result, err = caller.wait(client, second)
    assert(result, tostring(err))
    local _, lost = caller.wait(client, first)
    caller.check({ kind = "transport", outcome = "unknown" }, lost)
    assert.equal(3, server:stats().processed)
    assert.equal(2, server:stats().connections)
  end)
end)

-- What came on one may lie within the TLS of the proxy, where nothing here can see it.
describe("a kept connection through an https proxy", function()
  local READ = { method = "GET", path = "/v3/x" }
  local server, proxy, client

  local function open(options)
    server = servers.start(options)
    proxy = proxies.start { tls = true }
    local tls = { ca_file = proxy.ca_file }
    client =
      caller.new { endpoint = server, tls = tls, proxy = proxy.url, retry = false, timeout = 10 }
  end

  after_each(function()
    client:close()
    proxy:stop()
    server:stop()
  end)

  for _, mode in ipairs(MODES) do
    local starts = mode.options.http2 and "starts, too" or "no start"
    it("carries reads, and " .. starts .. ": " .. mode.name, function()
      open(mode.options)
      local through = {}
      for i, what in ipairs { "read", "read", "start", "read", "start" } do
        if what == "read" then
          assert(caller.wait(client, client:request(READ)))
        else
          local result, err = client:try_run(caller.JOB)
          assert(result, tostring(err))
          assert.equal(1, build.meta(result).attempts)
        end
        through[i] = proxy:stats().connections
      end
      assert.same(mode.options.http2 and { 1, 1, 1, 1, 1 } or { 1, 1, 2, 2, 3 }, through)
      assert.equal(5, server:stats().processed)
      assert.equal(proxy:stats().connections - 1, proxy:stats().closed)
    end)
  end

  it("on which another answer came takes no start", function()
    open {}
    proxy:script {
      { "answer_twice", body = "{}", bytes = STRAY },
    }
    local read = client:request(READ)
    repeat
      client:step(0.01)
    until proxy:stats().waiting == 1
    proxy:release()
    assert(caller.wait(client, read))
    assert.equal("20", client:run(caller.JOB).actual_build_number)
    assert.equal(1, server:stats().processed)
  end)
end)

-- Together with the end of the handshake, as the proxy sends both at once.
describe("a new connection over TLS 1.2 on which an answer came before the request", function()
  for _, attempts in ipairs { 1, 2 } do
    local becomes = attempts == 1 and "is not used" or "is followed by another one"
    it(becomes, function()
      local server = servers.start { tls = "tls_1_2" }
      local proxy = proxies.start()
      proxy:behave("ok", { joins = true })
      server:script { { "answer_unasked", bytes = STRAY } }
      local retry = { max_attempts = attempts, base_delay = 0.001 }
      local client =
        caller.new { endpoint = server, proxy = proxy.url, retry = retry, timeout = 10 }
      local result, err = client:try_run(caller.JOB)
      if attempts == 1 then
        caller.check({ kind = "transport", outcome = "not_started", retryable = true }, err)
      else
        assert(result, tostring(err))
        assert.equal("20", result.actual_build_number)
        assert.equal(2, build.meta(result).attempts)
      end
      assert.equal(attempts - 1, server:stats().processed)
      assert.equal(attempts == 1, server:stats().bytes == 0)
      client:close()
      proxy:stop()
      server:stop()
    end)
  end
end)

describe("HTTP/2 over plain http", function()
  it("is refused where the endpoint is given", function()
    local ok, err = pcall(caller.new, { endpoint = "http://127.0.0.1:1", http_version = "2" })
    assert.is_false(ok)
    caller.check({ kind = "config", field = "http_version" }, err)
    assert.truthy(tostring(err):find("https", 1, true))
  end)
end)

describe("an engine that has seen a call fail", function()
  -- Each is how the first ends; the second, which uses what the engine kept of it, goes well.
  for _, failure in ipairs {
    "never_answer",
    "stall_in_body",
    "close_after_body",
    "reset_after_body",
    "truncated",
    "gzip",
    "error_500",
  } do
    it("tells the next one's answer for what it is: after " .. failure, function()
      local server = servers.start()
      local client = caller.new { endpoint = server, retry = false, timeout = 5 }
      server:script { failure }
      local result, err = client:try_run(caller.JOB, { timeout = 0.2 })
      assert.is_nil(result)
      assert.equal("unknown", err.outcome)
      result, err = client:try_run(caller.JOB)
      assert(result, tostring(err))
      client:close()
      server:stop()
    end)
  end
end)

-- As behind a load balancer whose servers differ, or one that is being set up anew. Until 8.5 libcurl sends on
-- the busy connection too, and who reads first has the other's answer (its issue 4885).
local major, minor = build.versions().libcurl:match "^(%d+)%.(%d+)"
local crosses = major * 100 + minor < 805
describe("a connection over HTTP/1.1 that is in use, beside one over HTTP/2,", function()
  local server, client
  local function open(http1_at, max_streams, http_version)
    server = servers.start { http2 = true, http1_at = http1_at, max_streams = max_streams }
    client =
      caller.new { endpoint = server, retry = false, timeout = 10, http_version = http_version }
  end
  after_each(function()
    client:close()
    server:stop()
  end)

  local function wait_for(waiting)
    repeat
      client:step(0.01)
    until server:stats().waiting == waiting
  end

  -- Later ones speak HTTP/2 where they are told to, whatever was agreed on.
  for _, http_version in ipairs(crosses and { "auto", "2" } or { "auto" }) do
    it("carries no other request, http_version " .. http_version, function()
      open(1, nil, http_version)
      server:script { "ok_on_release" }
      local first = client:start(caller.JOB)
      wait_for(1)
      for _ = 1, 5 do
        local result, err = client:try_run(caller.JOB)
        assert(result, tostring(err))
        assert.equal("2", build.meta(result).http_version:sub(1, 1))
      end
      assert.is_false(first:done())
      server:release()
      assert.equal("1.1", build.meta(first:wait()).http_version)
      assert.equal(6, server:stats().processed)
    end)
  end

  it("carries none where the other one was given up as soon as it was made", function()
    open(1)
    server:script { "ok_on_release", "cert_wrong_host" }
    local first = client:start(caller.JOB)
    wait_for(1)
    local _, err = client:try_run(caller.JOB)
    caller.check({ reason = "tls_verify", outcome = "not_started" }, err)
    repeat -- it takes back what met no request
      client:step(0.01)
    until server:stats().drawn == 1
    server:script {}
    assert(client:try_run(caller.JOB))
    assert.is_false(first:done())
    server:release()
    assert.equal("1.1", build.meta(first:wait()).http_version)
    assert.equal(2, server:stats().processed)
  end)

  it("carries none that is told by itself whom to trust", function()
    open(1)
    server:script { "ok_on_release" }
    local start = client:start(caller.JOB)
    wait_for(1)
    assert(client:try_run(caller.JOB))
    local tls = { ca_file = certs.shared().ca }
    local read = client:request { method = "GET", path = "/v3/x", tls = tls }
    local _, err = caller.wait(client, read)
    assert.is_nil(err)
    assert.is_false(start:done())
    server:release()
    assert.equal("1.1", build.meta(start:wait()).http_version)
  end)

  it(
    "carries no read for which another one was made, and that libcurl sends again by itself",
    function()
      open(1)
      server:script {
        { "ok_on_release", times = 2 },
        { "refused_stream_before", late = true },
      }
      local start = client:start(caller.JOB)
      wait_for(1)
      local read = client:request { method = "GET", path = "/v3/x" }
      wait_for(2)
      server:release()
      local _, err = caller.wait(client, read)
      assert.is_nil(err)
      assert.is_false(start:done())
      server:release()
      assert.equal("1.1", build.meta(start:wait()).http_version)
      assert.equal(2, server:stats().processed)
    end
  )

  -- As nginx has a client leave that has made its 1,000 requests.
  it("carries no read that libcurl sends again by itself", function()
    open(2, 2)
    assert(client:try_run(caller.JOB))
    server:script {
      { "ok_on_release", times = 2 },
      { "refused_stream_before", late = true, last = true },
      { "ok_on_release", times = 2 },
    }
    local reads = {}
    for i = 1, 2 do
      reads[i] = client:request { method = "GET", path = "/v3/x" }
      wait_for(i)
    end
    local start = client:start(caller.JOB)
    wait_for(3)
    local read = { method = "GET", path = "/v3/x" }
    assert(caller.wait(client, client:request(read))) -- on a third connection, over HTTP/2 again
    server:release()
    local _, err = caller.wait(client, reads[2])
    assert.is_nil(err)
    assert.is_false(start:done())
    server:release()
    assert.equal("1.1", build.meta(start:wait()).http_version)
    assert.equal(5, server:stats().processed)
  end)

  -- A script that writes its status line itself may say so; libcurl believes it, or, later, refuses it.
  it("carries no other request where its answers call themselves HTTP/2", function()
    server = servers.start { tls = true }
    client = caller.new { endpoint = server, retry = false, timeout = 10 }
    local body = '{"actual_build_number":"7"}'
    local head = "HTTP/2 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    server:script { { "raw", bytes = head:format(#body, body), keep = true }, "ok_on_release" }
    local result, err = client:try_run(caller.JOB)
    if not crosses then
      return assert.is_true(result ~= nil or err.outcome == "unknown")
    end
    assert.equal("1.1", build.meta(result).http_version)
    local first = client:start(caller.JOB)
    wait_for(1)
    assert(client:try_run(caller.JOB))
    assert.is_false(first:done())
    assert.equal(2, server:stats().connections)
    server:release()
    assert(first:wait())
  end)
end)
