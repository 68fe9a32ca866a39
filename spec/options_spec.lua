-- The options of a client and of one call: each row read, each bad value named, nothing sent.
local build = require "codearts.build"
local core = require "codearts.build.core"
local run_job = require "spec.support.run_job"

local JOB = { job_id = run_job.JOB_ID }
local NAN, HUGE = 0 / 0, math.huge

-- Values of the wrong type or out of range, by option; most for both kinds of options.
local BAD_LIMITS = { "1", true, {}, print, 0, -1, NAN, HUGE, -HUGE, 1e9 }
local BAD_TEXTS = { 1, true, {}, print, "", "a\0b", "a\nb", "a\127b", "\255", "\192\128" }

local unpack = table.unpack or unpack
-- What a file should hold.
local KEY = "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhki"
local BAD_PATHS = { ("x"):rep(4096), KEY, unpack(BAD_TEXTS) }
local BAD_FILES = { "/dev/zero", ".", unpack(BAD_PATHS) } -- a device, a folder

local BAD = {
  timeout = BAD_LIMITS,
  connect_timeout = BAD_LIMITS,
  deadline = BAD_LIMITS,
  retry = { true, 0, 3, "no", print },
  ["retry.max_attempts"] = { "1", true, {}, 0, -1, 1.5, NAN, HUGE, 1e6 },
  ["retry.base_delay"] = { "1", true, {}, -1, NAN, HUGE, 1e6 },
  ["retry.max_delay"] = { "1", true, {}, -1, NAN, HUGE, 1e6 },
  headers = { 1, true, "X-A: b", print },
}

local BAD_OF_CLIENTS = {
  no_proxy = BAD_TEXTS,
  http_version = { 1, true, {}, "", "3", "1", "1.0", "h2", "AUTO", 1.1, 2 },
  max_response_bytes = { "1", true, {}, 0, -1, 1.5, NAN, HUGE, 2 ^ 40 },
  max_connections = { "1", true, {}, 0, -1, 1.5, NAN, HUGE, 1e9 },
  max_in_flight = { "1", true, {}, 0, -1, 1.5, NAN, HUGE, 1e9 },
  idle_timeout = { "1", true, {}, 0, -1, NAN, HUGE, 1e9 },
  user_agent = BAD_TEXTS,
  allow_http = { 1, 0, "true", {}, print },
  trace = { 1, 0, "true", {}, print },
  on_event = { 1, true, "x", {}, io.stdout },
  resolve = {
    1,
    true,
    "a:1:b",
    print,
    { 1 },
    { "a" },
    { "" },
    { "a:1:b", "c" },
    { "a:1:b\n" },
    { {} },
  },
  proxy = { 1, true, {}, print, "", "http://a b", "http://a\n", "\255" },
  tls = { 1, true, "x", print },
  ["tls.ca_file"] = BAD_PATHS,
  ["tls.ca_path"] = BAD_TEXTS,
  ["tls.cert_file"] = BAD_FILES,
  ["tls.key_file"] = BAD_FILES,
  ["tls.key_password"] = { 1, true, {}, print, "", "a\0b" },
  ["tls.min_version"] = { 1.2, true, {}, "", "1", "1.1", "TLSv1.2", "1.4" },
  ["tls.pinned_public_key"] = BAD_TEXTS,
  ["tls.verify"] = { 0, 1, "false", {} },
}

-- { retry = { base_delay = value } } for "retry.base_delay"; a false in between as it is.
local function nest(path, value)
  local outer, inner = path:match "^(%w+)%.(.+)$"
  if outer then
    return { [outer] = { [inner] = value } }
  end
  return { [path] = value }
end

local function refused(field, kind, f, ...)
  local ok, err = pcall(f, ...)
  local at = field .. " = " .. tostring((...))
  assert(not ok, at .. " was taken")
  assert(build.is_error(err), at .. ": " .. tostring(err))
  assert.equal(kind, err.kind, at)
  assert.equal(field, err.field, at)
  assert.is_nil(tostring(err):find "%c", at)
  assert.truthy(err.message:find(field, 1, true), err.message)
  return err
end

local function new(more)
  local all = { endpoint = "http://127.0.0.1:9", auth = "token", proxy = false }
  for name, value in pairs(more) do
    all[name] = value
  end
  build.new(all):close()
  all.proxy = more.proxy
  core.new(all):close()
end

