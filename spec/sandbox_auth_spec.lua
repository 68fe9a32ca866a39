-- Signing in to the sandbox: its token, IAM, keys and signatures, temporary keys from every source.

local client = require("spec.support.sandbox_client")
local flow_client = require("spec.support.flow_client")
local json = require("codearts.build.sandbox.json")

local STATUS = "/v3/jobs/" .. client.SAMPLE .. "/status"
local AK, SK = "AKSANDBOXEXAMPLE00001", "sandboxExampleSecretKey000000000000000001"
local OPTIONS = {
  user = "dev",
  password = "not-a-real-password",
  domain = "acme",
  ak = AK,
  sk = SK,
  metadata = true,
  pod_token = "pod-token-example",
  idp_id = "idp-example",
  id_token = "id.token.example",
}

describe("the sandbox lets in", function()
  local c

  setup(function()
    c = client.start(OPTIONS)
  end)

  teardown(function()
    c.box.stop()
  end)

  -- Expects a 401 of the gateway with this text behind its usual words.
  local function refused(answer, text)
    assert.equal(401, answer.status)
    assert.equal("APIGW.0301", answer.json.error_code)
    assert.equal(answer.headers["x-request-id"], answer.json.request_id)
    assert.equal("Incorrect IAM authentication information: ", answer.json.error_msg:sub(1, 42))
    assert.matches(text, answer.json.error_msg:sub(43))
    return answer
  end

  local function password_body(changes)
    changes = changes or {}
    local user = { name = "dev", password = "not-a-real-password", domain = { name = "acme" } }
    for name, value in pairs(changes.user or {}) do
      user[name] = value
    end
    return {
      auth = {
        identity = {
          methods = json.list(changes.methods or { "password" }),
          password = { user = user },
        },
        scope = changes.scope or { project = { name = "cn-north-4" } },
      },
    }
  end

  local function get_token(changes, query)
    return c:post("/v3/auth/tokens" .. (query or ""), password_body(changes), { auth = false })
  end

  local function with_token(token)
    return c:get(STATUS, { auth = { ["X-Auth-Token"] = token } })
  end

  local function with_key(key, target)
    return c:get(target or STATUS, { auth = c:sign(key, "GET", target or STATUS) })
  end

  local function key_of(credential)
    return {
      ak = credential.access,
      sk = credential.secret,
      security_token = credential.securitytoken,
    }
  end

  it("its own token and no other", function()
    assert.equal(200, c:get(STATUS).status)
    refused(c:get(STATUS, { auth = false }), "^x%-auth%-token not found$")
    refused(with_token("wrong"), "^decrypt token fail$")
    refused(c:post("/v3/jobs/build", {}, { auth = false }), "not found")
  end)

  it("one that IAM gave for a password", function()
    local answer = get_token()
    assert.equal(201, answer.status)
    assert.matches("^sandbox%-", answer.headers["x-iam-trace-id"])
    local token = answer.json.token
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$", token.expires_at)
    assert.same({ "password" }, token.methods)
    assert.equal("cn-north-4", token.project.name)
    assert.equal("acme", token.project.domain.name)
    assert.equal("dev", token.user.name)
    assert.equal(c.box.endpoint, token.catalog[1].endpoints[1].url)
    assert.equal(200, with_token(answer.headers["x-subject-token"]).status)
  end)

  it("one that names the project by id, without catalog when asked so", function()
    local answer = get_token({ scope = { project = { id = c.box.project_id } } }, "?nocatalog=true")
    assert.equal(201, answer.status)
    assert.is_nil(answer.json.token.catalog)
    assert.is_table(get_token(nil, "?nocatalog=").json.token.catalog)
  end)

  it("no token whose scope is a domain", function()
    local answer = get_token({ scope = { domain = { name = "acme" } } })
    assert.equal(201, answer.status)
    assert.is_nil(answer.json.token.project)
    local later = with_token(answer.headers["x-subject-token"])
    assert.same({ 401, "APIGW.0307" }, { later.status, later.json.error_code })
  end)

  local REFUSED = {
    { 401, { user = { password = "wrong" } } },
    { 401, { user = { name = "someone" } } },
    { 401, { user = { domain = { name = "other" } } } },
    { 400, { user = { domain = json.null } } },
    { 400, { methods = { "token" } } },
    { 400, { methods = { "password", "totp" } } },
    { 400, { scope = {} } },
    { 404, { scope = { project = { name = "mars-1" } } } },
    { 404, { scope = { domain = { name = "other" } } } },
  }
  it("nobody whose sign-in is wrong, in IAM's words", function()
    for _, case in ipairs(REFUSED) do
      local answer = get_token(case[2])
      assert.equal(case[1], answer.status)
      assert.equal(case[1], answer.json.error.code)
      assert.is_string(answer.json.error.message)
      assert.is_string(answer.json.error.title)
      assert.is_nil(answer.headers["x-subject-token"])
    end
    assert.equal(400, c:post("/v3/auth/tokens", "{", { auth = false }).status)
  end)

  it("signed requests", function()
    assert.equal(200, with_key({ ak = AK, sk = SK }).status)
    assert.equal(200, with_key({ ak = AK, sk = SK, project_id = c.box.project_id }).status)
    local target = "/v3/jobs/"
      .. client.SAMPLE
      .. "/history?offset=0&limit=10&interval=7&x=a%20b%2B%C3%A4&X="
    assert.equal(200, with_key({ ak = AK, sk = SK }, target).status)
    local body = json.encode({ job_id = client.SAMPLE })
    local headers = c:sign({ ak = AK, sk = SK }, "POST", "/v3/jobs/build", body)
    assert.equal(200, c:post("/v3/jobs/build", body, { auth = headers }).status)
  end)

  it("no request that was changed after signing, and shows what it saw", function()
    local headers = c:sign({ ak = AK, sk = SK }, "POST", "/v3/jobs/build", "{}")
    local answer = c:post("/v3/jobs/build", '{"a":1}', { auth = headers })
    refused(
      answer,
      "^verify aksk signature fail, %(canonicalRequest:POST|/v3/jobs/build/||host:127.0.0.1:%d+|"
    )
    assert.truthy(
      answer.json.error_msg:find(
        "||host;x-sdk-date|015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862)",
        1,
        true
      )
    )
    assert.is_nil(answer.body:find(SK, 1, true))
    headers = c:sign({ ak = AK, sk = SK }, "GET", STATUS)
    headers["x-sdk-content-sha256"] = ("0"):rep(64)
    assert.equal(200, c:get(STATUS, { auth = headers }).status)
    assert.equal(401, c:get(STATUS .. "?x=1", { auth = headers }).status)
    assert.equal(200, with_key({ ak = AK, sk = SK }).status)
  end)

  it("no wrong key, form, date or project", function()
    refused(
      with_key({ ak = "NOBODY", sk = SK }),
      "^Get secretKey failed,ak:NOBODY,err:ak not exist$"
    )
    refused(
      with_key({ ak = AK, sk = SK, date = "20200101T000000Z" }),
      "^calc ak sk signature fail:signature expired$"
    )
    refused(
      with_key({ ak = AK, sk = SK, date = "yesterday" }),
      "^calc ak sk signature fail:signature expired$"
    )
    refused(with_key({ ak = AK, sk = SK, security_token = "x" }), "^decrypt token fail$")
    local headers = c:sign({ ak = AK, sk = SK }, "GET", STATUS)
    headers.authorization = "V11-HMAC-SHA256 Credential=x"
    refused(c:get(STATUS, { auth = headers }), "not a SDK%-HMAC%-SHA256 one")
    local answer = with_key({ ak = AK, sk = SK, project_id = ("0"):rep(32) })
    assert.same({ 403, "APIGW.0310" }, { answer.status, answer.json.error_code })
  end)

  it("no signature that leaves the date out", function()
    local key = { ak = AK, sk = SK }
    local headers = c:sign(key, "GET", STATUS)
    local signature = require("codearts.build.sandbox.signature")
    local canonical = signature.canonical_request({
      method = "GET",
      target = STATUS,
      body = "",
      header = function(name)
        return headers[name]
      end,
    }, "host")
    headers.authorization = ("SDK-HMAC-SHA256 Access=%s, SignedHeaders=host, Signature=%s"):format(
      AK,
      signature.signature(SK, signature.string_to_sign(canonical, headers["x-sdk-date"]))
    )
    refused(c:get(STATUS, { auth = headers }), "^verify aksk signature fail")
    assert.equal(200, with_key(key).status)
  end)

  local build = require "codearts.build"
  local core = require "codearts.build.core"
  local REGION = "cn-north-4"

  -- A client of the library, whose signatures the sandbox checks by code of its own.
  local function new(options)
    options.endpoint, options.iam_endpoint = c.box.endpoint, c.box.endpoint
    return build.new(options)
  end

  for _, algorithm in ipairs { "SDK-HMAC-SHA256", "SDK-HMAC-SM3", "V11-HMAC-SHA256" } do
    it("requests that the library signs by " .. algorithm, function()
      local auth = { ak = AK, sk = SK, algorithm = algorithm, project_id = c.box.project_id }
      local own = new { region = REGION, auth = auth }
      assert.matches("^%d+$", own:run({ job_id = client.SAMPLE }).actual_build_number)
      local jobs = own:call(
        "ListProjectJobs",
        { project_id = c.box.project_id, page_index = 0, page_size = 10, search = "s a/m\195\164" }
      )
      assert.equal(0, jobs.total)
      own:close()
      local wrong = new {
        region = REGION,
        auth = { ak = AK, sk = "a-wrong-secret", algorithm = algorithm },
      }
      local _, err = wrong:try_run { job_id = client.SAMPLE }
      assert.equal("auth", err.kind)
      assert.is_nil(tostring(err):find("a-wrong-secret", 1, true))
      assert.matches("does not belong to this access key", err.message)
      wrong:close()
    end)

    it("the look for a project that is signed by " .. algorithm, function()
      local function looked()
        return c:get("/__sandbox/stats").json.operations.KeystoneListProjects or 0
      end
      local before = looked()
      local own = flow_client.new({
        region = REGION,
        iam_endpoint = c.box.endpoint,
        auth = { ak = AK, sk = SK, algorithm = algorithm },
      }, { HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = c.box.endpoint })
      local call = own.core:start { job_id = client.SAMPLE }
      own:wait(call)
      assert.matches("^%d+$", assert(call:try_wait()).actual_build_number)
      assert.equal(before + 1, looked())
      own:close()
    end)

    it("calls and functions that bring keys for " .. algorithm, function()
      local auth = { ak = AK, sk = SK, algorithm = algorithm }
      local own = new { region = REGION, auth = "another-token" }
      assert.matches(
        "^%d+$",
        own:run({ job_id = client.SAMPLE }, { auth = auth }).actual_build_number
      )
      own:close()
      own = new {
        region = REGION,
        auth = function()
          return auth
        end,
      }
      assert.matches("^%d+$", own:run({ job_id = client.SAMPLE }).actual_build_number)
      own:close()
    end)
  end

  it("no V11 key for another day, and no algorithm that is not known", function()
    local now = os.date "!%Y%m%dT%H%M%SZ"
    local signed = core.sign {
      algorithm = "V11-HMAC-SHA256",
      ak = AK,
      sk = SK,
      method = "GET",
      host = c.box.endpoint:match "//(.*)$",
      path = STATUS,
      date = now,
      region = REGION,
      service = "codeartsbuild",
    }
    local headers = {}
    for _, header in ipairs(signed.headers) do
      headers[header[1]:lower()] = header[2]
    end
    assert.equal(200, c:get(STATUS, { auth = headers }).status)
    local whole = headers.authorization
    -- The same signature for another scope, and a right signature for a scope of another day.
    headers.authorization = whole:gsub("codeartsbuild", "other")
    refused(c:get(STATUS, { auth = headers }), "^verify aksk signature fail")
    local signature = require "codearts.build.sandbox.signature"
    local how =
      { algorithm = "V11-HMAC-SHA256", ak = AK, scope = "20200101/cn-north-4/codeartsbuild" }
    local text = signature.string_to_sign(signed.canonical_request, now, how)
    headers.authorization = ("V11-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"):format(
      AK,
      how.scope,
      signed.signed_headers,
      signature.signature(SK, text, how)
    )
    refused(c:get(STATUS, { auth = headers }), "^verify aksk signature fail")
    for from, to in pairs {
      ["^V11%-HMAC"] = "V12-HMAC",
      ["Credential="] = "Access=",
      ["/codeartsbuild"] = "",
    } do
      headers.authorization = whole:gsub(from, to)
      refused(c:get(STATUS, { auth = headers }), "not a SDK%-HMAC%-SHA256 one")
    end
    assert.equal(200, with_key({ ak = AK, sk = SK }).status)
  end)

  it("nobody by an algorithm that cannot be right: nothing is sent", function()
    local before = c:get("/__sandbox/stats").json.operations.RunJob or 0
    for _, case in ipairs {
      { { algorithm = "SDK-SM2-SM3" }, "SDK%-SM2%-SM3 is not supported" },
      { { algorithm = "hidden-secret" }, "this one is not supported" },
      { { algorithm = "" }, "is empty" },
      { { algorithm = 1 }, "must be a string" },
      { { algorithm = "V11-HMAC-SHA256" }, "needs the client's region" },
    } do
      local auth = { ak = AK, sk = SK, algorithm = case[1].algorithm }
      local ok, err = pcall(new, { auth = auth })
      assert.is_false(ok)
      assert.equal("config", err.kind)
      assert.equal("auth.algorithm", err.field)
      assert.matches(case[2], err.message)
      assert.is_nil(tostring(err):find("hidden", 1, true))
      assert.is_nil(tostring(err):find(SK, 1, true))
      local own = new { auth = "another-token" }
      local _, told = own:try_run({ job_id = client.SAMPLE }, { auth = auth })
      assert.equal("auth.algorithm", told.field)
      own:close()
    end
    local _, err = pcall(new, { auth = { token = "t", algorithm = "SDK-HMAC-SM3" } })
    assert.equal("auth.algorithm", err.field)
    assert.equal(before, c:get("/__sandbox/stats").json.operations.RunJob or 0)
  end)

  it("a project list to whoever is signed in", function()
    local answer = with_key({ ak = AK, sk = SK }, "/v3/projects?name=cn-north-4")
    assert.equal(c.box.project_id, answer.json.projects[1].id)
    assert.equal("cn-north-4", answer.json.projects[1].name)
    assert.truthy(c:get("/v3/projects?name=mars-1").body:find('"projects":[]', 1, true))
    refused(c:get("/v3/projects", { auth = false }), "not found")
  end)

  it("keys of the metadata service, which wants its token", function()
    local path, key_path = "/meta-data/latest/api/token", "/openstack/latest/securitykey"
    assert.equal(401, c:get(key_path, { auth = false }).status)
    assert.equal(400, c:request("PUT", path, { auth = false, body = "" }).status)
    local answer =
      c:request("PUT", path, { auth = { ["X-Metadata-Token-Ttl-Seconds"] = "21600" }, body = "" })
    assert.equal(200, answer.status)
    assert.matches("^%x+$", answer.body)
    local key = c:get(key_path, { auth = { ["X-Metadata-Token"] = answer.body } })
    assert.equal(200, key.status)
    assert.matches("Z$", key.json.credential.expires_at)
    assert.equal(200, with_key(key_of(key.json.credential)).status)
    local bare = key_of(key.json.credential)
    bare.security_token = nil
    refused(with_key(bare), "^decrypt token fail$")
    assert.equal(401, c:get(key_path, { auth = { ["X-Metadata-Token"] = "wrong" } }).status)
  end)

  it("keys of pod identity", function()
    local path = "/__sandbox/pod-identity"
    local answer = c:post(path, "{}", { auth = { authorization = "pod-token-example" } })
    assert.equal(200, with_key(key_of(answer.json.credential)).status)
    assert.equal(401, c:post(path, "{}", { auth = { authorization = "wrong" } }).status)
    assert.equal(401, c:post(path, "{}", { auth = false }).status)
  end)

  it("keys for an id token", function()
    local path = "/v3.0/OS-AUTH/id-token/tokens"
    local body = { auth = { id_token = { id = "id.token.example" } } }
    local answer = c:post(path, body, { auth = { ["X-Idp-Id"] = "idp-example" } })
    assert.equal(201, answer.status)
    local token = answer.headers["x-subject-token"]
    assert.equal(401, with_token(token).status)
    local asked = {
      auth = {
        identity = {
          methods = json.list({ "token" }),
          token = { id = token, duration_seconds = 21600 },
        },
      },
    }
    local key = c:post("/v3.0/OS-CREDENTIAL/securitytokens", asked, { auth = false })
    assert.equal(201, key.status)
    assert.equal(200, with_key(key_of(key.json.credential)).status)
    asked.auth.identity.token.duration_seconds = 1
    assert.equal(400, c:post("/v3.0/OS-CREDENTIAL/securitytokens", asked, { auth = false }).status)
    asked.auth.identity.token = { id = "wrong" }
    assert.equal(401, c:post("/v3.0/OS-CREDENTIAL/securitytokens", asked, { auth = false }).status)
    for _, case in ipairs({
      { "idp-example", "other", 401, "IAM.0001" },
      { "other", "id.token.example", 404, "IAM.0004" },
      { "idp-example", "", 400, "IAM.0011" },
    }) do
      answer = c:post(
        path,
        { auth = { id_token = { id = case[2] } } },
        { auth = { ["X-Idp-Id"] = case[1] } }
      )
      assert.same({ case[3], case[4] }, { answer.status, answer.json.error_code })
    end
  end)

  it("nothing that was issued before a revocation", function()
    local token = get_token().headers["x-subject-token"]
    local pod =
      c:post("/__sandbox/pod-identity", "{}", { auth = { authorization = "pod-token-example" } })
    refused(c:post("/__sandbox/revoke", "", { auth = false }), "not found")
    assert.equal(200, c:post("/__sandbox/revoke").status)
    refused(with_token(token), "^token expires, expires_at: %d%d%d%d%-%d%d%-%d%dT")
    refused(with_key(key_of(pod.json.credential)), "^calc ak sk signature fail:signature expired$")
    assert.equal(200, c:get(STATUS).status)
    assert.equal(200, with_key({ ak = AK, sk = SK }).status)
    assert.equal(200, with_token(get_token().headers["x-subject-token"]).status)
  end)

  it("no key after more than five wrong signatures in a row", function()
    for _ = 1, 5 do
      refused(with_key({ ak = AK, sk = "wrong" }), "^verify aksk")
    end
    assert.equal(200, with_key({ ak = AK, sk = SK }).status)
    for _ = 1, 6 do
      refused(with_key({ ak = AK, sk = "wrong" }), "^verify aksk")
    end
    refused(with_key({ ak = AK, sk = SK }), "^AK access failed to reach the limit,forbidden$")
    assert.equal(200, c:get(STATUS).status)
  end)
end)

