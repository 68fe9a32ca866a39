-- Whom err:reconcile asks, and as whom: as the start was made. And that every error has it which leaves open whether
-- a build was started.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local histories = require "spec.support.history"
local look = require "codearts.build.reconcile.look"
local servers = require "spec.support.server"

local OPTS = { run_id = { parameter = "RUN_ID" } }
local OWN = "own-token-that-nobody-may-see"

local function opts_with(more)
  local all = { run_id = OPTS.run_id }
  for name, value in pairs(more) do
    all[name] = value
  end
  return all
end

--- A history at the moment, with these builds.
local function history(run_id, ...)
  local h = histories.plain(run_id, core.time(), {})
  for _, each in ipairs { ... } do
    histories.add(h, each)
  end
  return h
end

describe("err:reconcile", function()
  local server, client

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    client = caller.new { endpoint = server, retry = false, headers = { ["X-Who"] = "client" } }
  end)
  after_each(function()
    client:close()
  end)

  -- The headers of what a reconcile asks for, after a start with these options has lost its answer.
  local function asked(more, of_reconcile)
    server:script({ "close_after_body" }, { "history", history = history "none" })
    local _, err = client:try_run(caller.JOB, opts_with(more))
    caller.check({ outcome = "unknown" }, err)
    assert.is_nil(caller.all_text(err):find(OWN, 1, true))
    assert.equal("none_found", err:reconcile(of_reconcile or { timeout = 0 }).verdict)
    local requests = server:stats().requests
    assert.is_true(#requests > 1)
    local start, last = requests[1].headers, requests[#requests].headers
    assert.equal(more.auth and OWN or caller.TOKEN, start["x-auth-token"])
    return last["x-auth-token"], last["x-who"]
  end

  for name, auth in pairs {
    ["a token"] = OWN,
    ["a table"] = { token = OWN },
    ["a function"] = function()
      return { token = OWN }
    end,
  } do
    it("asks with the start's own credentials: " .. name, function()
      assert.same({ OWN, "client" }, { asked { auth = auth } })
    end)
  end

  it("asks with the start's own headers", function()
    assert.same({ caller.TOKEN, "call" }, { asked { headers = { ["X-Who"] = "call" } } })
  end)

  it("asks as the client where the start did", function()
    assert.same({ caller.TOKEN, "client" }, { asked {} })
  end)

  it("ends soon after its time though nobody answers", function()
    local least = look.LEAST
    look.LEAST = 0.1
    server:script({ "close_after_body" }, "never_answer")
    local _, err = client:try_run(caller.JOB, OPTS)
    local found, problem = err:reconcile({ timeout = 0.2, async = true }):try_wait(30)
    look.LEAST = least
    assert.is_nil(problem)
    assert.same({ "unknown", "deadline" }, { found.verdict, found.error.reason })
    assert.is_nil(found.error.message:find("0.001", 1, true), found.error.message)
  end)

  it("asks with other credentials when it is told so", function()
    for _, other in ipairs { "other-token", { token = "other-token" } } do
      server:reset()
      assert.equal("other-token", (asked({ auth = OWN }, { timeout = 0, auth = other })))
    end
    local ok, err = pcall(asked, {}, { timeout = 0, auth = false })
    assert.is_false(ok)
    caller.check({ kind = "usage", field = "auth" }, err)
  end)

  it("asks as the start did, whatever became of its options", function()
    server:script({ "close_after_body" }, { "history", history = history "none" })
    local opts = opts_with { auth = { token = OWN }, headers = { ["X-Who"] = "call" } }
    local _, err = client:try_run(caller.JOB, opts)
    opts.auth.token, opts.headers["X-Who"] = "other-token", "other"
    err:reconcile { timeout = 0 }
    local requests = server:stats().requests
    local headers = requests[#requests].headers
    assert.same({ OWN, "call" }, { headers["x-auth-token"], headers["x-who"] })
  end)
end)

-- A store of keys that forgets everything with its process.
local function store()
  local kept = {}
  return {
    get = function(key)
      local it = kept[key]
      if it then
        return it.text, it.version
      end
    end,
    put = function(key, text, version)
      local it = kept[key]
      if (it and it.version) ~= version then
        return nil, it and it.text, it and it.version
      end
      kept[key] = { text = text, version = (version or 0) + 1 }
      return kept[key].version
    end,
  }
end

describe("an error that leaves open whether a build was started has reconcile:", function()
  local server, client

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    client = caller.new { endpoint = server, retry = false, key_store = store() }
  end)
  after_each(function()
    client:close()
  end)

  -- A start whose request was read and is not answered.
  local function begin(opts)
    server:script(
      opts and opts.key and { { "history", history = history "none" } } or {},
      "never_answer"
    )
    local call = client:start(caller.JOB, opts or OPTS)
    while server:stats().processed < (opts and opts.key and 2 or 1) do
      client:step(0.01)
    end
    return call
  end

  -- doc/client.md's example, with that error.
  local function check(err, own)
    caller.check({ outcome = "unknown", operation = "RunJob" }, err)
    local about = build.meta(err)
    server:script({}, {
      "history",
      history = history(about.run_id, { number = 7, mine = true }),
    })
    local found = err:reconcile { timeout = 0 }
    assert.equal("started", found.verdict)
    assert.equal("7", found.result.actual_build_number)
    local requests = server:stats().requests
    local token = requests[#requests].headers["x-auth-token"]
    assert.equal(own and OWN or caller.TOKEN, token)
  end

  for name, more in pairs { ["the client's"] = {}, own = { auth = OWN } } do
    local own = more.auth
    it("a wait that runs out, credentials: " .. name, function()
      local call = begin(opts_with(more))
      check(select(2, call:try_wait()), own)
      check(select(2, call:try_wait(0.01)), own)
      check(select(2, pcall(call.wait, call, 0.01)), own)
    end)

    it("one that was cancelled, credentials: " .. name, function()
      local call = begin(opts_with(more))
      call:cancel()
      check(select(2, call:try_wait(10)), own)
    end)

    it("a wait with a key that runs out, or is cancelled, credentials: " .. name, function()
      local call = begin(opts_with { key = "k", auth = more.auth })
      check(select(2, call:try_wait()), own)
      check(select(2, pcall(call.wait, call, 0.01)), own)
      call:cancel()
      check(select(2, call:try_wait(10)), own)
    end)

    it("what a debug hook raises in the midst of it, credentials: " .. name, function()
      server:behave "never_answer"
      local opts = opts_with(more)
      function opts.on_event(event) -- as Ctrl-C in the standalone interpreter
        if event.type == "request" then
          debug.sethook(function()
            debug.sethook()
            error("interrupted!", 0)
          end, "c")
        end
      end
      local _, err = client:try_run(caller.JOB, opts)
      assert.matches("interrupted!", err.message)
      while server:stats().processed < 1 do
        client:step(0.01)
      end
      check(err, own)
    end)
  end

  it("what a debug hook raises in the midst of a run with a key", function()
    server:script({ { "history", history = history "none" } }, "never_answer")
    local function interrupt_when_sent()
      if server:stats().processed < 2 then
        client:sleep(0.01):on_done(interrupt_when_sent)
      else
        debug.sethook(function()
          debug.sethook()
          error("interrupted!", 0)
        end, "c")
      end
    end
    client:sleep(0):on_done(interrupt_when_sent)
    local _, err = client:try_run(caller.JOB, opts_with { key = "k" })
    assert.matches("interrupted!", err.message)
    check(err)
  end)

  -- Where each thread has a hook of its own, which Ctrl-C sets for the main one.
  if _VERSION ~= "Lua 5.1" then
    it("what a debug hook raises where a flow has lost what it awaits", function()
      local main = coroutine.running()
      local stored = {}
      local shelf = {
        get = function()
          return stored.text, stored.version
        end,
        put = function(_, text)
          stored = { text = text, version = (stored.version or 0) + 1 }
          if main then -- as Ctrl-C does: in whatever the main program runs next
            debug.sethook(main, function()
              debug.sethook(main)
              error("interrupted!", 0)
            end, "", 1)
            main = nil
          end
          return stored.version
        end,
      }
      client:close()
      client = caller.new { endpoint = server, key_store = shelf }
      local _, err = client:start(caller.JOB, { key = "k" }):try_wait(60)
      assert.is_true(core.is_error(err))
      assert.equal("unknown", err.outcome)
      assert.is_function(err.reconcile)
      assert.is_false(pcall(client.step, client, 0)) -- which raises what a callback raised
    end)
  end

  it("where nobody can wait", function()
    local call, told = begin(), nil
    client:sleep(0):on_done(function()
      told = { select(2, call:try_wait(1)), select(2, pcall(call.wait, call)) }
    end)
    client:step(1)
    check(told[1])
    check(told[2])
  end)

  it("a refusal of what was sent again for a key that was in doubt before", function()
    local text
    client:close()
    client = caller.new {
      endpoint = server,
      retry = false,
      key_store = {
        get = function()
          return text, text and 1
        end,
        put = function(_, put)
          text = put
          return 1
        end,
      },
    }
    begin(opts_with { key = "k" }):cancel()
    client:step(0)
    local record = core.decode(text)
    assert.equal("open", record.state)
    record.fence_at, record.signed_at = 0, 0
    text = core.encode(record)
    local none = { "history", history = history "none" } -- its list, and its last build
    server:script { none, none, { "answer", status = 403, body = "{}" } }
    local again = opts_with { key = "k", when_lost = "resend", key_wait = 1 }
    local _, err = client:try_run(caller.JOB, again)
    caller.check({ outcome = "unknown", status = 403 }, err)
    check(err)
  end)

  it("but not of a call that is open still that none was found", function()
    local call = begin()
    server:script({}, { "history", history = history "none" })
    local _, err = call:try_wait()
    local found = err:reconcile { timeout = 0 }
    assert.equal("unknown", found.verdict)
    assert.matches("had not ended", found.error.message)
  end)
end)

-- Two endpoints whose histories are separate. What ends a connection to one in its handshake leads on to the other.
describe("with two endpoints", function()
  local first, second, client
  local SIGNED = { ak = "AKAKAKAKAKAKAKAKAKAK", sk = "sk-that-nobody-may-see", project_id = "p" }

  setup(function()
    first, second = servers.start { tls = true }, servers.start { tls = true }
  end)
  teardown(function()
    first:stop()
    second:stop()
  end)
  before_each(function()
    first:reset()
    second:reset()
  end)
  after_each(function()
    client:close()
  end)

  local function new(options)
    client = caller.new {
      endpoint = options and options.endpoint or first.url .. "," .. second.url,
      tls = { ca_file = first.ca_file },
      retry = false,
      auth = options and options.auth,
      key_store = options and options.key_store,
    }
    return client
  end

  local function posts(server)
    local count = 0
    for _, request in ipairs(server:stats().requests) do
      count = count + (request.method == "POST" and 1 or 0)
    end
    return count
  end

  local function shows(server, h)
    server:script({}, { "history", history = h or history "none" })
  end

  -- A start that the first endpoint has read and not answered.
  local function lose()
    first:script({ "close_after_body" }, { "history", history = history "none" })
    local _, err = new():try_run(caller.JOB, OPTS)
    assert.equal("unknown", err.outcome)
    return err
  end

  it("absence is proved by the one that the start went to", function()
    assert.equal("none_found", lose():reconcile({ timeout = 0 }).verdict)
  end)

  it("absence is not proved by another one, in part neither", function()
    local err = lose()
    first:behave "tls_close"
    shows(second)
    local found = err:reconcile { timeout = 0 }
    assert.equal("unknown", found.verdict)
    assert.matches("another endpoint", found.error.message)

    client:close()
    err = lose()
    local far = history("none", { number = 3 })
    -- The list, and then the handshakes end: the build's parameters are told by the other one.
    first:script({ { "history", history = far, last = true } }, "tls_close")
    shows(second, far)
    local before = second:stats().processed
    assert.equal("unknown", err:reconcile({ timeout = 0 }).verdict)
    assert.is_true(second:stats().processed > before)
  end)

  it("nor by both, of a call that is open still", function()
    first:behave "never_answer"
    local call = new():start(caller.JOB, OPTS)
    repeat
      client:step(0.01)
    until first:stats().processed == 1
    local _, err = call:try_wait()
    local far = history("none", { number = 3 })
    first:script({ { "history", history = far, last = true } }, "tls_close")
    shows(second, far)
    local found = err:reconcile { timeout = 0 }
    assert.equal("unknown", found.verdict)
    assert.matches("had not ended", found.error.message)
    assert.is_true(second:stats().processed > 0)
  end)

  it("what another one told of a build is not believed in the next look", function()
    local err = lose()
    local mine = history(build.meta(err).run_id, { number = 3, mine = true })
    local other = history("none", { number = 3 })
    -- The list is the first's. Its builds are told by the second until that goes, too: then all is the first's.
    first:script({ { "history", history = mine, last = true }, "tls_close" }, {
      "history",
      history = mine,
    })
    second:script({
      { "history", history = other },
      { "history", history = other },
      { "history", history = other },
      { "history", history = other, last = true },
    }, "tls_close")
    local found = err:reconcile { timeout = 20, interval = 0 }
    assert.equal("started", found.verdict)
    assert.equal(4, second:stats().processed)
  end)

  it("a build is found by another one, too", function()
    local err = lose()
    first:behave "tls_close"
    shows(second, history(build.meta(err).run_id, { number = 7, mine = true }))
    local found = err:reconcile { timeout = 0 }
    assert.equal("started", found.verdict)
    assert.equal("7", found.result.actual_build_number)
  end)

  -- With a key: a look long after the attempt, when its signature is too old for the service.
  local function later()
    return histories.plain("none", core.time() + 2000, {})
  end

  local function run_again(kept, endpoint, key_wait)
    client:close()
    local again = {
      when_lost = "resend",
      settle = 1,
      key_wait = key_wait or 0,
      key = "k",
      run_id = OPTS.run_id,
    }
    return new({ auth = SIGNED, key_store = kept, endpoint = endpoint }):try_run(caller.JOB, again)
  end

  it("nothing is sent again for a key after a look at another one than the attempt's", function()
    local kept = store()
    first:script({ { "history", history = history "none" }, "close_after_body" }, "tls_close")
    shows(second)
    local opts = { key = "k", run_id = OPTS.run_id, key_wait = 0 }
    local _, err = new({ auth = SIGNED, key_store = kept }):try_run(caller.JOB, opts)
    assert.equal("in_doubt", err.reason)
    assert.equal(1, posts(first))
    shows(second, later())
    _, err = run_again(kept)
    assert.equal("in_doubt", err.reason)
    assert.same({ 1, 0 }, { posts(first), posts(second) })
    first:script({ { "history", history = later() } }, "ok")
    assert(run_again(kept))
    assert.same({ 2, 0 }, { posts(first), posts(second) })
  end)

  it("nor where the attempt went to the second one, and the first is looked at", function()
    local kept = store()
    first:behave "tls_close"
    second:script({ { "history", history = history "none" }, "close_after_body" }, {
      "history",
      history = history "none",
    })
    local opts = { key = "k", run_id = OPTS.run_id, key_wait = 0 }
    local _, err = new({ auth = SIGNED, key_store = kept }):try_run(caller.JOB, opts)
    assert.equal("in_doubt", err.reason)
    assert.equal(1, posts(second))
    shows(first, later())
    _, err = run_again(kept)
    assert.equal("in_doubt", err.reason)
    assert.same({ 0, 1 }, { posts(first), posts(second) })
    first:behave "tls_close"
    second:script({ { "history", history = later() } }, "ok")
    assert(run_again(kept))
    assert.same({ 0, 2 }, { posts(first), posts(second) })
  end)

  it("nor where the two are behind one address, apart by their paths", function()
    local kept = store()
    local endpoint = first.url .. "/a," .. first.url .. "/b"
    local seen = { "history", history = history "none", last = true }
    local list = { seen, "tls_close", "close_after_body", seen }
    first:script(list, { "history", history = later() })
    local opts = { key = "k", run_id = OPTS.run_id, key_wait = 0 }
    local options = { auth = SIGNED, key_store = kept, endpoint = endpoint }
    local _, err = new(options):try_run(caller.JOB, opts)
    assert.equal("in_doubt", err.reason)
    assert.matches("^/b/", first:stats().requests[2].path) -- the start
    _, err = run_again(kept, endpoint)
    assert.equal("in_doubt", err.reason)
    assert.equal("unknown", err:reconcile({ timeout = 0 }).verdict)
    assert.equal(1, posts(first))
  end)

  it("nor where an earlier look of the call has listed what the last one lacks", function()
    local kept = store()
    first:script({ { "history", history = history "none" } }, "close_after_body")
    local opts = { key = "k", run_id = OPTS.run_id, key_wait = 0 }
    local _, err = new({ auth = SIGNED, key_store = kept }):try_run(caller.JOB, opts)
    assert.equal("in_doubt", err.reason)
    local lags = later()
    histories.add(lags, { number = 3, told = 0, to = 1, shows = { "gone", "gone", "gone" } })
    first:behave("history", { history = lags })
    _, err = run_again(kept, nil, 0.3)
    assert.equal("in_doubt", err.reason)
    assert.is_true(first:stats().processed > 2 + 2 * 5) -- several looks
    assert.equal(1, posts(first))
  end)
end)
