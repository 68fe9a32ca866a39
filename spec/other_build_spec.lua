-- Answers that say that they are about another build than the one that was asked for, as a cache or a place that lags
-- behind gives them: whoever reads them takes nothing from them.

local build = require "codearts.build"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local service = require "spec.support.lifecycle"
local records = require "codearts.build.keys.record"

local JOB, record, steps, failure_of =
  service.JOB, service.record, service.steps, service.failure_of

local OTHER = record("SUCCESS", ',"daily_build_num":"d.20","execution_id":"j_20"')
local RUN_ID = { parameter = "RUN_ID" }

--- A record of build 21 that names its job.
local function record_of(job_id, status)
  return (
    record(status, ',"daily_build_num":"d.21","execution_id":"j_21"'):gsub(
      '"build_no":20',
      ('"build_no":21,"codeci_job_id":"%s"'):format(job_id)
    )
  )
end

-- Of that number, and of another job.
local ELSEWHERE = record_of(("0"):rep(32), "SUCCESS")

describe("an answer about another build", function()
  local stage = service.stage()
  local client, server

  setup(stage.start)
  teardown(stage.stop)
  before_each(function()
    client, server = stage.fresh()
  end)
  after_each(stage.close)

  it("is no status", function()
    for _, answer in ipairs { OTHER, ELSEWHERE } do
      stage.answers(answer)
      local err = failure_of(function()
        client:build(JOB, 21):status()
      end)
      assert.are.same(
        { "protocol", "bad_answer", "ShowRecordDetail", true },
        { err.kind, err.reason, err.operation, err.retryable }
      )
      assert.is_truthy(err.message:find("another build than 21 of " .. JOB, 1, true), err.message)
    end
    stage.answers(record_of(JOB:upper(), "FAILURE"))
    assert.are.equal("FAILURE", client:build(JOB, 21):status().status)
  end)

  it("ends no wait", function()
    stage.answers(OTHER, ELSEWHERE, (record("FAILURE"):gsub('"build_no":20', '"build_no":"21"')))
    local err = failure_of(function()
      client:build(JOB, 21):wait { interval = 0.001 }
    end)
    assert.are.same({ "build", "FAILURE", 21 }, { err.kind, err.build_status, err.record.build_no })
  end)

  it("has no steps of this one", function()
    stage.answers(
      (record("SUCCESS"):gsub('"build_no":20', '"build_no":21')),
      steps("success", "error")
    )
    local seen
    client:build(JOB, 21):wait {
      on_progress = function(progress)
        seen = progress.steps
      end,
    }
    assert.are.same({}, seen)
  end)

  it("has no log of a step of this one", function()
    stage.answers(OTHER)
    local err = failure_of(function()
      client:build(JOB, 21):log { step = 1 }
    end)
    assert.are.equal("bad_answer", err.reason)
    assert.are.equal(1, server:stats().processed)
  end)

  --- The start's answer is lost, the list shows build 21 with that run id, and its record is another's.
  local function lose(run_id, about)
    local list = ('{"result":{"total_record":"1","total_page":"1","job_build_states":[{"number":21,"start_time":%d}]}}'):format(
      math.floor(core.time()) * 1000
    )
    server:behave("by_path", {
      rows = {
        { path = "/build$", status = 500, body = "{}" },
        { path = "/build%-info%-records", body = list },
        {
          path = "/history%-parameters",
          body = ('{"result":[{"name":"RUN_ID","value":"%s"}]}'):format(run_id),
        },
        { path = "/record%-info", body = about or OTHER },
      },
    })
  end

  it("is no proof that a lost start has started none, if it is of another job", function()
    lose("", ELSEWHERE)
    local _, err = client:try_run({ job_id = JOB }, { run_id = RUN_ID })
    assert.are.equal("unknown", err.outcome)
    for job, verdict in pairs { [("0"):rep(32)] = "unknown", [JOB:upper()] = "none_found" } do
      server:behave("by_path", {
        rows = {
          {
            path = "/build%-info%-records",
            body = ('{"result":{"total_record":"1","total_page":"1","job_build_states":[{"number":21,"start_time":%d}]}}'):format(
              math.floor(core.time()) * 1000
            ),
          },
          { path = "/record%-info", body = (ELSEWHERE:gsub(("0"):rep(32), job)) },
          {
            path = "/v1/record/",
            body = '{"result":{"build_no":21,"parameters":[{"name":"RUN_ID","value":"another"}]}}',
          },
        },
      })
      assert.are.equal(verdict, err:reconcile({ timeout = 0 }).verdict, job)
    end
  end)

  it(
    "names no build that a lost start is found to have started, if it is of another job",
    function()
      lose("", ELSEWHERE)
      local _, err = client:try_run({ job_id = JOB }, { run_id = RUN_ID })
      lose(core.meta(err).run_id, ELSEWHERE)
      local found = err:reconcile { timeout = 0 }
      assert.are.equal("started", found.verdict)
      assert.is_nil(found.result.daily_build_number)
    end
  )

  it("names no build that a lost start is found to have started", function()
    lose ""
    local _, err = client:try_run({ job_id = JOB }, { run_id = RUN_ID })
    assert.are.equal("unknown", err.outcome)
    lose(core.meta(err).run_id)
    local found = err:reconcile { timeout = 0 }
    assert.are.equal("started", found.verdict)
    assert.are.equal("21", found.result.actual_build_number)
    assert.is_nil(found.result.daily_build_number)
    assert.is_nil(found.result.octopus_job_name)
  end)

  it("names no build of a key", function()
    local folder = host.folder()
    local keyed = build.new {
      endpoint = server.url,
      auth = "a-token",
      retry = false,
      key_store = key_store.file(folder),
    }
    lose(records.run_id(records.scope(server.url, JOB, "k")))
    for _ = 1, 2 do -- as it is found, and as it is replayed
      local result = keyed:run({ job_id = JOB }, { key = "k", run_id = RUN_ID })
      assert.are.equal("21", result.actual_build_number)
      assert.is_nil(result.daily_build_number)
      assert.is_nil(result.octopus_job_name)
    end
    keyed:close()
    host.remove(folder)
  end)
end)
