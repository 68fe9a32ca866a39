-- The chain of sources, and token stores, over real sockets.
local cjson = require "cjson"
local core = require "codearts.build.core"
local token_store = require "codearts.build.token_store"
local sign_in = require "spec.support.sign_in"

local json = sign_in.json
local iso = sign_in.iso
local token_answer = sign_in.token_answer
local key_answer = sign_in.key_answer
local collect = sign_in.collect
local requests = sign_in.requests
local assert_silent = sign_in.assert_silent
local interpreter = sign_in.interpreter
local remove = sign_in.remove
local file_with = sign_in.file_with
local TOKEN = sign_in.TOKEN
local SECRET = sign_in.SECRET

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
    variables.CODEARTS_BUILD_METADATA_ENDPOINT = variables.CODEARTS_BUILD_METADATA_ENDPOINT
      or iam.url
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

  it("asks no name server for what may be a secret in the place of the metadata service", function()
    search { CODEARTS_BUILD_METADATA_ENDPOINT = "SkSecret/1234567890+abc/def" }
    local _, err = client:run()
    assert.equal("auth", err.kind)
    assert.truthy(err.message:find("METADATA_ENDPOINT is a word and a slash", 1, true), err.message)
    assert.is_nil(tostring(err):find("SkSecret", 1, true))
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

  it("asks who is beside this machine past the proxy", function()
    for uri, past in pairs {
      ["http://169.254.170.23/v1/credentials"] = true,
      ["https://agent.example/v1/credentials"] = false,
    } do
      iam:script { { "answer", status = 500 }, key_answer() }
      search {
        HC_CONTAINER_CREDENTIALS_FULL_URI = uri,
        HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = temporary "pod-hidden",
      }
      local begin, told = client.begin, {}
      function client:begin(method, spec, ...)
        if method == "request" then
          told[#told + 1] = spec.url:gsub("^" .. iam.url, "") .. " " .. tostring(spec.direct)
          spec.url = iam.url
        end
        return begin(self, method, spec, ...)
      end
      assert(client:run())
      client:close()
      assert.same({ "/meta-data/latest/api/token true", uri .. " " .. tostring(past) }, told)
    end
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
      { "/etc/no-such-file", {}, "id token file /etc/no-such-file: No such file or directory" },
      { "hidden.eyJzdWIi", {}, "id token file a value that is no path: No such file or directory" },
      { "/hidden", {}, "id token file a value that is no path: No such file or directory" },
      { "/hidden/x", {}, "id token file a value that is no path: No such file or directory" },
      { ("hidden"):rep(100), {}, "id token file a value that is no path: File name too long" },
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

  local KEY = { HUAWEICLOUD_SDK_AK = "FROMENV", HUAWEICLOUD_SDK_SK = SECRET }
  local UNAVAILABLE = json(503, { error = { code = 503, message = "later" } })

  for name, case in pairs {
    ["does not answer"] = { "close_after_body", { "transport", true } },
    ["is out"] = { UNAVAILABLE, { "api", true, 503 } },
    ["refuses the key"] = { json(401, {}), { "auth", false, 401 } },
    ["knows no project"] = {
      json(200, { projects = {} }),
      { "config", false, nil, "auth.project_id" },
    },
  } do
    it("does not go on as somebody else where IAM " .. name, function()
      iam:script({}, case[1])
      KEY.HUAWEICLOUD_SDK_CREDENTIALS_FILE =
        temporary(("[basic]\nak=FROMFILE\nsk=%s\nproject_id=p\n"):format(SECRET))
      KEY.HUAWEICLOUD_SDK_IAM_ENDPOINT = iam.url
      KEY.HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = service.url
      local events, on_event = collect()
      search(KEY, { region = "cn-north-4", on_event = on_event })
      local err = fails()
      assert.same(case[2], { err.kind, err.retryable or false, err.status, err.field })
      assert.truthy(err.message:find("^environment: "), err.message)
      assert.truthy(err.message:find("IAM at " .. iam.url, 1, true), err.message)
      assert.equal(0, service:stats().processed)
      assert.equal("sign_in", events[1].type)
    end)
  end

  it("does not go on as somebody else without the id token", function()
    search {
      HUAWEICLOUD_SDK_IDP_ID = "my-idp",
      HUAWEICLOUD_SDK_ID_TOKEN_FILE = "/etc/no-such-file",
      HUAWEICLOUD_SDK_CREDENTIALS_FILE = temporary("[basic]\nak=FROMFILE\nsk=" .. SECRET .. "\n"),
    }
    assert.equal("config", fails().kind)
    assert.equal(0, service:stats().processed)
  end)

  it("says what the agent of a pod is in trouble with", function()
    for answer, kind in pairs { [json(503, {})] = "api", close_after_body = "transport" } do
      iam:reset()
      iam:script({ { "answer", status = 500 } }, answer)
      search {
        HC_CONTAINER_CREDENTIALS_FULL_URI = iam.url .. "/pod",
        HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = temporary "pod-hidden",
      }
      local err = fails()
      assert.same({ kind, true }, { err.kind, err.retryable })
      assert.truthy(err.message:find "^pod identity: ", err.message)
      client:close()
    end
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

  it("may repeat what it was given earlier, or by others, which the warning does not", function()
    local theirs = '{"auth":{"token":"theirs-hidden"},"expires":9,"renew":9}'
    for _, name in ipairs { "get", "lock", "set" } do
      local given = { "torn" }
      local store = {
        get = function()
          return theirs
        end,
        lock = function()
          return function() end
        end,
        set = function(_, text)
          given[#given + 1] = text .. " " .. text:match "[%w-]+hidden[%w-]*"
          return true
        end,
      }
      local working = store[name]
      store[name] = function(...)
        working(...)
        local read_before = name ~= "get" and "theirs-hidden " or ""
        return nil, "torn: " .. read_before .. theirs .. table.concat(given, " ")
      end
      local events, on_event = collect()
      service:script { json(401, {}), "ok" }
      iam:script { token_answer "token-hidden-1", token_answer "token-hidden-2" }
      by_password { token_store = store, on_event = on_event }
      client:run()
      client:close()
      local warned = 0
      for _, event in ipairs(events) do
        assert_silent(event)
        if event.type == "warning" then
          assert.truthy(event.message:find("torn", 1, true), event.message)
          warned = warned + 1
        end
      end
      assert.is_true(warned > 0)
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
