-- Clients in Neovim, headless.

local host = require("spec.support.host")
local lifecycle = require("spec.support.lifecycle")
local missing = host.missing("command -v nvim")
if missing then
  pending("clients in Neovim: " .. missing)
  return
end
local read_file = require "spec.support.read_file"
local server = require("spec.support.server").start()

local folder = host.folder()

local PRELUDE = [[
local adapter = require "codearts.build.nvim"
local job = { job_id = os.getenv "JOB_ID" }
local function say(...)
  local texts = {}
  for i = 1, select("#", ...) do
    texts[i] = tostring((select(i, ...)))
  end
  io.stdout:write(table.concat(texts, " "), "\n")
  io.stdout:flush()
end
local function quit()
  vim.cmd "qall!"
end
local client = adapter.new()
vim.defer_fn(function()
  say "hung"
  vim.cmd "cquit"
end, 20000)
]]

local function command(code)
  local path = folder .. "/code.lua"
  local file = assert(io.open(path, "w"))
  file:write(PRELUDE, code)
  file:close()
  return host.service(server.url)
    .. host.for_luajit()
    .. "nvim --clean --headless -c "
    .. host.quote("luafile " .. path)
end

-- Runs code in Neovim until it quits; answers its output.
local function nvim(code)
  return (host.run(command(code)):gsub("\r", ""))
end

before_each(function()
  server:reset()
end)

teardown(function()
  server:stop()
  host.remove(folder)
end)

