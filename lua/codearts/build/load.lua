--- Loads the C core, and says what is wrong when that fails.
local running = rawget(_G, "jit") and "LuaJIT (Lua 5.1)" or _VERSION

local ok, core = pcall(require, "codearts.build.core")
if ok then
  return core
elseif type(core) ~= "string" then
  error(core, 0)
end

local advice
if core:find("undefined symbol: luaL?_", 1) or core:find("version mismatch", 1, true) then
  advice = ("the C core found is built for another Lua than the %s that runs. "):format(running)
    .. "Build it for this one (make LUA=lua5.1, lua5.2, lua5.3, lua5.4 or luajit) "
    .. "or install it with this version's luarocks"
elseif core:find("module 'codearts.build.core' not found", 1, true) then
  advice = ("there is no C core for %s in package.cpath. "):format(running)
    .. "Build it (make) and set the paths (make -s env), or install it with this version's luarocks"
elseif core:find("module 'cjson' not found", 1, true) then
  advice = ("lua-cjson is not installed for %s"):format(running)
else
  advice = "the C core of codearts.build does not load"
end
error(("codearts.build: %s.\n%s"):format(advice, core), 0)
