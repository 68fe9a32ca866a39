-- Real gateways between the client and the service, which lose the service's answer in every way: never two
-- builds from one call, and what is told is true. Counted behind the gateway.

local caller = require "spec.support.caller"
local certs = require "spec.support.certs"
local gateways = require "spec.support.gateway"
local host = require "spec.support.host"
local net = require "spec.support.net"
local read_file = require "spec.support.read_file"
local servers = require "spec.support.server"

-- What the service does with the request, and how often it can have been processed then.
local FAULTS = {
  { "close_after_body", 1 },
  { "reset_after_body", 1 },
  { "close_in_head", 1 },
  { "reset_in_head", 1 },
  { "not_http", 1 },
  { "reset_in_body", 1 },
  { "never_answer", 1 },
  { "error_503", 1 },
  { "see_other", 1 },
  { "close_before_reading", 1 },
  { "close_on_bytes", 0 },
  { "reset_on_bytes", 0 },
  { "close_after_head", 0 },
}

-- The same through a client that tries as often as it may.
local function client_of(gateway)
  return caller.new {
    endpoint = gateway.url,
    timeout = 20,
    retry = { max_attempts = 4, base_delay = 0, max_delay = 0 },
  }
end

local function execute(client)
  return pcall(client.call, client, "ExecuteJob", caller.JOB)
end

local function run(client)
  return pcall(client.run, client, caller.JOB)
end

local server
setup(function()
  server = servers.start()
end)
teardown(function()
  server:stop()
end)

-- One call that meets the fault; on a connection of the gateway that is kept, or on a new one. What comes
-- after the fault would be answered well, so a repetition shows as processed.
local function meet(gateway, fault, kept, call)
  local client = client_of(gateway)
  server:reset()
  if kept then
    -- Again, should the gateway not have seen yet that an older one was closed.
    for _ = 1, 20 do
      if client:try_run(caller.JOB) then
        break
      end
    end
  else
    server:drop "close"
  end
  local before = server:stats().processed
  server:script({ fault }, "ok")
  local ok, answer = call(client)
  local processed = server:stats().processed - before
  client:close()
  return ok, answer, processed
end

local function describe_unless_missing(name, title, block)
  local missing = gateways.missing(name)
  if missing then
    pending(title .. " " .. missing)
  else
    describe(title, block)
  end
end

for name in pairs(gateways.kinds) do
  describe_unless_missing(name, "behind " .. name .. ", as Debian brings it,", function()
    local gateway
    setup(function()
      gateway = gateways.start(name, server.port)
    end)
    teardown(function()
      gateway:stop()
    end)

    it("builds are started", function()
      for _, call in ipairs { run, execute } do
        local ok, result, processed = meet(gateway, "ok", true, call)
        assert.is_true(ok, tostring(result))
        assert.equal("j_Oaqg3PCN", result.octopus_job_name)
        assert.equal(1, processed)
      end
    end)

    it("too many requests are known as such", function()
      for _, fault in ipairs { "busy_400", "busy_500", "throttled", "unavailable" } do
        local ok, result, processed = meet(gateway, fault, true, run)
        assert.is_true(ok, tostring(result))
        assert.equal(2, processed)
      end
    end)

    for _, fault in ipairs(FAULTS) do
      for _, kept in ipairs { false, true } do
        it(fault[1] .. (kept and " on a kept connection" or " on a new connection"), function()
          for _, call in ipairs { run, fault[1] ~= "never_answer" and execute or nil } do
            local ok, err, processed = meet(gateway, fault[1], kept, call)
            if ok then
              -- Before anything was processed the gateway may go to another backend.
              assert.equal("close_before_reading", fault[1])
              assert.equal(1, processed)
            else
              assert.is_true(processed <= fault[2], ("%d processed"):format(processed))
              caller.check({ outcome = "unknown", retryable = false, attempts = 1 }, err)
            end
          end
        end)
      end
    end

    -- Without a body: no start of a build is, but stopping one. Varnish holds that for harmless.
    it("what changes something without a body is asked for once, by us", function()
      for _, fault in ipairs { "close_after_body", "reset_after_body" } do
        local _, answer, processed = meet(gateway, fault, true, function(client)
          server:script({ fault }, { "answer", body = "{}" })
          return pcall(client.call, client, "StopTheJob", caller.JOB)
        end)
        assert.equal(name == "varnish" and 2 or 1, processed)
        if name ~= "varnish" then
          caller.check({ attempts = 1, retryable = false }, answer)
        end
      end
    end)

    it("what only reads is asked for again", function()
      server:reset()
      server:script({ "error_503" }, { "answer", body = "{}" })
      local client = client_of(gateway)
      assert.is_table(client:call("ShowJobStatus", caller.JOB))
      assert.equal(2, server:stats().processed)
      client:close()
    end)
  end)
