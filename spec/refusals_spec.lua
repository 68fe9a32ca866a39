-- Which answers prove that nothing was started, and which are asked for again: every row of the contract's
-- table ("At most one build"), over real sockets, counted at the server. Who says it proves a refusal, not the
-- status alone: gateways answer 5xx after they have passed a request on, too.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local rows = require "codearts.build.operations.rows"
local sample_args = require "spec.support.sample_args"
local servers = require "spec.support.server"

local QUICK = { max_attempts = 2, base_delay = 0, max_delay = 0 }

local function body_of(code)
  return ('{"error_code":"%s","error_msg":"said by who knows","request_id":"4711"}'):format(code)
end

-- The rule, written down a second time: outcome and whether it is sent again. `code` is the one of
-- the body, "" when there is none to be read.
local BEFORE = {} -- numbers of the gateway's codes from before it forwards (API reference 6.4)
for _, range in ipairs {
  { 101, 101 },
  { 103, 106 },
  { 301, 308 },
  { 310, 311 },
  { 401, 402 },
  { 404, 404 },
  { 501, 502 },
  { 602, 602 },
  { 605, 613 },
  { 801, 802 },
} do
  for number = range[1], range[2] do
    BEFORE[("%04d"):format(number)] = true
  end
end

local function rule(status, code)
  local number = code:match "^APIGW%.(%d%d%d%d)$" or code:match "^APIG%.(%d%d%d%d)$"
  if code == "CB.00060211" or status >= 500 and status < 600 and number and BEFORE[number] then
    return "not_started", true
  elseif status == 429 then
    return "not_started", true
  elseif status >= 400 and status < 500 and status ~= 408 and status ~= 460 and status ~= 499 then
    return "not_started", false
  elseif status == 307 or status == 308 then
    return "not_started", false
  end
  return "unknown", false
end

local function is_transient(status)
  return status >= 500 and status < 600
    or status == 408
    or status == 429
    or status == 460
    or status == 499
end

local server
setup(function()
  server = servers.start()
end)
teardown(function()
  server:stop()
end)

-- Answers every request so, and looks at what one call makes of it.
local function check(client, answer, call, outcome, again, more)
  server:reset()
  server:behave("answer", answer)
  local ok, err = pcall(call, client)
  assert(not ok and build.is_error(err), tostring(err))
  local told = ("%s %s: %s"):format(tostring(answer.status), tostring(answer.body), tostring(err))
  caller.check(more or {}, err)
  assert.equal(again and 2 or 1, err.attempts, told)
  assert.equal(err.attempts, server:stats().processed, told)
  assert.equal(outcome, err.outcome, told)
  if err.status ~= 401 then
    assert.equal(again, err.retryable, told)
  end
  return err
end

local function run(client)
  return client:run(caller.JOB)
end

local function execute(client)
  return client:call("ExecuteJob", caller.JOB)
end

