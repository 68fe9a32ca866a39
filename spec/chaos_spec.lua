-- 500 runs through a gate that cuts connections at random moments: each is told truly, and no build
-- is started twice. Counted at the sandbox.

local build = require "codearts.build"
local gates = require "spec.support.gate"
local sandbox = require "codearts.build.sandbox"

local RUNS, AT_ONCE, JOBS = 500, 8, 50 -- reconcile looks through the builds of one job

local function job_id(n)
  return ("chaosjob%024d"):format(n % JOBS)
end

local function write_jobs()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  for n = 0, JOBS - 1 do
    file:write(
      ('job { id = %q, name = "chaos", parameters = { RUN_ID = "" }, '):format(job_id(n)),
      'steps = { step { name = "True", run = "true" } } }\n'
    )
  end
  file:close()
  return path
end

-- Faults for the connections to come: some fail in the request, some in the answer, some not.
local function faults(count)
  local list = {}
  for i = 1, count do
    local what, how = math.random(4), math.random(2) == 1 and "close" or "reset"
    if what == 1 then
      list[i] = { "cut_request", bytes = math.random(600), how = how }
    elseif what <= 3 then
      list[i] = { "cut_answer", bytes = math.random(900), how = how }
    else
      list[i] = "relay"
    end
  end
  return list
end

describe("500 runs with faults at random moments", function()
  it("end in exactly as many builds as are told", function()
    local seed = os.time()
    math.randomseed(seed)
    local jobs = write_jobs()
    local box = sandbox.start { max_builds = 16, jobs = jobs }
    os.remove(jobs)
    local gate = gates.start(box.endpoint)
    local client = build.new {
      endpoint = gate.url,
      auth = box.token,
      retry = { max_attempts = 5, base_delay = 0.001, max_delay = 0.01 },
      timeout = 10,
    }
    gate:script(faults(RUNS), "relay")

    local told = { started = 0, not_started = 0, unknown = 0 }
    local open, begun, lost = 0, 0, {}
    while begun < RUNS or open > 0 do
      while begun < RUNS and open < AT_ONCE do
        begun, open = begun + 1, open + 1
        client
          :start({ job_id = job_id(begun) }, { run_id = { parameter = "RUN_ID" } })
          :on_done(function(_, err)
            open = open - 1
            local outcome = err and err.outcome or "started"
            told[outcome] = told[outcome] + 1
            if outcome == "unknown" then
              lost[#lost + 1] = err
            end
          end)
      end
      client:step()
    end

    gate:script({}, "relay")
    local found = { started = 0, none_found = 0 }
    local own = {}
    for _, err in ipairs(lost) do
      local what = err:reconcile { timeout = 0 }
      found[what.verdict] = (found[what.verdict] or 0) + 1
      if what.result then
        own[#own + 1] = what.result.job_id .. what.result.actual_build_number
      end
    end
    local started =
      client:request({ path = "/__sandbox/stats", auth = false }):wait().builds_started
    client:close()
    gate:stop()
    box.stop()

    local account = ("seed %d: told started %d, not started %d, unknown %d; of these found %d, none %d; builds %d"):format(
      seed,
      told.started,
      told.not_started,
      told.unknown,
      found.started,
      found.none_found,
      started
    )
    assert.equal(RUNS, told.started + told.not_started + told.unknown, account)
    assert.equal(#lost, found.started + found.none_found, account)
    assert.equal(started, told.started + found.started, account)
    assert.is_true(told.unknown > 0 and found.started > 0, account)
    local seen = {}
    for _, number in ipairs(own) do
      assert.is_nil(seen[number], account)
      seen[number] = true
    end
  end)
end)
