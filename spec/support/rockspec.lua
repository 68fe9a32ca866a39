--- The modules that the rockspec has to list, told from the files on disk.
---
--- As a program (`make rockspec`) it writes them into the rockspec.

local FILE = "codearts-build-scm-1.rockspec"

local M = {}

local function files(pattern)
  local pipe = assert(io.popen("find csrc lua -name '" .. pattern .. "'"))
  local list = {}
  for path in pipe:lines() do
    list[#list + 1] = path
  end
  pipe:close()
  table.sort(list)
  return list
end

---@return string[] C sources of the core
function M.sources()
  return files("*.c")
end

---@return table<string, string> module name -> file, of the Lua modules
function M.lua_modules()
  local modules = {}
  for _, path in ipairs(files("*.lua")) do
    local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    modules[name] = path
  end
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
  local sources, modules = {}, {}
  for i, path in ipairs(M.sources()) do
    sources[i] = ('        "%s",\n'):format(path)
  end
  for name, path in pairs(M.lua_modules()) do
    modules[#modules + 1] = ('    ["%s"] = "%s",\n'):format(name, path)
  end
  table.sort(modules)
  text = fill(text, "sources = {", "}, %-%- sources", sources)
  text = fill(text, "%-%- Lua", "}, %-%- modules", modules)
  file = assert(io.open(FILE, "w"))
  file:write(text)
  file:close()
end

if arg and arg[0] and arg[0]:find("support/rockspec%.lua$") then
  M.write()
end

return M
