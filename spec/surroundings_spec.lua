-- Systems that grant little: what works there, what says that it does not, and that nothing is lost.
-- What nginx needs beside is in host_resty_wake_spec.

local commands = require "spec.support.command"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local native = require "spec.support.native"
local probe = require "spec.support.probe"
local quote = require "spec.support.quote"
local servers = require "spec.support.server"

local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")

-- One start by an address, one by a name that has to be looked up, one with a key that all waits for, two in a
-- loop that is to be held up by nothing; tells what each came to, and what was warned of.
local PROGRAM = [[
local build = require "codearts.build"
local endpoint, keys = arg[1], arg[2]
local JOB = { job_id = ("a"):rep(32) }
local warnings = {}
local function new(url)
  return build.new {
    endpoint = url,
    allow_http = true,
    auth = "a-fake-token",
    proxy = false,
    retry = false,
    timeout = 10,
    key_store = require("codearts.build.key_store").file(keys),
    on_event = function(event)
      if event.type == "warning" and event.message:find("thread", 1, true) then
        warnings[#warnings + 1] = event.message
      end
    end,
  }
end
local client = new(endpoint)
print("address", client:try_run(JOB) ~= nil)
local result, err = new("http://nowhere.invalid"):try_run(JOB)
print("name", result, err.kind, err.outcome)
local answer, problem = client:try_run(JOB, { key = "k" })
print("key", answer and answer.actual_build_number or problem, #warnings)
for i = 1, 2 do
  local call = client:start(JOB, { key = "k" .. i })
  while not call:done() do
    client:step(10)
  end
  print("key", call:wait().actual_build_number)
end
print(#warnings, (warnings[1] or ""):match "no thread can be made" or "")
client:close()
]]

local function sh(command)
  local status = os.execute(command)
  assert(status == true or status == 0, command)
end

describe("a system without threads", function()
  local server, folder, library

  setup(function()
    server = servers.start()
    library = native.library "no_threads"
    folder = host.folder()
    -- Where a user who may read nothing of ours finds everything.
    sh(("cp -r lua %s/lua && mkdir -p %s/codearts/build %s/keys"):format(folder, folder, folder))
    sh(("cp %s %s/codearts/build/core.so"):format(quote(native.core_path()), folder))
    local file = assert(io.open(folder .. "/program.lua", "w"))
    file:write(PROGRAM)
    file:close()
    sh(("chmod -R a+rX %s && chmod 755 %s"):format(folder, folder))
  end)
  teardown(function()
    server:stop()
    os.remove(library)
    host.remove(folder)
  end)

  local function run(before, name)
    server:reset()
    local keys = folder .. "/keys/" .. name
    sh("mkdir -m 700 " .. keys)
    if before:find "setpriv" then
      sh("chown 65534 " .. keys)
    end
    return host.run(
      ("LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/?.so;;' "):format(
        folder,
        folder,
        folder
      )
        .. before
        .. (" %s %s/program.lua %s %s"):format(LUA, folder, server.url, keys)
    )
  end

  local function check(told)
    local kind = told:match "^address\ttrue\nname\tnil\t(%a+)\tnot_started\n"
    -- From 8.22 on libcurl tries to make its thread for as long as the call may take.
    assert.truthy(kind == "transport" or kind == "timeout", told)
    assert.truthy(told:find("key\t20\t0\nkey\t20\nkey\t20\n1\tno thread can be made\n$"), told)
    assert.equal(4, server:stats().processed)
  end

  if native.runtime() == "" then
    it("runs builds, says once what waits for the disk, and loses nothing: seccomp", function()
      check(run("LD_PRELOAD=" .. library, "seccomp"))
    end)

    it("does so where a user may have no more processes", function()
      local status = os.execute 'test "$(id -u)" = 0'
      local is_root = status == true or status == 0 -- whom no limit holds
      local other = is_root and "setpriv --reuid=65534 --clear-groups " or ""
      check(run(other .. "prlimit --nproc=1", "nproc"))
    end)
  end
end)

describe("a process that may have few files open", function()
  it("starts each build once, or tells that it did not", function()
    local server = servers.start()
    local told = host.run(
      ("sh -c 'ulimit -n 60; exec %s -e %s'"):format(
        LUA,
        quote(([[
local build = require "codearts.build"
local client = build.new {
  endpoint = %q, auth = "a-fake-token", proxy = false, max_connections = 200, retry = false,
}
local started, outcomes = 0, {}
for _ = 1, 200 do
  client:start({ job_id = ("a"):rep(32) }):on_done(function(result, err)
    started = started + (result and 1 or 0)
    outcomes[err and err.outcome or "started"] = true
  end)
end
while client:step(1) > 0 do end
outcomes.started = nil
print(started, next(outcomes) or "not_started", next(outcomes, (next(outcomes))))
print(client:run({ job_id = ("a"):rep(32) }).actual_build_number)]]):format(server.url)):gsub(
          "'",
          "'\\''"
        )
      )
    )
    local started = tonumber(told:match "^(%d+)\tnot_started\tnil\n20\n$")
    assert.truthy(started, told)
    assert.equal(started + 1, server:stats().processed)
    server:stop()
  end)
end)

describe("the command that may have few files open", function()
  it("tells each build that it started", function()
    local server = servers.start()
    local env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-fake-token" }
    for jobs = 60, 64, 2 do
      server:reset()
      server:behave("slow", { interval = 0.005 })
      local arguments = { "run" }
      for i = 1, jobs do
        arguments[i + 1] = ("%032d"):format(i)
      end
      local line = commands.line(table.concat(arguments, " "), env)
      local told = host.run(("sh -c 'ulimit -n 64; exec %s 2>&1'"):format(line:gsub("'", "'\\''")))
      local _, started = told:gsub("build 20 of", "")
      assert.equal(server:stats().processed, started, told)
      assert.is_nil(told:find("not found", 1, true), told)
    end
    server:stop()
  end)
end)

describe("a fork while a thread of the core works", function()
  it("leaves the parent's work alone, and the child its own", function()
    local base = host.folder()
    local client = core.new { endpoint = "http://127.0.0.1:1", auth = "a-fake-token" }
    local journals, calls = {}, {}
    for i = 1, 4 do
      journals[i] = assert(core.journal.open(base .. "/keys", "k" .. i, true))
      calls[i] = client:perform(assert(journals[i]:append "parent"))
      assert.equal(
        "6", -- where it ends
        probe.fork(function()
          client:close()
          local mine = core.new { endpoint = "http://127.0.0.1:1", auth = "a-fake-token" }
          local other = assert(core.journal.open(base .. "/others", "k" .. i, true))
          return tostring(mine:perform(assert(other:append "child")):wait()[1])
        end)
      )
    end
    for i, call in ipairs(calls) do
      assert.equal(7, call:wait()[1])
      assert.same({ "parent", 7 }, { journals[i]:read() })
      journals[i]:close()
    end
    client:close()
    host.remove(base)
  end)
end)
