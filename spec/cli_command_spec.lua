-- The command against a sandbox, off a terminal: what it prints where, and with which exit status it ends.

local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local server_process = require "spec.support.server"

local GOOD, BAD = cli_sandbox.good, cli_sandbox.bad

describe("codearts-build", function()
  local box, folder

  setup(function()
    box = cli_sandbox.start()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
  end)

  teardown(function()
    box:stop()
    os.execute("rm -r " .. folder)
  end)

  before_each(function()
    box:close_gate()
  end)

  local function run(...)
    return box:run(...)
  end

  local function start_build(job, options)
    local result = run(("run %s %s --json"):format(job, options or ""))
    assert.are.equal(0, result.status, result.err)
    return core.decode(result.out).actual_build_number
  end

  local function gate()
    return "--param GATE=" .. command.quote(box.gate)
  end

  local function plain(bytes)
    assert.is_nil(bytes:find "\27", "an escape off a terminal")
  end

  describe("run", function()
    it("starts a build and says which", function()
      local result = run("run " .. GOOD)
      assert.are.equal(0, result.status)
      assert.is_truthy(
        result.out:find(("^build %%d+ of %s started %%(%%d+%%.%%d+, j_%%w+%%)\n$"):format(GOOD)),
        result.out
      )
      assert.are.equal("", result.err)
    end)

    it("takes the address of the job's page", function()
      local result = run(
        ("run 'https://console.example.com/codeci/project/%s/codeci/%s'"):format(box.project, GOOD)
      )
      assert.are.equal(0, result.status, result.err)
      assert.is_truthy(result.out:find(GOOD, 1, true))
    end)

    it("waits for success", function()
      local result = run("run " .. GOOD .. " --wait")
      assert.are.equal(0, result.status)
      assert.is_truthy(result.out:find(": SUCCESS, took %d", 1))
      plain(result.out .. result.err)
    end)

    it("waits for failure, and shows the last lines of the step", function()
      local result = run("run " .. BAD .. " --wait --timeout 1m")
      assert.are.equal(1, result.status)
      assert.is_truthy(result.out:find(": FAILURE, took %d", 1))
      assert.is_truthy(result.err:find("last lines of Test:", 1, true))
      assert.is_truthy(result.err:find("test 7 failed", 1, true))
      plain(result.out .. result.err)
    end)

    it("names the command to type next with the endpoint that it was given", function()
      local env = { CODEARTS_BUILD_TOKEN = box.env.CODEARTS_BUILD_TOKEN }
      local seen =
        command.run(("run %s --wait --endpoint %s"):format(BAD, box.box.endpoint), env).err
      local next_command = seen:match "all of it: codearts%-build ([^\n]+)"
      assert.is_truthy(next_command:find("--endpoint " .. box.box.endpoint, 1, true), seen)
      local log = command.run(next_command, env)
      assert.is_truthy(log.out:find("test 7 failed", 1, true), log.err)
    end)

    it("follows the log on standard output", function()
      local result = run(
        "run "
          .. GOOD
          .. " --follow --progress none --param WORD=hello --param codeBranch=dev "
          .. "--tag v1 --commit 0123456789"
      )
      assert.are.equal(0, result.status)
      assert.is_truthy(
        result.out:find("branch dev word hello tag v1 commit 0123456789\n", 1, true),
        result.out
      )
      assert.is_truthy(
        result.out:find("a line \27[31mred\27[0m\n", 1, true),
        "a log into a pipe is as it is"
      )
      assert.are.equal("", result.err)
    end)

    it("takes a branch", function()
      local result = run("run " .. GOOD .. " --follow --branch topic")
      assert.is_truthy(result.out:find("branch topic", 1, true))
    end)

    it("runs several jobs, and ends with the weightiest status", function()
      local result = run(("run %s %s %s --follow"):format(GOOD, BAD, GOOD))
      assert.are.equal(1, result.status)
      local _, successes = result.out:gsub(": SUCCESS,", "")
      local _, failures = result.out:gsub(": FAILURE,", "")
      assert.are.same({ 2, 1 }, { successes, failures })
      assert.is_truthy(result.out:find(BAD:sub(1, 8) .. " #%d+ | [^\n]*test 7 failed"))
    end)

    it("prints one JSON document", function()
      local result = run("run " .. BAD .. " --wait --json")
      assert.are.equal(1, result.status)
      local data = assert(core.decode(result.out))
      assert.are.equal("FAILURE", data.status)
      assert.are.equal("FAILURE", data.record.status)
      assert.are.equal("build", data.error.kind)
      assert.are.equal("Test", data.steps[2].name)
      assert.are.equal("error", data.steps[2].status)
      local list = core.decode(run(("run %s %s --output json"):format(GOOD, GOOD)).out)
      assert.are.equal(2, #list)
      assert.are.equal(GOOD, list[2].job_id)
    end)

    it("prints every event as a line of JSON", function()
      local result = run("run " .. GOOD .. " --follow --output ndjson")
      assert.are.equal(0, result.status)
      local counts = {}
      for line in result.out:gmatch "[^\n]+" do
        local event = assert(core.decode(line))
        assert.are.equal(GOOD, event.job_id)
        counts[event.event] = (counts[event.event] or 0) + 1
      end
      assert.are.equal(1, counts.started)
      assert.are.equal(1, counts.finished)
      assert.is_true(counts.progress >= 1)
      assert.is_true(counts.log >= 9)
    end)

    it("is a usage error with parameters that cannot be", function()
      local result = run("run " .. GOOD .. " --param A=1 --param A=2")
      assert.are.equal(2, result.status)
      assert.is_truthy(result.err:find("parameter[2].name", 1, true))
    end)
  end)

  describe("wait", function()
    it("waits for a build that was started earlier", function()
      local number = start_build(GOOD, gate())
      local waiting = command.start(("wait %s %s --follow"):format(GOOD, number), box.env)
      waiting:expect "waiting\n"
      box:open_gate()
      local status, seen = waiting:finish()
      assert.are.equal(0, status)
      assert.is_truthy(seen:find(": SUCCESS", 1, true))
    end)

    it("stops waiting in time, and the build goes on", function()
      local number = start_build(GOOD, gate())
      local result = run(("wait %s %s --timeout 0.1s"):format(GOOD, number))
      assert.are.equal(124, result.status)
      assert.is_truthy(result.err:find(("codearts-build wait %s %s"):format(GOOD, number), 1, true))
      assert.are.equal(
        "RUNNING",
        core.decode(run(("status %s %s --json"):format(GOOD, number)).out).status
      )
      run(("stop %s %s"):format(GOOD, number))
    end)

    it("says that a build was cancelled", function()
      local number = start_build(GOOD, gate())
      local waiting = command.start(("wait %s %s --follow"):format(GOOD, number), box.env)
      waiting:expect "waiting\n"
      local stopped = run(("stop %s %s"):format(GOOD, number))
      assert.are.equal(0, stopped.status)
      assert.are.equal(("build %s of %s is being stopped\n"):format(number, GOOD), stopped.out)
      local status, seen = waiting:finish()
      assert.are.equal(3, status)
      assert.is_truthy(seen:find(": ABORTED", 1, true))
    end)

    it("detaches on SIGINT, and says how to go on", function()
      local number = start_build(GOOD, gate())
      local waiting = command.start(("wait %s %s --follow"):format(GOOD, number), box.env)
      waiting:expect "waiting\n"
      waiting:signal "INT"
      local status, seen = waiting:finish()
      assert.are.equal(130, status)
      assert.is_truthy(seen:find(("codearts-build wait %s %s"):format(GOOD, number), 1, true))
      assert.is_truthy(seen:find(("codearts-build stop %s %s"):format(GOOD, number), 1, true))
      assert.is_nil(seen:find("cancelled", 1, true))
      assert.are.equal(0, run(("stop %s %s --json"):format(GOOD, number)).status)
    end)
  end)

  describe("status", function()
    it("shows how a build stands", function()
      local number = start_build(BAD)
      run(("wait %s %s"):format(BAD, number))
      local result = run(("status %s %s"):format(BAD, number))
      assert.are.equal(1, result.status)
      assert.is_truthy(result.out:find "^status    FAILURE\n")
      assert.is_truthy(result.out:find("Test: error", 1, true))
      assert.is_truthy(result.out:find("Pack: not run", 1, true))
    end)

    it("prints JSON", function()
      local number = start_build(GOOD)
      run(("wait %s %s"):format(GOOD, number))
      local result = run(("status %s %s --json"):format(GOOD, number))
      assert.are.equal(0, result.status)
      local data = core.decode(result.out)
      assert.are.equal("SUCCESS", data.status)
      assert.are.equal(3, #data.steps)
    end)

    it("is an error of the service for a build that is not there", function()
      local result = run(("status %s 4711 --json"):format(GOOD))
      assert.are.equal(6, result.status)
      assert.are.equal("api", core.decode(result.out).error.kind)
      assert.is_truthy(result.err ~= "")
    end)
  end)

  describe("log", function()
    it("prints the log, or one step of it", function()
      local number = start_build(BAD)
      run(("wait %s %s"):format(BAD, number))
      local result = run(("log %s %s"):format(BAD, number))
      assert.are.equal(0, result.status)
      assert.is_truthy(result.out:find("fine\n", 1, true))
      assert.is_truthy(result.out:find("test 7 failed\n", 1, true))
      result = run(("log %s %s --step test"):format(BAD, number))
      assert.is_nil(result.out:find("fine\n", 1, true))
      assert.is_truthy(result.out:find("test 7 failed\n", 1, true))
      result = run(("log %s %s --step nothing"):format(BAD, number))
      assert.are.equal(2, result.status)
      assert.is_truthy(result.err:find("1 (Prepare), 2 (Test), 3 (Pack)", 1, true))
      local data = core.decode(run(("log %s %s --json"):format(BAD, number)).out)
      assert.is_true(#data.lines >= 5)
    end)

    it("follows a build to its end", function()
      local number = start_build(GOOD, gate())
      local following = command.start(("log %s %s --follow"):format(GOOD, number), box.env)
      following:expect "waiting\n"
      box:open_gate()
      local status, seen = following:finish()
      assert.are.equal(0, status)
      assert.is_truthy(seen:find("ended: SUCCESS", 1, true))
    end)
  end)

  describe("stop", function()
    it("says what the service says about a build that is over", function()
      local number = start_build(GOOD)
      run(("wait %s %s"):format(GOOD, number))
      local result = run(("stop %s %s"):format(GOOD, number))
      assert.are.equal(6, result.status)
      assert.are.equal("", result.out)
    end)
  end)

  describe("history and jobs", function()
    it("list builds, newest first", function()
      local number = start_build(GOOD)
      run(("wait %s %s"):format(GOOD, number))
      local result = run("history " .. GOOD .. " --limit 1")
      assert.are.equal(0, result.status)
      assert.is_truthy(
        result.out:find("^BUILD +RESULT +STARTED +ENDED +TOOK\n" .. number .. " +SUCCESS"),
        result.out
      )
      assert.is_truthy(result.err:find("%-%-page"))
      local data = core.decode(run("history " .. GOOD .. " --json --days 1").out)
      assert.are.equal(tonumber(number), data.records[1].build_number)
      local day = os.date "!%Y-%m-%d"
      assert.are.equal(0, run(("history %s --from %s --to %s"):format(GOOD, day, day)).status)
    end)

    it("list jobs", function()
      local result = run("jobs " .. box.project)
      assert.are.equal(0, result.status)
      assert.is_truthy(result.out:find(GOOD .. " +good"))
      assert.are.equal(
        2,
        core.decode(run("jobs " .. box.project .. " --json --limit 100").out).total
      )
    end)
  end)

  describe("call", function()
    it("prints JSON as it came", function()
      local result =
        run(("call ShowListHistory job_id=%s offset=99 limit=1 interval=1"):format(GOOD))
      assert.are.equal(0, result.status)
      assert.is_truthy(result.out:find('"history_records":[]', 1, true))
    end)

    it("takes JSON arguments, and files", function()
      local path = folder .. "/parameter.json"
      local file = io.open(path, "w")
      file:write '[{"name":"WORD","value":"from a file"}]'
      file:close()
      local result =
        run(("call RunJob job_id=%s parameter:=@%s 'scm:={\"build_tag\":null}'"):format(GOOD, path))
      assert.are.equal(0, result.status, result.err)
      local number = core.decode(result.out).actual_build_number
      assert.is_truthy(
        run(("log %s %s --follow"):format(GOOD, number)).out:find("word from a file", 1, true)
      )
    end)

    it("writes bytes to standard output or a file", function()
      local number = start_build(GOOD)
      run(("wait %s %s"):format(GOOD, number))
      local id =
        core.decode(run(("status %s %s --json"):format(GOOD, number)).out).record.build_record_id
      local printed = run("call DownloadBuildLog record_id=" .. id)
      assert.are.equal(0, printed.status)
      assert.is_truthy(printed.out:find("ended: SUCCESS", 1, true))
      local path = folder .. "/build.log"
      local written = run(("call DownloadBuildLog record_id=%s --to %s"):format(id, path))
      assert.are.equal(0, written.status)
      assert.are.equal("", written.out)
      local file = assert(io.open(path, "rb"))
      assert.are.equal(printed.out, file:read "*a")
      file:close()
    end)

    it("sends files and booleans, and tells an answer that is no JSON", function()
      local server = server_process.start()
      server:behave("answer", { body = '{"result":"ok"}' })
      local env = { CODEARTS_BUILD_ENDPOINT = server.url }
      local path = folder .. "/key.jks"
      local file = io.open(path, "w")
      file:write "fake keystore"
      file:close()
      assert.equal(0, run("call UploadKeystore privacy=1 file=@" .. path, env).status)
      assert.equal(0, run("call UploadKeystore privacy=1 file=typed", env).status)
      assert.equal(0, run("call ShowBuildRecordFullStages record_id=x cascade=true", env).status)
      local requests = server:stats().requests
      assert.is_truthy(requests[1].body:find('filename="key.jks"', 1, true))
      assert.is_truthy(requests[1].body:find("fake keystore", 1, true))
      assert.is_truthy(requests[2].body:find('filename="file"', 1, true))
      assert.is_truthy(requests[2].body:find("typed", 1, true))
      assert.is_truthy(requests[3].path:find("cascade=true", 1, true))
      server:behave("answer", { body = "<html>" })
      local result = run("call ShowJobStatus job_id=x", env)
      assert.equal(6, result.status)
      assert.is_truthy(result.err:find("not usable JSON", 1, true))
      result = run("call UploadKeystore privacy=1 file=@" .. folder, env)
      assert.equal(2, result.status)
      server:stop()
    end)

    it("says what is wrong with a call", function()
      local cases = {
        { "call ShowJobStatu job_id=x", 'did you mean "ShowJobStatus"' },
        { "call ShowJobStatus jobid=x", 'did you mean "job_id"' },
        { "call ShowJobStatus", "needs the argument job_id" },
        { "call ShowJobStatus job_id=a job_id=b", "given twice" },
        { "call ShowJobStatus job_id=@/no/such/file", "cannot read" },
        { "call ShowJobStatus job_id:={", "not JSON" },
        { "call ShowRecordDetail job_id=x build_no=y", "must be an integer" },
        { "call ShowBuildRecordFullStages record_id=x cascade=maybe", "must be true or false" },
        { "call ShowJobStatus job_id=x --to " .. folder .. "/x", "answers JSON" },
      }
      for _, case in ipairs(cases) do
        local result = run(case[1])
        assert.are.equal(2, result.status, case[1])
        assert.is_truthy(result.err:find(case[2], 1, true), result.err)
      end
    end)

    it("lists all operations", function()
      local result = run "call --list"
      local _, count = result.out:gsub("\n", "")
      assert.are.equal(135, count)
      assert.is_truthy(result.out:find("\nShowRecordDetail job_id build_no\n", 1, true))
    end)
  end)

  describe("exit status", function()
    local server

    before_each(function()
      server = server_process.start()
    end)

    after_each(function()
      server:stop()
    end)

    local function run_against(arguments, script, default)
      server:script(script, default)
      return run(arguments, { CODEARTS_BUILD_ENDPOINT = server.url })
    end

    it("is 4 where the service refuses us", function()
      local refusal = {
        "answer",
        status = 401,
        body = '{"error_code":"APIGW.0307","error_msg":"The token must be updated."}',
      }
      local result = run_against("run " .. GOOD, {}, refusal)
      assert.are.equal(4, result.status)
      assert.is_truthy(result.err:find("doctor", 1, true))
      refusal.status = 403
      assert.are.equal(4, run_against("status " .. GOOD .. " 1", {}, refusal).status)
    end)

    it("is 5 where a build may have been started, and says where to look", function()
      local result = run_against("run " .. GOOD .. " --json", { "reset_after_body" })
      assert.are.equal(5, result.status)
      assert.are.equal("unknown", core.decode(result.out).error.outcome)
      assert.is_truthy(result.err:find("codearts-build history " .. GOOD, 1, true))
      assert.are.equal(1, server:stats().processed)
      assert.are.equal(5, run_against("call RunJob job_id=" .. GOOD, { "reset_after_body" }).status)
    end)

    it("is 6 for errors of the service, and where it cannot be reached", function()
      local answer =
        { "answer", status = 400, body = '{"error_code":"CB.00060201","error_msg":"bad id"}' }
      local result = run_against("run " .. GOOD, {}, answer)
      assert.are.equal(6, result.status)
      assert.is_truthy(result.err:find("CB.00060201", 1, true))
      assert.are.equal(6, run("run " .. GOOD .. " --endpoint http://127.0.0.1:1").status)
    end)

    it("is 2 without configuration or credentials that cannot be", function()
      assert.are.equal(2, run("run " .. GOOD, { CODEARTS_BUILD_ENDPOINT = "" }).status)
      assert.are.equal(2, run("run " .. GOOD .. " --endpoint ftp://x").status)
    end)

    it(
      "is 130 after Ctrl-C before the answer, which leaves open whether a build was started",
      function()
        server:script({}, "never_answer")
        local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
        local running = command.start("run " .. GOOD, env)
        server:wait_for(1)
        running:signal "INT"
        local status, seen = running:finish()
        assert.are.equal(130, status)
        assert.is_truthy(seen:find("may have been started", 1, true))
        running = command.start("history " .. GOOD, env)
        server:wait_for(2)
        running:signal "INT"
        assert.are.equal(130, (running:finish()))
      end
    )

    it("is 130 with JSON after Ctrl-C", function()
      local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
      local function interrupt(arguments, script, requests)
        server:reset()
        server:script(script, "never_answer")
        local running = command.start(arguments, env)
        server:wait_for(requests)
        running:signal "INT"
        local status, seen = running:finish()
        assert.are.equal(130, status)
        return core.decode(seen:match "{[^\n]*}"), seen
      end
      local data = interrupt("run --wait --json " .. GOOD, { "ok" }, 2)
      assert.is_truthy(tonumber(data.actual_build_number))
      assert.is_true(data.detached)
      assert.is_nil(data.error)
      for _, option in ipairs { "--json", "--output ndjson" } do
        data = interrupt(("run %s %s"):format(option, GOOD), {}, 1)
        assert.are.equal("unknown", data.error.outcome)
        assert.are.equal(GOOD, data.job_id)
      end
      data = interrupt(("status --json %s 1"):format(GOOD), {}, 1)
      assert.are.same({ kind = "cancelled", message = "interrupted" }, data.error)
    end)

    it("is 130 after Ctrl-C in a call, which says that a build may have been started", function()
      local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
      server:script({}, "never_answer")
      for index, operation in ipairs { "ExecuteJob", "RunJob", "ShowJobStatus" } do
        local running = command.start(("call %s job_id=%s"):format(operation, GOOD), env)
        server:wait_for(index)
        running:signal "INT"
        local status, seen = running:finish()
        assert.are.equal(130, status)
        local starts = operation ~= "ShowJobStatus"
        assert.are.equal(starts, seen:find("may have been started", 1, true) ~= nil, seen)
        assert.are.equal(starts, seen:find("history " .. GOOD, 1, true) ~= nil, seen)
      end
    end)

    it("leaves no file behind when it is killed while a download runs", function()
      server:script({}, "stall_in_body")
      local running =
        command.start(("call DownloadBuildLog record_id=x --to %s/half.log"):format(folder), {
          CODEARTS_BUILD_ENDPOINT = server.url,
          CODEARTS_BUILD_TOKEN = "a-token",
        })
      server:wait_for(1)
      running:signal "KILL"
      running:finish()
      local pipe = io.popen("ls -A " .. folder)
      local listing = pipe:read "*a"
      pipe:close()
      assert.is_nil(listing:find("half", 1, true), listing)
    end)
  end)

  describe("with a standard output that cannot be written to", function()
    local function run_full(arguments)
      local result = command.run(arguments, box.env, ">/dev/full")
      assert.are.equal(6, result.status, arguments)
      assert.is_truthy(
        result.err:find("standard output cannot be written to: No space left", 1, true),
        result.err
      )
      assert.is_nil(result.err:find("not started", 1, true))
      return result.err
    end

    it("tells the number of a build that was started", function()
      for _, options in ipairs { "", "--json", "--wait", "--output ndjson --wait" } do
        local said = run_full(("run %s %s"):format(options, GOOD))
        assert.is_truthy(said:find("build %d+ of " .. GOOD .. " was started"), said)
        assert.is_truthy(said:find("codearts%-build wait " .. GOOD .. " %d+"), said)
      end
      local said = run_full("run --wait --json " .. GOOD)
      assert.is_truthy(said:find("build %d+ of " .. GOOD .. " ended with SUCCESS"), said)
      for _, operation in ipairs { "RunJob", "ExecuteJob" } do
        said = run_full(("call %s job_id=%s"):format(operation, GOOD))
        assert.is_truthy(said:find 'a build was started: .*"actual_build_number":"%d+"', said)
      end
    end)

    it("fails whatever the command is", function()
      local number = start_build(GOOD)
      local build = GOOD .. " " .. number
      assert.are.equal(0, run("wait " .. build).status)
      local id = core.decode(run(("status %s --json"):format(build)).out).record.build_record_id
      for _, arguments in ipairs {
        "wait " .. build,
        "status " .. build,
        "log " .. build,
        "log --follow " .. build,
        "log --json " .. build,
        "history " .. GOOD,
        "jobs " .. box.project .. " --json",
        "call --list",
        "call ShowJobStatus job_id=" .. GOOD,
        "call DownloadBuildLog record_id=" .. id,
        "doctor",
      } do
        run_full(arguments)
      end
    end)

    it("begins nothing if it is closed", function()
      local before = core.decode(run(("history %s --json"):format(GOOD)).out).total
      local result = command.run("run " .. GOOD, box.env, ">&-")
      assert.are.equal(6, result.status)
      assert.is_truthy(result.err:find("it is closed", 1, true), result.err)
      assert.are.equal(before, core.decode(run(("history %s --json"):format(GOOD)).out).total)
    end)

    it("does with closed standard input and error", function()
      local result = command.run("run " .. GOOD, box.env, "<&- 2>&-")
      assert.are.equal(0, result.status)
      assert.is_truthy(result.out:find("^build %d+ of"))
    end)
  end)

  it("serves as a sandbox with the token of the environment", function()
    local running = command.start("sandbox", { CODEARTS_BUILD_SANDBOX_TOKEN = "a-token-of-ours" })
    running:expect "\n"
    assert.are.equal("a-token-of-ours", running.seen:match "token=(%S+)")
    running:signal "TERM"
    assert.are.equal(0, (running:finish()))
  end)

  it("serves as a sandbox for keys, a user, a cloud server and a pod", function()
    local token_file = os.tmpname()
    local file = assert(io.open(token_file, "w"))
    file:write "a-token-of-ours"
    file:close()
    local running = command.start(
      "sandbox --user ci --domain acme --metadata --pod-identity --project-id 0123456789abcdef0123456789abcdef",
      {
        CODEARTS_BUILD_SANDBOX_TOKEN = "a-token-of-ours",
        CODEARTS_BUILD_SANDBOX_AK = "OURKEY",
        CODEARTS_BUILD_SANDBOX_SK = "our-secret",
        CODEARTS_BUILD_SANDBOX_PASSWORD = "our-password",
      }
    )
    running:expect "\n"
    assert.is_nil(running.seen:find("our-", 1, true))
    assert.equal("0123456789abcdef0123456789abcdef", running.seen:match "project_id=(%S+)")
    local endpoint = running.seen:match "endpoint=(%S+)"
    local client_by = require("codearts.build").new
    local user = { user = "ci", password = "our-password", domain = "acme", project = "cn-north-4" }
    for number, auth in ipairs { { ak = "OURKEY", sk = "our-secret" }, user } do
      local client = client_by { endpoint = endpoint, iam_endpoint = endpoint, auth = auth }
      local result = client:run { job_id = "samplejob00000000000000000000001" }
      assert.equal(tostring(number), result.actual_build_number)
      client:close()
    end
    for _, variables in ipairs {
      { CODEARTS_BUILD_METADATA_ENDPOINT = endpoint },
      {
        CODEARTS_BUILD_METADATA_ENDPOINT = "http://127.0.0.1:1",
        HC_CONTAINER_CREDENTIALS_FULL_URI = endpoint .. "/__sandbox/pod-identity",
        HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = token_file,
      },
    } do
      variables.CODEARTS_BUILD_ENDPOINT = endpoint
      local result = command.run("status samplejob00000000000000000000001", variables)
      assert.are.equal(0, result.status, result.err)
    end
    os.remove(token_file)
    running:signal "TERM"
    assert.are.equal(0, (running:finish()))
  end)

  it("wants both halves of what a sandbox accepts, and shows neither", function()
    for told, case in pairs {
      ["CODEARTS_BUILD_SANDBOX_AK needs CODEARTS_BUILD_SANDBOX_SK"] = {
        "sandbox",
        { CODEARTS_BUILD_SANDBOX_AK = "hidden" },
      },
      ["CODEARTS_BUILD_SANDBOX_SK needs CODEARTS_BUILD_SANDBOX_AK"] = {
        "sandbox",
        { CODEARTS_BUILD_SANDBOX_SK = "hidden" },
      },
      ["--user and the variable CODEARTS_BUILD_SANDBOX_PASSWORD go together"] = {
        "sandbox --user ci",
        {},
      },
    } do
      local result = run(case[1], case[2])
      assert.are.equal(2, result.status)
      assert.are.equal("codearts-build sandbox: " .. told .. "\n", result.err)
    end
  end)

  it("serves as a sandbox until it is told to end", function()
    local running = command.start("sandbox --token a-token-of-ours --max-builds 1", {})
    running:expect "\n"
    local endpoint = running.seen:match "endpoint=(%S+)"
    local result = run("run samplejob00000000000000000000001 --wait --follow", {
      CODEARTS_BUILD_ENDPOINT = endpoint,
      CODEARTS_BUILD_TOKEN = "a-token-of-ours",
    })
    assert.are.equal(0, result.status, result.err)
    running:signal "TERM"
    assert.are.equal(0, (running:finish()))
    result = run("sandbox --jobs /no/such/file")
    assert.are.equal(2, result.status)
    assert.is_truthy(result.err:find("/no/such/file", 1, true))
  end)
end)
