-- The server of the other specs, checked with the curl program and with bare sockets: what it
-- says that it does must be what a client sees.

local behaviours = require("spec.support.behaviours")
local certs = require("spec.support.certs")
local curl = require("spec.support.curl")
local dns = require("spec.support.dns")
local net = require("spec.support.net")
local proxies = require("spec.support.proxy")
local servers = require("spec.support.server")
local socket = require("socket")

local SILENCE = "-m 0.2 " -- how long curl listens to a server that says nothing

-- What curl makes of the behaviours that are no plain answer: 7.88 and, after that, 8.14 and 8.23, which
-- tell more failures apart (7 the proxy refused, 8 lengths that differ, 100 too much).
local EXITS = {
  answer = { 0 },
  close_before_reading = { 52 },
  close_on_bytes = { 52 },
  close_after_head = { 52 },
  close_after_body = { 52 },
  close_in_head = { 0 }, -- half a head is good enough for curl
  close_in_body = { 18 },
  close_within_body = { 52 },
  reset_before_reading = { 7, 55, 56 }, -- RST may come before curl has looked at the connection
  reset_on_bytes = { 55, 56 },
  reset_after_head = { 55, 56 },
  reset_within_body = { 55, 56 },
  reset_after_body = { 55, 56 },
  reset_in_head = { 55, 56 },
  reset_in_body = { 55, 56 },
  never_read = { 28 },
  never_answer = { 28 },
  stall_in_body = { 28 },
  slow = { 28 },
  truncated = { 18 },
  chunked_badly = { 56 },
  chunked_cut = { 18 },
  not_http = { 1 },
  two_lengths = { 0, 8 },
  interim_flood = { 56 },
  header_flood = { 56 },
  header_line_flood = { 27, 100 },
  body_flood = { 56 },
  chunk_flood = { 56 },
}
local SILENT = { never_read = true, never_answer = true, stall_in_body = true, slow = true }

-- Inside TLS an end without a farewell is told as a reset by newer ones.
local EXITS_INSIDE_TLS = { chunked_cut = { 18, 56 }, truncated = { 18, 56 } }
for name, exits in pairs(EXITS) do
  EXITS_INSIDE_TLS[name] = name:find("^close_") and { exits[1], 56 }
    or EXITS_INSIDE_TLS[name]
    or exits
end

-- Over HTTP/2 an end without an answer is always the end of a stream, or how newer ones noticed it.
local EXITS_HTTP2 = {
  close_before_reading = { 18, 55, 56 },
  close_on_bytes = { 18, 55, 56 },
  close_after_head = { 18, 55, 56 },
  close_after_body = { 18, 55, 56 },
  close_in_head = { 18, 55, 56 },
  close_in_body = { 18, 55, 56 },
  reset_before_reading = { 16, 55, 56 },
  reset_on_bytes = { 16, 55, 56 },
  reset_after_head = { 16, 55, 56 },
  goaway_close = { 18, 55, 56 },
  goaway_error = { 18, 55, 56 },
  cancel_before = { 92 },
  cancel_after = { 92 },
  internal_error_before = { 92 },
  internal_error_after = { 92 },
  reset_stream_in_body = { 92 },
}

local EXITS_TLS = {
  tls_hang = { 28 },
  tls_stall = { 28 },
  tls_garbage = { 35 },
  tls_close = { 35 },
  tls_reset = { 35 },
  tls_alert = { 35 },
  cert_expired = { 60 },
  cert_not_yet_valid = { 60 },
  cert_wrong_host = { 60 },
  cert_untrusted = { 60 },
  cert_self_signed = { 60 },
  cert_sha1 = { 60 },
  tls_1_0 = { 35 },
  tls_1_1 = { 35 },
  tls_1_2 = { 0 },
  client_certificate = { 56 },
}

-- Behaviours that end differently: they have tests of their own, below or where they are used.
local APART = { raw = true, ok_on_release = true, ok_then_reset = true, early_refusal = true }
APART.goaway_before, APART.goaway_after, APART.history = true, true, true
APART.asks_afterwards, APART.broken_off = true, true -- of TLS alone, and of what it is given
APART.answer_unasked = true -- of what it is given
local RESENT = { refused_stream = true, http_1_1_required = true } -- curl tries again by itself

