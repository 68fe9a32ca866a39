-- Which lines of lua/ run. Loaded by LUA_INIT into every interpreter that a spec starts, too; each
-- leaves a file of "path:line" in $COVERAGE_DIR when it ends by itself. Lines seen by a coroutine
-- that C made (cqueues) are not counted.
--
--   lua coverage.lua REPORT_DIR      sums up and lists what never ran

local MINE = "/lua/codearts/"

local function report(dir)
  local seen = {}
  for line in io.popen("cat " .. dir .. "/*.lines"):lines() do
    seen[line] = true
  end
  local ran, all = 0, 0
  for path in io.popen("find lua -name '*.lua' | sort"):lines() do
    local active, missing, count = {}, {}, 0
    -- Every instruction of the compiler's listing tells its line.
    for line in io.popen("luac5.4 -l -l -p " .. path):lines() do
      local n = line:match "^\t%d+\t%[(%d+)%]\t"
      if n and not line:find "%]\tVARARGPREP" and not line:find "%]\tRETURN0? +\t0 1" then
        active[tonumber(n)] = true
      end
    end
    local lines = {}
    for n in pairs(active) do
      lines[#lines + 1] = n
    end
    table.sort(lines)
    for _, n in ipairs(lines) do
      if seen[path .. ":" .. n] then
        count = count + 1
      else
        missing[#missing + 1] = n
      end
    end
    ran, all = ran + count, all + #lines
    print(("%5.1f %%  %-44s %s"):format(100 * count / #lines, path, table.concat(missing, " ")))
  end
  print(("Lua lines: %.1f %% (%d of %d)"):format(100 * ran / all, ran, all))
end

local dir = os.getenv "COVERAGE_DIR"
if not dir then
  return report(arg[1])
end

local lines, paths = {}, setmetatable({}, { __mode = "k" })
local getinfo, sethook = debug.getinfo, debug.sethook

local function hook(_, line)
  local f = getinfo(2, "f").func
  local of = paths[f]
  if of == nil then
    local source = getinfo(2, "S").source
    local at = source:find(MINE, 1, true)
    of = false
    if at and source:sub(1, 1) == "@" then
      local path = source:sub(at + 1)
      lines[path] = lines[path] or {}
      of = lines[path]
    end
    paths[f] = of
  end
  if of then
    of[line] = true
  end
end

local function write()
  sethook()
  local name = os.tmpname()
  os.remove(name)
  local file = io.open(("%s/%s.lines"):format(dir, name:match "[^/]+$"), "w")
  for path, set in pairs(lines) do
    for line in pairs(set) do
      file:write(path, ":", line, "\n")
    end
  end
  file:close()
  lines = {}
end

-- luacheck: push ignore 122
local create, wrap, exit = coroutine.create, coroutine.wrap, os.exit
local function hooked(f)
  return function(...)
    sethook(hook, "l")
    return f(...)
  end
end
coroutine.create = function(f)
  return create(hooked(f))
end
coroutine.wrap = function(f)
  return wrap(hooked(f))
end
os.exit = function(...)
  write()
  return exit(...)
end
-- luacheck: pop
debug.getregistry()["codearts.coverage"] = setmetatable({}, { __gc = write })
sethook(hook, "l")
