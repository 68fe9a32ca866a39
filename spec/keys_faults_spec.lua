-- What may break around a start with a key: the store, the wait, the process, the clock.

local build = require "codearts.build"
local core = require "codearts.build.core"
local key_store = require "codearts.build.key_store"
local keyed = require "spec.support.keyed"
local servers = require "spec.support.server"

local JOB = "samplejob00000000000000000000001"
local ARGS = { job_id = JOB, parameter = { codeBranch = "master" } }
local RUN_ID = { parameter = "RUN_ID" }

local NO_BUILDS = {
  "answer",
  status = 200,
  body = '{"status":"success","error":null,"result":{"total_record":"0","job_build_states":[]}}',
}

local function remove(path)
  os.execute("rm -rf " .. path)
end

describe("a start with a key", function()
  local server, folder, client, events

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  local function connect(more)
    events = {}
    local options = {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      retry = { max_attempts = 3, base_delay = 0 },
      key_store = key_store.file(folder),
      on_event = function(event)
        if event.type == "warning" then
          events[#events + 1] = event.message
        end
      end,
    }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    client = build.new(options)
  end
  before_each(function()
    server:reset()
    folder = os.tmpname()
    os.remove(folder)
    connect()
  end)
  after_each(function()
    client:close()
    remove(folder)
  end)

  local function last_record()
    local pipe = io.popen("tail -q -n 1 " .. folder .. "/*.key")
    local line = pipe:read "*l"
    pipe:close()
    return core.decode(line)
  end

  it("keeps a build that is told by one of its names alone", function()
    server:script {
      { "answer", status = 200, body = '{"octopus_job_name":"j"}' },
    }
    assert.equal("j", client:run(ARGS, { key = "k" }).octopus_job_name)
    local again = client:run(ARGS, { key = "k" })
    assert.equal("j", again.octopus_job_name)
    assert.equal(1, server:stats().processed)
  end)

  it("is free when it was cancelled before it was sent", function()
    for _, steps in ipairs { 0, 1, 2, 3 } do
      local call = client:start(ARGS, { key = "k" })
      for _ = 1, steps do
        client:step(0)
      end
      call:cancel()
      while not call:done() do
        client:step(1)
      end
      local _, err = call:try_wait()
      if err.outcome == "unknown" then -- too late: it was on its way
        for _ = 1, 1000 do
          if server:stats().heads > 0 then
            break
          end
        end
        assert.equal(1, server:stats().heads)
        break
      end
      assert.same({ "cancelled", "not_started" }, { err.kind, err.outcome })
      local opened = core.journal.open(folder, "k", true) -- makes the folder where nothing was written
      opened:close()
      local found = io.popen("ls " .. folder):read "*a"
      if found:find "%.key" and io.popen("cat " .. folder .. "/*.key"):read "*a" ~= "" then
        assert.equal("free", last_record().state)
      end
    end
    server:reset()
    assert(client:run(ARGS, { key = "k" }))
    assert.equal(1, server:stats().processed)
  end)

  it("ends with its client, and is honest about it", function()
    server:script { "never_answer" }
    local call = client:start(ARGS, { key = "k" })
    while server:stats().processed < 1 do
      client:step(0.05)
    end
    local told
    call:on_done(function(_, err)
      told = err
    end)
    client:close()
    assert.same({ "cancelled", "unknown" }, { told.kind, told.outcome })
    assert.equal("open", last_record().state)
  end)

  local closings = {
    {
      what = "looks before it sends",
      script = { "never_answer" },
      told = { "cancelled", "not_started" },
      again = "20",
    },
    {
      what = "looks for its build",
      script = { NO_BUILDS, NO_BUILDS, "close_after_body", "never_answer" },
      told = { "cancelled", "unknown" },
      again = "in_doubt",
    },
    {
      what = "asks whether the build shows its run id",
      script = { NO_BUILDS, NO_BUILDS, "ok", "never_answer" },
      told = { "20" },
      again = "20",
    },
  }
  for _, case in ipairs(closings) do
    it("ends with its client, and lets go of the key, while it " .. case.what, function()
      server:script(case.script)
      local closing, told = client, nil
      closing:start(ARGS, { key = "k", run_id = RUN_ID }):on_done(function(result, err)
        told = result and { result.actual_build_number } or { err.kind, err.outcome }
      end)
      while server:stats().processed < #case.script do
        closing:step(0.05)
      end
      closing:close()
      assert.same(case.told, told)
      server:script({ NO_BUILDS, NO_BUILDS }, case.again == "in_doubt" and NO_BUILDS or nil)
      connect()
      local result, err = client:try_run(ARGS, { key = "k", run_id = RUN_ID, key_wait = 0 })
      assert.equal(case.again, result and result.actual_build_number or err.reason)
    end)
  end

  it("ends with its client when a listener closes it between two requests", function()
    for _, operation in ipairs { "ListBuildInfoRecord", "RunJob" } do
      server:script { NO_BUILDS, NO_BUILDS }
      local before = server:stats().processed
      connect {
        on_event = function(event)
          if event.type == "response" and event.operation == operation then
            client:close()
          end
        end,
      }
      local told
      local call = client:start(ARGS, { key = operation, run_id = RUN_ID })
      call:on_done(function(result, err)
        told = result and "started" or err.outcome
      end)
      while not client.closed do
        client:step(0.05)
      end
      local sent = server:stats().processed - before
      assert.equal(sent > 2 and "started" or "not_started", told)
      server:script { NO_BUILDS, NO_BUILDS }
      connect()
      assert(client:run(ARGS, { key = operation, run_id = RUN_ID, key_wait = 0 }))
    end
  end)

  it("has nothing under way after the store failed between its attempts", function()
    local puts, real = 0, key_store.file(folder)
    connect {
      key_store = {
        get = real.get,
        hold = real.hold,
        put = function(...)
          puts = puts + 1
          if puts == 2 then
            return nil, core.error { kind = "transport", message = "lost" }
          end
          return real.put(...)
        end,
      },
    }
    server:script { { "answer", status = 429, body = "" } }
    local _, err = client:try_run(ARGS, { key = "k" })
    assert.same({ "key", "store", "not_started" }, { err.kind, err.reason, err.outcome })
    assert.equal("free", last_record().state)
    for _ = 1, 5 do
      client:step(0)
    end
    assert.equal(0, client:step(0))
    assert.equal(1, server:stats().processed)
  end)

  it("sends no more when its record was removed and others begin anew", function()
    server:script { { "answer", status = 429, body = "" } }
    local other = build.new {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      key_store = key_store.file(folder),
    }
    connect {
      on_event = function(event)
        if event.type == "retry" then
          os.execute("rm " .. folder .. "/*.key")
          assert(other:run(ARGS, { key = "k" }))
        end
      end,
    }
    local _, err = client:try_run(ARGS, { key = "k" })
    assert.equal("key", err.kind)
    assert.equal(2, server:stats().processed)
    assert.is_true(build.meta(other:run(ARGS, { key = "k" })).replayed)
    other:close()
  end)

  local moves = {
    "mv F/*.key F/gone",
    "ln F/*.key F/second; rm F/*.key",
    "mv F F.bak",
  }
  for _, how in ipairs(moves) do
    it("starts no second build when its file went: " .. how, function()
      local other = build.new {
        endpoint = server.url,
        auth = { ak = "AK", sk = "SK" },
        key_store = key_store.file(folder),
      }
      local call = client:start(ARGS, { key = "k" }) -- holds the key, and has written nothing
      os.execute((how:gsub("F", folder)))
      assert(other:run(ARGS, { key = "k" }))
      other:close()
      local _, err = call:try_wait(20)
      assert.same({ "key", "store", "not_started" }, { err.kind, err.reason, err.outcome })
      assert.equal(1, server:stats().processed)
      remove(folder .. ".bak")
    end)
  end

  it("does not try for ever where a store reads and cannot write", function()
    connect {
      key_store = {
        get = function() end,
        put = function()
          return nil, core.error { kind = "api", message = "no room" }
        end,
      },
    }
    local _, err = client:try_run(ARGS, { key = "k" })
    assert.same({ "store", "not_started" }, { err.reason, err.outcome })
    assert.equal(0, server:stats().heads)
  end)

  it(
    "does not try for ever where a store swaps nothing and says that somebody was first",
    function()
      connect { key_store = { get = function() end, put = function() end } }
      local _, err = client:try_run(ARGS, { key = "k" })
      assert.same({ "store", "not_started" }, { err.reason, err.outcome })
      assert.equal(0, server:stats().heads)
    end
  )

  it("tells all troubles of a store by one name", function()
    connect {
      key_store = {
        get = function()
          return nil, core.error { kind = "auth", message = "no entry" }
        end,
        put = function()
          return nil, core.error { kind = "auth", message = "no entry" }
        end,
      },
    }
    local _, err = client:try_run(ARGS, { key = "k" })
    assert.same(
      { "key", "store", "not_started", "RunJob" },
      { err.kind, err.reason, err.outcome, err.operation }
    )
    assert.truthy(err.message:find("no entry", 1, true))
    assert.equal(0, server:stats().heads)
  end)

  it("looks no longer than its deadline", function()
    server:script({ NO_BUILDS, NO_BUILDS, "close_after_body" }, "never_answer")
    client:try_run(ARGS, { key = "k", run_id = RUN_ID, key_wait = 0 })
    local began = core.now()
    local _, err =
      client:try_run(ARGS, { key = "k", deadline = 0.5, run_id = RUN_ID, key_wait = 0.5 })
    assert.equal("in_doubt", err.reason)
    assert.is_true(core.now() - began < 30)
  end)

  it("looks with the credentials and the headers of its call", function()
    client:try_run(ARGS, {
      key = "k",
      run_id = RUN_ID,
      auth = "another-token",
      headers = { ["x-mine"] = "1" },
    })
    for _, request in ipairs(server:stats().requests) do
      assert.equal("another-token", request.headers["x-auth-token"])
      assert.equal("1", request.headers["x-mine"])
    end
  end)

  it("lets its doubt be looked at as any other", function()
    server:script { "close_after_body" }
    local _, err = client:try_run(ARGS, { key = "k" })
    assert.equal("in_doubt", err.reason)
    server:script({}, NO_BUILDS)
    local seen = err:reconcile { timeout = 0 }
    assert.equal("candidates", seen.verdict, tostring(seen.error))
  end)

  it("lets callbacks raise, and loses nobody's end by it", function()
    local ended = 0
    for i = 1, 5 do
      client:start(ARGS, { key = "k" .. i }):on_done(function()
        ended = ended + 1
        error "mine"
      end)
    end
    local raised = 0
    local till = core.now() + 20
    while ended < 5 and core.now() < till do
      raised = raised + (pcall(client.step, client, 1) and 0 or 1)
    end
    assert.equal(5, ended)
    assert.is_true(raised >= 1)
    assert.equal(5, server:stats().processed)
  end)

  it("warns where its records would vanish", function()
    folder = "/dev/shm/codearts-build-keys-" .. core.process().pid
    connect()
    for i = 1, 2 do
      client:run(ARGS, { key = "k" .. i })
    end
    assert.equal(1, #events)
    assert.truthy(events[1]:find("tmpfs", 1, true))
  end)
end)

describe("a key", function()
  local world

  before_each(function()
    world = keyed.start()
  end)
  after_each(function()
    world:stop()
  end)

  it("warns, once, of a job that does not show its run id", function()
    local events = {}
    local client = build.new {
      endpoint = world.box.box.endpoint,
      auth = world.box.box.token,
      key_store = key_store.file(world.folder),
      on_event = function(event)
        if event.type == "warning" then
          events[#events + 1] = event.message
        end
      end,
    }
    finally(function()
      client:close()
    end)
    for i = 1, 2 do
      client:run({ job_id = JOB }, { key = "a" .. i, run_id = { parameter = "NOT_DECLARED" } })
    end
    local count = 0
    for _, text in ipairs(events) do
      count = count + (text:find("does not show its run id", 1, true) and 1 or 0)
    end
    assert.equal(1, count)
    events = {}
    client:run({ job_id = JOB }, { key = "b", run_id = RUN_ID })
    for _, text in ipairs(events) do
      assert.is_nil(text:find("does not show", 1, true))
    end
  end)

  it("finds its build when the answer was lost", function()
    world.box:request("POST", "/__sandbox/lose")
    local text = world:run {}
    assert.equal("build\t1\n", text)
    assert.equal("build\t1\n", world:run {})
    assert.equal(1, world:started())
  end)

  it("is had by one of twenty processes", function()
    local commands = {}
    for i = 1, 20 do
      commands[i] = world:command { key_wait = "60" } .. " 2>/dev/null &"
    end
    local pipe = io.popen(table.concat(commands, "\n") .. "\nwait")
    local text = pipe:read "*a"
    pipe:close()
    assert.equal(("build\t1\n"):rep(20), text)
    assert.equal(1, world:started())
  end)
end)
