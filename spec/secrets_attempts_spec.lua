-- What a call was sent with in one attempt is not shown when the answer to a later one repeats it.
local build = require "codearts.build"
local core = require "codearts.build.core"
local flow_client = require "spec.support.flow_client"
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local shown = require "spec.support.shown"

local JOB = { job_id = run_job.JOB_ID }
local check = shown.check

describe("secrets of earlier attempts:", function()
  local server, events
  setup(function()
    server, events = servers.start(), {}
  end)
  teardown(function()
    server:stop()
  end)

  it("a token that was refused and renewed", function()
    for name, pair in pairs {
      ["of their own"] = { "first-0123456789abcdef", "second-fedcba9876543210" },
      ["with one beginning"] = { "MIIFxwYJKoZIhv-first-0123", "MIIFxwYJKoZIhv-second-4567" },
      ["one in the other"] = { "MIIFxwYJKoZIhv-and-more-0123", "MIIFxwYJKoZIhv" },
    } do
      server:script {
        { "answer", status = 401, body = "{}" },
        { "answer", status = 403, body = ("of %s and %s"):format(pair[1], pair[2]) },
      }
      for i = #events, 1, -1 do
        events[i] = nil
      end
      local asked = 0
      local own = build.new {
        endpoint = server.url,
        auth = function()
          asked = asked + 1
          return pair[asked]
        end,
        proxy = false,
        on_event = function(event)
          events[#events + 1] = event
        end,
      }
      local _, err = own:try_run(JOB)
      own:close()
      assert.equal(403, err.status, name)
      assert.equal(2, err.attempts)
      assert.equal("of *** and ***", err.error_msg, name)
      check(err, pair, "the error")
      check(events, pair, "an event")
    end
  end)

  it("the signature of an earlier attempt", function()
    local keys = {
      { ak = "AK-ONE", sk = "sk-one-0123456789" },
      { ak = "AK-TWO", sk = "sk-two-9876543210" },
    }
    for name, case in pairs {
      ["at the twin's path"] = { 404, '{"error_code":"APIGW.0101","error_msg":"m"}', keys[1] },
      ["by another key"] = { 401, "{}", { keys[1], keys[2] } },
    } do
      server:reset()
      server:script {
        { "answer", status = case[1], body = case[2] },
        { "echo_first", status = 403 },
      }
      local asked = 0
      local own = build.new {
        endpoint = server.url,
        auth = case[3].ak and case[3] or function()
          asked = asked + 1
          return case[3][asked]
        end,
        proxy = false,
      }
      local _, err = own:try_run(JOB)
      own:close()
      assert.equal(403, err.status, name)
      local sent = server:stats().requests
      local first = sent[1].headers.authorization:match "Signature=(%x+)"
      local last = sent[2].headers.authorization:match "Signature=(%x+)"
      assert.not_equal(first, last)
      check(err, { first, last }, name)
      assert.truthy(err.error_msg:find("Signature=***", 1, true), err.error_msg)
    end
  end)

  -- A call of attempts, each with its own token; the last answer repeats all of them.
  local function renewed_between(count)
    local tokens, script = {}, {}
    for i = 1, count do
      tokens[i] = ("%03d-token-0123456789"):format(i)
      script[i] = { "answer", status = 429, body = "{}" }
    end
    script[count] =
      { "answer", status = 403, body = "of " .. table.concat(tokens, " and ") .. " then" }
    server:reset()
    server:script(script)
    local identity, used = core.identity(), 1
    identity:set { token = tokens[1] }
    local own = core.new {
      endpoint = server.url,
      auth = identity,
      retry = { max_attempts = count, base_delay = 0 },
      proxy = false,
      on_event = function(event)
        if event.type == "retry" then
          used = used + 1
          identity:set { token = tokens[used] }
        end
      end,
    }
    local _, err = own:try_run(JOB)
    own:close()
    local sent = server:stats().requests
    assert.equal(count, #sent)
    for i, token in ipairs(tokens) do
      assert.equal(token, sent[i].headers["x-auth-token"])
    end
    check(err, tokens, "the error")
    return err
  end

  it("tokens that were renewed between attempts, for whatever reason", function()
    assert.equal("of *** and *** then", renewed_between(2).error_msg)
    assert.equal("of *** and *** and *** and *** then", renewed_between(4).error_msg)
  end)

  it("the signature of an earlier attempt to look a project up", function()
    server:reset()
    -- Another second is signed by the next.
    server:behave("answer", { status = 500, headers = { { "Retry-After", "1" } } })
    local client = flow_client.new({
      region = "cn-north-4",
      iam_endpoint = server.url,
      auth = { ak = "AKEXAMPLE", sk = "sk-0123456789-abcdefghij" },
      proxy = false,
    }, { HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = server.url })
    local call, signatures = client:start(), {}
    repeat
      client:step(0.01)
      for i, request in ipairs(server:stats().requests) do
        signatures[i] = request.headers.authorization:match "Signature=(%x+)"
      end
      if signatures[1] then
        local said = { error_code = "A.1", error_msg = "sent " .. signatures[1] }
        server:behave("answer", { status = 400, body = core.encode(said) })
      end
    until call:done()
    client:close()
    local _, err = call:try_wait()
    assert.equal("A.1", err.error_code)
    assert.equal(2, #signatures)
    assert.not_equal(signatures[1], signatures[2])
    assert.equal("sent ***", err.error_msg)
    check(err, signatures, "the error")
  end)

  it("so many of them that there is no room: all of the text is hidden", function()
    assert.equal("***", renewed_between(200).error_msg)
  end)
end)
