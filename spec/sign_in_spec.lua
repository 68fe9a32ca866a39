-- Signing in over real sockets: one server is the build service, one is whoever hands out
-- credentials.
local build = require "codearts.build"
local cjson = require "cjson"
local core = require "codearts.build.core"
local flow_client = require "spec.support.flow_client"
local sign_in = require "spec.support.sign_in"
local token_store = require "codearts.build.token_store"

local json = sign_in.json
local token_answer = sign_in.token_answer
local collect = sign_in.collect
local requests = sign_in.requests
local assert_silent = sign_in.assert_silent
local later = sign_in.later
local PASSWORD = sign_in.PASSWORD
local TOKEN = sign_in.TOKEN
local SECRET = sign_in.SECRET
local USER = sign_in.USER
local FORGETFUL = sign_in.FORGETFUL
local MONTHS =
  { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

local world, service, iam, client

local function new(...)
  client = world:client(...)
  return client
end

local function by_password(options)
  client = world:by_password(options)
  return client
end

local function fails(...)
  return sign_in.failure(client, ...)
end

setup(function()
  world = sign_in.start()
  service, iam = world.service, world.iam
end)

teardown(function()
  world:stop()
end)

before_each(function()
  world:reset()
end)

after_each(function()
  if client then
    client:close()
  end
  client = nil
end)

describe("an id token", function()
  it("gives its key to nobody who does not have it, whatever file it is in", function()
    local path = os.tmpname()
    sign_in.remove(path)
    local store = token_store.file(path)
    local files = { sign_in.file_with "alice-hidden", sign_in.file_with "alice-hidden\n" }
    local function by_id_token(file)
      client = world:client({ token_store = store, iam_endpoint = iam.url, retry = false }, {
        HUAWEICLOUD_SDK_IDP_ID = "my-idp",
        HUAWEICLOUD_SDK_ID_TOKEN_FILE = file,
      })
    end
    iam:script({
      json(201, { token = {} }, { { "X-Subject-Token", "unscoped-hidden" } }),
      sign_in.key_answer(),
    }, json(401, { error = { code = 401, message = "no" } }))
    for _, file in ipairs(files) do
      by_id_token(file)
      assert(client:run())
      client:close()
    end
    assert.equal(2, iam:stats().processed)
    local handle = assert(io.open(files[1], "w"))
    handle:write "mallory-hidden"
    handle:close()
    by_id_token(files[1])
    assert.equal(401, fails().status)
    client:close()
    os.remove(files[2])
    by_id_token(files[2])
    assert.equal("config", fails().kind)
    os.remove(files[1])
    handle = assert(io.open(path))
    assert.is_nil(handle:read("*a"):find("alice", 1, true))
    handle:close()
    sign_in.remove(path)
  end)
end)

describe("a password", function()
  it("is asked about again where another client of this process cannot go on", function()
    local store = token_store.memory()
    iam:script({ "never_answer" }, token_answer())
    local stuck = world:by_password { token_store = store }
    stuck:start()
    repeat
      stuck:step(0.1)
    until #requests(iam) == 1
    by_password { token_store = store }
    assert(client:run()) -- which gives up after 20 seconds
    stuck:close()
  end)

  it("gives a token to nobody who does not say the same names and the password", function()
    local path = os.tmpname()
    sign_in.remove(path)
    local other = json(401, { error = { code = 401, message = "no" } })
    for _, store in ipairs { token_store.memory(), token_store.file(path) } do
      iam:reset()
      iam:script({ token_answer() }, other)
      local function auth(domain, user, password)
        return { domain = domain, user = user, password = password, project = "p" }
      end
      by_password { token_store = store, auth = auth("a", "b c", "right-hidden") }
      assert(client:run())
      client:close()
      for _, wrong in ipairs {
        auth("a", "b c", "guessed-hidden"),
        auth("a b", "c", "right-hidden"),
        { domain = "a", user = "b c", password = "right-hidden", project_id = "p" },
      } do
        by_password { token_store = store, auth = wrong }
        assert.equal(401, fails().status)
        client:close()
      end
      assert.equal(4, iam:stats().processed)
      by_password { token_store = store, auth = auth("a", "b c", "right-hidden") }
      assert(client:run())
      client:close()
    end
    sign_in.remove(path)
  end)

  it("becomes a token", function()
    iam:script { token_answer() }
    assert(by_password():run())
    local asked = requests(iam)[1]
    assert.equal("POST", asked.method)
    assert.equal("/v3/auth/tokens?nocatalog=true", asked.path)
    assert.equal("application/json;charset=UTF-8", asked.headers["content-type"])
    assert.is_nil(asked.headers["x-auth-token"])
    assert.same({
      auth = {
        identity = {
          methods = { "password" },
          password = {
            user = { name = "ci", password = PASSWORD, domain = { name = "acme" } },
          },
        },
        scope = { project = { name = "cn-north-4" } },
      },
    }, cjson.decode(asked.body))
    assert.equal(TOKEN, requests(service)[1].headers["x-auth-token"])
  end)

  it("is scoped to a project id, or to the region's project", function()
    iam:behave("answer", token_answer())
    by_password({ auth = { user = "u", password = "p", domain = "d", project_id = "77" } }):run()
    client:close()
    by_password({
      region = "cn-north-1",
      endpoint = service.url,
      auth = { user = "u", password = "p", domain = "d" },
    }):run()
    local asked = requests(iam)
    assert.same({ project = { id = "77" } }, cjson.decode(asked[1].body).auth.scope)
    assert.same({ project = { name = "cn-north-1" } }, cjson.decode(asked[2].body).auth.scope)
  end)

  it("is sent once for a thousand calls", function()
    iam:script { token_answer() }
    by_password()
    local calls = {}
    for i = 1, 1000 do
      calls[i] = client:start()
    end
    client:wait((table.unpack or unpack)(calls))
    for _, call in ipairs(calls) do
      assert(call:try_wait())
    end
    assert.equal(1, iam:stats().processed)
    assert.equal(1000, service:stats().processed)
  end)

  it("is sent again when the token's time has come, and not before", function()
    iam:script { token_answer("first", 2 ^ -16), token_answer "second" }
    by_password()
    for _ = 1, 3 do
      assert(client:run())
    end
    assert.equal(2, iam:stats().processed)
    local seen = requests(service)
    assert.equal("first", seen[1].headers["x-auth-token"])
    assert.equal("second", seen[2].headers["x-auth-token"])
    assert.equal("second", seen[3].headers["x-auth-token"])
  end)

  it("renews a token that was refused, once", function()
    iam:script { token_answer "first", token_answer "second" }
    service:script { { "answer", status = 401 } }
    by_password()
    assert(client:run())
    assert.equal("first", requests(service)[1].headers["x-auth-token"])
    assert.equal("second", requests(service)[2].headers["x-auth-token"])
    assert.equal(2, iam:stats().processed)
  end)

  it("gives up when the new token is refused, too", function()
    iam:behave("answer", token_answer())
    service:behave("answer", json(401, { error_code = "APIGW.0301", error_msg = "no" }))
    by_password()
    local err = fails()
    assert.equal("auth", err.kind)
    assert.equal("APIGW.0301", err.error_code)
    assert.equal(2, service:stats().processed)
    assert.equal(2, iam:stats().processed)
  end)

  it("goes on with the old token when renewing fails", function()
    local events, on_event = collect()
    iam:script({ token_answer(TOKEN, 1000) }, json(500, {}))
    by_password { on_event = on_event, retry = false, token_store = FORGETFUL }
    assert(client:run())
    client.auth:set { token = TOKEN, life = 0 } -- as if its time had come
    assert(client:run())
    assert.equal(2, iam:stats().processed)
    assert.equal(TOKEN, requests(service)[2].headers["x-auth-token"])
    assert.same({ type = "sign_in", source = "password", expires_in = 1000 }, events[1])
    assert.equal("warning", events[2].type)
    assert.truthy(events[2].message:find("the old ones are still good: IAM at", 1, true))
    for _, event in ipairs(events) do
      assert_silent(event)
    end
  end)

  it("is not tried in a loop", function()
    local events, on_event = collect()
    iam:behave(
      "answer",
      json(
        401,
        { error = { code = 401, message = "wrong " .. PASSWORD, title = "x" } },
        { { "X-IAM-Trace-Id", "trace-1" } }
      )
    )
    by_password { on_event = on_event }
    local err = fails()
    assert.equal("auth", err.kind)
    assert.equal(401, err.status)
    assert.equal("trace-1", err.request_id)
    assert.equal("wrong ***", err.error_msg)
    fails()
    fails()
    assert.equal(1, iam:stats().processed)
    later(1.5, fails)
    assert.equal(2, iam:stats().processed)
    later(2.5, fails)
    assert.equal(2, iam:stats().processed)
    later(4.5, fails)
    assert.equal(3, iam:stats().processed)
    assert.equal(0, service:stats().processed)
    assert.equal("sign_in", events[1].type)
    assert.equal(err.message, events[1].error.message)
    for _, event in ipairs(events) do
      assert_silent(event)
    end
  end)

  for name, case in pairs {
    ["a page"] = {
      { "answer", status = 200, body = "<html>log in</html>", kind = "text/html" },
      "auth",
      "answered 200 without JSON (text/html)",
    },
    ["no token"] = { json(201, { token = {} }), "auth", "X-Subject-Token" },
    ["a token with blanks"] = {
      json(201, { token = {} }, { { "X-Subject-Token", "a hidden" } }),
      "auth",
      "X-Subject-Token",
    },
    ["no expiry"] = {
      json(201, { token = {} }, { { "X-Subject-Token", "hidden" } }),
      "auth",
      "expiry",
    },
    ["a strange expiry"] = {
      json(201, { token = { expires_at = "soon" } }, { { "X-Subject-Token", "hidden" } }),
      "auth",
      "expiry",
    },
    ["an old token"] = { token_answer(TOKEN, -5), "auth", "expired" },
    ["400"] = { json(400, { error = { code = 400, message = "bad" } }), "auth", "400" },
    ["403 in the other form"] = {
      json(403, { error_code = "IAM.0002", error_msg = "no" }),
      "auth",
      "403",
    },
    ["500"] = { json(500, {}), "api", "500" },
    ["a redirect"] = { { "redirect" }, "protocol", "307" },
    ["a broken connection"] = { { "close_after_body" }, "transport", "IAM at" },
  } do
    it("fails for " .. name, function()
      iam:behave(case[1][1], case[1])
      by_password { retry = false }
      local err = fails()
      assert.equal(case[2], err.kind)
      assert.truthy(err.message:find(case[3], 1, true), err.message)
      assert.truthy(err.message:find(iam.url, 1, true), err.message)
      assert.equal(0, service:stats().processed)
    end)
  end

  it("is sent again when IAM asks for it, as often as other requests", function()
    for _, status in ipairs { 429, 500, 503 } do
      iam:script { json(status, {}, { { "Retry-After", "0" } }), token_answer() }
      by_password { retry = { base_delay = 0 } }
      assert(client:run())
      client:close()
    end
    iam:reset()
    iam:behave("answer", json(503, {}, { { "Retry-After", "nan" } }))
    by_password { retry = { base_delay = 0, max_attempts = 3 } }
    local err = fails()
    assert.equal("api", err.kind)
    assert.is_true(err.retryable)
    assert.equal(3, iam:stats().processed)
  end)

  it("waits no longer for IAM than the call may", function()
    local time = os.time() + 200
    local month = MONTHS[tonumber(os.date("!%m", time))] -- os.date may speak another language
    local date = os.date("!Sun, %d " .. month .. " %Y %H:%M:%S GMT", time)
    iam:behave("answer", json(503, {}, { { "Retry-After", date } }))
    by_password()
    assert.equal("deadline", fails({ deadline = 0.2 }).reason)
    assert.equal(1, iam:stats().processed)
  end)

  it("keeps to the deadline of the call that waits", function()
    iam:behave "never_answer"
    by_password()
    local err = fails { deadline = 0.2 }
    assert.equal("timeout", err.kind)
    assert.equal("deadline", err.reason)
    assert.equal(0, service:stats().processed)
  end)

  it("ends with its client", function()
    iam:behave "never_answer"
    by_password()
    local call = client:start()
    while iam:stats().heads == 0 do
      client:step(0.1)
    end
    client:close()
    local result, err = call:try_wait()
    assert.is_nil(result)
    assert.equal("cancelled", err.kind)
  end)

  it("is not sent over plain http to another machine", function()
    client =
      flow_client.new({ endpoint = service.url, auth = USER, iam_endpoint = "http://iam.example" })
    local err = fails()
    assert.equal("config", err.kind)
    assert.equal("iam_endpoint", err.field)
  end)

  it("is not sent to an address that holds a secret itself", function()
    for _, address in ipairs {
      "https://user:hidden@iam.example",
      "https://user:hidden\239\188\160iam.example", -- a full-width @
      "user:hidden\239\188\160iam.example",
      "https://iam.example:hidden",
      "https://[hidden]/",
      "https://user;hidden/iam.example",
    } do
      client = flow_client.new({ endpoint = service.url, auth = USER, iam_endpoint = address })
      local err = fails()
      assert.same({ "config", "iam_endpoint" }, { err.kind, err.field })
      client:close()
    end
  end)
end)

describe("an access key", function()
  local KEY = { ak = "EXAMPLEKEY", sk = SECRET, project_id = "p1" }

  -- What the service would compute for a request that it recorded.
  local function signature_of(request, key)
    local headers = {}
    for name in request.headers.authorization:match("SignedHeaders=([^,]*)"):gmatch "[^;]+" do
      if not ("x-sdk-date x-project-id x-security-token"):find(name, 1, true) then
        headers[#headers + 1] = { name, request.headers[name] }
      end
    end
    return core.sign {
      ak = key.ak,
      sk = key.sk,
      security_token = key.security_token,
      project_id = key.project_id,
      method = request.method,
      host = request.headers.host,
      path = request.path:match "^[^?]*",
      headers = headers,
      body = request.body,
      date = request.headers["x-sdk-date"],
    }.authorization
  end

  it("signs what is sent", function()
    new { auth = KEY }
    assert.is_nil(client.pump)
    assert(client:run())
    local request = requests(service)[1]
    assert.equal("p1", request.headers["x-project-id"])
    assert.equal(signature_of(request, KEY), request.headers.authorization)
    assert.is_nil(request.headers["x-auth-token"])
  end)

  it("may be a temporary one", function()
    local key = { ak = "A", sk = SECRET, security_token = TOKEN }
    new { auth = key }
    assert(client:run())
    local request = requests(service)[1]
    assert.equal(TOKEN, request.headers["x-security-token"])
    assert.equal(signature_of(request, key), request.headers.authorization)
  end)

  describe("without a project", function()
    local VARIABLES

    before_each(function()
      VARIABLES = { HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = service.url }
    end)

    local function by_region()
      return new(
        { region = "cn-north-4", iam_endpoint = iam.url, auth = { ak = "EXAMPLEKEY", sk = SECRET } },
        VARIABLES
      )
    end

    it("has the region's looked up once", function()
      iam:script { json(200, { projects = { { id = "p9", name = "cn-north-4" } } }) }
      by_region()
      assert(client:run())
      assert(client:run())
      local asked = requests(iam)
      assert.equal(1, #asked)
      assert.equal("/v3/projects?name=cn-north-4", asked[1].path)
      assert.truthy(asked[1].headers.authorization:find "^SDK%-HMAC%-SHA256 Access=EXAMPLEKEY")
      assert.equal("p9", requests(service)[2].headers["x-project-id"])
    end)

    it("fails for none and for many", function()
      iam:script {
        json(200, { projects = {} }),
        json(200, { projects = { { id = "p1" }, { id = "p2" } } }),
      }
      by_region()
      local err = fails()
      assert.equal("config", err.kind)
      assert.equal("auth.project_id", err.field)
      later(1.5, function()
        assert.truthy(fails().message:find("p1, p2", 1, true))
      end)
    end)

    it("is not looked up for an endpoint", function()
      new { region = "cn-north-4", endpoint = service.url, auth = { ak = "A", sk = SECRET } }
      assert.is_nil(client.pump)
      assert(client:run())
    end)
  end)
end)

describe("a function", function()
  local function with(f)
    return new { auth = f, region = "cn-north-4", endpoint = service.url, iam_endpoint = iam.url }
  end

  it("is asked once for many calls", function()
    local asked = {}
    with(function(ctx)
      asked[#asked + 1] = ctx
      return TOKEN
    end)
    local a, b = client:start(), client:start()
    client:wait(a, b)
    assert(client:run())
    assert.same({ { reason = "missing", region = "cn-north-4", endpoint = service.url } }, asked)
    assert.equal(TOKEN, requests(service)[3].headers["x-auth-token"])
  end)

  it("is asked again after a refusal", function()
    local reasons = {}
    service:script { { "answer", status = 401 } }
    with(function(ctx)
      reasons[#reasons + 1] = ctx.reason
      return { token = "t" .. #reasons }
    end)
    assert(client:run())
    assert.same({ "missing", "refused" }, reasons)
    assert.equal("t2", requests(service)[2].headers["x-auth-token"])
  end)

  it("may answer a password", function()
    iam:script { token_answer() }
    with(function()
      return { user = "u", password = PASSWORD, domain = "d" }
    end)
    assert(client:run())
    assert.equal(TOKEN, requests(service)[1].headers["x-auth-token"])
  end)

  -- As Ctrl-C while it runs: the interpreter's hook is of the main thread, and the function in a coroutine. LuaJIT's is of
  -- all, and 5.1 does not tell which thread is the main one.
  local main = coroutine.running()
  if main then
    it("is asked again after something was raised right behind it", function()
      iam:script { token_answer(), token_answer() }
      local asked = 0
      client = build.new {
        endpoint = service.url,
        iam_endpoint = iam.url,
        region = "cn-north-4",
        auth = function()
          asked = asked + 1
          debug.sethook(main, asked == 1 and function()
            debug.sethook()
            error("interrupted!", 0)
          end or nil, "", 1)
          return { user = "u", password = PASSWORD, domain = "d" }
        end,
      }
      local args = { job_id = ("a"):rep(32) }
      assert.is_false((pcall(client.run, client, args)))
      local err = select(2, client:try_run(args, { deadline = 10 }))
      assert.matches("signing in broke off: interrupted!", tostring(err)) -- and is not begun at once again
      client:sleep(1.2):wait() -- a second, and what two clocks differ by
      assert(client:run(args, { deadline = 10 }))
      assert.equal(2, asked)
    end)
  end

  for name, case in pairs {
    ["nothing"] = { function() end, "auth" },
    ["an error text"] = {
      function()
        return nil, "vault is sealed"
      end,
      "auth",
      "vault is sealed",
    },
    ["a raised error"] = {
      function()
        error("vault is sealed", 0)
      end,
      "auth",
      "vault is sealed",
    },
    ["a structured error"] = {
      function()
        return nil, core.error { kind = "config", message = "mine" }
      end,
      "config",
      "mine",
    },
    ["a yield"] = {
      function()
        coroutine.yield()
      end,
      "config",
      "yielded",
    },
    ["half a pair"] = {
      function()
        return { ak = "hidden" }
      end,
      "config",
      "sk is missing",
    },
    ["two lines"] = {
      function()
        return "hidden\nhidden"
      end,
      "config",
      "line break",
    },
    ["a number"] = {
      function()
        return 5
      end,
      "config",
      "number",
    },
  } do
    it("fails with " .. name, function()
      with(case[1])
      local err = fails()
      assert.equal(case[2], err.kind)
      assert.truthy(err.message:find(case[3] or "auth function", 1, true), err.message)
      assert.equal(0, service:stats().processed)
    end)
  end
end)

describe("bad credentials", function()
  for _, case in ipairs {
    { "auth.token", "" },
    { "auth.token", "a\r\nX-Evil: hidden" },
    { "auth.sk", { ak = "hidden" } },
    { "auth", 5 },
    { "auth", {} },
    { "auth.tokn", { tokn = "hidden" } },
    { "auth.project", { user = "u", password = "hidden", domain = "d" } },
  } do
    it("are refused at once: " .. case[1], function()
      local ok, err = pcall(flow_client.new, { endpoint = service.url, auth = case[2] })
      assert.is_false(ok)
      assert.equal("config", err.kind)
      assert.equal(case[1], err.field)
      assert_silent(err)
    end)
  end
end)
