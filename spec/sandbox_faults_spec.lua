-- Faults that a sandbox plays for those who want to try what their pipelines do then.

local build = require "codearts.build"
local caller = require "spec.support.caller"
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

describe("a sandbox with all its files open", function()
  it("ends each build that it accepted, and goes on", function()
    local jobs = sandboxes.write_file [==[
job {
  id = "waiter00000000000000000000000001",
  name = "waiter",
  parameters = { GATE = "" },
  steps = { step { name = "Wait", run = "while [ ! -e \"$GATE\" ]; do sleep 0.02; done" } },
}]==]
    local failed = false
    -- Builds that are accepted together are refused their processes where too few are left for all, beside what a server opens.
    for limit = 40, 44 do
      local told = caller.elsewhere(
        ([[
local build = require "codearts.build"
local box = require("codearts.build.sandbox").start { jobs = %q, max_builds = 64 }
local client = build.new { endpoint = box.endpoint, auth = box.token, retry = false }
local gate = os.tmpname()
os.remove(gate)
local job = { job_id = "waiter00000000000000000000000001", parameter = { GATE = gate } }
local results = {}
for _ = 1, 10 do
  for _, told in ipairs(client:run_all { job, job, job, job }) do
    results[#results + 1] = told.result
  end
end
assert(io.open(gate, "w")):close()
local count = { SUCCESS = 0, FAILURE = 0 }
for _, result in ipairs(results) do
  local ok, told = pcall(result.wait, result, { interval = 0.02, timeout = 30 })
  local status = ok and told.status or told.build_status or tostring(told)
  count[status] = (count[status] or 0) + 1
  if status == "FAILURE" then
    assert(result:log():find("cannot be run", 1, true))
  end
end
io.stdout:write("\n", client:run(job):wait({ interval = 0.02 }).status)
for _, status in ipairs { "SUCCESS", "FAILURE" } do
  io.stdout:write(count[status] > 0 and " some " or " no ", status)
  count[status] = nil
end
print(next(count))
client:close()
box.stop()
os.remove(gate)]]):format(jobs),
        function(command)
          return ("ulimit -n %d; %s"):format(limit, command)
        end
      )
      failed = failed or told:find("\nSUCCESS some SUCCESS some FAILUREnil\n", 1, true)
      assert.is_truthy(told:find "\nSUCCESS some SUCCESS %a+ FAILUREnil\n", told)
    end
    assert.is_truthy(failed)
    os.remove(jobs)
  end)
end)
