-- What the service's list of builds lacks, though it is there, and err:reconcile asks about.

local build = require "codearts.build"
local core = require "codearts.build.core"
local histories = require "spec.support.history"
local look = require "codearts.build.reconcile.look"
local servers = require "spec.support.server"

local JOB = "samplejob00000000000000000000001"
local GONE = { "gone", "gone", "gone" }

describe("a build that the list lacks", function()
  local server, client

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    client = build.new { endpoint = server.url, auth = "fake-token", retry = false }
  end)
  after_each(function()
    client:close()
  end)

  local function lose()
    server:script { "close_after_body" }
    local _, err = client:try_run({ job_id = JOB }, { run_id = { parameter = "RUN_ID" } })
    assert.equal("unknown", err.outcome)
    return err, core.meta(err).run_id
  end

  it("is asked about where an earlier look has listed it", function()
    local err, id = lose()
    local waits = histories.plain(id, core.time())
    histories.add(waits, { number = 7, told = 0, mine = true, shows = GONE })
    local function found_after(what)
      local lags = histories.plain(id, core.time())
      what.number, what.from = 7, 1e9
      histories.add(lags, what)
      -- The first look: the list, and the places that show the build's parameters.
      local first = { "history", history = waits }
      server:script({ first, first, first, first, first }, { "history", history = lags })
      return err:reconcile { timeout = 0.3, interval = 0.01 }
    end
    local found = found_after { shows = GONE }
    assert.equal("unknown", found.verdict)
    assert.equal(7, found.candidates[1].build_no)
    assert.matches("parameters of build 7 are not shown", found.error.message)
    assert.equal("started", found_after({ mine = true }).verdict)
    assert.same({ verdict = "none_found" }, found_after {})
  end)

  local function reconcile(builds, tells_last)
    local err, id = lose()
    if tells_last == nil then
      tells_last = true
    end
    local h = histories.plain(id, core.time(), { tells_last = tells_last })
    for _, each in ipairs(builds) do
      histories.add(h, each)
    end
    server:script({}, { "history", history = h })
    return err:reconcile { timeout = 0 }
  end

  it("is asked about where the service tells that it is the last one", function()
    for _, before in ipairs { {}, { { number = 6 } } } do
      local function with(last)
        last.number, last.from = 7, 1e9
        return { last, before[1] }
      end
      local found = reconcile(with { mine = true })
      assert.equal("started", found.verdict)
      assert.equal("7", found.result.actual_build_number)
      found = reconcile(with { shows = GONE })
      assert.equal("unknown", found.verdict)
      assert.equal(7, found.candidates[1].build_no)
      assert.same({ verdict = "none_found" }, reconcile(with {}))
      assert.same({ verdict = "none_found" }, reconcile(with { shows = GONE }, false))
    end
  end)

  it("is asked about where its number lies between or below those that are listed", function()
    local others = { { number = 5 }, { number = 8 } }
    for _, number in ipairs { 4, 6 } do
      for _, tells_last in ipairs { true, false } do
        local function with(one)
          one.number, one.from = number, 1e9
          return { one, others[1], others[2] }
        end
        local found = reconcile(with { mine = true }, tells_last)
        assert.equal("started", found.verdict)
        assert.equal(("%d"):format(number), found.result.actual_build_number)
        assert.equal(
          "unknown",
          reconcile(with { shows = { "fail", "fail", "fail" } }, tells_last).verdict
        )
        assert.same({ verdict = "none_found" }, reconcile(with {}, tells_last))
      end
    end
  end)

  it("is asked about where the last one that is told is the last that ended", function()
    for _, before in ipairs { {}, { { number = 6 } } } do
      local function with(one)
        one.number, one.from = before[1] and 7 or 1, 1e9
        return { one, before[1] }
      end
      assert.equal("started", reconcile(with { mine = true }, "ended").verdict)
      assert.same({ verdict = "none_found" }, reconcile(with {}, "ended"))
    end
    assert.same({ verdict = "none_found" }, reconcile({ { number = 6 } }, "ended"))
  end)

  it("may be there where the last one cannot be told now", function()
    for _, status in ipairs { 401, 429, 500, 503 } do
      local found = reconcile({ { number = 6 } }, status)
      assert.equal("unknown", found.verdict)
      assert.equal(status, found.error.status)
    end
    assert.same({ verdict = "none_found" }, reconcile({ { number = 6 } }, 403))
  end)

  it("is a candidate where none shows an id", function()
    local hidden = { "missing", "missing", "missing" }
    local found = reconcile {
      { number = 5, shows = hidden },
      { number = 6, shows = hidden, from = 1e9 },
      { number = 7, shows = hidden },
    }
    assert.equal("candidates", found.verdict)
    assert.equal(3, #found.candidates)
  end)

  it("has a while to show its record where it was found", function()
    local found = reconcile { { number = 7, mine = true } }
    server:script(
      { { "answer", status = 404, body = "{}" } },
      { "answer", body = '{"result":{"build_no":7,"status":"SUCCESS"}}' }
    )
    assert.equal("SUCCESS", found.result:wait({ interval = 0.001 }).status)
  end)

  it("is not taken for deleted where the question was cancelled", function()
    local h = histories.plain("none", core.time(), {})
    histories.add(h, { number = 8 })
    local seen, err = look.at(function(operation, args)
      if operation == "ShowRecordDetail" and args.build_no == 7 then
        return nil, core.error { kind = "cancelled", message = "cancelled" }
      end
      local body, status = histories.answer(h, operation, args)
      return body, not body and core.error { kind = "api", status = status, message = "no" } or nil
    end, { job_id = JOB, run_id = "none", parameter = "RUN_ID" })
    assert.is_nil(seen)
    assert.equal("cancelled", err.kind)
  end)

  it(
    "is not taken for deleted, nor any list for whole, where nobody could sign in for the question",
    function()
      local h = histories.plain("none", core.time(), { tells_last = true })
      histories.add(h, { number = 5 })
      histories.add(h, { number = 7 })
      local asked, verdict = 0
      repeat
        local script = {}
        for i = 1, asked do
          script[i] = { "history", history = h }
        end
        script[asked + 1] = { "answer", status = 401, body = "{}" }
        local signs = build.new {
          endpoint = server.url,
          retry = false,
          auth = function(ctx)
            return ctx.reason ~= "refused" and "fake-token" or error "the vault is closed"
          end,
        }
        server:script { "close_after_body" }
        local _, err = signs:try_run({ job_id = JOB }, { run_id = { parameter = "RUN_ID" } })
        server:script(script, { "history", history = h })
        local found = err:reconcile { timeout = 0 }
        local is_over = #server:stats().requests <= 1 + asked -- with the start
        server:reset()
        signs:close()
        verdict = found.verdict
        if not is_over then
          assert.same({ asked, "unknown" }, { asked, verdict })
          assert.matches("the vault is closed", found.error.message)
        end
        asked = asked + 1
      until is_over
      assert.equal("none_found", verdict)
      assert.equal(14, asked)
    end
  )

  it("is left open where an auth function fails without a message", function()
    for _, message in ipairs { false, 7, {} } do
      local signs = build.new {
        endpoint = server.url,
        retry = false,
        auth = function(ctx)
          if ctx.reason ~= "refused" then
            return "fake-token"
          end
          return nil, core.error { kind = "auth", message = message or nil }
        end,
      }
      server:script { "close_after_body" }
      local _, err = signs:try_run({ job_id = JOB }, { run_id = { parameter = "RUN_ID" } })
      server:script({ { "answer", status = 401, body = "{}" } }, { "answer", body = "{}" })
      assert.equal("unknown", err:reconcile({ timeout = 0 }).verdict)
      server:reset()
      signs:close()
    end
  end)

  it("below one that was there long before is asked nothing", function()
    local old = { number = 7, created = core.time() - 16 * 3600 }
    assert.same(
      { verdict = "none_found" },
      reconcile { { number = 6, from = 1e9, mine = true }, old, { number = 8 } }
    )
  end)

  it("is another's where its record tells that it was there long before", function()
    local hour = 3600
    local function last(before)
      local old = { number = 7, created = core.time() - before * hour, from = 1e9 }
      old.shows = { "missing", "missing", "missing" }
      return { old }
    end
    assert.same({ verdict = "none_found" }, reconcile(last(16)))
    assert.equal("candidates", reconcile(last(14)).verdict)
  end)
end)
