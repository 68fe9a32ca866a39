-- A call starts at most one build: every fault of the server, on a fresh and on a reused connection,
-- over plain HTTP, TLS and HTTP/2, counted at the server.

local behaviours = require "spec.support.behaviours"
local build = require "codearts.build"
local caller = require "spec.support.caller"
local native = require "spec.support.native"
local servers = require "spec.support.server"

local JOB = ("0f1e2d3c"):rep(4)
local TOKEN = "fake-token-of-at-most-once"

-- Answers by which the service says that it did nothing; each attempt that gets one is processed by
-- the server but starts no build.
local function refuses(name)
  return name:find "^busy"
    or name:find "^throttled"
    or name:find "^unavailable"
    or name:find "^redirect" -- 307
    or name:find "^unauthorized"
    or name == "forbidden"
    or name == "not_found"
    or name:find "^error_[^5]"
end

-- What a user is promised beside the count, where it is more than "some error".
local EXPECTED = {
  ok = {},
  chunked = {},
  continue_first = {},
  interim = {},
  http10 = {},
  ok_nested = {},
  ok_numbers = {},
  gzip = { kind = "protocol", reason = "encoded", outcome = "unknown" },
  gzip_bomb = { kind = "protocol", reason = "encoded", outcome = "unknown" },
  header_flood = { kind = "protocol", reason = "too_large", outcome = "unknown" },
  interim_flood = { kind = "protocol", reason = "too_large", outcome = "unknown" },
  header_line_flood = { kind = "protocol", reason = "too_large", outcome = "unknown" },
  chunked_badly = { kind = "protocol", reason = "bad_http", outcome = "unknown" },
  close_in_head = { kind = "transport", outcome = "unknown" },
  reset_in_head = { kind = "transport", outcome = "unknown" },
  body_flood = { kind = "protocol", reason = "too_large", outcome = "unknown" },
  chunk_flood = { kind = "protocol", reason = "too_large", outcome = "unknown" },
  ok_large = { kind = "protocol", reason = "too_large", outcome = "unknown" },
  never_answer = { kind = "timeout", reason = "timeout", outcome = "unknown" },
  stall_in_body = { kind = "timeout", reason = "timeout", outcome = "unknown" },
  ok_empty = { kind = "protocol", reason = "bad_json", outcome = "unknown" },
  ok_not_json = { kind = "protocol", reason = "bad_json", outcome = "unknown" },
  ok_cut = { kind = "protocol", reason = "bad_json", outcome = "unknown" },
  ok_nan = { kind = "protocol", reason = "bad_json", outcome = "unknown" },
  ok_bad_utf8 = { kind = "protocol", reason = "bad_json", outcome = "unknown" },
  ok_array = { kind = "protocol", reason = "bad_answer", outcome = "unknown" },
  ok_null = { kind = "protocol", reason = "bad_answer", outcome = "unknown" },
  ok_without_members = { kind = "protocol", reason = "bad_answer", outcome = "unknown" },
  forbidden = { kind = "auth", status = 403, outcome = "not_started" },
  not_found = { kind = "api", status = 404, outcome = "not_started" },
  error_500 = { kind = "api", status = 500, outcome = "unknown" },
  error_503 = { kind = "api", status = 503, outcome = "unknown" },
  gateway_envoy = { kind = "api", status = 503, outcome = "unknown" },
  gateway_varnish = { kind = "api", status = 503, outcome = "unknown" },
  gateway_client_gone = { kind = "api", status = 499, outcome = "unknown" },
  gateway_timeout = { kind = "api", status = 408, outcome = "unknown" },
  see_other = { kind = "protocol", reason = "redirect", status = 303, outcome = "unknown" },
  error_504 = { kind = "api", status = 504, outcome = "unknown" },
  close_after_body = { kind = "transport", outcome = "unknown" },
  reset_after_body = { kind = "transport", outcome = "unknown" },
  close_in_body = { kind = "transport", outcome = "unknown" },
  reset_in_body = { kind = "transport", outcome = "unknown" },
}

local MODES = {
  { name = "plain", options = {}, protocol = "h1" },
  { name = "TLS", options = { tls = true }, protocol = "h1" },
  { name = "HTTP/2", options = { http2 = true }, protocol = "h2" },
}

-- What only a limit ends; everything else ends by itself, however busy the machine is.
local SILENT = { never_read = true, never_answer = true, stall_in_body = true, slow = true }

-- What ends a kept connection without a byte of an answer.
local KEPT = { "close_after_head", "close_after_body", "reset_after_body" }

local function client_for(server, name)
  return build.new {
    endpoint = server.url,
    auth = TOKEN,
    timeout = SILENT[name] and 0.2 or 10,
    deadline = refuses(name) and 20 or nil,
    retry = { max_attempts = 3, base_delay = 0.001, max_delay = 0.002 },
    tls = { ca_file = server.ca_file },
  }
end

-- One faulty request; what follows it would be answered well, so a repetition shows as processed.
local function run_fault(server, name, reused)
  local client = client_for(server, name)
  -- A Retry-After beyond the deadline ends a call at once; spec/time_spec.lua waits for one.
  local fault = { name, seconds = 100 }
  server:script(reused and { "ok", fault } or { fault }, refuses(name) and fault or "ok")
  if reused then
    assert(client:try_run { job_id = JOB })
  end
  local before = server:stats()
  local result, err = client:try_run { job_id = JOB }
  local after = server:stats()
  local processed = after.processed - before.processed
  -- Not even the beginning of a request may come twice.
  assert(refuses(name) or after.heads - before.heads <= 1, "a request was sent twice")
  -- Nor is another connection made for it.
  assert(not reused or refuses(name) or after.connections == before.connections)
  client:close()
  server:drop "close"
  server:reset()
  return result, err, processed
