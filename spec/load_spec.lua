-- What `require "codearts.build"` says when the core cannot be loaded.
local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")
local LUAS = { "lua5.1", "lua5.2", "lua5.3", "lua5.4", "lua5.5", "luajit" }

local quote = require "spec.support.quote"

local function sh(command)
  local pipe = assert(io.popen(("{ %s\n} 2>&1"):format(command)))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- What this Lua, or another one, says when the core is to come from these paths.
local function load_with(cpath, lua, after)
  local chunk = 'local ok, err = pcall(require, "codearts.build"); print(ok and "loaded" or err);'
    .. (after or "")
  return sh(
    (
      "env -u LUA_INIT CODEARTS_BUILD_ENDPOINT=http://127.0.0.1:9 CODEARTS_BUILD_TOKEN=fake-token"
      .. " LUA_PATH=%s LUA_CPATH=%s timeout 300 %s -e %s"
    ):format(quote "./lua/?.lua;./lua/?/init.lua", quote(cpath), lua or LUA, quote(chunk))
  )
end

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

-- 5.1 and LuaJIT have one binary interface.
local function interface(lua)
  return lua == "luajit" and "lua5.1" or lua
end

local NAMES = {
  ["lua5.1"] = "Lua 5.1",
  ["lua5.2"] = "Lua 5.2",
  ["lua5.3"] = "Lua 5.3",
  ["lua5.4"] = "Lua 5.4",
  ["lua5.5"] = "Lua 5.5",
  luajit = "LuaJIT %(Lua 5.1%)",
}

describe("loading the core", function()
  local folder
  setup(function()
    folder = sh("mktemp -d"):match "^(%S+)"
    os.execute("mkdir -p " .. folder .. "/codearts/build")
  end)
  teardown(function()
    os.execute("rm -r " .. folder)
  end)

  -- Compiles a core.so from this text.
  local function compile(source)
    local file = assert(io.open(folder .. "/core.c", "w"))
    file:write(source)
    file:close()
    local output = sh(
      ("%s -shared -fPIC -w -Wl,-z,now -o %s/codearts/build/core.so %s/core.c"):format(
        os.getenv "CC" or "cc",
        folder,
        folder
      )
    )
    assert.equal("", output)
  end

  it("for another Lua is explained", function()
    -- The symbols by which real builds for another Lua fail; this one has none of both.
    for _, symbol in ipairs { "lua_no_such_function", "luaL_no_such_function" } do
      compile(
        ("int %s(void *); int luaopen_codearts_build_core(void *L) { return %s(L); }"):format(
          symbol,
          symbol
        )
      )
      local said = load_with(folder .. "/?.so")
      assert.truthy(
        said:find("built for another Lua than the " .. NAMES[LUA] .. " that runs", 1),
        said
      )
      assert.truthy(said:find("make LUA=", 1, true))
      assert.truthy(said:find(symbol, 1, true))
    end
  end)

  -- Real ones, of those that are built.
  for _, other in ipairs(LUAS) do
    local theirs = "build/" .. other .. "/codearts/build/core.so"
    if interface(other) ~= interface(LUA) and exists(theirs) then
      it("that was built for " .. other .. " is explained", function()
        local said = load_with("./build/" .. other .. "/?.so")
        assert.truthy(
          said:find("built for another Lua than the " .. NAMES[LUA] .. " that runs", 1),
          said
        )
      end)
    elseif interface(other) == interface(LUA) and other ~= LUA and exists(theirs) then
      it("that was built for " .. other .. " works", function()
        assert.equal("loaded\n", load_with("./build/" .. other .. "/?.so;" .. package.cpath))
      end)
    end
  end

  it("that is nowhere is explained", function()
    local said = load_with "/nonexistent/?.so"
    assert.truthy(said:find("there is no C core for " .. NAMES[LUA] .. " in package.cpath"), said)
    assert.truthy(said:find("make -s env", 1, true))
    assert.truthy(said:find("/nonexistent/codearts/build/core.so", 1, true))
  end)

  it("is explained again where it is tried again", function()
    compile [[
      extern int lua_error(void *);
      extern void lua_pushstring(void *, const char *);
      int luaopen_codearts_build_core(void *L) { lua_pushstring(L, "sour"); return lua_error(L); }
    ]]
    for path, words in pairs {
      ["/nonexistent/?.so"] = "there is no C core for " .. NAMES[LUA],
      [folder .. "/?.so"] = "sour",
    } do
      local said = load_with(path, LUA, 'print(select(2, pcall(require, "codearts.build")))')
      assert.equal(2, select(2, said:gsub(words, "")), said)
    end
  end)

  -- Where nothing but our core is found.
  local function without_cjson(chunk)
    for template in package.cpath:gmatch "[^;]+" do
      local candidate = template:gsub("%?", "codearts/build/core")
      if exists(candidate) then
        return load_with(template, LUA, chunk)
      end
    end
    error "no core.so in package.cpath"
  end

  it("works without lua-cjson, and the first client explains what it lacks", function()
    local said = without_cjson [[
      print(err.versions().cjson)
      local _, problem = err.try_run { job_id = ("a"):rep(32) }
      print(problem.kind, problem.outcome, problem)
      print(select(2, pcall(require "codearts.build.core".decode, "{}")).kind)]]
    assert.matches(
      "^loaded\nnone\nconfig\tnot_started\tconfig error: no build was started: lua%-cjson does not load;"
        .. " is it installed for Lua 5.%d%? module 'cjson' not found:[^\n]*\nconfig\n$",
      said
    )
  end)

  it("explains a lua-cjson that is none, each time", function()
    local said = without_cjson [[
      local none = function() end
      local instance = { decode_invalid_numbers = none, decode_max_depth = none }
      for _, cjson in ipairs { true, {}, { new = error }, { new = function() return instance end } } do
        package.loaded.cjson = cjson
        local _, problem = err.try_run { job_id = ("a"):rep(32) }
        assert(problem.kind == "config" and problem.outcome == "not_started", problem)
        print(err.versions().cjson)
      end
      package.loaded.cjson = nil
      package.preload.cjson = function()
        error("not now", 0)
      end
      for _ = 1, 2 do
        local _, problem = err.try_run { job_id = ("a"):rep(32) }
        print((problem.message:gsub("^.-%? ", "")))
      end]]
    assert.equal("loaded\nnone\nnone\nnone\nnone\nnot now\nnot now\n", said)
  end)

  it("that is no library keeps the loader's own words", function()
    local file = assert(io.open(folder .. "/codearts/build/core.so", "w"))
    file:write "this is no library"
    file:close()
    local said = load_with(folder .. "/?.so")
    assert.truthy(said:find("the C core of codearts.build does not load", 1, true), said)
    assert.truthy(said:find(folder, 1, true))
  end)
end)
