-- What a refused signature is answered with: where the two canonical requests differ (API reference
-- 3.9), or that the clock is wrong. Secrets of either side stay hidden.
local build = require "codearts.build"
local servers = require "spec.support.server"

local KEY = {
  ak = "EXAMPLEKEY",
  sk = "sk-hidden",
  security_token = "token-hidden",
  project_id = "p1",
}

local server, client

setup(function()
  server = servers.start()
end)
teardown(function()
  server:stop()
end)
before_each(function()
  server:reset()
  client = build.new { endpoint = server.url, auth = KEY, user_agent = "agent/1" }
end)
after_each(function()
  client:close()
end)

local function refused(message, headers)
  server:behave("answer", {
    status = 401,
    kind = "application/json",
    headers = headers,
    body = ('{"error_code":"APIGW.0301","error_msg":"%s"}'):format(message),
  })
  local result, err = client:try_run { job_id = ("0"):rep(32) }
  assert.is_nil(result)
  assert.equal("auth", err.kind)
  assert.equal("APIGW.0301", err.error_code)
  for _, text in pairs(err) do
    assert.is_nil(tostring(text):find("hidden", 1, true), text)
  end
  return err.message
end

-- The canonical request that the last request was signed with, in the service's way of writing it,
-- with some of its text replaced.
local function canonical(from, to)
  server:reset()
  refused "look"
  local request = server:stats().requests[1]
  local names = request.headers.authorization:match "SignedHeaders=([^,]*)"
  local lines = { "POST", "/v3/jobs/build/", "" }
  for name in names:gmatch "[^;]+" do
    lines[#lines + 1] = name .. ":" .. request.headers[name]
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = names
  lines[#lines + 1] = "0000"
  local text = table.concat(lines, "|")
  if from then
    local at, till = text:find(from, 1, true)
    text = text:sub(1, at - 1) .. to .. text:sub(till + 1)
  end
  -- The date may have moved on by a second since; only what stands before it is looked at.
  return "verify aksk signature fail, (canonicalRequest:" .. text .. ")"
end

describe("a refused signature", function()
  for name, case in pairs {
    ["the path"] = {
      "/v3/jobs/build/",
      "/v3/jobs/other/",
      [[line 2 was signed as "/v3/jobs/build/", the service has "/v3/jobs/other/"]],
    },
    ["the method"] = { "POST", "PUT", [[line 1 was signed as "POST", the service has "PUT"]] },
    ["the query"] = { "/||", "/|a=b|", [[line 3 was signed as "", the service has "a=b"]] },
    ["a harmless header"] = {
      "application/json",
      "text/plain",
      [[line 4 was signed as "content-type:application/json", the service has "content-type:text/plain"]],
    },
    ["a missing header"] = {
      "user-agent:agent/1|",
      "",
      [[line 6 was signed as "user-agent:agent/1", the service has "x-project-id:***"]],
    },
    ["a header that may be secret"] = {
      "x-project-id:p1",
      "x-project-id:p2",
      [[line 7 was signed as "x-project-id:***", the service has "x-project-id:***"]],
    },
  } do
    it("shows the line that differs: " .. name, function()
      local message = refused(canonical(case[1], case[2]))
      assert.truthy(message:find(case[3], 1, true), message)
    end)
  end

  it("shows 120 bytes of a line, and that it goes on", function()
    local line = ("a"):rep(119) .. "ä"
    local message = refused(canonical("/||", "/|" .. line .. "|"))
    assert.truthy(
      message:find(('the service has "%s…"'):format(("a"):rep(119)), 1, true),
      message
    )
    message = refused(canonical("/||", "/|" .. ("a"):rep(120) .. "|"))
    assert.truthy(message:find(('the service has "%s"'):format(("a"):rep(120)), 1, true), message)
  end)

  it("shows nothing of a secret header that holds what divides lines", function()
    client:close()
    client = build.new {
      endpoint = server.url,
      auth = KEY,
      headers = { ["X-Api-Key"] = "abc-0123456|hidden-behind-it" },
    }
    for _, line in ipairs { "|hidden-behind-it ", "|hidden-behind-it:x" } do
      local message = refused(canonical("|hidden-behind-it", line))
      assert.truthy(message:find([[was signed as "x-api-key:***", the service has "***"]], 1, true))
    end
  end)

  it("without a canonical request is told as it came", function()
    assert.equal("verify aksk signature fail", refused "verify aksk signature fail")
    assert.truthy(
      refused("canonicalRequest:"):find('signed as "POST", the service has ""', 1, true)
    )
  end)

  it("survives any canonical request", function()
    for _, text in ipairs {
      "|",
      "||||||||||||||",
      ":",
      "|:|:",
      ("x"):rep(5000),
      "\\u0001\\u0002",
      "\\n|",
    } do
      assert.is_string(refused("canonicalRequest:" .. text))
    end
  end)

  for offset, told in pairs { [-3600] = "60 minutes ahead of", [3600] = "60 minutes behind" } do
    it("is put down to the clock: " .. told, function()
      local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + offset)
      local message = refused("signature expired", { { "Date", date } })
      assert.truthy(
        message:find("the local clock is " .. told .. " the service's", 1, true),
        message
      )
    end)
  end

  it("is not put down to the clock by an answer that was kept for as long", function()
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() - 3600)
    local message = refused("signature expired", { { "Date", date }, { "Age", "3600" } })
    assert.equal("signature expired", message)
  end)
end)
