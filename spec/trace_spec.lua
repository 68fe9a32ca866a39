-- The trace of calls: CODEARTS_BUILD_TRACE=1, or the option `trace`.

local caller = require "spec.support.caller"
local servers = require "spec.support.server"

local PROGRAM = [[
local build = require "codearts.build"
local client = build.new {
  endpoint = %q, auth = %q, proxy = false, timeout = 10, %s
  retry = { max_attempts = 2, base_delay = 0.001, max_delay = 0.002 },
}
client:try_run { job_id = %q, parameter = { secret = "parameter-of-a-build" } }
client:close()
]]

describe("the trace", function()
  local server

  setup(function()
    server = servers.start {}
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
  end)

  local function trace(environment, options)
    local program = PROGRAM:format(server.url, caller.TOKEN, options or "", caller.JOB.job_id)
    return (
      caller.elsewhere(program, function(command)
        return environment .. " " .. command
      end)
    )
  end

  -- What each line says behind the process, the time and the call's number.
  local function steps(told)
    local list = {}
    for line in told:gmatch "[^\n]+" do
      list[#list + 1] =
        assert(line:match "^codearts%-build%[%d+%] %d+%.%d%d%d call 1 RunJob (.*)$", line)
    end
    return list
  end

  it("tells each state of a call", function()
    assert.same({
      "new -> queued",
      "queued -> in_flight: attempt 1",
      "in_flight -> answered: status 200",
      "answered -> done: good, started",
    }, steps(trace "CODEARTS_BUILD_TRACE=1"))
  end)

  it("tells attempts that are made again, and why", function()
    server:script { "throttled", "close_after_body" }
    local list = steps(trace("", "trace = true,"))
    assert.truthy(list[4]:find "^answered %-> waiting: %d ms$", list[4])
    list[4] = "answered -> waiting"
    assert.same({
      "new -> queued",
      "queued -> in_flight: attempt 1",
      "in_flight -> answered: status 429",
      "answered -> waiting",
      "waiting -> queued",
      "queued -> in_flight: attempt 2",
      "in_flight -> answered: transport closed, sent",
      "answered -> done: transport, unknown",
    }, list)
  end)

  it("is silent unless it is asked for", function()
    assert.equal("", trace "CODEARTS_BUILD_TRACE=")
    assert.equal("", trace "CODEARTS_BUILD_TRACE=0")
    assert.equal("", trace("CODEARTS_BUILD_TRACE=1", "trace = false,"))
  end)

  it("shows nothing of what is sent", function()
    local told = trace "CODEARTS_BUILD_TRACE=1"
    assert.is_nil(told:find(caller.TOKEN, 1, true))
    assert.is_nil(told:find(caller.JOB.job_id, 1, true))
    assert.is_nil(told:find("parameter-of-a-build", 1, true))
    assert.is_nil(told:find("127.0.0.1", 1, true))
  end)
end)
