-- build.run and its kin: one call from beginning to end, and the life of a client.
local build = require "codearts.build"
local core = require "codearts.build.core"
local run_job = require "spec.support.run_job"
local quote = require "spec.support.quote"

local JOB = { job_id = run_job.JOB_ID }
local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit") or "lua" .. _VERSION:match "%d%.%d"

-- What a new interpreter with these variables prints for a chunk.
local function run_lua(variables, chunk)
  local words = {
    "env -u CODEARTS_BUILD_REGION -u CODEARTS_BUILD_ENDPOINT -u CODEARTS_BUILD_TOKEN -u HUAWEICLOUD_SDK_REGION",
    "HOME=/nonexistent",
  }
  for name, value in pairs(variables) do
    words[#words + 1] = name .. "=" .. quote(value)
  end
  local pipe = assert(
    io.popen(("%s timeout 300 %s -e %s 2>&1"):format(table.concat(words, " "), LUA, quote(chunk)))
  )
  local text = pipe:read "*a"
  pipe:close()
  return text
end

describe("a run that is cut short", function()
  local bench
  local jit = rawget(_G, "jit")
  setup(function()
    bench = run_job.start()
    if jit then
      jit.off() -- what is compiled asks no hook
    end
  end)
  teardown(function()
    bench:stop()
    if jit then
      jit.on()
    end
  end)

  it("by a debug hook before it sent anything sends nothing later", function()
    local client = bench:new_client()
    client:run(JOB)
    local cut, ran = 0, false
    local at = 0
    while not ran do
      at = at + 1
      local before, left = bench.server:stats().processed, at
      local function count()
        left = left - 1
        if left == 0 then
          debug.sethook()
          error("time is up", 0)
        end
      end
      ran = pcall(function()
        debug.sethook(count, "", 1)
        local _ = client:run(JOB)
        debug.sethook()
      end)
      for _ = 1, 5 do
        bench.server:stats() -- by whose answer it has come a step further with what was sent already
      end
      local sent = bench.server:stats().processed - before
      assert.is_true(client:step(0.1) <= 1)
      assert.is_true(sent == bench.server:stats().processed - before or sent == 1)
      cut = cut + (ran and 0 or 1)
    end
    client:close()
    assert.is_true(cut > 10)
  end)

  it("by the end of the C stack tells whether a build may have been started", function()
    local client = bench:new_client()
    client:run(JOB)
    local function nested(levels, f)
      if levels == 0 then
        return f()
      end
      string.gsub("x", "x", function()
        nested(levels - 1, f)
      end)
    end
    local told = 0
    for levels = 150, 200 do
      local before = bench.server:stats().processed
      local _, problem
      pcall(nested, levels, function()
        _, problem = pcall(client.run, client, JOB)
      end)
      if type(problem) == "table" then
        told = told + 1
        assert.is_true(problem.actual_build_number == "20" or problem.outcome ~= nil)
      else
        assert.equal(before, bench.server:stats().processed, tostring(problem))
      end
    end
    client:close()
    assert.is_true(told > 10)
  end)
end)

describe("build.run", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)
  before_each(function()
    bench.server:reset()
  end)

  local function with_service(chunk, variables)
    local all =
      { CODEARTS_BUILD_ENDPOINT = bench.server.url, CODEARTS_BUILD_TOKEN = "of-the-environment" }
    for name, value in pairs(variables or {}) do
      all[name] = value
    end
    return run_lua(
      all,
      ('local build, JOB = require "codearts.build", %q\n'):format(run_job.JOB_ID) .. chunk
    )
  end

  it("needs nothing but the environment", function()
    local printed = with_service [[
      local result = build.run { job_id = JOB, parameter = { codeBranch = "master" } }
      print(result.octopus_job_name, result.actual_build_number, result.daily_build_number)
      print(build.default() == build.default(), build.try_run({ job_id = JOB }).actual_build_number)
      print(build.start({ job_id = JOB }):wait().actual_build_number)]]
    assert.equal("j_Oaqg3PCN\t20\t20200612.20\ntrue\t20\n20\n", printed)
    local stats = bench.server:stats()
    assert.equal(3, stats.processed)
    assert.equal(1, stats.connections)
    assert.equal("of-the-environment", stats.requests[1].headers["x-auth-token"])
  end)

  it("says what is missing in the environment", function()
    local chunk = [[
      local build = require "codearts.build"
      for _, f in ipairs { "run", "start" } do
        local ok, err = pcall(build[f], { job_id = "x" })
        print(ok, build.is_error(err), err.kind, err.field, err.outcome)
      end
      local ran, problem = pcall(build.run_all, {})
      print(ran, build.is_error(problem), problem.kind, problem.field, problem.outcome)
      local result, err = build.try_run { job_id = "x" }
      print(result, build.is_error(err), err.kind, err.field, err.outcome)]]
    local expected = "true\tconfig\tregion\tnot_started\n"
    assert.equal(("false\t" .. expected):rep(3) .. "nil\t" .. expected, run_lua({}, chunk))
  end)

  it("finds the default client anew once it is closed", function()
    assert.equal(
      "20\n20\n",
      with_service [[
        print(build.run({ job_id = JOB }).actual_build_number)
        build.default():close()
        print(build.run({ job_id = JOB }).actual_build_number)]]
    )
  end)

  it("uses one connection for one call after the other", function()
    for _ = 1, 10 do
      bench.client:run(JOB)
    end
    local stats = bench.server:stats()
    assert.equal(10, stats.processed)
    assert.is_true(stats.connections <= 1)
  end)

  it("works within coroutines", function()
    local result
    local routine = coroutine.wrap(function()
      result = bench.client:run(JOB)
    end)
    routine()
    assert.equal("20", result.actual_build_number)
  end)

  it("works in the middle of other calls", function()
    local calls = {}
    for i = 1, 20 do
      calls[i] = bench.client:start(JOB)
    end
    assert.equal("20", bench.client:run(JOB).actual_build_number)
    for _, call in ipairs(calls) do
      assert.equal("20", call:wait().actual_build_number)
    end
    assert.equal(21, bench.server:stats().processed)
  end)

  it("answers the result, or nil and the error", function()
    assert.equal(1, select("#", bench.client:run(JOB)))
    local result, err = bench.client:try_run(JOB)
    assert.equal("20", result.actual_build_number)
    assert.is_nil(err)
    bench.server:script { "forbidden" }
    result, err = bench.client:try_run(JOB)
    assert.is_nil(result)
    assert.equal("auth", err.kind)
  end)

  it("raises no bare text, however it is called", function()
    local client = bench.client
    for _, f in ipairs { client.run, client.start, client.try_run } do
      for _, self in ipairs { JOB, {}, 1, "x", print, client.core, setmetatable({}, {}) } do
        local ok, result, err = pcall(f, self, JOB)
        err = ok and err or result
        assert.is_true(build.is_error(err), tostring(err))
        assert.equal("usage", err.kind)
        assert.equal("self", err.field)
        assert.equal("not_started", err.outcome)
        assert.equal(f == client.try_run, ok)
      end
      local ok, result, err = pcall(f)
      assert.is_true(build.is_error(ok and err or result))
    end
    for _, opts in ipairs { { auth = {} }, { auth = { user = "u" } }, { auth = 1 }, 1 } do
      local _, err = client:try_run(JOB, opts)
      assert.is_true(build.is_error(err))
      assert.equal("not_started", err.outcome)
      assert.truthy(err.field:find "^auth" or err.field == "opts")
    end
    assert.equal(0, bench.server:stats().processed)
  end)

  it("raises no bare text from any method without its colon", function()
    local client = bench.client
    for _, method in ipairs {
      "build",
      "call",
      "close",
      "events",
      "history",
      "jobs",
      "pollfd",
      "request",
      "run_all",
      "sleep",
      "step",
      "task",
      "timeout",
      "wait_for",
    } do
      for _, self in ipairs { {}, 1, "x", print, client.core } do
        local ok, err = pcall(client[method], self, 1)
        assert.is_false(ok)
        assert.is_true(build.is_error(err), tostring(err))
        assert.same({ "usage", "self" }, { err.kind, err.field })
      end
      assert.is_true(build.is_error(select(2, pcall(client[method]))))
    end
  end)

  it("takes bad credentials of a call for a bad argument", function()
    for _, method in ipairs { "start", "run" } do
      local ok, err = pcall(bench.client[method], bench.client, JOB, { auth = { ak = "x" } })
      assert.is_false(ok)
      assert.same({ "usage", "not_started" }, { err.kind, err.outcome })
    end
    local ok, err = pcall(
      bench.client.request,
      bench.client,
      { path = "/" },
      { auth = { ak = "x" } }
    )
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.is_nil(err.outcome)
  end)

  it("gives the result even if a listener raises", function()
    local client = bench:new_client {
      on_event = function()
        error "listener"
      end,
    }
    local result, err = client:try_run(JOB)
    assert.is_nil(err)
    assert.equal("20", result.actual_build_number)
    assert.equal("20", client:run(JOB).actual_build_number)
    assert.equal(2, bench.server:stats().processed)
    pcall(client.step, client, 0) -- which raises it
    client:close()
  end)
end)

