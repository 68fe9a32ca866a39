-- The waits of Neovim for builds: who looks at one, who asked for one, which is meant by a word alone.

local cli_sandbox = require "spec.support.cli_sandbox"
local editor = require "spec.support.editor"
local lifecycle = require "spec.support.lifecycle"
local server_process = require "spec.support.server"

local missing = editor.missing()
if missing then
  pending("waits in Neovim: " .. missing)
  return
end

local JOBS = [==[
job {
  id = "walkjob0000000000000000000000001",
  name = "walk",
  parameters = { GATE = "" },
  steps = { step { name = "Second", run = wait_for_gate } },
}

job {
  id = "breakjob000000000000000000000001",
  name = "break",
  parameters = { GATE = "" },
  steps = { step { name = "Compile", run = wait_for_gate } },
}
]==]

local ROOT = io.popen("pwd"):read "*l"

local WALK, BREAK = "walkjob0000000000000000000000001", "breakjob000000000000000000000001"

-- Begins of code that runs inside.
local STATUS = "require'codearts.build.nvim'.status()"
local VIEW = "require'codearts.build.nvim.buffer'.view()"

describe("Neovim that waits for builds", function()
  local box, nvim

  setup(function()
    box = cli_sandbox.start(JOBS)
  end)

  teardown(function()
    box:stop()
  end)

  before_each(function()
    box:close_gate()
  end)

  after_each(function()
    if nvim then
      nvim:stop()
      nvim = nil
    end
  end)

  -- An editor; the one before, if any, goes.
  local function start(env)
    if nvim then
      nvim:stop()
    end
    nvim = editor.start(box:variables(env))
  end

  -- Runs a job that waits for the gate, and waits until it does; answers the number of the build.
  local function run_gated(job, step)
    nvim:command(("CodeArts run %s GATE=%s"):format(job, box.gate))
    nvim:wait(("%s:find '%s'"):format(STATUS, step))
    return nvim:ask("return " .. STATUS):match "#(%d+)"
  end

  local function count(text, wanted)
    return select(2, text:gsub(wanted, "%0"))
  end

  local function expect_message(wanted)
    nvim:wait(("vim.fn.execute('messages'):find(%q, 1, true)"):format(wanted))
  end

  local runs = { path = "/record%-info$", body = lifecycle.record "RUNNING" }

  -- An editor that waits for build 20 of a server.
  local function run_at_server()
    local server = server_process.start()
    local started = { path = "/build$", body = '{"actual_build_number":"20"}' }
    server:behave("by_path", { rows = { started, runs } })
    start { CODEARTS_BUILD_ENDPOINT = server.url }
    nvim:command("CodeArts run " .. WALK)
    nvim:wait(STATUS .. ":find 'RUNNING'")
    return server
  end

  it("follows on by :edit a build that was only looked at", function()
    start()
    local number = run_gated("walk", "Second")
    start()
    nvim:command(("edit codearts://%s/%s"):format(WALK, number))
    nvim:expect "waiting"
    nvim:command "edit"
    box:open_gate()
    nvim:wait(VIEW .. ".complete")
    nvim:expect "▸ SUCCESS, took"
  end)

  it("waits for a build whose buffer was closed just before", function()
    start()
    local number = run_gated("walk", "Second")
    start()
    nvim:command(("edit codearts://%s/%s"):format(WALK, number))
    nvim:expect "waiting"
    nvim:command(("bwipeout! | CodeArts wait %s %s"):format(WALK, number))
    box:open_gate()
    expect_message ", took "
  end)

  it("stops the build that was started last, not one that is looked at", function()
    start()
    local other = run_gated("walk", "Second")
    start()
    local own = run_gated("break", "Compile")
    nvim:command(("split codearts://%s/%s"):format(WALK, other))
    nvim:wait "#require'codearts.build.nvim.watch'.running == 2"
    nvim:command "wincmd p | CodeArts stop"
    nvim:expect(("break #%s: ABORTED"):format(own))
    box:open_gate()
  end)

  -- Build 19 is the latest that is listed.
  local history =
    { path = "/history%?", body = '{"total":1,"history_records":[{"build_number":19}]}' }
  local latest = { path = "/running%-status$", body = lifecycle.running_status(19) }

  local function expect_no_stop(server)
    for _, path in ipairs(lifecycle.paths(server)) do
      assert.falsy(path:find "/stop", path)
    end
  end

  it("asks which build is meant while a start has no answer", function()
    local server = run_at_server()
    server:behave("by_path", { rows = { { path = "/build$" }, runs, history, latest } })
    nvim:command("edit codearts://" .. WALK) -- which is a job at hand, without a number
    nvim:expect "19"
    nvim:command(("CodeArts run %s --branch other"):format(WALK))
    for _, words in ipairs { "stop", "stop " .. WALK, "log", "wait " .. WALK:upper() } do
      nvim:command("messages clear | CodeArts " .. words)
      expect_message "a start has no answer yet"
    end
    nvim:command "messages clear | enew | CodeArts stop"
    expect_message "a start has no answer yet"
    expect_no_stop(server)
    nvim:command(("messages clear | CodeArts status %s 20"):format(WALK))
    nvim:expect "#20: RUNNING"
    server:stop()
  end)

  it("means the build that was started from here where an earlier one is listed", function()
    local server = run_at_server()
    local stopped = { path = "/stop$", body = '{"success":true,"result":""}' }
    server:behave("by_path", { rows = { stopped, runs, history, latest } })
    nvim:command("CodeArts stop " .. WALK)
    nvim:expect "#20 is being stopped"
    server:stop()
  end)

  it(
    "does so from the command on, while the job is looked for, and starts no second build",
    function()
      local server = run_at_server()
      server:behave("by_path", { rows = { { path = "/list%?" }, runs } })
      nvim:command "CodeArts run break"
      nvim:command "CodeArts stop"
      expect_message "a start has no answer yet"
      nvim:command "CodeArts run break"
      expect_message "is under way"
      for _, path in ipairs(lifecycle.paths(server)) do
        assert.falsy(path:find "/stop", path)
      end
      server:stop()
    end
  )

  it("asks which build is meant where it is not known which was started last", function()
    for body, status in pairs {
      ["<html>bad gateway</html>"] = 502,
      ["<html>welcome</html>"] = 200,
      ['{"octopus_job_name":"j_x"}'] = 200, -- started, without a number
    } do
      local server = run_at_server()
      server:behave(
        "by_path",
        { rows = { { path = "/build$", status = status, body = body }, runs, history, latest } }
      )
      nvim:command("CodeArts run " .. BREAK)
      expect_message(("CodeArts history %s shows its builds"):format(BREAK))
      assert.falsy(nvim:messages():find "again") -- it might be a second build
      for _, words in ipairs { "stop", "wait", "log", "status", "stop 20", "stop " .. BREAK } do
        nvim:command("messages clear | CodeArts " .. words)
        expect_message "which build was started last is not known"
      end
      expect_no_stop(server)
      nvim:command "CodeArts history"
      nvim:wait(("vim.fn.bufname() == 'codearts://%s'"):format(BREAK))
      server:stop()
    end
  end)

  it("takes a key for the number of the build at hand", function()
    local server = run_at_server()
    for _, key in ipairs { "--key nobody", "--key=nobody" } do
      nvim:command("messages clear | CodeArts status " .. key)
      expect_message "nobody"
      assert.falsy(nvim:messages():find "give one of both")
    end
    server:stop()
  end)

  it("shows the step that runs, not one whose word is not known", function()
    local server = run_at_server()
    local steps = { path = "/history%-details", body = lifecycle.steps("running", "skipped") }
    server:behave("by_path", { rows = { steps, runs } })
    nvim:wait(STATUS .. ":find 'step'")
    assert.truthy(nvim:ask("return " .. STATUS):find "step 1")
    server:stop()
  end)

  it("means the start that was asked for last, whichever is answered last", function()
    local server = server_process.start()
    local second = { "answer", body = '{"actual_build_number":"7"}' }
    server:script({ "ok_on_release", second }, { "by_path", rows = { runs } })
    start { CODEARTS_BUILD_ENDPOINT = server.url }
    nvim:command("CodeArts run " .. WALK)
    server:wait_for(1)
    nvim:command("CodeArts run " .. BREAK)
    nvim:wait(STATUS .. ":find '#7'")
    server:release()
    nvim:wait "#require'codearts.build.nvim.watch'.running == 2"
    nvim:command "CodeArts log"
    nvim:wait(("vim.fn.bufname() == 'codearts://%s/7'"):format(BREAK))
    server:stop()
  end)

  it("asks how a build stands that it waits for, too", function()
    local server = run_at_server()
    local function looks()
      return count(table.concat(lifecycle.paths(server), "\n"), "/record%-info")
    end
    local before = looks()
    server:behave("by_path", {
      rows = { { path = "", status = 429, headers = { { "Retry-After", "600" } }, body = "{}" } },
    })
    repeat
      nvim:ask "return 1"
    until looks() > before -- the wait rests for ten minutes now
    local record = lifecycle.record("SUCCESS", lifecycle.FINISHED)
    server:behave("by_path", { rows = { { path = "/record%-info$", body = record } } })
    nvim:command "CodeArts status"
    nvim:expect "#20: SUCCESS"
    local kept = { path = "/record%-info$", body = runs.body, headers = { { "Age", "600" } } }
    server:behave("by_path", { rows = { kept } })
    nvim:command "CodeArts status"
    expect_message "#20: RUNNING; a cache on the way has kept the answer for 600 s"
    server:stop()
  end)

  it("says so where nothing tells how a build ended", function()
    local server = run_at_server()
    server:behave("by_path", {
      rows = {
        { path = "/record%-info$", body = lifecycle.record("COMPLETED", lifecycle.FINISHED) },
        { path = "/build%-info$", body = lifecycle.building(false) },
      },
    })
    expect_message "#20: COMPLETED; nothing tells whether that is a success"
    server:stop()
  end)

  it("says no state of a build whose wait ended in trouble", function()
    local server = run_at_server()
    local refusal = '{"error_code":"APIGW.0301","error_msg":"no"}'
    server:behave("by_path", { rows = { { path = "", status = 403, body = refusal } } })
    expect_message "ShowRecordDetail: auth error: 403"
    assert.truthy(nvim:ask("return " .. STATUS):find "#20: not known %(auth error%)")
    server:stop()
  end)

  local function starts(server)
    return count(table.concat(lifecycle.paths(server), "\n"), "/jobs/build")
  end

  it("starts nothing where one of the jobs is not found", function()
    local server = run_at_server()
    local listed = { path = "/list%?", body = '{"total":0,"jobs":[]}' }
    local started = { path = "/build$", body = '{"actual_build_number":"21"}' }
    server:behave("by_path", { rows = { listed, started, runs } })
    nvim:command(("CodeArts run %s NOTE=two words"):format(BREAK))
    expect_message "is called 'words'"
    assert.equal(1, starts(server)) -- the one before
    nvim:command "CodeArts status" -- which is known to be the last
    nvim:expect "#20: RUNNING"
    nvim:command "compiler! codearts"
    nvim:command(("silent make %s NOTE=two words"):format(BREAK))
    nvim:wait "(vim.fn.getqflist()[1] or { text = '' }).text:find \"is called 'words'\""
    assert.equal(1, starts(server))
    nvim:command(("CodeArts run %s %s"):format(WALK, BREAK))
    nvim:wait "#require'codearts.build.nvim.watch'.running == 3"
    assert.equal(3, starts(server))
    server:stop()
  end)

  it("means the build before where a key belongs to another start", function()
    local server = run_at_server()
    local started = { path = "/build$", body = '{"actual_build_number":"7"}' }
    server:behave("by_path", { rows = { started, runs } })
    nvim:command(("CodeArts run %s --key K"):format(WALK))
    nvim:wait(STATUS .. ":find '#7'")
    nvim:command(("CodeArts run %s --key K OTHER=1"):format(WALK))
    expect_message "this key belongs to a start with other arguments"
    nvim:command "CodeArts log"
    nvim:wait(("vim.fn.bufname() == 'codearts://%s/7'"):format(WALK))
    server:stop()
  end)

  it("tells by :make that a build may have been started, when Ctrl-C ends it", function()
    local server = run_at_server()
    server:behave("by_path", { rows = { { path = "/build$" }, runs } })
    nvim:command "compiler! codearts"
    nvim:command("silent make " .. WALK)
    editor.eventually(function()
      return starts(server) == 2
    end)
    nvim.page:tmux "send-keys C-c"
    nvim:wait "(vim.fn.getqflist()[1] or { text = '' }).text:find 'a build may have been started'"
    server:stop()
  end)

  it("asks nobody but the service by :make, be a job named by an address or as a file", function()
    local server = run_at_server()
    server:behave("by_path", {
      rows = {
        { path = "/build$", body = '{"actual_build_number":"20"}' },
        { path = "/record%-info$", body = lifecycle.record "SUCCESS" },
        { path = "/real%-time%-log", body = lifecycle.page("", 0, false) },
        { path = "/history", body = '{"build_steps":[],"history_records":[]}' },
      },
    })
    nvim:command "compiler! codearts"
    nvim:command(("call system('mkfifo %s')"):format(WALK)) -- whoever opens it waits
    for times, job in ipairs { server.url .. "/codeci/" .. WALK, WALK } do
      nvim:command("silent make " .. job)
      editor.eventually(function()
        return starts(server) == 1 + times
      end)
    end
    for _, request in ipairs(server:stats().requests) do
      assert.is_nil(request.path:find("/codeci/", 1, true), request.path)
    end
    server:stop()
  end)

  it("tells it where a signal ends the Neovim that builds", function()
    local server = run_at_server()
    local function build(signal)
      nvim:ask(([[
        Told, Status = "", nil
        Job = vim.fn.jobstart({
          vim.v.progpath, "--headless", "--clean", "-n", "--cmd", "set rtp^=" .. %q,
          "-c", "lua require('codearts.build.nvim.make').main()", "--", %q,
        }, {
          on_stdout = function(_, lines) Told = Told .. table.concat(lines, "\n") end,
          on_exit = function(_, status) Status = status end,
        })]]):format(ROOT, WALK))
      return function()
        nvim:ask(("vim.loop.kill(vim.fn.jobpid(Job), %q)"):format(signal))
        nvim:wait "Status"
        return nvim:ask "return Told", nvim:ask "return Status"
      end
    end
    for times, signal in ipairs { "sigint", "sigterm" } do
      server:behave("by_path", { rows = { { path = "/build$" }, runs } })
      local finish = build(signal)
      editor.eventually(function()
        return starts(server) == 1 + times
      end)
      local told, status = finish()
      assert.truthy(told:find("a build may have been started", 1, true), told)
      assert.equal("5", status)
    end
    local started = { path = "/build$", body = '{"actual_build_number":"20"}' }
    server:behave("by_path", { rows = { started, runs } })
    local finish = build "sigint"
    nvim:wait "Told:find 'started .* #20'"
    local told, status = finish()
    assert.truthy(told:find("#20: not waited for any more", 1, true), told)
    assert.equal("130", status)
    server:stop()
  end)
end)
