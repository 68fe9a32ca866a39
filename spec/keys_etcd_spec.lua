-- One build per key, with its records in real etcd; counted at the service.

local etcds = require "spec.support.etcd"
local missing = etcds.missing()
if missing then
  pending("keys in etcd: " .. missing)
  return
end

local Shelf = require "codearts.build.keys.shelf"
local build = require "codearts.build"
local certs = require "spec.support.certs"
local core = require "codearts.build.core"
local gates = require "spec.support.gate"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local servers = require "spec.support.server"
local shown = require "spec.support.shown"

local JOB = "samplejob00000000000000000000001"
local ARGS = { job_id = JOB, parameter = { codeBranch = "master" } }
local SECRET = "etcd-password-hidden"

describe("keys in etcd", function()
  local server, etcd, clients
  setup(function()
    server = servers.start()
    etcd = etcds.start()
  end)
  teardown(function()
    etcd:stop()
    server:stop()
  end)
  before_each(function()
    server:reset()
    clients = {}
  end)
  after_each(function()
    for _, client in ipairs(clients) do
      client:close()
    end
  end)

  local function client_with(store, more)
    local options = {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      retry = { max_attempts = 3, base_delay = 0 },
      key_store = store,
    }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    clients[#clients + 1] = build.new(options)
    return clients[#clients]
  end

  local function store_of(more)
    local options = { endpoint = etcd.endpoint }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    return key_store.etcd(options)
  end

  it("tell who is terminated meanwhile that the key is another start's", function()
    local command = require "spec.support.command"
    local key = core.uuid()
    server:script({}, "never_answer")
    local running =
      command.start(("run %s --key %s --run-id RUN_ID --branch dev"):format(JOB, key), {
        CODEARTS_BUILD_ENDPOINT = server.url,
        CODEARTS_BUILD_TOKEN = "a-token",
        CODEARTS_BUILD_KEY_STORE = etcd.endpoint:gsub("^http", "etcd"),
      })
    server:wait_for(2) -- the look before, and one at the parameters
    server:script({}, "ok")
    assert(client_with(store_of()):try_run(ARGS, { key = key }))
    running:signal "TERM"
    local status, seen = running:finish()
    assert.equal(2, status)
    assert.matches("this key belongs to a start with other arguments", seen)
  end)

  it("starts one build for two clients, and tells others that it is done", function()
    local key = core.uuid()
    local one, two = client_with(store_of()), client_with(store_of())
    local first = one:run(ARGS, { key = key })
    local again = two:run(ARGS, { key = key })
    assert.equal(first.actual_build_number, again.actual_build_number)
    assert.is_true(build.meta(again).replayed)
    assert.equal(1, server:stats().processed)
    local result, err = two:try_run({ job_id = JOB }, { key = key })
    assert.is_nil(result)
    assert.equal("mismatch", err.reason)
    assert.equal(0, two:step(0)) -- nothing of it is left
  end)

  it(
    "asks etcd twice for a new key, thrice with a run id, once for a build that was started",
    function()
      local asked = 0
      local client = client_with(store_of(), {
        on_event = function(event)
          asked = asked + (event.operation == "key store" and event.type == "request" and 1 or 0)
        end,
      })
      local function count(opts)
        asked = 0
        client:run(ARGS, opts)
        return asked
      end
      local key, other = core.uuid(), core.uuid()
      assert.equal(2, count { key = key })
      assert.equal(1, count { key = key })
      assert.equal(1, count { key = key })
      count { key = other, run_id = { parameter = "RUN_ID" } } -- the first of a job is looked at once more
      other = core.uuid()
      assert.equal(3, count { key = other, run_id = { parameter = "RUN_ID" } })
      assert.equal(1, count { key = other, run_id = { parameter = "RUN_ID" } })
    end
  )

  it("tells the build of a key though nobody can sign in any more", function()
    local key = core.uuid()
    client_with(store_of()):run(ARGS, { key = key })
    local function broken()
      error "no credentials today"
    end
    local client = client_with(store_of(), { auth = broken })
    assert.is_true(build.meta(client:run(ARGS, { key = key })).replayed)
    local result, err = client:try_run({ job_id = JOB }, { key = key })
    assert.is_nil(result)
    assert.equal("mismatch", err.reason)
    result, err = client:try_run(ARGS, { key = core.uuid() })
    assert.is_nil(result)
    assert.same({ "auth", "not_started" }, { err.kind, err.outcome })
    assert.equal(0, client:step(0))
  end)

  it("starts one build for many calls at once, one at a time on the wire", function()
    local key, calls = core.uuid(), {}
    local client = client_with(store_of(), { max_in_flight = 1 })
    for i = 1, 20 do
      calls[i] = client:start(ARGS, { key = key, key_wait = 20 })
    end
    for _, call in ipairs(calls) do
      assert.equal("20", call:wait(60).actual_build_number)
    end
    assert.equal(1, server:stats().processed)
    assert.equal(0, client:step(0))
  end)

  it("sends nothing when another cluster answers than before", function()
    local other = etcds.start()
    local one = client_with(store_of { endpoint = etcd.endpoint .. "," .. other.endpoint })
    local key = core.uuid()
    one:run(ARGS, { key = key })
    etcd:kill(1)
    for _, opts in ipairs { { key = key }, { key = core.uuid(), run_id = { parameter = "RUN_ID" } } } do
      local result, err = one:try_run(ARGS, opts)
      assert.is_nil(result)
      assert.same({ "store", "not_started", false }, { err.reason, err.outcome, err.retryable })
      assert.truthy(err.message:find("another cluster", 1, true), err.message)
    end
    etcd:start(1)
    other:stop()
    assert.equal(1, server:stats().processed)
    assert.is_true(build.meta(one:run(ARGS, { key = key })).replayed)
  end)

  it("asks the next member when one shows a certificate that nobody trusts", function()
    for _, context in ipairs { "expired", "good" } do
      local bad = servers.start { tls = context }
      for _, endpoints in ipairs { bad.url .. "," .. etcd.endpoint, etcd.endpoint .. "," .. bad.url } do
        client_with(store_of { endpoint = endpoints }):run(ARGS, { key = core.uuid() })
      end
      local alone = client_with(store_of { endpoint = bad.url .. "," .. bad.url, timeout = 3600 })
      local _, err = alone:try_run(ARGS, { key = core.uuid() }) -- at once
      assert.same({ "store", "not_started", false }, { err.reason, err.outcome, err.retryable })
      bad:stop()
    end
    assert.equal(4, server:stats().processed)
  end)

  it("keeps its word when etcd is killed, and comes back", function()
    local key = core.uuid()
    local client = client_with(store_of())
    client:run(ARGS, { key = key })
    etcd:kill(1)
    etcd:start(1)
    assert.is_true(build.meta(client:run(ARGS, { key = key })).replayed)
    assert.equal(1, server:stats().processed)
  end)

  it("sends nothing when there is no etcd", function()
    local store = key_store.etcd { endpoint = "http://127.0.0.1:1", timeout = 0.1 }
    local result, err = client_with(store):try_run(ARGS, { key = "k" })
    assert.is_nil(result)
    assert.same(
      { "key", "store", "not_started", "key_store", true },
      { err.kind, err.reason, err.outcome, err.field, err.retryable }
    )
    assert.truthy(err.message:find("127.0.0.1:1", 1, true))
    assert.equal(0, server:stats().heads)
  end)

  it("gives up with the deadline of the call", function()
    local patience = Shelf.LAST_PATIENCE
    Shelf.LAST_PATIENCE = 0.05
    finally(function()
      Shelf.LAST_PATIENCE = patience
    end)
    etcd:signal(1, "STOP")
    local client = client_with(store_of { timeout = 3600 })
    local call = client:start(ARGS, { key = core.uuid(), deadline = 0.2 })
    local result, err = call:try_wait(30)
    etcd:signal(1, "CONT")
    assert.is_nil(result)
    assert.same({ "key", "store", "not_started" }, { err.kind, err.reason, err.outcome })
    assert.truthy(err.message:find("deadline", 1, true))
    assert.equal(0, server:stats().heads)
  end)

  it("takes nobody else's answers for etcd's", function()
    local other = servers.start()
    for _, answer in ipairs { "ok", "truncated", "error_500", "redirect", "gzip" } do
      other:behave(answer)
      local store = key_store.etcd { endpoint = other.url, timeout = 1 }
      local result, err = client_with(store):try_run(ARGS, { key = "k" })
      assert.is_nil(result)
      assert.same({ "key", "store", "not_started" }, { err.kind, err.reason, err.outcome })
    end
    other:stop()
    assert.equal(0, server:stats().processed)
  end)

  it("damages no record of somebody else", function()
    local key = core.uuid()
    local scope = require("codearts.build.keys.record").scope(server.url, JOB, key)
    local name = "codearts-build/keys/" .. scope
    for _, text in ipairs { "mine", '{"v":2}', "" } do
      etcd:ctl(("put %s -- %s"):format(host.quote(name), host.quote(text)))
      local result, err = client_with(store_of()):try_run(ARGS, { key = key })
      assert.is_nil(result)
      assert.same({ "key", "store", "not_started" }, { err.kind, err.reason, err.outcome })
      assert.equal(text .. "\n", etcd:ctl(("get --print-value-only %s"):format(host.quote(name))))
    end
    assert.equal(0, server:stats().processed)
  end)

  it("lists its records", function()
    local store = store_of { prefix = "list-" .. core.uuid() }
    local client = client_with(store)
    for i = 1, 120 do
      client:start(ARGS, { key = "k" .. i })
    end
    while client:step(1) > 0 do
    end
    local listed = client
      :task(function(await)
        return await(store.list(client))
      end)
      :wait()
    assert.equal(120, #listed[1])
    assert.truthy(listed[1][1]:find('"state":"done"', 1, true))
  end)

  it("starts one build whatever answer of etcd is cut, wherever", function()
    local gate = gates.start(etcd.endpoint)
    local started = 0
    for bytes = 0, 1200, 40 do
      for _, how in ipairs { "close", "reset" } do
        gate:reset()
        gate:script { { "cut_answer", bytes = bytes, how = how } }
        local store = key_store.etcd { endpoint = gate.url, timeout = 5 }
        local client = client_with(store)
        local key = core.uuid()
        local result = client:run(ARGS, { key = key })
        started = started + 1
        assert.equal("20", result.actual_build_number)
        assert.is_nil(build.meta(result).replayed)
        assert.is_true(build.meta(client:run(ARGS, { key = key })).replayed)
        client:close()
      end
    end
    assert.equal(started, server:stats().processed)
    gate:stop()
  end)

  -- Closing, unlike cancelling, takes away what a key could be freed with: doubt is left wherever the record may
  -- be there.
  local ENDS = {
    { at = "nothing", close = "cancelled unknown, 20", cancel = "cancelled unknown, 20" },
    {
      at = "request key store",
      close = "cancelled unknown, ", -- whether it arrived is chance
      cancel = "cancelled not_started, 20",
    },
    {
      at = "response key store",
      close = "cancelled not_started, in_doubt",
      cancel = "cancelled not_started, 20",
    },
    { at = "response RunJob", close = "20, in_doubt", cancel = "20, 20" },
  }
  for _, case in ipairs(ENDS) do
    for _, how in ipairs { "close", "cancel" } do
      it(("ends honestly on %s when it has come to: %s"):format(how, case.at), function()
        local key, client, call, told = core.uuid(), nil, nil, nil
        local function stop()
          stop = function() end
          return how == "close" and client:close() or how == "cancel" and call:cancel()
        end
        client = client_with(store_of(), {
          on_event = function(event)
            if ("%s %s"):format(event.type, tostring(event.operation)) == case.at then
              stop()
            end
          end,
        })
        call = client:start(ARGS, { key = key }):on_done(function(result, err)
          told = result and result.actual_build_number or err.kind .. " " .. err.outcome
        end)
        if case.at == "nothing" then
          stop()
        end
        while not told do
          client:step(1)
        end
        local again, err = client_with(store_of()):try_run(ARGS, { key = key, key_wait = 0 })
        again = again and again.actual_build_number or err.reason
        assert.equal(case[how], ("%s, %s"):format(told, again):sub(1, #case[how]))
        assert.is_true(server:stats().processed <= 1)
      end)
    end
  end

  it("shows no token that was refused before", function()
    local fake, answers, tokens = servers.start(), {}, {}
    local refused = { "answer", status = 401, body = '{"message":"invalid auth token"}' }
    for i = 1, 16 do
      tokens[i] = core.sha256(tostring(i)):sub(1, 20)
      answers[#answers + 1] = { "answer", body = ('{"header":{},"token":"%s"}'):format(tokens[i]) }
      answers[#answers + 1] = refused
      answers[#answers + 1] = i > 1 and refused or nil -- a second refusal ends a start
    end
    answers[#answers], answers[#answers - 1] = nil, nil
    local said = core.encode { message = table.concat(tokens, " ") .. " " .. SECRET }
    fake:script(answers, { "answer", status = 400, body = said })
    local client =
      client_with(key_store.etcd { endpoint = fake.url, user = "builder", password = SECRET })
    local err
    for _ = 2, #tokens do
      err = select(2, client:try_run(ARGS, { key = core.uuid() }))
    end
    assert.truthy(err.message:find("answered 400: *** ***", 1, true), err.message)
    tokens[#tokens + 1] = SECRET
    shown.check(err, tokens, "the error")
    fake:stop()
  end)

  it("takes no bad options", function()
    local bad = {
      { {}, "endpoint" },
      { { endpoint = "" }, "endpoint" },
      { { endpoint = 5 }, "endpoint" },
      { { endpoint = "http://user:pass@host:1" }, "endpoint" },
      { { endpoint = "http://host:1/path" }, "endpoint" },
      { { endpoint = "http://host:" .. SECRET }, "endpoint" },
      { { endpoint = "http://[" .. SECRET .. "]:1" }, "endpoint" },
      { { endpoint = "http://h:1", user = "u" }, "user" },
      { { endpoint = "http://example.com:1", user = "u", password = SECRET }, "endpoint" },
      { { endpoint = "http://h:1", timeout = -1 }, "timeout" },
      { { endpoint = "http://h:1", tsl = {} }, "tsl" },
    }
    for _, case in ipairs(bad) do
      local ok, err = pcall(key_store.etcd, case[1])
      assert.is_false(ok)
      assert.same({ "config", "key_store." .. case[2] }, { err.kind, err.field })
      assert.is_nil(tostring(err):find(SECRET, 1, true))
    end
  end)
end)

describe("keys in an etcd with users and TLS", function()
  local server, etcd, files
  setup(function()
    files = certs.shared()
    server = servers.start()
    etcd = etcds.start { certs = files }
    etcd:enable_auth()
    local root = "--user root:root-password "
    etcd:ctl(root .. "user add builder:" .. SECRET)
    etcd:ctl(root .. "role add keys")
    etcd:ctl(root .. "role grant-permission keys --prefix=true readwrite builds/")
    etcd:ctl(root .. "user grant-role builder keys")
  end)
  teardown(function()
    etcd:stop()
    server:stop()
  end)
  before_each(function()
    server:reset()
  end)

  local function with(options, f)
    local all = {
      endpoint = etcd.endpoint,
      user = "builder",
      password = SECRET,
      prefix = "builds",
      timeout = 5,
      tls = { ca_file = files.folder .. "/ca.pem" },
    }
    for name, value in pairs(options) do
      all[name] = value or nil
    end
    local events = {}
    local client = build.new {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      key_store = key_store.etcd(all),
      on_event = function(event)
        events[#events + 1] = core.encode(event)
      end,
    }
    f(client, events)
    client:close()
    assert.is_nil(table.concat(events):find(SECRET, 1, true))
  end

  local function refused(client)
    local result, err = client:try_run(ARGS, { key = core.uuid() })
    assert.is_nil(result)
    assert.same({ "key", "store", "not_started" }, { err.kind, err.reason, err.outcome })
    for _, text in ipairs { tostring(err), core.encode(err) } do
      assert.is_nil(text:find(SECRET, 1, true))
    end
    assert.equal(0, server:stats().processed)
    return err
  end

  it("signs in once for many calls", function()
    with({}, function(client)
      local calls = {}
      for i = 1, 30 do
        calls[i] = client:start(ARGS, { key = core.uuid() })
      end
      for _, call in ipairs(calls) do
        call:wait(60)
      end
    end)
    assert.equal(30, server:stats().processed)
  end)

  it("signs in again when its token serves no longer", function()
    with({}, function(client)
      client:run(ARGS, { key = core.uuid() })
      etcd:kill(1) -- simple tokens are forgotten
      etcd:start(1)
      client:run(ARGS, { key = core.uuid() })
    end)
    assert.equal(2, server:stats().processed)
  end)

  it("says what the login lacks, and sends nothing", function()
    with({ password = "wrong" }, function(client)
      assert.truthy(refused(client).message:find("authentication failed", 1, true))
    end)
    with({ user = false, password = false }, function(client)
      refused(client)
    end)
    with({ prefix = "elsewhere" }, function(client)
      assert.truthy(refused(client).message:find("permission denied", 1, true))
    end)
  end)

  it("trusts whom it was told to trust", function()
    with({ tls = {} }, function(client)
      refused(client)
    end)
    with({ tls = { ca_file = "/nonexistent" } }, function(client)
      refused(client)
    end)
    -- The service's own trust is another thing.
    with({}, function(client)
      assert(client:run(ARGS, { key = core.uuid() }))
    end)
  end)

  it("gives up when it may read and not write", function()
    etcd:ctl "--user root:root-password role grant-permission keys --prefix=true read shown/"
    with({ prefix = "shown" }, function(client)
      assert.truthy(refused(client).message:find("permission denied", 1, true))
    end)
  end)

  it("serve the command, whose login comes from the environment", function()
    local command = require "spec.support.command"
    local file = os.tmpname()
    local handle = assert(io.open(file, "w"))
    handle:write(SECRET, "\n")
    handle:close()
    local env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      CODEARTS_BUILD_KEY_STORE = etcd.endpoint:gsub("^https", "etcds") .. "/builds",
      CODEARTS_BUILD_ETCD_USER = "builder",
      CODEARTS_BUILD_ETCD_PASSWORD_FILE = file,
      CODEARTS_BUILD_ETCD_CA_FILE = files.folder .. "/ca.pem",
    }
    local function run(arguments)
      local told = command.run(arguments .. " --json", env)
      assert.equal(0, told.status, told.out .. told.err)
      assert.is_nil((told.out .. told.err):find(SECRET, 1, true))
      return core.decode(told.out)
    end
    assert.is_nil(run("run " .. JOB .. " --key from-the-shell").replayed)
    assert.is_true(run("run " .. JOB .. " --key from-the-shell").replayed)
    assert.equal("done", run("key show " .. JOB .. " from-the-shell").state)
    assert.truthy(#run("key list").keys > 1)
    local seen
    for _, check in ipairs(core.decode(command.run("doctor --json", env).out).checks) do
      seen = check.name == "key store" and check or seen
    end
    assert.equal("ok", seen.state, seen.detail)
    assert.truthy(seen.detail:find("read in %d+ ms"), seen.detail)
    os.remove(file)
  end)

  it("ends when its login is taken away", function()
    with({}, function(client)
      client:run(ARGS, { key = core.uuid() })
      etcd:ctl "--user root:root-password user delete builder"
      server:reset()
      refused(client)
    end)
  end)
end)

describe("keys in an etcd of three members", function()
  local server, etcd
  setup(function()
    server = servers.start()
    etcd = etcds.start { members = 3 }
  end)
  teardown(function()
    etcd:stop()
    server:stop()
  end)

  it("outlive a leader that is killed, one that stops, and a restart of all", function()
    local function client_of()
      return build.new {
        endpoint = server.url,
        auth = { ak = "AK", sk = "SK" },
        key_store = key_store.etcd { endpoint = etcd.endpoint, timeout = 30 },
      }
    end
    local client, started = client_of(), 0
    local function run(key)
      started = started + 1
      local result = client:run(ARGS, { key = key })
      assert.is_nil(build.meta(result).replayed)
      local other = client_of()
      assert.is_true(build.meta(other:run(ARGS, { key = key })).replayed)
      other:close()
      assert.equal(started, server:stats().processed)
    end
    run "before"
    local leader = etcd:leader()
    etcd:kill(leader)
    run "killed"
    etcd:start(leader)
    etcd:wait()
    leader = etcd:leader()
    etcd:signal(leader, "STOP")
    run "stopped"
    etcd:signal(leader, "CONT")
    etcd:wait()
    for i = 1, 3 do
      etcd:kill(i)
    end
    for i = 1, 3 do
      etcd:start(i)
    end
    run "restarted"
    for _, key in ipairs { "before", "killed", "stopped", "restarted" } do
      assert.is_true(build.meta(client:run(ARGS, { key = key })).replayed)
    end
    client:close()
  end)
end)

describe("an old snapshot of etcd", function()
  it("is not mistaken for what was there", function()
    local etcd = etcds.start()
    local store = key_store.etcd { endpoint = etcd.endpoint }
    local client = build.new { endpoint = "http://127.0.0.1:1", auth = "t", key_store = store }
    local function ask(name, ...)
      local call = store[name](...)
      return call:wait(20)
    end
    local file = etcd.folder .. "/snapshot"
    etcd:ctl("snapshot save " .. file, 1)
    local version = ask("put", "k", "one", nil, client)[1]
    etcd:restore(file)
    -- The same revision, another text.
    local other = ask("put", "k", "two", nil, client)[1]
    assert.equal(version:match "^%d+", other:match "^%d+")
    local answer = ask("put", "k", "three", version, client)
    assert.is_nil(answer[1])
    assert.equal("two", answer[2])
    assert.truthy(ask("put", "k", "three", answer[3], client)[1])
    client:close()
    etcd:stop()
  end)
end)
