-- One build for all who use a key, counted at the service.

local build = require "codearts.build"
local core = require "codearts.build.core"
local gates = require "spec.support.gate"
local key_store = require "codearts.build.key_store"
local sandbox = require "codearts.build.sandbox"
local sandboxes = require "spec.support.sandbox_client"
local servers = require "spec.support.server"

local JOB = "samplejob00000000000000000000001"
local RUN_ID = { parameter = "RUN_ID" }

local function folder_of()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function remove(path)
  os.execute("rm -rf " .. path)
end

describe("a start with a key", function()
  local server, folder, client

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    folder = folder_of()
    client = build.new {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      retry = { max_attempts = 3, base_delay = 0 },
      key_store = key_store.file(folder),
    }
  end)
  after_each(function()
    client:close()
    remove(folder)
  end)

  local ARGS = { job_id = JOB, parameter = { codeBranch = "master" } }

  it("starts one build, and is told it again and again", function()
    local first = client:run(ARGS, { key = "release-1" })
    assert.equal("20", first.actual_build_number)
    assert.equal("release-1", build.meta(first).key)
    assert.is_nil(build.meta(first).replayed)
    for _ = 1, 3 do
      local again = client:run(ARGS, { key = "release-1" })
      assert.same({ first.actual_build_number, first.daily_build_number, first.octopus_job_name }, {
        again.actual_build_number,
        again.daily_build_number,
        again.octopus_job_name,
      })
      local meta = build.meta(again)
      assert.is_true(meta.replayed)
      assert.equal(JOB, meta.job_id)
      assert.equal("function", type(again.wait))
    end
    assert.equal(1, server:stats().processed)
    client:run(ARGS, { key = "release-2" })
    assert.equal(2, server:stats().processed)
  end)

  it(
    "keeps methods apart from members that are called so, and those apart from its record",
    function()
      server:script {
        {
          "answer",
          body = '{"octopus_job_name":"j","actual_build_number":20,"daily_build_number":"d","status":"s"}',
        },
      }
      local first = client:run(ARGS, { key = "k" })
      assert.is_function(first.status)
      assert.same({ status = "s" }, build.meta(first).members)
      assert.equal("k", build.meta(first).key)
      local again = client:run(ARGS, { key = "k" })
      assert.is_true(build.meta(again).replayed)
      assert.is_function(again.status)
      assert.equal("20", again.actual_build_number)
      assert.is_nil(build.meta(again).members)
    end
  )

  it("signs the date that its record committed", function()
    client:run(ARGS, { key = "k" })
    local files = io.popen("cat " .. folder .. "/*.key")
    local lines = {}
    for line in files:lines() do
      lines[#lines + 1] = core.decode(line)
    end
    files:close()
    assert.equal(2, #lines)
    assert.same({ "open", "done" }, { lines[1].state, lines[2].state })
    local signed = server:stats().requests[1].headers["x-sdk-date"]
    local calendar = os.date("!%Y%m%dT%H%M%SZ", lines[1].signed_at)
    assert.equal(calendar, signed)
    assert.equal(lines[1].signed_at + 900, lines[1].fence_at)
    assert.equal("20", lines[2].build.actual_build_number)
    for _, line in ipairs(lines) do
      assert.is_nil(core.encode(line):find("master", 1, true))
    end
  end)

  it("commits each attempt anew", function()
    server:script { { "answer", status = 429, body = "" } }
    client:run(ARGS, { key = "k" })
    assert.equal(2, #server:stats().requests)
    local files = io.popen("cat " .. folder .. "/*.key")
    local attempts = {}
    for line in files:lines() do
      attempts[#attempts + 1] = core.decode(line).attempt
    end
    files:close()
    assert.same({ 1, 2, 2 }, attempts)
  end)

  it("refuses other arguments, and names the one that differs", function()
    client:run(ARGS, { key = "k" })
    local cases = {
      { { job_id = JOB, parameter = { codeBranch = "main" } }, {}, "parameter.codeBranch" },
      { { job_id = JOB }, {}, "parameter.codeBranch" },
      {
        { job_id = JOB, parameter = { codeBranch = "master", other = "x" } },
        {},
        "parameter.other",
      },
      {
        { job_id = JOB, parameter = { codeBranch = "master" }, scm = { build_tag = build.null } },
        {},
        "scm.build_tag",
      },
      { ARGS, { run_id = RUN_ID }, "run_id.parameter" },
    }
    for _, case in ipairs(cases) do
      case[2].key = "k"
      local result, err = client:try_run(case[1], case[2])
      assert.is_nil(result)
      assert.same(
        { "key", "mismatch", case[3], "started", false },
        { err.kind, err.reason, err.field, err.outcome, err.retryable }
      )
    end
    -- The same in another order, and as the service gets it.
    local list = { { name = "codeBranch", value = "master" } }
    assert(client:try_run({ job_id = JOB, parameter = list }, { key = "k" }))
    assert.equal(1, server:stats().processed)
  end)

  it("is the same however the address of the service is spelled", function()
    client:run(ARGS, { key = "k" })
    local port = server.url:match ":(%d+)$"
    local forms =
      { "HTTP://127.0.0.1:%s", "http:/127.0.0.1:%s/", "http://127.1:0%s", "http://0x7f000001:%s" }
    for _, form in ipairs(forms) do
      local other = build.new {
        endpoint = form:format(port) .. ",http://127.0.0.1:1",
        auth = { ak = "AK", sk = "SK" },
        retry = false,
        key_store = key_store.file(folder),
      }
      assert.is_true(build.meta(other:run(ARGS, { key = "k" })).replayed)
      other:close()
    end
    assert.equal(1, server:stats().processed)
  end)

  it("is the same for all spellings of an IPv6 address", function()
    local scope = require("codearts.build.keys.record").scope
    local forms = {
      ["https://[::ffff:127.0.0.1]:443/j/k"] = {
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]:443",
        "[::FFFF:7F00:0001]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
      },
      ["https://[2001:db8::1]:8080/j/k"] = {
        "[2001:db8::1]:8080",
        "[2001:DB8:0:0:0:0:0:1]:8080",
        "[2001:db8:0::0:1]:8080",
      },
    }
    for expected, spellings in pairs(forms) do
      for _, form in ipairs(spellings) do
        local other = build.new { endpoint = "https://" .. form, auth = "t" }
        assert.equal(expected, scope(other.addresses[1], "j", "k"))
        other:close()
      end
    end
  end)

  it("is in the options themselves, and refused where it only seems to be", function()
    local function inheriting(name, index)
      local seems =
        { key = "k", key_wait = 1, when_lost = "stop", settle = 1, run_id = { parameter = "R" } }
      local opts = name ~= "key" and { key = "k" } or {}
      local function get(_, asked)
        return asked == name and seems[name] or nil
      end
      return setmetatable(opts, { __index = index == "table" and { [name] = seems[name] } or get })
    end
    for _, name in ipairs { "key", "key_wait", "when_lost", "settle", "run_id" } do
      for _, index in ipairs { "table", "function" } do
        local opts = inheriting(name, index)
        local _, err = client:try_run(ARGS, opts)
        assert.same({ "usage", name, "not_started" }, { err.kind, err.field, err.outcome })
        for _, start in ipairs {
          function()
            client:run(ARGS, opts)
          end,
          function()
            client:start(ARGS, opts)
          end,
          function()
            client:call("ExecuteJob", ARGS, opts)
          end,
          function()
            client:run_all({ ARGS }, opts)
          end,
        } do
          local ok, raised = pcall(start)
          assert.is_false(ok)
          assert.same(
            { "usage", name, "not_started" },
            { raised.kind, raised.field, raised.outcome }
          )
        end
      end
    end
    local item = setmetatable({ job_id = JOB }, { __index = { key = "k" } })
    assert.equal("key", client:run_all({ item })[1].error.field)
    local unkeyed = setmetatable({}, { __index = { run_id = { parameter = "R" } } })
    assert.equal("run_id", select(2, client:try_run(ARGS, unkeyed)).field)
    local options = setmetatable(
      { endpoint = server.url, auth = "a" },
      { __index = { key_store = {} } }
    )
    local ok, err = pcall(build.new, options)
    assert.same({ false, "key_store" }, { ok, err.field })
    assert.equal(0, server:stats().processed)
    local trap = setmetatable({ timeout = 5 }, { __index = error })
    assert(client:run(ARGS, trap))
  end)

  it("is the same for a name with its dot, and with its scheme's own port", function()
    local scope = require("codearts.build.keys.record").scope
    for _, form in ipairs {
      "Build.Example.com",
      "build.example.com.",
      "https://build.example.com.:443",
    } do
      local other = build.new { endpoint = form, auth = "t" }
      assert.equal("https://build.example.com:443/j/k", scope(other.addresses[1], "J", "k"))
      other:close()
    end
  end)

  it("is free again when it was refused", function()
    server:script { "forbidden" }
    local result, err = client:try_run(ARGS, { key = "k" })
    assert.is_nil(result)
    assert.same({ "auth", "not_started" }, { err.kind, err.outcome })
    result = client:run({ job_id = JOB, parameter = { codeBranch = "other" } }, { key = "k" })
    assert.equal("20", result.actual_build_number)
    assert.is_nil(build.meta(result).replayed)
  end)

  it("stays in doubt when its answer was lost and nothing can show it", function()
    server:script { "close_after_body" }
    local result, err = client:try_run(ARGS, { key = "k" })
    assert.is_nil(result)
    assert.same(
      { "key", "in_doubt", "unknown", true },
      { err.kind, err.reason, err.outcome, err.retryable }
    )
    assert.equal("number", type(err.fence_at))
    result, err = client:try_run(ARGS, { key = "k", key_wait = 0.05 })
    assert.is_nil(result)
    assert.equal("in_doubt", err.reason)
    assert.equal(1, server:stats().processed)
  end)

  it("takes its turn in a client, and in run_all", function()
    local calls = {}
    for i = 1, 20 do
      calls[i] = client:start(ARGS, { key = "k" })
    end
    local numbers = {}
    for _, call in ipairs(calls) do
      local result = call:wait(30)
      numbers[result.actual_build_number] = true
    end
    assert.same({ ["20"] = true }, numbers)
    assert.equal(1, server:stats().processed)
  end)

  it("runs many keys at once", function()
    local calls = {}
    for i = 1, 100 do
      calls[i] = client:start(ARGS, { key = "k" .. i })
    end
    for _, call in ipairs(calls) do
      assert.equal("20", call:wait(60).actual_build_number)
    end
    assert.equal(100, server:stats().processed)
  end)

  it("is busy while another process holds it", function()
    client:run(ARGS, { key = "other" }) -- makes the folder
    server:script { "never_answer" }
    local held = client:start(ARGS, { key = "k" })
    while server:stats().processed < 2 do
      client:step(0.05)
    end
    local second = build.new {
      endpoint = server.url,
      auth = "a-token",
      key_store = key_store.file(folder),
    }
    local result, err = second:try_run(ARGS, { key = "k", key_wait = 0.1 })
    assert.is_nil(result)
    assert.same({ "key", "busy", "unknown", true }, {
      err.kind,
      err.reason,
      err.outcome,
      err.retryable,
    })
    assert.equal(core.process().pid, err.owner.pid)
    second:close()
    held:cancel()
    assert.equal(2, server:stats().processed)
  end)

  it("takes no bad options, and sends nothing for them", function()
    local bad = {
      { { key = "" }, "key" },
      { { key = ("k"):rep(201) }, "key" },
      { { key = "a b" }, "key" },
      { { key = "a\0b" }, "key" },
      { { key = "ü" }, "key" },
      { { key = 5 }, "key" },
      { { key = "k", key_wait = -1 }, "key_wait" },
      { { key = "k", key_wait = math.huge }, "key_wait" },
      { { key = "k", settle = "x" }, "settle" },
      { { key = "k", when_lost = "always" }, "when_lost" },
      { { key = "k", when_lost = "resend" }, "when_lost" },
      { { key = "k", timeuot = 1 }, "timeuot" },
      { { settle = 1 }, "settle" },
    }
    for _, case in ipairs(bad) do
      local ok, err = pcall(client.start, client, ARGS, case[1])
      assert.is_false(ok)
      assert.same(
        { "usage", case[2], "not_started" },
        { err.kind, err.field, err.outcome },
        case[2]
      )
    end
    assert.equal(0, server:stats().heads)
  end)

  it("sends nothing when its store is in trouble", function()
    local stores = {
      raises = {
        get = function()
          error "broken"
        end,
        put = function() end,
      },
      errors = {
        get = function()
          return nil, core.error { kind = "transport", message = "no" }
        end,
        put = function() end,
      },
      yields = {
        get = function()
          coroutine.yield(1)
        end,
        put = function() end,
      },
      nonsense = {
        get = function()
          return "{}", 1
        end,
        put = function() end,
      },
      future = {
        get = function()
          return '{"v":2}', 1
        end,
        put = function() end,
      },
      number = {
        get = function()
          return 5, 5
        end,
        put = function() end,
      },
    }
    for name, store in pairs(stores) do
      local own = build.new { endpoint = server.url, auth = "a-token", key_store = store }
      local result, err = own:try_run(ARGS, { key = "k" })
      assert.is_nil(result, name)
      assert.equal("not_started", err.outcome, name)
      assert.truthy(err.kind == "key" or err.kind == "transport", name)
      own:close()
    end
    assert.equal(0, server:stats().heads)
    for _, store in ipairs { 5, {}, { get = print }, { get = print, put = print, hold = 1 } } do
      local ok, err = pcall(build.new, { endpoint = server.url, auth = "t", key_store = store })
      assert.is_false(ok)
      assert.truthy(err.field:find "^key_store")
    end
  end)
end)

describe("a record in files", function()
  local server, folder, client

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    folder = folder_of()
    client =
      build.new { endpoint = server.url, auth = "a-token", key_store = key_store.file(folder) }
  end)
  after_each(function()
    client:close()
    remove(folder)
  end)

  -- A worker's threads live as long as their client. Nil where the system does not tell.
  local function threads()
    collectgarbage()
    collectgarbage()
    local pipe = io.popen(("ls /proc/%d/task 2>/dev/null | grep -c ."):format(core.process().pid))
    local count = tonumber(pipe:read "*a")
    pipe:close()
    return count > 0 and count or nil
  end

  --- How many threads it takes, of what is done with a new client.
  local function threads_for(f)
    local before = threads()
    if not before then
      pending "the system does not tell how many threads there are"
    end
    f()
    return threads() - before
  end

  it("takes no thread for who waits for that alone", function()
    assert.equal(
      0,
      threads_for(function()
        client:run({ job_id = JOB }, { key = "run" })
        assert.equal("run", build.meta(client:run({ job_id = JOB }, { key = "run" })).key)
        assert.truthy(client:try_run({ job_id = JOB }, { key = "another" }))
      end)
    )
    assert.equal(2, server:stats().processed)
  end)

  local others = {
    ["a loop that steps"] = function()
      local call = client:start({ job_id = JOB }, { key = "k" })
      while not call:done() do
        client:step(10)
      end
    end,
    ["who waits a while only"] = function()
      client:start({ job_id = JOB }, { key = "k" }):wait(60)
    end,
    ["what else is under way"] = function()
      client:sleep(60)
      client:run({ job_id = JOB }, { key = "k" })
    end,
    ["another start"] = function()
      local first = client:start({ job_id = JOB }, { key = "k" })
      client:run({ job_id = JOB }, { key = "another" })
      first:wait()
    end,
  }
  for who, f in pairs(others) do
    it("is left to a thread for " .. who, function()
      assert.truthy(threads_for(f) > 0)
    end)
  end
end)

describe("a key with a run id", function()
  local box, gate, folder, client

  setup(function()
    box = sandbox.start {}
    gate = gates.start(box.endpoint)
  end)
  teardown(function()
    gate:stop()
    box.stop()
  end)
  before_each(function()
    gate:reset()
    folder = folder_of()
    client = build.new {
      endpoint = gate.url,
      auth = box.token,
      retry = false,
      timeout = 5,
      key_store = key_store.file(folder),
    }
  end)
  after_each(function()
    client:close()
    remove(folder)
  end)

  local function builds()
    return client:history(JOB).total
  end

  it("finds it in the history when the store was lost", function()
    local key = core.uuid()
    local first = client:run({ job_id = JOB }, { key = key, run_id = RUN_ID })
    remove(folder)
    local before = builds()
    local again = client:run({ job_id = JOB }, { key = key, run_id = RUN_ID })
    assert.equal(first.actual_build_number, again.actual_build_number)
    assert.same({ true, true }, { build.meta(again).replayed, build.meta(again).reconciled })
    assert.equal(first.octopus_job_name, again.octopus_job_name)
    assert.equal(before, builds())
  end)

  -- nginx writes a Date of its own.
  it("finds it though a gateway's clock was hours ahead", function()
    local asked = sandboxes.of(box)
    -- The first look is answered by the wrong clock.
    local function on_event(event)
      if event.type == "response" then
        asked:request("POST", "/__sandbox/clock?ahead=0")
      end
    end
    local early = build.new {
      endpoint = gate.url,
      auth = box.token,
      retry = false,
      timeout = 5,
      key_store = key_store.file(folder),
      on_event = on_event,
    }
    asked:request("POST", "/__sandbox/clock?ahead=28800")
    asked:request("POST", "/__sandbox/lose")
    local result = early:run(
      { job_id = JOB },
      { key = "release-1", run_id = RUN_ID, key_wait = 10 }
    )
    assert.is_true(build.meta(result).reconciled)
    early:close()
  end)
end)
