-- What became of a call whose answer was lost: asked at the sandbox, through a gate that loses it.

local build = require "codearts.build"
local core = require "codearts.build.core"
local gates = require "spec.support.gate"
local sandbox = require "codearts.build.sandbox"
local servers = require "spec.support.server"

local JOB = "samplejob00000000000000000000001"
local RUN_ID = { parameter = "RUN_ID" }

describe("err:reconcile", function()
  local box, gate, client

  setup(function()
    box = sandbox.start {}
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

  it("says that none was found", function()
    local err = lose(LOST_REQUEST, { run_id = RUN_ID })
    assert.same({ verdict = "none_found" }, err:reconcile { timeout = 0 })
  end)

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

-- What no sandbox answers.
describe("err:reconcile, at a service of few words,", function()
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

  local function answer(value)
    return { "answer", body = core.encode(value) }
  end
  local function builds(states)
    return answer { result = { job_build_states = states } }
  end
  local ONE = { { number = 7, start_time = 0 } }

  -- The verdict on a lost call, given these answers; each may be a function of the call's run id.
  local function verdict(answers, opts, of_reconcile)
    server:script { "close_after_body" }
    local _, err = client:try_run({ job_id = JOB }, opts)
    assert.equal("unknown", err.outcome)
    local script = {}
    for i, each in ipairs(answers) do
      script[i] = type(each) == "function" and each(core.meta(err).run_id) or each
    end
    server:script(script, "error_500")
    return err:reconcile(of_reconcile or { timeout = 0 })
  end

  it("does not take a strange list for an empty one", function()
    for _, strange in ipairs {
      answer {},
      answer { result = "none" },
      answer { result = { total = 0 } },
      "error_500",
    } do
      for _, opts in ipairs { {}, OPTS } do
        local found = verdict({ strange }, opts)
        assert.equal("unknown", found.verdict)
        assert.equal("ListBuildInfoRecord", found.error.operation)
      end
    end
  end)

  it("looks through 20 pages and no more", function()
    local full, pages = {}, {}
    for i = 1, 100 do
      full[i] = { number = i, start_time = 0 }
    end
    for i = 1, 21 do
      pages[i] = builds(full)
    end
    local found = verdict(pages, {})
    assert.equal("unknown", found.verdict)
    assert.equal("too_large", found.error.reason)
    assert.equal(21, server:stats().processed)
    server:reset()
    pages[20] = builds { { number = 2001, start_time = 0 }, { number = "x" } }
    found = verdict(pages, {})
    assert.equal("candidates", found.verdict)
    assert.equal(1901, #found.candidates)
    assert.equal(2001, found.candidates[1].build_no)
  end)

  it("knows its build by either of two lists of parameters", function()
    local function by_list(run_id)
      return answer { result = { { name = "A", value = "b" }, { name = "RUN_ID", value = run_id } } }
    end
    local function by_details(run_id)
      return answer { parameters = { RUN_ID = run_id } }
    end
    for _, answers in ipairs {
      { builds(ONE), by_list },
      { builds(ONE), "error_500", by_details },
      { builds(ONE), answer { result = core.null }, by_details },
    } do
      local found = verdict(answers, OPTS)
      assert.equal("started", found.verdict)
      assert.equal("7", found.result.actual_build_number)
      -- ShowRecordDetail failed: what it alone knows is missing.
      assert.is_nil(found.result.daily_build_number)
      server:reset()
    end
  end)

  it("claims nothing about a build that is not shown", function()
    local found = verdict({ builds(ONE), "error_500", "error_502" }, OPTS)
    assert.equal("unknown", found.verdict)
    assert.equal("ListBuildParameter", found.error.operation)
    server:reset()
    found = verdict({ builds(ONE), answer { result = {} }, answer { parameters = {} } }, OPTS)
    assert.equal("none_found", found.verdict)
    server:reset()
    found = verdict({ builds(ONE), answer { result = {} }, "not_found" }, OPTS)
    assert.equal("none_found", found.verdict)
  end)

  it("asks again until its time is over, but not about builds that it knows", function()
    local other = answer { result = { { name = "RUN_ID", value = "of somebody else" } } }
    local function mine(run_id)
      return answer { result = { { name = "RUN_ID", value = run_id } } }
    end
    local both = builds { { number = 8, start_time = 0 }, { number = 7, start_time = 0 } }
    local found = verdict({ builds(ONE), other, both, mine }, OPTS, { timeout = 10, interval = 0 })
    assert.equal("8", found.result.actual_build_number)
    assert.equal(6, server:stats().processed)
  end)

  it("checks its options", function()
    server:script { "close_after_body" }
    local err = select(2, client:try_run { job_id = JOB })
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
end)
