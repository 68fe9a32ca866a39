-- A step ends after 2 ms of work and leaves the rest to the next. Counted, not timed: what a callback
-- burns is measured by the clock that the steps go by, so a machine that is busy elsewhere only makes
-- more steps of it.

local build = require("codearts.build")
local calls = require("spec.support.calls")
local core = require("codearts.build.core")
local server = require("spec.support.server").start()
local socket = require("socket")

local JOB = calls.JOB
local LIMIT = 0.002 -- seconds

local function options(more)
  return calls.options(server, more)
end

local function burn(seconds)
  local till = core.now() + seconds
  while core.now() < till do
  end
end

local function is_readable(client)
  local fd = client:pollfd()
  local readable = socket.select({
    {
      getfd = function()
        return fd
      end,
    },
  }, nil, 0)
  return #readable == 1
end

-- A call that has ended when the next step begins.
local function ended(client, f)
  local call = client:sleep(60)
  call:on_done(f)
  call:cancel()
  return call
end

-- `count` of them; each callback takes that long and is noted.
local function begin(client, count, seconds)
  local told = {}
  for i = 1, count do
    ended(client, function()
      told[#told + 1] = i
      burn(seconds)
    end)
  end
  return told
end

teardown(function()
  server:stop()
end)

for name, new in pairs({ facade = build.new, core = core.new }) do
  describe("a step of the " .. name, function()
    local client
    before_each(function()
      server:reset()
      client = new(options())
    end)
    after_each(function()
      client:close()
    end)

    it("ends with the callback that takes its time, and the descriptor stays readable", function()
      client:pollfd()
      local told = begin(client, 5, LIMIT)
      for i = 1, 5 do
        assert.is_true(is_readable(client))
        assert.equal(0, client:timeout())
        local remaining = client:step(0)
        assert.equal(i, #told)
        assert.is_true(i == 5 or remaining > 0)
      end
      repeat
      until client:step(0) == 0
      assert.same({ 1, 2, 3, 4, 5 }, told)
      assert.is_false(is_readable(client))
      assert.is_nil(client:timeout())
    end)

    it("leaves most of a thousand answers to others, none is lost", function()
      local told = begin(client, 1000, LIMIT / 20)
      local steps, most = 0, 0
      repeat
        local before = #told
        local remaining = client:step(0)
        steps, most = steps + 1, math.max(most, #told - before)
      until remaining == 0
      assert.equal(1000, #told)
      assert.is_true(most <= 21, most)
      assert.is_true(steps >= 1000 / 21)
    end)

    it("raises what its own callbacks raised, and the others run in the next", function()
      local told = {}
      for i = 1, 3 do
        ended(client, function()
          told[i] = true
          burn(LIMIT)
          error("callback " .. i, 0)
        end)
      end
      for i = 1, 3 do
        local ok, problem = pcall(client.step, client, 0)
        assert.is_false(ok)
        assert.truthy(tostring(problem):find("callback " .. i, 1, true))
        assert.equal(i, #told)
      end
    end)

    it("moves connections though callbacks always make others due", function()
      local over = false
      for _ = 1, 2 do
        local call
        local function again()
          burn(LIMIT)
          if not over then
            call:on_done(again)
          end
        end
        call = ended(client, again)
      end
      client:start(JOB):on_done(function()
        over = true
      end)
      for _ = 1, 10000 do
        if over then
          break
        end
        client:step(0)
      end
      assert.is_true(over)
    end)

    it("does not sleep over what another one left", function()
      local told = begin(client, 3, LIMIT)
      for _ = 1, 3 do
        client:step()
      end
      assert.equal(3, #told)
    end)

    it("is followed by a close that tells everything", function()
      local told = begin(client, 20, LIMIT)
      client:step(0)
      assert.equal(1, #told)
      client:close()
      assert.equal(20, #told)
    end)

    it("in which a callback closes the client tells everything", function()
      local told = begin(client, 20, LIMIT)
      ended(client, function()
        client:close()
      end)
      repeat
      until not pcall(client.step, client, 0)
      assert.equal(20, #told)
    end)

    it("does not cut a wait", function()
      local told = begin(client, 3, LIMIT)
      local last = ended(client, function()
        told[#told + 1] = "last"
      end)
      assert.is_false(pcall(last.wait, last))
      assert.same({ 1, 2, 3, "last" }, told)
    end)
  end)
end

describe("many calls", function()
  before_each(function()
    server:reset()
  end)

  it("begin over several steps, each once", function()
    local begun, built = 0, 0
    local client = build.new(options({
      max_connections = 200,
      on_event = function(event)
        begun = begun + (event.type == "request" and 1 or 0)
      end,
    }))
    for _ = 1, 100 do
      client:start(JOB):on_done(function(result)
        built = built + (result and 1 or 0)
      end)
    end
    local most, before = 0, 0
    while client:step(0) > 0 do
      most, before = math.max(most, begun - before), begun
    end
    assert.equal(100, built)
    assert.equal(100, begun)
    assert.is_true(most <= 32, most) -- events that one step left are told in the next
    assert.equal(100, server:stats().processed)
    client:close()
  end)

  -- libcurl has a timer for each, whether there is another address or not, and moves all in one piece whose timer is
  -- over. Nobody answers here, so nothing but a timer ends a step that waits.
  it("have the timers of their connections apart", function()
    local listener = assert(socket.bind("127.0.0.1", 0, 120))
    local _, port = listener:getsockname()
    local function steps_until_over()
      local client = build.new(options({
        endpoint = "https://127.0.0.1:" .. math.floor(port),
        http_version = "1.1",
      }))
      for _ = 1, 12 do
        client:start(JOB, { retry = false })
      end
      repeat
        client:step(0)
      until client:timeout() > 0.1
      local over, steps = client:sleep(0.6), 0
      while not over:done() do
        client:step()
        steps = steps + 1
      end
      client:close()
      return steps
    end
    -- Where something else keeps the processor, many may be over at once.
    local most, tries = 0, 0
    repeat
      most, tries = math.max(most, steps_until_over()), tries + 1
    until most > 6 or tries == 10
    -- One step, that of the sleep's end: a newer libcurl (8.14) has no timer where there is no other address.
    assert.is_true(most > 6 or most == 1, most)
    listener:close()
  end)

  it("tell of a call's events before its end, whatever they take", function()
    local told = {}
    local client = build.new(options())
    for i = 1, 5 do
      client
        :start(JOB, {
          on_event = function(event)
            told[i] = (told[i] or "") .. event.type .. " "
            burn(LIMIT)
          end,
        })
        :on_done(function()
          told[i] = told[i] .. "end"
        end)
    end
    while client:step(1) > 0 do
    end
    for i = 1, 5 do
      assert.equal("request response end", told[i])
    end
    client:close()
  end)

  it("read a large answer over several steps, all of it", function()
    local size = 6 * 1024 * 1024
    server:behave("answer", { status = 200, body = ("x"):rep(size), kind = "text/plain" })
    local client = build.new(options())
    client:pollfd()
    local spec = { operation = "Show", method = "GET", path = "/large", answer = "bytes" }
    local call = client:request(spec)
    local most, cut = 0, 0
    while client:step(1) > 0 do
      cut = cut + (is_readable(client) and client:timeout() == 0 and 1 or 0)
      most = most + 1
    end
    assert.equal(size, #call:wait())
    assert.is_true(most >= 11 and cut >= 11, most .. " steps, " .. cut .. " cut") -- 512 KiB each
    assert.equal(size, #client:request(spec):wait())
    client:close()
  end)

  it("lose no byte of streams whose receivers are slow", function()
    local size = 1000000
    server:behave("answer", { status = 200, body = ("x"):rep(size), kind = "text/plain" })
    local client = build.new(options())
    local got = {}
    for i = 1, 3 do
      got[i] = 0
      client:request({
        operation = "DownloadBuildLog",
        method = "GET",
        path = "/log",
        answer = "bytes",
        read_only = true,
        stream = function(piece)
          got[i] = got[i] + #piece
          burn(LIMIT)
        end,
      })
    end
    while client:step(1) > 0 do
    end
    assert.same({ size, size, size }, got)
    client:close()
  end)
end)

describe("luv", function()
  local ok, uv = pcall(require, "luv")
  if not ok and _VERSION == "Lua 5.5" then
    return -- there is none for it
  elseif not ok then
    pending("luv is not installed")
    return
  end

  it("goes on until everything was told", function()
    local client = require("codearts.build.luv").new(options())
    local told, most, step = begin(client, 10, LIMIT), 0, client.step
    function client.step(...)
      local before = #told
      local remaining = step(...)
      most = math.max(most, #told - before)
      return remaining
    end
    repeat
      uv.run("once")
    until #told == 10
    assert.equal(1, most)
    client:close()
    uv.run()
  end)
end)