describe("options of a client", function()
  for _, rows in ipairs { BAD, BAD_OF_CLIENTS } do
    for field, values in pairs(rows) do
      it(("refuse what %s cannot be"):format(field), function()
        for _, value in ipairs(values) do
          refused(field, "usage", new, nest(field, value))
          local all = nest(field, value)
          all.endpoint = "http://127.0.0.1:9"
          refused(field, "usage", core.new, all)
        end
      end)
    end
  end

  it("take what they can be", function()
    for _, options in ipairs {
      { timeout = 0.001, connect_timeout = 31536000, deadline = 1 },
      { retry = false },
      { retry = {} },
      { retry = { max_attempts = 1, base_delay = 0, max_delay = 0 } },
      { retry = { max_attempts = 4.0 } },
      { tls = {} },
      { tls = { verify = false, min_version = "1.3", pinned_public_key = "sha256//AAAA" } },
      { proxy = "http://127.0.0.1:9", no_proxy = "a,b" },
      { proxy = "socks5h://user:password@127.0.0.1:9" },
      { proxy = false },
      { http_version = "auto" },
      { http_version = "1.1" },
      { http_version = "2", endpoint = "https://127.0.0.1:9" },
      { max_response_bytes = 1, max_connections = 1, max_in_flight = 1, idle_timeout = 1 },
      { max_response_bytes = 2147483647, max_connections = 10000, max_in_flight = 1000000 },
      { headers = {} },
      { headers = { ["X-A"] = "b", ["x-b!#$%&'*+-.^_`|~1"] = "\195\164 \t c" } },
      { user_agent = "mine/1 (b\195\164r)" },
      { resolve = {} },
      { resolve = { "service.test:443:127.0.0.1", "-old.test:443" } },
      { allow_http = true, endpoint = "http://service.test" },
      { allow_http = false },
      { trace = false },
      { on_event = print },
      { endpoint = "service.test" },
      { endpoint = "https://service.test:8443/prefix/" },
      { endpoint = "https://a.test,https://b.test,c.test" },
      { endpoint = "http://localhost:1,http://[::1]:1,http://127.1.2.3" },
    } do
      new(options)
    end
  end)

  it("are closed, and name the nearest known one", function()
    for name, hint in pairs {
      timeouts = "timeout",
      time_out = "timeout",
      Timeout = "timeout",
      conect_timeout = "connect_timeout",
      header = "headers",
      useragent = "user_agent",
      max_connection = "max_connections",
      onevent = "on_event",
    } do
      for _, make in ipairs { build.new, core.new } do
        local err = refused(name, "usage", make, { endpoint = "http://127.0.0.1:9", [name] = 1 })
        assert.truthy(err.message:find("did you mean .?" .. hint), err.message)
      end
    end
    for _, options in ipairs { { tls = { cafile = "x" } }, { retry = { max_attempt = 1 } } } do
      local ok, err = pcall(new, options)
      assert.is_false(ok)
      assert.truthy(err.field:find "^%w+%.%w+")
      assert.truthy(err.message:find "did you mean")
    end
    for _, make in ipairs { build.new, core.new } do
      for _, options in ipairs {
        { 1 },
        { [true] = 1 },
        { [{}] = 1 },
        { ["timeout\0"] = 1 },
        { [""] = 1 },
      } do
        options.endpoint = "http://127.0.0.1:9"
        local ok, err = pcall(make, options)
        assert.is_false(ok)
        assert.equal("usage", err.kind)
        assert.equal("string", type(err.field))
      end
    end
  end)

  it("are a table", function()
    for _, options in ipairs { 1, "https://service.test", true, print, io.stdout } do
      refused("options", "usage", build.new, options)
      refused("options", "usage", core.new, options)
    end
    refused("options", "usage", core.new)
  end)

  it("are read once, without metamethods, and never written to", function()
    local function trap()
      error "a metamethod ran"
    end
    local meta = {}
    for _, event in ipairs { "index", "newindex", "pairs", "ipairs", "len", "eq", "tostring" } do
      meta["__" .. event] = trap
    end
    local function guarded(t)
      return setmetatable(t, meta)
    end
    local options = guarded {
      endpoint = "http://127.0.0.1:9",
      auth = guarded { token = "x" },
      retry = guarded { max_attempts = 1 },
      tls = guarded { verify = true },
      headers = guarded { ["X-A"] = "b" },
      resolve = guarded { "a:1:127.0.0.1" },
      proxy = false,
    }
    build.new(options):close()
    core.new(options):close()
  end)

  it("need an endpoint that says where", function()
    for _, endpoint in ipairs {
      "https://",
      "https:///path",
      "ftp://service.test",
      "file:///etc/passwd",
      "https://user@service.test",
      "https://user:pass@service.test",
      "https://user/pass@service.test",
      "https://user:12/34@service.test",
      "user/pass@service.test",
      "https://service.test/user:pass@",
      "https://service.test?x=1",
      "https://service.test#x",
      "https://service.test:99999",
      "https://service.test:x",
      "https://serv ice.test",
      "https://service.test\\x",
      ",https://service.test",
      "https://a.test,,https://b.test",
      "http://service.test",
      "http://127.0.0.1.service.test",
      "http://localhost.service.test",
      "https://a.test,http://b.test",
      "[::1",
    } do
      local ok, err = pcall(core.new, { endpoint = endpoint })
      assert(not ok, endpoint .. " was taken")
      assert.equal("config", err.kind, endpoint)
      assert.equal("endpoint", err.field, endpoint)
    end
    local many = {}
    for i = 1, 9 do
      many[i] = ("https://h%d.test"):format(i)
    end
    refused("endpoint", "config", core.new, { endpoint = table.concat(many, ",") })
    refused("endpoint", "config", core.new, {})
    for _, endpoint in ipairs { 1, true, {}, "", "a\nb", "\255" } do
      refused("endpoint", "usage", core.new, { endpoint = endpoint })
    end
  end)
end)

