-- How the command ends when somebody ends it: every ending tells what was started and how to go on.

local build = require "codearts.build"
local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local lifecycle = require "spec.support.lifecycle"
local read_file = require "spec.support.read_file"
local server_process = require "spec.support.server"

local GOOD, BAD = cli_sandbox.good, cli_sandbox.bad
local STATUSES = { HUP = 129, INT = 130, TERM = 143 }
local WORDS = { HUP = "hung up", INT = "interrupted", TERM = "terminated" }

describe("codearts-build, ended by a signal", function()
  local box

  setup(function()
    box = cli_sandbox.start()
  end)

  teardown(function()
    box:stop()
  end)

  before_each(function()
    box:close_gate()
  end)

  after_each(function()
    box:open_gate()
  end)

  local function gate()
    return "--param GATE=" .. command.quote(box.gate)
  end

  --- What a limit answers, after which the next attempt waits for so many seconds.
  local function too_often(seconds)
    return {
      "answer",
      status = 429,
      headers = { { "Retry-After", tostring(seconds) } },
      body = '{"error_code":"APIGW.0308","error_msg":"too often"}',
    }
  end

  local function status_of(number)
    local shown = command.run(("status %s %s --json"):format(GOOD, number), box.env)
    return core.decode(shown.out).status
  end

  it("tells how to go on", function()
    for name, status in pairs(STATUSES) do
      local waiting = command.start(("run %s --follow %s"):format(GOOD, gate()), box.env)
      waiting:expect "waiting\n"
      waiting:signal(name)
      local ended, seen = waiting:finish()
      assert.are.equal(status, ended, seen)
      local number = seen:match "build (%d+) of"
      local which = GOOD .. " " .. number
      local told = ("%s; build %s of %s goes on, unless it has ended\n"):format(
        WORDS[name],
        number,
        GOOD
      )
      assert.is_truthy(seen:find(told), seen)
      assert.is_truthy(seen:find("codearts-build wait " .. which, 1, true), seen)
      assert.is_truthy(seen:find("codearts-build stop " .. which, 1, true), seen)
      assert.are.equal("RUNNING", status_of(number))
    end
  end)

  it("prints its document all the same", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    for name, status in pairs(STATUSES) do
      for _, form in ipairs { "json", "ndjson" } do
        server:reset()
        server:script({ "ok" }, "never_answer")
        local running = command.start(("run %s --wait --output %s"):format(GOOD, form), env)
        server:wait_for(2)
        running:signal(name)
        local ended, seen = running:finish()
        assert.are.equal(status, ended, seen)
        local last
        for line in seen:gmatch "{[^\n]*}" do
          last = core.decode(line)
        end
        if form == "json" then
          assert.is_true(last.detached)
          assert.is_truthy(last.actual_build_number)
        else
          assert.are.equal("detached", last.event)
        end
      end
    end
    server:stop()
  end)

  it("tells the verdict of what has ended, whose log is still read", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    for verdict, status in pairs { SUCCESS = 0, FAILURE = 1 } do
      for _, form in ipairs { "text", "json", "ndjson" } do
        server:reset()
        server:behave("by_path", {
          rows = {
            { path = "/record%-info", body = lifecycle.record(verdict) },
            { path = "/real%-time%-log" },
          },
        })
        local running = command.start(("wait %s 20 --follow --output %s"):format(GOOD, form), env)
        server:wait_for(3)
        running:signal "TERM"
        local ended, seen = running:finish()
        assert.are.equal(status, ended, form .. seen)
        assert.is_nil(seen:find("goes on", 1, true), seen)
        if form == "text" then
          assert.is_truthy(seen:find("build 20 of " .. GOOD .. ": " .. verdict, 1, true), seen)
          assert.is_truthy(seen:find("is not complete", 1, true), seen)
        else
          assert.are.equal(verdict:lower(), core.decode(seen:match ".*\n({[^\n]*})").verdict, seen)
        end
      end
    end
    server:stop()
  end)

  it("stops what it waits for if it is to", function()
    for name, status in pairs(STATUSES) do
      local running =
        command.start(("run %s --follow --on-interrupt stop %s"):format(GOOD, gate()), box.env)
      running:expect "waiting\n"
      running:signal(name)
      local ended, seen = running:finish()
      assert.are.equal(status, ended, seen)
      local number = seen:match "build (%d+) of"
      assert.is_truthy(seen:find(("build %s of %s is being stopped"):format(number, GOOD), 1, true))
      local waited = command.run(("wait %s %s"):format(GOOD, number), box.env)
      assert.are.equal(3, waited.status, waited.out)
    end
  end)

  it("says that it could not stop", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    -- The wait hangs in its first look.
    server:script({ "ok", "never_answer" }, {
      "answer",
      status = 400,
      body = '{"error_code":"CB.00060201","error_msg":"not now"}',
    })
    local running = command.start("run " .. GOOD .. " --wait --json --on-interrupt stop", env)
    server:wait_for(2)
    running:signal "TERM"
    local status, seen = running:finish()
    server:stop()
    assert.are.equal(143, status)
    assert.is_truthy(seen:find("cannot be stopped: ", 1, true), seen)
    assert.is_truthy(seen:find("codearts-build wait " .. GOOD, 1, true), seen)
    assert.is_true(core.decode(seen:match "{[^\n]*}").detached)
  end)

  it("leaves open whether it stopped where the answer is lost or not the service's", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    for _, lost in ipairs {
      { "raw", bytes = "" },
      { "answer", status = 502, body = "<html>" },
      { "answer", status = 408, body = "<html>" },
      { "answer", status = 499, body = "" },
    } do
      server:reset()
      server:script({ "ok", "never_answer" }, lost)
      local running = command.start("run " .. GOOD .. " --wait --on-interrupt stop", env)
      server:wait_for(2)
      running:signal "INT"
      local status, seen = running:finish()
      assert.are.equal(130, status)
      assert.is_truthy(seen:find(" was asked to stop: StopBuildJob: ", 1, true), seen)
      assert.is_truthy(seen:find("may have been stopped", 1, true), seen)
      assert.is_nil(seen:find("goes on", 1, true), seen)
      assert.is_nil(seen:find("cannot be stopped", 1, true), seen)
      assert.is_truthy(seen:find("codearts-build wait " .. GOOD, 1, true), seen)
    end
    server:stop()
  end)

  it("tells the verdict of what was over when it was to be stopped", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local refusals = { '{"success":false,"result":"it does not run"}', "<html>" }
    for word, status in pairs { SUCCESS = 0, FAILURE = 1, ABORTED = 3 } do
      for index, refusal in ipairs(refusals) do
        server:reset()
        -- The wait hangs in its first look.
        server:script({ "ok", "never_answer" }, {
          "by_path",
          rows = {
            { path = "/stop$", status = index == 1 and 200 or 408, body = refusal },
            { path = "/record%-info$", body = lifecycle.record(word, lifecycle.FINISHED) },
          },
        })
        local running = command.start("run " .. GOOD .. " --wait --json --on-interrupt stop", env)
        server:wait_for(2)
        running:signal "INT"
        local ended, seen = running:finish()
        assert.are.equal(status, ended, seen)
        assert.is_nil(seen:find("goes on", 1, true), seen)
        assert.is_nil(seen:find("been stopped", 1, true), seen)
        local data = core.decode(seen:match "{[^\n]*}")
        assert.are.equal(word, data.status)
        assert.is_nil(data.detached)
      end
    end
    server:stop()
  end)

  it("leaves open whether `stop` stopped a build before the answer", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    server:script({}, "never_answer")
    local running = command.start("stop " .. GOOD .. " 20", env)
    server:wait_for(1)
    running:signal "INT"
    local status, seen = running:finish()
    server:stop()
    assert.are.equal(130, status)
    local words = ("interrupted; build 20 of %s may have been stopped"):format(GOOD)
    assert.is_truthy(seen:find(words, 1, true), seen)
  end)

  it("leaves open whether a build was started before the answer", function()
    local server = server_process.start()
    server:script({}, "never_answer")
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local count = 0
    for name, status in pairs(STATUSES) do
      for _, arguments in ipairs { "run " .. GOOD, "call RunJob job_id=" .. GOOD } do
        local running = command.start(arguments, env)
        count = count + 1
        server:wait_for(count)
        running:signal(name)
        local ended, seen = running:finish()
        assert.are.equal(status, ended, seen)
        assert.is_truthy(seen:find(WORDS[name] .. " while starting a build", 1, true), seen)
        assert.is_truthy(seen:find("codearts-build history " .. GOOD, 1, true), seen)
      end
    end
    server:stop()
  end)

  it("tells the build whose answer came while it was stopped", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    for _, case in ipairs {
      { "HUP", "run " .. GOOD, "build %d+ of " .. GOOD .. " started" },
      { "INT", "run " .. GOOD, "build %d+ of " .. GOOD .. " started" },
      { "TERM", "call RunJob job_id=" .. GOOD, '"actual_build_number": *"%d+"' },
    } do
      local name = case[1]
      server:reset()
      server:script { "ok_on_release" }
      local running = command.start(case[2], env)
      server:wait_for(1)
      running:signal "STOP"
      server:release()
      server:wait_for(1, "let_go")
      running:signal(name)
      running:signal "CONT"
      local _, seen = running:finish()
      assert.is_truthy(seen:find(case[3]), seen)
    end
    server:stop()
  end)

  it("sends nothing that came due while it was stopped", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local folder = host.folder()
    local stop = "--wait --on-interrupt stop"
    for _, more in ipairs { "", stop, ("%s --key k --key-store file:%s"):format(stop, folder) } do
      server:reset()
      server:script { too_often(1) }
      local running = command.start(("run %s %s"):format(GOOD, more), env)
      server:wait_for(1)
      os.execute "sleep 0.2" -- nothing tells that the answer was read; if it was not, the case is another one
      running:signal "STOP"
      os.execute "sleep 1.2" -- until the next attempt is due
      running:signal "TERM"
      running:signal "CONT"
      local ended, seen = running:finish()
      assert.are.equal(143, ended, seen)
      assert.is_truthy(seen:find("no build was started", 1, true), seen)
      assert.are.equal(1, server:stats().processed)
    end
    host.remove(folder)
    server:stop()
  end)

  it("sends nothing of a value that it has read in part", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local fifo = os.tmpname()
    os.remove(fifo)
    os.execute("mkfifo " .. fifo)
    for name, status in pairs(STATUSES) do
      for _, arguments in ipairs {
        ("run %s --param WORD=@- --wait --on-interrupt stop"):format(GOOD),
        ("call RunJob job_id=%s parameter:=@-"):format(GOOD),
      } do
        local line = command.line(arguments, env)
        local running = command.start_line(("exec %s <%s"):format(line, fifo))
        local input = assert(io.open(fifo, "w"))
        input:write(("x"):rep(70000)) -- more than a pipe holds, so that it is being read then
        input:flush()
        running:signal(name)
        input:close()
        local ended, seen = running:finish()
        assert.are.equal(status, ended, seen)
        assert.is_nil(seen:find("may have been started", 1, true), seen)
      end
    end
    assert.are.equal(0, server:stats().processed)
    server:stop()
    os.remove(fifo)
  end)

  it("sends nothing more when all is to be stopped", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    for name, status in pairs(STATUSES) do
      server:reset()
      server:script { too_often(2) }
      local running = command.start("run " .. GOOD .. " --wait --on-interrupt stop", env)
      server:wait_for(1)
      running:signal(name)
      local ended, seen = running:finish()
      assert.are.equal(status, ended, seen)
      local _, told = seen:gsub("no build was started", "%0")
      assert.are.same({ 1, 1 }, { told, server:stats().processed }, seen)
    end
    server:stop()
  end)

  it("gives 5 for a start that was not answered, beside one that was refused", function()
    local server = server_process.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local REFUSED = { "answer", status = 404, body = "{}" }
    local function ended_by(first, told)
      server:reset()
      server:script({ first }, "never_answer")
      local running = command.start(("run %s %s"):format(GOOD, BAD), env)
      if told then
        running:expect(told)
      end
      server:wait_for(2)
      running:signal "TERM"
      return (running:finish())
    end
    assert.are.equal(5, ended_by(REFUSED, "404"))
    assert.are.equal(143, ended_by("ok", "started"))
    assert.are.equal(143, ended_by "never_answer")
    server:stop()
  end)

  it("tells what a full disk would lose", function()
    local server = server_process.start()
    local folder = host.folder()
    local env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      CODEARTS_BUILD_KEY_STORE = "file:" .. folder .. "/keys",
    }
    local other = build.new {
      endpoint = server.url,
      auth = "a-token",
      key_store = key_store.file(folder .. "/keys"),
    }
    local function ended_by(jobs, answers, form, answered)
      server:reset()
      server:script(answers, "never_answer")
      local key = core.uuid()
      local line = ("run %s --key %s %s"):format(jobs, key, form)
      local running = command.start_line("exec " .. command.line(line, env) .. " >/dev/full")
      server:wait_for(#answers + 1)
      local function is_told(job_id) -- its start is over: nobody holds the key
        return other:try_run({ job_id = job_id }, { key = key, key_wait = 0 }) ~= nil
      end
      while answered and not (is_told(GOOD) or is_told(BAD)) do
        assert(running.pid)
      end
      running:signal "TERM"
      return running:finish()
    end
    for _, form in ipairs { "", "--json" } do
      -- Without a document nothing was to be printed yet.
      assert.are.equal(form == "" and 143 or 5, (ended_by(GOOD, {}, form)))
      local status, seen = ended_by(GOOD .. " " .. BAD, { "ok" }, form, true)
      assert.are.equal(5, status)
      -- Its key may be free before the command has heard of it; and which of the two was answered is up to the machine.
      local told = seen:find "build %d+ of %w+ was started" or seen:find "build %d+ of %w+ goes on"
      assert.is_truthy(told, seen)
      host.run("rm -r " .. folder .. "/keys")
    end
    other:close()
    server:stop()
    host.remove(folder)
  end)

  it("says so where Ctrl-C comes while it is being loaded", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/codearts/build")
    -- Not os.execute, during which a process ignores the signal.
    local interrupt = 'io.popen("kill -INT $PPID"):close()'
    local function interrupted(arguments, env)
      local result = command.run(arguments, env)
      assert.are.equal(130, result.status, result.err)
      assert.are.equal("", result.out)
      if result.err ~= "" then -- an interpreter without a handler of its own ends without a word
        assert.are.equal("codearts-build: interrupted\n", result.err)
      end
    end
    local path = ("%s/?.lua;%s;;"):format(folder, os.getenv "LUA_PATH" or "")
    for _, name in ipairs { "argparse", "codearts/build/core" } do
      local module = ("%s/%s.lua"):format(folder, name)
      local file = assert(io.open(module, "w"))
      file:write(interrupt, "\nreturn {}\n")
      file:close()
      for _, arguments in ipairs { "status " .. GOOD, "run --json " .. GOOD } do
        interrupted(arguments, { LUA_PATH = path })
      end
      assert.are.equal(130, command.run("doctor", { LUA_PATH = path }).status)
      os.remove(module)
    end
    interrupted("--version", {
      LUA_INIT = ("local getenv = os.getenv; os.getenv = function(name) %s; return getenv(name) end"):format(
        interrupt
      ),
    })
    os.execute("rm -r " .. folder)
  end)

  it("goes on if it was started with Ctrl-C ignored", function()
    for _, name in ipairs { "INT", "HUP" } do
      local running = command.start_line(
        ("trap '' %s; exec %s"):format(
          name,
          command.own_line(("run %s --follow %s"):format(GOOD, gate()), box.env)
        )
      )
      running:expect "waiting\n"
      running:signal(name)
      box:open_gate()
      local status, seen = running:finish()
      box:close_gate()
      assert.are.equal(0, status, seen)
      assert.is_truthy(seen:find(": SUCCESS", 1, true))
    end
  end)

  it("dies of a second one", function()
    local server = server_process.start()
    server:script({ "ok" }, "never_answer")
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
    local running = command.start("run " .. GOOD .. " --wait --on-interrupt stop", env)
    server:wait_for(2)
    running:signal "INT"
    server:wait_for(3) -- the request to stop, which nobody answers
    running:signal "INT"
    local status = running:finish()
    server:stop()
    assert.are.equal(130, status)
  end)

  describe("with a reader that goes away", function()
    --- Runs with standard output into a pipe. The reader takes a line if there is one to come, ends, and tells so
    -- with a word into the fifo, which the writer may wait for before it begins.
    local function run_into_pipe(writer, before, after)
      local fifo, err, status = os.tmpname(), os.tmpname(), os.tmpname()
      os.remove(fifo)
      local pipe = io.popen(
        ("mkfifo %s; { %s 2>%s; echo $? >%s; } | { %s exec <&-; %s; }"):format(
          fifo,
          (writer:gsub("FIFO", fifo)),
          err,
          status,
          before,
          (after:gsub("FIFO", fifo))
        )
      )
      local out = pipe:read "*a"
      pipe:close()
      local said, code = read_file(err), tonumber(read_file(status))
      os.execute(("rm %s %s %s"):format(fifo, err, status))
      return code, out, said
    end

    local function run_unread(arguments)
      return run_into_pipe(
        "read -r word <FIFO; timeout 300 " .. command.line(arguments, box.env),
        "",
        "echo gone >FIFO"
      )
    end

    local function number_of_builds(said)
      local count = 0
      for _ in said:gmatch "build %d+ of %w+ [we][an][sd]" do
        count = count + 1
      end
      return count
    end

    it("tells what was started", function()
      for _, options in ipairs { "", "--wait", "--follow", "--wait --output ndjson", "--json" } do
        local arguments = ("run %s %s %s %s"):format(GOOD, BAD, GOOD, options)
        local status, _, said = run_unread(arguments)
        assert.are.equal(141, status, said)
        assert.are.equal(3, number_of_builds(said), said)
        assert.is_nil(said:find("cannot be written", 1, true))
      end
    end)

    it("tells it after the first line too", function()
      local arguments = ("run %s %s --follow %s"):format(GOOD, GOOD, gate())
      local status, out, said = run_into_pipe(
        "timeout 300 " .. command.line(arguments, box.env),
        'read -r line; echo "$line";',
        ("echo open >%s"):format(box.gate)
      )
      assert.are.equal(141, status, said)
      assert.is_truthy(out:find "^build %d+ of", out)
      assert.are.equal(2, number_of_builds(said), said)
    end)

    it("is silent where nothing was started", function()
      local built = command.run(("run %s --wait --json"):format(GOOD), box.env)
      local number = core.decode(built.out).actual_build_number
      for _, arguments in ipairs {
        ("log %s %s"):format(GOOD, number),
        "call --list",
        ("status %s %s"):format(GOOD, number),
      } do
        local status, _, said = run_unread(arguments)
        assert.are.equal(141, status, arguments)
        assert.are.equal("", said)
      end
    end)
  end)
end)
