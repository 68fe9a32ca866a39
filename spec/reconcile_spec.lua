-- What became of a call whose answer was lost: asked at the sandbox, through a gate that loses it.

local build = require "codearts.build"
local core = require "codearts.build.core"
local gates = require "spec.support.gate"
local sandbox = require "codearts.build.sandbox"

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
