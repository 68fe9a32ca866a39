--- What to do about a C core that does not load.
local running = rawget(_G, "jit") and "LuaJIT (Lua 5.1)" or _VERSION

---@param problem string what `require` raised
---@return string message
return function(problem)
  local advice
  if problem:find("undefined symbol: luaL?_", 1) or problem:find("version mismatch", 1, true) then
    advice = ("the C core found is built for another Lua than the %s that runs. "):format(running)
      .. "Build it for this one (make LUA=lua5.1, lua5.2, lua5.3, lua5.4 or luajit) "
      .. "or install it with this version's luarocks"
  elseif problem:find("module 'codearts.build.core' not found", 1, true) then
    advice = ("there is no C core for %s in package.cpath. "):format(running)
      .. "Build it (make) and set the paths (make -s env), or install it with this version's luarocks"
  else
    advice = "the C core of codearts.build does not load"
  end
  return ("codearts.build: %s.\n%s"):format(advice, problem)
end
