-- Finalizers run whenever memory is asked for, also in the middle of a step. Each case is a process of its own: a small heap
-- is collected often, and a crash is a status.
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")

local PRELUDE = [[
local core = require "codearts.build.core"
local on_collection = require "spec.support.on_collection"
local JOB = { job_id = ("a"):rep(32) }
local function new()
  return core.new { endpoint = "%s", auth = "not-a-secret", proxy = false, retry = false }
end
require("spec.support.collector")(0, 100000)
]]

describe("a finalizer", function()
  local server
  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)

  -- What a chunk prints.
  local function output(chunk)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write((PRELUDE:format(server.url)), chunk)
    file:close()
    local pipe = assert(io.popen(("timeout 300 %s %s 2>&1; echo status=$?"):format(LUA, path)))
    local text = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return text
  end

  it("that steps or runs within a step is refused", function()
    local text = output [[
      local client, refused, armed = new(), 0, true
      local function finalize()
        local ok, err = pcall(client.step, client, 0)
        if not ok then
          assert(err.kind == "usage", tostring(err))
          local _, other = client:try_run(JOB)
          assert(other.outcome == "not_started", tostring(other))
          refused = refused + 1
        end
        if armed then
          on_collection(finalize)
        end
      end
      on_collection(finalize)
      -- Garbage of another size each time, so that collections fall on other places of the call.
      local count, garbage = 0
      repeat
        count = count + 1
        garbage = ("x"):rep(count % 1009)
        client:run(JOB)
      until count >= 400 and refused > 0 or count == 20000
      armed = false
      print(refused > 0, garbage ~= nil)
    ]]
    assert.equal("true\ttrue\nstatus=0\n", text)
  end)

  it("that runs another client leaves each result its own facts", function()
    local text = output [[
      local build = require "codearts.build"
      local client, other, results, count, skip = new(), new(), {}, 0, 0
      local function run(who)
        count = count + 1
        local job_id = ("%032d"):format(count)
        local result, err = who:try_run { job_id = job_id }
        assert(result or err.kind == "usage", tostring(err))
        results[job_id] = result
      end
      local function finalize()
        skip = skip - 1
        if skip >= 0 then
          on_collection(finalize)
        end
        if skip == 0 then
          run(other)
        end
      end
      for i = 1, 900 do
        skip = i % 30
        on_collection(finalize)
        run(client)
        for job_id, result in pairs(i % 50 == 0 and results or {}) do
          assert(build.meta(result).job_id == job_id)
        end
        if i % 300 == 0 then
          results = {}
        end
      end
      print(count > 900)
    ]]
    assert.equal("true\nstatus=0\n", text)
  end)

  for _, use in ipairs { "close()", "step(0)", "run(JOB)" } do
    it("that calls client:" .. use .. " when the client's open call went before", function()
      local text = output([[
        local client = new()
        local function finalize()
          client:]] .. use .. [[

          print "used"
        end
        if rawget(_G, "newproxy") then
          owner = newproxy(true)
          getmetatable(owner).__gc = finalize
        else
          owner = setmetatable({}, { __gc = finalize })
        end
        client:start(JOB) -- younger than its owner, so the first to go
      ]])
      assert.equal("used\nstatus=0\n", text)
    end)
  end

  it("that closes the client while a call is made is told", function()
    local text = output [[
      for i = 1, 400 do
        local client = new()
        local skip = i % 40
        local function finalize()
          skip = skip - 1
          if skip > 0 then
            on_collection(finalize)
          else
            client:close()
          end
        end
        on_collection(finalize)
        local ok, err
        if i % 2 == 0 then
          local parameters = { ["n" .. i] = i, m = 2.5 }
          ok, err = pcall(client.start, client, { job_id = JOB.job_id, parameter = parameters },
            { headers = { ["X-A" .. i] = "v" .. i }, run_id = { parameter = "R" .. i } })
          assert(ok or err.outcome == "not_started", tostring(err))
        else
          ok, err = pcall(client.request, client, { url = "http://example.invalid/" .. i, auth = false,
            headers = { ["X-A" .. i] = "v" .. i } })
        end
        assert(ok or err.kind == "usage", tostring(err))
      end
      print "told"
    ]]
    assert.equal("told\nstatus=0\n", text)
  end)

  it("that closes the client within its close waits for that one", function()
    local text = output [[
      for i = 1, 200 do
        local client, armed = new(), true
        for _ = 1, 3 do
          client:start(JOB)
        end
        for _ = 1, i % 7 do
          local _ = {}
        end
        on_collection(function()
          if armed then
            client:close()
          end
        end)
        client:close()
        armed = false
      end
      print "closed"
    ]]
    assert.equal("closed\nstatus=0\n", text)
  end)

  it("that changes the parameters is told or harmless", function()
    local text = output [[
      local client, current = new(), nil
      local deep = false
      local function finalize()
        for name in pairs(current or {}) do
          if not name:find "^a" then
            current[name] = nil
          end
        end
        if not deep then
          deep = true
          collectgarbage()
          deep = false
        end
      end
      for i = 1, 100 do
        local parameters = {}
        for j = 1, 12 do
          parameters[string.char(96 + j) .. ("n"):rep(50) .. i .. "_" .. j] = j
        end
        on_collection(finalize)
        current = parameters
        local ok, err = pcall(client.start, client, { job_id = JOB.job_id, parameter = parameters })
        current = nil
        assert(ok or err.kind == "usage" and not err.message:find "[^\32-\126]", tostring(err))
      end
      print "told"
    ]]
    assert.equal("told\nstatus=0\n", text)
  end)
end)

describe("a source of credentials that closes its client", function()
  it("leaves try_run an answer", function()
    local build = require "codearts.build"
    local server = servers.start()
    local client
    client = build.new {
      endpoint = server.url,
      proxy = false,
      auth = function()
        client:close()
        return "not-a-secret"
      end,
    }
    local result, err = client:try_run { job_id = run_job.JOB_ID }
    assert.is_nil(result)
    assert.equal("not_started", err.outcome)
    assert.equal(0, server:stats().processed)
    server:stop()
  end)
end)