describe("a sandbox without these options", function()
  it("has no users, no keys and no metadata service", function()
    local c = client.start({ token_life = 2 })
    assert.equal(
      404,
      c:request("PUT", "/meta-data/latest/api/token", { auth = false, body = "" }).status
    )
    assert.equal(404, c:get("/openstack/latest/securitykey", { auth = false }).status)
    assert.equal(401, c:post("/__sandbox/pod-identity", "{}", { auth = false }).status)
    local user = { name = "a", password = "b", domain = { name = "sandbox" } }
    local body = {
      auth = {
        identity = { methods = json.list({ "password" }), password = { user = user } },
        scope = { project = { name = "cn-north-4" } },
      },
    }
    assert.equal(401, c:post("/v3/auth/tokens", body, { auth = false }).status)
    body = { auth = { id_token = { id = "x" } } }
    assert.equal(404, c:post("/v3.0/OS-AUTH/id-token/tokens", body, { auth = false }).status)
    c.box.stop()
  end)

  it("gives tokens the life that it is told", function()
    local c = client.start({ user = "u", password = "p", token_life = 100 })
    local body = {
      auth = {
        identity = {
          methods = json.list({ "password" }),
          password = { user = { name = "u", password = "p", domain = { name = "sandbox" } } },
        },
        scope = { project = { name = "cn-north-4" } },
      },
    }
    local token = c:post("/v3/auth/tokens", body, { auth = false }).json.token
    local function seconds(text)
      local hour, minute, second = text:match("T(%d+):(%d+):([%d.]+)Z")
      return hour * 3600 + minute * 60 + second
    end
    assert.near(100, (seconds(token.expires_at) - seconds(token.issued_at)) % 86400, 0.01)
    c.box.stop()
  end)
end)
