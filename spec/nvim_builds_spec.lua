-- `:CodeArts` and the buffers of builds in Neovim, in a real terminal against a sandbox: what a person sees.

local cli_sandbox = require "spec.support.cli_sandbox"
local editor = require "spec.support.editor"
local lifecycle = require "spec.support.lifecycle"

local missing = editor.missing()
if missing then
  pending("builds in Neovim: " .. missing)
  return
end

-- Steps end a moment after their last words, so that the times of lines tell them apart.
local JOBS = [==[
job {
  id = "walkjob0000000000000000000000001",
  name = "walk",
  parameters = { GATE = "", WORD = "none", SECRET = { default = "", secret = true } },
  steps = {
    step { name = "First", run = "echo the word is $WORD; sleep 0.05" },
    step { name = "Second", run = wait_for_gate .. "sleep 0.05" },
    step { name = "Third", run = "printf 'a line \\033[31mred\\033[0m\\n'; sleep 0.05" },
  },
}

job {
  id = "breakjob000000000000000000000001",
  name = "break",
  parameters = { GATE = "" },
  steps = {
    step { name = "Compile", run = wait_for_gate .. [[
      echo '/workspace/demo/src/area.c:2:5: error: no such thing'
      echo '/workspace/demo/src/area.c:3:1: warning: odd'
      sleep 0.05
      exit 2
    ]] },
  },
}

job {
  id = "sourjob0000000000000000000000001",
  name = "sour",
  steps = { step { name = "Talk", run = [[
    echo 'term://touch RAN:1:1: error: in a terminal'
    echo 'codearts-place: term://touch RAN:1:1: error: ready for use'
    echo '/etc/passwd:1:1: error: not yours'
    echo 'src/area.c:1:1: error: term://touch RAN:2:2: error: twice'
    exit 2
  ]] } },
}

job {
  id = "formatjob00000000000000000000001",
  name = "format",
  parameters = { GATE = "" },
  steps = { step { name = "Now %{1}", run = wait_for_gate } },
}

job {
  id = "longjob0000000000000000000000001",
  name = "long",
  steps = { step { name = "Talk", run = "head -c 100000 /dev/zero | tr '\\0' x; echo" } },
}

job {
  id = "bigjob00000000000000000000000001",
  name = "big",
  steps = { step { name = "Talk", run = "seq -f 'line %06.0f of a log that goes on and on' 20000" } },
}
]==]

local WALK = "walkjob0000000000000000000000001"

-- Begins of code that runs inside.
local STATUS = "require'codearts.build.nvim'.status()"
local VIEW = "require'codearts.build.nvim.buffer'.view()"

