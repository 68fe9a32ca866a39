-- What a build says of itself shows no secret that the service repeats: not in errors, not in the progress of a wait.
local build = require "codearts.build"
local core = require "codearts.build.core"
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local shown = require "spec.support.shown"

local FORMS, TOKEN, check, json = shown.FORMS, shown.TOKEN, shown.check, shown.json

describe("a build that tells of itself", function()
  local server
  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)

  it("shows no token, whatever the service writes there", function()
    local client = build.new { endpoint = server.url, auth = TOKEN, retry = false, proxy = false }
    local told = {}
    local function note(...)
      told[#told + 1] = { ... }
    end
    local this = client:build(run_job.JOB_ID, 20)
    for _, form in pairs(FORMS) do
      local text = json(form(TOKEN))
      local body =
        [[{"result":{"status":STATUS,"err_msg":"bad @ used","x":["@",{"@":1}],"build_record_id":"r1",
        "build_stages":{"s":{"display_name":"@"},"t":{"display_name":"@"}}},
        "build_steps":[{"name":"@","status":"@"}]}]]
      for _, status in ipairs { '"FAILURE"', '"@"' } do
        local answer = body:gsub("STATUS", status):gsub("@", function()
          return text
        end)
        server:script({}, { "answer", body = answer })
        note(pcall(this.wait, this, { timeout = 0.01, on_progress = note }))
        note(pcall(this.log, this, { step = "nosuch" }))
        note(pcall(this.log, this, { step = form(TOKEN) }))
      end
    end
    check(told, { TOKEN }, "a build")
    client:close()
    local kinds = {}
    for _, each in ipairs(told) do
      kinds[each[1] == false and each[2].kind or "progress"] = true
    end
    assert.same({ progress = true, build = true, timeout = true, usage = true }, kinds)
  end)

  it("of a long text shows its beginning, wherever the token is cut", function()
    local client = build.new { endpoint = server.url, auth = TOKEN, retry = false, proxy = false }
    local MOST = 8192
    for _, before in ipairs { 0, MOST - 20, MOST + 4096 - 20, MOST + 4096 - #TOKEN - 3 } do
      local text = ("y "):rep(math.floor(before / 2)) .. TOKEN .. (" é"):rep(100000)
      server:script({}, {
        "answer",
        body = '{"result":{"status":"FAILURE","err_msg":"' .. json(text) .. '"}}',
      })
      local this = client:build(run_job.JOB_ID, 20)
      local _, err = pcall(this.wait, this)
      assert.equal("build", err.kind)
      check(err, { TOKEN }, before)
      local told = err.record.err_msg
      assert.truthy(told:find "…$")
      assert.is_true(#told <= MOST + #"…" and #told > MOST - #TOKEN - 8, #told)
    end
    client:close()
  end)

  it("is looked through in time that is in proportion to it, whatever shows a token", function()
    local client = build.new { endpoint = server.url, auth = TOKEN, retry = false, proxy = false }
    local mask = require "codearts.build.client.mask"
    local COUNT = 10000
    for _, every in ipairs { COUNT, COUNT / 10, 1 } do
      local looks, bytes, size = 0, 0, 0
      local counting = {
        mask = function(_, text, ...)
          looks, bytes = looks + 1, bytes + #text
          return client.core:mask(text, ...)
        end,
      }
      local steps = {}
      for i = 1, COUNT do
        local name = i % every == 0 and TOKEN or "a step of a build " .. i
        steps[i] = { name = name, other = "other " .. i, place = i }
        size = size + #name + #steps[i].other + #"name" + #"other" + #"place"
      end
      mask(counting, steps)
      assert.is_true(looks <= 1001, looks)
      assert.is_true(bytes <= 3 * size, ("%d of %d bytes"):format(bytes, size))
      for i = 1, COUNT do
        local hidden = i % every == 0
        assert.equal(i, steps[i].place)
        assert.is_true(hidden == (steps[i].name == "***") or every < COUNT / 10)
      end
      check(steps, { TOKEN }, "steps")
    end
    client:close()
  end)

  it("is hidden with all beside it where much looks like the beginning of a value", function()
    local mask = require "codearts.build.client.mask"
    local secret = "hunter2-Pa55word"
    local secrets = { ("#"):rep(120), secret }
    for _, more in ipairs { "", "\27[0m" } do -- what a terminal obeys is looked at alone
      local bytes, texts = 0, {}
      for i = 1, 400 do
        texts[i] = (("#"):rep(119) .. "b"):rep(50) .. secret .. more
      end
      mask({
        mask = function(_, text)
          bytes = bytes + #text
          return core.mask(text, secrets, true)
        end,
      }, texts)
      assert.is_true(bytes < 2 ^ 23, bytes) -- of 2.4 MB
      assert.is_nil(table.concat(texts):find(secret, 1, true))
    end
  end)

  it("hides no text beside it in an answer that is large", function()
    local mask = require "codearts.build.client.mask"
    for _, size in ipairs { 80, 3000 } do
      local texts, hidden = {}, 0
      for i = 1, 30000 do
        texts[i] = ("x"):rep(size)
      end
      texts[12345] = "the secret"
      mask({
        mask = function(_, text)
          return (text:gsub("secret", "***"))
        end,
      }, texts)
      for _, text in ipairs(texts) do
        hidden = hidden + (text:find("*", 1, true) and 1 or 0)
      end
      assert.equal(1, hidden)
    end
  end)

  it("hides no text beside it because all of them together cannot be looked at", function()
    local mask = require "codearts.build.client.mask"
    local long = {}
    for i = 1, 17 do -- whose pieces are more than are looked for in a long text
      long[i] = ("%d-"):format(i) .. ("0123456789abcdefghij"):rep(250)
    end
    for _, secrets in ipairs { long, { "123" } } do -- a short one hides all of a text that shows it
      local texts = { "20200612.123" }
      for i = 2, 500 do
        texts[i] = ("a harmless text of some build, and %s of it"):format(i % 100)
      end
      assert.is_true(#table.concat(texts) > 16384)
      mask({
        mask = function(_, text)
          return core.mask(text, secrets)
        end,
      }, texts)
      assert.equal("a harmless text of some build, and 2 of it", texts[2])
      assert.equal("a harmless text of some build, and 0 of it", texts[500])
    end
  end)

  it("is hidden in a text whatever another one ends of what a terminal obeys", function()
    local mask = require "codearts.build.client.mask"
    local secret = "hunter2-Pa%41]word"
    local client = {
      mask = function(_, text)
        return core.mask(text, { secret }, true)
      end,
    }
    for _, text in ipairs {
      "hunter2-Pa%41\27]word",
      "hunter2-\27]8;;http…",
      "hunter2-Pa%41\27…",
      "hunter2-Pa%2541]wor\\u0064",
    } do
      local alone = client:mask(text)
      assert.matches("^%*%*%*", alone)
      for _, other in ipairs { "x", "x\7", "x\27[31my", "\27\\", "\8\8\8\8", ("\8"):rep(9) } do
        assert.same({ "a", alone, other, "b" }, mask(client, { "a", text, other, "b" }))
        local named = mask(client, { [text] = other })
        assert.equal(other, named[alone])
      end
    end
  end)

  --- What waiting for a build raises whose record repeats these tokens.
  local function failed(client, opts, tokens, between)
    local said = "the tokens " .. table.concat(tokens, " and ") .. " have expired"
    local result = client:run({ job_id = run_job.JOB_ID }, opts)
    if between then
      between()
    end
    server:script({}, {
      "answer",
      body = ('{"result":{"status":"FAILURE","err_msg":"%s"}}'):format(said),
    })
    local ok, err = pcall(result.wait, result)
    client:close()
    assert.is_false(ok)
    assert.equal("build", err.kind)
    check(err, tokens, "a build")
    return err.record.err_msg
  end

  local OLD, NEW = "MIIFfirst-0123456789abcdef", "MIIGsecond-9876543210fedcba"

  it("shows neither the token of the call that started it", function()
    local client = build.new { endpoint = server.url, auth = NEW, retry = false, proxy = false }
    server:script {}
    assert.equal("the tokens *** have expired", failed(client, { auth = OLD }, { OLD }))
  end)

  it("nor that one when many others were started with other tokens since", function()
    local client = build.new { endpoint = server.url, auth = NEW, retry = false, proxy = false }
    server:script {}
    local said = failed(client, { auth = OLD }, { OLD }, function()
      for i = 1, 17 do
        client:run({ job_id = run_job.JOB_ID }, { auth = ("other-token-%d"):format(i) })
      end
    end)
    assert.equal("the tokens *** have expired", said)
  end)

  it("nor a header of the call that started it", function()
    local client = build.new { endpoint = server.url, auth = NEW, retry = false, proxy = false }
    server:script {}
    assert.equal(
      "the tokens *** and *** have expired",
      failed(
        client,
        { headers = { Cookie = "session=" .. OLD, ["X-Gate-Token"] = "gate-" .. OLD } },
        { "session=" .. OLD, "gate-" .. OLD }
      )
    )
  end)

  it("nor the signature of the call that started it, nor that of the question", function()
    local client =
      build.new { endpoint = server.url, auth = { ak = "AK", sk = NEW }, proxy = false }
    server:reset()
    local result = client:run { job_id = run_job.JOB_ID }
    local sent = server:stats().requests
    local of_start = sent[#sent].headers.authorization:match "Signature=(%x+)"
    local body = [[{"result":{"status":"FAILURE","err_msg":"not @ nor %s"}}]]
    server:script({}, { "echo_anywhere", status = 200, body = body:format(of_start) })
    local _, err = pcall(result.wait, result)
    assert.equal("build", err.kind)
    sent = server:stats().requests
    for _, request in ipairs(sent) do
      check(err, { request.headers.authorization:match "Signature=(%x+)" }, "a build")
    end
    assert.truthy(err.record.err_msg:find "not .*%*%*%* .*nor %*%*%*$", err.record.err_msg)
    client:close()
  end)

  it("nor one that was renewed since", function()
    local given = 0
    local client = build.new {
      endpoint = server.url,
      auth = function()
        given = given + 1
        return ({ OLD, NEW })[given]
      end,
      proxy = false,
    }
    server:script {}
    client:run { job_id = run_job.JOB_ID }
    server:script { { "answer", status = 401, body = "{}" } }
    assert.equal("the tokens *** and *** have expired", failed(client, nil, { OLD, NEW }))
    assert.equal(2, given)
  end)

  --- A client whose identity gets a token after the other, each when the service refuses the one before.
  local function renewing(tokens)
    local given = 0
    local client = build.new {
      endpoint = server.url,
      auth = function()
        given = given + 1
        return tokens[given]
      end,
      proxy = false,
    }
    for _ = 2, #tokens do
      server:script { { "answer", status = 401, body = "{}" }, { "answer", body = '{"result":{}}' } }
      client:call("ShowJobConfig", { job_id = run_job.JOB_ID })
    end
    assert.equal(#tokens, given)
    return client
  end

  --- What a question, a start and the record of a build say of a token that the service repeats.
  local function repeated(client, old)
    local said = "worker still uses token " .. old
    server:script({}, {
      "answer",
      status = 400,
      body = ('{"error_code":"X","error_msg":"%s"}'):format(said),
    })
    local _, asked = pcall(client.call, client, "ShowJobConfig", { job_id = run_job.JOB_ID })
    local _, started = pcall(client.run, client, { job_id = run_job.JOB_ID })
    local told = { asked.error_msg, started.error_msg }
    server:script({}, {
      "answer",
      body = ('{"result":{"status":"FAILURE","err_msg":"%s"}}'):format(said),
    })
    local this = client:build(run_job.JOB_ID, 20)
    local _, ended = pcall(this.wait, this, {
      on_progress = function(progress)
        told[#told + 1] = progress.record.err_msg
      end,
    })
    told[#told + 1] = ended.record.err_msg
    check({ asked, started, ended, told }, { old }, "what was asked")
    client:close()
    for _, each in ipairs(told) do
      assert.equal("worker still uses token ***", each)
    end
    assert.equal(4, #told)
  end

  it("nor a token that was renewed before it was asked", function()
    repeated(renewing { OLD, NEW }, OLD)
  end)

  it("nor one that many have followed", function()
    local tokens = { OLD }
    for i = 2, 17 do
      tokens[i] = ("another-%d-token-%d"):format(i, i * i)
    end
    repeated(renewing(tokens), OLD)
  end)

  for name in ("X-Bearer DPoP X-Ticket X-Pwd X-Otp X-Sig X-Hmac X-Csrf X-XSRF"):gmatch "%S+" do
    it("nor the header " .. name, function()
      local client = build.new { endpoint = server.url, auth = NEW, retry = false, proxy = false }
      server:script {}
      local said = failed(client, { headers = { [name] = "gate-" .. OLD } }, { "gate-" .. OLD })
      assert.equal("the tokens *** have expired", said)
    end)
  end
end)