end

-- What no client can help: told to, these send a POST again that they have passed on. It came from us once.
local TOLD_TO = {
  haproxy = "retry-on all-retryable-errors",
  nginx = "proxy_next_upstream error timeout non_idempotent;",
  varnish = [[
import std;
sub vcl_recv { std.cache_req_body(1MB); return (pass); }
sub vcl_backend_error { if (bereq.retries == 0) { return (retry); } }]],
}

for name, more in pairs(TOLD_TO) do
  describe_unless_missing(name, "behind " .. name .. " that is told to repeat", function()
    it("the limit of the promise shows: one call, two builds, one request of ours", function()
      local gateway = gateways.start(name, server.port, more)
      server:script { "close_after_body" }
      local client = client_of(gateway)
      local before = server:stats().processed
      local result = client:run(caller.JOB)
      assert.equal(1, require("codearts.build").meta(result).attempts)
      assert.equal(2, server:stats().processed - before)
      client:close()
      gateway:stop()
    end)
  end)
end

-- `error_page 502 /50x.html` stands in nginx's own example. Without a location for the page it is asked of the service,
-- whose gateway refuses that: nginx answers the start with 502 and a code that was said of something else.
describe_unless_missing(
  "nginx",
  "behind nginx that asks the service for its page of errors",
  function()
    it("what the gateway says of the page is not believed of the start", function()
      local gateway = gateways.start("nginx", server.port, "error_page 502 /50x.html;")
      for code, status in pairs {
        ["APIGW.0101"] = 404,
        ["APIGW.0301"] = 401,
        ["APIGW.0308"] = 429,
        ["APIGW.0608"] = 500,
        ["APIGW.0610"] = 502,
        ["APIGW.0613"] = 503,
      } do
        for _, call in ipairs { run, execute } do
          local page = ('{"error_code":"%s","error_msg":"of /50x.html"}'):format(code)
          server:reset()
          server:script({ "close_after_body" }, { "answer", status = status, body = page })
          local client = client_of(gateway)
          local _, err = call(client)
          client:close()
          local starts = 0
          for _, request in ipairs(server:stats().requests) do
            starts = starts + (request.method == "POST" and 1 or 0)
          end
          assert.equal(1, starts)
          caller.check({
            outcome = "unknown",
            retryable = false,
            attempts = 1,
            status = 502,
            error_code = code,
          }, err)
        end
      end
      gateway:stop()
    end)

    it("what the gateway says of the start itself is believed", function()
      local gateway = gateways.start("nginx", server.port, "error_page 502 /50x.html;")
      for code, status in pairs { ["APIGW.0608"] = 500, ["APIGW.0613"] = 503 } do
        local refusal = ('{"error_code":"%s","error_msg":"m"}'):format(code)
        server:reset()
        server:script { { "answer", status = status, body = refusal } }
        local client = client_of(gateway)
        local result = assert(client:run(caller.JOB))
        assert.equal(2, require("codearts.build").meta(result).attempts)
        client:close()
      end
      gateway:stop()
    end)
  end
)

-- Such a refusal is whole, and its stream reset, before the body of the start has come.
describe_unless_missing("haproxy", "a limit of haproxy's over HTTP/2", function()
  it("is told as what it is", function()
    local files, folder = certs.shared(), host.folder()
    local pair = assert(io.open(folder .. "/pair", "wb"))
    pair:write(read_file(files.good), read_file(files.good_key))
    pair:close()
    local free = net.refused()
    local port = free.port
    free.close()
    local gateway = gateways.start(
      "haproxy",
      server.port,
      ([[
    timeout client 10s
frontend limit
    bind 127.0.0.1:%d ssl crt %s/pair alpn h2
    http-request deny deny_status 429
defaults
    mode http
]]):format(port, folder)
    )
    local client = caller.new {
      endpoint = ("https://127.0.0.1:%d"):format(port),
      tls = { ca_file = files.ca },
      retry = false,
    }
    for _ = 1, 40 do
      local _, err = client:try_run(caller.JOB)
      caller.check({ outcome = "not_started", retryable = true, status = 429 }, err)
    end
    client:close()
    gateway:stop()
    host.remove(folder)
  end)
end)