describe("Neovim with :CodeArts", function()
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

  local function start(options, env)
    nvim = editor.start(box:variables(env), options)
    return nvim
  end

  -- Runs a job that waits for the gate, and waits until it does; answers the number of the build.
  local function run_gated(job, step, before)
    nvim:command(("%s run %s GATE=%s"):format(before or "CodeArts", job, box.gate))
    nvim:wait(("%s:find '%s'"):format(STATUS, step))
    return nvim:ask("return " .. STATUS):match "#(%d+)"
  end

  local function count(text, wanted)
    return select(2, text:gsub(wanted, "%0"))
  end

  local function lines()
    return nvim:ask "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')"
  end

  it("follows a build in a buffer, folds its steps, tells its end once", function()
    start()
    local number = run_gated("walk", "Second")
    nvim:command "CodeArts log"
    nvim:expect "waiting"
    nvim:expect "▸ Second"
    box:open_gate()
    local screen = nvim:expect "▸ Third: SUCCESS"
    assert.truthy(screen:find("▸ First: SUCCESS", 1, true), screen)
    assert.truthy(screen:find("▸ Second: SUCCESS", 1, true), screen)
    assert.truthy(
      screen:find(("Build %s ended: SUCCESS   ▸ SUCCESS, took"):format(number), 1, true)
    )
    assert.falsy(screen:find("a line red", 1, true), screen)
    nvim.page:type "zR"
    nvim:expect "a line red"
    assert.equal(1, count(nvim:messages(), ", took "))
    assert.equal(("walk #%s: SUCCESS"):format(number), nvim:ask("return " .. STATUS))
    assert.equal(
      ("codearts://%s/%s"):format(WALK, number),
      nvim:ask "return vim.api.nvim_buf_get_name(0)"
    )
  end)

  it("goes along at the end of a log, and stays where the cursor was put", function()
    start()
    run_gated("walk", "Second")
    nvim:command "CodeArts log"
    nvim:expect "waiting"
    assert.equal("true", nvim:ask "return vim.fn.line('.') == vim.fn.line('$')")
    nvim:command "split"
    nvim.page:type "gg"
    box:open_gate()
    nvim:wait(VIEW .. ".complete")
    assert.equal("1", nvim:ask "return vim.fn.line('.')")
    assert.equal("true", nvim:ask "vim.cmd 'wincmd p'; return vim.fn.line('.') == vim.fn.line('$')")
  end)

  it("shows colours and failing lines of a build that is over", function()
    start()
    nvim:command "CodeArts run walk"
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    nvim:command "CodeArts log"
    nvim:wait(VIEW .. " and " .. VIEW .. ".complete")
    nvim:ask "vim.cmd 'normal! zR'"
    nvim:expect "a line red"
    local drawn = nvim.page:tmux "capture-pane -p -e"
    assert.truthy(drawn:find("a line \27[31mred", 1, true), drawn)
    box:open_gate()
    nvim:command "CodeArts run break"
    nvim:wait(STATUS .. ":find 'break.*FAILURE'")
    nvim:command "CodeArts log break"
    nvim:wait(("#vim.diagnostic.get(0) == 2 and %s.complete"):format(VIEW))
    assert.equal("no such thing", nvim:ask "return vim.diagnostic.get(0)[1].message")
    local screen = nvim:expect "E [20"
    assert.truthy(screen:find("▸ FAILURE, took", 1, true), screen)
  end)

  it("fills the quickfix list with files that are here", function()
    start { files = { ["src/area.c"] = "int a;\nint b;\nint c;\n" } }
    box:open_gate()
    nvim:command "CodeArts! run break"
    nvim:expect ", 2 in the quickfix list"
    assert.equal(1, count(nvim:messages(), ", took "))
    nvim:command "cfirst"
    nvim:wait "vim.fn.expand('%') == 'src/area.c'"
    assert.equal("2 5", nvim:ask "return vim.fn.line('.') .. ' ' .. vim.fn.col('.')")
    assert.truthy(
      nvim:ask("return vim.fn.getqflist({ title = 1 }).title"):find("CodeArts break #", 1, true)
    )
  end)

  it("opens nothing but files that are here, whatever a log says", function()
    start { files = { ["src/area.c"] = "int a;\n" } }
    local places = [[
      local list = {}
      for index, item in ipairs(vim.fn.getqflist()) do
        list[index] = item.bufnr == 0 and "-" or vim.fn.bufname(item.bufnr)
      end
      return table.concat(list, " ")]]
    nvim:command "CodeArts! run sour"
    nvim:expect ", 4 in the quickfix list"
    assert.equal("- - - src/area.c", nvim:ask(places))
    nvim:command "compiler! codearts"
    nvim:command "silent make sour"
    nvim:wait "vim.fn.getqflist({ title = 1 }).title:find 'make'"
    assert.equal("- - - src/area.c", nvim:ask(places))
    for number = 1, 4 do
      nvim:command(("silent cc %d"):format(number))
    end
    nvim:wait "vim.fn.expand('%') == 'src/area.c'"
    assert.equal("0", nvim:ask "return vim.fn.filereadable 'RAN'")
  end)

  it("builds by :make, with the settings as they are then", function()
    start {
      files = { ["code/src/area.c"] = "int a;\nint b;\nint c;\n" },
      init = "vim.g.codearts = { project = ('a'):rep(32), paths = { ['/workspace'] = 'nowhere' } }",
    }
    box:open_gate()
    nvim:command "compiler! codearts"
    nvim:command "lua vim.g.codearts = { paths = { ['/workspace/demo'] = 'code' } }"
    nvim:command "silent make break"
    nvim:wait "#vim.fn.getqflist() == 2"
    nvim:wait "vim.fn.expand('%') == 'code/src/area.c'"
    assert.equal("2", nvim:ask "return vim.fn.line('.')")
    local function expect_first(wanted)
      nvim:wait(("(vim.fn.getqflist()[1] or { text = '' }).text:find(%q, 1, true)"):format(wanted))
    end
    nvim:command "silent make nojob"
    expect_first "no job of the project"
    nvim:command "lua vim.g.codearts = { project = print }"
    nvim:command "silent make break"
    expect_first "vim.g.codearts must be a table"
    nvim:command "unlet g:codearts"
    nvim:command "silent make nojob"
    expect_first "no job of the project"
  end)

  it("goes from the jobs to a build and back, and runs it again", function()
    start()
    nvim:command "CodeArts run walk WORD=first GATE="
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    local number = nvim:ask("return " .. STATUS):match "#(%d+)"
    nvim:command "edit codearts://"
    nvim:expect "LAST BUILD"
    nvim:command "call search('^walk')"
    nvim.page:type "\n"
    nvim:expect "RESULT"
    nvim:expect(number .. " ")
    nvim.page:type "\n"
    nvim:expect "▸ SUCCESS"
    nvim.page:type "r"
    nvim:wait(("%s:find '#%d: SUCCESS'"):format(STATUS, number + 1))
    nvim:command(("edit codearts://walk/%d"):format(number + 1))
    nvim:wait(VIEW .. " and " .. VIEW .. ".complete")
    assert.truthy(lines():find("the word is first", 1, true), lines())
    nvim.page:type "-"
    nvim:expect "RESULT"
    nvim.page:type "-"
    nvim:expect "LAST BUILD"
    assert.equal(
      "",
      nvim:ask "vim.cmd 'enew'; return vim.fn.maparg('r', 'n') .. vim.fn.maparg('-', 'n')"
    )
  end)

  it("lists a project of many jobs, in columns", function()
    local jobs = {}
    for number = 1, 230 do
      jobs[number] = ('job { id = "manyjob%025d", name = "%s%d", steps = { step { name = "A", run = ":" } } }\n'):format(
        number,
        number == 229 and "a_long_name_of_a_job_" or "many",
        number
      )
    end
    local many = cli_sandbox.start(table.concat(jobs))
    start({}, { CODEARTS_BUILD_ENDPOINT = many.env.CODEARTS_BUILD_ENDPOINT })
    nvim:command "CodeArts jobs"
    nvim:wait "vim.fn.line('$') == 233"
    assert.equal(
      "26 26 26",
      nvim:ask [[
      local columns = {}
      for index, line in ipairs { 2, 100, 233 } do
        columns[index] = vim.fn.match(vim.fn.getline(line), " notbuilt") + 1
      end
      return table.concat(columns, " ")]]
    )
    many:stop()
  end)

  it("completes words, jobs, parameters and numbers", function()
    start()
    nvim:command "edit codearts://"
    nvim:expect "LAST BUILD"
    local function complete(line)
      return nvim:ask(
        ("return table.concat(vim.fn.getcompletion(%q, 'cmdline'), ' ')"):format(line)
      )
    end
    assert.equal("run", complete "CodeArts r")
    assert.equal("stop status", complete "CodeArts st")
    assert.equal("walk", complete "CodeArts run w")
    complete "CodeArts run walk "
    nvim:wait "vim.fn.getcompletion('CodeArts run walk W', 'cmdline')[1] == 'WORD='"
    for _, before in ipairs {
      "--branch main walk",
      "X=1 --branch a\\ b walk",
      "https://example.com/project/p/" .. WALK .. "?locale=en-us",
    } do
      assert.equal("WORD=", complete(("CodeArts run %s W"):format(before)), before)
    end
    assert.equal("walk", complete "CodeArts run X=1 --branch a\\ b w")
    assert.equal("--when-lost", complete "CodeArts run walk --w")
    assert.equal("stop resend", complete "CodeArts run walk --when-lost ")
    nvim:command "CodeArts run break GATE=/dev/null"
    nvim:wait(STATUS .. ":find 'FAILURE'")
    nvim:wait "vim.fn.getcompletion('CodeArts log break ', 'cmdline')[1] ~= nil"
    assert.equal("list show resolve", complete "CodeArts key ")
  end)

  it("stops a build, tells how it stands, waits for it", function()
    start()
    run_gated("break", "Compile")
    nvim:command "CodeArts status"
    nvim:expect "CodeArts: break #"
    nvim:command "CodeArts stop"
    nvim:expect "ABORTED"
    assert.equal(1, count(nvim:messages(), ", took "))
    nvim:command "CodeArts wait"
    nvim:wait "select(2, vim.fn.execute('messages'):gsub(', took ', '')) == 2"
  end)

  -- Waits for a message; it is told once, and nothing waits for a key.
  local function expect_message(wanted)
    nvim:wait(("vim.fn.execute('messages'):find(%q, 1, true)"):format(wanted))
    assert.equal(1, count(nvim:messages(), (wanted:gsub("%p", "%%%0"))), nvim:messages())
    assert.equal("n", nvim:ask "return vim.api.nvim_get_mode().mode")
  end

  it("says once what is wrong with a name, a number or a word", function()
    start()
    nvim:command "CodeArts run wall"
    expect_message "no job of the project"
    assert.truthy(nvim:messages():find("there are: walk", 1, true), nvim:messages())
    nvim:command "CodeArts statu"
    expect_message "did you mean status?"
    nvim:command "edit codearts://walk/99999"
    expect_message "CB.00060214"
    nvim:expect "▸ ShowRecordDetail: api error: 404"
    nvim:command "edit codearts://no/such/place"
    expect_message "expected codearts://, codearts://JOB or"
    nvim:expect ":e tries again"
  end)

  it("says once what is wrong with the settings", function()
    for settings, expected in pairs {
      ["'x'"] = "vim.g.codearts must be a table",
      ["{ projekt = 'x' }"] = "vim.g.codearts has no projekt; did you mean project?",
      ["{ project = 'x' }"] = "vim.g.codearts.project is no project",
      ["{ maps = 1 }"] = "vim.g.codearts.maps must be true or false",
      ["{ paths = { ['/a'] = 1 } }"] = "vim.g.codearts.paths must be a table of texts",
    } do
      start { init = "vim.g.codearts = " .. settings }
      nvim:command "edit codearts://"
      expect_message(expected)
      nvim:stop()
    end
  end)

  it("has no format of a statusline in its status", function()
    start()
    run_gated("format", "Now")
    assert.truthy(nvim:ask("return " .. STATUS):find("Now ％{1}", 1, true))
    box:open_gate()
  end)

  it("says again what is wrong with a start", function()
    start()
    for times = 1, 2 do
      nvim:command(("CodeArts run %s WORD=1 WORD=2"):format(WALK))
      nvim:wait(
        ("select(2, vim.fn.execute('messages'):gsub('given twice', '')) == %d"):format(times)
      )
    end
  end)

  it("writes a job's name so that it is read as a name", function()
    local name = "--param-env=HOME"
    start {
      files = {
        ["codearts-build/jobs"] = ("%s\t%s\t%s\n"):format(box.project, ("a"):rep(32), name),
      },
    }
    local completed = "name:" .. name
    assert.equal(completed, nvim:ask "return vim.fn.getcompletion('CodeArts run n', 'cmdline')[1]")
    nvim:command("CodeArts run " .. completed)
    expect_message(("is called '%s'"):format(name))
  end)

  it("starts one build when it is told twice at once", function()
    start()
    local twice = ("CodeArts run %s GATE=%s"):format(WALK, box.gate)
    nvim:ask(("vim.cmd %q; pcall(vim.cmd, %q)"):format(twice, twice))
    nvim:wait(STATUS .. ":find 'Second'")
    assert.equal("1", nvim:ask "return #require'codearts.build.nvim.watch'.running")
    expect_message "is under way"
    nvim:ask(("vim.cmd %q"):format(twice)) -- meant now
    nvim:wait "#require'codearts.build.nvim.watch'.running == 2"
    nvim:wait(STATUS .. ":find '^2 builds: walk'")
    box:open_gate()
    nvim:wait "#require'codearts.build.nvim.watch'.running == 0"
  end)

  for _, close in ipairs { "bdelete!", "bwipeout!", "noautocmd bwipeout!", "edit", "enew" } do
    it("loses nothing by :" .. close .. " while it follows", function()
      start()
      local number = run_gated("walk", "Second")
      nvim:command(("edit codearts://%s/%s"):format(WALK, number))
      nvim:expect "waiting"
      nvim:command(close)
      box:open_gate()
      expect_message(("walk #%s: SUCCESS"):format(number))
      assert.falsy(nvim:messages():find "E%d+:")
    end)
  end

  it("writes no message over a command that is being typed", function()
    start()
    local number = run_gated("walk", "Second")
    nvim.page:type ":let typed = 1"
    box:open_gate()
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    local screen = nvim:expect ":let typed = 1"
    assert.falsy(screen:find("SUCCESS", 1, true), screen)
    nvim.page:type "\n"
    nvim:expect(("CodeArts: walk #%s: SUCCESS"):format(number))
  end)

  it("asks no more about a build that was only looked at", function()
    start()
    local number = run_gated("walk", "Second")
    start() -- another editor, which has not started it
    nvim:command(("edit codearts://%s/%s"):format(WALK, number))
    nvim:expect "waiting"
    assert.equal("1", nvim:ask "return #require'codearts.build.nvim.watch'.running")
    nvim:command "split | bdelete!"
    nvim:wait "#require'codearts.build.nvim.watch'.running == 0"
    assert.equal("", nvim:ask("return " .. STATUS))
    box:open_gate()
  end)

  it("shows a build in two windows, each with its cursor and its folds", function()
    start()
    run_gated("walk", "Second")
    nvim:command "CodeArts log"
    nvim:expect "waiting"
    nvim:command "split"
    box:open_gate()
    nvim:wait(VIEW .. ".complete")
    local screen = nvim:expect "▸ Third: SUCCESS"
    assert.equal(2, count(screen, "▸ First: SUCCESS"), screen)
    nvim:command "tabnew"
    nvim:command "CodeArts log"
    screen = nvim:expect "▸ Third: SUCCESS"
    assert.truthy(screen:find("▸ First: SUCCESS", 1, true), screen)
  end)

  it("tells that there is no network, and that nothing was started", function()
    start({}, { CODEARTS_BUILD_ENDPOINT = "http://127.0.0.1:9" })
    nvim:command("CodeArts run " .. WALK)
    expect_message "RunJob: transport error: no build was started"
    nvim:command(("edit codearts://%s/1"):format(WALK))
    expect_message "ShowRecordDetail: transport error"
    nvim:expect "▸ ShowRecordDetail: transport error"
  end)

  it("tells that a start may have been lost, and where to look", function()
    start()
    box:open_gate()
    box:post "/__sandbox/lose?times=1"
    nvim:command("CodeArts run " .. WALK)
    expect_message "a build may have been started"
    assert.truthy(nvim:messages():find(":CodeArts history " .. WALK, 1, true), nvim:messages())
    nvim:command("CodeArts run " .. WALK)
    nvim:wait(STATUS .. ":find 'SUCCESS'")
  end)

  it("shows trouble while it waits in the status alone", function()
    start()
    run_gated("walk", "Second")
    nvim:command "CodeArts log"
    nvim:expect "waiting"
    box:post "/__sandbox/refuse?status=503&times=1000"
    nvim:wait(STATUS .. ":find 'no answer'")
    nvim:expect "no answer"
    assert.equal(0, count(nvim:messages(), "error"), nvim:messages())
    box:post "/__sandbox/refuse?times=0"
    box:open_gate()
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    assert.equal(1, count(nvim:messages(), ", took "))
    nvim:wait(VIEW .. ".complete")
    assert.truthy(lines():find "ended: SUCCESS")
  end)

  it("goes on after it was suspended", function()
    start()
    local number = run_gated("walk", "Second")
    nvim:command "CodeArts log"
    nvim:expect "waiting"
    local pid = nvim:ask "return vim.fn.getpid()"
    os.execute("kill -STOP " .. pid)
    box:open_gate()
    box:finished(WALK, number)
    os.execute("kill -CONT " .. pid)
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    nvim:wait(VIEW .. ".complete")
    assert.truthy(lines():find "ended: SUCCESS")
  end)

  it("reads a long log while the editor goes on", function()
    start()
    nvim:command "CodeArts run big"
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    -- Counts what the main loop does in between.
    nvim:ask [[
      Between = 0
      vim.loop.new_timer():start(1, 1, vim.schedule_wrap(function()
        local view = require "codearts.build.nvim.buffer".view()
        if view and view.lines and view.lines > 0 and not view.complete then
          Between = Between + 1
        end
      end))]]
    nvim:command "CodeArts log"
    nvim:wait(VIEW .. " and " .. VIEW .. ".complete")
    assert.is_true(tonumber(nvim:ask "return Between") > 3)
    assert.equal("20003", nvim:ask "return vim.api.nvim_buf_line_count(0)")
    assert.truthy(lines():find "line 020000 of a log")
  end)

  it("shows the begin of a very long line", function()
    start()
    nvim:command "CodeArts run long"
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    nvim:command "CodeArts log"
    nvim:wait(VIEW .. " and " .. VIEW .. ".complete")
    local shown = lines():gsub("xx+", "x")
    assert.truthy(shown:find "x %[%d+ bytes more%]", shown)
    assert.falsy(lines():find(("x"):rep(4097)))
  end)

  it("shows the verdict of a build whose log cannot be read", function()
    local server = require("spec.support.server").start()
    server:behave("by_path", {
      rows = {
        { path = "/record%-info$", body = lifecycle.record("SUCCESS", lifecycle.FINISHED) },
        {
          path = "/real%-time%-log",
          status = 403,
          body = '{"error_code":"CB.1","error_msg":"no"}',
        },
      },
    })
    start({}, { CODEARTS_BUILD_ENDPOINT = server.url })
    nvim:command(("edit codearts://%s/20"):format(WALK))
    nvim:expect "▸ SUCCESS; the log is not complete: DownloadRealTimeLog: auth error: 403"
    server:stop()
  end)

  it("does not keep the verdict of :CodeArts! for a log that does not come", function()
    local server = require("spec.support.server").start()
    server:behave("by_path", {
      rows = {
        { path = "/build$", body = '{"actual_build_number":"20"}' },
        { path = "/record%-info$", body = lifecycle.record("SUCCESS", lifecycle.FINISHED) },
        { path = "/real%-time%-log" },
      },
    })
    start({}, { CODEARTS_BUILD_ENDPOINT = server.url })
    nvim:command("CodeArts! run " .. WALK)
    expect_message "#20: SUCCESS, its log is still being read"
    server:stop()
    expect_message "#20, its log cannot be read"
  end)

  it("opens the page of a job in the console where its address was given", function()
    start { init = "vim.ui.open = function(page) Opened = page end" }
    nvim:command("edit codearts://" .. WALK)
    nvim:wait(VIEW .. " ~= nil")
    nvim.page:type "gx"
    expect_message "is not known"
    nvim:ask(
      ("vim.cmd('edit ' .. vim.fn.fnameescape 'codearts://https%%3A%%2F%%2Fexample.com%%2F%s')"):format(
        WALK
      )
    )
    nvim.page:type "gx"
    nvim:wait "select(2, vim.fn.execute('messages'):gsub('is not known', '')) == 2"
    local page = "https://console.example.com/codeci/project/p/job/" .. WALK
    nvim:command("CodeArts history " .. page)
    nvim.page:type "gx"
    nvim:wait(("Opened == %q"):format(page))
  end)

  it("maps nothing where the settings say so", function()
    start { init = "vim.g.codearts = { maps = false }" }
    nvim:command "CodeArts jobs"
    nvim:expect "LAST BUILD"
    assert.equal("", nvim:ask "return vim.fn.maparg('r', 'n')")
  end)

  it("shows the records of keys, and runs by one", function()
    start()
    box:open_gate()
    nvim:command "CodeArts run walk --key release-1"
    nvim:wait(STATUS .. ":find 'SUCCESS'")
    nvim:command "CodeArts key list walk"
    local screen = nvim:expect "release-1"
    assert.truthy(screen:find("done", 1, true), screen)
    nvim:command "quit"
    nvim:command "CodeArts key show walk release-1"
    nvim:expect "its build was started"
    nvim:command "compiler! codearts"
    local told =
      nvim:ask [[return vim.fn.system((vim.o.makeprg:gsub("%$%*", "walk --key release-1")))]]
    assert.truthy(told:find("was started earlier with this key: walk", 1, true), told)
  end)

  it("tells of each change by an autocommand", function()
    start {
      init = "Told = {}; vim.cmd [[autocmd User CodeArtsStatus lua table.insert(Told, "
        .. STATUS
        .. ")]]",
    }
    run_gated("walk", "Second")
    box:open_gate()
    nvim:wait "Told[#Told]:find 'SUCCESS'"
    assert.equal("true", nvim:ask "return #Told >= 3")
  end)
end)
