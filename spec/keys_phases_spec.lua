-- What a start with a key tells while its store works, whatever it works at: who waits in vain, who cancels,
-- whose client is closed, whose deadline is over. The outcome is always told, and it is the key's.

local Shelf = require "codearts.build.keys.shelf"
local build = require "codearts.build"
local core = require "codearts.build.core"
local histories = require "spec.support.history"
local paused_stores = require "spec.support.paused_store"
local servers = require "spec.support.server"

local ARGS = { job_id = ("a"):rep(32) }
local SIGNED = { ak = "AK", sk = "SK" }
local REFUSED = { "answer", status = 400, body = "{}" }
local THROTTLED = { "answer", status = 429, body = "" }

-- The store pauses at the n-th call (`nth`) of its function `at`, the first answer of `loses` is lost. What who
-- waits is told, and how the call ends; 20 is the build. A store that holds has as long as it takes for a swap.
local PHASES = {
  ["takes its turn"] = {
    at = "hold",
    hold = true,
    waits = "unknown",
    cancelled = "cancelled unknown",
    closed = "cancelled not_started",
    late = "store not_started",
  },
  ["reads the record"] = {
    at = "get",
    hold = true,
    waits = "unknown",
    cancelled = "cancelled not_started",
    closed = "cancelled not_started",
    late = "store not_started",
  },
  ["swaps the first record"] = {
    at = "put",
    waits = "unknown",
    cancelled = "cancelled not_started",
    closed = "cancelled not_started",
    late = "timeout not_started",
  },
  ["swaps the first record, and the key is held"] = {
    at = "put",
    hold = true,
    waits = "unknown",
    cancelled = "cancelled not_started",
    closed = "cancelled not_started",
  },
  ["reads back a swap whose answer was lost"] = {
    at = "get",
    loses = "put",
    waits = "unknown",
    cancelled = "cancelled not_started",
    closed = "cancelled not_started",
    late = "store not_started",
  },
  ["swaps before another attempt"] = {
    at = "put",
    nth = 2,
    script = { THROTTLED },
    waits = "unknown",
    cancelled = "cancelled not_started",
    closed = "cancelled not_started",
    late = "timeout not_started",
  },
  ["records that a build was started"] = {
    at = "put",
    nth = 2,
    waits = "started",
    cancelled = "20",
    closed = "20",
    late = "20",
  },
  ["records that a build was started, and the key is held"] = {
    at = "put",
    nth = 2,
    hold = true,
    waits = "started",
    cancelled = "20",
    closed = "20",
  },
  ["records that none was started"] = {
    at = "put",
    nth = 2,
    script = { REFUSED },
    waits = "unknown",
    cancelled = "api not_started",
    closed = "api not_started",
    late = "api not_started",
  },
  ["reads what another call left in doubt"] = {
    at = "get",
    in_doubt = true,
    waits = "unknown",
    cancelled = "cancelled unknown",
    closed = "cancelled unknown",
    late = "store unknown",
  },
}

local BRIEF = 0.05 -- seconds that a store gets when nobody waits any more

local function text_of(result, err)
  return result and result.actual_build_number
    or ("%s %s"):format(err.kind == "key" and err.reason or err.kind, tostring(err.outcome))
end

