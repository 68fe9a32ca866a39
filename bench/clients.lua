-- The command that starts each client. All send the same request to the same server.

local machine = require "bench.machine"
local measure = require "bench.measure"

local words = measure.words
local PATH = "/v3/jobs/build"
local BIN = "build/bench"
local TOKEN = 2560
local VERSION = { h2 = "2", slow_h2 = "2" } -- by kind of server; else 1.1
local TLS = { https = true, h2 = true, slow_h2 = true }
local BODY = '{"job_id":"f9d6c8466d614a9788e9a0acf6c15f46",'
  .. '"parameter":[{"name":"codeBranch","value":"master"}],'
  .. '"scm":{"build_tag":null,"build_commit_id":"build_commit_id"}}'

-- Variables before a command that make the in-tree build for an interpreter loadable.
local function environment(lua)
  local make = "env -u LUA_PATH -u LUA_CPATH -u MAKEFLAGS make -s LUA=" .. lua
  assert(measure.output(make .. " >&2 && echo built"):match "built$", "no module for " .. lua)
  return (measure.output(make .. " env"):gsub("export ", ""):gsub("\n", " "))
end

local function compile(name)
  local command = "mkdir -p %s && ${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o %s/%s "
    .. "bench/%s.c bench/floor_common.c $(pkg-config --cflags --libs libcurl) && echo done"
  local said = measure.output(command:format(BIN, BIN, name, name))
  assert(said == "done", "bench/" .. name .. ".c does not compile")
end

-- A C module for the interpreter that runs the bench itself.
local function compile_module(name)
  local lua = rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d"
  local command = "mkdir -p %s && ${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -shared -fPIC -o %s/%s.so "
    .. "bench/%s.c $(pkg-config --cflags %s) && echo done"
  local said = measure.output(command:format(BIN, BIN, name, name, lua))
  assert(said == "done", "bench/" .. name .. ".c does not compile")
end

---Builds what is needed.
---@param server table from bench/server.lua
return function(server)
  compile "floor"
  compile "floor_multi"
  compile_module "floor_keys"
  local M = { agent = "codearts-build" }
  local environments = {}

  local function before(lua)
    if lua then
      environments[lua] = environments[lua] or environment(lua)
    end
    local limit = "ulimit -n $(ulimit -Hn); "
    return limit .. (lua and environments[lua] or "") .. " " .. machine.pin
  end

  -- The words that every client takes: url token-bytes http-version agent ca. A server is one by its
  -- kind, or another's address.
  local function to(kind, token, ca)
    ca = TLS[kind] and (ca or server.ca) or ""
    return words(
      (server[kind] or kind) .. PATH,
      token or TOKEN,
      VERSION[kind] or "1.1",
      M.agent,
      ca
    )
  end

  function M.floor(kind, calls, warm, ca)
    return {
      before = before(),
      program = words(BIN .. "/floor", calls, warm or 0) .. " " .. to(kind, nil, ca),
    }
  end

  function M.floor_multi(kind, calls, in_flight, connections, warm, token)
    local program = words(BIN .. "/floor_multi", calls, in_flight, connections, warm)
    return { before = before(), program = program .. " " .. to(kind, token) }
  end

  ---The least that the records of keys cost, see floor_keys.c.
  function M.floor_keys()
    return assert(package.loadlib(BIN .. "/floor_keys.so", "luaopen_floor_keys"))()
  end

  ---@param mode string of bench/ours.lua, which takes `...` too
  function M.ours(lua, mode, kind, calls, token, ...)
    local program = words(lua, "bench/ours.lua", mode, calls) .. " " .. to(kind, token)
    return { before = before(lua), program = program .. " " .. words(...) }
  end

  ---The least program that runs a build.
  function M.one_call(lua, kind, ca)
    local program = words(lua, "bench/one_call.lua") .. " " .. to(kind, nil, ca)
    return { before = before(lua), program = program }
  end

  ---An interpreter that runs a line of code with our module in reach.
  function M.lua(lua, code)
    return { before = before(lua), program = words(lua, "-e", code) }
  end

  function M.peer(lua, name, kind, calls, warm)
    local program = words(lua, "bench/peer_" .. name .. ".lua", calls, warm)
    return { before = before(lua), program = program .. " " .. to(kind) }
  end

  local function curl_trusting(ca)
    return words("curl", "-s", "-S", "--fail", "--noproxy", "*", "--cacert", ca or server.ca) .. " "
  end

  ---The `curl` program; it tells nothing and is timed as a process.
  function M.curl(kind, ca)
    local headers = { "Content-Type: application/json", "X-Auth-Token: " .. ("A"):rep(TOKEN) }
    local program = curl_trusting(ca)
      .. words("--http1.1", "-o", "/dev/null", "-A", M.agent, "-H", headers[1], "-H", headers[2])
      .. " "
      .. words("--data-binary", BODY, server[kind] .. PATH)
    return { before = before(), program = program }
  end

  function M.curl_log(kind, file)
    local program = curl_trusting() .. words("-o", file, server[kind] .. "/v4/R/download-log")
    return { before = before(), program = program }
  end

  return M
end
