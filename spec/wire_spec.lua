-- What goes over the wire is what the official SDK sends (API reference 8): one request of each operation and of
-- each way to sign in, compared with spec/data/wire.json; and what libcurl would put in if it were let.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local cjson = require "cjson"
local core = require "codearts.build.core"
local read_file = require "spec.support.read_file"
local rows = require "codearts.build.operations.rows"
local sandboxes = require "spec.support.sandbox_client"
local servers = require "spec.support.server"
local wire_requests = require "spec.support.wire_requests"

local function expected()
  return cjson.decode(read_file(wire_requests.FILE))
end

local server
setup(function()
  server = servers.start()
end)
teardown(function()
  server:stop()
end)

describe("the request of every operation", function()
  it("is the one that is written down", function()
    local sent, data = wire_requests.operations(server), expected().operations
    for name in pairs(rows.operations) do
      assert.same(data[name], sent[name], name)
    end
    for name in pairs(data) do
      assert.is_table(rows.operations[name], name)
    end
  end)

  -- The rules that the data follows, so that nothing else can be written down.
  it("names JSON or a form, and a length wherever there may be a body", function()
    for name, request in pairs(expected().operations) do
      local row, headers = rows.operations[name], request.headers
      local has_body = row.in_body ~= nil or row.body_list ~= nil
      assert.equal(has_body, request.body ~= "", name)
      local wanted = { accept = "*/*", host = "HOST", ["user-agent"] = "codearts-build/VERSION" }
      wanted["x-auth-token"] = headers["x-auth-token"]
      if request.method ~= "GET" then
        wanted["content-type"] = row.multipart and "multipart/form-data; boundary=BOUNDARY"
          or "application/json"
        wanted["content-length"] = has_body and headers["content-length"] or "0"
      end
      assert.same(wanted, headers, name)
    end
  end)
end)

describe("the requests of sign-ins", function()
  it("are those that are written down", function()
    local sent, data = wire_requests.sign_ins(server), expected().sign_in
    for _, all in ipairs { sent, data } do
      for _, request in pairs(all) do
        request.body = request.body ~= "" and cjson.decode(request.body) -- its members have no order
      end
    end
    assert.same(data, sent)
  end)

  it("say who asks, as the client was told to, and nothing else of its headers", function()
    for agent, options in pairs {
      ["mine/1"] = { user_agent = "mine/1" },
      ["mine/2"] = {
        user_agent = "mine/1",
        headers = { ["user-agent"] = "mine/2", ["X-Mine"] = "1" },
      },
    } do
      server:reset()
      server:script { { "answer", status = 403, body = "{}" } }
      options.endpoint = server
      options.iam_endpoint = server.url
      options.auth = { user = "ci", password = "fake", domain = "acme", project = "p" }
      local _, err = caller.run(options)
      assert.equal("auth", err.kind)
      local request = server:stats().requests[1]
      assert.equal("/v3/auth/tokens?nocatalog=true", request.path)
      assert.equal(agent, request.headers["user-agent"])
      assert.is_nil(request.headers["x-mine"])
    end
  end)
end)

describe("a request without a body", function()
  for _, http2 in ipairs { false, true } do
    for _, method in ipairs { "POST", "PUT", "DELETE", "PATCH" } do
      it(("tells that it has none: %s%s"):format(method, http2 and " over HTTP/2" or ""), function()
        local peer = http2 and servers.start { http2 = true } or server
        local client = caller.new { endpoint = peer }
        peer:reset()
        peer:behave("answer", { body = "{}" })
        for _, body in ipairs { false, "" } do
          local call = client:request { method = method, path = "/x", body = body or nil }
          assert(caller.wait(client, call))
        end
        for i, request in ipairs(peer:stats().requests) do
          assert.equal(0, request.body_length)
          if not http2 then -- the server keeps no heads of HTTP/2
            assert.equal("0", request.headers["content-length"], i)
            assert.equal("application/json", request.headers["content-type"], i)
          end
        end
        client:close()
        if http2 then
          peer:stop()
        end
      end)
    end
  end

  it("is signed with the type that it names", function()
    server:reset()
    server:behave("answer", { body = "{}" })
    local client = caller.new {
      endpoint = server,
      auth = { ak = "FAKEAK", sk = "fake-secret-key", project_id = "p" },
    }
    client:call("StopTheJob", { job_id = caller.JOB.job_id })
    client:close()
    local sent = server:stats().requests[1].headers
    assert.is_truthy(
      sent.authorization:find(
        "SignedHeaders=content-type;host;user-agent;x-project-id;x-sdk-date",
        1,
        true
      )
    )
    local signed = core.sign {
      ak = "FAKEAK",
      sk = "fake-secret-key",
      project_id = "p",
      method = "POST",
      host = sent.host,
      path = "/v1/job/" .. caller.JOB.job_id .. "/stop",
      headers = {
        { "Content-Type", "application/json" },
        { "User-Agent", sent["user-agent"] },
      },
      date = sent["x-sdk-date"],
    }
    assert.equal(signed.authorization, sent.authorization)
  end)

  it("may name another type", function()
    server:reset()
    server:behave("answer", { body = "{}" })
    local client = caller.new { endpoint = server, headers = { ["Content-Type"] = "text/plain" } }
    assert(caller.wait(client, client:request { method = "POST", path = "/x" }))
    client:close()
    assert.equal("text/plain", server:stats().requests[1].headers["content-type"])
  end)
end)

describe("the sandbox", function()
  local c
  setup(function()
    c = sandboxes.start { user = "ci", password = "fake" }
  end)
  teardown(function()
    c.box.stop()
  end)

  it("refuses what is not JSON", function()
    for _, form in ipairs {
      "application/x-www-form-urlencoded",
      "text/plain",
      "application/jsonp",
      "multipart/form-data; boundary=x",
    } do
      for _, path in ipairs {
        "/v3/jobs/build",
        "/v1/job/" .. sandboxes.SAMPLE .. "/stop",
        "/v3/auth/tokens",
      } do
        local answer = c:post(
          path,
          { job_id = sandboxes.SAMPLE },
          { headers = { ["content-type"] = form } }
        )
        assert.equal(400, answer.status, path)
        assert.equal("CB.00060200", answer.json.error_code)
        assert.is_truthy(answer.json.error_msg:find("Content-Type", 1, true))
      end
    end
    assert.equal(0, c:get("/__sandbox/stats").json.builds_started)
  end)

  it("takes JSON however it is written", function()
    for _, form in ipairs {
      "application/json",
      "Application/JSON ; charset=UTF-8",
      "application/json;charset=utf-8",
    } do
      local answer = c:post(
        "/v3/jobs/build",
        { job_id = sandboxes.SAMPLE },
        { headers = { ["content-type"] = form } }
      )
      assert.equal(200, answer.status, answer.body)
    end
  end)

  it("takes what the client sends without a body", function()
    local client = build.new { endpoint = c.box.endpoint, auth = c.box.token }
    local result = client:run { job_id = sandboxes.SAMPLE, parameter = { DELAY = 30 } }
    result:stop()
    client:close()
  end)
end)
