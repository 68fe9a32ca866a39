-- Strict tables of globals, as games and others have them: a global that is not there is asked for with care. What of the
-- library is common runs under one: the sandbox, the command, and calls of each kind.

local command = require "spec.support.command"
local quote = require "spec.support.quote"

local STRICT = { LUA_INIT = "@spec/support/strict.lua" }
local JOB = "samplejob00000000000000000000001"
local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")

describe("under a strict table of globals", function()
  local box, folder, env

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    box = command.start("sandbox", STRICT)
    box:expect "project_id="
    box:expect "\n"
    env = {
      CODEARTS_BUILD_ENDPOINT = box.seen:match "endpoint=(%S+)",
      CODEARTS_BUILD_TOKEN = box.seen:match "token=(%S+)",
      CODEARTS_BUILD_PROJECT = box.seen:match "project_id=(%S+)",
      CODEARTS_BUILD_KEY_STORE = "file:" .. folder,
      LUA_INIT = STRICT.LUA_INIT,
    }
  end)

  teardown(function()
    box:signal "TERM"
    box:finish()
    os.execute("rm -rf " .. folder)
  end)

  it("refuses, so that the rest shows something", function()
    local result = command.start_line(
      ("LUA_INIT=%s %s -e %s"):format(
        quote(STRICT.LUA_INIT),
        LUA,
        quote "local f = (loadstring or load)('return ngx', '=codearts') print(pcall(f))"
      )
    )
    local _, seen = result:finish()
    assert.is_truthy(seen:find("undeclared variable ngx", 1, true), seen)
  end)

  for _, line in ipairs {
    "run sample --follow",
    "run sample --key a-key --wait",
    "run sample --param-env DELAY=SECRET --wait --json",
    "jobs",
    "history sample",
    "status sample",
    "log sample",
    "wait sample",
    "artifacts sample",
    "key list",
    "key show sample a-key",
    "call ListJobConfig job_id=" .. JOB,
    "doctor",
    "--complete bash run samp",
    "completion bash",
    "--help",
  } do
    it("runs the command: " .. line, function()
      env.SECRET = "0.010000000" -- long enough to be hidden
      local result = command.run(line, env)
      assert.equal(0, result.status, result.err)
      assert.is_nil((result.out .. result.err):find("undeclared", 1, true))
    end)
  end

  it("calls the library", function()
    local code = [[
      local build = require "codearts.build"
      local client = build.new { key_store = require("codearts.build.key_store").file(os.getenv "KEYS") }
      local job = { job_id = os.getenv "JOB", parameter = { DELAY = "0" } }
      local function check(result, err)
        assert(result, tostring(err))
      end
      check(client:try_run(job))
      check(client:try_run(job, { key = "a-script" }))
      check(client:start(job, { key = "another" }):try_wait(60))
      check(client:run_all({ job, job }, { key = "all" })[2])
      local result = client:run(job)
      result:log { follow = true, on_line = function() end }
      check(result:wait())
      check(client:call("ListJobConfig", { job_id = job.job_id }))
      client:start(job):on_done(function()
        error "of a callback"
      end)
      local raised
      repeat
        local _, text = pcall(client.step, client, 1)
        raised = tostring(text):find "of a callback" and text
      until raised
      check(raised:find "traceback")
      check(select(2, client:try_run { job_id = 1 }).kind == "usage")
      client:close()
      print "end"]]
    local file = os.tmpname()
    local script = assert(io.open(file, "w"))
    script:write(code)
    script:close()
    env.KEYS, env.JOB = folder, JOB
    local words = { "env" }
    for name, value in pairs(env) do
      words[#words + 1] = name .. "=" .. quote(value)
    end
    local _, seen =
      command.start_line(table.concat(words, " ") .. (" %s %s"):format(LUA, file)):finish()
    os.remove(file)
    assert.equal("end\n", seen)
  end)
end)
