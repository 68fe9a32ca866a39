-- Logs in a host that counts its frames: a step cuts lines for 2 ms and leaves the rest to the next. Counted, not timed, as in
-- frames_spec.lua: what a line's receiver burns is measured by the clock that the steps go by.

local build = require "codearts.build"
local core = require "codearts.build.core"
local lifecycle = require "spec.support.lifecycle"
local work = require "spec.support.work"

local LIMIT = 0.002 -- seconds
local A_STEP = 21 -- lines of a twentieth of that, at most
local RESULT = '{"octopus_job_name":"j_Oaqg3PCN","actual_build_number":"20",'
  .. '"daily_build_number":"20200612.20"}' -- of the server, half of which breaks off
local MOST = 8 * 1024 * 1024 -- bytes of an answer that is no stream

local stage = lifecycle.stage()
local client, server

setup(stage.start)
teardown(stage.stop)
before_each(function()
  client, server = stage.fresh()
end)
after_each(stage.close)

local function burn(seconds)
  local till = core.now() + seconds
  while core.now() < till do
  end
end

local function numbered(count)
  local lines = {}
  for number = 1, count do
    lines[number] = ("line %d of 编译"):format(number)
  end
  return lines
end

local function text_of(lines)
  return table.concat(lines, "\n") .. "\n"
end