describe("of RunJob and ExecuteJob", function()
  local client
  setup(function()
    client = caller.new { endpoint = server, retry = QUICK }
  end)
  teardown(function()
    client:close()
  end)

  local function check_rule(status, code, answer)
    local outcome, again = rule(status, code)
    local all = { status = status, body = code ~= "" and body_of(code) or "" }
    for name, value in pairs(answer or {}) do
      all[name] = value
    end
    check(client, all, run, outcome, again)
    check(client, all, execute, outcome, again, { operation = "ExecuteJob" })
  end

  it("every status alone", function()
    for status = 300, 599 do
      check_rule(status, "")
    end
    for _, status in ipairs { 600, 700, 999 } do
      check_rule(status, "")
    end
  end)

  -- What is seen on the way to a service: nothing of it says that the service did nothing.
  for name, page in pairs {
    envoy = {
      "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
      "text/plain",
    },
    varnish = {
      "<!DOCTYPE html><html><head><title>503 Backend fetch failed</title></head></html>",
      "text/html; charset=utf-8",
    },
    haproxy = {
      "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>",
      "text/html",
    },
    nginx = { "<html><head><title>502 Bad Gateway</title></head></html>", "text/html" },
    ["a load balancer's JSON"] = { '{"message": "Service Unavailable"}', "application/json" },
    ["the service"] = { body_of "CB.00060101", "application/json" },
  } do
    it("a page of " .. name, function()
      for _, status in ipairs { 429, 500, 502, 503, 504, 520, 529, 599 } do
        check_rule(status, "", { body = page[1], kind = page[2] })
      end
    end)
  end

  it("every code of the gateway, with each status that it may have", function()
    for _, prefix in ipairs { "APIGW.", "APIG." } do
      for number = 101, 106 do
        check_rule(503, prefix .. ("%04d"):format(number))
      end
      for number = 301, 308 do
        check_rule(500, prefix .. ("%04d"):format(number))
      end
      for number = 601, 613 do
        check_rule(502, prefix .. ("%04d"):format(number))
      end
      for _, code in ipairs { "0201", "0310", "0401", "0404", "0501", "0705", "0801", "9999" } do
        for _, status in ipairs { 400, 403, 404, 408, 413, 499, 500, 502, 503, 504 } do
          check_rule(status, prefix .. code)
        end
      end
    end
  end)

  it("a code that only looks like the gateway's", function()
    for _, code in ipairs {
      "APIGW.613",
      "APIGW.00613",
      "APIGW.0613 ",
      "apigw.0613",
      "APIGWX.0613",
      "XAPIGW.0613",
      "APIGW.061a",
      "APIGW.",
      "0613",
      "DEV.APIGW.0613",
      "APIGW.0613\\u0000",
    } do
      local all = { status = 503, body = body_of(code) }
      check(client, all, run, "unknown", false)
    end
  end)

  -- The service may have acted before it met another one's gateway.
  it("a code of the gateway that is not the answer's own", function()
    for _, body in ipairs {
      '{"error_code":"CB.00060101","error_msg":"m","cause":' .. body_of "APIGW.0613" .. "}",
      '{"error":' .. body_of "APIGW.0613" .. "}",
      '{"error_msg":"m","error_code":"CB.00060101 APIGW.0613"}',
      '{"error_code":"APIGW.0613"}',
      "[" .. body_of "APIGW.0613" .. "]",
      body_of("APIGW.0613"):sub(1, -2),
      '{"error_code":"APIGW.0201",' .. body_of("APIGW.0613"):sub(2), -- the last of two is left
      '{"error_code":"CB.00060101",' .. body_of("CB.00060211"):sub(2),
      '{"error_code":"CB.00060101","error_msg":null,"cause":{"code":"CB.00060211","message":"m"}}',
      '{"error":{"code":"CB.00060101","message":"m"},"quota" : {"error_code" :"CB.00060211","error_msg":"m"}}',
      '{"error_code":"APIGW.0613","error_msg":"m","backend":{"code":"CB.00060101","message":"m"}}',
      '{"error_code":"APIGW.0201","error\\u005fcode":"APIGW.0613","error_msg":"m"}',
      '{"error_code":"APIGW.0201","error_\\u0063ode":"APIGW.0613","error_msg":"m"}',
      "<p>" .. body_of "APIGW.0613" .. "</p>",
    } do
      check(client, { status = 503, body = body }, run, "unknown", false)
    end
  end)

  it("the service's too many requests, whatever the status", function()
    for _, status in ipairs {
      200,
      202,
      301,
      307,
      400,
      401,
      403,
      404,
      408,
      429,
      499,
      500,
      503,
      504,
      999,
    } do
      check_rule(status, "CB.00060211")
      local nested = '{"status":"fail","error":{"code":"CB.00060211","message":"m"}}'
      check_rule(status, "CB.00060211", { body = nested })
    end
    for _, code in ipairs { "CB.0006021", "CB.000602110", "CB.00060100", "cb.00060211" } do
      check_rule(500, code)
    end
  end)

  -- Who has the numbers of a build was not refused, whoever says so.
  it("a refusal that tells of a build", function()
    local function body(code, members)
      return ('{"error_code":"%s","error_msg":"m",%s}'):format(code, members)
    end
    for _, status in ipairs { 302, 307, 400, 401, 404, 408, 429, 500, 503 } do
      for _, code in ipairs { "CB.00060211", "APIGW.0613", "APIGW.0101" } do
        for _, members in ipairs {
          '"octopus_job_name":"j_X"',
          '"actual_build_number" : 21',
          '"data":{"result":[{"daily_build_number":"20200612.21"}]}',
        } do
          check(client, { status = status, body = body(code, members) }, run, "unknown", false)
        end
      end
      for _, text in ipairs {
        '{"octopus_job_name":"j_X","actual_build_number":"21","daily_build_number":"20200612.21"}',
        '{"result":{"actual_build_number":"21"}}',
      } do -- as a gateway leaves it that sets another status
        check(client, { status = status, body = text }, run, "unknown", false)
      end
      local none = '"octopus_job_name":"","actual_build_number":0,"daily_build_number":null'
      check_rule(status, "CB.00060211", { body = body("CB.00060211", none) })
    end
    for _, answer in ipairs {
      '{"data":{"actual_build_number":"21"},"warning":{"code":"CB.00060211","message":"m"}}',
      '{"status":"fail","error":{"code":"CB.00060211","message":"m"},"actual_build_number":"21"}',
    } do
      check(client, { status = 200, body = answer }, run, "unknown", false)
    end
  end)

  it("an answer whose body we refuse to read, by its status", function()
    local small = caller.new { endpoint = server, retry = QUICK, max_response_bytes = 100 }
    for _, status in ipairs { 200, 302, 307, 400, 404, 408, 429, 499, 500, 503 } do
      local outcome, again = rule(status, "")
      for _, code in ipairs { "APIGW.0613", "CB.00060211" } do
        local body = body_of(code)
        local encoded =
          { status = status, body = body, headers = { { "Content-Encoding", "gzip" } } }
        check(client, encoded, run, outcome, again, { kind = "protocol", reason = "encoded" })
        local large = { status = status, body = body .. (" "):rep(100) }
        check(small, large, run, outcome, again, { kind = "protocol", reason = "too_large" })
      end
    end
    small:close()
  end)

  it("401: once more with new credentials, however it comes", function()
    for name, answer in pairs {
      plain = { status = 401, body = body_of "APIGW.0301" },
      bare = { status = 401, body = "" },
      encoded = { status = 401, body = "x", headers = { { "Content-Encoding", "br" } } },
    } do
      local tokens = 0
      local renewing = caller.new {
        endpoint = server,
        retry = QUICK,
        auth = function()
          tokens = tokens + 1
          return "fake-token-" .. tokens
        end,
      }
      check(renewing, answer, run, "not_started", true, { status = 401 })
      assert.equal(2, tokens, name)
      renewing:close()
    end
  end)
end)

