-- What became of a call whose answer was lost: asked at the sandbox, through a gate that loses it.

local build = require "codearts.build"
local core = require "codearts.build.core"
local gates = require "spec.support.gate"
local histories = require "spec.support.history"
local judge = require "codearts.build.reconcile.judge"
local listing = require "codearts.build.reconcile.listing"
local look = require "codearts.build.reconcile.look"
local sandbox = require "codearts.build.sandbox"
local servers = require "spec.support.server"
local truth = require "spec.support.history_truth"

local JOB = "samplejob00000000000000000000001"
local RUN_ID = { parameter = "RUN_ID" }

describe("err:reconcile", function()
  local box, gate, client

  setup(function()
    local jobs = os.tmpname()
    local file = assert(io.open(jobs, "w"))
    file:write(([[
      job { id = %q, name = "sample",
        parameters = { RUN_ID = "", SECRET_RUN_ID = { default = "", secret = true } },
        steps = { step { name = "True", run = "true" } } }
    ]]):format(JOB))
    file:close()
    box = sandbox.start { jobs = jobs }
    os.remove(jobs)
    gate = gates.start(box.endpoint)
  end)
  teardown(function()
    gate:stop()
    box.stop()
  end)
  before_each(function()
    gate:reset()
    client = build.new { endpoint = gate.url, auth = box.token, retry = false, timeout = 5 }
  end)
  after_each(function()
    client:close()
  end)

  -- The first connection of the client's is the one that fails.
  local function lose(behaviour, opts)
    gate:script({ behaviour }, "relay")
    local result, err = client:try_run({ job_id = JOB }, opts)
    assert.is_nil(result)
    assert.equal("unknown", err.outcome)
    assert.is_function(err.reconcile)
    return err
  end
  local LOST_ANSWER = { "cut_answer", bytes = 1 }
  local LOST_REQUEST = { "cut_request", bytes = 30 }

  it("finds the build that this call started", function()
    local err = lose({ "cut_answer", bytes = 10 }, { run_id = RUN_ID })
    assert(client:try_run({ job_id = JOB }, { run_id = RUN_ID })) -- somebody else's, and newer
    local found = err:reconcile()
    assert.equal("started", found.verdict)
    local number = tonumber(found.result.actual_build_number)
    local details = client:call("ShowHistoryDetails", { job_id = JOB, build_number = number })
    assert.equal(core.meta(err).run_id, details.parameters.RUN_ID)
    assert.is_string(found.result.daily_build_number)
    assert.is_string(found.result.octopus_job_name)
    assert.equal("SUCCESS", found.result:wait().status)
  end)

  it("tells a build that somebody ran again, too", function()
    local err = lose({ "cut_answer", bytes = 10 }, { run_id = RUN_ID })
    local again = client:run { job_id = JOB, parameter = { RUN_ID = core.meta(err).run_id } }
    local found = err:reconcile()
    assert.equal("started", found.verdict)
    assert.equal(2, #found.results)
    assert.equal(found.results[1], found.result)
    assert.equal(again.actual_build_number, found.results[2].actual_build_number)
  end)

  it("says that none was found", function()
    local err = lose(LOST_REQUEST, { run_id = RUN_ID })
    assert.same({ verdict = "none_found" }, err:reconcile { timeout = 0 })
  end)

  for how, name in pairs { ["not at all"] = "RUNID", ["as a secret"] = "SECRET_RUN_ID" } do
    it("has candidates where the job declares the parameter " .. how, function()
      local err = lose({ "cut_answer", bytes = 10 }, { run_id = { parameter = name } })
      local found = err:reconcile { timeout = 0 }
      assert.equal("candidates", found.verdict)
      assert.is_nil(found.error)
      assert.is_true(#found.candidates >= 1)
    end)
  end

  it("has candidates at most without an identity", function()
    local found = lose({ "cut_answer", bytes = 10 }):reconcile()
    assert.equal("candidates", found.verdict)
    assert.is_true(#found.candidates >= 1)
    assert.equal(JOB, found.candidates[1].job_id)
  end)

  it("says so when the service does not tell", function()
    gate:script({}, LOST_REQUEST)
    local _, err = client:try_run({ job_id = JOB }, { run_id = RUN_ID })
    local found = err:reconcile { timeout = 0 }
    assert.equal("unknown", found.verdict)
    assert.is_true(build.is_error(found.error))
  end)

  it("works as a call in flight, too", function()
    local task = lose(LOST_REQUEST, { run_id = RUN_ID }):reconcile { async = true, timeout = 0 }
    assert.is_false(task:done())
    assert.equal("none_found", task:wait().verdict)
  end)

  it("ends when it is cancelled", function()
    local task = lose(LOST_REQUEST, { run_id = RUN_ID }):reconcile { async = true, timeout = 60 }
    task:cancel()
    local ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    assert.equal("cancelled", err.kind)
  end)

  it("ends when its client closes", function()
    local silent = require("spec.support.server").start()
    silent:script({ "close_after_body" }, "never_answer")
    local closing = build.new { endpoint = silent.url, auth = "a-token" }
    local _, err = closing:try_run({ job_id = JOB }, { run_id = RUN_ID })
    local told
    err:reconcile({ async = true, timeout = 60 }):on_done(function(_, problem)
      told = problem.kind
    end)
    while silent:stats().processed < 2 do
      closing:step(0.05)
    end
    closing:close()
    assert.equal("cancelled", told)
    silent:stop()
  end)

  it("is there only where the outcome is unknown", function()
    local _, err = client:try_run { job_id = "bad" }
    assert.is_nil(err.reconcile)
  end)

  it("refuses options that do not exist", function()
    local ok, err = pcall(lose(LOST_ANSWER).reconcile, { verdict = 1 }, { timeuot = 1 })
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.equal("timeuot", err.field)
  end)
end)

-- What no sandbox answers: a service with habits of its own (spec/support/history.lua).
describe("err:reconcile, at a service with habits,", function()
  local server, client
  local OPTS = { run_id = RUN_ID }

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

  local function lose(opts)
    server:script { "close_after_body" }
    local _, err = client:try_run({ job_id = JOB }, opts or OPTS)
    assert.equal("unknown", err.outcome)
    return err
  end

  -- The verdict on a lost call, when the service has these habits and builds.
  local function verdict(habits, builds, opts, of_reconcile)
    local err = lose(opts)
    local now = core.time() + (habits.ahead or 0)
    local h = histories.plain(core.meta(err).run_id or "none", now, habits)
    for _, each in ipairs(builds) do
      histories.add(h, each)
    end
    server:script({}, { "history", history = h })
    return err:reconcile(of_reconcile or { timeout = 0 })
  end

  local function numbers(results)
    local list = {}
    for i, each in ipairs(results) do
      list[i] = each.build_no
    end
    return list
  end

  local function asked(pattern)
    local count = 0
    for _, request in ipairs(server:stats().requests) do
      count = count + (request.path:find(pattern) and 1 or 0)
    end
    return count
  end

  it("does not take a strange list for an empty one", function()
    for _, strange in ipairs {
      { "answer", body = "{}" },
      { "answer", body = '{"result":"none"}' },
      { "answer", body = '{"result":{"total_record":"0"}}' },
      { "answer", body = '{"result":{"job_build_states":{"a":{"number":1}}}}' },
      { "answer", body = '{"result":{"job_build_states":"none","total_record":"0"}}' },
      { "answer", body = '{"result":{"job_build_states":null,"total_record":"1"}}' },
      { "answer", body = "5" },
      "error_500",
    } do
      for _, opts in ipairs { {}, OPTS } do
        local err = lose(opts)
        server:script({}, strange)
        local found = err:reconcile { timeout = 0 }
        assert.equal("unknown", found.verdict)
        assert.equal("ListBuildInfoRecord", found.error.operation)
      end
    end
  end)

  it("takes an empty list for one, however it is written", function()
    for _, list in ipairs { "[]", "{}", "null" } do
      local err = lose()
      server:script({}, {
        "answer",
        body = '{"result":{"job_build_states":' .. list .. ',"total_page":"0","total_record":"0"}}',
      })
      assert.same({ verdict = "none_found" }, err:reconcile { timeout = 0 })
    end
  end)

  it("does not count what is no build", function()
    local err = lose()
    server:script({}, {
      "answer",
      body = '{"result":{"job_build_states":[{"number":"x"},"y",{"number":0}],"total_record":"3"}}',
    })
    assert.equal("unknown", err:reconcile({ timeout = 0 }).verdict)
  end)

  it("looks through 2000 builds and no more", function()
    local many = {}
    for i = 1, 2001 do
      many[i] = { number = i }
    end
    local found = verdict({}, many, {})
    assert.equal("unknown", found.verdict)
    assert.equal("too_large", found.error.reason)
    assert.equal(21, asked "records")
    many[2001] = nil
    found = verdict({}, many, {})
    assert.equal("candidates", found.verdict)
    assert.equal(2000, #found.candidates)
    assert.equal(2000, found.candidates[1].build_no)
  end)

  it("asks about no more of them where one page lists more", function()
    local err, rows = lose(), {}
    for number = 1, 4000 do
      rows[number] = ('{"number":%d}'):format(number)
    end
    server:behave("by_path", {
      rows = {
        {
          path = "info%-records",
          body = '{"result":{"total_record":4000,"job_build_states":['
            .. table.concat(rows, ",")
            .. "]}}",
        },
        { path = "history%-parameters", body = '{"result":[{"name":"RUN_ID","value":"x"}]}' },
      },
    })
    local found = err:reconcile { timeout = 0 }
    assert.equal("unknown", found.verdict)
    assert.equal("too_large", found.error.reason)
    assert.equal(2001, asked "history%-parameters")
  end)

  it("knows its build by each of three lists of parameters", function()
    for _, shows in ipairs {
      { "value", "gone", "gone" },
      { "missing", "value", "fail" },
      { "fail", "value", "gone" },
      { "masked", "masked", "value" },
      { "gone", "fail", "value" },
    } do
      local found = verdict({}, { { number = 7, mine = true, shows = shows } })
      assert.equal("started", found.verdict)
      assert.equal("7", found.result.actual_build_number)
      assert.equal("20261127.1", found.result.daily_build_number)
      assert.is_nil(found.error)
    end
  end)

  it("finds what another service would have left on the next page", function()
    local builds = { { number = 30, mine = true } }
    for number = 31, 60 do
      builds[#builds + 1] = { number = number }
    end
    for _, totals in ipairs { "texts", "numbers", "records", "pages" } do
      local found = verdict({ size = 10, totals = totals }, builds)
      assert.equal("started", found.verdict)
      assert.same({ 30 }, numbers(found.results))
    end
    table.remove(builds, 1)
    assert.same({ verdict = "none_found" }, verdict({ size = 10 }, builds))
    local found = verdict({ size = 10, totals = "none" }, builds)
    assert.equal("unknown", found.verdict)
    assert.equal("bad_answer", found.error.reason)
  end)

  it("takes no page for the list because it tells its own builds as those of the list", function()
    local builds = {}
    for number = 31, 43 do
      builds[#builds + 1] = { number = number, mine = number == 43 }
    end
    local habits = { size = 10, order = "rising", totals = "page" }
    local found
    for _, from_one in ipairs { true, false } do -- page 0 is page 1, or not
      habits.from_one = from_one
      found = verdict(habits, builds)
      assert.equal("started", found.verdict)
      assert.same({ 43 }, numbers(found.results))
    end
    builds[13].mine = false
    for _, opts in ipairs { OPTS, {} } do
      found = verdict(habits, builds, opts)
      assert.equal("unknown", found.verdict)
      assert.matches("goes on after what it says is its end", found.error.message)
    end
    assert.equal(13, #found.candidates)
    for number = 13, 11, -1 do
      builds[number] = nil
    end
    assert.same({ verdict = "none_found" }, verdict(habits, builds))
  end)

  it("reads again what moved while it was read", function()
    -- 7 goes between the pages, and 4 moves to the one that was read; when it is read again, so does 8.
    local builds = {
      { number = 8, from = 2, to = 3 },
      { number = 7, to = 1 },
      { number = 6 },
      { number = 5 },
      { number = 4, mine = true },
      { number = 3 },
      { number = 2 },
    }
    local found = verdict({ size = 3 }, builds)
    assert.equal("started", found.verdict)
    assert.same({ 4 }, numbers(found.results))
  end)

  it("tells all builds that show the id, the lowest first", function()
    local found = verdict({}, {
      { number = 12, mine = true },
      { number = 11 },
      { number = 10, mine = true },
    })
    assert.equal("started", found.verdict)
    assert.equal("10", found.result.actual_build_number)
    assert.same({ 10, 12 }, numbers(found.results))
    -- A build that was not told about may show it, too.
    found = verdict({}, {
      { number = 12, mine = true },
      { number = 10, shows = { "fail", "gone", "gone" } },
    })
    assert.same({ 12 }, numbers(found.results))
    assert.equal(500, found.error.status)
  end)

  it("asks every place before it believes that a build is another's", function()
    for _, shows in ipairs {
      { "another", "another", "value" },
      { "another", "value", "another" },
      { "value", "another", "another" },
    } do
      local found = verdict({}, { { number = 7, mine = true, shows = shows } })
      assert.equal("started", found.verdict)
      assert.same({ 7 }, numbers(found.results))
    end
    local found = verdict({}, { { number = 7, shows = { "another", "fail", "gone" } } })
    assert.equal("none_found", found.verdict)
  end)

  it("claims nothing about a build that is not shown", function()
    local function of(...)
      local builds = {}
      for i, shows in ipairs { ... } do
        builds[i] = { number = 6 + i, shows = shows }
      end
      return verdict({}, builds)
    end
    local MISSING, MASKED = { "missing", "missing", "missing" }, { "masked", "masked", "masked" }
    local found = of { "fail", "fail", "fail" }
    assert.equal("unknown", found.verdict)
    assert.equal("ListBuildParameter", found.error.operation)
    found = of { "missing", "fail", "gone" }
    assert.equal("unknown", found.verdict)
    assert.equal("ShowHistoryDetails", found.error.operation)
    for _, hidden in ipairs { MISSING, MASKED, { "missing", "gone", "gone" } } do
      found = of(hidden, hidden)
      assert.equal("candidates", found.verdict)
      assert.same({ 8, 7 }, numbers(found.candidates))
    end
    found = of(MISSING, { "value", "value", "value" }, MASKED)
    assert.equal("unknown", found.verdict)
    assert.same({ 9, 7 }, numbers(found.candidates))
    assert.matches("2 of the builds .* do not show RUN_ID", found.error.message)
  end)

  it("takes no value for another one that may be its own, masked or cut", function()
    for _, value in ipairs { "", "***", "ab****89", "•••", "-", "…" } do
      local found = verdict(
        {},
        { { number = 7, value = value, shows = { "value", "value", "gone" } } }
      )
      assert.equal("candidates", found.verdict, value)
    end
    -- The empty one counts where the service says that it is no secret.
    assert.equal("none_found", verdict({}, { { number = 7, value = "" } }).verdict)
  end)

  it("takes no word for a value that another place says is secret", function()
    for _, masks in ipairs {
      { "withheld", "non-stored value of a password", "" }, -- the third place has the flag
      { "Withheld", "***" },
      { "******", "concealed" },
    } do
      local third = masks[3] and "masked" or "gone"
      local masked = { number = 7, mine = true, shows = { "masked", "masked", third } }
      local found = verdict({ masks = masks }, { masked })
      assert.equal("candidates", found.verdict, masks[2])
      assert.same({ 7 }, numbers(found.candidates))
      found = verdict({ masks = masks }, { masked, { number = 8 } })
      assert.equal("unknown", found.verdict, masks[2])
      assert.matches("1 of the builds .* do not show RUN_ID", found.error.message)
    end
  end)

  it("goes by the service's clock alone", function()
    local mine = { number = 7, mine = true }
    for _, ahead in ipairs { -7200, 7200, -400 * 86400, 30 * 365 * 86400 } do
      assert.equal("started", verdict({ ahead = ahead }, { mine }).verdict)
      assert.equal("none_found", verdict({ ahead = ahead }, { { number = 8 } }).verdict)
      assert.same({ 9 }, numbers(verdict({ ahead = ahead }, { { number = 9 } }, {}).candidates))
    end
    -- Within the service, the clock of what began the build may lag.
    local lags = { number = 7, mine = true, created = core.time() - 16 * 60 }
    assert.equal("started", verdict({}, { lags }).verdict)
    -- Without a Date each build may be the call's own.
    local old = { number = 3, created = core.time() - 400 * 86400 }
    assert.equal("none_found", verdict({ dates = false }, { old }).verdict)
    old.shows = { "missing", "missing", "missing" }
    assert.equal("candidates", verdict({ dates = false }, { old }).verdict)
    assert.equal("none_found", verdict({}, { old }).verdict)
  end)

  it("leaves no build out because the list tells its time as that of another zone", function()
    for _, slip in ipairs { -14, -8, -5.5, 9.5, 14 } do
      for _, zone in ipairs { -12, 0, 14 } do
        local found = verdict(
          { zone = zone, slip = slip, by_told = true },
          { { number = 7, mine = true, told = (core.time() + slip * 3600 - 3599) * 1000 } }
        )
        assert.equal("started", found.verdict, slip)
      end
    end
  end)

  it("asks no more about earlier builds once it has found its own, and about all if not", function()
    local builds = {}
    for hours = 2, 20 do
      builds[hours - 1] = { number = 100 - hours, created = core.time() - (hours + 0.5) * 3600 }
    end
    assert.same({ verdict = "none_found" }, verdict({}, builds))
    assert.equal(13, asked "history%-parameters") -- those of 2 to 15 hours before
    table.insert(builds, { number = 100, mine = true })
    assert.equal("started", verdict({}, builds).verdict)
    assert.equal(14, asked "history%-parameters")
  end)

  it("takes no other build's parameters for those of the build that it asked about", function()
    for _, source in ipairs { 2, 3 } do
      local shows = { "missing", "missing", "missing" }
      shows[source] = "value"
      local other = { number = 7, shows = shows }
      assert.equal("none_found", verdict({ answers_of = 7 }, { other }).verdict)
      assert.equal("unknown", verdict({ answers_of = 6 }, { other }).verdict)
    end
  end)

  it("leaves no build out because a Date lags behind the builds", function()
    local err = lose()
    local h = histories.plain(core.meta(err).run_id, core.time(), {})
    histories.add(h, { number = 7, mine = true })
    for _, date in ipairs { 0, core.time() - 400 * 86400, core.time() - 3 * 86400 } do
      h.date = date
      server:script({}, { "history", history = h })
      assert.equal("started", err:reconcile({ timeout = 0 }).verdict)
    end
  end)

  it("asks again until its time is over", function()
    local late = { number = 8, mine = true, from = 2 }
    local found = verdict({}, { late, { number = 7 } }, OPTS, { timeout = 10, interval = 0 })
    assert.equal("8", found.result.actual_build_number)
    assert.equal(2, asked "/7/history%-parameters")
    assert.equal(2 + 1, asked "build%-info%-records") -- what the first look did not find may be on another page
  end)

  it("does not believe for ever what a build showed at first", function()
    local err = lose()
    local id = core.meta(err).run_id
    local early = histories.plain(id, core.time(), {})
    histories.add(early, { number = 7, value = "none" })
    local late = histories.plain(id, core.time(), {})
    histories.add(late, { number = 7, mine = true })
    -- The first look: the list, and the three places that show the build's parameters.
    local first = { "history", history = early }
    local rest = { "history", history = late }
    server:script({ first, first, first, first, first }, rest)
    local found = err:reconcile { timeout = 10, interval = 0.01 }
    assert.equal("started", found.verdict)
    assert.equal("7", found.result.actual_build_number)
  end)

  it("checks its options", function()
    local err = lose {}
    for field, opts in pairs {
      opts = 1,
      timeout = { timeout = -1 },
      interval = { interval = 0 / 0 },
      async = { async = 1 },
    } do
      local ok, problem = pcall(err.reconcile, err, opts)
      assert.is_false(ok)
      assert.equal("usage", problem.kind)
      assert.equal(field, problem.field)
    end
    local ok, problem = pcall(err.reconcile, {})
    assert.is_false(ok)
    assert.equal("self", problem.field)
  end)

  it("claims nothing that is not so, in 200 histories", function()
    for seed = 1, 200 do
      local err = lose()
      local skew = ({ 0, 7200, -7200, 20 * 365 * 86400 })[seed % 4 + 1] -- of our clock
      local h = histories.make(seed, core.meta(err).run_id, core.time() - skew, skew)
      server:script({}, { "history", history = h })
      local found = err:reconcile { timeout = 0 }
      local fault = truth.fault(h, {
        verdict = found.verdict,
        own = numbers(found.results or {}),
        open = numbers(found.candidates or {}),
      }, 0)
      assert(not fault, ("history %d: %s; %s"):format(seed, tostring(fault), tostring(found.error)))
    end
  end)
end)

-- The service's answers without a wire: the same look, many more histories.
describe("a look at the builds", function()
  local ID = "5b1c7a30-9f2e-4d61-8c3b-7e0a4f9d2c11"

  -- What the look says, and the answer with which the list began.
  local function look_at(h, newest)
    local first_tick, first_date
    local function ask(operation, args)
      local tick = h.tick
      local body, status, date = histories.answer(h, operation, args)
      if not body then
        return nil, core.error { kind = "api", status = status, message = operation }, date
      elseif not first_tick then
        first_tick, first_date = tick, date
      end
      return body, nil, date
    end
    local seen = look.at(ask, {
      job_id = JOB,
      run_id = ID,
      parameter = "RUN_ID",
      newest = newest,
      clock = h.at and h.at.utc or h.now,
      started_at = h.at and function(date)
        return judge.started_at(date, h.began, h.at)
      end,
    })
    local own = {}
    for i, each in ipairs(seen.builds) do
      own[i] = each.number
    end
    assert.equal(first_date, seen.date)
    return seen, own, first_tick or 0
  end

  it("claims nothing that is not so, in 10,000 histories", function()
    local told = {}
    for seed = 1, 10000 do
      local now = seed % 4 == 0 and 2200000000.5 or 1795000000.25 -- beyond 2038, too
      local h = histories.make(seed, ID, now)
      local seen, own, tick = look_at(h)
      local claim = { verdict = seen.verdict, own = own, open = seen.open }
      local fault = truth.fault(h, claim, tick)
      assert(not fault, ("history %d: %s; %s"):format(seed, tostring(fault), tostring(seen.error)))
      assert(seen.verdict ~= "unknown" or seen.error, seed)
      told[seen.verdict] = (told[seen.verdict] or 0) + 1
    end
    for _, verdict in ipairs { "started", "none_found", "candidates", "unknown" } do
      assert(told[verdict] > 1000, ("%s: %d"):format(verdict, told[verdict] or 0))
    end
  end)

  it(
    "asks for the page after the last one, and the last build, only where it has not found its own",
    function()
      local function look_at_two(habits, mine)
        local h = histories.plain(ID, 1795000000, habits)
        histories.add(h, { number = 1 })
        histories.add(h, { number = 2, mine = mine })
        return look_at(h), h.tick
      end
      local seen, requests = look_at_two({}, true)
      assert.same({ "started", 1 + 4 + 1 }, { seen.verdict, requests })
      for _, after in ipairs {
        {},
        { repeats = true },
        { beyond = { body = { result = { total_record = "2", job_build_states = core.null } } } },
        { beyond = { status = 404 } },
        { beyond = { status = 400 } },
      } do
        seen, requests = look_at_two(after)
        local again = after.repeats and 1 or 0 -- that may be page 1, which some take page 0 for
        assert.same({ "none_found", 1 + 4 + 4 + 1 + again + 1 }, { seen.verdict, requests })
      end
      for _, after in ipairs {
        { status = 500 },
        { body = { result = {} } },
        { body = { result = { job_build_states = { { number = 1 } } } } },
      } do
        seen = look_at_two { beyond = after }
        assert.equal("unknown", seen.verdict)
        assert.is_table(seen.error)
      end
    end
  )

  it("looks at the newest alone when it is asked to, which proves no absence", function()
    local h = histories.plain(ID, 1795000000)
    for number = 1, 300 do
      histories.add(h, { number = number, mine = number == 275 or number == 281 })
    end
    local seen, own = look_at(h, 20)
    assert.same({ 281 }, own)
    assert.equal("started", seen.verdict)
    assert.equal(1 + 20, h.tick) -- the newest come first, so one page is enough
    assert.equal(ID, seen.builds[1].parameters[2].value)

    h = histories.plain(ID, 1795000000, { order = "rising" })
    for number = 1, 150 do
      histories.add(h, { number = number, mine = number == 140 })
    end
    assert.same({ 140 }, select(2, look_at(h, 20)))
    seen = look_at(h, 5)
    assert.equal("unknown", seen.verdict)
    assert.is_nil(seen.error)
    h.builds[150].shows = { "missing", "missing", "missing" }
    seen = look_at(h, 5)
    assert.equal("unknown", seen.verdict)
    assert.same({ 150 }, seen.open)
    assert.matches("do not show RUN_ID", seen.error.message)
  end)
end)

describe("the list of builds", function()
  it("is read again until all that an earlier reading had is there still", function()
    local pages = { { 5, 4 }, { 3, 2 }, { 6, 5 }, { 4, 3 }, { 6, 5 }, { 4, 3 } }
    local asked = 0
    local function ask()
      asked = asked + 1
      local rows = {}
      for i, number in ipairs(pages[asked]) do
        rows[i] = { number = number }
      end
      return { result = { total_page = 2, total_record = 4, job_build_states = rows } }
    end
    local list = { job_id = JOB, span = { from = 0, to = 1e9 }, builds = {} }
    assert.is_true(listing.read(ask, list, assert(listing.page(ask, JOB, list.span, 0))))
    assert.equal(#pages, asked)
  end)
end)
