-- When a call is tried again, and after how long: the pure rule as a table, then what real calls make
-- of it.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local servers = require "spec.support.server"

-- The rule with everything at its default but what a row says.
local function delay(case)
  local all = { attempt = 1, random = 0.5, base_delay = 1, max_delay = 20, max_attempts = 10 }
  for name, value in pairs(case) do
    all[name] = value
  end
  return core.retry_delay(all)
end

local ROWS = {
  { "half the base", {}, 0.5 },
  { "doubles", { attempt = 2 }, 1 },
  { "doubles again", { attempt = 3 }, 2 },
  { "up to the limit", { attempt = 6 }, 10 },
  { "the limit holds for ever", { attempt = 9 }, 10 },
  { "no base, no delay", { base_delay = 0 }, 0 },
  { "a limit below the base", { max_delay = 0.2 }, 0.1 },
  { "full jitter: as little as nothing", { random = 0, attempt = 4 }, 0 },
  { "full jitter: as much as all", { random = 1, attempt = 4 }, 8 },

  { "not transient", { transient = false }, nil },
  { "the last attempt", { attempt = 10 }, nil },
  { "beyond the last attempt", { attempt = 11 }, nil },
  { "no retries at all", { max_attempts = 1 }, nil },

  { "Retry-After counts as the least", { retry_after = 3 }, 3 },
  { "Retry-After below the jitter", { retry_after = 0.1 }, 0.5 },
  { "Retry-After 0", { retry_after = 0 }, 0.5 },
  { "Retry-After above the limit of delays", { retry_after = 60 }, 60 },
  {
    "Retry-After of five minutes is too long to wait without a deadline",
    { retry_after = 300 },
    nil,
  },
  { "just below that", { retry_after = 299 }, 299 },
  { "an absurd Retry-After", { retry_after = math.huge }, nil },

  { "time enough", { remaining = 0.6 }, 0.5 },
  { "a wait that would use it up", { remaining = 0.5 }, nil },
  { "no time left", { remaining = 0 }, nil },
  { "the deadline has passed", { remaining = -1, base_delay = 0 }, nil },
  { "Retry-After beyond the deadline", { remaining = 2.9, retry_after = 3 }, nil },
  { "Retry-After within the deadline", { remaining = 3.1, retry_after = 3 }, 3 },
  { "a long Retry-After within a longer deadline", { remaining = 9000, retry_after = 3600 }, 3600 },

  { "so many attempts that doubling overflows", { attempt = 5000, max_attempts = 6000 }, 10 },
  { "a delay longer than five minutes was asked for", { base_delay = 900, max_delay = 900 }, 450 },
}

describe("the retry rule:", function()
  for _, row in ipairs(ROWS) do
    it(row[1], function()
      assert.equal(row[3], delay(row[2]))
    end)
  end

  it("stays within full jitter's bounds for any random number", function()
    for attempt = 1, 8 do
      local ceiling = math.min(20, 2 ^ (attempt - 1))
      for i = 0, 10 do
        local wait = delay { attempt = attempt, random = i / 10 }
        assert.is_true(wait >= 0 and wait <= ceiling)
        assert.equal(ceiling * (i / 10), wait)
      end
    end
  end)

  it("is pure", function()
    for _ = 1, 3 do
      assert.equal(0.25, delay { random = 0.25 })
    end
  end)
end)

