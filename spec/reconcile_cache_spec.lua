-- What a cache on the way has kept was so once: it proves that a build is there, and never that there is none.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local histories = require "spec.support.history"
local look = require "codearts.build.reconcile.look"
local servers = require "spec.support.server"
local truth = require "spec.support.history_truth"

local RUN_ID = { parameter = "RUN_ID" }

describe("err:reconcile, where a cache says that it has kept an answer,", function()
  local server, client

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    client = caller.new { endpoint = server, retry = false }
  end)
  after_each(function()
    client:close()
  end)

  local function reconcile(ages, mine, run_id, shows)
    server:script { "close_after_body" }
    local _, err = client:try_run(caller.JOB, { run_id = run_id })
    assert.equal("unknown", err.outcome)
    local h = histories.plain(build.meta(err).run_id or "none", core.time(), {
      ages = ages,
      tells_last = true,
    })
    histories.add(h, { number = 7, shows = shows })
    if mine then
      histories.add(h, { number = 8, mine = true })
    end
    server:script({}, { "history", history = h })
    return err:reconcile { timeout = 0 }
  end

  for _, operation in ipairs {
    "ListBuildInfoRecord",
    "ListBuildParameter",
    "ShowHistoryDetails",
    "ShowRecordDetail",
    "ShowBuildRecord",
    "ShowRunningStatus",
  } do
    it("finds no absence, but its build: " .. operation, function()
      local found = reconcile({ [operation] = 5 }, false, RUN_ID)
      assert.equal("unknown", found.verdict)
      caller.check({ kind = "protocol", operation = operation }, found.error)
      assert.matches("has kept the answer for 5 s, which proves no absence", found.error.message)

      found = reconcile({ [operation] = 5 }, true, RUN_ID)
      assert.equal("started", found.verdict)
      assert.equal("8", found.result.actual_build_number)
      assert.is_nil(found.error)
    end)
  end

  it("takes no place for missing by what was kept", function()
    local found = reconcile({ ShowHistoryDetails = 5 }, false, RUN_ID, { "value", "gone", "value" })
    assert.equal("unknown", found.verdict)
    assert.equal("ShowHistoryDetails", found.error.operation)
  end)

  it("takes an age of 0 for none", function()
    assert.equal("none_found", reconcile({ ListBuildInfoRecord = 0 }, false, RUN_ID).verdict)
  end)

  it("has candidates still where it has no id", function()
    assert.equal("candidates", reconcile({ ListBuildInfoRecord = 5 }).verdict)
  end)
end)

describe("a look at the builds", function()
  local ID = "5b1c7a30-9f2e-4d61-8c3b-7e0a4f9d2c11"

  local function look_at(h)
    local seen = assert(look.at(function(operation, args)
      local body, status, date, age = histories.answer(h, operation, args)
      local err = not body and core.error { kind = "api", status = status, message = operation }
        or nil
      return body, err, date, nil, age and "kept"
    end, {
      job_id = caller.JOB.job_id,
      run_id = ID,
      parameter = RUN_ID.parameter,
      clock = h.at and h.at.utc or h.now,
    }))
    local own = {}
    for i, each in ipairs(seen.builds) do
      own[i] = each.number
    end
    return { verdict = seen.verdict, own = own, open = seen.open }
  end

  it("is answered by the service though another one was kept in the same second", function()
    local h = histories.plain(ID, 1795000000, { cache = {} })
    histories.add(h, { number = 6 })
    assert.equal("none_found", look_at(h).verdict)
    histories.add(h, { number = 7, mine = true })
    assert.same({ verdict = "started", own = { 7 }, open = {} }, look_at(h))
  end)

  it("claims nothing that is not so behind a cache, in 2,000 histories", function()
    for seed = 1, 2000 do
      local h = histories.make(seed, ID, 1795000000.25)
      h.cache, h.quiet = {}, false -- what the service showed once, it shows on
      for _, each in ipairs(h.builds) do
        if each.mine then
          each.from = 1e6
        end
      end
      look_at(h)
      h.tick = 1e6
      local fault = truth.fault(h, look_at(h), h.tick)
      assert(not fault, ("history %d: %s"):format(seed, tostring(fault)))
    end
  end)
end)

describe("a key in doubt, where a cache says that it has kept an answer,", function()
  local SIGNED = { ak = "AKAKAKAKAKAKAKAKAKAK", sk = "sk-that-nobody-may-see", project_id = "p" }

  it("is sent again after a look at the service alone", function()
    local server, text, version = servers.start(), nil, nil
    local client = caller.new {
      endpoint = server,
      auth = SIGNED,
      retry = false,
      key_store = {
        get = function()
          return text, version
        end,
        put = function(_, put)
          text, version = put, (version or 0) + 1
          return version
        end,
      },
    }
    local function posts()
      local count = 0
      for _, request in ipairs(server:stats().requests) do
        count = count + (request.method == "POST" and 1 or 0)
      end
      return count
    end
    -- The attempt's signature is too old for the service by then.
    local function later(ages)
      local h = histories.plain("none", core.time() + 2000, { ages = ages })
      return { "history", history = h, last = true }
    end
    local opts = { key = "k", run_id = RUN_ID, key_wait = 0, when_lost = "resend", settle = 1 }

    local first = { "history", history = histories.plain("none", core.time(), {}) }
    local kept = later { ListBuildInfoRecord = 2 }
    server:script({ first, "close_after_body", kept, kept, later() }, "ok")
    for _ = 1, 2 do
      local _, err = client:try_run(caller.JOB, opts)
      caller.check({ kind = "key", reason = "in_doubt" }, err)
      assert.equal(1, posts())
    end
    assert(client:try_run(caller.JOB, opts))
    assert.equal(2, posts())
    client:close()
    server:stop()
  end)
end)
