-- What the command makes of answers that tell too little, or more than they should.

local command = require "spec.support.command"
local core = require "codearts.build.core"
local server_process = require "spec.support.server"

local GOOD, OTHER = "goodjob0000000000000000000000001", "goodjob0000000000000000000000002"

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

  it("has exit status 5 for an answer that has none of the members that tell of a build", function()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    server:script { { "answer", body = '{"build_no":9}' } }
    local result = command.run("run --wait --json " .. GOOD, env)
    assert.are.equal(5, result.status, result.err)
    assert.are.equal("unknown", core.decode(result.out).error.outcome)
  end)

  it("says in --json what it knows itself, whatever members the answer has", function()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    server:script {
      {
        "answer",
        body = [[{"octopus_job_name":"j_1","actual_build_number":"7","job_id":"x","verdict":"success",
          "status":"SUCCESS","build_no":8,"error":"no","detached":true,"more":1,"wait":2,"log":null,"stop":"x"}]],
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

describe("codearts-build --json", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      CODEARTS_BUILD_PROJECT = GOOD,
    }
  end)

  teardown(function()
    server:stop()
  end)

  --- What the service says, with numbers in it that no double can hold.
  local ROWS = {
    { path = "/build$", body = [[{"actual_build_number":"7","octopus_job_name":"j_7","x":1e999}]] },
    { path = "/execute", body = [[{"actual_build_number":"7","x":[-1e999,{"y":1e999}]}]] },
    { path = "/history%-details", body = [[{"build_steps":[{"name":"a","build_time":1e999}]}]] },
    {
      path = "record%-info",
      body = [[{"result":{"build_no":7,"status":"SUCCESS","duration":1e999}}]],
    },
    {
      path = "/history",
      body = [[{"total":1e999,"history_records":[{"build_number":7,"x":1e999}]}]],
    },
    { path = "/output%-info", body = [[{"result":{"package_info":{"name":"p","x":-1e999}}}]] },
    { path = "/jobs", body = [[{"total":1e999,"jobs":[{"id":"a","job_name":"b","x":1e999}]}]] },
  }

  it("has null for a number that nobody can read, and tells everything else", function()
    server:behave("by_path", { rows = ROWS })
    for arguments, expected in pairs {
      ["run --json " .. GOOD] = '"actual_build_number":"7"',
      ["run --json --wait " .. GOOD] = '"duration":null',
      ["run --json " .. GOOD .. " " .. OTHER] = '"job_id":"' .. OTHER,
      ["run --output ndjson --wait " .. GOOD] = '"event":"finished"',
      ["wait --json " .. GOOD .. " 7"] = '"duration":null',
      ["status --json " .. GOOD .. " 7"] = '"duration":null',
      ["history --json " .. GOOD] = '"x":null',
      ["artifacts --json " .. GOOD .. " 7"] = '"x":null',
      ["jobs --json"] = '"x":null',
      ["call RunJob job_id=" .. GOOD] = '"x":null',
      ["call ExecuteJob job_id=" .. GOOD] = '"x":[null,{"y":null}]',
    } do
      local result = command.run(arguments, env)
      assert.are.equal(0, result.status, arguments .. "\n" .. result.err)
      assert.is_truthy(result.out:find(expected, 1, true), arguments .. "\n" .. result.out)
      for line in result.out:gmatch "[^\n]+" do
        assert.is_table(core.decode(line))
      end
    end
  end)
end)
