-- What the test equipment found (doc/testing.md) and ordinary calls can show, too.

local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local servers = require "spec.support.server"

describe("found by make fuzz:", function()
  for _, text in ipairs { "https://%eA", "https://a%C3%BC.example/x", "%33" } do
    it("no endpoint has escapes in its host: " .. text, function()
      local ok, err = pcall(core.new, { endpoint = text })
      assert.is_false(ok)
      assert.equal("config", err.kind)
      assert.equal("endpoint", err.field)
    end)
  end

  it("a run_id's parameter that is given already is told with the outcome", function()
    local client = core.new { endpoint = "http://127.0.0.1:9" }
    local job = { job_id = caller.JOB.job_id, parameter = { { name = "RUN_ID", value = "x" } } }
    local result, err = client:try_run(job, { run_id = { parameter = "RUN_ID" } })
    client:close()
    assert.is_nil(result)
    assert.equal("run_id.parameter", err.field)
    assert.equal("not_started", err.outcome)
  end)
end)

describe("found by make torture:", function()
  it("a stream that is cancelled before it is connected leaves nothing behind", function()
    local server = servers.start()
    local client = core.new { endpoint = server.url, auth = "a-fake-token", max_connections = 1 }
    local stream = client:request { path = "/v1/x", stream = function() end }
    client:step(0)
    stream:cancel()
    local result = client:run(caller.JOB)
    client:close()
    server:stop()
    assert.is_string(result.octopus_job_name)
  end)
end)