local function contains(list, value)
  for _, each in ipairs(list) do
    if each == value then
      return true
    end
  end
  return false
end

local function check(server, row, exits)
  server:script({ row.name })
  local before = server:stats().processed
  local silent = SILENT[row.name] or row.name == "tls_hang" or row.name == "tls_stall"
  local trust = server.ca_file and "--cacert " .. server.ca_file .. " " or ""
  local seen = curl.run(
    (silent and SILENCE or "-m 5 ") .. trust .. "-o /dev/null -d hello " .. server.url .. "/x"
  )
  local expected = exits[row.name] or { 0 }
  assert(contains(expected, seen.exit), ("%s: curl ended with %d"):format(row.name, seen.exit))
  local processed = server:stats().processed - before
  local is_processed = row.at == "body" or seen.exit == 0
  assert.equal(is_processed and 1 or 0, processed, row.name)
end

-- A request by hand; answers the connection.
local function ask(server, connection)
  if not connection then
    connection = assert(socket.connect("127.0.0.1", server.port))
    connection:settimeout(10)
  end
  connection:send("POST /v3 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
  return connection
end

local function read_ok(connection)
  assert.equal("HTTP/1.1 200 OK", connection:receive("*l"))
  local length
  repeat
    local line = connection:receive("*l")
    length = line:match("^Content%-Length: (%d+)") or length
  until line == ""
  assert.equal(behaviours.RESULT, connection:receive(tonumber(length)))
end

describe("the fault server", function()
  describe("over HTTP/1.1", function()
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

    it("does what each behaviour says, on a fresh connection", function()
      for _, row in ipairs(behaviours.rows) do
        if row.over ~= "h2" and row.at ~= "accept" and not APART[row.name] then
          check(server, row, EXITS)
        end
      end
    end)

    it("does it on a kept connection too", function()
      for _, how in ipairs({ "close", "reset" }) do
        for _, moment in ipairs({ "before_reading", "on_bytes", "after_head", "after_body" }) do
          local name = how .. "_" .. moment
          server:reset()
          server:script({ "ok", name })
          local connection = ask(server)
          read_ok(connection)
          ask(server, connection)
          assert.is_nil((connection:receive(1)), name)
          connection:close()
          local stats = server:stats()
          assert.equal(1, stats.connections)
          assert.equal(moment == "after_body" and 2 or 1, stats.processed, name)
        end
      end
    end)

    it("refuses a body before it is read", function()
      server:script({ "early_refusal" })
      assert.equal(413, curl.run("-d hello " .. server.url).status)
      assert.equal(0, server:stats().processed)
    end)

    it("records requests", function()
      curl.run("-d hello -H 'X-Auth-Token: t' " .. server.url .. "/v3/jobs?a=b")
      curl.run("-H 'Transfer-Encoding: chunked' -d hello " .. server.url)
      local stats = server:stats()
      local first, second = stats.requests[1], stats.requests[2]
      assert.equal("POST", first.method)
      assert.equal("/v3/jobs?a=b", first.path)
      assert.equal("t", first.headers["x-auth-token"])
      assert.equal("hello", first.body)
      assert.equal(5, first.body_length)
      assert.equal(1, first.connection)
      assert.equal("ok", first.behaviour)
      assert.equal("hello", second.body)
      assert.equal(2, second.connection)
    end)

    it("counts only requests that came whole", function()
      local connection = assert(socket.connect("127.0.0.1", server.port))
      connection:send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell")
      server:wait_for(1, "heads")
      connection:close()
      server:wait_for(1, "closed")
      assert.equal(0, server:stats().processed)
    end)

    it("leaves a stale connection behind", function()
      server:script({ "ok_then_close" })
      local connection = ask(server)
      read_ok(connection)
      assert.equal("closed", select(2, connection:receive(1)))
      connection:close()
    end)

    it("gives a behaviour back that met no request", function()
      server:script({ "not_found" })
      socket.connect("127.0.0.1", server.port):close()
      server:wait_for(1, "closed")
      assert.equal(404, curl.run(server.url).status)
    end)

    it("takes arguments, and goes back to the default", function()
      server:script({
        { "answer", status = 418, body = "tea", headers = { { "X-Pot", "1" } } },
        { "throttled_seconds", seconds = 7 },
        { "raw", bytes = "HTTP/1.1 299 Odd\r\n\r\nodd" },
      }, "forbidden")
      local seen = curl.run("-i " .. server.url)
      assert.equal(418, seen.status)
      assert.truthy(seen.body:find("X-Pot: 1\r\n", 1, true))
      assert.truthy(curl.run("-i " .. server.url).body:find("Retry-After: 7\r\n", 1, true))
      assert.equal("odd", curl.run(server.url).body)
      assert.equal(403, curl.run(server.url).status)
      server:behave("answer", { status = 204 })
      assert.equal(204, curl.run(server.url).status)
    end)

    it("echoes secrets", function()
      server:script({ "echo_token", "echo_authorization", "echo_canonical" })
      local secret = "-H 'X-Auth-Token: tt' -H 'Authorization: SDK SignedHeaders=host, S=ss' "
      assert.truthy(curl.run(secret .. server.url).body:find("tt", 1, true))
      assert.truthy(curl.run(secret .. server.url).body:find("S=ss", 1, true))
      assert.truthy(curl.run(secret .. server.url .. "/p").body:find("GET|/p||host:127", 1, true))
    end)

    it("sends what gzip can unpack", function()
      server:script({ "gzip", "gzip_bomb" })
      assert.equal(behaviours.RESULT, curl.run("--compressed " .. server.url).body)
      assert.equal(10485760, #curl.run("--compressed " .. server.url).body)
    end)

    it("ends connections when told", function()
      for _, how in ipairs({ "close", "reset" }) do
        server:reset()
        local connection = ask(server)
        read_ok(connection)
        server:drop(how)
        assert.is_nil((connection:receive(1)))
        connection:close()
        server:wait_for(1, "closed")
      end
    end)

    it("holds answers until told", function()
      server:script({ "ok_on_release", "ok_then_reset" })
      local first, second = ask(server), ask(server)
      server:wait_for(2, "waiting")
      server:release()
      read_ok(first)
      read_ok(second)
      assert.is_nil((second:receive(1)))
      first:close()
      second:close()
    end)

    it("refuses a behaviour that does not exist", function()
      assert.has_error(function()
        server:script({ "ok", "okay" })
      end, "no such behaviour: okay")
    end)
  end)

  describe("over TLS", function()
    local server, trust
    setup(function()
      server = servers.start({ tls = true })
      trust = "--cacert " .. server.ca_file .. " "
    end)
    teardown(function()
      server:stop()
    end)
    before_each(function()
      server:reset()
    end)

    it("breaks handshakes, and shows certificates that are to be refused", function()
      for _, row in ipairs(behaviours.rows) do
        if row.at == "accept" then
          check(server, row, EXITS_TLS)
        end
      end
    end)

    it("does what behaviours say inside TLS", function()
      for _, row in ipairs(behaviours.rows) do
        if EXITS[row.name] and not row.name:find("flood") and not SILENT[row.name] then
          check(server, row, EXITS_INSIDE_TLS)
        end
      end
    end)

    it("serves a client that puts up with everything", function()
      local lax = "--ciphers DEFAULT@SECLEVEL=0 "
      local cases = {
        { "cert_expired", "-k" },
        { "cert_not_yet_valid", "-k" },
        { "cert_self_signed", "-k" },
        {
          "cert_wrong_host",
          "--resolve elsewhere.test:" .. server.port .. ":127.0.0.1",
          "elsewhere.test",
        },
        { "cert_untrusted", "--cacert " .. server.certs.other_ca },
        { "cert_sha1", lax },
        { "tls_1_0", lax .. "--tlsv1.0 --tls-max 1.0" },
        { "tls_1_1", lax .. "--tlsv1.0 --tls-max 1.1" },
        {
          "client_certificate",
          ("--cert %s --key %s"):format(server.certs.client, server.certs.client_key),
        },
        { "ok", "--pinnedpubkey " .. server.certs.good_pin },
        { "ok", "--resolve a.service.test:" .. server.port .. ":127.0.0.1", "a.service.test" },
      }
      for _, case in ipairs(cases) do
        server:script({ case[1] })
        local host = case[3] or "127.0.0.1"
        local seen = curl.run(("%s %s https://%s:%d"):format(trust, case[2], host, server.port))
        assert.equal(0, seen.exit, case[1])
        assert.equal(behaviours.RESULT, seen.body)
      end
    end)
  end)

  describe("over HTTP/2", function()
    local server, trust
    setup(function()
      server = servers.start({ http2 = true })
      trust = "--cacert " .. server.ca_file .. " "
    end)
    teardown(function()
      server:stop()
    end)
    before_each(function()
      server:reset()
    end)

    it("does what each behaviour says", function()
      local exits = setmetatable(EXITS_HTTP2, { __index = EXITS })
      for _, row in ipairs(behaviours.rows) do
        local resent = RESENT[row.name:match("^(.*)_%w+$")]
        local plain = row.name:find("^ok_") or row.name:find("^error_") -- as over HTTP/1.1
        if row.over ~= "h1" and row.at ~= "accept" and not (APART[row.name] or resent or plain) then
          check(server, row, exits)
        end
      end
    end)

    it("refuses streams before and after processing them", function()
      for name in pairs(RESENT) do
        for moment, processed in pairs({ before = 1, after = 2 }) do
          server:reset()
          server:script({ name .. "_" .. moment })
          local seen = curl.run(trust .. "-d hello " .. server.url)
          assert.equal(200, seen.status)
          assert.equal(name == "refused_stream" and "2" or "1.1", seen.http)
          assert.equal(processed, server:stats().processed, name .. moment)
        end
      end
    end)

    -- What it says that it did not process, newer ones send again.
    it("leaves streams out before and after processing them", function()
      for moment, once in pairs({ before = 0, after = 1 }) do
        server:reset()
        server:script({ "goaway_" .. moment })
        local seen = curl.run(trust .. "-d hello " .. server.url)
        assert(seen.exit == 16 or seen.exit == 0, seen.exit)
        assert.equal(once + (seen.exit == 0 and 1 or 0), server:stats().processed, moment)
      end
    end)

    it("reads bodies beyond the window, and keeps the connection", function()
      local seen = curl.run(
        trust .. "--data-binary @" .. server.ca_file .. " " .. server.url .. " " .. server.url
      )
      assert.equal(0, seen.connects)
      local request = server:stats().requests[2]
      local file = io.open(server.ca_file)
      assert.equal(file:read("*a"), request.body)
      file:close()
      assert.equal("2", request.http)
      curl.run("-m 5 -X POST " .. trust .. "-T /bin/sh " .. server.url)
      assert.truthy(server:stats().requests[3].body_length > 65536)
    end)

    it("serves streams side by side", function()
      server:behave("ok_on_release")
      local url = " " .. server.url
      local finish = curl.begin("-Z --no-progress-meter " .. trust .. url:rep(8))
      server:wait_for(8, "waiting")
      assert.equal(1, server:stats().connections)
      server:release()
      local _, answers = finish().body:gsub("octopus_job_name", "")
      assert.equal(8, answers)
    end)

    it("speaks HTTP/1.1 with who asks for it", function()
      assert.equal("1.1", curl.run("--http1.1 " .. trust .. server.url).http)
    end)
  end)

  describe("as a process", function()
    it("ends with its control connection", function()
      local server = servers.start()
      local connection = ask(server)
      read_ok(connection)
      server.process.control:close()
      assert.is_nil((connection:receive(1)))
      connection:close()
      assert.is_nil((socket.connect("127.0.0.1", server.port)))
    end)

    it("ends when told, twice too", function()
      local server = servers.start()
      server:stop()
      server:stop()
      assert.is_nil((socket.connect("127.0.0.1", server.port)))
    end)

    it("tells when a behaviour cannot be done", function()
      local server = servers.start()
      server:script({ "goaway_before" })
      curl.run(server.url)
      assert.has_error(function()
        server:stats()
      end)
      server:stop()
    end)

    it("has certificates that openssl agrees with", function()
      local files = certs.shared()
      assert.equal(files, certs.shared())
      local pipe = io.popen(("openssl verify -CAfile %s %s"):format(files.ca, files.good))
      assert.truthy(pipe:read("*a"):find("OK", 1, true))
      pipe:close()
    end)
  end)
end)

describe("the proxy", function()
  local plain, secure, proxy, guarded

  setup(function()
    plain = servers.start()
    secure = servers.start({ tls = true })
    proxy = proxies.start()
    guarded = proxies.start({ tls = true, user = "user", password = "pass" })
  end)
  teardown(function()
    for _, each in ipairs({ plain, secure, proxy, guarded }) do
      each:stop()
    end
  end)
  before_each(function()
    for _, each in ipairs({ plain, secure, proxy, guarded }) do
      each:reset()
    end
  end)

  local function through(which, url)
    return curl.run(
      ("-m 0.5 -x %s --proxy-cacert %s --cacert %s -d x %s"):format(
        which,
        secure.ca_file,
        secure.ca_file,
        url
      )
    )
  end

  it("forwards plain requests over kept connections", function()
    local seen = through(proxy.url, plain.url .. "/a " .. plain.url .. "/b")
    assert.equal(0, seen.connects)
    local stats = proxy:stats()
    assert.equal(2, stats.processed)
    assert.equal(plain.url .. "/b", stats.requests[2].path)
    assert.equal("/b", plain:stats().requests[2].path)
    assert.is_nil(plain:stats().requests[2].headers["proxy-connection"])
  end)

  it("tunnels, and dials loopback whatever the name", function()
    assert.equal(200, through(proxy.url, secure.url).status)
    assert.equal(200, through(proxy.url, "https://a.service.test:" .. secure.port).status)
    assert.equal("CONNECT", proxy:stats().requests[1].method)
    assert.equal(2, secure:stats().processed)
  end)

  it("passes on how a connection ended", function()
    secure:script({ "close_after_body", "reset_after_body" })
    assert(contains({ 52, 56 }, through(proxy.url, secure.url).exit))
    assert.equal(56, through(proxy.url, secure.url).exit)
  end)

  it("speaks TLS and asks for credentials", function()
    assert.equal(200, through(guarded.url_with_credentials, secure.url).status)
    assert(contains({ 56, 7 }, through(guarded.url, secure.url).exit))
    assert.equal(407, through(guarded.url, plain.url).status)
    assert.equal(1, secure:stats().processed)
    assert.equal(0, plain:stats().processed)
    assert.equal(3, guarded:stats().processed)
  end)

  it("refuses, hangs and breaks", function()
    local cases = {
      { { "refuse" }, 56, 7 },
      { { "refuse", status = 407 }, 56, 7 },
      { { "refuse", status = 502 }, 56, 7 },
      { "hang", 28 },
      { "close", 56 },
      { "reset", 56 },
      { "half_head", 56 },
      { "established_then_close", 35 },
    }
    for _, case in ipairs(cases) do
      proxy:script({ case[1] })
      local exit = through(proxy.url, secure.url).exit
      assert(exit == case[2] or exit == case[3], exit)
    end
    assert.equal(0, secure:stats().connections)
  end)
end)

describe("where nobody answers", function()
  it("a port refuses", function()
    local port = net.refused()
    assert.equal(7, curl.run(port.url).exit)
    port.close()
  end)

  it("connecting hangs", function()
    local port = net.blackhole()
    assert.equal(28, curl.run("--connect-timeout 0.2 " .. port.url).exit)
    port.close()
  end)

  it("a name server is mute", function()
    if dns.missing() then
      pending(dns.missing())
    end
    local server = dns.start()
    os.execute(server:command("curl -s -m 0.2 http://any.test/"))
    server:wait_for(1)
    server:stop()
  end)

  it("a name does not exist", function()
    if dns.missing() then
      pending(dns.missing())
    end
    local server = dns.start("nxdomain")
    local pipe = io.popen(server:command("curl -s http://any.test/; echo $?"), "r")
    assert.equal("6", pipe:read("*l"))
    pipe:close()
    server:stop()
  end)
end)
