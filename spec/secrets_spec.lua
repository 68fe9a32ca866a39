-- No secret is ever shown: not by tostring, not by a member of an error, not by an event, not by
-- build.meta, whatever the other side writes back.
local build = require "codearts.build"
local core = require "codearts.build.core"
local flow_client = require "spec.support.flow_client"
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local shown = require "spec.support.shown"

local JOB = { job_id = run_job.JOB_ID }

local PIECE, FORMS, TOKEN = shown.PIECE, shown.FORMS, shown.TOKEN
local check_text, check, json, places = shown.check_text, shown.check, shown.json, shown.places

describe("secrets in answers:", function()
  local server, events, client
  setup(function()
    server = servers.start()
    events = {}
    client = build.new {
      endpoint = server.url,
      auth = TOKEN,
      retry = { max_attempts = 2, base_delay = 0 },
      proxy = false,
      on_event = function(event)
        events[#events + 1] = event
      end,
    }
  end)
  teardown(function()
    client:close()
    server:stop()
  end)

  local function provoke(place, secrets, opts)
    server:script({}, {
      "answer",
      status = place.status or 401,
      body = place.body,
      headers = place.headers,
    })
    for i = #events, 1, -1 do
      events[i] = nil
    end
    local _, err = client:try_run(JOB, opts)
    assert(err, "an error was expected")
    check(err, secrets, "the error")
    check(build.meta(err), secrets, "the meta data")
    check(events, secrets, "an event")
    assert.is_nil(tostring(err):find "%c")
    return err
  end

  for name, form in pairs(FORMS) do
    it("a token " .. name, function()
      for _, place in ipairs(places(form(TOKEN))) do
        provoke(place, { TOKEN })
      end
    end)
  end

  it("a token that the server has cut", function()
    for length = PIECE, #TOKEN, 7 do
      local piece = TOKEN:sub(1, length)
      for _, body in ipairs {
        "decrypt token fail: " .. piece,
        "decrypt token fail: " .. piece .. "...",
        ('{"code":"A.1","message":"%s..."}'):format(json(piece)),
      } do
        provoke({ body = body }, { TOKEN })
      end
    end
  end)

  it("a token at the edge of what is looked at", function()
    local long = ("T0ken-"):rep(16000)
    local filler = ("y"):rep(131072 - 20)
    for _, body in ipairs { long, filler .. long, long:rep(3) } do
      provoke({ body = body }, { long }, { auth = long })
    end
    local words = json(filler .. long)
    for _, form in ipairs { '{"error_code":"%s","error_msg":"m"}', '{"code":"A.1","message":"%s"}' } do
      provoke({ body = form:format(words) }, { long }, { auth = long })
    end
  end)

  it("a very short token hides all of the text", function()
    for _, token in ipairs { "a", "ab", "abc" } do
      local err = provoke({ body = "x " .. token .. " y" }, {}, { auth = token })
      assert.equal("***", err.error_msg)
    end
  end)

  it("what is no secret stays readable", function()
    local err = provoke(
      { body = '{"code":"APIGW.0301","message":"decrypt token fail: ' .. TOKEN:sub(1, 3) .. '"}' },
      {}
    )
    assert.equal("decrypt token fail: " .. TOKEN:sub(1, 3), err.error_msg)
    err = provoke({ body = "before " .. TOKEN .. " after" }, { TOKEN })
    assert.equal("before *** after", err.error_msg)
  end)

  it("a key pair, its security token and its signature", function()
    local key = {
      ak = "AKEXAMPLE",
      sk = "sk-0123456789-abcdefghij",
      security_token = "STOKEN/" .. ("x+="):rep(30),
    }
    local secrets = { key.sk, key.security_token }
    for _, behaviour in ipairs { "echo_authorization", "echo_canonical", "echo_body" } do
      for _, status in ipairs { 401, 403, 500 } do
        server:reset()
        server:script({}, { behaviour, status = status })
        local _, err = client:try_run(JOB, { auth = key })
        local sent = server:stats().requests[1].headers
        local signature = sent.authorization:match "Signature=(%x+)"
        assert.equal(64, #signature)
        assert.equal(key.security_token, sent["x-security-token"])
        check(err, { signature, key.sk, key.security_token }, behaviour)
        assert.truthy(err.message:find("***", 1, true), err.message)
      end
    end
    for _, form in pairs(FORMS) do
      for _, secret in ipairs(secrets) do
        for _, place in ipairs(places(form(secret))) do
          provoke(place, secrets, { auth = key })
        end
      end
    end
  end)

  it("the secrets of a request of one's own", function()
    local password = 'p\195\164ss "w\\rd" +1'
    for name, text in pairs {
      plain = password,
      json = json(password),
      ascii = 'p\\u00e4ss \\"w\\\\rd\\" +1',
      form = "p%C3%A4ss+%22w%5Crd%22+%2B1",
      html = "p&#228;ss &quot;w\\rd&quot; +1",
    } do
      server:script({}, { "answer", status = 400, body = "you sent " .. text })
      local call = client:request { path = "/x", auth = false, secrets = { password } }
      local ok, err = pcall(call.wait, call)
      assert.is_false(ok)
      assert.equal("you sent ***", err.error_msg, name)
    end
  end)

  it("the password and the token behind the name of a scheme", function()
    for value, told in pairs {
      ["Basic dXNlcjp3MHJk"] = "w0rd",
      [" basic\t dXNlcjpodW50LXIy "] = "hunt-r2",
      ["BASIC dXNlcjpodW50LXI5Nw=="] = "hunt-r97",
      ["Basic dXNlcjpodW50LXI5Nw"] = "hunt-r97", -- as some write it
      ["Basic cGFzcy13b3JkLTEyMw=="] = "pass-word-123", -- without a user
      ["Basic c2tfbGl2ZV9rZXk6eA"] = "sk_live_key", -- as the user, beside no password
      ["Basic c2tfbGl2ZV9rZXlfMTp1bnVzZWQ="] = "sk_live_key_1", -- or beside one that says nothing
      ["bearer\t hunt-r2 "] = "hunt-r2",
      [" \tP@s-w0!# "] = "P@s-w0!#", -- without a scheme: blanks around a value are none of it
    } do
      server:script({}, { "answer", status = 400, body = ("not %s, user"):format(told) })
      local headers = { Authorization = value }
      local call = client:request { path = "/x", auth = false, headers = headers }
      local ok, err = pcall(call.wait, call)
      assert.is_false(ok)
      assert.equal("not ***, user", err.error_msg)
    end
  end)

  it("more secrets than there is room for are refused, not forgotten", function()
    local many = {}
    for i = 1, 35 do
      many[i] = "secret-" .. i
    end
    local ok, err = pcall(client.request, client, { path = "/x", secrets = many })
    assert.is_false(ok)
    assert.equal("secrets", err.field)
  end)

  it("the request id in the meta data of a result", function()
    server:script {
      {
        "answer",
        status = 200,
        body = '{"actual_build_number":"1"}',
        headers = { { "X-Request-Id", TOKEN } },
      },
    }
    check(build.meta(client:run(JOB)), { TOKEN }, "the meta data")
  end)
end)

describe("secrets of an IAM password:", function()
  local service, iam
  setup(function()
    service, iam = servers.start(), servers.start()
  end)
  teardown(function()
    service:stop()
    iam:stop()
  end)

  local PASSWORD = 'corr/ect "h\\rse" <b&ttery> %41'

  local function provoke(place)
    local events = {}
    local client = build.new {
      endpoint = service.url,
      iam_endpoint = iam.url,
      auth = { user = "u", password = PASSWORD, domain = "d", project = "p" },
      retry = false,
      proxy = false,
      on_event = function(event)
        events[#events + 1] = event
      end,
    }
    iam:reset()
    iam:script(
      {},
      { "answer", status = place.status or 401, body = place.body, headers = place.headers }
    )
    local _, err = client:try_run(JOB)
    client:close()
    assert(err, "an error was expected")
    check(err, { PASSWORD }, "the error")
    check(events, { PASSWORD }, "an event")
    assert.is_true(#events > 0)
    assert.truthy(iam:stats().requests[1].body:find('"corr', 1, true))
  end

  for name, form in pairs(FORMS) do
    it("written back " .. name, function()
      for _, place in ipairs(places(form(PASSWORD))) do
        if place.status ~= 200 then
          provoke(place)
        end
      end
    end)
  end

  it("nothing was sent to the service", function()
    assert.equal(0, service:stats().processed)
  end)
end)

describe("secrets of an access key whose project is looked up:", function()
  local service, iam
  setup(function()
    service, iam = servers.start(), servers.start()
  end)
  teardown(function()
    service:stop()
    iam:stop()
  end)

  local SK, SECURITY_TOKEN = "sk-0123456789-abcdefghij", "STOKEN/" .. ("x+="):rep(30)

  for name, answer in pairs {
    ["a message"] = { body = '{"error":{"code":403,"message":"you sent @ !","title":"x"}}' },
    ["a code"] = { body = '{"error_code":"@","error_msg":"m"}' },
    ["a request id"] = { body = "{}", headers = { { "X-Request-Id", "@" } } },
    ["another request id"] = { body = "{}", headers = { { "X-IAM-Trace-Id", "@" } } },
    ["a type"] = { status = 200, body = "<html>", kind = "text/@" },
    ["the ids of projects"] = { status = 200, body = '{"projects":[{"id":"@"},{"id":"b"}]}' },
    ["many ids"] = {
      status = 200,
      body = '{"projects":[' .. ('{"id":"many"},'):rep(500) .. '{"id":"@"}]}',
    },
  } do
    it("are not told by " .. name, function()
      local events = {}
      local client = flow_client.new({
        region = "cn-north-4",
        iam_endpoint = iam.url,
        auth = { ak = "AKEXAMPLE", sk = SK, security_token = SECURITY_TOKEN },
        retry = false,
        proxy = false,
        on_event = function(event)
          events[#events + 1] = event
        end,
      }, { HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = service.url })
      answer[1], answer.status = "echo_anywhere", answer.status or 403
      iam:reset()
      iam:script({}, answer)
      local _, err = client:run()
      client:close()
      assert.is_true(build.is_error(err))
      local sent = iam:stats().requests[1].headers
      local secrets = { sent.authorization:match "Signature=(%x+)", SK, SECURITY_TOKEN }
      assert.equal(3, #secrets)
      assert.equal(SECURITY_TOKEN, sent["x-security-token"])
      check(err, secrets, "the error")
      assert.is_true(#events > 0)
      check(events, secrets, "an event")
      assert.is_true(#err.message < 500, err.message)
    end)
  end

  it("nor by the answer itself, to who looks through it", function()
    iam:reset()
    iam:script { { "answer", status = 403, body = "{}" } }
    local client = build.new { endpoint = iam.url, auth = { ak = "AK", sk = SK }, proxy = false }
    local own = "MIIFown-qwertzuiop"
    local answer = client:request({ path = "/", answer = "raw", secrets = { own } }):wait()
    check(answer, { own }, "the answer")
    assert.equal("you sent ***", client:mask("you sent " .. own, answer))
    assert.equal("you sent " .. own, client:mask("you sent " .. own))
    client:close()
  end)
end)

describe("secrets of a proxy:", function()
  local server
  setup(function()
    server = servers.start() -- as a proxy it gets the whole request
  end)
  teardown(function()
    server:stop()
  end)

  local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  local function base64(text)
    local out = {}
    for i = 1, #text, 3 do
      local a, b, c = text:byte(i, i + 2)
      local n = a * 65536 + (b or 0) * 256 + (c or 0)
      for k = 1, 4 do
        local digit = math.floor(n / 64 ^ (4 - k)) % 64 + 1
        out[#out + 1] = (k == 3 and not b or k == 4 and not c) and "=" or BASE64:sub(digit, digit)
      end
    end
    return table.concat(out)
  end

  for name, case in pairs {
    ["as it is"] = { "user:Swordfish-1234", "user:Swordfish-1234" },
    ["percent-encoded"] = { "user:p%40ss%3Aw%2Frd%25", "user:p@ss:w/rd%" },
  } do
    it("a password " .. name, function()
      local password, raw = case[2]:match ":(.*)", case[1]:match ":(.*)"
      local encoded = base64(case[2])
      local client = build.new {
        endpoint = "http://service.test",
        allow_http = true,
        auth = run_job.TOKEN,
        retry = false,
        proxy = server.url:gsub("://", function()
          return "://" .. case[1] .. "@"
        end),
        no_proxy = "elsewhere.test",
      }
      for _, text in ipairs { password, raw, "Basic " .. encoded } do
        for _, form in pairs(FORMS) do
          server:reset()
          server:script({}, { "answer", status = 407, body = form("you sent " .. text) })
          local _, err = client:try_run(JOB)
          assert.equal(407, err.status, tostring(err))
          check(err, { password, raw, encoded }, "the error")
        end
      end
      assert.equal("Basic " .. encoded, server:stats().requests[1].headers["proxy-authorization"])
      client:close()
    end)
  end

  it("a key in the place of the user", function()
    for _, form in ipairs { "%s@", "%s:@" } do
      local client = build.new {
        endpoint = "http://service.test",
        allow_http = true,
        auth = run_job.TOKEN,
        retry = false,
        proxy = server.url:gsub("://", function()
          return "://" .. form:format "API%2DKEY-0123456789"
        end),
        no_proxy = "elsewhere.test",
      }
      local encoded = base64 "API-KEY-0123456789:"
      server:reset()
      server:script({}, { "answer", status = 407, body = "no API-KEY-0123456789, " .. encoded })
      local _, err = client:try_run(JOB)
      client:close()
      assert.equal("Basic " .. encoded, server:stats().requests[1].headers["proxy-authorization"])
      assert.equal("no ***, ***", err.error_msg)
    end
  end)

  it("but neither a short name nor the address of one without a password", function()
    for proxy, told in pairs {
      ["http://me@proxy.invalid:3128"] = "proxy.invalid",
      ["http://proxy.invalid:3128"] = "proxy.invalid",
      ["proxy.invalid"] = "proxy.invalid",
      ["socks9://proxy.invalid:3128"] = "socks9://proxy.invalid:3128",
    } do
      local client = build.new {
        endpoint = "https://service.test",
        auth = "x-x-x-x",
        retry = false,
        proxy = proxy,
      }
      local _, err = client:try_run(JOB)
      client:close()
      assert.truthy(err.message:find(told, 1, true), err.message)
    end
  end)

  it("a proxy that libcurl does not understand", function()
    for _, proxy in ipairs {
      "http://user:Swordfish-1234@1@127.0.0.1:9",
      "socks9://user:Swordfish-1234@127.0.0.1:9",
      "http://user:Swordfish-1234@127.0.0.1:99999999",
      "http://user:Swordfish-1234@[::1",
      "user:Swordfish-1234@127.0.0.1:9",
      "http://user:Swordfish-1234@",
      "http://user:Swordfish-1234",
      "user:Swordfish-1234",
      "http:user:Swordfish-1234@127.0.0.1:9",
      "user:x://Swordfish-1234",
      "http://Swordfish-1234@[::1",
      "http://Swordfish-1234@127.0.0.1:9x",
      "http://user%3ASwordfish-1234@127.0.0.1:port",
      "http://user%3A%53wordfish-1234@127.0.0.1:port",
      "socks9://Swordfish-1234@127.0.0.1:9",
    } do
      local ok, client = pcall(build.new, {
        endpoint = "https://service.test", -- not on this machine, which no proxy is used for
        auth = run_job.TOKEN,
        retry = false,
        proxy = proxy,
        no_proxy = "elsewhere.test",
      })
      local err, _ = client, nil
      if ok then
        _, err = client:try_run(JOB)
        client:close()
      end
      assert.is_true(build.is_error(err), proxy)
      check(err, { "Swordfish-1234" }, proxy)
    end
  end)
end)

describe("secrets in bad arguments and options:", function()
  local SECRET = "Swordfish-1234"
  local function options(more)
    local all = { endpoint = "http://127.0.0.1:9", auth = "x", proxy = false }
    for name, value in pairs(more) do
      all[name] = value
    end
    return all
  end

  for name, more in pairs {
    ["a token with a blank"] = { auth = SECRET .. " " },
    ["a token with a line break"] = { auth = SECRET .. "\r\nX-Evil: 1" },
    ["a token with bad UTF-8"] = { auth = SECRET .. "\255" },
    ["an empty secret key"] = { auth = { ak = SECRET, sk = "" } },
    ["a token beside a key"] = { auth = { token = SECRET, ak = SECRET, sk = SECRET } },
    ["a token under another name"] = { auth = { tokn = SECRET } },
    ["a token in a list"] = { auth = { SECRET } },
    ["a token in the place of its name"] = { auth = { [SECRET .. SECRET] = 1 } },
    ["a token behind a name and a NUL byte"] = { auth = { ["token\0" .. SECRET .. SECRET] = 1 } },
    ["a key without its half"] = { auth = { sk = SECRET } },
    ["a password alone"] = { auth = { password = SECRET } },
    ["a number for a secret"] = { auth = { token = SECRET, ak = 1, sk = 2 } },
    ["an endpoint with a password"] = { endpoint = "https://user:" .. SECRET .. "@service.test" },
    ["an endpoint with a password and a blank"] = {
      endpoint = "https://user:" .. SECRET .. "@ service.test",
    },
    ["an endpoint with a token"] = { endpoint = "https://service.test/?token=" .. SECRET },
    ["a proxy with a blank"] = { proxy = "http://user:" .. SECRET .. "@ 127.0.0.1" },
    ["a proxy with a line break"] = { proxy = "http://user:" .. SECRET .. "@127.0.0.1\n" },
    ["a header of the library"] = { headers = { ["X-Auth-Token"] = SECRET } },
    ["a header with a line break"] = { headers = { ["X-Mine"] = SECRET .. "\r\n" } },
    ["a key password of the wrong type"] = { tls = { key_password = { SECRET } } },
    ["a key password with a control character"] = { tls = { key_password = SECRET .. "\0" } },
  } do
    it(name, function()
      local ok, err = pcall(build.new, options(more))
      assert.is_false(ok)
      assert.is_true(build.is_error(err), tostring(err))
      check(err, { SECRET }, name)
      ok, err = pcall(core.new, options(more))
      if not ok then
        check(err, { SECRET }, name)
      end
    end)
  end

  it("an address in which what was meant for a user would be asked of a name server", function()
    local client = build.new(options {})
    for _, url in ipairs { "https://%s/x@service.test/", "https://u:12/%s@service.test/" } do
      local ok, err =
        pcall(client.request, client, { url = url:format(SECRET), auth = false, answer = "raw" })
      assert.is_false(ok)
      assert.equal("config", err.kind)
      check(err, { SECRET }, url)
    end
    client:close()
  end)

  it("a client, a call and the versions say nothing", function()
    local client =
      build.new(options { auth = SECRET, proxy = "http://u:" .. SECRET .. "@127.0.0.1:9" })
    local call = client:start(JOB)
    check_text(
      tostring(client) .. tostring(client.core) .. tostring(call) .. tostring(call.core),
      { SECRET },
      "tostring"
    )
    check(build.versions(), { SECRET }, "versions")
    client:close()
  end)

  it("the password of a key, when the key cannot be read", function()
    local certs = require("spec.support.certs").shared()
    local server = servers.start { tls = true }
    local client = build.new(options {
      endpoint = server.url,
      retry = false,
      tls = { ca_file = certs.ca, cert_file = certs.ca, key_file = certs.ca, key_password = SECRET },
    })
    local _, err = client:try_run(JOB)
    client:close()
    server:stop()
    assert.is_true(build.is_error(err))
    check(err, { SECRET }, "the error")
  end)

  it("what stands where a file's path should", function()
    local certs = require("spec.support.certs").shared()
    local server = servers.start { tls = true }
    for _, name in ipairs { "key_file", "cert_file", "ca_file", "ca_path" } do
      local tls = { ca_file = certs.ca, cert_file = certs.client, key_file = certs.client_key }
      tls[name] = SECRET
      local client = build.new(options { endpoint = server.url, retry = false, tls = tls })
      local result, err = client:try_run(JOB)
      client:close()
      assert.is_true(build.is_error(err) or name == "ca_path" and result ~= nil, name)
      check(err, { SECRET }, name)
    end
    local folder = certs.client:match "^(.*)/"
    local tls = { ca_file = certs.ca, cert_file = folder .. "/nothing.pem", key_file = certs.ca }
    local client =
      build.new(options { auth = SECRET, endpoint = server.url, retry = false, tls = tls })
    local _, err = client:try_run(JOB)
    client:close()
    assert.truthy(tostring(err):find(folder .. "/nothing.pem", 1, true), tostring(err))
    server:stop()
  end)
end)

describe("core.mask", function()
  it("answers the text when nothing is to be hidden", function()
    assert.equal("a \195\164 \\u0041 %41", core.mask("a \195\164 \\u0041 %41", {}))
  end)

  it("hides every occurrence, the longest first", function()
    assert.equal(
      "*** and *** and ***",
      core.mask(
        "secret-one and secret-two and secret-one",
        { "secret-", "secret-one", "secret-two" }
      )
    )
  end)

  it("takes an escape for what it is or for itself", function()
    for secret, texts in pairs {
      ["a&amp;b"] = { "a&amp;b", "a&amp;amp;b" },
      ["100%25 sure"] = { "100%25 sure", "100%2525%20sure" },
      ["back\\slash"] = { "back\\slash", "back\\\\slash", "back\\u005cslash", "back%5Cslash" },
      ["\\n is not it"] = { "\\n is not it", "\\\\n is not it" },
      ["\\u00e9\\x41\\303"] = { "\\\\u00e9\\\\x41\\\\303", "\\u005cu00e9%5Cx41\\\\303" },
      ["P@ss[w0rd]!#$%*+,./:;=?^_`{|}\\(1)"] = {
        "P&commat;ss&lsqb;w0rd&rsqb;&excl;&num;&dollar;&percnt;&ast;&plus;&comma;&period;&sol;&colon;"
          .. "&semi;&equals;&quest;&Hat;&lowbar;&grave;&lcub;&verbar;&rcub;&bsol;&lpar;1&rpar;",
        "P&amp;commat;ss&lbrack;w0rd&rbrack;!#$%*+,./:;=?^&UnderBar;`&lbrace;&vert;&rbrace;\\(1)",
      },
      ["snow\226\152\131man"] = {
        "snow\226\152\131man",
        "snow\\u2603man",
        "snow%E2%98%83man",
        "snow%25E2%2598%2583man",
        "snow&#9731;man",
      },
      ["smile\240\159\152\128s"] = {
        "smile\\ud83d\\ude00s",
        "smile\\\\ud83d\\\\ude00s",
        "smile&#x1F600;s",
      },
    } do
      for _, text in ipairs(texts) do
        assert.equal("<***>", core.mask("<" .. text .. ">", { secret }))
      end
    end
  end)

  it("hides each piece of one that something else divides", function()
    local secret = "MIIFxwYJKoZIhvcNAQcCoIIFuDCCBbQCAQExDTALBglghkgB"
    for _, between in ipairs {
      "<br>",
      "<wbr/>\n",
      "=\r\n",
      '" +\n  "',
      "\226\128\139",
      "%0A",
      "&#10;",
      " ... ",
    } do
      local text = secret:gsub(("."):rep(16), function(piece)
        return piece .. between
      end)
      local masked = core.mask("a " .. text .. " z", { secret, "another-secret" })
      for at = 1, #secret - 7 do
        assert.is_nil(masked:find(secret:sub(at, at + 7), 1, true), masked)
      end
      assert.truthy(masked:find("^a .* z$"), masked)
    end
    -- What is left of one may be a word that stands elsewhere, too.
    assert.equal("*** and end", core.mask("12345678 and end", { "12345678end" }))
  end)

  it("leaves the blanks behind a piece", function()
    assert.equal("*** of it", core.mask("12345678 of it", { "1234567890" }))
  end)

  it("hides a piece from wherever in one, and hides no ordinary word for it", function()
    local secret = "MIIFxwYJKoZIhvcNAQcCoIIFuDCCBbQ/AQExDTALBglghkgB"
    for from = 1, #secret - 12 do
      local piece = secret:sub(from, from + 12) -- twelve letters and digits at least
      local parted, other = piece:gsub(".", "%0 "), piece:gsub("/", "?")
      for _, form in ipairs { piece, piece:upper(), parted:sub(1, -2), other } do
        local masked = core.mask("0:" .. form .. ".", { "another-secret", secret })
        assert.equal("0:***.", (masked:gsub("[/? ]", ""))) -- what is no letter may stay beside it
      end
    end
    for _, text in ipairs {
      "request 0f1e2d3c4b5a69788796a5b4c3d2e1f0 of job f9d6c8466d614a9788e9a0acf6c15f46",
      "decrypt token fail: the token is not valid for this project, please sign in again",
      "the configuration of the authentication service is unavailable",
    } do
      assert.equal(text, core.mask(text, { secret, "fake-token-of-the-configured-service" }))
    end
  end)

  it("writes one mask for what belongs together", function()
    assert.equal(
      "*** and ***",
      core.mask("secret-1secret-2 and secret-2", { "secret-1", "secret-2" })
    )
    assert.equal("?***?", core.mask("\0secret-1\255", { "secret-1" }))
  end)

  it("hides all where there is more to be looked for than it can", function()
    local long = {}
    for i = 1, 9 do
      long[i] = ("%d-"):format(i) .. ("0123456789abcdefghij"):rep(400)
    end
    local text = ("x "):rep(5000)
    assert.equal(text, core.mask(text, { long[1], long[2] }))
    assert.equal("***", core.mask(text, long))
  end)

  it("is quick about hostile texts", function()
    for _, text in ipairs {
      ("\\"):rep(500000),
      ("&"):rep(500000),
      ("%4"):rep(250000),
      ("a"):rep(500000),
      ("\\u"):rep(250000),
      "a" .. ("\n"):rep(500000),
      ("a\n"):rep(250000),
      ("&#"):rep(250000),
      ("a "):rep(250000),
      ("a" .. (" "):rep(99)):rep(5000),
    } do
      assert.equal(
        "string",
        type(core.mask(text, { ("a"):rep(7) .. "b", ("\\"):rep(100) .. "x", "&#x", "a\n\n" }))
      )
    end
  end)
end)

describe("more secrets than are looked for", function()
  it("hide the whole text", function()
    local secrets = {}
    for i = 1, 128 do
      secrets[i] = ("secret-number-%d"):format(i)
      secrets[i + 128] = secrets[i] -- that takes no room
    end
    assert.equal("a *** b", core.mask("a secret-number-128 b", secrets))
    secrets[257] = "secret-number-129"
    assert.equal("***", core.mask("a secret-number-1 b", secrets))
    assert.equal("***", core.mask("nothing of interest", secrets))
  end)
end)
