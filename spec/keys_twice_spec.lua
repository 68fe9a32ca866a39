-- Who wants two builds from one key: threads, forks, many at once, old backups, "run again", stores that lie.

local build = require "codearts.build"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local native = require "spec.support.native"
local probe = require "spec.support.probe"
local sandboxes = require "spec.support.sandbox_client"
local servers = require "spec.support.server"

local JOB = ("a"):rep(32)
local ARGS = { job_id = JOB }
local RUN_ID = { parameter = "RUN_ID" }

describe("two builds from one key", function()
  local server, folder, client
  local clients = {}

  local function connect(store, more)
    local options = {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      retry = false,
      key_store = store or key_store.file(folder),
    }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    local new = build.new(options)
    clients[#clients + 1] = new
    return new
  end

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    folder = host.folder()
    client = connect()
  end)
  after_each(function()
    for i, each in ipairs(clients) do
      each:close()
      clients[i] = nil
    end
    host.remove(folder)
  end)

  it("are not had from threads of one process", function()
    local program = native.program "threads"
    local output =
      host.run(("%s spec/support/keyed_thread.lua 8 3 '%s %s'"):format(program, server.url, folder))
    os.remove(program)
    assert.equal("8 threads, 0 failed\n", output)
    assert.equal(1, server:stats().processed)
  end)

  it("are not had from a fork while a start is under way", function()
    server:behave "ok_on_release"
    local call = client:start(ARGS, { key = "k" })
    while server:stats().waiting < 1 do
      client:step(0.01)
    end
    local function in_child(f)
      return probe.fork(function()
        local own = connect()
        local result, err = own:try_run(ARGS, { key = "k", key_wait = 0 })
        f()
        collectgarbage() -- what the parent holds is not the child's to let go of
        return result and "build " .. result.actual_build_number
          or ("%s %s"):format(tostring(err.reason), tostring(err.owner.pid))
      end)
    end
    local busy = "busy " .. core.process().pid
    assert.equal(busy, in_child(function() end))
    assert.equal(
      busy,
      in_child(function()
        pcall(call.cancel, call)
        pcall(client.close, client)
      end)
    )
    assert.equal(busy, in_child(function() end))
    server:release()
    assert.equal("20", call:wait(20).actual_build_number)
    server:behave "ok"
    assert.equal("build 20", in_child(function() end))
    assert.equal(1, server:stats().processed)
  end)

  --- A store in memory that knows nobody's life and answers by call objects, some steps later.
  local function remote_store()
    local kept, version = nil, 0
    local function later(of, f)
      return of:task(function(await)
        await(of:sleep(0.002))
        local answer = f()
        await(of:sleep(0.002))
        return answer
      end)
    end
    return {
      get = function(_, of)
        return later(of, function()
          return { kept, kept and version }
        end)
      end,
      put = function(_, text, expected, of)
        return later(of, function()
          if expected ~= (kept and version or nil) then
            return { nil, kept, version }
          end
          kept, version = text, version + 1
          return { version }
        end)
      end,
    }
  end

  it("are not had from many calls of one client, nor of two, where no lock is", function()
    local store = remote_store()
    local one, two = connect(store), connect(store)
    local calls = {}
    for i = 1, 20 do
      calls[i] = (i % 2 == 0 and one or two):start(ARGS, { key = "k", key_wait = 30 })
    end
    for _ = 1, 5000 do
      local left = one:step(0.01) + two:step(0)
      if left == 0 then
        break
      end
    end
    for _, call in ipairs(calls) do
      assert.equal("20", call:wait(20).actual_build_number)
    end
    assert.equal(1, server:stats().processed)
  end)

  it("are not had from two stores of one folder in one client's process", function()
    os.execute(("mkdir -p -m 700 %s; ln -s %s %s/.same"):format(folder, folder, folder))
    local other = connect(key_store.file(folder .. "/.same/."))
    local calls = { client:start(ARGS, { key = "k" }), other:start(ARGS, { key = "k" }) }
    for _ = 1, 5000 do
      if client:step(0.01) + other:step(0) == 0 then
        break
      end
    end
    assert.equal("20", calls[1]:wait(20).actual_build_number)
    assert.equal("20", calls[2]:wait(20).actual_build_number)
    assert.equal(1, server:stats().processed)
  end)

  it("are not had from a folder that is another one elsewhere", function()
    for _, name in ipairs { "keys", "./keys", "~/keys", "" } do
      local ok, err = pcall(key_store.file, name)
      assert.is_false(ok)
      assert.same({ "config", "key_store" }, { err.kind, err.field })
      ok, err = pcall(key_store.from_address, "file:" .. name)
      assert.is_false(ok)
      assert.same({ "config", "key_store" }, { err.kind, err.field })
    end
  end)

  it("are told of when an old backup is put back while a start is under way", function()
    local warning
    client = connect(nil, {
      on_event = function(event)
        warning = event.type == "warning" and event.message or warning
      end,
    })
    server:behave "ok_on_release"
    local call = client:start(ARGS, { key = "k" })
    while server:stats().waiting < 1 do
      client:step(0.01)
    end
    os.execute(("for f in %s/*.key; do : >$f; done"):format(folder))
    server:release()
    assert.equal("20", call:wait(20).actual_build_number)
    assert.truthy(warning:find("could not be written", 1, true))
  end)

  -- What a store must not do; whatever comes of it, it is no second build.
  local LIES = {
    ["says that a swap failed which was done"] = function(real)
      function real.put_again(...)
        real.put(...)
        return nil, core.error { kind = "transport", message = "lost" }
      end
    end,
    ["says that somebody was first, who is oneself"] = function(real)
      function real.put_again(key, text, version)
        real.put(key, text, version)
        return nil, real.get(key)
      end
    end,
    ["answers what was there before"] = function(real)
      local old = {}
      function real.get_again(key)
        local text, version = real.get(key)
        local before = old[1]
        old[1] = { text, version }
        if before then
          return before[1], before[2]
        end
        return text, version
      end
    end,
    ["swaps twice"] = function(real)
      function real.put_again(key, text, version)
        local answer = { real.put(key, text, version) }
        real.put(key, text, version)
        return answer[1], answer[2], answer[3]
      end
    end,
    ["says that everybody holds the key"] = function(real)
      function real.hold()
        return function() end
      end
    end,
    ["says that nobody holds it"] = function(real)
      function real.hold()
        return nil
      end
    end,
    ["raises after a swap"] = function(real)
      function real.put_again(...)
        real.put(...)
        error "broken"
      end
    end,
  }

  --- A store in memory, and its functions as a lie has them.
  local function lying_store(lie)
    local kept, version = nil, 0
    local real = {}
    function real.get()
      return kept, kept and version
    end
    function real.put(_, text, expected)
      if expected ~= (kept and version or nil) then
        return nil, kept, version
      end
      kept, version = text, version + 1
      return version
    end
    lie(real)
    return { get = real.get_again or real.get, put = real.put_again or real.put, hold = real.hold }
  end

  for what, lie in pairs(LIES) do
    it("are not had from a store that " .. what, function()
      local store = lying_store(lie)
      local one, two = connect(store), connect(store)
      for _ = 1, 3 do
        for _, each in ipairs { one, two } do
          each:try_run(ARGS, { key = "k", key_wait = 0 })
        end
        local calls = {}
        for i = 1, 4 do
          calls[i] = (i % 2 == 0 and one or two):start(ARGS, { key = "k", key_wait = 0 })
        end
        for _, call in ipairs(calls) do
          call:try_wait(20)
        end
      end
      assert.is_true(server:stats().processed <= 1)
    end)
  end

  it("are not had by closing a client that has not sent yet, and the key is free", function()
    local store, reached = key_store.file(folder), false
    local slow = {
      hold = store.hold,
      get = store.get,
      put = function(...)
        reached = true
        return store.put(...)
      end,
    }
    local closing = connect(slow)
    local told
    closing:start(ARGS, { key = "k" }):on_done(function(_, err)
      told = err
    end)
    while not reached do
      closing:step(0)
    end
    closing:close()
    assert.same({ "cancelled", "not_started" }, { told.kind, told.outcome })
    local file = io.popen(("tail -q -n 1 %s/*.key"):format(folder))
    assert.equal("free", core.decode(file:read "*l").state)
    file:close()
    assert.equal("20", client:run(ARGS, { key = "k" }).actual_build_number)
    assert.equal(1, server:stats().processed)
  end)
end)