-- The log by steps that never wait; answers the lines, and the most of one step.
local function frames(options)
  local got, most = {}, 0
  options.async = true
  function options.on_line(line)
    got[#got + 1] = line
    burn(LIMIT / 20)
  end
  local call = client:build(lifecycle.JOB, 20):log(options)
  while not call:done() do
    local before = #got
    client:step(0)
    most = math.max(most, #got - before)
    if #got == before then
      client:step(0.01)
    end
  end
  return got, most, select(2, call:try_wait())
end

local function pages(lines)
  stage.answers(
    lifecycle.page(text_of(lines), 100, false),
    lifecycle.record("SUCCESS", lifecycle.FINISHED)
  )
end

local function whole_step(text)
  stage.answers(lifecycle.record "FAILURE", text)
end

for name, kind in pairs {
  ["a page"] = { options = {}, answers = pages },
  ["the log of a step"] = {
    options = { step = 1 },
    answers = function(lines)
      whole_step(text_of(lines))
    end,
  },
} do
  describe(name, function()
    local function options(more)
      for key, value in pairs(kind.options) do
        more[key] = value
      end
      return more
    end

    it("is cut over many steps, no line is lost", function()
      local lines = numbered(400)
      kind.answers(lines)
      local got, most, err = frames(options {})
      assert.is_nil(err)
      assert.same(lines, got)
      assert.is_true(most <= A_STEP, most)
    end)

    it("is cut in one go for who waits", function()
      local lines, got = numbered(400), {}
      kind.answers(lines)
      local count = client:build(lifecycle.JOB, 20):log(options {
        on_line = function(line)
          got[#got + 1] = line
        end,
      })
      assert.equal(400, count)
      assert.same(lines, got)
      kind.answers(lines)
      assert.equal(text_of(lines), client:build(lifecycle.JOB, 20):log(options {}))
    end)

    it("is cut no further when it is cancelled", function()
      kind.answers(numbered(400))
      local got = 0
      local call = client:build(lifecycle.JOB, 20):log(options {
        async = true,
        on_line = function()
          got = got + 1
          burn(LIMIT / 20)
        end,
      })
      while got == 0 do
        client:step(0.01)
      end
      call:cancel()
      local before = got
      while not call:done() do
        client:step(0.01)
      end
      for _ = 1, 10 do
        client:step(0)
      end
      assert.equal(before, got)
      assert.equal("cancelled", select(2, call:try_wait()).kind)
    end)

    it("lets other calls end meanwhile", function()
      kind.answers(numbered(2000))
      local got, told = 0, nil
      local call
      call = client:build(lifecycle.JOB, 20):log(options {
        async = true,
        on_line = function()
          got = got + 1
          burn(LIMIT / 20)
          if got == 1 then
            client:sleep(0):on_done(function()
              told = got
            end)
          end
        end,
      })
      while not call:done() do
        client:step(0.01)
      end
      assert.equal(2000, got)
      assert.is_true(told < 200, told)
    end)
  end)
end

describe("the log of a step", function()
  local function log(options)
    options.step = 1
    return client:build(lifecycle.JOB, 20):log(options)
  end

  it("has no limit of size", function()
    local line = ("0123456789abcdef"):rep(4096)
    whole_step((line .. "\n"):rep(MOST / #line + 1))
    local count = log {
      on_line = function(got)
        assert.is_true(got == line)
      end,
    }
    assert.equal(MOST / #line + 1, count)
  end)

  it("that breaks off is asked for again, and no line comes twice", function()
    local whole = RESULT
    server:script({
      { "answer", body = lifecycle.record "FAILURE" },
      "close_in_body",
      "close_in_body",
      { "answer", body = whole },
    }, "ok")
    assert.equal(whole .. "\n", log {})
  end)

  it("raises what a callback raises", function()
    whole_step "a\nb\n"
    local got = {}
    local ok, err = pcall(log, {
      on_line = function(line)
        got[#got + 1] = line
        error("mine", 0)
      end,
    })
    assert.is_false(ok)
    assert.truthy(tostring(err):find("mine", 1, true))
    assert.same({ "a" }, got)
  end)
end)

for name, new in pairs { facade = build.new, core = core.new } do
  describe("a receiver of a stream that is not done with a piece, the " .. name, function()
    it("is called again in the next step, before more comes", function()
      local body = ("0123456789abcdef"):rep(2 ^ 16) -- 1 MiB
      server:behave("answer", { body = body })
      local other = new { endpoint = server.url, auth = "a-token", proxy = false }
      local got, turns, steps = {}, 0, 0
      local turned = 0 -- in which step
      local call = other:request {
        operation = "x",
        method = "GET",
        path = "/x",
        answer = "bytes",
        read_only = true,
        stream = function(piece)
          turns = turns + 1
          assert(turned < steps or turns % 4 == 1, "twice in one step")
          turned = steps
          assert(turns % 4 == 1 or piece == "", "more came")
          got[#got + 1] = piece
          return turns % 4 == 0
        end,
      }
      while not call:done() do
        steps = steps + 1
        other:step(0)
        if turned < steps then
          other:step(0.001)
        end
      end
      assert(call:try_wait())
      assert.is_true(table.concat(got) == body)
      assert.equal(0, turns % 4)
      other:close()
    end)

    it("gets all at once where somebody waits, or closes", function()
      server:behave("answer", { body = "text" })
      for _, finish in ipairs { "wait", "close" } do
        local other = new { endpoint = server.url, auth = "a-token", proxy = false }
        local got = {}
        local call = other:request {
          operation = "x",
          method = "GET",
          path = "/x",
          answer = "bytes",
          read_only = true,
          stream = function(piece)
            got[#got + 1] = piece
            return false
          end,
        }
        if finish == "close" then
          while not got[1] do
            other:step(0.01)
          end
        else
          call:wait()
        end
        other:close()
        assert.is_true(call:done())
        assert.equal("text", table.concat(got))
      end
    end)
  end)
end

-- Such a page is decoded in one piece, so no byte of it may be a loop of ours.
it("a page with a broken character takes little more work of Lua than any", function()
  local line = [[编译 \\ C:\\build\\main.c\n]]
  local function page(rest)
    return ('{"status":"success","result":{"content":"%s","offset":10,"has_more_data":false}}'):format(
      line:rep(2000) .. rest
    )
  end
  local function work_of(...)
    server:reset()
    stage.answers(...)
    return work.of(function()
      client:build(lifecycle.JOB, 20):log()
    end)
  end
  assert.is_true(work_of(page "\231") < 1.3 * work_of(page ""))
end)