describe("a start with a key, while its store", function()
  local server, store, client, patience

  setup(function()
    server = servers.start()
    patience, Shelf.LAST_PATIENCE = Shelf.LAST_PATIENCE, BRIEF
  end)
  teardown(function()
    server:stop()
    Shelf.LAST_PATIENCE = patience
  end)
  before_each(function()
    server:reset()
  end)
  after_each(function()
    client:close()
  end)

  local function connect(auth)
    client = build.new {
      endpoint = server.url,
      auth = auth or SIGNED,
      retry = { max_attempts = 3, base_delay = 0 },
      key_store = store,
    }
  end

  --- A call whose store has paused; `lost`: what it answers then is lost.
  local function reach(phase, opts, lost)
    store = paused_stores.new(phase.hold)
    connect()
    if phase.in_doubt then
      server:script { "close_after_body" }
      client:try_run(ARGS, { key = "k", key_wait = 0 })
    end
    server:script(phase.script or {})
    store:pause(phase.at, phase.nth or 1, lost)
    if phase.loses then
      store:lose(phase.loses, 1)
    end
    opts.key = "k"
    local told = {}
    local call = client:start(ARGS, opts):on_done(function(result, err)
      told[1] = text_of(result, err)
    end)
    while not (store.gate or told[1]) do
      client:step(1)
    end
    return call, told
  end

  --- The end that a call told. Nothing is left of it then, and the record agrees with what was told.
  local function ending(told)
    while not told[1] do
      client:step(1)
    end
    if not client.closed then
      assert.equal(0, client:step(0))
    end
    assert.equal(0, store.held)
    if told[1] == "20" then
      assert.equal("done", store:state())
    elseif told[1]:find "not_started" and not told[1]:find "store" then
      assert.not_equal("open", store:state() or "free")
    end
    return told[1]
  end

  for what, phase in pairs(PHASES) do
    it(what .. ", is waited for in vain", function()
      local call, told = reach(phase, { key_wait = 0.1 })
      local _, err = call:try_wait(0)
      assert.same(
        { "timeout", "wait", "RunJob", phase.waits },
        { err.kind, err.reason, err.operation, err.outcome }
      )
      store.gate:cancel()
      ending(told)
    end)

    it(what .. ", is cancelled", function()
      local call, told = reach(phase, {})
      call:cancel()
      if phase.hold then
        store.gate:cancel()
      end
      assert.equal(phase.cancelled, ending(told))
    end)

    it(what .. ", ends with its client", function()
      local _, told = reach(phase, {})
      client:close()
      assert.equal(phase.closed, ending(told))
    end)

    if phase.late then
      it(what .. ", is not awaited beyond the deadline", function()
        local _, told = reach(phase, { deadline = 0.5 }, true)
        assert.equal(phase.late, ending(told))
      end)
    end
  end

  --- Another call's record takes the place of what the store holds.
  local function swap_for_done(built)
    local kept = core.decode(store.text)
    kept.state, kept.nonce, kept.build = "done", core.uuid(), built
    store.text, store.version = core.encode(kept), store.version + 1
  end

  it("is told by another that a build was found, whose own that is", function()
    store = paused_stores.new()
    connect()
    local nothing = { "history", history = histories.plain("none", core.time(), {}) }
    server:script({ nothing, "close_after_body" }, "not_found")
    local told
    local opts = { key = "k", run_id = { parameter = "RUN_ID" } }
    client:start(ARGS, opts):on_done(function(result)
      told = result
    end)
    while server:stats().processed < 3 do
      client:step(0.01)
    end
    swap_for_done { actual_build_number = "20" } -- as who looks with more luck
    while not told do
      client:step(1)
    end
    local meta = build.meta(told)
    assert.is_true(meta.reconciled)
    assert.is_nil(meta.replayed)
  end)

  it("is told by another's build, when its own attempt was refused", function()
    store = paused_stores.new()
    connect()
    server:script({ { "throttled_seconds", seconds = 1 } }, "not_found")
    local told
    client:start(ARGS, { key = "k" }):on_done(function(result)
      told = result
    end)
    while server:stats().processed < 1 do
      client:step(0.01)
    end
    -- As who resends, once a person has told that none was started.
    swap_for_done {
      actual_build_number = "20",
      octopus_job_name = "j",
      daily_build_number = "20260101.1",
    }
    while not told do
      client:step(1)
    end
    local meta = build.meta(told)
    assert.is_true(meta.replayed)
    assert.is_nil(meta.reconciled)
    assert.equal(1, server:stats().processed)
  end)

  it("knows nothing of a key that somebody alive holds, who may be about to send", function()
    local _, first = reach({ at = "put", hold = true }, {})
    local gate, told = store.gate, {}
    local call = client:start(ARGS, { key = "k" }):on_done(function(_, err)
      told[1] = text_of(nil, err)
    end)
    store:pause("hold", 1) -- after it was refused, once
    while not store.gate do
      client:step(1)
    end
    assert.equal("unknown", select(2, call:try_wait(0)).outcome)
    call:cancel()
    gate:cancel()
    while not (first[1] and told[1]) do
      client:step(1)
    end
    assert.same({ "20", "cancelled unknown" }, { first[1], told[1] })
  end)

  describe("cannot be read, and somebody else alive held the key,", function()
    local first, call, told

    before_each(function()
      first, told = select(2, reach({ at = "put", hold = true }, {})), {}
    end)

    --- Starts beside the one that holds the key.
    local function begin()
      call = client:start(ARGS, { key = "k" }):on_done(function(result, err)
        told[1] = text_of(result, err)
      end)
    end

    --- Goes on until somebody has told an end, or, of nobody, the store has paused.
    local function go_on(ends)
      while not (ends and ends[1] or not ends and store.gate) do
        client:step(1)
      end
      return ends and ends[1]
    end

    it("tells nothing of the key", function()
      local gate = store.gate
      store:lose("get", 1)
      begin()
      assert.equal("store unknown", go_on(told))
      gate:cancel()
      assert.equal("20", go_on(first))
    end)

    for how, expected in pairs { fails = "store unknown", ["is cancelled"] = "cancelled unknown" } do
      it("who has let go since, tells nothing of the key when it " .. how, function()
        local gate = store.gate
        begin()
        store:pause("hold", 1) -- after it was refused, once
        go_on()
        gate:cancel()
        gate = store.gate
        assert.equal("20", go_on(first))
        store:pause("get", 1, true)
        gate:cancel()
        go_on()
        if how == "fails" then
          store.gate:cancel()
        else
          call:cancel()
        end
        assert.equal(expected, go_on(told))
      end)
    end
  end)

  describe("may be written to by others while it looks for the key's build,", function()
    local OPTS = { key = "k", run_id = { parameter = "RUN_ID" } }
    local told

    --- A start that has read that there is no record, and looks; the key's build is started meanwhile, if it `is_started`.
    local function look(is_started)
      store = paused_stores.new()
      connect()
      local first = client
      server:script { "never_answer" }
      told = {}
      local call = client:start(ARGS, OPTS):on_done(function(result, err)
        told[1] = text_of(result, err)
      end)
      while server:stats().processed < 1 do
        first:step(0.01)
      end
      if is_started then
        connect()
        client:run(ARGS, OPTS)
        client:close()
        client = first
      end
      return call
    end

    local function end_told()
      while not told[1] do
        client:step(1)
      end
      return told[1]
    end

    it("and tells who cancels what is there", function()
      look(true):cancel()
      assert.equal("20", end_told())
      look(false):cancel()
      assert.equal("cancelled not_started", end_told())
    end)

    it(
      "and tells whose client is closed what is there, where no request is needed for that",
      function()
        look(true)
        client:close()
        assert.equal("20", end_told())
      end
    )

    for how, stop in pairs {
      ["who cancels"] = function(call)
        call:cancel()
      end,
      ["whose client is closed"] = function()
        client:close()
      end,
    } do
      it("and does not answer " .. how, function()
        local call = look(true)
        store:pause("get", 1, true)
        stop(call)
        assert.equal("cancelled unknown", end_told())
      end)
    end

    for how, auth in pairs { ["sends"] = SIGNED, ["cannot sign in"] = false } do
      describe("signs in while the key's build is started, and " .. how .. ",", function()
        --- A start whose sign-in waits for another's, and until after the deadline.
        local function start(deadline, prepare)
          store = paused_stores.new()
          told = {}
          local second
          local function sign_in()
            if server:stats().processed == 0 then
              connect()
              client:run(ARGS, OPTS)
              client:sleep((deadline or 0) * 2):wait()
              client:close()
              client = second
              prepare()
            end
            return auth or error "the vault is sealed"
          end
          connect(sign_in)
          second = client
          local opts = { key = OPTS.key, run_id = OPTS.run_id, deadline = deadline }
          second:start(ARGS, opts):on_done(function(result, err)
            told[1], told.error = text_of(result, err), err
          end)
        end

        it("tells whose deadline is over what is there, be the store slow", function()
          Shelf.LAST_PATIENCE = 60
          finally(function()
            Shelf.LAST_PATIENCE = BRIEF
          end)
          start(0.1, function()
            store:lose("put", 1)
            local get = store.get
            function store.get(key, of)
              return of:task(function(await)
                local _, err = await(of:sleep(0.05))
                if err then
                  return nil, err
                end
                return await(get(key, of))
              end)
            end
          end)
          assert.equal("20", end_told())
        end)

        it("tells nothing to whose deadline is over while the store does not answer", function()
          start(0.1, function()
            store:lose("put", 1)
            store:pause("get", 1, true)
          end)
          assert.equal("store unknown", end_told())
        end)

        it("tells nothing when the store has failed since", function()
          start(nil, function()
            store.put = function()
              return nil, core.error { kind = "transport", message = "lost" }
            end
            store.get = store.put
          end)
          assert.equal("store unknown", end_told())
          assert.is_function(told.error.reconcile)
        end)
      end)
    end
  end)
end)
