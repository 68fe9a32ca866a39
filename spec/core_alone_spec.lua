-- The C core without any Lua file, and what loading it does: nothing.
local core = require "codearts.build.core"
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local quote = require "spec.support.quote"
local strace = require "spec.support.strace"

local JOB = { job_id = run_job.JOB_ID }
local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")

local function sh(command, ...)
  local words = {}
  for i, word in ipairs { ... } do
    words[i] = quote(word)
  end
  local pipe =
    assert(io.popen("{ " .. command:format((unpack or table.unpack)(words)) .. "\n} 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- The file that `require(name)` loads from a path, and the folder that stands for the "?".
local function find(name, path)
  for template in path:gmatch "[^;]+" do
    local candidate = template:gsub("%?", (name:gsub("%.", "/")))
    local file = io.open(candidate)
    if file then
      file:close()
      return candidate, (template:gsub("/%?.*", ""))
    end
  end
  error("no " .. name .. " in " .. path)
end

local CORE = find("codearts.build.core", package.cpath)
local CJSON = find("cjson", package.cpath)

describe("the core alone", function()
  local server, folder
  setup(function()
    server = servers.start()
    folder = sh("mktemp -d"):match "^(%S+)"
    sh(
      "mkdir -p %s && cp %s %s && cp %s %s",
      folder .. "/codearts/build",
      CORE,
      folder .. "/codearts/build/core.so",
      CJSON,
      folder .. "/cjson.so"
    )
  end)
  teardown(function()
    sh("rm -r %s", folder)
    server:stop()
  end)

  -- In an interpreter that can load these two files and nothing else.
  local function run(...)
    return sh(
      "cd / && env -i CODEARTS_BUILD_TOKEN=fake-token PATH=%s ASAN_OPTIONS=%s LUA_PATH=/nonexistent/?.lua LUA_CPATH=%s timeout 300 %s"
        .. (" %s"):rep(select("#", ...)),
      os.getenv "PATH",
      os.getenv "ASAN_OPTIONS" or "",
      folder .. "/?.so",
      LUA,
      ...
    )
  end

  it("does one complete run, as the example shows", function()
    local example = sh("pwd"):match "^[^\n]+" .. "/examples/core_alone.lua"
    assert.equal("started\tj_Oaqg3PCN\t20\t20200612.20\n", run(example, server.url, JOB.job_id))
    local requests = server:stats().requests
    assert.equal(1, #requests)
    assert.equal("fake-token", requests[1].headers["x-auth-token"])
    assert.equal(
      ('{"job_id":"%s","parameter":[{"name":"codeBranch","value":"master"}],"scm":{"build_tag":null}}'):format(
        JOB.job_id
      ),
      requests[1].body
    )
    server:script { "forbidden" }
    assert.equal(
      "RunJob: auth error: no build was started: 403 APIGW.0302 the user may not call this API (request id 0f3c)\n",
      run(example, server.url, JOB.job_id)
    )
    assert.truthy(
      run(example, server.url, "no-job"):find "^usage error: no build was started: job_id: "
    )
  end)

  it("loads nothing but itself, and lua-cjson with the first client", function()
    local chunk = [[
      local before = {}
      for name in pairs(package.loaded) do before[name] = true end
      for name in pairs(_G) do before["_G." .. name] = true end
      local core = require "codearts.build.core"
      local function tell()
        local names = {}
        for name in pairs(package.loaded) do if not before[name] then names[#names + 1] = name end end
        for name in pairs(_G) do if not before["_G." .. name] then names[#names + 1] = "_G." .. name end end
        table.sort(names)
        print(table.concat(names, " "))
      end
      tell()
      core.new { endpoint = "http://127.0.0.1:9", auth = "t" }:close()
      tell()]]
    assert.equal("codearts.build.core\ncjson codearts.build.core\n", run("-e", chunk))
  end)

  it("reads no environment", function()
    local chunk = ([[
      local client = require "codearts.build.core".new { endpoint = %q, auth = "t" }
      print(client:run({ job_id = %q }).actual_build_number)]]):format(server.url, JOB.job_id)
    server:reset()
    local printed = sh(
      "env http_proxy=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9"
        .. " CODEARTS_BUILD_ENDPOINT=http://127.0.0.1:9 CODEARTS_BUILD_TOKEN=other"
        .. " CURL_CA_BUNDLE=/nonexistent SSL_CERT_FILE=/nonexistent timeout 300 %s -e %s",
      LUA,
      chunk
    )
    assert.equal("20\n", printed)
    assert.equal("t", server:stats().requests[1].headers["x-auth-token"])
  end)

  it("can be told apart from the facade's client by nothing that matters", function()
    local client = core.new { endpoint = server.url, auth = "t", retry = false }
    assert.equal("20", client:run(JOB).actual_build_number)
    assert.equal("20", client:try_run(JOB).actual_build_number)
    local call = client:start(JOB)
    local told
    assert.equal(
      call,
      call:on_done(function(result, err)
        told = { result, err }
      end)
    )
    assert.equal("20", call:wait().actual_build_number)
    assert.equal("20", (call:try_wait()).actual_build_number)
    assert.is_true(call:done())
    client:step(0)
    assert.equal("20", told[1].actual_build_number)
    assert.is_nil(told[2])
    assert.equal("number", type(client:pollfd()))
    assert.equal("r", client:events())
    assert.equal(0, client:step(0))
    server:script { "forbidden" }
    local ok, err = pcall(client.run, client, JOB)
    assert.is_false(ok)
    assert.equal("auth", err.kind)
    local result, returned = client:try_run(JOB, { timeout = -1 })
    assert.is_nil(result)
    assert.equal("timeout", returned.field)
    client:close()
    client:close()
    result, returned = client:try_run(JOB)
    assert.is_nil(result)
    assert.equal("usage", returned.kind)
  end)

  it("calls what its maker has to do after each step of a run, and survives it", function()
    local client = core.new { endpoint = server.url, auth = core.identity(), retry = false }
    local refused = core.new { endpoint = server.url, auth = "t", retry = false }
    local identity = core.identity()
    local steps = 0
    local result = refused:run(JOB, { auth = identity }, function()
      steps = steps + 1
      if identity:wanted() then
        identity:set { token = "a-token" }
      end
    end)
    assert.equal("20", result.actual_build_number)
    assert.is_true(steps >= 2)
    -- What it raises ends the wait, not the call: the error says that a build may have been started.
    server:script { { "answer", status = 429 }, "never_answer" }
    local err
    result, err = refused:try_run(JOB, { retry = { max_attempts = 2 }, deadline = 60 }, function()
      error "broken"
    end)
    assert.is_nil(result)
    assert.equal("unknown", err.outcome)
    assert.truthy(err.message:find("broken", 1, true), tostring(err))
    refused:close()
    server:reset()
    -- It may close the client, and end the call so.
    result, err = client:try_run(JOB, nil, function()
      client:close()
    end)
    assert.is_nil(result)
    assert.equal("cancelled", err.kind)
    assert.equal("not_started", err.outcome)
    server:reset()
  end)

  it("says of a lost answer that it cannot ask, and knows what to look for", function()
    server:reset()
    for _, meta in ipairs { false, {} } do
      server:script { "close_after_body" }
      local client = core.new({ endpoint = server.url, auth = "t" }, meta or nil)
      local _, err = client:try_run(JOB, { run_id = { parameter = "RUN_ID" } })
      assert.equal("unknown", err.outcome)
      local found = err:reconcile { timeout = 0 }
      assert.same({ "unknown", {} }, { found.verdict, found.candidates })
      assert.equal("config", found.error.kind)
      assert.equal(JOB.job_id, core.meta(err).job_id)
      assert.equal(36, #core.meta(err).run_id)
      client:close()
    end
    assert.equal(2, server:stats().processed)
    server:reset()
  end)

  it("gives results the metatable that it was given", function()
    local meta = { __index = { hello = "world" } }
    local client = core.new({ endpoint = server.url, auth = "t" }, meta)
    local result = client:run(JOB)
    assert.equal(meta, getmetatable(result))
    assert.equal("world", result.hello)
    client:close()
    client = core.new { endpoint = server.url, auth = "t" }
    assert.is_nil(getmetatable(client:run(JOB)))
    client:close()
  end)

  it("never raises a bare text, whatever it is called with", function()
    local client = core.new { endpoint = server.url, auth = "t", retry = false }
    local call = client:start(JOB)
    call:wait()
    local identity = core.identity()
    local values = {
      1,
      "x",
      true,
      {},
      tostring,
      io.stdout,
      core.null,
      client,
      call,
      identity,
      coroutine.create(function() end),
    }
    local function try(f, ...)
      local ok, err = pcall(f, ...)
      assert(ok or core.is_error(err) or tostring(err):find "^bad argument", tostring(err))
      return ok, err
    end
    for _, name in ipairs {
      "run",
      "try_run",
      "start",
      "request",
      "sleep",
      "step",
      "pollfd",
      "events",
      "timeout",
      "close",
    } do
      for _, value in ipairs(values) do
        if value ~= client then
          local ok, err = try(client[name], value, JOB)
          assert.is_true(core.is_error(err) or (ok and name == "try_run"), name)
        end
      end
      local _, err = pcall(client[name])
      assert.is_true(core.is_error(err) or name == "try_run", name)
    end
    for _, name in ipairs { "wait", "try_wait", "done", "cancel", "on_done" } do
      for _, value in ipairs(values) do
        if value ~= call then
          local _, err = try(call[name], value)
          assert.is_true(core.is_error(err), name)
        end
      end
    end
    for _, name in ipairs { "wanted", "set", "fail" } do
      for _, value in ipairs(values) do
        if value ~= identity then
          local _, err = try(identity[name], value, {})
          assert.is_true(core.is_error(err), name)
        end
      end
    end
    for _, value in ipairs(values) do
      try(core.new, value)
      try(client.step, client, value == 1 and 0 or value)
      try(client.sleep, client, value == 1 and 0 or value)
      try(call.wait, call, value)
      try(call.on_done, call, value)
      try(identity.set, identity, value)
      try(core.encode, value)
      try(core.decode, value)
      try(core.meta, value)
      try(core.is_error, value)
      try(core.error, value)
      try(core.sign, value)
      for name in pairs {
        path = 1,
        url = 1,
        method = 1,
        query = 1,
        headers = 1,
        body = 1,
        auth = 1,
        answer = 1,
        secrets = 1,
        stream = 1,
      } do
        try(client.request, client, { path = "/x", [name] = value })
      end
    end
    client:close()
  end)
end)

describe("loading", function()
  -- What a process opens, and which of its calls make something, as strace tells.
  local function trace(chunk)
    local text = sh(
      "env ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=report_bugs=0 strace -f -qq"
        .. " -e trace=open,openat,socket,socketpair,connect,epoll_create,epoll_create1,eventfd2,pipe,pipe2,"
        .. "clone,clone3,fork,vfork,execve,timerfd_create,inotify_init1 -o /dev/stdout %s -e %s",
      LUA,
      chunk
    )
    local seen = {}
    for line in text:gmatch "[^\n]+" do
      local name, rest = line:match "(%w+)%((.*)"
      if name and name:find "^open" then
        local file, answer = rest:match '"([^"]*)".*= (%-?%d+)'
        -- Only what is there, is no library and no code is of interest.
        if file and tonumber(answer) >= 0 and not file:find "%.so" and not file:find "%.lua$" then
          seen[name .. " " .. file] = true
        end
      elseif name and name ~= "execve" then
        seen[name] = true
      end
    end
    return seen, text
  end

  -- libcurl's own libraries may look at things when they are loaded; that is not ours.
  local BEFORE = ('assert(package.loadlib(%q, "*"))'):format(CORE)

  local missing = strace.missing()
  for _, module in ipairs { "codearts.build.core", "codearts.build" } do
    it(module .. " opens nothing and reads nothing beyond the code", function()
      if missing then
        pending(missing)
      end
      local before = trace(BEFORE)
      local after, text = trace(("require %q"):format(module))
      assert.truthy(text:find("core.so", 1, true), text)
      local more = {}
      for what in pairs(after) do
        if not before[what] then
          more[#more + 1] = what
        end
      end
      assert.same({}, more)
    end)
  end

  it("the facade brings in none of the optional modules", function()
    local printed = sh(
      "timeout 300 %s -e %s",
      LUA,
      [[require "codearts.build"
      local names = {}
      for name in pairs(package.loaded) do
        if name:find "^codearts" or name:find "cjson" then names[#names + 1] = name end
      end
      table.sort(names)
      print(table.concat(names, " "))]]
    )
    assert.equal("codearts.build codearts.build.core\n", printed)
  end)

  it("works twice, in two states of one process", function()
    local chunk = [[
      local core = require "codearts.build.core"
      package.loaded["codearts.build.core"] = nil
      local again = require "codearts.build.core"
      local err = core.error { kind = "usage", message = "m" }
      print(again.is_error(err), tostring(again.error(err)), again.decode "[1]"[1])]]
    assert.truthy(sh("timeout 300 %s -e %s", LUA, chunk):find "^true\tusage error: m\t1")
  end)
end)

describe("an identity that nobody fills", function()
  it("ends the calls that wait for it, and none goes out later", function()
    local server = require("spec.support.server").start {}
    local identity = core.identity()
    local client = core.new { endpoint = server.url, auth = identity }
    local job = { job_id = ("0f1e2d3c"):rep(4) }
    local other = client:start(job)
    local _, err = client:try_run(job)
    assert.equal("auth", err.kind)
    assert.equal("not_started", err.outcome)
    identity:set { token = "fake-token-of-nobody" }
    while client:step(0.05) > 0 do
    end
    assert.equal("auth", select(2, other:try_wait()).kind)
    assert.equal(0, server:stats().processed)
    client:close()
    server:stop()
  end)
end)