describe("of the other operations", function()
  local client
  setup(function()
    client = caller.new { endpoint = server, retry = QUICK }
  end)
  teardown(function()
    client:close()
  end)

  local ANSWERS = {
    { 503, "" },
    { 503, "APIGW.0613" },
    { 500, "APIG.0605" },
    { 500, "CB.00060101" },
    { 500, "CB.00060211" },
    { 504, "APIGW.0201" },
    { 429, "" },
    { 404, "APIGW.0103" },
    { 408, "" },
    { 303, "" },
    { 307, "" },
  }

  for name, row in pairs(rows.operations) do
    if not row.starts_build then
      it(
        name .. (row.method == "GET" and " is retried freely" or " goes by the same rule"),
        function()
          local args = sample_args(row)
          for _, answer in ipairs(ANSWERS) do
            local status, code = answer[1], answer[2]
            local _, again = rule(status, code)
            if row.method == "GET" then
              again = again or is_transient(status)
            end
            check(client, { status = status, body = code ~= "" and body_of(code) or "" }, function()
              return client:call(name, args)
            end, nil, again)
          end
        end
      )
    end
  end
end)

describe("the sandbox's gateway", function()
  local box, client
  setup(function()
    box = require("codearts.build.sandbox").start {}
    client = build.new {
      endpoint = box.endpoint,
      auth = box.token,
      retry = { max_attempts = 3, base_delay = 0, max_delay = 0 },
    }
  end)
  teardown(function()
    client:close()
    box.stop()
  end)

  local JOB = { job_id = "samplejob00000000000000000000001" }

  local function refuse(named)
    local query = {}
    for name, value in pairs(named) do
      query[#query + 1] = { name, value }
    end
    local call = client:request { method = "POST", path = "/__sandbox/refuse", query = query }
    assert(caller.wait(client, call))
  end

  local function stats()
    return assert(caller.wait(client, client:request { path = "/__sandbox/stats" }))
  end

  for _, case in ipairs { { "429", "APIGW.0308" }, { "503", "APIGW.0613" } } do
    it("refuses as often as it was told, and starts nothing: " .. case[1], function()
      local before = stats()
      refuse { status = case[1], times = "2" }
      assert.equal(3, build.meta(client:run(JOB)).attempts)
      refuse { status = case[1], times = "1000" }
      local _, err = client:try_run(JOB)
      caller.check({
        kind = "api",
        status = tonumber(case[1]),
        error_code = case[2],
        outcome = "not_started",
        retryable = true,
        attempts = 3,
        retry_after = false,
      }, err)
      assert.equal(32, #err.request_id)
      refuse { times = "0" }
      local after = stats()
      assert.equal(before.builds_started + 1, after.builds_started)
      assert.equal((before.operations.RunJob or 0) + 6, after.operations.RunJob)
    end)
  end

  it("refuses one operation alone, and says when to come again", function()
    refuse { operation = "ExecuteJob", times = "3", retry_after = "86400" }
    assert.equal(1, build.meta(client:run(JOB)).attempts)
    local ok, err = pcall(client.call, client, "ExecuteJob", JOB)
    assert.is_false(ok)
    caller.check({ error_code = "APIGW.0308", attempts = 1, retry_after = 86400 }, err)
    refuse { times = "0" }
  end)

  it("knows these two refusals alone", function()
    local call = client:request {
      method = "POST",
      path = "/__sandbox/refuse",
      query = { { "status", "500" } },
    }
    local _, err = caller.wait(client, call)
    caller.check({ status = 400, error_code = "CB.00060200" }, err)
  end)
end)
