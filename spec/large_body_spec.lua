-- A request larger than every buffer on its way: what breaks while it is being sent. At most one build,
-- and none is claimed or repeated that may have begun.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local servers = require "spec.support.server"

-- More than the kernel keeps of what nobody reads.
local SIZE = 6 * 1024 * 1024
local ARGS = {
  job_id = caller.JOB.job_id,
  parameter = { { name = "big", value = ("0123456789abcdef"):rep(SIZE / 16) } },
}
local REFUSES = { early_refusal = 413, busy_500 = 500, unavailable = 503 }

local MODES = {
  { name = "plain", options = {}, version = "h1" },
  { name = "TLS", options = { tls = true }, version = "h1" },
  { name = "HTTP/2", options = { http2 = true }, version = "h2" },
}

local FAULTS = {
  { "ok" },
  { "close_before_reading" },
  { "reset_before_reading" },
  { "close_on_bytes" },
  { "reset_on_bytes" },
  { "close_after_head" },
  { "reset_after_head" },
  { "close_within_body", "h1" },
  { "reset_within_body", "h1" },
  { "close_after_body" },
  { "reset_after_body" },
  { "never_read" },
  { "never_answer" },
  { "early_refusal", "h1" },
  { "busy_500" },
  { "unavailable" },
  { "error_500" },
  { "error_503" },
  { "interim", "h1" },
  { "refused_stream_before", "h2" },
  { "refused_stream_after", "h2" },
  { "http_1_1_required_before", "h2" },
  { "http_1_1_required_after", "h2" },
  { "goaway_before", "h2" },
  { "goaway_after", "h2" },
}

for _, mode in ipairs(MODES) do
  describe("6 MiB over " .. mode.name .. ":", function()
    local server
    setup(function()
      server = servers.start(mode.options)
    end)
    teardown(function()
      server:stop()
    end)

    local function promise(name, reused)
      local never = name:find "^never_"
      local client = caller.new { endpoint = server, timeout = never and 0.3 or 20 }
      server:script(reused and { "ok", name } or { name }, REFUSES[name] and name or "ok")
      if reused then
        assert(client:try_run(caller.JOB))
      end
      local before = server:stats()
      local result, err = client:try_run(ARGS)
      local after = server:stats()
      local processed, heads = after.processed - before.processed, after.heads - before.heads
      client:close()
      server:drop "close"
      server:reset()
      if result then
        assert.equal(1, processed)
        assert.equal(1, heads)
        return
      end
      caller.check({}, err)
      assert.is_true(#tostring(err) < 2000)
      if REFUSES[name] then
        -- Told before the whole body was read, the refusal may drown in the end of the connection.
        local read = err.status == REFUSES[name]
        caller.check({ outcome = read and "not_started" or "unknown" }, err)
        assert.is_true(read or name == "early_refusal")
      else
        -- Not even its beginning may be sent twice, and nothing at all where nothing is claimed.
        assert.is_true(processed <= heads and heads <= 1, heads .. " heads")
        if err.outcome == "not_started" then
          assert.equal(0, heads)
        else
          caller.check({ outcome = "unknown", retryable = false, attempts = 1 }, err)
        end
      end
    end

    for _, fault in ipairs(FAULTS) do
      if (fault[2] or mode.version) == mode.version then
        for _, reused in ipairs { false, true } do
          local where = reused and " on a reused connection" or " on a fresh connection"
          it(fault[1] .. where, function()
            promise(fault[1], reused)
          end)
        end
      end
    end

    it("arrives whole, and asks nobody's leave", function()
      server:reset()
      local client = caller.new { endpoint = server }
      for _, size in ipairs { 1000, 70 * 1024, 2 * 1024 * 1024, 11 * 1024 * 1024 } do
        server:reset()
        local value = ("x"):rep(size)
        assert(client:try_run { job_id = ARGS.job_id, parameter = { big = value } })
        local request = server:stats().requests[1]
        assert.is_nil(request.headers.expect)
        local empty = #'{"job_id":"","parameter":[{"name":"big","value":""}]}' + 32
        assert.equal(empty + size, request.body_length)
      end
      client:close()
    end)

    it("is cancelled while it is being sent", function()
      server:reset()
      server:behave "never_read"
      local client = caller.new { endpoint = server, timeout = 20 }
      local call = client:start(ARGS)
      for _ = 1, 20 do
        client:step(0.01)
      end
      call:cancel()
      local result, err = caller.wait(client, call)
      assert.is_nil(result)
      caller.check(
        { kind = "cancelled", outcome = "unknown", retryable = false, attempts = 1 },
        err
      )
      client:close()
      assert.equal(0, server:stats().processed)
      server:drop "close"
    end)
  end)
end

describe("a request beyond what the service takes", function()
  it("is refused before it is sent", function()
    local client = caller.new { endpoint = "http://127.0.0.1:9" }
    local args = { job_id = ARGS.job_id, parameter = { big = ("x"):rep(12 * 1024 * 1024 + 1) } }
    local _, err = client:try_run(args)
    caller.check({ kind = "usage", field = "parameter", outcome = "not_started" }, err)
    assert.is_true(build.is_error(err))
    client:close()
  end)
end)
