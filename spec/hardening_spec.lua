-- Hostile addresses, redirects and headers beyond the common (options_spec.lua has those), and a system
-- that runs out of something.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local native = require "spec.support.native"
local servers = require "spec.support.server"

describe("addresses:", function()
  it("plain http is for this machine alone, however it is written", function()
    for _, host in ipairs {
      "127.0.0.1.5",
      "127.0.0.256",
      "localhost.",
      "localhost.test",
      "0.0.0.0",
      "128.0.0.1",
      "169.254.169.254",
      "[::]",
      "[::2]",
      "[::ffff:127.0.0.1]",
      "[fe80::1]",
      "127.0.0.1.test",
      "test.127.0.0.1",
    } do
      local ok, err = pcall(core.new, { endpoint = "http://" .. host .. ":1" })
      assert(not ok, host .. " was taken for this machine")
      caller.check({ kind = "config", field = "endpoint" }, err)
      core.new({ endpoint = "https://" .. host .. ":1" }):close()
    end
    for _, host in ipairs { "localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "127.1", "[::1]" } do
      core.new({ endpoint = "http://" .. host .. ":1" }):close()
    end
  end)

  -- A name until libcurl 8.23, which takes the dot off and connects to the address.
  it("a dot at its end leaves it the address or makes it a name, nothing between", function()
    local server = servers.start()
    local ok, client = pcall(core.new, {
      endpoint = ("http://127.0.0.1.:%d"):format(server.port),
      auth = "fake-token",
      proxy = false,
    })
    if ok then
      assert.is_table(client:run(caller.JOB))
      client:close()
    else
      caller.check({ kind = "config", field = "endpoint" }, client)
    end
    assert.equal(ok and 1 or 0, server:stats().processed)
    server:stop()
  end)

  it("no scheme but http and https", function()
    for _, scheme in ipairs {
      "file",
      "ftp",
      "ftps",
      "gopher",
      "dict",
      "ldap",
      "smb",
      "scp",
      "sftp",
      "telnet",
      "ws",
      "wss",
      "data",
      "javascript",
      "HTTPSS",
    } do
      local url = scheme .. "://127.0.0.1:1/x"
      local ok, err = pcall(core.new, { endpoint = url })
      assert(not ok, url .. " was taken")
      caller.check({ kind = "config", field = "endpoint" }, err)
      local client = core.new { endpoint = "https://127.0.0.1:1" }
      ok, err = pcall(client.request, client, { url = url, auth = false })
      assert(not ok, url .. " was taken")
      caller.check({ field = "url" }, err)
      client:close()
    end
  end)

  it("credentials go to no other plain address", function()
    local client = core.new { endpoint = "https://127.0.0.1:1", auth = "fake-token" }
    local spec = { url = "http://service.test/x" }
    local signed = { url = spec.url, auth = "other-token" }
    for _, case in ipairs { { signed }, { spec, { auth = "other-token" } } } do
      local ok, err = pcall(client.request, client, case[1], case[2])
      assert.is_false(ok)
      caller.check({ kind = "usage", field = "url" }, err)
    end
    client:close()
  end)

  for name, is_sent in pairs {
    ["X-Auth-Token"] = false,
    Authorization = false,
    Cookie = false,
    ["X-Sig"] = false,
    ["X-Signed-Headers"] = true,
    Accept = true,
  } do
    it((is_sent and "but" or "nor does") .. " the header " .. name, function()
      local headers = { ["X-Other"] = "a", [name] = "fake-value" }
      local client = core.new { endpoint = "https://127.0.0.1:1" }
      local ok, err =
        pcall(client.request, client, { url = "http://192.0.2.1:1/x", headers = headers })
      client:close()
      assert.equal(is_sent, ok)
      if not ok then
        caller.check({ kind = "usage", field = "url" }, err)
      end
    end)
  end

  for query, is_sent in pairs {
    ["token=fake-value"] = false,
    ["x-sign=fake-value"] = false,
    ["filter[sig]=fake-value"] = false,
    ["max-keys=100"] = true,
    ["design=fake-value"] = true,
  } do
    it((is_sent and "but" or "nor does") .. " what a query has: " .. query, function()
      local name, value = query:match "(.*)=(.*)"
      local client = core.new { endpoint = "https://127.0.0.1:1" }
      local spec = { url = "http://192.0.2.1:1/x", query = { { "a", "b" }, { name, value } } }
      local ok, err = pcall(client.request, client, spec)
      client:close()
      assert.equal(is_sent, ok)
      if not ok then
        caller.check({ kind = "usage", field = "url" }, err)
      end
    end)
  end

  it("nor does one of the call's options", function()
    local client = core.new { endpoint = "https://127.0.0.1:1" }
    local spec, opts = { url = "http://192.0.2.1:1/x" }, { headers = { Cookie = "fake-value" } }
    local ok, err = pcall(client.request, client, spec, opts)
    client:close()
    assert.is_false(ok)
    caller.check({ kind = "usage", field = "url" }, err)
  end)

  it("nor past the proxies, unless this library's own modules have weighed it", function()
    local spec =
      { url = "http://192.0.2.1:1/x", headers = { Cookie = "fake-value" }, direct = true }
    local client = build.new { endpoint = "https://127.0.0.1:1", auth = "fake-token" }
    local ok, err = pcall(client.request, client, spec, nil, nil, true)
    assert.is_false(ok)
    caller.check({ kind = "usage", field = "url" }, err)
    client:begin("request", spec, nil, nil, true)
    client:close()
  end)

  it("but they do to this machine, and where allow_http lets them", function()
    local headers = { ["X-Auth-Token"] = "fake-value" }
    for url, options in pairs {
      ["http://127.0.0.1:1/x"] = {},
      ["https://192.0.2.1:1/x"] = {},
      ["http://192.0.2.1:1/x"] = { allow_http = true },
    } do
      options.endpoint = "https://127.0.0.1:1"
      local client = core.new(options)
      assert.is_true(pcall(client.request, client, { url = url, headers = headers }), url)
      client:close()
    end
  end)
end)

describe("an address that is none of the client's endpoints", function()
  local server, other, client
  local HEADERS = { ["X-Api-Key"] = "client-key", ["User-Agent"] = "mine" }
  setup(function()
    server, other = servers.start(), servers.start()
    client = build.new {
      endpoint = "https://127.0.0.1:1," .. server.url .. "/prefix",
      auth = "fake-token",
      headers = HEADERS,
    }
  end)
  teardown(function()
    client:close()
    server:stop()
    other:stop()
  end)

  local function sent(to, spec, opts, by)
    to:reset()
    to:behave("answer", { body = "{}" })
    spec.url = spec.url or to.url .. "/x"
    by = by or client
    assert(caller.wait(by, by:request(spec, opts)))
    local headers = to:stats().requests[1].headers
    assert.equal("mine", headers["user-agent"])
    return { headers["x-auth-token"] or headers.authorization, headers["x-api-key"] }
  end

  it("gets nothing of the client by itself", function()
    assert.same({}, sent(other, {}))
    assert.same({}, sent(other, { method = "POST", body = "{}" }, { timeout = 5 }))
  end)

  it("gets what the request brings", function()
    assert.same({ "own-token" }, sent(other, { auth = "own-token" }))
    assert.same({ "own-token" }, sent(other, {}, { auth = "own-token" }))
    local key = { ak = "AK", sk = "fake-secret-key" }
    assert.matches("^SDK%-HMAC%-SHA256 Access=AK,", sent(other, { auth = key })[1])
    assert.same({ [2] = "own" }, sent(other, { headers = { ["X-Api-Key"] = "own" } }))
    assert.same({ [2] = "own" }, sent(other, {}, { headers = { ["X-Api-Key"] = "own" } }))
  end)

  it("is not that of any of its endpoints, whatever its path", function()
    assert.same({ "fake-token", "client-key" }, sent(server, {}))
    assert.same({}, sent(server, { auth = false }))
  end)

  it("is not another spelling of an endpoint's, but is another scheme", function()
    local options = {
      endpoint = "https://Service.test,http://[2001:DB8:0:0::1]:8080",
      auth = "fake-token",
      headers = HEADERS,
      allow_http = true,
      proxy = other.url,
    }
    local by = build.new(options)
    local url = "http://[2001:db8::1]:8080/x"
    assert.same({ "fake-token", "client-key" }, sent(other, { url = url }, nil, by))
    for _, elsewhere in ipairs {
      "http://[2001:db8::2]:8080/x",
      "http://[2001:db8::1]/x",
      "http://[2001:db8::1]:808/x",
      "http://service.test/x",
      "http://service.test:443/x",
    } do
      assert.same({}, sent(other, { url = elsewhere }, nil, by), elsewhere)
    end
    by:close()
  end)
end)

describe("options that libcurl refuses", function()
  it("are told as that, not as a lack of memory", function()
    local client = core.new { endpoint = "http://127.0.0.1:1", no_proxy = ("x"):rep(9000000) }
    local _, err = client:try_run(caller.JOB)
    caller.check({ kind = "config", outcome = "not_started", retryable = false }, err)
    client:close()
  end)
end)

-- The libraries of the specs ignore SIGPIPE, and whoever they start does, too; most programs do not.
describe("a TLS connection that the peer resets", function()
  local PROGRAM = [[
local client = require("codearts.build.core").new {
  endpoint = "%s", auth = "fake-token", retry = false, timeout = 10, tls = { ca_file = "%s" },
}
for _ = 1, 5 do
  local _, err = client:try_run { job_id = ("0"):rep(32), parameter = { p = ("x"):rep(%d) } }
  assert(err.kind == "transport" and err.outcome == "unknown", tostring(err))
end
client:close()
io.write "alive"
]]
  it("does not end the process", function()
    local server = servers.start { tls = true }
    for _, name in ipairs { "reset_after_head", "reset_within_body", "reset_after_body" } do
      for _, size in ipairs { 10, 6 * 1024 * 1024 } do
        server:behave(name)
        local program = PROGRAM:format(server.url, server.ca_file, size)
        local told = caller.elsewhere(program, function(command)
          return "env --default-signal=PIPE " .. command
        end)
        assert.equal("alive", told)
      end
    end
    server:stop()
  end)
end)

describe("redirects", function()
  local server, other
  setup(function()
    server, other = servers.start(), servers.start()
  end)
  teardown(function()
    server:stop()
    other:stop()
  end)

  for _, status in ipairs { 300, 301, 302, 303, 304, 305, 307, 308 } do
    it("are never followed: " .. status, function()
      for _, location in ipairs {
        other.url .. "/v3/jobs/build",
        "//127.0.0.1:" .. other.port,
        "/else",
        "file:///etc/passwd",
      } do
        server:reset()
        server:behave("redirect", { status = status, location = location })
        local client = caller.new { endpoint = server }
        local _, err = client:try_run(caller.JOB)
        caller.check({
          kind = "protocol",
          reason = "redirect",
          status = status,
          outcome = status >= 307 and "not_started" or "unknown",
          retryable = false,
          attempts = 1,
        }, err)
        _, err = caller.wait(client, client:request { method = "GET", path = "/v3/x" })
        caller.check({ kind = "protocol", reason = "redirect", attempts = 1 }, err)
        client:close()
        assert.equal(2, server:stats().processed)
        assert.equal(0, other:stats().connections)
      end
    end)
  end
end)

describe("an answer cut off in its head", function()
  it("is none, whatever is asked for", function()
    local server = servers.start()
    local client = caller.new { endpoint = server }
    for _, answer in ipairs { "json", "text", "bytes", "raw" } do
      server:reset()
      server:behave "close_in_head"
      local call = client:request { method = "GET", path = "/v3/x", answer = answer }
      local result, err = caller.wait(client, call)
      assert.is_nil(result)
      caller.check({ kind = "transport", reason = "closed", retryable = true, attempts = 2 }, err)
    end
    client:close()
    server:stop()
  end)
end)

describe("an answer", function()
  local server, client
  setup(function()
    server = servers.start()
    client = caller.new { endpoint = server }
  end)
  teardown(function()
    client:close()
    server:stop()
  end)

  it("without a body is true where its status says that there is none", function()
    for _, status in ipairs { 204, 205 } do
      server:script {
        { "raw", bytes = ("HTTP/1.1 %d None\r\nContent-Length: 0\r\n\r\n"):format(status) },
      }
      local call = client:request { method = "DELETE", path = "/v3/x" }
      assert.is_true((caller.wait(client, call)))
    end
    server:script { { "raw", bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" } }
    local _, err = caller.wait(client, client:request { method = "DELETE", path = "/v3/x" })
    caller.check({ kind = "protocol", reason = "bad_json" }, err)
  end)

  it("with a head of very many lines is too large, however short they are", function()
    local head = "HTTP/1.1 200 OK\r\nX-A: x\r\n" .. (" y\r\n"):rep(20000)
    server:script { { "raw", bytes = head .. "Content-Length: 2\r\n\r\n{}" } }
    local _, err = caller.wait(client, client:request { method = "DELETE", path = "/v3/x" })
    caller.check({ kind = "protocol", reason = "too_large" }, err)
  end)

  it("that is to be too large ends before it has come", function()
    local head = "HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n"
    server:script { { "raw", bytes = head .. (" "):rep(200000), keep = true } }
    local _, err = caller.wait(client, client:request { method = "DELETE", path = "/v3/x" })
    caller.check({ kind = "protocol", reason = "too_large" }, err)
  end)

  it("in very many chunks is read in several steps, however short they are", function()
    local COUNT = 60000
    server:reset()
    server:script {
      {
        "raw",
        bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. ("1\r\n \r\n"):rep(
          COUNT
        ) .. "0\r\n\r\n",
      },
    }
    local call = client:request { method = "DELETE", path = "/v3/x", answer = "bytes" }
    while server:stats().processed == 0 do
      client:step(0)
    end
    server:wait_for(1, "ended") -- all of it is there
    local steps = 0
    while not call:done() do
      client:step(0)
      steps = steps + 1
    end
    assert.equal(COUNT, #call:try_wait())
    assert.is_true(steps >= 6, steps .. " steps")
  end)

  it("shows its headers, but for names that nobody has", function()
    local long = ("x"):rep(128)
    server:script {
      { "answer", headers = { { "X-Short", "a" }, { long, "b" }, { ("y"):rep(127), "c" } } },
    }
    local call = client:request { method = "GET", path = "/v3/x", answer = "raw" }
    local headers = caller.wait(client, call).headers
    assert.equal("a", headers["x-short"])
    assert.equal("c", headers[("y"):rep(127)])
    assert.is_nil(headers[long])
  end)
end)

describe("headers", function()
  local server
  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)

  -- As many as a client and a call may have together: none may be lost, the token least of all.
  for name, auth in pairs {
    token = caller.TOKEN,
    signature = { ak = "FAKEAK", sk = "fake-secret-key", security_token = "fake", project_id = "p" },
  } do
    it("all go out beside the " .. name, function()
      local of_client, of_call = {}, {}
      for i = 1, 32 do
        of_client["X-Client-" .. i] = "a" .. i
        of_call["X-Call-" .. i] = "b" .. i
      end
      server:reset()
      local client = caller.new { endpoint = server, auth = auth, headers = of_client }
      -- Large enough for the line that keeps libcurl from asking first.
      local args = { job_id = caller.JOB.job_id, parameter = { p = ("x"):rep(100000) } }
      local result, err = client:try_run(args, { headers = of_call })
      assert.is_nil(err)
      assert.is_table(result)
      client:close()
      local headers = server:stats().requests[1].headers
      for i = 1, 32 do
        assert.equal("a" .. i, headers["x-client-" .. i])
        assert.equal("b" .. i, headers["x-call-" .. i])
      end
      assert.is_truthy(headers["x-auth-token"] or headers["authorization"])
      assert.equal("application/json", headers["content-type"])
      assert.is_truthy(headers["user-agent"])
    end)
  end
end)

describe("a system that runs out of", function()
  local server, library
  setup(function()
    server = servers.start()
    library = native.library "starve"
  end)
  teardown(function()
    server:stop()
    os.remove(library)
  end)
  before_each(function()
    server:reset()
  end)

  local function run(variables, program)
    return caller.elsewhere(program:format(server.url), function(command)
      return ('ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" LD_PRELOAD=%s %s %s'):format(
        library,
        variables,
        command
      )
    end)
  end

  -- Nobody would ever hear of what happens on a socket that is not watched.
  it("watches ends the calls that need one, and goes on when there are some again", function()
    local told = run(
      "STARVE_EPOLL=3",
      [[
local client = require("codearts.build.core").new {
  endpoint = "%s", auth = "fake-token", retry = false, timeout = 20,
}
local calls = {}
for i = 1, 3 do
  calls[i] = client:start { job_id = ("0f1e2d3c"):rep(4) }
end
for _, call in ipairs(calls) do
  local ok, err = pcall(call.wait, call)
  print(ok, err.kind, err.reason, err.outcome, err.retryable, err.attempts)
end
assert(client:run { job_id = ("0f1e2d3c"):rep(4) })
client:close()
]]
    )
    assert.equal(("false transport connect not_started true 1 "):rep(3), (told:gsub("%s+", " ")))
    assert.equal(1, server:stats().processed)
  end)

  -- A call may begin in the very millisecond of its deadline.
  it("time ends the calls, whenever it is noticed", function()
    server:behave "never_answer"
    local told = run(
      "STARVE_CLOCK=1",
      [[
local client = require("codearts.build.core").new {
  endpoint = "%s", auth = "fake-token", retry = false, timeout = 3000,
}
for i = 1, 40 do
  local _, err = client:try_run({ job_id = ("0f1e2d3c"):rep(4) }, { deadline = i / 1000 })
  assert(err.kind == "timeout" and err.reason == "deadline", tostring(err))
end
io.write "all ended"
client:close()
]]
    )
    assert.equal("all ended", told)
  end)
end)

describe("a forked child", function()
  it("that signs an inherited client in does not wake its parent", function()
    local probe = require "spec.support.probe"
    local socket = require "socket"
    local identity = core.identity()
    local client = core.new { endpoint = "http://127.0.0.1:1", auth = identity }
    local descriptor = client:pollfd()
    client:start(caller.JOB)
    local readable = {
      getfd = function()
        return descriptor
      end,
      dirty = function()
        return false
      end,
    }
    client:step(0)
    local told = probe.fork(function()
      identity:set { token = "fake-token" }
      return "set"
    end)
    assert.equal("set", told)
    assert.equal(0, #socket.select({ readable }, nil, 0))
    identity:set { token = "fake-token" }
    assert.equal(1, #socket.select({ readable }, nil, 0))
    client:close()
  end)
end)