describe("endpoints for the core", function()
  it("may have blanks between them", function()
    core.new({ endpoint = " https://a.test ,  https://b.test " }):close()
    for _, endpoint in ipairs { " ", " , https://a.test", "https://a.test, " } do
      refused("endpoint", "config", core.new, { endpoint = endpoint })
    end
  end)
end)

describe("a request's description", function()
  local client = core.new { endpoint = "http://127.0.0.1:9" }
  teardown(function()
    client:close()
  end)

  it("is a table", function()
    for _, spec in ipairs { 1, "/x", true, print } do
      refused("spec", "usage", client.request, client, spec)
    end
    refused("spec", "usage", client.request, client)
  end)

  it("has pairs of strings for a query", function()
    for _, query in ipairs { 1, "a=b", { 1 }, { "a" }, { { "a" } }, { { 1, "b" } }, { { "a", 1 } } } do
      refused("query", "usage", client.request, client, { path = "/x", query = query })
    end
  end)

  it("takes no run id: that is for starting a build", function()
    local opts = { run_id = { parameter = "RUN_ID" } }
    refused("run_id", "usage", client.request, client, { path = "/x" }, opts)
  end)
end)

describe("the core's methods", function()
  it("want a client before the colon", function()
    local client = core.new { endpoint = "http://127.0.0.1:9" }
    for _, method in ipairs { "start", "request", "step", "close", "raised" } do
      refused("self", "usage", client[method])
      refused("self", "usage", client[method], {})
    end
    client:close()
  end)
end)

describe("credentials for the core", function()
  local function refuse(field, auth)
    refused(field, "usage", core.new, { endpoint = "http://127.0.0.1:9", auth = auth })
  end

  it("are a token or a key pair", function()
    for _, auth in ipairs {
      1,
      true,
      false,
      print,
      io.stdout,
      "",
      "a b",
      "a\n",
      "a\0",
      "\195\164",
      ("x"):rep(100001),
    } do
      refuse("auth", auth)
    end
    local names =
      { "token", "ak", "sk", "security_token", "project_id", "algorithm", "region", "service" }
    for _, name in ipairs(names) do
      for _, value in ipairs { 1, true, {}, "", "a b", "a\nb", "a\0b", "\195\164", ("x"):rep(100001) } do
        local auth = { ak = "a", sk = "s" }
        if name == "token" then
          auth = {}
        end
        auth[name] = value
        refuse("auth." .. name, auth)
      end
    end
    refuse("auth.ak", {})
    refuse("auth.ak", { sk = "s" })
    refuse("auth.sk", { ak = "a" })
    refuse("auth.token", { token = "t", ak = "a", sk = "s" })
    refuse("auth.algorithm", { token = "t", algorithm = "SDK-HMAC-SM3" })
    refuse("auth.algorithm", { ak = "a", sk = "s", algorithm = "SDK-SM2-SM3" })
    refuse("auth.region", { ak = "a", sk = "s", algorithm = "V11-HMAC-SHA256" })
    refuse("auth.service", { ak = "a", sk = "s", algorithm = "V11-HMAC-SHA256", region = "r" })
    refuse("auth.tokens", { tokens = "t" })
    refuse("auth[1]", { "t" })
    for _, auth in ipairs {
      "t",
      ("x"):rep(100000),
      { token = "t" },
      { ak = "a", sk = "s", security_token = "x", project_id = "p" },
      { ak = "a", sk = "s", algorithm = "SDK-HMAC-SM3" },
      { ak = "a", sk = "s", algorithm = "V11-HMAC-SHA256", region = "r", service = "s" },
    } do
      core.new({ endpoint = "http://127.0.0.1:9", auth = auth }):close()
    end
    core.new({ endpoint = "http://127.0.0.1:9" }):close()
  end)
end)

