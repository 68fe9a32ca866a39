--- The modules that the rockspec has to list, told from the files on disk.
---
--- As a program (`make rockspec`) it writes them into the rockspec.

local FILE = "codearts-build-scm-1.rockspec"

local M = {}

---@return table<string, string> module name -> file, of the Lua modules
function M.lua_modules()
  local modules = {}
  local pipe = assert(io.popen("find lua -name '*.lua'"))
  for path in pipe:lines() do
    local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/", ".")
    modules[name] = path
  end
  pipe:close()
  return modules
end

---@return table rockspec as LuaRocks reads it
function M.read()
  local spec = {}
  local chunk
  if rawget(_G, "setfenv") then
    chunk = assert(loadfile(FILE))
    setfenv(chunk, spec)
  else
    chunk = assert(loadfile(FILE, "t", spec))
  end
  chunk()
  return spec
end

-- Puts lines between the one that has `first` and the next that has `last`.
local function fill(text, first, last, lines)
  local _, from = text:find(first .. "[^\n]*\n")
  local to = text:find("[^\n]*" .. last, from)
  return text:sub(1, from) .. table.concat(lines) .. text:sub(to)
end

function M.write()
  local file = assert(io.open(FILE))
  local text = file:read("*a")
  file:close()
  local modules = {}
  for name, path in pairs(M.lua_modules()) do
    modules[#modules + 1] = ('      ["%s"] = "%s",\n'):format(name, path)
  end
  table.sort(modules)
  text = fill(text, "lua = {", "}, %-%- lua", modules)
  file = assert(io.open(FILE, "w"))
  file:write(text)
  file:close()
end

if arg and arg[0] and arg[0]:find("support/rockspec%.lua$") then
  M.write()
end

return M
