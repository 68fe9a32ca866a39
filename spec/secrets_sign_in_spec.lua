-- What a client signed in with is shown by nothing that is told of later requests either: a gateway may be IAM and service, and
-- repeat what it was sent before.
local build = require "codearts.build"
local core = require "codearts.build.core"
local run_job = require "spec.support.run_job"
local shown = require "spec.support.shown"
local sign_in = require "spec.support.sign_in"

local check, json, key_answer = shown.check, sign_in.json, sign_in.key_answer

describe("what a client signed in with", function()
  local PASSWORD, TOKEN, UNSCOPED =
    "fake-Pa55word-of-ci", "fake-token-qwertzuiop", "unscoped-yxcvbnm123"
  local FROM_FILE = "fake-line-of-a-file-0815"
  local USER = { user = "ci", password = PASSWORD, domain = "acme", project = "cn-north-4" }
  local SAID = ("you sent %s, %s and %s"):format(PASSWORD, UNSCOPED, FROM_FILE)

  local world, gateway, path
  setup(function()
    world = sign_in.start()
    gateway = world.iam
    path = sign_in.file_with(FROM_FILE .. "\n")
  end)
  teardown(function()
    world:stop()
    os.remove(path)
  end)

  local function token_answer(token)
    return sign_in.token_answer(token or TOKEN)
  end

  local function refusal(status)
    return json(status, { error_code = "A.1", error_msg = SAID })
  end

  -- Signs in by these answers and then asks for what is refused with all secrets repeated, by another request each time.
  local function repeated(case)
    gateway:reset()
    gateway:script(case.answers, refusal(400))
    local events, on_event = sign_in.collect()
    local options = case.options or {}
    options.endpoint, options.iam_endpoint = gateway.url, gateway.url
    options.retry, options.on_event = false, on_event
    local variables = { HOME = "/nonexistent", CODEARTS_BUILD_METADATA_ENDPOINT = gateway.url }
    for name, value in pairs(case.variables or {}) do
      variables[name] = value
    end
    local client = world:client(options, variables)
    for _ = 1, 2 do
      local _, err = client:run()
      assert.truthy(err.message:find("you sent", 1, true), err.message)
      check({ err, events }, case.secrets, "what is told")
    end
    assert.equal(#case.answers + 2, #sign_in.requests(gateway))
    client:close()
  end

  local function by_id_token()
    return {
      HUAWEICLOUD_SDK_IDP_ID = "my-idp",
      HUAWEICLOUD_SDK_ID_TOKEN_FILE = path,
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = gateway.url,
    }
  end

  it("is not shown by the service's errors: a password", function()
    repeated { answers = { token_answer() }, options = { auth = USER }, secrets = { PASSWORD } }
  end)

  it("is not shown by the service's errors: one of a function", function()
    local function auth()
      return USER
    end
    repeated { answers = { token_answer() }, options = { auth = auth }, secrets = { PASSWORD } }
  end)

  it("is not shown by the service's errors: an id token, and what came of it", function()
    repeated {
      answers = { json(201, { token = {} }, { { "X-Subject-Token", UNSCOPED } }), key_answer() },
      variables = by_id_token(),
      secrets = { FROM_FILE, UNSCOPED },
    }
  end)

  it("is not shown by the service's errors: a cloud server's token", function()
    repeated {
      answers = { { "answer", status = 200, body = UNSCOPED }, key_answer() },
      secrets = { UNSCOPED },
    }
  end)

  it("is not shown by the service's errors: a pod's token", function()
    repeated {
      answers = { { "answer", status = 500 }, key_answer() },
      variables = {
        HC_CONTAINER_CREDENTIALS_FULL_URI = gateway.url .. "/pod",
        HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = path,
      },
      secrets = { FROM_FILE },
    }
  end)

  it("is not shown by what IAM says of a password with control characters in its midst", function()
    local password = "P@s-w0!#"
    for _, count in ipairs { 1, 17, 40 } do
      gateway:reset()
      gateway:script(
        {},
        json(400, {
          error_code = "IAM.1",
          error_msg = "cannot take P" .. ("\1"):rep(count) .. "@s-w0!# here",
        })
      )
      local client = world:client({
        auth = { user = "ci", password = password, domain = "acme", project = "cn-north-4" },
        endpoint = gateway.url,
        iam_endpoint = gateway.url,
        retry = false,
      })
      local _, err = client:run()
      client:close()
      for _, text in ipairs { err.message, err.error_msg, tostring(err) } do
        assert.is_nil(text:find("P%s?@s%-w0!#"), text)
      end
    end
  end)

  it("is not shown by what IAM says when it is asked for the project", function()
    gateway:reset()
    gateway:script({
      json(201, { token = {} }, { { "X-Subject-Token", UNSCOPED } }),
      key_answer(),
    }, refusal(403))
    local events, on_event = sign_in.collect()
    local client = world:client({
      region = "cn-north-4",
      iam_endpoint = gateway.url,
      retry = false,
      on_event = on_event,
    }, by_id_token())
    local _, err = client:run()
    client:close()
    assert.equal("/v3/projects?name=cn-north-4", sign_in.requests(gateway)[3].path)
    assert.equal("A.1", err.error_code)
    check({ err, events }, { FROM_FILE, UNSCOPED }, "what is told")
  end)

  for name, answers in pairs {
    ["the service"] = { token_answer() },
    IAM = {},
  } do
    it("is not shown by what is told of a call with credentials of its own: by " .. name, function()
      gateway:reset()
      gateway:script(answers, refusal(400))
      local client = build.new {
        endpoint = gateway.url,
        iam_endpoint = gateway.url,
        auth = "fake-token-of-the-client",
        retry = false,
        proxy = false,
      }
      local _, err = client:try_run({ job_id = run_job.JOB_ID }, { auth = USER })
      assert.equal("A.1", err.error_code)
      check(err, { PASSWORD }, "the error")
      for _ = 1, 2 do
        local _, later = client:try_run { job_id = run_job.JOB_ID }
        assert.equal("A.1", later.error_code)
        check(later, { PASSWORD }, "a later call's error")
      end
      client:close()
    end)
  end

  local JOB = { job_id = run_job.JOB_ID }

  -- A client that signs in as somebody else, and what a refusal tells it that repeats what others were sent with.
  local function other_client(on_event)
    local client = build.new {
      endpoint = gateway.url,
      iam_endpoint = gateway.url,
      auth = "fake-token-of-the-client",
      on_event = on_event,
      retry = false,
      proxy = false,
    }
    local function refused_one()
      local _, err = client:try_run(JOB)
      assert.equal("A.1", err.error_code)
      return err
    end
    return client, refused_one
  end

  local function until_one_waits(client)
    repeat
      client:step(0.01)
    until gateway:stats().waiting == 1
  end

  for _, ending in ipairs { "cancelled", "at its deadline" } do
    it("is not shown by other calls while one signs in, nor later if it was " .. ending, function()
      local answer = token_answer()
      answer[1] = "ok_on_release"
      gateway:reset()
      gateway:script(
        { answer },
        json(400, { error_code = "A.1", error_msg = PASSWORD .. " and " .. TOKEN })
      )
      local signed_in = false
      local client, refused_one = other_client(function(event)
        signed_in = signed_in or event.type == "sign_in"
      end)
      local is_cancelled = ending == "cancelled"
      local call = client:start(JOB, { auth = USER, deadline = not is_cancelled and 0.2 or nil })
      until_one_waits(client)
      check(refused_one(), { PASSWORD }, "another call's error")
      if is_cancelled then
        call:cancel()
      end
      local _, err = call:try_wait(20)
      assert.equal("not_started", err.outcome)
      check(refused_one(), { PASSWORD }, "a later call's error")
      gateway:release()
      repeat
        client:step(0.01)
      until signed_in
      check(refused_one(), { PASSWORD, TOKEN }, "a later call's error")
      client:close()
    end)
  end

  it(
    "is not shown by other calls: a token of one alone, under way and once it was refused",
    function()
      local own = { "fake-token-of-a-start", "fake-token-of-a-request" }
      local refusing = json(400, { error_code = "A.1", error_msg = table.concat(own, " and ") })
      for _, last in ipairs { "a start", "a request" } do
        gateway:reset()
        gateway:script({ { "ok_on_release", status = 400 } }, refusing)
        local client, refused_one = other_client()
        local call = last == "a start" and client:start(JOB, { auth = own[1] })
          or client:request({ path = "/x" }, { auth = own[2] })
        local secrets = { last == "a start" and own[1] or own[2] }
        until_one_waits(client)
        check(refused_one(), secrets, "the error of another than " .. last)
        gateway:release()
        local _, err = call:try_wait(20)
        assert.equal(400, err.status)
        check(refused_one(), secrets, "a later error than that of " .. last)
        client:close()
      end
    end
  )

  for _, name in ipairs { "get", "lock", "set" } do
    it("is not shown by a structured error of a token store: " .. name, function()
      gateway:reset()
      gateway:script({ token_answer() }, refusal(400))
      local store, others = {}, "token-of-somebody-else-4711"
      for member, f in pairs(sign_in.FORGETFUL) do
        store[member] = f
      end
      store[name] = function(_, entry)
        entry = tostring(entry) .. ('{"auth":{"token":"%s"}}'):format(others)
        local said = ('%s, "%s": %s'):format(PASSWORD, TOKEN, entry)
        return nil, core.error { kind = "api", message = "refused " .. said, error_msg = said }
      end
      local events, on_event = sign_in.collect()
      local client = world:client {
        endpoint = gateway.url,
        iam_endpoint = gateway.url,
        auth = USER,
        token_store = store,
        retry = false,
        on_event = on_event,
      }
      local _, err = client:run()
      client:close()
      assert.same({ "api", "refused ***, " }, { err.kind, err.message:sub(1, 13) })
      assert.equal(err.message, events[1].error.message)
      check({ err, events }, { PASSWORD, others, name == "set" and TOKEN or nil }, "what is told")
    end)
  end

  it("is not forgotten for what came of it since", function()
    local answers = {}
    for i = 1, 20 do
      answers[#answers + 1] = token_answer(("another-%d-token-%d"):format(i, i * i))
      answers[#answers + 1] = i < 20 and refusal(401) or nil
    end
    gateway:reset()
    gateway:script(answers, refusal(400))
    local client = world:client {
      endpoint = gateway.url,
      iam_endpoint = gateway.url,
      auth = USER,
      token_store = sign_in.FORGETFUL,
      retry = false,
    }
    local asked = 0
    while asked < 41 do
      local _, err = client:run()
      check(err, { PASSWORD }, "the error")
      asked = #sign_in.requests(gateway)
    end
    client:close()
  end)
end)

describe("what signs in", function()
  it("asks no name server for a key that stands in IAM's place, and does not repeat it", function()
    local key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    for _, iam in ipairs { key, key:gsub("/", ""), "https://iam.invalid/" .. key } do
      local client = build.new {
        endpoint = "http://127.0.0.1:9",
        iam_endpoint = iam,
        auth = { user = "u", password = key, domain = "d", project = "p" },
        retry = false,
      }
      local _, err = client:try_run { job_id = ("a"):rep(32) }
      assert.equal(iam:find "invalid" and "transport" or "config", err.kind)
      assert.is_nil(tostring(err):find(key, 1, true), tostring(err))
      client:close()
    end
  end)

  it("takes for this machine its addresses alone, and no names that look like some", function()
    local http = require "codearts.build.sign_in.http"
    for host, safe in pairs {
      ["127.0.0.1"] = true,
      ["127.255.0.10:8080"] = true,
      ["localhost"] = true,
      ["[::1]:80"] = true,
      ["127.0.0.256"] = false,
      ["127.0.0.01"] = false,
      ["127.0.0.1000"] = false,
      ["127.0.0.1.example"] = false,
      ["169.254.170.23"] = false,
    } do
      assert.equal(safe, http.is_safe("http://" .. host .. "/x"), host)
    end
    assert.is_false(http.is_safe("http://169.254.1.999/x", "^169%.254%.%d+%.%d+$"))
    assert.is_true(http.is_safe("http://169.254.170.23/x", "^169%.254%.%d+%.%d+$"))
    local client = build.new {
      endpoint = "http://127.0.0.1:9",
      iam_endpoint = "http://127.0.0.999",
      auth = { user = "u", password = "hidden-password", domain = "d", project = "p" },
    }
    local _, err = client:try_run { job_id = ("a"):rep(32) }
    assert.same({ "config", "not_started" }, { err.kind, err.outcome })
    client:close()
  end)
end)