end

local function check_promise(name, result, err, processed)
  if result then
    assert.equal(1, processed)
    return
  end
  assert.is_true(build.is_error(err), tostring(err))
  assert.is_nil(tostring(err):find(TOKEN, 1, true))
  if refuses(name) then
    assert.equal("not_started", err.outcome)
    assert.equal(processed, err.attempts)
    return
  end
  assert.is_true(processed <= 1, processed .. " requests processed")
  if processed > 0 then
    assert.equal("unknown", err.outcome)
    assert.is_false(err.retryable)
  end
end

for _, mode in ipairs(MODES) do
  describe("at most one build over " .. mode.name .. ":", function()
    local server

    setup(function()
      server = servers.start(mode.options)
    end)
    teardown(function()
      server:stop()
    end)

    for _, row in ipairs(behaviours.rows) do
      local argued = row.name == "answer"
        or row.name == "history"
        or row.name == "by_path"
        or row.name == "raw"
        or row.name:find "release"
        or row.name == "ok_then_reset"
        or row.name:find "echo"
      if row.at ~= "accept" and (row.over or mode.protocol) == mode.protocol and not argued then
        for _, reused in ipairs { false, true } do
          local where = reused and " on a reused connection" or " on a fresh connection"
          it(row.name .. where, function()
            local result, err, processed = run_fault(server, row.name, reused)
            check_promise(row.name, result, err, processed)
            for member, value in pairs(mode.protocol == "h1" and EXPECTED[row.name] or {}) do
              assert.equal(value, err and err[member], tostring(err))
            end
          end)
        end
      end
    end

    -- There libcurl would repeat it without a new connection.
    for _, name in ipairs(mode.protocol == "h1" and KEPT or {}) do
      it(name .. " on one of two kept connections", function()
        local client = client_for(server, name)
        server:behave "ok_on_release"
        local calls = { client:start { job_id = JOB }, client:start { job_id = JOB } }
        while server:stats().waiting < 2 do
          client:step(0.01)
        end
        server:release()
        calls[1]:wait()
        calls[2]:wait()
        server:script({ name }, "ok")
        local _, err = client:try_run { job_id = JOB }
        local stats = server:stats()
        client:close()
        server:reset()
        assert.equal("unknown", err and err.outcome)
        assert.equal(3, stats.heads)
        assert.equal(2, stats.connections)
      end)
    end
  end)
end

-- As nginx does by GOAWAY to what is under way when a connection has had its number of requests: libcurl
-- would send those again, and says of every sixth on a handle that it did.
describe("streams that the server refuses over HTTP/2,", function()
  it("many one after the other, are all told alike, and none is sent again", function()
    local server = servers.start { http2 = true }
    local client = client_for(server, "refused_stream_after")
    for i = 1, 8 do
      server:script { "ok", "refused_stream_after" }
      assert(client:try_run { job_id = JOB })
      local _, err = client:try_run { job_id = JOB }
      assert.equal(2 * i, server:stats().processed)
      assert.equal("unknown", err.outcome)
      assert.is_false(err.retryable)
      assert.equal("http2", err.reason, err.message)
      assert.truthy(err.message:find("not sent again", 1, true), err.message)
    end
    client:close()
    server:stop()
  end)
end)

-- Apache and IIS do so to each request, where they ask for a certificate late.
describe("a start that the server wants over HTTP/1.1", function()
  it("names the option, with which it goes", function()
    local server = servers.start { http2 = true }
    local client = client_for(server, "http_1_1_required_before")
    server:script({ "http_1_1_required_before" }, "ok")
    local _, err = client:try_run { job_id = JOB }
    client:close()
    assert.equal("unknown", err.outcome)
    assert.truthy(err.message:find('http_version = "1.1"', 1, true), err.message)
    client = build.new {
      endpoint = server.url,
      auth = TOKEN,
      proxy = false,
      tls = { ca_file = server.ca_file },
      http_version = "1.1",
    }
    assert(client:try_run { job_id = JOB })
    client:close()
    server:stop()
  end)
end)

-- What became of a call must not hang on a number of libcurl's (curl issue 13269).
describe("at most one build by a libcurl that does not count what it sends", function()
  local library

  setup(function()
    library = native.library("uncounted", "-Wl,--no-as-needed -lcurl")
  end)
  teardown(function()
    os.remove(library)
  end)

  for _, mode in ipairs(MODES) do
    it("over " .. mode.name, function()
      local told = caller.elsewhere(
        ([[
local build = require "codearts.build"
local servers = require "spec.support.server"
local server = servers.start { tls = %s, http2 = %s }
local faults = { "close_after_body", "reset_after_body", "close_in_body", "reset_in_body", "never_answer" }
for _, name in ipairs(faults) do
  server:script({ name }, "ok")
  local client = build.new {
    endpoint = server.url, auth = "fake-token", proxy = false, tls = { ca_file = server.ca_file },
    timeout = name == "never_answer" and 0.5 or 10, retry = { base_delay = 0.001 },
  }
  local result, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
  print(result and "started" or err.outcome, server:stats().processed)
  client:close()
  server:reset()
end
server:stop()
]]):format(tostring(mode.options.tls), tostring(mode.options.http2)),
        function(command)
          return ("ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=%s %s"):format(library, command)
        end
      )
      assert.equal(("unknown\t1\n"):rep(5), told)
    end)
  end
end)
