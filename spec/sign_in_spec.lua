-- Signing in over real sockets: one server is the build service, one is whoever hands out
-- credentials.
local cjson = require "cjson"
local core = require "codearts.build.core"
local flow_client = require "spec.support.flow_client"
local servers = require "spec.support.server"
local token_store = require "codearts.build.token_store"

local PASSWORD, TOKEN, SECRET = "p w-hidden", "token-hidden-1", "secret-hidden"
local USER = { user = "ci", password = PASSWORD, domain = "acme", project = "cn-north-4" }
local MONTHS =
  { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

-- A store that keeps nothing, so that every sign-in is a request.
local FORGETFUL = {
  get = function() end,
  set = function()
    return true
  end,
  lock = function()
    return function() end
  end,
}

local service, iam, client

local function json(status, value, headers)
  return {
    "answer",
    status = status,
    body = cjson.encode(value),
    headers = headers,
    kind = "application/json",
  }
end

local function iso(utc)
  local whole = math.floor(utc)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. (".%06dZ"):format(math.floor((utc - whole) * 1e6))
end

-- A token with its life in seconds, told by the service's clock (which is years behind).
local function token_answer(token, life)
  return json(
    201,
    { token = { issued_at = iso(1e9), expires_at = iso(1e9 + (life or 86400)) } },
    { { "X-Subject-Token", token or TOKEN } }
  )
end

local function key_answer(life, ak)
  return json(200, {
    credential = {
      access = ak or "TEMPKEY",
      secret = SECRET,
      securitytoken = TOKEN,
      expires_at = iso(os.time() + (life or 21600)),
    },
  })
end

local function new(options, variables)
  options.endpoint = options.endpoint or (not options.region and service.url or nil)
  client = flow_client.new(options, variables)
  return client
end

local function by_password(options)
  options = options or {}
  options.auth, options.iam_endpoint = options.auth or USER, iam.url
  return new(options)
end

local function collect()
  local events = {}
  return events, function(event)
    events[#events + 1] = event
  end
end

local function requests(server)
  return server:stats().requests
end

-- No secret in any member of an error or event, nor in its text.
local function assert_silent(value)
  local text = tostring(value)
  if type(value) == "table" then
    for name, member in pairs(value) do
      text = text .. " " .. tostring(name) .. " " .. tostring(member)
      if type(member) == "table" then
        assert_silent(member)
      end
    end
  end
  for _, secret in ipairs { PASSWORD, "hidden" } do
    assert.is_nil(text:find(secret, 1, true), text)
  end
end

local function fails(...)
  local result, err = client:run(...)
  assert.is_nil(result)
  assert.is_true(core.is_error(err))
  assert.equal("not_started", err.outcome)
  assert_silent(err)
  return err
end

local function later(seconds, f)
  local now = core.now
  core.now = function()
    return now() + seconds
  end
  local ok, err = pcall(f)
  core.now = now
  assert(ok, err)
end

-- The interpreter that runs this spec.
local function interpreter()
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  return arg[first]
end

local function remove(path)
  os.remove(path)
  os.remove(path .. ".lock")
end

local function file_with(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

setup(function()
  service, iam = servers.start(), servers.start()
end)

teardown(function()
  service:stop()
  iam:stop()
end)

before_each(function()
  for _, server in ipairs { service, iam } do
    server:reset()
    server:behave "ok"
  end
end)

after_each(function()
  if client then
    client:close()
  end
  client = nil
end)

describe("a password", function()
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
    client = flow_client.new({
      endpoint = service.url,
      auth = USER,
      iam_endpoint = "https://user:hidden@iam.example",
    })
    assert.equal("iam_endpoint", fails().field)
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

describe("the chain", function()
  local home, files

  before_each(function()
    files = {}
    home = os.tmpname()
    os.remove(home)
  end)
  after_each(function()
    for _, path in ipairs(files) do
      os.remove(path)
    end
  end)

  local function temporary(text)
    files[#files + 1] = file_with(text)
    return files[#files]
  end

  local function search(variables, options)
    variables.HOME = variables.HOME or home
    variables.CODEARTS_BUILD_METADATA_ENDPOINT = iam.url
    options = options or {}
    options.retry = false
    return new(options, variables)
  end

  local function access_of(request)
    return request.headers.authorization:match "Access=([^,]*)"
  end

  it("begins with the token", function()
    search { CODEARTS_BUILD_TOKEN = TOKEN, HUAWEICLOUD_SDK_AK = "A", HUAWEICLOUD_SDK_SK = SECRET }
    assert(client:run())
    assert.equal(TOKEN, requests(service)[1].headers["x-auth-token"])
    assert.equal(0, iam:stats().processed)
  end)

  it("goes on with the environment, then the file", function()
    local path = temporary("[basic]\nak = FROMFILE\nsk = " .. SECRET .. "\n")
    local variables = {
      HUAWEICLOUD_SDK_AK = "FROMENV",
      HUAWEICLOUD_SDK_SK = SECRET,
      HUAWEICLOUD_SDK_CREDENTIALS_FILE = path,
    }
    search(variables)
    assert(client:run())
    client:close()
    variables.HUAWEICLOUD_SDK_AK = nil
    local events, on_event = collect()
    search(variables, { on_event = on_event })
    assert(client:run())
    assert.equal("FROMENV", access_of(requests(service)[1]))
    assert.equal("FROMFILE", access_of(requests(service)[2]))
    assert.equal(0, iam:stats().processed)
    assert.equal("warning", events[1].type)
    assert.truthy(
      events[1].message:find("HUAWEICLOUD_SDK_SK is set, but HUAWEICLOUD_SDK_AK is not", 1, true)
    )
    assert.same({ type = "sign_in", source = "credentials file" }, events[2])
    for _, event in ipairs(events) do
      assert_silent(event)
    end
  end)

  it("warns of a file that others may read", function()
    local path = temporary("[basic]\nak = A\nsk = " .. SECRET .. "\n")
    os.execute("chmod 644 " .. path)
    local events, on_event = collect()
    search({ HUAWEICLOUD_SDK_CREDENTIALS_FILE = path }, { on_event = on_event })
    assert(client:run())
    assert.equal("warning", events[1].type)
    assert.truthy(events[1].message:find(path, 1, true))
  end)

  it("asks the metadata service, with a token of its own", function()
    iam:script { { "answer", status = 200, body = "meta-hidden" }, key_answer() }
    local events, on_event = collect()
    search({}, { on_event = on_event })
    assert(client:run())
    local token, key = (table.unpack or unpack)(requests(iam))
    assert.same(
      { "PUT", "/meta-data/latest/api/token", "21600" },
      { token.method, token.path, token.headers["x-metadata-token-ttl-seconds"] }
    )
    assert.same(
      { "GET", "/openstack/latest/securitykey", "meta-hidden" },
      { key.method, key.path, key.headers["x-metadata-token"] }
    )
    local request = requests(service)[1]
    assert.equal("TEMPKEY", access_of(request))
    assert.equal(TOKEN, request.headers["x-security-token"])
    assert.equal("ECS metadata", events[1].source)
  end)

  for _, status in ipairs { 404, 405, 503 } do
    it("does without a metadata token after " .. status, function()
      iam:script { { "answer", status = status }, key_answer() }
      search {}
      assert(client:run())
      assert.is_nil(requests(iam)[2].headers["x-metadata-token"])
    end)
  end

  it("renews the metadata token once", function()
    iam:script {
      { "answer", status = 200, body = "first" },
      { "answer", status = 401 },
      { "answer", status = 200, body = "second" },
      key_answer(),
    }
    search {}
    assert(client:run())
    assert.equal("second", requests(iam)[4].headers["x-metadata-token"])
  end)

  it("reads each spelling of a key", function()
    for _, body in ipairs {
      {
        credentials = {
          accessKeyId = "K1",
          secretAccessKey = SECRET,
          securityToken = TOKEN,
          expiration = iso(os.time() + 9999),
        },
      },
      { access = "K2", secret = SECRET, securitytoken = TOKEN, expires_at = iso(os.time() + 9999) },
    } do
      iam:script { { "answer", status = 404 }, json(200, body) }
      search {}
      assert(client:run())
      client:close()
    end
    local seen = requests(service)
    assert.same({ "K1", "K2" }, { access_of(seen[1]), access_of(seen[2]) })
  end)

  it("ends with pod identity", function()
    iam:script { { "answer", status = 500 }, key_answer(21600, "PODKEY") }
    search {
      HC_CONTAINER_CREDENTIALS_FULL_URI = iam.url .. "/pod",
      HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = temporary " pod-hidden \n",
    }
    assert(client:run())
    local asked = requests(iam)[2]
    assert.same(
      { "POST", "/pod", "pod-hidden", "{}" },
      { asked.method, asked.path, asked.headers.authorization, asked.body }
    )
    assert.equal("PODKEY", access_of(requests(service)[1]))
  end)

  it("exchanges an id token", function()
    iam:script {
      json(201, { token = {} }, { { "X-Subject-Token", "unscoped-hidden" } }),
      key_answer(21600, "IDPKEY"),
    }
    search({
      HUAWEICLOUD_SDK_IDP_ID = "my-idp",
      HUAWEICLOUD_SDK_ID_TOKEN_FILE = temporary "id-hidden\n",
      HUAWEICLOUD_SDK_IAM_ENDPOINT = iam.url,
    })
    assert(client:run())
    local first, second = (table.unpack or unpack)(requests(iam))
    assert.equal("/v3.0/OS-AUTH/id-token/tokens", first.path)
    assert.equal("my-idp", first.headers["x-idp-id"])
    assert.same({ auth = { id_token = { id = "id-hidden" } } }, cjson.decode(first.body))
    assert.equal("/v3.0/OS-CREDENTIAL/securitytokens", second.path)
    assert.same({
      auth = {
        identity = {
          methods = { "token" },
          token = { id = "unscoped-hidden", duration_seconds = 21600 },
        },
      },
    }, core.decode(second.body))
    assert.equal("IDPKEY", access_of(requests(service)[1]))
  end)

  it("tells what kept it from exchanging an id token", function()
    local no_key = json(201, { token = {} }, { { "X-Subject-Token", "unscoped-hidden" } })
    for _, case in ipairs {
      { "/no/such/file", {}, "id token file /no/such/file: No such file or directory" },
      { temporary " \n", {}, "is empty" },
      { temporary "two words", {}, "holds more than one word" },
      { temporary "id-hidden", { json(403, {}) }, "403" },
      { temporary "id-hidden", { json(201, {}) }, "answered without X-Subject-Token" },
      { temporary "id-hidden", { no_key, json(500, {}) }, "500" },
      {
        temporary "id-hidden-0123",
        { no_key, json(400, { error_code = "A.1", error_msg = "of id-hidden-0123" }) },
        "A.1 of ***",
      },
    } do
      iam:reset()
      iam:script(case[2], { "answer", status = 500 })
      search({
        HUAWEICLOUD_SDK_IDP_ID = "my-idp",
        HUAWEICLOUD_SDK_ID_TOKEN_FILE = case[1],
        HUAWEICLOUD_SDK_IAM_ENDPOINT = iam.url,
      })
      local err = fails()
      assert.truthy(err.message:find(case[3], 1, true), err.message)
      assert.is_nil(err.message:find("hidden", 1, true))
      assert.is_nil(err.message:find("two words", 1, true))
      client:close()
    end
  end)

  it("takes the IAM endpoint of the credentials file", function()
    iam:script { json(200, { projects = { { id = "p3" } } }) }
    search({
      HUAWEICLOUD_SDK_CREDENTIALS_FILE = temporary(
        ("[basic]\nak=A\nsk=%s\niam_endpoint=%s\n"):format(SECRET, iam.url)
      ),
      HUAWEICLOUD_SDK_IAM_ENDPOINT = "https://never.example",
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = service.url,
    }, { region = "cn-north-4" })
    assert(client:run())
    assert.equal("p3", requests(service)[1].headers["x-project-id"])
  end)

  it("tells of every source when none serves", function()
    iam:script { { "answer", status = 418, body = "hidden" } }
    search {
      CODEARTS_BUILD_TOKEN = "hidden\nhidden",
      HUAWEICLOUD_SDK_AK = "hidden",
      HUAWEICLOUD_SDK_CREDENTIALS_FILE = temporary "[basic]\nhidden\n",
      HC_CONTAINER_CREDENTIALS_FULL_URI = "http://pods.example/hidden",
      HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = "/nowhere",
    }
    local err = fails()
    assert.equal("auth", err.kind)
    for _, text in ipairs {
      "CODEARTS_BUILD_TOKEN: token holds a line break",
      "environment: HUAWEICLOUD_SDK_AK is set, but HUAWEICLOUD_SDK_SK is not",
      "credentials file: " .. files[1] .. ": line 2: neither a [section] nor key = value",
      "ECS metadata: the metadata service answered 418 when asked for a token",
      "pod identity: HC_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine",
    } do
      assert.truthy(err.message:find(text, 1, true), err.message)
    end
    assert.equal(0, service:stats().processed)
  end)

  it("tells what is missing when nothing is set up", function()
    iam:behave "close_after_body"
    search {}
    local err = fails()
    for _, text in ipairs {
      "CODEARTS_BUILD_TOKEN: not set",
      "environment: neither HUAWEICLOUD_SDK_AK nor HUAWEICLOUD_SDK_IDP_ID is set",
      "credentials file: " .. home .. "/.huaweicloud/credentials: No such file or directory",
      "ECS metadata: the metadata service: ",
      "pod identity: HC_CONTAINER_CREDENTIALS_FULL_URI is not set",
    } do
      assert.truthy(err.message:find(text, 1, true), err.message)
    end
  end)

  for name, answers in pairs {
    ["no agency"] = {
      { "answer", status = 401, body = "Please configure Cloud Service Agency first." },
    },
    ["a page"] = { { "answer", status = 200, body = "<html>hidden" } },
    ["half a key"] = {
      json(200, { credential = { access = "hidden", expires_at = iso(os.time() + 9) } }),
    },
    ["a key with a line break"] = {
      json(200, {
        credential = {
          access = "A",
          secret = "hidden\nhidden",
          expires_at = iso(os.time() + 9),
        },
      }),
    },
    ["a key that is over"] = { key_answer(-1) },
    ["a strange expiry"] = { json(200, { access = "A", secret = SECRET, expires_at = "soon" }) },
    ["500"] = { { "answer", status = 500 } },
    ["401 twice"] = {
      { "answer", status = 401 },
      { "answer", status = 200, body = "t" },
      { "answer", status = 401 },
    },
    ["401, then no token service"] = { { "answer", status = 401 }, { "answer", status = 404 } },
  } do
    it("says what the metadata service did: " .. name, function()
      table.insert(answers, 1, { "answer", status = 200, body = "meta-hidden" })
      iam:script(answers)
      search {}
      local err = fails()
      assert.equal("auth", err.kind)
      assert.truthy(err.message:find("the metadata service ", 1, true), err.message)
      assert.equal(#answers, iam:stats().processed)
    end)
  end

  it("does not let a mute metadata service hold a call beyond its deadline", function()
    iam:behave "never_answer"
    search {}
    local err = fails { deadline = 0.2 }
    assert.equal("deadline", err.reason)
  end)
end)

describe("a token store", function()
  local path

  before_each(function()
    path = os.tmpname()
    remove(path)
  end)
  after_each(function()
    remove(path)
  end)

  it("lets clients share a token", function()
    iam:script { token_answer() }
    for _, store in ipairs { token_store.memory(), token_store.file(path) } do
      iam:reset()
      iam:script { token_answer() }
      by_password { token_store = store }
      assert(client:run())
      client:close()
      by_password { token_store = store }
      assert(client:run())
      client:close()
      assert.equal(1, iam:stats().processed)
    end
  end)

  it("lets processes that start at once share a token", function()
    iam:script { token_answer() }
    local unlock = assert(token_store.file(path).lock("another", 60))
    local children = {}
    for i = 1, 3 do
      children[i] = assert(
        io.popen(
          ("%s spec/support/sign_in_process.lua %s %s %s"):format(
            interpreter(),
            service.url,
            iam.url,
            path
          )
        )
      )
      assert.equal("waiting", children[i]:read "*l")
    end
    assert.equal(0, iam:stats().heads)
    unlock()
    for _, child in ipairs(children) do
      assert.equal("done", child:read "*l")
      child:close()
    end
    assert.equal(1, iam:stats().processed)
    assert.equal(3, service:stats().processed)
  end)

  it("makes a client wait for another one's sign-in", function()
    iam:script { token_answer() }
    local store = token_store.file(path)
    local unlock = assert(store.lock("another", 60))
    by_password { token_store = store }
    local call = client:start()
    client:step(0.02)
    client:step(0.02)
    assert.equal(0, iam:stats().heads)
    unlock()
    client:wait(call)
    assert(call:try_wait())
  end)

  it("does not answer what the service refused", function()
    iam:script { token_answer "first", token_answer "second" }
    service:script { { "answer", status = 401 } }
    by_password { token_store = token_store.file(path) }
    assert(client:run())
    assert.equal("second", requests(service)[2].headers["x-auth-token"])
    client:close()
    by_password { token_store = token_store.file(path) }
    assert(client:run())
    assert.equal("second", requests(service)[3].headers["x-auth-token"])
  end)

  it("is gone without when it is broken, with a warning", function()
    for _, broken in ipairs {
      {
        get = function()
          error "torn"
        end,
      },
      {
        get = function()
          return nil, "torn"
        end,
      },
      {
        get = function() end,
        lock = function()
          return nil, "torn"
        end,
      },
      {
        get = function() end,
        lock = function()
          return function() end
        end,
        set = function()
          return nil, "torn"
        end,
      },
      {
        get = function() end,
        lock = function()
          return function()
            error "torn"
          end
        end,
        set = function()
          return true
        end,
      },
    } do
      local events, on_event = collect()
      local store = { get = broken.get, lock = broken.lock or print, set = broken.set or print }
      iam:script { token_answer() }
      by_password { token_store = store, on_event = on_event }
      assert(client:run())
      client:close()
      assert.equal("sign_in", events[#events].type)
      for i = 1, #events - 1 do
        assert.equal("warning", events[i].type)
        assert.truthy(events[i].message:find("torn", 1, true))
      end
    end
  end)

  it("may repeat what it was given, which the warning does not", function()
    local id_token = file_with "id-hidden"
    local events, on_event = collect()
    local store = {
      get = function() end,
      lock = function()
        return function() end
      end,
      set = function(key, text)
        error(("cannot set %s to %s (%q)"):format(key, text, text), 0)
      end,
    }
    iam:script {
      token_answer(("token/hidden"):rep(20)),
      json(201, { token = {} }, { { "X-Subject-Token", "unscoped-hidden" } }),
      key_answer(),
    }
    by_password { token_store = store, on_event = on_event }
    assert(client:run())
    client:close()
    new({ token_store = store, on_event = on_event, iam_endpoint = iam.url }, {
      HUAWEICLOUD_SDK_IDP_ID = "my-idp",
      HUAWEICLOUD_SDK_ID_TOKEN_FILE = id_token,
    })
    assert(client:run())
    os.remove(id_token)
    assert.equal(4, #events)
    for i, source in ipairs { "password", "id_token" } do
      local warning = events[2 * i - 1]
      assert.truthy(warning.message:find("cannot set " .. source, 1, true), warning.message)
      assert_silent(warning)
    end
  end)

  it("is not trusted blindly", function()
    for _, text in ipairs {
      "",
      "{",
      "[]",
      '{"auth":5}',
      '{"auth":{"token":"a b"},"expires":9e9,"renew":9e9}',
      '{"auth":{"token":"a"},"expires":1,"renew":9e9}',
      '{"auth":{"token":"a"},"expires":9e9}',
      '{"auth":{"token":"a"},"expires":9e9,"renew":1}',
    } do
      iam:script { token_answer() }
      local store = token_store.memory()
      store.get = function()
        return text
      end
      by_password { token_store = store }
      assert(client:run())
      client:close()
    end
    for _, request in ipairs(requests(service)) do
      assert.equal(TOKEN, request.headers["x-auth-token"])
    end
  end)

  it("that is unsafe ends the sign-in", function()
    local file = assert(io.open(path, "wb"))
    file:close()
    os.execute("chmod 666 " .. path)
    by_password { token_store = token_store.file(path) }
    local err = fails()
    assert.equal("config", err.kind)
    assert.equal("token_store", err.field)
    assert.equal(0, iam:stats().processed)
  end)
end)
