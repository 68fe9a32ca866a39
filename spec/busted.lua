-- Runs busted in this Lua: lua spec/busted.lua ARGUMENTS. The program of that name may be a shell script
-- for another Lua (LuaRocks makes one); the module is the same everywhere.

require "busted.runner" { standalone = false }
