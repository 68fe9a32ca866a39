-- What is told of a key while things go wrong: who holds it, and whether a build was started.

local Shelf = require "codearts.build.keys.shelf"
local build = require "codearts.build"
local caller = require "spec.support.caller"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local histories = require "spec.support.history"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local probe = require "spec.support.probe"
local record = require "codearts.build.keys.record"
local servers = require "spec.support.server"

local JOB = ("a"):rep(32)
local ARGS = { job_id = JOB }
local RUN_ID = { parameter = "RUN_ID" }

local FULL = core.error { kind = "key", reason = "store", message = "no space" }

local function copy(err)
  local members = {}
  for name, value in next, err do
    members[name] = value
  end
  return members
end

describe("of a key", function()
  local server, folder
  local clients = {}

  local function connect(store)
    local client = build.new {
      endpoint = server.url,
      auth = "token",
      retry = false,
      key_store = store or key_store.file(folder),
    }
    clients[#clients + 1] = client
    return client
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
  end)
  after_each(function()
    for i, client in ipairs(clients) do
      client:close()
      clients[i] = nil
    end
    host.remove(folder)
  end)

  -- As where no descriptor is left: with a file that cannot be opened no module can be loaded.
  for when, expected in pairs {
    ["before its start"] = "transport internal not_started",
    ["once its start is sent"] = host.NAME,
  } do
    it("is told what no file has to be read for " .. when, function()
      local told = caller.elsewhere(([[
        local build = require "codearts.build"
        local function close() package.path = "" end
        local client = build.new {
          endpoint = %q, auth = "token", retry = false,
          key_store = require("codearts.build.key_store").file(%q),
          on_event = function(event) if event.type == "request" then close() end end,
        }
        if %q == "before its start" then close() end
        for _ = 1, 2 do
          local result, err = client:try_run({ job_id = ("a"):rep(32) }, { key = "k" })
          print(result and result.octopus_job_name or err.kind .. " " .. err.reason .. " " .. err.outcome)
        end
      ]]):format(server.url, folder, when))
      assert.equal((expected .. "\n"):rep(2), told)
    end)
  end

  it("is told before it is sent of what reads a file, without a key, too", function()
    local told = caller.elsewhere(([[
      local build = require "codearts.build"
      local client = build.new { endpoint = %q, auth = "token", retry = false }
      package.path = ""
      for _, opts in ipairs { { headers = { ["X-Of-Mine"] = "a" } }, { auth = "other" }, { auth = { token = "t" } } } do
        local _, err = client:try_run({ job_id = ("a"):rep(32) }, opts)
        print(err.kind .. " " .. err.reason .. " " .. err.outcome)
      end
    ]]):format(server.url))
    assert.equal(("transport internal not_started\n"):rep(3), told)
    assert.equal(0, server:stats().processed)
  end)

  --- How many starts came to the service.
  local function starts()
    local count = 0
    for _, request in ipairs(server:stats().requests) do
      count = count + (request.method == "POST" and 1 or 0)
    end
    return count
  end

  --- What the end of a start in a process of its own tells.
  local function in_child(opts, store)
    return (
      probe.fork(function()
        local result, err = connect(store):try_run(ARGS, opts)
        local owner = err and err.owner
        return result and "build " .. result.actual_build_number
          or ("%s %s %s"):format(
            err.reason or err.kind,
            err.outcome,
            owner and owner.pid or "nobody"
          )
      end)
    )
  end

  --- A start whose answer was lost, by a process that is dead since; and one that is looking for its build.
  local function look_after_the_dead(store)
    server:script({ "close_after_body" }, "not_found")
    local died = in_child({ key = "k", key_wait = 0 }, store)
    assert.equal("in_doubt unknown nobody", died)
    local client = connect(store)
    local call = client:start(ARGS, { key = "k", key_wait = 3600 })
    client:step(0)
    return call, client
  end

  it(
    "is told what is there when a start could not sign in, where others write meanwhile",
    function()
      local kept, version
      local shared = {
        get = function()
          return kept, version
        end,
        put = function(_, text, from)
          if from ~= version then
            return nil, kept, version
          end
          kept, version = text, (version or 0) + 1
          return version
        end,
      }
      local opts = { key = "k", run_id = RUN_ID }
      local slow = build.new {
        endpoint = server.url,
        key_store = shared,
        auth = function() -- as long as it takes, another machine starts the key's build
          if starts() == 0 then
            assert(connect(shared):try_run(ARGS, opts))
          end
          error "the vault is sealed"
        end,
      }
      clients[#clients + 1] = slow
      local result, err = slow:try_run(ARGS, opts)
      assert.equal(1, starts())
      assert.is_true(result ~= nil or err.outcome == "started", tostring(err))
    end
  )

  it("who holds it is named, not the dead whose record it is", function()
    local call = look_after_the_dead()
    local mine = core.process().pid
    assert.equal("busy unknown " .. mine, in_child { key = "k", key_wait = 0 })
    local same = connect(key_store.file(folder)) -- another store in the holder's own process
    assert.equal(mine, select(2, same:try_run(ARGS, { key = "k", key_wait = 0 })).owner.pid)
    local told = command.run(("key resolve %s k --none --force --json"):format(JOB), {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "token",
      CODEARTS_BUILD_KEY_STORE = "file:" .. folder,
    })
    local err = core.decode(told.out).error
    assert.same({ "held", mine }, { err.reason, err.owner.pid })
    assert.truthy(err.message:find(("process %d)"):format(mine), 1, true), err.message)
    assert.is_false(call:done())
  end)

  it("nothing is believed of what was held when a process was forked", function()
    local store = key_store.file(folder)
    server:behave("by_path", { rows = { { path = "^/v3/jobs/build$" } } }) -- never answered
    local client = connect(store)
    local call = client:start(ARGS, { key = "k", run_id = RUN_ID })
    while starts() < 1 do
      client:step(0.01)
    end
    local busy = "busy unknown " .. core.process().pid
    local opts = { key = "k", key_wait = 0, run_id = RUN_ID }
    for _ = 1, 2 do
      assert.equal(busy, in_child(opts, store))
    end
    assert.is_false(call:done())
    call:cancel()
    assert.equal("unknown", select(2, call:try_wait(60)).outcome)
    assert.equal("in_doubt unknown nobody", in_child(opts, store))
    assert.equal(1, starts())
  end)

  it("nothing is held by a client that was collected in the middle of its start", function()
    local store = key_store.file(folder)
    server:behave("by_path", { rows = { { path = "^/v3/jobs/build$" } } }) -- never answered
    do
      local client = connect(store)
      client:start(ARGS, { key = "k", run_id = RUN_ID })
      while starts() < 1 do
        client:step(0.01)
      end
      clients[#clients] = nil
    end
    for _ = 1, 4 do
      collectgarbage()
    end
    for _, other in ipairs { store, key_store.file(folder) } do
      local client = connect(other)
      local _, err = client:try_run(ARGS, { key = "k", key_wait = 0, run_id = RUN_ID })
      assert.same({ "in_doubt", "unknown" }, { err.reason, err.outcome })
    end
    assert.equal(1, starts())
  end)

  -- A store that cannot hold a key, as etcd's, does not tell that somebody alive works on it.
  for how, reason in pairs {
    ["a store that holds keys"] = "busy",
    ["one that does not"] = "in_doubt",
  } do
    it("no absence is proved as long as another start is under way, of " .. how, function()
      local nothing = { "history", history = histories.plain("none", core.time(), {}) }
      server:script({ nothing }, "never_answer")
      local files = key_store.file(folder)
      local store = reason == "in_doubt" and { get = files.get, put = files.put } or files
      local client = connect(store)
      local first = client:start(ARGS, { key = "k", run_id = RUN_ID })
      while starts() < 1 do
        client:step(0.01)
      end
      server:script({}, nothing)
      local opts = { key = "k", key_wait = 0, run_id = RUN_ID }
      local _, another = client:try_run(ARGS, opts)
      local _, mismatch = client:try_run({ job_id = JOB, parameter = { X = "1" } }, opts)
      local waiting = client:start(ARGS, { key = "k", run_id = RUN_ID })
      waiting:try_wait(0.05)
      waiting:cancel()
      local _, cancelled = waiting:try_wait(60)
      assert.same(
        { reason, "mismatch", "cancelled" },
        { another.reason, mismatch.reason, cancelled.kind }
      )
      for _, err in ipairs { another, mismatch, cancelled } do
        assert.equal("unknown", err.outcome)
        local found = err:reconcile { timeout = 0 }
        assert.equal("unknown", found.verdict)
        assert.matches("had not ended", found.error.message)
      end
      assert.is_false(first:done())
      first:cancel()
      local _, err = first:try_wait(60)
      assert.equal("none_found", err:reconcile({ timeout = 0 }).verdict)
    end)
  end

  it("nobody is named where the store does not know who holds it", function()
    local files = key_store.file(folder)
    local store = { hold = files.hold, get = files.get, put = files.put }
    look_after_the_dead(store)
    local other = key_store.file(folder)
    store = { hold = other.hold, get = other.get, put = other.put }
    assert.equal("busy unknown nobody", in_child({ key = "k", key_wait = 0 }, store))
  end)

  it("nothing is lost to what a program prints after it closed its standard streams", function()
    server:behave("by_path", { rows = { { path = "^/v3/jobs/build$" } } }) -- never answered
    local told = probe.fork(function()
      local client = connect()
      for descriptor = 0, 2 do -- as a daemon does once it runs
        probe.close(descriptor)
      end
      client:start(ARGS, { key = "k", run_id = RUN_ID })
      while starts() < 1 do
        client:step(0.01)
      end
      print "still waiting for the build"
      io.stdout:flush()
      return "printed"
    end)
    assert.equal("printed", told)
    server:script({}, "not_found")
    local opts = { key = "k", key_wait = 0, run_id = RUN_ID }
    local _, err = connect():try_run(ARGS, opts)
    assert.same({ "in_doubt", "unknown" }, { err.reason, err.outcome })
  end)

  it("no other file takes what a program prints after it closed its standard streams", function()
    for _, open in ipairs { core.file.lock, core.file.spool } do
      local path = folder .. "-file"
      probe.fork(function()
        probe.close(1)
        local file = open(path)
        print "a line"
        io.stdout:flush()
        if open == core.file.spool then
          file:commit()
        end
      end)
      local file = assert(io.open(path))
      assert.equal("", file:read "*a")
      file:close()
      os.remove(path)
    end
  end)

  it("a build that was started is told though the store cannot let go", function()
    for _, release in ipairs { coroutine.yield, error } do
      server:reset()
      local kept
      local client = connect {
        hold = function()
          return function()
            release "no lock to let go of"
          end
        end,
        get = function()
          return kept, kept
        end,
        put = function(_, text)
          kept = text
          return text
        end,
      }
      local warned = {}
      local opts = { key = "k" }
      function opts.on_event(event)
        warned[#warned + 1] = event.type == "warning" and event.message or nil
      end
      assert.equal("20", client:run(ARGS, opts).actual_build_number)
      assert.is_true(build.meta(client:run(ARGS, opts)).replayed)
      client:step(0)
      assert.equal(2, #warned)
      for _, text in ipairs(warned) do
        local why = release == error and "no lock" or "must not yield"
        assert.truthy(text:find("held still.*" .. why), text)
      end
      assert.equal(1, starts())
    end
  end)

  --- Has the service show one build, with the run id of the key in a parameter, and the default in the others.
  local function show_own(client, parameter)
    local run_id = record.run_id(record.scope(client.addresses[1], JOB, "k"))
    local shown = {}
    for i, name in ipairs { "RUN_ID", "OLD_ID" } do
      shown[i] = { name = name, value = name == (parameter or "RUN_ID") and run_id or "none" }
    end
    local listed = {
      total_page = 1,
      total_record = 1,
      job_build_states = { { number = 7, start_time = 1795814700000 } },
    }
    server:behave("by_path", {
      rows = {
        { path = "build%-info%-records", body = core.encode { result = listed } },
        { path = "history%-parameters", body = core.encode { result = shown } },
      },
    })
  end

  it("a build that was found is told though its record cannot be written", function()
    local client = connect {
      get = function() end,
      put = function()
        return nil, FULL
      end,
    }
    show_own(client)
    local result, err = client:try_run(ARGS, { key = "k", run_id = RUN_ID, key_wait = 0 })
    assert.is_nil(result)
    assert.same({ "key", "store", "started" }, { err.kind, err.reason, err.outcome })
    -- The same of its own start, whose answer was lost.
    server:reset()
    local sent
    client = connect {
      get = function()
        return sent, sent
      end,
      put = function(_, text)
        if sent then
          return nil, FULL
        end
        sent = text
        return text
      end,
    }
    local empty = { "answer", body = '{"result":{"total_record":0,"job_build_states":[]}}' }
    server:script { empty, empty, "close_after_body" } -- without a Date the list is asked for twice
    local call = client:start(ARGS, { key = "k", run_id = RUN_ID })
    while server:stats().processed < 3 do
      client:step(0.01)
    end
    show_own(client)
    err = select(2, call:try_wait(60))
    assert.same({ "key", "store", "started" }, { err.kind, err.reason, err.outcome })
  end)

  it("a build that was found is told to who cancels while its record is written", function()
    local gate
    local client = connect {
      get = function() end,
      put = function(_, _, _, of)
        return of:task(function(await)
          gate = of:sleep(3600)
          await(gate)
          return nil, FULL
        end)
      end,
    }
    show_own(client)
    local call = client:start(ARGS, { key = "k", run_id = RUN_ID })
    while not gate do
      client:step(1)
    end
    assert.equal("started", select(2, call:try_wait()).outcome)
    call:cancel()
    gate:cancel()
    local _, err = call:try_wait(60)
    assert.same({ "cancelled", "started" }, { err.kind, err.outcome })
  end)

  --- The answer of a service that lists no build, whose clock is so many seconds ahead.
  local function empty_list(ahead)
    return {
      "answer",
      body = '{"result":{"total_record":0,"job_build_states":[]}}',
      headers = { { "Date", os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + ahead) } },
    }
  end

  it("who does not know how it ended can ask, whatever ended the call", function()
    local refused = { "answer", status = 429, body = "" }
    local now, later = empty_list(0), empty_list(1100) -- each look asks for the list, and the last build
    server:script { now, "close_after_body", now, now, later, later, refused }
    local opts = { key = "k", key_wait = 0, run_id = RUN_ID, when_lost = "resend" }
    opts.auth = { ak = "AK", sk = "SK" }
    local client, err = connect(), nil
    for _, reason in ipairs { "key", "api" } do
      err = select(2, client:try_run(ARGS, opts))
      assert.same({ reason, "unknown", true }, { err.kind, err.outcome, err.retryable })
      assert.is_function(err.reconcile)
    end
    assert.equal(2, starts())
    server:script({}, empty_list(1200))
    assert.equal("none_found", err:reconcile({ timeout = 0 }).verdict)
  end)

  it("its build is looked for since its signature, where no look had told a time", function()
    local function days_of_lists(key, auth)
      local sick = { "answer", status = 500, body = "{}" }
      server:reset()
      server:script({ sick, sick, "close_after_body" }, empty_list(0))
      local opts = { key = key, key_wait = 0, run_id = RUN_ID, auth = auth }
      local _, err = connect():try_run(ARGS, opts)
      assert.same({ "key", "in_doubt" }, { err.kind, err.reason })
      err:reconcile { timeout = 0 }
      local days = {}
      for _, request in ipairs(server:stats().requests) do
        days[#days + 1] = request.path:match "start_time=(%d+%-%d+%-%d+)"
      end
      assert.is_true(#days >= 2 + 2)
      return days
    end
    local earliest = os.date("!%Y-%m-%d", os.time() - 4 * 86400)
    local days = days_of_lists("signed", { ak = "AK", sk = "SK" })
    for i = 3, #days do
      assert.is_true(days[i] >= earliest, days[i])
    end
    assert.equal("1970-01-01", days_of_lists("not", "a-token")[3]) -- by whatever clock that was
  end)

  it("no absence is proved once another start is under way, whatever its error knew", function()
    local nothing = empty_list(0)
    server:script({ nothing, "close_after_body" }, nothing)
    local client, other = connect(), connect(key_store.file(folder))
    local opts = { key = "k", key_wait = 0, run_id = RUN_ID, when_lost = "resend" }
    opts.auth = { ak = "AK", sk = "SK" }
    local _, err = client:try_run(ARGS, opts)
    assert.equal("none_found", err:reconcile({ timeout = 0 }).verdict)
    assert.is_nil(build.meta(err).under_way)
    local late = empty_list(1100) -- to the list, and to the last build
    server:script { late, late, "never_answer" }
    local call = other:start(ARGS, opts)
    while starts() < 2 do
      other:step(0.01)
    end
    server:script({}, empty_list(1200))
    local found = err:reconcile { timeout = 0 }
    assert.same({ "unknown", "in_doubt" }, { found.verdict, found.error.reason })
    assert.is_false(call:done())
    call:cancel()
    call:try_wait(60)
    assert.equal("unknown", err:reconcile({ timeout = 0 }).verdict)
  end)

  it("no absence is proved where its store does not tell what is there by now", function()
    server:script({ empty_list(0), "close_after_body" }, empty_list(0))
    local files = key_store.file(folder)
    local store = { get = files.get, put = files.put }
    local _, err = connect(store):try_run(ARGS, { key = "k", key_wait = 0, run_id = RUN_ID })
    local patience = Shelf.LAST_PATIENCE
    Shelf.LAST_PATIENCE = 0.05
    function store.get(_, client)
      return client:sleep(3600)
    end
    local found = err:reconcile { timeout = 0 }
    Shelf.LAST_PATIENCE = patience
    assert.same({ "unknown", "store" }, { found.verdict, found.error.reason })
  end)

  it("who gives another run id than the start in doubt had asks by that one's", function()
    for parameter, verdict in pairs { OLD_ID = "started", [false] = "candidates" } do
      server:reset()
      local lost = parameter and { empty_list(0), "close_after_body" } or { "close_after_body" }
      server:script(lost, "not_found")
      local client = connect(key_store.file(("%s/%s"):format(folder, verdict)))
      local opts =
        { key = "k", key_wait = 0, run_id = parameter and { parameter = parameter } or nil }
      assert.equal("in_doubt", select(2, client:try_run(ARGS, opts)).reason)
      show_own(client, parameter or "none")
      opts.run_id = RUN_ID
      local _, err = client:try_run(ARGS, opts)
      assert.same(
        { "mismatch", "run_id.parameter", "unknown" },
        { err.reason, err.field, err.outcome }
      )
      local found = err:reconcile { timeout = 0 }
      assert.equal(verdict, found.verdict, tostring(found.error))
      assert.equal(7, (found.result or found.candidates[1]).build_no)
    end
  end)

  it("who cannot wait where he is, is not told that no build will be started", function()
    local client, told = connect(), {}
    client:sleep(0):on_done(function()
      for i, wait in ipairs { "wait", "try_wait" } do
        for with_key = 0, 1 do
          local opts = with_key == 1 and { key = wait } or nil
          local call = client:start(ARGS, opts)
          local _, err = call:try_wait()
          told[#told + 1] = { "timeout", err.kind, "unknown", err.outcome }
          if i == 1 then
            _, err = pcall(call.wait, call)
          else
            _, err = call:try_wait(5)
          end
          told[#told + 1] = { "usage", err.kind, "unknown", err.outcome }
          assert.is_function(err.reconcile)
        end
      end
    end)
    repeat
    until client:step(1) == 0
    assert.equal(8, #told)
    for _, each in ipairs(told) do
      assert.same({ each[1], each[3] }, { each[2], each[4] })
    end
    assert.equal(4, starts())
  end)

  it("a person is called for only where no run id can tell", function()
    local client = connect()
    for run_id, words in pairs { [false] = "only a person", [RUN_ID] = "its run id" } do
      server:script(run_id and { empty_list(0), "close_after_body" } or { "close_after_body" })
      local opts = { key = run_id and "with" or "without", key_wait = 0, run_id = run_id or nil }
      local _, err = client:try_run(ARGS, opts)
      assert.equal("in_doubt", err.reason)
      assert.truthy(err.message:find(words, 1, true), err.message)
      assert.equal(not run_id, err.message:find("only a person", 1, true) ~= nil)
      local told = command.run(("key show %s %s"):format(JOB, opts.key), {
        CODEARTS_BUILD_ENDPOINT = server.url,
        CODEARTS_BUILD_TOKEN = "token",
        CODEARTS_BUILD_KEY_STORE = "file:" .. folder,
      })
      assert.equal(not run_id, told.out:find("only a person", 1, true) ~= nil, told.out)
    end
  end)

  it("an error that a store answers again and again is not written into", function()
    local kept, down
    local client = connect {
      get = function()
        return not down and kept or nil, down or kept
      end,
      put = function(_, text)
        if down then
          return nil, down
        end
        kept = text
        return text
      end,
    }
    server:script { "close_after_body" }
    client:try_run(ARGS, { key = "k", key_wait = 0 })
    down = FULL
    local before = copy(FULL)
    local _, first = client:try_run(ARGS, { key = "k", key_wait = 0, run_id = RUN_ID })
    kept = nil
    local _, second = client:try_run(ARGS, { key = "other", key_wait = 0, run_id = RUN_ID })
    assert.same({ "store", "store" }, { first.reason, second.reason })
    assert.are_not.equal(first, second)
    assert.same(before, copy(FULL))
  end)
end)
