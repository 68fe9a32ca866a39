--- A table of globals that refuses, as strict.lua of Lua's etc, penlight's and many games': no global is read that is not
--- there, and none is made. Loaded by LUA_INIT. It speaks to our own code and, when a global is read, to C: what else is
--- loaded may do as it likes, and modules in C make globals on Lua 5.1.
local getinfo = debug.getinfo

local function refuse(name, with_c)
  local info = getinfo(3, "S")
  if info and (info.source:find "codearts" or (with_c and info.what == "C")) then
    error(("undeclared variable %s, %s"):format(name, info.short_src), 3)
  end
end

setmetatable(_G, {
  __index = function(_, name)
    refuse(name, true)
  end,
  __newindex = function(globals, name, value)
    if name ~= "_" then -- of bin/codearts-build
      refuse(name)
    end
    rawset(globals, name, value)
  end,
})