describe("a call object", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  it("ends once, and says so as often as it is asked", function()
    local call = bench.client:start(JOB)
    assert.is_false(call:done())
    local result, err = call:try_wait()
    assert.is_nil(result)
    assert.equal("timeout", err.kind)
    assert.equal("wait", err.reason)
    local first = call:wait()
    assert.is_true(call:done())
    assert.equal(first, call:wait())
    assert.equal(first, (call:try_wait()))
    assert.equal(first, call:wait(0))
  end)

  it("goes on when waiting runs out", function()
    bench.server:script { "ok_on_release" }
    local call = bench.client:start(JOB)
    local ok, err = pcall(call.wait, call, 0.01)
    assert.is_false(ok)
    assert.equal("timeout", err.kind)
    assert.equal("wait", err.reason)
    assert.equal("unknown", err.outcome)
    while bench.server:stats().waiting < 1 do
      bench.client:step(0.1)
    end
    bench.server:release()
    assert.equal("20", call:wait().actual_build_number)
  end)

  it("does not take nonsense for a time", function()
    local call = bench.client:start(JOB)
    for _, time in ipairs { -1, "1", true, {}, 0 / 0 } do
      local ok, err = pcall(call.wait, call, time)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.equal("timeout", err.field)
    end
    call:wait(math.huge)
  end)

  it("may be forgotten", function()
    bench.server:reset()
    bench.client:start(JOB)
    collectgarbage()
    collectgarbage()
    while bench.client:step(1) > 0 do
      collectgarbage()
    end
    assert.equal(1, bench.server:stats().processed)
  end)
end)

