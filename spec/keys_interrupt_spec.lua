-- A run with a key that Ctrl-C breaks off, wherever that meets it: the standalone interpreter raises "interrupted!" in
-- whatever the main program runs next. No wait hangs, no outcome is false, no key stays locked, no second build.

local build = require "codearts.build"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local keyed = require "spec.support.keyed"
local servers = require "spec.support.server"
local strace = require "spec.support.strace"

local JOB = { job_id = ("a"):rep(32) }
local HUNG = 137 -- what a shell tells of who was killed

--- Where a sync takes no time, if there is such a place.
local function quick_folder()
  local pipe = io.popen "mktemp -d -p /dev/shm 2>/dev/null || mktemp -d"
  local folder = pipe:read "*l"
  pipe:close()
  return folder
end

describe("a run with a key that is interrupted", function()
  describe("by what raises at one instruction of Lua", function()
    local server, folder, client
    local adapter = build -- what makes the client

    local jit = rawget(_G, "jit")

    local function connect()
      return adapter.new {
        endpoint = server.url,
        auth = { ak = "AK", sk = "SK" },
        key_store = key_store.file(folder),
        retry = false,
      }
    end

    setup(function()
      server = servers.start()
      if jit then
        jit.off() -- what is compiled asks no hook
      end
    end)
    teardown(function()
      server:stop()
      if jit then
        jit.on()
      end
    end)
    before_each(function()
      server:reset()
      folder = quick_folder()
      client = connect()
    end)
    after_each(function()
      client:close()
      host.remove(folder)
    end)

    local has_luv, uv = pcall(require, "luv")

    local callback, finish -- of the spec itself

    --- Whether what is raised now is not ours: luv ends the process then, and a callback is its user's.
    local function is_elsewhere()
      local is_in_luv = has_luv and uv.loop_mode() ~= nil and not client.core:delivering()
      local f = debug.getinfo(3, "f").func
      return is_in_luv or f == callback or f == finish
    end

    --- Does it, and raises at its n-th instruction. Answers whether it came to an end of its own, what it answered, and
    --- whether it was over before.
    local function interrupt(n, f, ...)
      local raised, result, err = false, nil, nil
      local function raise()
        if is_elsewhere() then
          return debug.sethook(raise, "", 1)
        end
        debug.sethook()
        raised = true
        error("interrupted!", 0)
      end
      local ok, problem = pcall(function(...)
        debug.sethook(raise, "", n)
        result, err = f(...)
        debug.sethook()
      end, ...)
      return ok, ok and result or problem, err, not raised
    end

    --- What is true of how it ended. Answers how many builds there are.
    local function check_end(what, ok, result, err)
      local builds = server:stats().processed
      assert.is_true(builds <= 1, what)
      if not ok then
        assert.equal("interrupted!", result) -- before the run or behind its end
      elseif result then
        assert.equal(1, builds, what)
      else
        assert.is_true(core.is_error(err), what)
        assert.are_not.equal("wait", err.reason, what) -- for ever
        assert.is_true(err.outcome ~= nil, what)
        assert.is_true(err.outcome ~= "not_started" or builds == 0, what)
        assert.is_true(err.outcome ~= "started" or builds == 1, what)
        assert.equal(err.outcome == "unknown", err.reconcile ~= nil, what)
      end
      return builds
    end

    --- What is true of the key from then on. Answers whether that is in doubt.
    local function check_key(what, key)
      local till, again, problem = core.now() + 60
      repeat -- its disk may be at work still
        again, problem = client:try_run(JOB, { key = key, key_wait = 0 })
      until again or problem.reason ~= "busy" or core.now() > till
      what = what .. "; " .. tostring(problem)
      assert.is_true(again ~= nil or problem.reason == "in_doubt", what)
      assert.is_true(server:stats().processed <= 1, what)
      return again == nil
    end

    --- Interrupts it at each instruction. Answers at how many.
    ---@param check fun(what: string, key: string, builds: integer, outcome: string|false)
    ---@param stride? integer default 1
    local function interrupt_each(f, check, stride)
      f "first" -- which loads what there is
      local n = 0
      local over
      repeat
        n = n + (stride or 1)
        for _ = 1, 5 do
          server:stats() -- by whose answer it has come a step further with what the one before has sent
        end
        server:reset()
        local key = "k" .. n
        local ok, result, err
        ok, result, err, over = interrupt(n, f, key)
        local what = ("instruction %d: %s"):format(n, tostring(err or result))
        local builds = check_end(what, ok, result, err)
        check(what, key, builds, ok and (result and "started" or err.outcome))
      until over
      assert.is_true(n > 100, n)
      return n
    end

    -- Of Lua 5.1 to 5.3 and LuaJIT: there what a finalizer raises comes out of a collection.
    it("tells its outcome though finalizers of others raise meanwhile", function()
      local function leave_dead()
        local function raise()
          error("closed already", 0)
        end
        local newproxy = rawget(_G, "newproxy")
        if newproxy then
          getmetatable(newproxy(true)).__gc = raise
        else
          setmetatable({}, { __gc = raise })
        end
      end
      client:try_run(JOB, { key = "first" })
      collectgarbage()
      collectgarbage "stop"
      debug.sethook(function()
        debug.sethook()
        for _ = 1, 3 do
          leave_dead()
        end
        error("interrupted!", 0)
      end, "", 1000)
      local ok, result, err = pcall(client.try_run, client, JOB, { key = "second" })
      debug.sethook()
      collectgarbage "restart"
      assert.is_true(ok, tostring(result))
      assert.truthy(err and err.outcome)
      assert.matches("interrupted!", err.message)
    end)

    it("ends, tells the truth, and leaves the key to others", function()
      local doubts = 0
      local n = interrupt_each(function(key)
        return client:try_run(JOB, { key = key })
      end, function(what, key, builds, outcome)
        local stepped, left = pcall(client.step, client, 0) -- nothing of it goes on
        assert.is_true(stepped or tostring(left):find "interrupted!" ~= nil, left)
        assert.equal(builds, server:stats().processed, what)
        local in_doubt = check_key(what, key)
        assert.is_false(in_doubt and outcome == "started", what) -- what was answered is written down
        doubts = doubts + (in_doubt and 1 or 0)
      end)
      assert.is_true(doubts < n / 20, doubts) -- of what was sent, and cut off before its answer was seen
    end)

    it("ends though steps are what its flow goes on in", function()
      interrupt_each(function(key)
        return client:start(JOB, { key = key }):try_wait(10)
      end, function(what, key)
        local closed, left = pcall(client.close, client) -- which raises what a callback raised
        assert.is_true(closed or tostring(left):find "interrupted!" ~= nil, left)
        collectgarbage()
        client = connect()
        check_key(what, key)
      end)
    end)

    it("tells how a call without a key stands", function()
      interrupt_each(function()
        return client:start(JOB):try_wait(10)
      end, function()
        while client:step(1) > 0 do
        end
      end)
    end)

    for what, stride in pairs { ["without a key"] = 1, ["with a key"] = 3 } do
      it("tells how each build of a list stands, " .. what, function()
        local outcome
        interrupt_each(function(key)
          local item = { job_id = JOB.job_id, key = stride > 1 and key or nil }
          outcome = nil
          local items = client:run_all({ { job_id = "bad" }, item }, { max_in_flight = 1 })
          outcome = items[1].error.outcome
            .. " "
            .. (items[2].error or { outcome = "started" }).outcome
          return items[2].result, items[2].error
        end, function(where, key)
          repeat
            local stepped, left = pcall(client.step, client, 1)
            assert.is_true(stepped or tostring(left):find "interrupted!" ~= nil, left)
          until left == 0
          if outcome and outcome:find " not_started" then
            assert.equal(0, server:stats().processed, where)
          end
          if stride > 1 then
            check_key(where, key)
          end
        end, stride)
      end)
    end

    if not has_luv then
      pending "in luv: luv is not installed"
      return
    end

    describe("in luv,", function()
      local stderr = io.stderr

      setup(function()
        adapter = require "codearts.build.luv"
      end)
      teardown(function()
        adapter = build
      end)
      before_each(function()
        io.stderr = { write = function() end } -- what callbacks raise
      end)
      after_each(function()
        io.stderr = stderr
        uv.run()
      end)

      --- Runs the loop until nothing is left to be done in it, and tells when that takes for ever.
      function finish()
        local late = false
        local timer = uv.new_timer()
        timer:unref()
        timer:start(60000, 0, function()
          late = true
          uv.stop()
        end)
        uv.run()
        timer:close()
        uv.run "nowait"
        return not late
      end

      --- What is true when the loop has done what it has to do.
      local function check_later(what, key)
        assert.is_true(finish(), what)
        check_key(what, key)
      end

      it("ends, tells the truth, and leaves the key to others", function()
        interrupt_each(function(key)
          return client:try_run(JOB, { key = key })
        end, check_later, 3)
      end)

      it("stops no loop that is run later", function()
        local told
        interrupt_each(function()
          return client:try_run(JOB)
        end, function(what)
          finish() -- of what was begun
          told = false
          client:start(JOB):on_done(function()
            told = true
          end)
          assert.is_true(finish(), what)
          assert.is_true(told, what)
        end)
      end)

      it("is told to who does not wait for it", function()
        local untold = 0
        local n = interrupt_each(function(key)
          local told, result, err = false, nil, nil
          function callback(...)
            told, result, err = true, ...
          end
          client:start(JOB, { key = key }):on_done(callback)
          finish()
          if not told then
            untold = untold + 1
            error("interrupted!", 0)
          end
          return result, err
        end, check_later, 3)
        assert.is_true(untold < n / 300, untold) -- right before the call of who is to be told
      end)

      it("does not sit out the time of a wait", function()
        local began
        interrupt_each(function(key)
          began = core.now()
          return client:start(JOB, { key = key }):try_wait(2)
        end, function(what, key)
          assert.is_true(core.now() - began < 1.8, what)
          check_later(what, key)
        end, 31)
      end)

      it("that is refused late keeps no loop running", function()
        finish() -- of what a new client has to do
        local many = {}
        for i = 1, 5000 do
          many["p" .. i] = ""
        end
        local args = { job_id = JOB.job_id, parameter = many }
        local ok, err = pcall(client.start, client, args, { key = "many" })
        assert.matches("too many parameters", tostring(err))
        assert.is_false(ok)
        assert.is_true(finish())
      end)

      it("ends in a coroutine", function()
        local untold = 0
        local n = interrupt_each(function(key)
          local result, err
          local routine = coroutine.create(function()
            result, err = client:try_run(JOB, { key = key })
          end)
          local ok, problem = coroutine.resume(routine)
          finish()
          if not (result or err) then
            untold = untold + (coroutine.status(routine) == "dead" and 0 or 1)
            debug.sethook() -- of this thread; the coroutine has one of its own
            error(not ok and problem or "interrupted!", 0) -- behind the end of the run
          end
          return result, err
        end, check_later, 3)
        assert.is_true(untold < n / 300, untold) -- right before the call of who is to be told
      end)
    end)
  end)

  local missing = strace.missing()
  if missing then
    pending("by Ctrl-C: " .. missing)
    return
  end

  describe("by Ctrl-C", function()
    local world

    setup(function()
      world = keyed.start()
    end)
    teardown(function()
      world:stop()
    end)

    --- Runs the script, which gets SIGINT at the n-th of these system calls. Answers what it printed, how it
    --- ended, and whether there was an n-th.
    local function interrupted_at(call, n)
      local log = os.tmpname()
      local text = world:run {
        prefix = [[sh -c '"$@"; echo "status $?"' sh timeout -s KILL 30]]
          .. (" strace -qq -o %s -e trace=%s -e inject=%s:signal=INT:when=%d"):format(
            log,
            call,
            call,
            n
          ),
      }
      local file = assert(io.open(log))
      local was = file:read("*a"):find("SIGINT", 1, true) ~= nil
      file:close()
      os.remove(log)
      local told, status = text:match "^(.*)status (%d+)\n$"
      return told, tonumber(status), was
    end

    for call in
      ("flock pwrite64 fdatasync fsync sendto recvfrom epoll_wait poll"):gmatch "%a+%d*_?%a*"
    do
      it("at each " .. call, function()
        local n = 0
        local was
        repeat
          n = n + 1
          world:fresh()
          local told, status
          told, status, was = interrupted_at(call, n)
          local what = ("%s %d: %s"):format(call, n, tostring(told))
          assert.is_true(status ~= nil and status ~= HUNG, what .. " hung")
          local outcome = told:match "\t([%a_]+)\n$"
          if outcome == "not_started" or outcome == "started" then
            assert.equal(outcome == "started" and 1 or 0, world:started(), what)
            assert.truthy(world:run({}):find "^build", what) -- nobody is left in doubt
          elseif told ~= "" and not told:find "^build" then
            assert.equal("unknown", outcome, what)
          end
          world:settle()
        until not was or n == 12
      end)
    end
  end)
end)