describe("options of one call", function()
  local bench
  setup(function()
    bench = run_job.start {
      headers = { ["X-Client"] = "client", ["X-Both"] = "client" },
      user_agent = "mine/1",
    }
  end)
  teardown(function()
    bench:stop()
  end)

  local function run(opts)
    return bench.client:run(JOB, opts)
  end

  it("refuse what they cannot be, and nothing is sent", function()
    bench.server:reset()
    for field, values in pairs(BAD) do
      if field ~= "connect_timeout" then
        for _, value in ipairs(values) do
          local opts = nest(field, value)
          local err = refused(field, "usage", run, opts)
          assert.equal("not_started", err.outcome)
          local _, returned = bench.client:try_run(JOB, opts)
          assert.equal(field, returned.field)
        end
      end
    end
    for field, values in pairs {
      opts = { 1, true, "x", print },
      run_id = { 1, true, "RUN_ID", print },
      ["run_id.parameter"] = { 1, true, {}, "", "a\0b", "\255", ("x"):rep(129) },
      on_event = { 1, true, "x", {} },
    } do
      for _, value in ipairs(values) do
        refused(field, "usage", run, field == "opts" and value or nest(field, value))
      end
    end
    refused("run_id.parameter", "usage", run, { run_id = {} })
    refused("run_id.name", "usage", run, { run_id = { name = "x" } })
    for _, name in ipairs {
      "connect_timeout",
      "endpoint",
      "tls",
      "proxy",
      "http_version",
      "user_agent",
      "job_id",
    } do
      refused(name, "usage", run, { [name] = "x" })
    end
    assert.truthy(refused("timeouts", "usage", run, { timeouts = 1 }).message:find "'timeout'")
    assert.equal(0, bench.server:stats().bytes)
  end)

  it("are not needed", function()
    for _, opts in ipairs { {}, { retry = {} }, { headers = {} } } do
      run(opts)
    end
    run(nil)
  end)

  describe("headers", function()
    it("go out beside the client's, and instead of them", function()
      local headers =
        bench:sent(JOB, { headers = { ["X-Call"] = "call", ["x-both"] = "call" } }).headers
      assert.equal("client", headers["x-client"])
      assert.equal("call", headers["x-call"])
      assert.equal("call", headers["x-both"])
      assert.equal("mine/1", headers["user-agent"])
      headers = bench:sent(JOB).headers
      assert.equal("client", headers["x-both"])
      assert.is_nil(headers["x-call"])
    end)

    it("may replace the media type and the user agent", function()
      local given =
        { ["content-type"] = "application/json;charset=UTF-8", ["User-Agent"] = "other/2" }
      local headers = bench:sent(JOB, { headers = given }).headers
      assert.equal("application/json;charset=UTF-8", headers["content-type"])
      assert.equal("other/2", headers["user-agent"])
    end)

    it("go out byte by byte", function()
      for _, value in ipairs {
        "a",
        "a b\tc",
        "\195\164\226\130\172",
        [["quoted", 'x'; y=z]],
        ("x"):rep(30000),
      } do
        assert.equal(
          value,
          bench:sent(JOB, { headers = { ["X-Value"] = value } }).headers["x-value"]
        )
      end
    end)

    it("are at most 32", function()
      local headers = {}
      for i = 1, 32 do
        headers["X-" .. i] = tostring(i)
      end
      local sent = bench:sent(JOB, { headers = headers })
      for i = 1, 32 do
        assert.equal(tostring(i), sent.headers["x-" .. i])
      end
      headers["X-33"] = "33"
      refused("headers", "usage", run, { headers = headers })
    end)

    it("cannot smuggle anything in", function()
      for _, value in ipairs {
        "a\r\nX-Evil: 1",
        "a\nb",
        "a\rb",
        "\r\n",
        "a\0b",
        "a\127",
        "\1",
        " ",
        " \t ",
        "\255",
        "\192\128",
        "",
        ("x"):rep(32769),
        1,
        true,
        {},
        print,
      } do
        refused("headers.X-Mine", "usage", run, { headers = { ["X-Mine"] = value } })
      end
      for _, name in ipairs {
        "",
        " ",
        "X Mine",
        "X-Mine:",
        "X-Mine\r\n",
        "X-Mine\0",
        "X\195\164",
        "(x)",
        "X/Y",
        "X=Y",
        '"x"',
        "X@Y",
        "{x}",
        ("x"):rep(65),
      } do
        refused("headers", "usage", run, { headers = { [name] = "x" } })
      end
      for _, headers in ipairs { { "X-Mine: 1" }, { [1] = "x" }, { [true] = "x" } } do
        refused("headers", "usage", run, { headers = headers })
      end
      local ok, err = pcall(run, { headers = { ["X-Mine"] = "1", ["x-mine"] = "2" } })
      assert.is_false(ok)
      assert.truthy(err.field:lower() == "headers.x-mine", err.field)
    end)

    it("do not touch those of the library", function()
      for _, name in ipairs {
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Expect",
        "Accept-Encoding",
        "Authorization",
        "X-Auth-Token",
        "X-Sdk-Date",
        "X-Sdk-Content-Sha256",
        "X-Security-Token",
        "X-Project-Id",
        "Upgrade",
        "TE",
        "Trailer",
        "Content-Encoding",
        "Proxy-Authorization",
        "Keep-Alive",
      } do
        for _, spelling in ipairs { name, name:lower(), name:upper() } do
          refused("headers." .. spelling, "usage", run, { headers = { [spelling] = "x" } })
          refused("headers." .. spelling, "usage", core.new, {
            endpoint = "http://127.0.0.1:9",
            headers = { [spelling] = "x" },
          })
        end
      end
    end)
  end)

  it("give this call another token or key", function()
    assert.equal("other", bench:sent(JOB, { auth = "other" }).headers["x-auth-token"])
    assert.equal("third", bench:sent(JOB, { auth = { token = "third" } }).headers["x-auth-token"])
    local headers = bench:sent(JOB, { auth = { ak = "AK", sk = "SK", project_id = "P" } }).headers
    assert.is_nil(headers["x-auth-token"])
    assert.truthy(
      headers.authorization:find "^SDK%-HMAC%-SHA256 Access=AK, SignedHeaders=[%w;-]+, Signature=%x+$"
    )
    assert.equal("P", headers["x-project-id"])
    assert.equal(run_job.TOKEN, bench:sent(JOB).headers["x-auth-token"])
  end)

  it("tell this call's events to its own listener, too", function()
    local seen = {}
    run {
      on_event = function(event)
        seen[#seen + 1] = event.type
      end,
    }
    assert.same({ "request", "response" }, seen)
    run {}
    assert.equal(2, #seen)
  end)

  it("retry this call in its own way", function()
    bench.server:reset()
    bench.server:script { "throttled", "throttled", "ok" }
    local result = run { retry = { max_attempts = 3, base_delay = 0 } }
    assert.equal(3, build.meta(result).attempts)
    bench.server:script { "throttled", "ok" }
    local _, err = bench.client:try_run(JOB)
    assert.equal(1, err.attempts)
  end)
end)

describe("limits of size", function()
  it("end an answer that is larger than max_response_bytes", function()
    local bench = run_job.start { max_response_bytes = 64 }
    local body = '{"actual_build_number":"1","x":"%s"}'
    local fits = body:format(("x"):rep(64 - #body + 2))
    assert.equal(64, #fits)
    assert.equal("1", bench:result({ "answer", body = fits }).actual_build_number)
    local err = bench:failure { "answer", body = fits .. " " }
    assert.equal("protocol", err.kind)
    assert.equal("too_large", err.reason)
    assert.equal("unknown", err.outcome)
    bench:stop()
  end)
end)
