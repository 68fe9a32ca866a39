-- Proxies, http and https, on the way to plain and TLS servers: what they are told, what becomes of
-- their refusals, and at most one build through them. Counted at the server behind the proxy.

local behaviours = require "spec.support.behaviours"
local build = require "codearts.build"
local caller = require "spec.support.caller"
local certs = require "spec.support.certs"
local proxies = require "spec.support.proxy"
local servers = require "spec.support.server"

local USER, PASSWORD = "fake-user", "fake-p%40ss-hidden"
local DECODED = "fake-p@ss-hidden"
-- A proxy nobody can reach: an address that is reserved for documentation.
local ELSEWHERE = "http://192.0.2.1:9"

local function check(expected, err)
  caller.check(expected, err)
  local text = caller.all_text(err)
  assert.is_nil(text:find("p%40ss", 1, true))
  assert.is_nil(text:find("p@ss", 1, true))
end

-- Beside every way to end a connection or a stream.
local OTHERS = {}
for _, name in ipairs {
  "never_answer",
  "never_read",
  "stall_in_body",
  "busy_500",
  "error_500",
  "gateway_varnish",
  "redirect",
  "truncated",
  "chunked_cut",
} do
  OTHERS[name] = true
end

for _, proxy_tls in ipairs { false, true } do
  local kind = proxy_tls and "https" or "http"

  describe("an " .. kind .. " proxy before a TLS server", function()
    local server, proxy
    setup(function()
      server = servers.start { tls = true }
      proxy = proxies.start { tls = proxy_tls or nil, user = USER, password = DECODED }
    end)
    teardown(function()
      proxy:stop()
      server:stop()
    end)
    before_each(function()
      server:reset()
      proxy:reset()
    end)

    local function options(more)
      local all = {
        endpoint = server,
        proxy = proxy.url:gsub("://", ("://%s:%s@"):format(USER, (PASSWORD:gsub("%%", "%%%%")))),
        timeout = 5,
      }
      for name, value in pairs(more or {}) do
        all[name] = value
      end
      return all
    end

    it("opens a tunnel and sees nothing of what goes through", function()
      local result, err = caller.run(options {
        headers = { ["X-Fake-Secret"] = "fake-header-hidden" },
        user_agent = "fake-agent/1",
      })
      assert.is_nil(err)
      assert.is_string(result.octopus_job_name)
      local requests = proxy:stats().requests
      assert.equal(1, #requests)
      local head = requests[1].head
      assert.is_truthy(head:find("^CONNECT 127%.0%.0%.1:" .. server.port .. " HTTP/1%.1\r\n"))
      local names = {}
      for name in pairs(requests[1].headers) do
        names[#names + 1] = name
      end
      table.sort(names)
      assert.same({ "host", "proxy-authorization", "proxy-connection" }, names)
      local arrived = server:stats().requests[1]
      assert.equal(caller.TOKEN, arrived.headers["x-auth-token"])
      assert.is_nil(arrived.headers["proxy-authorization"])
    end)

    it("never sees the headers of a signed request", function()
      local auth = { ak = "FAKEAK", sk = "fake-secret-key-hidden", project_id = ("0"):rep(32) }
      assert.is_table((caller.run(options { auth = auth })))
      assert.is_nil(proxy:stats().requests[1].headers["authorization"])
      assert.is_truthy(server:stats().requests[1].headers["authorization"]:find "^SDK%-HMAC")
    end)

    -- What the proxy is to do, what is expected; nothing ever arrives at the server.
    local FINAL =
      { kind = "config", field = "proxy", reason = "proxy", retryable = false, attempts = 1 }
    local AGAIN = { kind = "transport", reason = "proxy", retryable = true, attempts = 2 }
    local BROKEN = { kind = "transport", retryable = true, attempts = 2 }
    local ROWS = {
      { { "refuse", status = 403 }, FINAL },
      { { "refuse", status = 407 }, FINAL },
      { { "refuse", status = 502 }, AGAIN },
      { { "refuse", status = 503 }, AGAIN },
      { { "refuse", status = 302 }, AGAIN },
      { "close", BROKEN },
      { "reset", BROKEN },
      { "half_head", BROKEN },
      { "established_then_close", { kind = "transport", reason = "tls_handshake", attempts = 2 } },
    }
    for _, row in ipairs(ROWS) do
      local name = type(row[1]) == "table" and row[1][1] .. " " .. row[1].status or row[1]
      it("that says no: " .. name, function()
        proxy:script({}, row[1])
        local _, err = caller.run(options())
        check(row[2], err)
        check({ outcome = "not_started", status = false }, err)
        assert.equal(0, server:stats().connections)
        assert.equal(err.attempts, proxy:stats().processed)
      end)
    end

    -- libcurl reads what a proxy says before a tunnel byte by byte, within one step.
    local LONG = "Content-Length: 999999999999\r\n\r\n"
    local FLOODS = {
      { "a page of 407", "HTTP/1.1 407 No\r\n" .. LONG, "page", FINAL },
      {
        "a page of 407 in chunks",
        "HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n",
        "4\r\npage\r\n",
        FINAL,
      },
      { "a head of 403", "HTTP/1.1 403 No\r\n", "X-Page: page\r\n", FINAL },
      { "a head of 502", "HTTP/1.1 502 No\r\n", "X-Page: page\r\n", AGAIN },
      { "a head of 200", "HTTP/1.1 200 Yes\r\n", "X-Page: page\r\n", AGAIN },
      { "a line", "HTTP/1.1 200 Yes", "page", AGAIN },
    }
    local WHOLE = 24 * 1024 * 1024 -- more than the two systems keep between them
    for _, row in ipairs(FLOODS) do
      it("that does not end what it says: " .. row[1], function()
        proxy:behave("flood", {
          head = row[2],
          piece = row[3]:rep(16384),
          bytes = WHOLE,
        })
        local _, err = caller.run(options())
        check(row[4], err)
        check({ outcome = "not_started", status = false }, err)
        assert.equal(0, server:stats().connections)
        proxy:wait_for(err.attempts, "ended")
        assert.is_true(proxy:stats().flooded < WHOLE, "all of it was read")
      end)
    end

    for limit, reason in pairs {
      connect_timeout = "connect_timeout",
      timeout = "timeout",
      deadline = "deadline",
    } do
      it("that hangs, until " .. limit, function()
        proxy:behave "hang"
        local _, err = caller.run(options { [limit] = 0.05 })
        check({ kind = "timeout", reason = reason, outcome = "not_started", retryable = true }, err)
        assert.equal(0, server:stats().connections)
      end)
    end

    it("that wants other credentials", function()
      for _, url in ipairs { proxy.url, (proxy.url:gsub("://", "://fake-user:fake-wrong@")) } do
        local _, err = caller.run(options { proxy = url })
        check(FINAL, err)
        assert.is_nil(caller.all_text(err):find("fake-wrong", 1, true))
      end
      assert.equal(0, server:stats().connections)
    end)

    if proxy_tls then
      it("that we do not trust is told nothing", function()
        local _, err = caller.run(options { tls = { ca_file = certs.shared().other_ca } })
        check({ kind = "transport", reason = "tls_verify", outcome = "not_started" }, err)
        assert.equal(0, proxy:stats().bytes)
      end)
    end
  end)

  for _, mode in ipairs {
    { name = "plain", options = {}, version = "h1" },
    { name = "TLS", options = { tls = true }, version = "h1" },
    { name = "HTTP/2", options = { http2 = true }, version = "h2" },
  } do
    describe(("at most one build, %s through an %s proxy:"):format(mode.name, kind), function()
      local server, proxy
      setup(function()
        server = servers.start(mode.options)
        proxy = proxies.start { tls = proxy_tls or nil }
      end)
      teardown(function()
        proxy:stop()
        server:stop()
      end)

      local function new(more)
        local all = {
          endpoint = server,
          proxy = proxy.url,
          tls = { ca_file = certs.shared().ca },
          timeout = 20,
        }
        for name, value in pairs(more or {}) do
          all[name] = value
        end
        return caller.new(all)
      end

      local function promise(client, name, refuses, limit)
        local before = server:stats().processed
        local result, err = client:try_run(caller.JOB, { timeout = limit })
        local processed = server:stats().processed - before
        client:close()
        if result then
          assert.equal(1, processed)
        elseif refuses then
          check({ outcome = "not_started", attempts = processed }, err)
        else
          assert.is_true(processed <= 1, ("%s: %d processed"):format(name, processed))
          if processed == 1 or err.outcome ~= "not_started" then
            check({ outcome = "unknown", retryable = false }, err)
          end
        end
        server:drop "close"
        proxy:drop "close"
        server:reset()
        proxy:reset()
        return result, err
      end

      for _, row in ipairs(behaviours.rows) do
        local name = row.name
        local ends = name:find "^close_" or name:find "^reset_" or row.over == "h2"
        if (ends or OTHERS[name]) and (row.over or mode.version) == mode.version then
          for _, reused in ipairs { false, true } do
            it(
              name .. (reused and " on a reused connection" or " on a fresh connection"),
              function()
                local client = new()
                local refuses = name == "busy_500" or name == "redirect"
                server:script(reused and { "ok", name } or { name }, refuses and name or "ok")
                if reused then
                  assert(client:try_run(caller.JOB))
                end
                -- Some are never answered; a refusal has to come in time on a busy machine, too.
                promise(client, name, refuses, not refuses and 0.3 or nil)
              end
            )
          end
        end
      end

      -- The proxy itself breaks the connection that was good for one build.
      for _, how in ipairs { "close", "reset" } do
        it("the proxy's kept connection is gone: " .. how, function()
          local client = new()
          assert(client:try_run(caller.JOB))
          proxy:drop(how)
          proxy:wait_for(1, "closed")
          local result, err = promise(client, how)
          assert.is_true(result ~= nil or err.outcome == "not_started" or err.outcome == "unknown")
        end)

        if mode.name == "plain" then
          it("the proxy takes a request on a kept connection and ends it: " .. how, function()
            local client = new()
            proxy:script { "ok", how }
            assert(client:try_run(caller.JOB))
            local _, err = promise(client, how)
            check({ kind = "transport", outcome = "unknown", retryable = false, attempts = 1 }, err)
          end)
        end
      end
    end)
  end
end

describe("an https proxy that speaks", function()
  for _, version in ipairs { "tls_1_0", "tls_1_1" } do
    it(version .. " is told nothing", function()
      local proxy = proxies.start { tls = version }
      local _, err = caller.run {
        endpoint = "https://service.test",
        proxy = proxy.url:gsub("://", "://fake-user:fake-password@"),
        tls = { verify = false },
      }
      check({ reason = "tls_handshake", outcome = "not_started", retryable = true }, err)
      assert.equal(0, proxy:stats().bytes)
      proxy:stop()
    end)
  end
end)

describe("proxies and hosts:", function()
  local server, proxy
  setup(function()
    server = servers.start()
    proxy = proxies.start()
  end)
  teardown(function()
    proxy:stop()
    server:stop()
  end)
  before_each(function()
    server:reset()
    proxy:reset()
  end)

  local function by_name(more)
    local all = {
      endpoint = "http://service.test:" .. server.port,
      resolve = { "service.test:" .. server.port .. ":127.0.0.1" },
      allow_http = true,
      proxy = proxy.url,
    }
    for name, value in pairs(more or {}) do
      all[name] = value
    end
    return all
  end

  it("a host behind the proxy", function()
    assert.is_table((caller.run(by_name())))
    assert.equal(1, proxy:stats().processed)
  end)

  for _, list in ipairs { "service.test", ".test", "a.test, service.test", "*" } do
    it("no_proxy = " .. list, function()
      assert.is_table((caller.run(by_name { no_proxy = list })))
      assert.equal(0, proxy:stats().processed)
      assert.equal(1, server:stats().processed)
    end)
  end

  it("no_proxy for another host", function()
    assert.is_table((caller.run(by_name { no_proxy = "other.test,ice.test" })))
    assert.equal(1, proxy:stats().processed)
  end)

  -- What a proxy elsewhere takes for its own loopback, and would see in plain text.
  it("this machine is not reached through a proxy elsewhere", function()
    local client = caller.new { endpoint = server, proxy = ELSEWHERE, connect_timeout = 1 }
    assert.is_table(client:run(caller.JOB))
    client:close()
  end)

  it("a request to another address goes its own way on the same client", function()
    local client = caller.new(by_name { retry = false })
    assert.is_table(client:run(caller.JOB))
    local call =
      client:request { method = "GET", url = server.url .. "/x", auth = false, answer = "raw" }
    assert.equal(200, caller.wait(client, call).status)
    assert.equal(2, proxy:stats().processed)
    client:close()

    client =
      caller.new { endpoint = server, proxy = ELSEWHERE, connect_timeout = 0.05, retry = false }
    assert.is_table(client:run(caller.JOB))
    call = client:request { method = "GET", url = "https://service.test/x", auth = false }
    local _, err = caller.wait(client, call)
    -- Some networks say at once that there is no way.
    check({ outcome = false, attempts = 1 }, err)
    assert.is_truthy(err.reason:find "^connect")
    assert.is_table(client:run(caller.JOB))
    client:close()
  end)

  for name, url in pairs {
    ["an unknown scheme"] = "gopher://fake-user:fake-pw-hidden@127.0.0.1:1",
    ["no URL"] = "http://fake-user:fake-pw-hidden@127.0.0.1:port",
    ["a name that does not resolve"] = "http://fake-user:fake-pw-hidden@no-such-host.invalid:1",
    ["nobody there"] = "http://fake-user:fake-pw-hidden@127.0.0.1:1",
  } do
    it("a proxy that is no good never shows its password: " .. name, function()
      local ok, err = pcall(caller.run, by_name { proxy = url })
      if ok then
        local _
        _, err = caller.run(by_name { proxy = url })
      end
      assert.is_true(build.is_error(err))
      assert.is_nil(caller.all_text(err):find("fake-pw-hidden", 1, true))
      assert.equal(0, server:stats().processed)
    end)
  end

  describe("the environment", function()
    local PROGRAM = [[
local options = { auth = "fake-token", endpoint = "http://service.test:%d", allow_http = true,
  resolve = { "service.test:%d:127.0.0.1" }, retry = false, proxy = %s }
local client = require("%s").new(options)
local result, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
io.write(result and "started" or tostring(err))
]]
    local function run(module, variables, option)
      local program = PROGRAM:format(server.port, server.port, option or "nil", module)
      return caller.elsewhere(program, function(command)
        return 'env -i PATH="$PATH" LUA_PATH="$LUA_PATH" LUA_CPATH="$LUA_CPATH" '
          .. 'ASAN_OPTIONS="$ASAN_OPTIONS" '
          .. variables
          .. " "
          .. command
      end)
    end

    for _, name in ipairs { "http_proxy", "all_proxy", "ALL_PROXY" } do
      it(name .. " is for the facade, not for the core", function()
        local variables = name .. "=" .. proxy.url
        assert.equal("started", run("codearts.build.core", variables))
        assert.equal(0, proxy:stats().processed)
        assert.equal("started", run("codearts.build", variables))
        assert.equal(1, proxy:stats().processed)
        assert.equal("started", run("codearts.build", variables, "false"))
        assert.equal(1, proxy:stats().processed)
      end)
    end

    -- As key stores ask, on a handle that a start may get next.
    it("is left alone after a request past the proxy, too", function()
      local direct = [[
client:request({ operation = "x", method = "GET", path = "/x", direct = true }):try_wait(5)
]]
      local program = PROGRAM:gsub("local result", direct .. "%0")
        :format(server.port, server.port, "false", "codearts.build.core")
      local said = caller.elsewhere(program, function(command)
        return "http_proxy=" .. proxy.url .. " " .. command
      end)
      assert.equal("started", said)
      assert.equal(0, proxy:stats().processed)
    end)

    it("no_proxy is for the facade, not for the core", function()
      local variables = "no_proxy=service.test http_proxy=" .. proxy.url
      assert.equal("started", run("codearts.build", variables))
      assert.equal(0, proxy:stats().processed)
      assert.equal("started", run("codearts.build.core", variables, ('"%s"'):format(proxy.url)))
      assert.equal(1, proxy:stats().processed)
    end)

    it("HTTP_PROXY may come from a request of a web server: nobody follows it", function()
      assert.equal("started", run("codearts.build", "HTTP_PROXY=" .. ELSEWHERE))
    end)
  end)
end)

-- What libcurl would take for a host, ask name servers for and show, or leave the proxy out for.
local UNCLEAR = {
  "http://ci:Winter@Holiday/@proxy.invalid:8080",
  "http://ci:Winter@Holiday@proxy.invalid:8080",
  "http://ci:Winter/Holiday@proxy.invalid:8080",
  "http://ci:Winter#Holiday@proxy.invalid:8080",
  "http://ci:Winter?Holiday@proxy.invalid:8080",
  "http://ci:9/Winter@proxy.invalid:8080",
  "http://ci:@Holiday/x@proxy.invalid:8080",
  "http://ci:Winter@Holiday/@127.0.0.1:9",
  "https://ci:Winter@Holi/day@proxy.invalid",
  "socks5h://ci:Winter/Holiday@proxy.invalid",
  "HTTP://ci:Winter/Holiday@proxy.invalid",
  "ci:Winter@Holiday@proxy.invalid:8080",
  "ci:Winter/Holiday@proxy.invalid:8080",
  "http:ci:Winter@proxy.invalid",
  "http:/ci:Winter@proxy.invalid",
  "http:///ci:Winter@proxy.invalid",
  "ci://Winter@proxy.invalid:8080",
  "ci:x://Winter@proxy.invalid",
  "http://@Winter/@proxy.invalid",
  "http://proxy.invalid/@Winter",
}
local CONTROLS = {
  "http://ci:Winter%00Holiday@proxy.invalid",
  "http://ci:Winter%0aHoliday@proxy.invalid",
  "http://ci:Winter%1FHoliday@proxy.invalid",
  "http://c%00i:Winter@proxy.invalid",
  "ci:Winter%0DHoliday@proxy.invalid",
}

local function shows(text)
  for _, part in ipairs { "Winter", "Holi", "day", "proxy.invalid" } do
    if text:find(part, 1, true) then
      return part
    end
  end
end

describe("a proxy whose password is not percent-encoded", function()
  it("is refused, and nothing of it is shown", function()
    for _, list in ipairs { UNCLEAR, CONTROLS } do
      for _, proxy in ipairs(list) do
        for _, endpoint in ipairs { "https://service.test", "http://127.0.0.1:9" } do
          local ok, err = pcall(caller.new, { endpoint = endpoint, proxy = proxy })
          assert.is_false(ok, proxy)
          caller.check({ kind = "config", field = "proxy" }, err)
          assert.is_nil(shows(caller.all_text(err)), proxy)
          if list == UNCLEAR then
            assert.is_truthy(err.message:find("%40 %2F %3F %23", 1, true), err.message)
          else
            assert.is_truthy(err.message:find("control characters", 1, true), err.message)
          end
        end
      end
    end
  end)

  it("is taken when it is, and so is what looks like it", function()
    for _, proxy in ipairs {
      "http://ci:Winter%40Holiday%2F@proxy.invalid:8080",
      "http://ci:Winter%23%3F%25@proxy.invalid:8080/",
      "http://ci:Winter:Holiday@proxy.invalid:8080",
      "http://ci:Winter!$&'()*+,;=~_-.Holiday@proxy.invalid",
      "http://ci:Winter%7f%c3%a4%zz%@proxy.invalid",
      "socks5h://ci:Winter@proxy.invalid",
      "ci:Winter@proxy.invalid",
      "ci@proxy.invalid:80",
      "http://proxy.invalid/",
      "proxy.invalid:8080",
      "[::1]:8080",
      "http",
      "http:8080",
      "https://[::1]",
    } do
      caller.new({ endpoint = "https://service.test", proxy = proxy }):close()
    end
  end)

  it("reaches the proxy as it was meant", function()
    local server = servers.start()
    local proxy = proxies.start { user = "ci", password = "Win@ter/Holi#day?%" }
    local result = caller.run {
      endpoint = "http://service.test:" .. server.port,
      allow_http = true,
      proxy = proxy.url:gsub("://", "://ci:Win%%40ter%%2FHoli%%23day%%3F%%25@"),
    }
    assert.is_table(result)
    assert.equal(1, proxy:stats().processed)
    proxy:stop()
    server:stop()
  end)

  it("in the environment is refused, too, and no name server is asked", function()
    local servers_of_names = require "spec.support.dns"
    if servers_of_names.missing() then
      pending(servers_of_names.missing())
      return
    end
    local dns = servers_of_names.start "nxdomain"
    local program = [[
local ok, err = pcall(require("codearts.build").new, {
  endpoint = "%s", auth = "fake-token", allow_http = true, retry = false })
if ok then
  ok, err = err:try_run { job_id = ("0f1e2d3c"):rep(4) }
end
io.write(tostring(err))]]
    local function run(scheme, variable, proxy)
      return caller.elsewhere(program:format(scheme .. "://service.invalid"), function(command)
        local clean = "env -u http_proxy -u https_proxy -u all_proxy -u no_proxy -u NO_PROXY "
        return dns:command(("%s %s='%s' %s"):format(clean, variable, proxy, command))
      end)
    end
    for _, case in ipairs {
      { "http", "http_proxy" },
      { "https", "https_proxy" },
      { "https", "HTTPS_PROXY" },
      { "https", "all_proxy" },
      { "http", "ALL_PROXY" },
    } do
      for _, proxy in ipairs { UNCLEAR[1], UNCLEAR[6], UNCLEAR[17], CONTROLS[1] } do
        local told = run(case[1], case[2], proxy)
        assert.is_truthy(told:find("config error: proxy: its user and password", 1, true), told)
        assert.is_nil(shows(told), told)
      end
    end
    assert.same({}, dns:names())
    -- It listens: a good one is asked for.
    assert.is_truthy(run("http", "http_proxy", "http://ci:Winter@proxy.invalid"):find "resolve")
    assert.equal("proxy.invalid", dns:names()[1])
    dns:stop()
  end)
end)