describe("a call", function()
  local server

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
  end)

  -- Delays of the "retry" events, and what became of the call.
  local function run(retry, options)
    local delays, reasons = {}, {}
    local all = {
      endpoint = server,
      retry = retry,
      on_event = function(event)
        if event.type == "retry" then
          delays[#delays + 1] = event.delay
          reasons[#reasons + 1] = event.reason or event.kind
        end
      end,
    }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    local result, err = caller.run(all)
    return result, err, delays, reasons
  end

  for _, name in ipairs { "busy_400", "busy_500", "throttled", "unavailable", "throttled_unparsable" } do
    it("is tried as often as max_attempts says: " .. name, function()
      server:behave(name)
      local _, err, delays = run { max_attempts = 5, base_delay = 0.001, max_delay = 0.002 }
      caller.check({ kind = "api", outcome = "not_started", retryable = true, attempts = 5 }, err)
      assert.equal(5, server:stats().processed)
      assert.equal(4, #delays)
      for i, wait in ipairs(delays) do
        -- Told in whole milliseconds, rounded up.
        assert.is_true(wait >= 0 and wait <= math.min(0.002, 0.001 * 2 ^ (i - 1)))
      end
    end)

    it("ends well as soon as the service answers well: " .. name, function()
      server:script { name, name }
      local result, _, delays = run { max_attempts = 5, base_delay = 0.001, max_delay = 0.002 }
      assert.equal(3, build.meta(result).attempts)
      assert.equal(3, server:stats().processed)
      assert.equal(2, #delays)
    end)
  end

  for name, retry in pairs { ["retry = false"] = false, ["max_attempts = 1"] = { max_attempts = 1 } } do
    it("is tried once with " .. name, function()
      server:behave "unavailable"
      local _, err, delays = run(retry)
      -- Told all the same that calling again may help.
      caller.check({ kind = "api", status = 503, retryable = true, attempts = 1 }, err)
      assert.equal(1, server:stats().processed)
      assert.same({}, delays)
    end)
  end

  it("may be given a rule of its own", function()
    server:behave "unavailable"
    local client = caller.new { endpoint = server, retry = false }
    local _, err = client:try_run(caller.JOB, { retry = { max_attempts = 3, base_delay = 0 } })
    assert.equal(3, err.attempts)
    _, err = client:try_run(caller.JOB)
    assert.equal(1, err.attempts)
    client:close()
  end)

  -- The three forms of a date in HTTP (RFC 9110, 5.6.7), in UTC.
  for name, form in pairs {
    ["the preferred form"] = "!%a, %d %b %Y %H:%M:%S GMT",
    ["RFC 850"] = "!%A, %d-%b-%y %H:%M:%S GMT",
    ["asctime"] = "!%a %b %e %H:%M:%S %Y",
  } do
    it("takes a date of " .. name, function()
      local function answer(seconds)
        return {
          "answer",
          status = 429,
          body = "",
          headers = { { "Retry-After", os.date(form, os.time() + seconds) } },
        }
      end
      server:script({ answer(-10) }, "ok")
      local result = run { max_attempts = 2, base_delay = 0 }
      assert.is_truthy(result)
      server:reset()
      server:script({ answer(200) }, "ok")
      local client = caller.new { endpoint = server, retry = { max_attempts = 2, base_delay = 0 } }
      local _, err = client:try_run(caller.JOB, { deadline = 100 })
      caller.check({ status = 429, attempts = 1 }, err)
      client:close()
    end)
  end

  it("measures a date by the clock of who sent it", function()
    local form, theirs = "!%a, %d %b %Y %H:%M:%S GMT", os.time() + 86400
    server:behave("answer", {
      status = 429,
      headers = {
        { "Date", os.date(form, theirs) },
        { "Retry-After", os.date(form, theirs + 7) },
      },
    })
    local _, err = run { max_attempts = 1 }
    caller.check({ status = 429, retry_after = 7 }, err)
    server:behave("answer", {
      status = 429,
      headers = {
        { "Date", os.date(form, theirs) },
        { "Age", "60" },
        { "Retry-After", os.date(form, theirs + 67) },
      },
    })
    _, err = run { max_attempts = 1 }
    caller.check({ status = 429, retry_after = 7 }, err)
  end)

  it("takes no date that is none, nor one of another century", function()
    for _, date in ipairs {
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Thu, 32 Jan 2099 00:00:00 GMT",
      "Thu, 01 Foo 2099 00:00:00 GMT",
      "Thu, 01 anF 2099 00:00:00 GMT",
      "Thu, 01 Jan 2099 24:00:00 GMT",
      "Thu, 01 Jan 2099 00:60:00 GMT",
      "Thu, 01 Jan 2099 00:00:61 GMT",
      "Thu, 01 Jan 2099 00:00:00 GMT and more",
      "Thu, 01 Jan 1600 00:00:00 GMT",
      "Thu, 01 Jan 2099 00:00:00" .. (" "):rep(40) .. "GMT",
    } do
      server:reset()
      local refusal = { "answer", status = 429, body = "", headers = { { "Retry-After", date } } }
      server:script({ refusal }, "ok")
      assert.is_truthy((run { max_attempts = 2, base_delay = 0 }))
    end
  end)

  it("has four attempts when nothing is said", function()
    server:behave "unavailable"
    local _, err = run { base_delay = 0 }
    assert.equal(4, err.attempts)
  end)

  it("spreads its delays: no two clients wait alike", function()
    server:behave "unavailable"
    local seen, most = {}, 0
    for _ = 1, 3 do
      local _, _, delays = run { max_attempts = 4, base_delay = 0.02, max_delay = 0.02 }
      for _, wait in ipairs(delays) do
        seen[wait] = true
        most = math.max(most, wait)
      end
    end
    local count = 0
    for _ in pairs(seen) do
      count = count + 1
    end
    assert.is_true(count > 2 and most <= 0.02)
  end)

  -- A build may have been started: the same answers that a read-only operation repeats.
  for _, name in ipairs {
    "error_500",
    "error_502",
    "error_503",
    "error_504",
    "gateway_envoy",
    "gateway_varnish",
    "close_after_body",
    "reset_in_body",
  } do
    it("that starts a build is not tried again after " .. name .. ", one that reads is", function()
      server:behave(name)
      local _, err = run { max_attempts = 3, base_delay = 0 }
      caller.check({ outcome = "unknown", retryable = false, attempts = 1 }, err)
      assert.equal(1, server:stats().processed)

      server:reset()
      server:behave(name)
      local client = caller.new { endpoint = server, retry = { max_attempts = 3, base_delay = 0 } }
      local call = client:request { method = "GET", path = "/v3/anything" }
      local result
      result, err = caller.wait(client, call)
      assert.is_nil(result)
      caller.check({ outcome = false, retryable = true, attempts = 3 }, err)
      client:close()
    end)
  end
end)