describe("one build", function()
  local box, folder, client, warnings

  setup(function()
    box = sandboxes.start {}
  end)
  teardown(function()
    box.box.stop()
  end)
  before_each(function()
    folder, warnings = host.folder(), {}
    client = build.new {
      endpoint = box.box.endpoint,
      auth = box.box.token,
      key_store = key_store.file(folder),
      on_event = function(event)
        if event.type == "warning" then
          warnings[#warnings + 1] = event.message
        end
      end,
    }
  end)
  after_each(function()
    client:close()
    host.remove(folder)
  end)

  local JOB_ARGS = { job_id = sandboxes.SAMPLE }

  local function builds()
    return box:request("GET", "/__sandbox/stats").json.builds_started
  end

  it("is a key's, the first, when the console copied its run id", function()
    local key = core.uuid()
    local first = client:run(JOB_ARGS, { key = key, run_id = RUN_ID })
    local id = build.meta(first).run_id
    local copy = client:run { job_id = sandboxes.SAMPLE, parameter = { RUN_ID = id } }
    assert.is_true(tonumber(copy.actual_build_number) > tonumber(first.actual_build_number))
    host.remove(folder)
    local before = builds()
    local again = client:run(JOB_ARGS, { key = key, run_id = RUN_ID })
    assert.equal(first.actual_build_number, again.actual_build_number)
    assert.equal(before, builds())
    assert.truthy(table.concat(warnings, "\n"):find("duplicate", 1, true))
  end)

  it("is found again when an old backup of the folder was put back", function()
    client:run(JOB_ARGS, { key = "before", run_id = RUN_ID })
    local backup = folder .. ".backup"
    local key = core.uuid()
    os.execute(("cp -a %s %s"):format(folder, backup))
    local first = client:run(JOB_ARGS, { key = key, run_id = RUN_ID })
    local before = builds()
    os.execute(("rm -r %s; mv %s %s"):format(folder, backup, folder))
    local again = client:run(JOB_ARGS, { key = key, run_id = RUN_ID })
    assert.equal(first.actual_build_number, again.actual_build_number)
    assert.equal(before, builds())
  end)
end)
