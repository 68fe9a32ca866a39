-- A client that was made before a fork: the child leaves it alone, the parent's goes on.

local build = require("codearts.build")
local core = require("codearts.build.core")
local host = require("spec.support.host")
local probe = require("spec.support.probe")
local read_file = require "spec.support.read_file"

local JOB, NAME = host.JOB, host.NAME

local function options(server)
  return {
    endpoint = server.url,
    auth = host.TOKEN,
    proxy = false,
    tls = server.ca_file and { ca_file = server.ca_file } or nil,
  }
end

local FORKS = { ["that libc sees"] = probe.fork }
local task = io.open("/proc/self/task")
if task then -- Linux
  task:close()
  FORKS["that libc does not see"] = function(f)
    return probe.fork(f, true)
  end
end

for seen, fork in pairs(FORKS) do
  for _, kind in ipairs({ "http", "https", "http/2" }) do
    for name, new in pairs({ facade = build.new, core = core.new }) do
      describe(("a child of a fork %s, %s, the %s"):format(seen, kind, name), function()
        local server, client, call

        before_each(function()
          server = require("spec.support.server").start({
            tls = kind ~= "http",
            http2 = kind == "http/2",
          })
          client = new(options(server))
          assert.equal(NAME, client:run(JOB).octopus_job_name)
          server:behave("ok_on_release")
          call = client:start(JOB)
          while server:stats().waiting < 1 do
            client:step(0.01)
          end
        end)

        after_each(function()
          server:stop()
        end)

        -- The parent's connections are as good as before, and nothing else has come over them.
        local function assert_goes_on(of_child)
          server:release()
          assert.equal(NAME, call:wait(20).octopus_job_name)
          server:script({}, "ok")
          assert.equal(NAME, client:run(JOB).octopus_job_name)
          local stats = server:stats()
          assert.equal(3 + of_child, stats.processed)
          assert.equal(1 + of_child, stats.connections)
          client:close()
        end

        it("gets a usage error for everything but closing", function()
          local text = fork(function()
            local texts = {}
            local function note(ok, err)
              texts[#texts + 1] = not ok
                  and err.kind == "usage"
                  and err.message:find("process")
                  and "usage"
                or tostring(err)
            end
            for _, method in ipairs({ "start", "run", "step", "pollfd", "timeout", "sleep" }) do
              note(pcall(client[method], client, method == "step" and 0 or JOB))
            end
            note(client:try_run(JOB))
            note(pcall(call.wait, call))
            texts[#texts + 1] = tostring(call:done())
            call:cancel()
            client:close()
            client:close()
            return table.concat(texts, " ")
          end)
          assert.equal(("usage "):rep(8) .. "false", text)
          assert_goes_on(0)
        end)

        it(
          "is told that its parent's call may have started a build, and nothing is raised",
          function()
            local text = fork(function()
              local texts = {}
              for _, seconds in ipairs({ false, 0, 0.01 }) do
                local _, err = call:try_wait(seconds or nil)
                texts[#texts + 1] = ("%s %s"):format(err.kind, err.outcome)
              end
              local _, err = pcall(call.wait, call)
              texts[#texts + 1] = ("%s %s"):format(err.kind, err.outcome)
              return table.concat(texts, ", ")
            end)
            assert.equal("timeout unknown" .. (", usage unknown"):rep(3), text)
            assert_goes_on(0)
          end
        )

        it("may collect it", function()
          local text = fork(function()
            client, call = nil, nil
            for _ = 1, 3 do
              collectgarbage()
            end
            return "collected"
          end)
          assert.equal("collected", text)
          assert_goes_on(0)
        end)

        it("has clients of its own", function()
          local text = fork(function()
            local other = new(options(server))
            local mine = other:start(JOB)
            while not mine:done() do
              other:step(0.01)
              if server:stats().waiting == 2 then
                server:release()
              end
            end
            local result = mine:wait().octopus_job_name
            other:close()
            client:close()
            return result
          end)
          assert.equal(NAME, text)
          assert_goes_on(1)
        end)
      end)
    end
  end

  describe("a child of a fork " .. seen, function()
    local server

    before_each(function()
      server = require("spec.support.server").start()
    end)

    after_each(function()
      server:stop()
    end)

    it("does not send what its parent had begun and not sent", function()
      local client = build.new(options(server))
      local call = client:start(JOB)
      local text = fork(function()
        local _, err = call:try_wait(5)
        return ("%s %s"):format(err.kind, err.outcome)
      end)
      assert.equal("usage unknown", text)
      assert.equal(NAME, call:wait(20).octopus_job_name)
      assert.equal(1, server:stats().processed)
      client:close()
    end)

    it("has clients that are not those of its own child", function()
      local client = build.new(options(server))
      local text = fork(function()
        local mine, also = build.new(options(server)), build.new(options(server))
        local below = fork(function()
          local own = build.new(options(server))
          local told =
            { tostring(pcall(mine.step, mine, 0)), tostring(pcall(client.step, client, 0)) }
          told[3] = own:run(JOB).octopus_job_name
          return table.concat(told, " ")
        end)
        return table.concat(
          { below, mine:run(JOB).octopus_job_name, also:run(JOB).octopus_job_name },
          " "
        )
      end)
      assert.equal(table.concat({ "false false", NAME, NAME, NAME }, " "), text)
      assert.equal(NAME, client:run(JOB).octopus_job_name)
      client:close()
    end)
  end)
end

describe("a child of a fork in a callback", function()
  local server, path

  before_each(function()
    server = require("spec.support.server").start { tls = true }
    path = os.tmpname()
  end)

  after_each(function()
    server:stop()
    os.remove(path)
  end)

  -- In which step an answer comes is the system's affair, so it is tried several times.
  it("sends nothing when it comes back into the step", function()
    local client = core.new(options(server))
    local ROUNDS = 10
    for _ = 1, ROUNDS do
      local calls, side = {}, nil
      local function busy()
        local ends = core.now() + 0.004 -- so that the step leaves the other callback to the next one
        while core.now() < ends do
        end
      end
      local function split()
        calls[3] = client:start(JOB)
        side = probe.split() and "child" or "parent"
      end
      for i = 1, 2 do
        calls[i] = client:start(JOB)
        calls[i]:on_done(i == 1 and busy or split)
      end
      while not side do
        pcall(client.step, client, 0)
      end
      if side == "child" then
        probe.leave()
      end
      probe.join()
      assert.equal(NAME, calls[3]:wait(20).octopus_job_name)
    end
    assert.equal(3 * ROUNDS, server:stats().processed)
    client:close()
  end)

  -- The parent goes on, whatever the child saw of the call.
  it("is told of a call with a key that it is open, after it has closed the client", function()
    local folder = os.tmpname()
    os.remove(folder)
    local all = options(server)
    all.key_store = require("codearts.build.key_store").file(folder)
    local client = build.new(all)
    server:behave "ok_on_release"
    local call = client:start(JOB, { key = core.uuid() })
    repeat
      client:step(0.01)
    until server:stats().waiting == 1
    local text = probe.fork(function()
      client:close()
      local told = {}
      for i, seconds in ipairs { false, 0.01 } do
        told[i] = select(2, call:try_wait(seconds or nil)).outcome
      end
      return table.concat(told, " ")
    end)
    assert.equal("unknown unknown", text)
    server:release()
    assert.is_table(call:wait())
    client:close()
    os.execute("rm -r " .. folder)
  end)

  -- One in which its connection is of no use any more.
  for attempt = 1, 2 do
    it("hears nothing for sure when it comes back into a store: attempt " .. attempt, function()
      local text, version, puts, side = nil, nil, 0, "parent"
      local all = options(server)
      all.retry = { base_delay = 0 }
      all.key_store = {
        get = function()
          return text, version
        end,
        put = function(_, new, expected)
          puts = puts + 1
          if puts == attempt then
            side = probe.split() and "child" or "parent"
          end
          if side == "child" then
            error("connection lost", 0)
          elseif expected ~= version then
            return nil, text, version
          end
          text, version = new, (version or 0) + 1
          return version
        end,
      }
      server:script(attempt == 2 and { "throttled" } or {})
      local client = build.new(all)
      local result, err = client:try_run(JOB, { key = core.uuid() })
      if side == "child" then
        local file = assert(io.open(path, "w"))
        file:write(tostring(err and err.outcome))
        file:close()
        probe.leave()
      end
      probe.join()
      assert.equal(NAME, result and result.octopus_job_name, tostring(err))
      assert.equal("unknown", assert(io.open(path)):read "*a")
      client:close()
    end)
  end

  for name, start in pairs({
    run = function(client, opts)
      local _, err = pcall(client.run, client, JOB, opts)
      return err
    end,
    try_run = function(client, opts)
      local _, err = client:try_run(JOB, opts)
      return err
    end,
    ["try_run with a key"] = function(client, opts)
      opts.key = core.uuid()
      local _, err = client:try_run(JOB, opts)
      return err
    end,
    try_wait = function(client, opts)
      local _, err = client:start(JOB, opts):try_wait(20)
      return err
    end,
  }) do
    it(("is told that a build may have been started, by %s"):format(name), function()
      local folder = os.tmpname()
      os.remove(folder)
      local all = options(server)
      all.key_store = require("codearts.build.key_store").file(folder)
      local client = build.new(all)
      local side
      local err = start(client, {
        on_event = function(event)
          if event.type == "request" and not side then
            side = probe.split() and "child" or "parent"
          end
        end,
      })
      if side == "child" then
        local file = assert(io.open(folder .. ".child", "w"))
        file:write(("%s %s"):format(tostring(err.kind), tostring(err.outcome)))
        file:close()
        probe.leave()
      end
      probe.join()
      local text = read_file(folder .. ".child")
      os.remove(folder .. ".child")
      os.execute("rm -rf " .. folder)
      assert.equal("usage unknown", text)
      client:close()
      assert.equal(1, server:stats().processed)
    end)
  end

  -- What the flow of a key does after an event is the parent's to do: a child that went on with it told of
  -- errors without an outcome, and wrote to the store.
  it(
    "leaves a start with a key to the parent, whichever event it was, and closed or not",
    function()
      local told, right = {}, {}
      local function note(closes, nth)
        local texts, swaps, events, side, there = {}, 0, 0, nil, nil
        local all = options(server)
        all.key_store = {
          get = function(key)
            return texts[key], texts[key]
          end,
          put = function(key, text, version)
            if texts[key] ~= version then
              return nil, texts[key], texts[key]
            end
            texts[key], swaps = text, swaps + 1
            return text
          end,
        }
        local client
        function all.on_event()
          events = events + 1
          if events == nth then
            there = swaps
            side = probe.split() and "child" or "parent"
            if side == "child" and closes then
              client:close()
            end
          end
        end
        client = build.new(all)
        local result, err =
          client:try_run(JOB, { key = core.uuid(), run_id = { parameter = "RUN_ID" } })
        if side == "child" then
          local file = assert(io.open(path, "w"))
          local outcome = type(err) == "table" and tostring(err.outcome) or "a result"
          file:write(("%s, %d swaps"):format(outcome, swaps - there))
          file:close()
          probe.leave()
        end
        assert.is_table(result)
        client:close()
        if not side then
          return false
        end
        probe.join()
        local file = assert(io.open(path))
        told[#told + 1] = ("%s %d: %s"):format(tostring(closes), nth, file:read "*a")
        right[#right + 1] = ("%s %d: unknown, 0 swaps"):format(tostring(closes), nth)
        file:close()
        return true
      end
      for _, closes in ipairs { false, true } do
        local nth = 1
        while nth <= 4 and note(closes, nth) do
          nth = nth + 1
        end
        assert.equal(5, nth) -- of the look and of the start
      end
      assert.same(right, told)
    end
  )

  it("leaves a streamed answer to the parent", function()
    local text = ("line after line\n"):rep(6)
    server:behave("slow", { interval = 0.005, body = text })
    local client = core.new(options(server))
    local got, child = {}, false
    local call = client:request({
      operation = "x",
      method = "GET",
      path = "/x",
      answer = "bytes",
      read_only = true,
      stream = function(piece)
        got[#got + 1] = piece
        if #got == 1 then
          child = probe.split()
          if child then
            error "enough"
          end
        end
      end,
    })
    local ok = true
    while ok and not call:done() do
      ok = pcall(client.step, client, 0.05)
    end
    if child then
      probe.leave()
    end
    probe.join()
    assert(call:wait(1))
    assert.equal(text, table.concat(got))
    -- The child must not break it off: it would end the connection, and have the parent wait in vain.
    server:behave("answer", { body = text })
    local more = client:request { method = "GET", path = "/x", answer = "bytes" }
    assert.equal(text, more:wait(10))
    local stats = server:stats()
    assert.same({ 1, 0, 2 }, { stats.connections, stats.closed, stats.processed })
    client:close()
  end)
end)

describe("the default client", function()
  it("is made anew in a forked child, and when it was closed", function()
    local server = require("spec.support.server").start()
    local output = host.run(host.service(server.url) .. host.lua([[
      local build = require "codearts.build"
      local probe = require "spec.support.probe"
      local job = { job_id = os.getenv "JOB_ID" }
      print(build.run(job).octopus_job_name)
      print((probe.fork(function()
        return build.run(job).octopus_job_name
      end)))
      print(build.run(job).octopus_job_name)
      build.default():close()
      print(build.run(job).octopus_job_name)]]))
    assert.equal((NAME .. "\n"):rep(4), output)
    -- One of the parent, one of the child, one after closing.
    assert.equal(3, server:stats().connections)
    server:stop()
  end)

  it("survives children that end with all their finalizers", function()
    local server = require("spec.support.server").start()
    -- What the child abandons looks like a leak.
    local output =
      host.run("ASAN_OPTIONS=detect_leaks=0 " .. host.service(server.url) .. host.lua([[
      local build = require "codearts.build"
      local probe = require "spec.support.probe"
      local job = { job_id = os.getenv "JOB_ID" }
      print(build.run(job).octopus_job_name)
      probe.fork(function()
        os.exit(0, true)
      end)
      print(build.run(job).octopus_job_name)]]))
    assert.equal((NAME .. "\n"):rep(2), output)
    assert.equal(1, server:stats().connections)
    server:stop()
  end)
end)
