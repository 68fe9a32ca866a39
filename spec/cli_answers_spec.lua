-- What the command makes of a start's answer that tells too little, or more than it should.

local command = require "spec.support.command"
local core = require "codearts.build.core"
local server_process = require "spec.support.server"

local GOOD = "goodjob0000000000000000000000001"

describe("codearts-build run", function()
  local server

  setup(function()
    server = server_process.start()
  end)

  teardown(function()
    server:stop()
  end)

  it("has exit status 6 for a started build whose number cannot be one", function()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    for _, number in ipairs { "7.5", "1e20" } do
      server:script {
        {
          "answer",
          body = ('{"octopus_job_name":"j_1","actual_build_number":%s}'):format(number),
        },
      }
      local result = command.run("run --wait --json " .. GOOD, env)
      assert.are.equal(6, result.status, result.err)
      local data = core.decode(result.out)
      assert.are.equal("started", data.error.outcome)
      assert.are.equal("j_1", data.octopus_job_name)
    end
  end)

  it("says in --json what it knows itself, whatever members the answer has", function()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    server:script {
      {
        "answer",
        body = [[{"octopus_job_name":"j_1","actual_build_number":"7","job_id":"x","verdict":"success",
          "status":"SUCCESS","error":"no","detached":true,"more":1,"wait":2,"log":null,"stop":"x"}]],
      },
    }
    local result = command.run("run --json " .. GOOD, env)
    assert.are.equal(0, result.status, result.err)
    assert.are.same({
      job_id = GOOD,
      octopus_job_name = "j_1",
      actual_build_number = "7",
      more = 1,
      wait = 2, -- those that are called as methods of a result, too
      log = core.null,
      stop = "x",
    }, core.decode(result.out))
  end)
end)