describe("a client", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  before_each(function()
    bench.server:reset()
  end)

  it("may be closed twice, and is of no use afterwards", function()
    local client = bench:new_client()
    client:run(JOB)
    client:close()
    client:close()
    for _, f in ipairs {
      function()
        return client:run(JOB)
      end,
      function()
        return client:start(JOB)
      end,
      function()
        return client:step(0)
      end,
      function()
        return client:pollfd()
      end,
      function()
        return client:events()
      end,
      function()
        return client:timeout()
      end,
      function()
        return client:sleep(0)
      end,
      function()
        return client:request { path = "/" }
      end,
    } do
      local ok, err = pcall(f)
      assert.is_false(ok)
      assert.is_true(build.is_error(err), tostring(err))
      assert.equal("usage", err.kind)
    end
    local _, err = client:try_run(JOB)
    assert.equal("usage", err.kind)
  end)

  it("ends its calls when it is closed", function()
    bench.server:script({}, "never_answer")
    local client = bench:new_client()
    local told = {}
    local waiting = client:start(JOB)
    waiting:on_done(function(result, err)
      told[#told + 1] = { result, err }
    end)
    while bench.server:stats().processed < 1 do
      client:step(0.05)
    end
    local unsent = client:start(JOB)
    client:close()
    assert.equal(1, #told)
    local _, err = waiting:try_wait()
    assert.equal("cancelled", err.kind)
    assert.equal("unknown", err.outcome)
    assert.equal(told[1][2], err)
    _, err = unsent:try_wait()
    assert.equal("cancelled", err.kind)
    assert.equal("not_started", err.outcome)
    assert.is_true(unsent:done())
  end)

  local VERSION = _VERSION:match "%d%.%d"
  it("is closed at the end of a block from Lua 5.4 on", function()
    local chunk = (loadstring or load)(
      "local client, JOB = ...; do local held <close> = client; held:run(JOB) end return pcall(client.run, client, JOB)"
    )
    if VERSION >= "5.4" then
      local ok, err = chunk(bench:new_client(), JOB)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    else
      assert.is_nil(chunk)
    end
  end)

  it("lets go of its connections when it is collected", function()
    for _ = 1, 3 do
      bench:new_client():run(JOB)
    end
    for _ = 1, 4 do
      collectgarbage()
    end
    bench.server:wait_for(3, "closed")
  end)

  it("forgets the credentials of calls that came to nothing, or have ended", function()
    local client = bench:new_client()
    local function auth()
      return "of-this-call"
    end
    for _, method in ipairs { "run", "try_run", "start", "request" } do
      pcall(client[method], client, { job_id = "bad" }, { auth = auth })
      assert.same({}, client.sources)
    end
    assert.equal("20", client:run(JOB, { auth = auth }).actual_build_number)
    client:step(0)
    assert.same({}, client.sources)
    client:close()
  end)

  it("sends any request as who the call says", function()
    local client = bench:new_client()
    local spec = { method = "POST", path = "/v3/jobs/build", body = "{}", operation = "Any" }
    client
      :request(spec, {
        auth = function()
          return "of-this-request"
        end,
      })
      :wait()
    assert.equal("of-this-request", bench.server:stats().requests[1].headers["x-auth-token"])
    client:close()
  end)

  it("refuses to wait in the functions of its own sign-in", function()
    local client
    local seen = {}
    client = bench:new_client {
      auth = function()
        local result, err = client:try_run(JOB)
        seen[1] = { result == nil, err.kind, err.outcome }
        for i, f in ipairs { client.run, client.step, client.run_all } do
          local ok, problem =
            pcall(f, client, f == client.run and JOB or f == client.step and 0 or {})
          seen[i + 1] = { not ok, problem.kind, problem.outcome }
        end
        local call = client:sleep(0)
        local ok, problem = pcall(call.wait, call)
        seen[5] = { not ok, problem.kind, problem.outcome }
        return "a-fake-token"
      end,
    }
    assert.equal("20", client:run(JOB).actual_build_number)
    local refused = { true, "usage", "not_started" }
    assert.same({ refused, refused, { true, "usage" }, refused, { true, "usage" } }, seen)
    assert.equal(1, bench.server:stats().processed)
    assert.equal("20", client:run(JOB).actual_build_number)
    client:close()
  end)

  it("shows no secret to who looks at it", function()
    for _, auth in ipairs {
      { ak = "an-ak", sk = "SECRET-1", security_token = "SECRET-2", project_id = "p" },
      { user = "u", domain = "d", project = "p", password = "SECRET-3" },
      { token = "SECRET-4" },
      "SECRET-5",
    } do
      local client = bench:new_client { auth = auth }
      local seen = {}
      local function look(value)
        if type(value) == "string" then
          assert.is_nil(value:find("SECRET", 1, true))
        elseif type(value) == "table" and not seen[value] then
          seen[value] = true
          for name, member in next, value do
            look(name)
            look(member)
          end
          look(getmetatable(value))
        end
      end
      look(client)
      client:close()
    end
  end)

  it("keeps its settings to itself", function()
    local options = { headers = { ["X-A"] = "1" }, retry = { max_attempts = 1 } }
    local client = bench:new_client(options)
    options.headers["X-A"] = "2"
    options.retry.max_attempts = 9
    client:run(JOB)
    assert.equal("1", bench.server:stats().requests[1].headers["x-a"])
    client:close()
  end)
end)

describe("the module", function()
  it("has a version, and those of what it stands on", function()
    assert.truthy(build._VERSION:find "^%d+%.%d+%.%d+$")
    local versions = build.versions()
    assert.equal(build._VERSION, versions.build)
    assert.truthy(versions.libcurl:find "%d+%.%d+%.%d+")
    assert.truthy(versions.tls:find "%d")
    assert.truthy(versions.lua:find "5%.%d")
    assert.truthy(versions.cjson:find "%d")
  end)

  it("has lua-cjson's null", function()
    assert.equal(require("cjson").null, build.null)
    assert.equal(core.null, build.null)
  end)

  it("makes no globals, and no default client before it is asked for one", function()
    local printed = run_lua(
      {},
      [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      require "codearts.build"
      for name in pairs(_G) do if not before[name] then print("global", name) end end
      for _, name in ipairs { "luv", "ngx", "vim", "http", "cqueues", "argparse", "socket" } do
        if package.loaded[name] then print("loaded", name) end
      end
      for name in pairs(package.loaded) do
        if name:find "^http%." or name:find "^cqueues" or name:find "lifecycle" or name:find "operations" then
          print("loaded", name)
        end
      end]]
    )
    assert.equal("", printed)
  end)
end)