describe("Neovim", function()
  it("gets its callbacks where the editor's API is allowed", function()
    local output = nvim([[
      client:start(job):on_done(function(result)
        vim.api.nvim_buf_set_lines(0, 0, -1, false, { result.octopus_job_name })
        say(vim.in_fast_event(), vim.api.nvim_buf_get_lines(0, 0, -1, false)[1])
        client:start(job):on_done(function(again)
          say(again.octopus_job_name)
          quit()
        end)
      end)]])
    assert.equal(("false %s\n%s\n"):format(host.NAME, host.NAME), output)
  end)

  it("stays responsive: a timer of 10 ms goes on while 20 calls run", function()
    server:behave("ok_on_release")
    local pipe = host.open("timeout 300 env " .. command([[
      local done, ticks = 0, 0
      for i = 1, 20 do
        local function finish()
          done = done + 1
          if done == 20 then
            say("all", ticks >= 20)
            quit()
          end
        end
        if i % 2 == 0 then
          client:start(job):on_done(finish)
        else
          coroutine.wrap(function()
            finish(client:run(job))
          end)()
        end
      end
      vim.loop.new_timer():start(10, 10, function()
        ticks = ticks + 1
        if ticks == 20 then
          say("ticked", done)
        end
      end)]]))
    assert.equal("ticked 0", pipe:read("*l"))
    server:wait_for(20)
    server:release()
    assert.equal("all true", pipe:read("*l"))
    pipe:close()
  end)

  it("waits outside of coroutines while the editor goes on", function()
    local output = nvim([[
      local scheduled = false
      vim.schedule(function()
        scheduled = true
      end)
      say(client:run(job).octopus_job_name, scheduled)
      local call = client:start(job)
      say(call:wait(20).octopus_job_name)
      quit()]])
    assert.equal(("%s true\n%s\n"):format(host.NAME, host.NAME), output)
  end)

  it("waits no longer than it has to for the first call", function()
    local told = nvim [[
      local began = vim.loop.hrtime()
      local name = client:run(job).octopus_job_name
      say(name, vim.loop.hrtime() - began < 5e8)
      quit()]]
    assert.equal(host.NAME .. " true\n", told)
  end)

  it("goes on while a coroutine that waited runs the loop itself", function()
    local output = nvim([[
      coroutine.wrap(function()
        client:run(job)
        local call = client:start(job)
        local done = vim.wait(10000, function()
          return call:done()
        end)
        say(done, call:try_wait().octopus_job_name)
        quit()
      end)()]])
    assert.equal("true " .. host.NAME .. "\n", output)
  end)

  it("ends a wait in time, in a coroutine and outside", function()
    server:behave("never_answer")
    local output = nvim([[
      local call = client:start(job)
      say(select(2, pcall(call.wait, call, 0.02)).reason)
      coroutine.wrap(function()
        say(select(2, pcall(call.wait, call, 0.02)).reason)
        quit()
      end)()]])
    assert.truthy(output:find "^wait\nwait\n", output)
  end)

  -- As newer ones do at once: that of Debian 12 notes it when the time is over.
  it("ends a list that Ctrl-C breaks off, with each outcome, and starts no more", function()
    server:behave "never_answer"
    local text = nvim [[
      local wait, sent = vim.wait, 0
      vim.wait = function()
        vim.wait = wait
        wait(20000, function()
          return sent == 2
        end, 1)
        return false, -2
      end
      client = adapter.new { on_event = function(event)
        sent = sent + (event.type == "request" and 1 or 0)
      end }
      local items = client:run_all({ job, job, job }, { max_in_flight = 2 })
      for i = 1, 3 do
        say(items[i].error.kind, items[i].error.outcome)
      end
      quit()
    ]]
    assert.equal("cancelled unknown\ncancelled unknown\ncancelled not_started\n", text)
  end)

  it("refuses to wait in a fast event before anything is sent, but not in a coroutine", function()
    local output = nvim([[
      vim.loop.new_timer():start(1, 0, function()
        local result, err = client:try_run(job)
        say(err.kind, err.outcome)
        coroutine.wrap(function()
          say(client:run(job).octopus_job_name, vim.in_fast_event())
          quit()
        end)()
      end)]])
    assert.equal(("usage not_started\n%s false\n"):format(host.NAME), output)
    assert.equal(1, server:stats().processed)
  end)

  it("shows what callbacks and coroutines raise; the others run", function()
    local output = nvim([[
      local done = 0
      local function finish()
        done = done + 1
        if done == 2 then
          vim.defer_fn(quit, 10)
        end
      end
      client:start(job):on_done(function()
        finish()
        error "in a callback"
      end)
      coroutine.wrap(function()
        client:run(job)
        finish()
        error "in a coroutine"
      end)()]])
    assert.truthy(output:find("code.lua:%d+: in a callback\nstack traceback:"), output)
    assert.truthy(output:find("code.lua:%d+: in a coroutine\nstack traceback:"), output)
    assert.falsy(output:find("hung", 1, true))
  end)

  it("wakes up a few times only while a server is mute for 2 s", function()
    server:behave("never_answer")
    local output = nvim([[
      local mute = adapter.new { timeout = 2, retry = false }
      local step, steps = mute.step, 0
      mute.step = function(...)
        steps = steps + 1
        return step(...)
      end
      mute:start(job):on_done(function(_, err)
        vim.schedule(function()
          say(err.kind, steps < 20 or steps)
          quit()
        end)
      end)]])
    assert.equal("timeout true\n", output)
  end)

  it("closes while others wait, and quits with calls in flight", function()
    server:behave("never_answer")
    local output = nvim([[
      local woken = 0
      for _ = 1, 2 do
        coroutine.wrap(function()
          local _, err = client:try_run(job)
          say(err.kind)
          woken = woken + 1
          if woken == 2 then
            say(pcall(client.step, client))
            adapter.new():start(job)
            quit()
          end
        end)()
      end
      vim.defer_fn(function()
        client:close()
        client:close()
      end, 20)]])
    assert.truthy(
      output:find("^cancelled\ncancelled\nfalse usage error[^\n]*closed[^\n]*\n$"),
      output
    )
  end)

  it("goes on as before when a forked child closes its client", function()
    local output = nvim([[
      local ffi = require "ffi"
      ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
      client:run(job)
      vim.defer_fn(function() -- the loop has watched since
        local child = ffi.C.fork()
        if child == 0 then
          client:close()
          ffi.C._exit(0)
        end
        ffi.C.waitpid(child, nil, 0)
        say(client:run(job, { timeout = 5 }).octopus_job_name)
        quit()
      end, 10)]])
    assert.equal(host.NAME .. "\n", output)
  end)

  it("loads nothing before the first client", function()
    local output = nvim([[
      client:close()
      for name in pairs(package.loaded) do
        if name:find "^codearts%." then
          package.loaded[name] = nil
        end
      end
      require "codearts.build.nvim"
      require "codearts.build.luv"
      vim.cmd "runtime plugin/codearts.lua"
      local names = {}
      for name in pairs(package.loaded) do
        if name:find "^codearts%." then
          names[#names + 1] = name
        end
      end
      table.sort(names)
      say(unpack(names))
      quit()]])
    assert.equal("codearts.build.luv codearts.build.nvim\n", output)
  end)

  -- Named, so that it may lie where the default may not.
  local KEYS = ("local store = require('codearts.build.key_store').file %q\n"):format(
    folder .. "/keys"
  )

  it("keeps to one build for a key, in this Neovim and the next", function()
    local code = KEYS
      .. [[
      local keyed = adapter.new { key_store = store }
      local build = require "codearts.build"
      coroutine.wrap(function()
        for _ = 1, 2 do
          local result = keyed:run(job, { key = "release-2" })
          say(result.octopus_job_name, build.meta(result).replayed)
        end
        quit()
      end)()]]
    local first = ("%s nil\n%s true\n"):format(host.NAME, host.NAME)
    assert.equal(first, nvim(code))
    assert.equal((first:gsub("nil", "true")), nvim(code))
    assert.equal(1, server:stats().processed)
  end)

  local IN_FLIGHT = [[
    local told = 0
    client:start(job):on_done(function(_, err)
      told = told + 1
      io.stdout:write(err.kind, " ", err.outcome, "\n")
    end)
    adapter.new({ key_store = store }):start({ job_id = ("b"):rep(32) }, { key = "release-1" })
    adapter.new():start({ job_id = ("c"):rep(32) })
    client:start { job_id = ("d"):rep(32) }
    adapter.new { endpoint = "http://127.0.0.1:1", retry = { base_delay = 9, max_delay = 9 } }:start(job)]]
  local UNKNOWN = "CodeArts: Neovim ends without knowing whether a build was started:\n"
    .. ("job %s\njob %s, key release%%-1\njob %s\njob %s\n"):format(
      ("a"):rep(32),
      ("b"):rep(32),
      ("c"):rep(32),
      ("d"):rep(32)
    )

  -- Ends Neovim once somebody has opened this pipe for writing.
  local function quit_when_told()
    local pipe = folder .. "/pipe"
    os.execute(("rm -f %s; mkfifo %s"):format(pipe, pipe))
    return pipe,
      ([[
      vim.loop.fs_open(%q, "r", 0, function()
        vim.schedule(function()
          vim.cmd "qall"
        end)
      end)]]):format(pipe)
  end

  it("closes its clients when it ends, and says which starts are unknown", function()
    server:behave "never_answer"
    local pipe, code = quit_when_told()
    local running =
      host.open(("XDG_STATE_HOME=%s timeout 60 env "):format(folder) .. command(IN_FLIGHT .. code))
    server:wait_for(4)
    assert(io.open(pipe, "w")):close()
    local output = running:read("*a"):gsub("\r", "")
    running:close()
    assert.matches("^cancelled unknown\n" .. UNKNOWN .. "$", output)
  end)

  it("lets who looks at a screen read that before it goes", function()
    server:behave "never_answer"
    local pipe, code = quit_when_told()
    command("client:start(job)\n" .. code)
    os.execute(("mv %s/code.lua %s/inner.lua"):format(folder, folder))
    local running = host.open("timeout 60 env " .. command(([[
      client:close()
      local screen, answered, id = "", false, nil
      id = vim.fn.jobstart({ "nvim", "--clean", "-c", "luafile %s/inner.lua" }, {
        pty = true,
        width = 100,
        height = 20,
        env = { TERM = "xterm" },
        on_stdout = function(_, data)
          screen = screen .. table.concat(data, "\n")
          if not answered and screen:find("uit", 1, true) and screen:find(job.job_id, 1, true) then
            answered = true
            vim.fn.chansend(id, "\r")
          end
        end,
        on_exit = function(_, status)
          say(answered, status, screen:find "without knowing whether a build was started" ~= nil)
          quit()
        end,
      })]]):format(folder)))
    server:wait_for(1)
    assert(io.open(pipe, "w")):close()
    local output = running:read("*a"):gsub("\r", "")
    running:close()
    assert.equal("true 0 true\n", output)
  end)

  -- What is told of a start with a parameter that only its variable tells.
  local TOLD = {
    [":CodeArts"] = [[
      vim.cmd("CodeArts run " .. JOB .. " --param-env SIGNING_KEY")
      vim.wait(20000, function() return vim.fn.execute("messages"):find "error" ~= nil end)
      tell(vim.fn.execute "messages")]],
    [":make"] = [[
      vim.cmd "compiler! codearts"
      vim.cmd("silent make! " .. JOB .. " --param-env SIGNING_KEY")
      tell(vim.inspect(vim.fn.getqflist()))]],
  }
  for what, code in pairs(TOLD) do
    it("shows no value of --param-env in what fails: " .. what, function()
      local told, script = folder .. "/told", folder .. "/told.lua"
      local file = assert(io.open(script, "w"))
      file:write(([[
        local JOB = os.getenv "JOB_ID"
        local function tell(text) vim.fn.writefile(vim.split(text, "\n"), %q) end
        %s]]):format(told, code))
      file:close()
      server:script({}, { "echo_body", status = 400 })
      host.run(
        host.service(server.url)
          .. host.for_luajit()
          .. ("HOME=%s SIGNING_KEY=hunter2-hunter2 nvim --clean --headless --cmd 'set rtp^=.' -S %s -c 'qall!'"):format(
            folder,
            script
          )
      )
      local text = assert(io.open(told)):read "*a"
      os.remove(told)
      assert.truthy(text:find("***", 1, true), text)
      assert.is_nil(text:find("hunter2", 1, true), text)
    end)
  end

  -- What :make leaves: its exit status, and the list.
  local function make()
    local told, script = folder .. "/told", folder .. "/told.lua"
    local file = assert(io.open(script, "w"))
    file:write(([[
      vim.cmd "compiler! codearts"
      vim.o.shellpipe = ">%%s 2>&1" -- else the status is that of tee
      vim.cmd("silent make! " .. os.getenv "JOB_ID")
      local lines = { tostring(vim.v.shell_error) }
      for _, item in ipairs(vim.fn.getqflist()) do
        lines[#lines + 1] = item.type .. " " .. item.text
      end
      vim.fn.writefile(lines, %q)]]):format(told))
    file:close()
    host.run(
      host.service(server.url)
        .. host.for_luajit()
        .. ("HOME=%s nvim --clean --headless --cmd 'set rtp^=.' -S %s -c 'qall!'"):format(
          folder,
          script
        )
    )
    local text = assert(io.open(told)):read "*a"
    os.remove(told)
    return text
  end

  it("tells the verdict by :make though the log cannot be read", function()
    for status, exit in pairs { SUCCESS = 0, FAILURE = 1, ABORTED = 3 } do
      server:behave("by_path", {
        rows = {
          { path = "/build$", body = '{"actual_build_number":"20"}' },
          { path = "/record%-info$", body = lifecycle.record(status, lifecycle.FINISHED) },
          {
            path = "/real%-time%-log",
            status = 403,
            body = '{"error_code":"CB.1","error_msg":"no"}',
          },
        },
      })
      local text = make()
      assert.matches(("^%d\n"):format(exit), text)
      assert.matches(
        ("\n[wW] aaaaaaaa #20: %s[^\n]*; its log is not complete: "):format(status),
        text
      )
      assert.matches("its log is not complete: DownloadRealTimeLog: auth error: 403 CB.1 no", text)
    end
  end)

  it("lists by :make why a verdict is not known", function()
    server:behave("by_path", {
      rows = {
        { path = "/build$", body = '{"actual_build_number":"20"}' },
        { path = "", status = 403, body = '{"error_code":"CB.1","error_msg":"no"}' },
      },
    })
    assert.matches("^4\n[eE] aaaaaaaa #20: ShowRecordDetail: auth error: 403", make())
  end)

  it("says that a build was started whose number was not told", function()
    server:script({ { "answer", body = '{"octopus_job_name":"j_1"}' } })
    assert.matches("^6\n[eE] protocol error: a build was started: the service did not tell", make())
    server:script({ { "answer", body = '{"octopus_job_name":"j_1"}' } })
    assert.matches(
      "a build was started: the service did not tell",
      nvim [[
      vim.notify = function(message) say(message) quit() end
      vim.opt.rtp:prepend "."
      vim.cmd "runtime plugin/codearts.lua"
      vim.cmd("CodeArts run " .. job.job_id)]]
    )
  end)

  -- The report of :checkhealth, with these variables, less the colons that went with Neovim 0.10.
  local function health(environment, prefix, before)
    local report = folder .. "/report"
    local clean = "-u CODEARTS_BUILD_ENDPOINT -u CODEARTS_BUILD_REGION -u CODEARTS_BUILD_TOKEN -u SSL_CERT_FILE "
      .. "-u CODEARTS_BUILD_KEY_STORE -u HUAWEICLOUD_SDK_AK -u HUAWEICLOUD_SDK_SK -u XDG_STATE_HOME "
    host.run(
      clean
        .. (prefix or host.for_luajit())
        .. ("HOME=%s %s nvim --clean --headless --cmd 'set rtp+=.' %s "):format(
          folder,
          environment,
          before or ""
        )
        .. ("-c 'checkhealth codearts' -c 'write! %s' -c 'qall!'"):format(report)
    )
    return (read_file(report):gsub("(%u%u+):", "%1"))
  end

  it("answers :checkhealth where all is well", function()
    local text = health(host.service(server.url))
    for _, row in ipairs {
      "OK core %d[^\n]*",
      "OK interface of Lua 5.1 %(LuaJIT",
      "OK libcurl %d",
      "OK JSON by lua%-cjson %d",
      "OK service " .. server.url:gsub("%p", "%%%0"),
      "OK credentials: from CODEARTS_BUILD_TOKEN, not tried here",
      "key store",
    } do
      assert.matches(row, text)
    end
    assert.is_nil(text:find "ERROR", text)
    assert.is_nil(text:find(host.TOKEN, 1, true))
    assert.equal(0, server:stats().processed)
  end)

  -- What is missing, how the report begins to tell of it, and a word of its advice.
  local MISSING = {
    { "", "ERROR service", "CODEARTS_BUILD_REGION, for example" },
    { "CODEARTS_BUILD_REGION=cn-north-4", "WARNING credentials: none here", "HUAWEICLOUD_SDK_AK" },
    {
      "CODEARTS_BUILD_ENDPOINT=https://me:SECRETPW@example.com",
      "ERROR service: the endpoint must not hold a user or password",
      "Name the host alone",
    },
    {
      "'CODEARTS_BUILD_ENDPOINT=https://example.com/?token=SECRETPW'",
      "ERROR service: the endpoint must not hold a query",
      "Name the host alone",
    },
    {
      "CODEARTS_BUILD_ENDPOINT=http://build.example.com",
      "ERROR service: plain http would show the credentials",
      "Name the host alone",
    },
    {
      "CODEARTS_BUILD_ENDPOINT=https://example.com:99999",
      "ERROR service: the endpoint is not a URL",
      "Name the host alone",
    },
    {
      "CODEARTS_BUILD_REGION=cn-north-4 https_proxy=http://me:SECRETPW@x@h:1",
      "ERROR service: proxy: its user and password",
      "Correct https_proxy",
    },
    {
      "CODEARTS_BUILD_REGION=cn-north-4 HUAWEICLOUD_SDK_AK=x",
      "WARNING credentials: environment: HUAWEICLOUD_SDK_AK is set, but",
      "HUAWEICLOUD_SDK_AK",
    },
    {
      "CODEARTS_BUILD_REGION=cn-north-4 SSL_CERT_FILE=/etc/nowhere",
      "ERROR trust: SSL_CERT_FILE names /etc/nowhere,",
      "unset SSL_CERT_FILE",
    },
    {
      "CODEARTS_BUILD_REGION=cn-north-4 SSL_CERT_FILE=SECRETPW",
      "ERROR trust: SSL_CERT_FILE names a value that is no path,",
      "unset SSL_CERT_FILE",
    },
    {
      "CODEARTS_BUILD_REGION=cn-north-4 HUAWEICLOUD_SDK_CREDENTIALS_FILE=SECRETPW",
      "WARNING credentials: credentials file: a value that is no path: No such file",
      "HUAWEICLOUD_SDK_AK",
    },
    {
      "CODEARTS_BUILD_KEY_STORE=file:/dev/null",
      "ERROR key store",
      "unset CODEARTS_BUILD_KEY_STORE",
    },
    { "CODEARTS_BUILD_KEY_STORE=nowhere", "ERROR config error: key store", "unset CODEARTS_BUILD" },
  }
  for _, case in ipairs(MISSING) do
    it("answers :checkhealth with advice: " .. case[2], function()
      local text = health(case[1])
      local _, at = text:find(case[2], 1, true)
      assert(at, text)
      assert.is_nil(text:find("SECRETPW", 1, true), text)
      assert.matches(
        "^[^\n]*\n +%- ADVICE\n +%- [^\n]*" .. case[3]:gsub("%p", "%%%0"),
        text:sub(at + 1)
      )
    end)
  end

  it("answers :checkhealth with advice: settings", function()
    local set = "--cmd 'let g:codearts = { \"projekt\": 1 }'"
    local text = health(host.service(server.url), nil, set)
    assert.matches("ERROR config error: vim.g.codearts has no projekt; did you mean project", text)
    assert.matches("%- :help [^\n]*codearts%-settings", text)
  end)

  it("answers :checkhealth where the core is missing with the command that helps", function()
    local text = health("", "LUA_CPATH=/nowhere/?.so ")
    assert.matches("ERROR codearts.build: its C core is not built for this Neovim\n", text)
    assert.matches("ADVICE\n +%- Run: make %-C [^\n]* nvim\n", text)
    assert.is_nil(text:find("OK", 1, true), text)
  end)

  it("runs the example", function()
    local output = host.run(
      host.service(server.url)
        .. host.for_luajit()
        .. "nvim --clean --headless -c 'luafile examples/nvim.lua'"
    )
    assert.equal("starting a buildstarted build 20", (output:gsub("%s+$", "")))
  end)
end)
