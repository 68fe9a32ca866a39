-- Who is trusted, and that nobody else is ever told the token: counted at the server in bytes.

local caller = require "spec.support.caller"
local certs = require "spec.support.certs"
local namespaces = require "spec.support.namespaces"
local native = require "spec.support.native"
local servers = require "spec.support.server"
local sign_in = require "spec.support.sign_in"

local KEY_PASSWORD = "fake-key-password"

describe("TLS:", function()
  local server, files
  local made = {}

  setup(function()
    server = servers.start { tls = true }
    files = certs.shared()
  end)
  teardown(function()
    server:stop()
    for _, path in ipairs(made) do
      os.remove(path)
    end
  end)
  before_each(function()
    server:reset()
  end)

  local function run(tls)
    return caller.run { endpoint = server, tls = tls }
  end

  local function refused(expected, err)
    caller.check(expected, err)
    local stats = server:stats()
    assert.equal(0, stats.bytes)
    assert.equal(0, stats.heads)
    assert.equal(0, stats.processed)
  end

  -- Not trusted: final. Not agreed on a version: as any other failed handshake.
  local VERIFY = {
    kind = "transport",
    reason = "tls_verify",
    outcome = "not_started",
    retryable = false,
    attempts = 1,
  }
  local HANDSHAKE = {
    kind = "transport",
    reason = "tls_handshake",
    outcome = "not_started",
    retryable = true,
    attempts = 2,
  }
  local REFUSED = {
    cert_expired = VERIFY,
    cert_not_yet_valid = VERIFY,
    cert_wrong_host = VERIFY,
    cert_untrusted = VERIFY,
    cert_self_signed = VERIFY,
    cert_sha1 = VERIFY,
    tls_1_0 = HANDSHAKE,
    tls_1_1 = HANDSHAKE,
  }
  for name, expected in pairs(REFUSED) do
    it(name .. " is refused before the token leaves", function()
      server:behave(name)
      local _, err = run { ca_file = files.ca }
      refused(expected, err)
      assert.equal(expected.attempts, server:stats().connections)
    end)
  end

  it("a certificate that the system does not trust is refused", function()
    local _, err = run {}
    refused(VERIFY, err)
  end)

  for _, name in ipairs { "cert_expired", "cert_wrong_host", "cert_untrusted", "cert_self_signed" } do
    it(name .. " is fine for whoever asks for it with verify = false", function()
      server:behave(name)
      assert.is_table((run { verify = false }))
      assert.equal(1, server:stats().processed)
    end)
  end

  for _, name in ipairs { "tls_1_0", "tls_1_1" } do
    it(name .. " is refused even then", function()
      server:behave(name)
      local _, err = run { verify = false }
      refused(HANDSHAKE, err)
    end)
  end

  it("TLS 1.2 is good enough, unless min_version says 1.3", function()
    server:behave "tls_1_2"
    assert.is_table((run { ca_file = files.ca }))
    assert.is_table((run { ca_file = files.ca, min_version = "1.2" }))
    server:reset()
    server:behave "tls_1_2"
    local _, err = run { ca_file = files.ca, min_version = "1.3" }
    refused(HANDSHAKE, err)
    server:reset()
    assert.is_table((run { ca_file = files.ca, min_version = "1.3" }))
  end)

  it("a folder of trusted certificates does as well as a file", function()
    local pem = native.module("pem", "-lcrypto")
    local folder = files.folder .. "/trusted"
    assert(
      os.execute(
        ("mkdir -p %s && cp %s %s/%s.0"):format(folder, files.ca, folder, pem.hash(files.ca))
      )
    )
    local result, err = run { ca_path = folder }
    os.execute("rm -r " .. folder)
    assert.is_nil(err)
    assert.is_string(result.octopus_job_name)
  end)

  -- A mount namespace where the system trusts one authority as a folder and another as a file.
  describe("the system's trust", function()
    local PROGRAM = [[
local client = require("codearts.build.core").new {
  endpoint = "%s", auth = "fake-token", retry = false, tls = %s,
}
local result, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
io.write(result and "trusted" or err.reason)
]]
    local function told(by_folder, by_file, tls)
      local pem = native.module("pem", "-lcrypto")
      return caller.elsewhere(PROGRAM:format(server.url, tls), function(command)
        local steps = {
          "mkdir -p /etc/ssl/certs",
          "mount -t tmpfs none /etc/ssl/certs",
          ("cp %s /etc/ssl/certs/%s.0"):format(files[by_folder], pem.hash(files[by_folder])),
          ("cp %s /etc/ssl/certs/ca-certificates.crt"):format(files[by_file]),
          command,
        }
        return namespaces.command(table.concat(steps, " && "))
      end)
    end

    it("is taken by default", function()
      if namespaces.missing() then
        pending(namespaces.missing())
      end
      assert.equal("trusted", told("ca", "other_ca", "nil"))
      assert.equal("trusted", told("other_ca", "ca", "nil"))
    end)

    it("is not taken beside what is named", function()
      if namespaces.missing() then
        pending(namespaces.missing())
      end
      local file = ('{ ca_file = "%s" }'):format(files.other_ca)
      assert.equal("tls_verify", told("ca", "ca", file))
      assert.equal("tls_verify", told("ca", "ca", '{ ca_path = "/tmp" }'))
      assert.equal(0, server:stats().bytes)
    end)
  end)

  describe("a pinned key", function()
    it("lets its server in", function()
      assert.is_table((run { ca_file = files.ca, pinned_public_key = files.good_pin }))
    end)

    it("keeps others out", function()
      local pin = "sha256//" .. ("A"):rep(43) .. "="
      local _, err = run { ca_file = files.ca, pinned_public_key = pin }
      refused(VERIFY, err)
    end)

    it("counts even with verify = false", function()
      assert.is_table((run { verify = false, pinned_public_key = files.good_pin }))
      server:reset()
      local pin = "sha256//" .. ("A"):rep(43) .. "="
      local _, err = run { verify = false, pinned_public_key = pin }
      refused(VERIFY, err)
    end)
  end)

  describe("a client certificate", function()
    before_each(function()
      server:behave "client_certificate"
    end)

    it("lets us in", function()
      local result, err =
        run { ca_file = files.ca, cert_file = files.client, key_file = files.client_key }
      assert.is_nil(err)
      assert.is_string(result.octopus_job_name)
      assert.equal(1, server:stats().processed)
    end)

    local function locked_key()
      local locked = os.tmpname()
      made[#made + 1] = locked
      native.module("pem", "-lcrypto").lock(files.client_key, locked, KEY_PASSWORD)
      return locked
    end

    it("does so with an encrypted key", function()
      local tls = {
        ca_file = files.ca,
        cert_file = files.client,
        key_file = locked_key(),
        key_password = KEY_PASSWORD,
      }
      local result, err = run(tls)
      assert.is_nil(err)
      assert.is_string(result.octopus_job_name)

      server:reset()
      server:behave "client_certificate"
      tls.key_password = "fake-but-wrong-password"
      result, err = run(tls)
      assert.is_nil(result)
      refused({
        kind = "config",
        reason = "tls_config",
        field = "tls.key_file",
        outcome = "not_started",
        retryable = false,
        attempts = 1,
      }, err)
      assert.is_nil(caller.all_text(err):find("fake-but-wrong-password", 1, true))
    end)

    -- OpenSSL would, on the terminal or, as here, where there is none, of the standard input.
    it("asks nobody for the password of its key", function()
      local input = os.tmpname()
      made[#made + 1] = input
      local told = caller.elsewhere(
        ([[
          local build = require "codearts.build"
          local tls = { ca_file = %q, cert_file = %q, key_file = %q }
          local client = build.new { endpoint = %q, auth = "fake-token", proxy = false, tls = tls }
          local _, err = client:try_run { job_id = ("a"):rep(32) }
          print(err.kind, err.reason, err.field, err.outcome)
        ]]):format(files.ca, files.client, locked_key(), server.url),
        function(command)
          -- Both ends of the standard input are open here: nothing comes of it, and no end.
          return ("rm %s; mkfifo %s; exec 3<>%s; setsid -w timeout 20 %s <&3"):format(
            input,
            input,
            input,
            command
          )
        end
      )
      assert.equal("config\ttls_config\ttls.key_file\tnot_started\n", told)
    end)
  end)

  -- What is wrong with the configuration is told with the option's name, and nothing is sent.
  describe("a file that cannot be used:", function()
    local MISSING = "/nonexistent/file.pem"
    local ROWS = {
      { "ca_file", { ca_file = MISSING } },
      { "ca_file", { ca_file = "/" } },
      { "ca_file", { ca_file = "good_key" } },
      { "ca_file", { ca_file = MISSING, ca_path = "/etc" } },
      { "cert_file", { ca_file = "ca", cert_file = MISSING, key_file = "client_key" } },
      { "cert_file", { ca_file = "ca", cert_file = "client_key", key_file = "client_key" } },
      { "key_file", { ca_file = "ca", cert_file = "client", key_file = MISSING } },
      { "key_file", { ca_file = "ca", cert_file = "client", key_file = "client" } },
      { "key_file", { ca_file = "ca", cert_file = "client", key_file = "good_key" } },
      { "key_file", { ca_file = "ca", cert_file = "client" } },
    }
    for i, row in ipairs(ROWS) do
      it(("%s, case %d"):format(row[1], i), function()
        local tls = {}
        for option, file in pairs(row[2]) do
          tls[option] = files[file] or file
        end
        local _, err = run(tls)
        refused({
          kind = "config",
          reason = "tls_config",
          field = "tls." .. row[1],
          outcome = "not_started",
          retryable = false,
          attempts = 1,
        }, err)
      end)
    end
  end)
end)

-- With TLS 1.3 the client has sent its request when the server looks at the certificate, and the refusal
-- comes with what is read: openssl's issues 8500 and 11118, google/conscrypt's 777.
for _, mode in ipairs {
  { name = "TLS 1.2", context = "client_certificate_1_2" },
  { name = "TLS 1.3", context = "client_certificate" },
  { name = "HTTP/2 over TLS 1.3", context = "client_certificate", http2 = true },
} do
  describe("a client certificate that is asked for by " .. mode.name .. ":", function()
    local server, files
    setup(function()
      server = servers.start { tls = mode.context, http2 = mode.http2 }
      files = certs.shared()
    end)
    teardown(function()
      server:stop()
    end)
    before_each(function()
      server:reset()
    end)

    local REFUSED = {
      kind = "transport",
      reason = "tls_handshake",
      outcome = "not_started",
      retryable = true,
      attempts = 2,
    }
    local function new(name, more)
      local tls = { ca_file = files.ca, verify = more and more.verify }
      tls.cert_file, tls.key_file = files[name], files[name .. "_key"]
      return caller.new { endpoint = server, tls = tls, key_store = more and more.key_store }
    end

    for name, alert in pairs {
      none = "certificate required",
      other_client = "unknown ca",
    } do
      it(name .. " starts no build, which is told", function()
        for _, verify in ipairs { true, false } do
          local client = new(name, { verify = verify })
          local _, err = client:try_run(caller.JOB)
          caller.check(REFUSED, err)
          if mode.context == "client_certificate" then
            local told = tostring(err)
            assert.truthy(told:find(alert, 1, true) or told:find("as soon as", 1, true), told)
          end
          assert.truthy(require "codearts.build.cli.advice"(err):find("cert_file", 1, true))
          client:close()
        end
        assert.equal(0, server:stats().processed)
      end)
    end

    it("is shown to the client's own service and its IAM, and to nobody else", function()
      local iam = servers.start { tls = mode.context, http2 = mode.http2 }
      iam:script({ sign_in.token_answer() }, "ok")
      local tls = { ca_file = files.ca, cert_file = files.client, key_file = files.client_key }
      local client =
        caller.new { endpoint = server, iam_endpoint = iam.url, auth = sign_in.USER, tls = tls }
      local function ask(url, own)
        return caller.wait(client, client:request { url = url .. "/v1/other", tls = own })
      end
      assert(client:try_run(caller.JOB))
      -- On no connection, and in no session, that knows it.
      for processed = 1, 2 do
        local result, err = ask(iam.url)
        assert.is_nil(result)
        caller.check({ kind = "transport", reason = "tls_handshake" }, err)
        assert.equal(processed, iam:stats().processed)
        assert(ask(iam.url, tls))
      end
      assert(ask(server.url))
      client:close()
      iam:stop()
    end)

    it("each of many that are begun at once is told", function()
      local client = new "none"
      local calls = {}
      for i = 1, 10 do
        calls[i] = client:start(caller.JOB)
      end
      for _, call in ipairs(calls) do
        caller.check(REFUSED, select(2, caller.wait(client, call)))
      end
      client:close()
      assert.equal(0, server:stats().processed)
    end)

    it("what only reads is told the same", function()
      local client = new "none"
      local _, err = caller.wait(client, client:request { method = "GET", path = "/v3/x" })
      caller.check({ reason = "tls_handshake", attempts = 2 }, err)
      client:close()
    end)

    it("a key is free for the right one", function()
      local key_store = require("spec.support.paused_store").new(true)
      local client = new("none", { key_store = key_store })
      local _, err = client:try_run(caller.JOB, { key = "release-1" })
      caller.check({ outcome = "not_started" }, err)
      client:close()
      client = new("client", { key_store = key_store })
      assert(client:try_run(caller.JOB, { key = "release-1" }))
      client:close()
      assert.equal(1, server:stats().processed)
    end)
  end)
end

-- Not a word about what became of a request: it was read. So it is where the handshake asked already, as Apache does of which one
-- place wants a certificate and others take one.
for _, asked in ipairs { "after the request", "in the handshake and after the request" } do
  describe("a client certificate that is asked for " .. asked, function()
    local server, client
    setup(function()
      server = servers.start {
        tls = asked == "after the request" and "good" or "optional_certificate",
      }
    end)
    teardown(function()
      server:stop()
    end)
    before_each(function()
      server:reset()
      client = caller.new { endpoint = server }
    end)
    after_each(function()
      client:close()
    end)

    for how, script in pairs {
      ["a new connection"] = { "asks_afterwards" },
      ["a kept connection"] = { "ok", "asks_afterwards" },
    } do
      it("and is refused leaves it open whether a build was started, on " .. how, function()
        server:script(script)
        for _ = 2, #script do
          assert(client:try_run(caller.JOB))
        end
        local _, err = client:try_run(caller.JOB)
        caller.check({ outcome = "unknown", retryable = false, attempts = 1 }, err)
        if #script == 1 then -- else libcurl would begin again
          assert.truthy(tostring(err):find("alert certificate required", 1, true), tostring(err))
        end
        assert.equal(#script, server:stats().processed)
        assert.equal(1, server:stats().connections)
      end)

      it("and is refused has nothing sent again, on " .. how, function()
        for _, answer in ipairs { "json", "bytes" } do
          server:script(script)
          local spec = { method = "GET", path = "/v3/x", answer = answer }
          for _ = 2, #script do
            assert(caller.wait(client, client:request(spec)))
          end
          spec.method = "POST"
          local _, err = caller.wait(client, client:request(spec))
          caller.check({ kind = "transport", attempts = 1 }, err)
          assert.equal(#script, server:stats().processed)
          server:reset()
        end
      end)
    end
  end)
end

describe("calls started at once over TLS", function()
  it("wait for no answer to one another where each needs a connection", function()
    local server = servers.start { tls = true }
    server:behave "ok_on_release"
    local client = caller.new { endpoint = server }
    local calls = {}
    for i = 1, 3 do
      calls[i] = client:start(caller.JOB)
    end
    while server:stats().waiting < 3 and not calls[1]:done() do
      client:step(0.01)
    end
    server:release()
    for i = 1, 3 do
      assert.is_nil(select(2, caller.wait(client, calls[i])))
    end
    assert.equal(3, server:stats().connections)
    client:close()
    server:stop()
  end)
end)
