-- Runs busted in this Lua: lua spec/busted.lua ARGUMENTS. The program of that name may be a shell script
-- for another Lua (LuaRocks makes one); the module is the same everywhere.

-- For good: busted forgets what a spec file has loaded, and luv breaks when it is loaded again in a state
-- that has its loop.
pcall(require, "luv")

require "busted.runner" { standalone = false }
