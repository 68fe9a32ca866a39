-- Faults that a sandbox plays for those who want to try what their pipelines do then.

local build = require "codearts.build"
local sandboxes = require "spec.support.sandbox_client"

local JOB = sandboxes.SAMPLE

describe("a sandbox", function()
  local box, client

  local function start(options)
    options.ak, options.sk = "AK", "SK"
    box = sandboxes.start(options)
    client = build.new {
      endpoint = box.box.endpoint,
      auth = { ak = "AK", sk = "SK" },
      retry = false,
    }
  end
  after_each(function()
    client:close()
    box.box.stop()
  end)
  local function started()
    return box:request("GET", "/__sandbox/stats").json.builds_started
  end

  it("does what is asked and loses the answer", function()
    start { lose_answers = 1 }
    local result, err = client:try_run { job_id = JOB }
    assert.same({ nil, "unknown", 1 }, { result, err.outcome, started() })
    assert.equal("2", client:run({ job_id = JOB }).actual_build_number)
    assert.equal(200, box:request("POST", "/__sandbox/lose?times=2").status)
    assert.equal("unknown", select(2, client:try_run { job_id = JOB }).outcome)
    assert.equal("unknown", select(2, client:try_run { job_id = JOB }).outcome)
    assert.equal("5", client:run({ job_id = JOB }).actual_build_number)
    assert.equal(5, started())
  end)

  it("lists a build later than it starts it", function()
    start { list_after = 3600 }
    local result = client:run { job_id = JOB }
    local function last()
      return client:call("ShowRunningStatus", { job_id = JOB }).result.last_build_no
    end
    assert.same({ 0, "" }, { client:history(JOB).total, last() })
    assert.equal("string", type(result:status().status))
    client:close()
    client = build.new { endpoint = box.box.endpoint, auth = box.box.token }
    box:request("POST", "/__sandbox/clock?ahead=3700")
    assert.same({ 1, "1" }, { client:history(JOB).total, last() })
  end)

  it("has a clock of its own, and signatures that grow old", function()
    start { signature_age = 5000, clock_ahead = 4000 }
    client:run { job_id = JOB }
    box:request("POST", "/__sandbox/clock?ahead=6000")
    local _, err = client:try_run { job_id = JOB }
    assert.same({ 401, "not_started", 1 }, { err.status, err.outcome, started() })
    box:request("POST", "/__sandbox/clock?ahead=-4000")
    client:run { job_id = JOB }
    assert.equal(400, box:request("POST", "/__sandbox/clock?ahead=soon").status)
  end)
end)
