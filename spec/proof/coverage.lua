-- Which lines run. Loaded by LUA_INIT into every interpreter that a spec starts, it adds each line of
-- lua/ to a file in $COVERAGE_DIR the first time it runs, so that however a process ends, its lines
-- count. As a program it prints what ran, and fails when too few lines of C did:
--
--   lua coverage.lua OBJECTS_DIR LINES_DIR

local LEAST = 95 -- per cent of the lines of C
local MINE = "/lua/codearts/"

local function percent(n, of)
  return of > 0 and 100 * n / of or 100
end

-- "3-5 9" for { 3, 4, 5, 9 }
local function ranges(numbers)
  table.sort(numbers)
  local texts, i = {}, 1
  while i <= #numbers do
    local last = i
    while numbers[last + 1] == numbers[last] + 1 do
      last = last + 1
    end
    texts[#texts + 1] = numbers[i] .. (last > i and "-" .. numbers[last] or "")
    i = last + 1
  end
  return table.concat(texts, " ")
end

-- Reads what gcov says of one object into { [path] = { lines = { [n] = ran }, branches = … } }. What
-- a header defines is in many objects and ran when it ran in one.
local function read_gcov(object, files)
  local file, line, branch
  for text in io.popen(("gcov -t -b -c %s 2>/dev/null"):format(object)):lines() do
    local count, n, rest = text:match "^ *([^ :]+): *(%d+):(.*)"
    if count then
      local source = n == "0" and rest:match "^Source:(.*)"
      if source then
        file = nil
        if source:find "^csrc/" then
          file = files[source] or { lines = {}, branches = {} }
          files[source] = file
        end
      elseif file and count ~= "-" then
        file.lines[tonumber(n)] = file.lines[tonumber(n)] or count:find "^%d" ~= nil
      end
      line, branch = n, 0
    elseif file and text:find "^branch" then
      local key = line .. "." .. branch
      file.branches[key] = file.branches[key] or text:find " taken [1-9]" ~= nil
      branch = branch + 1
    end
  end
end

local function tally(set, key_of_missing)
  local ran, all, missing = 0, 0, {}
  for key, did in pairs(set) do
    all = all + 1
    if did then
      ran = ran + 1
    elseif key_of_missing then
      missing[#missing + 1] = key
    end
  end
  return ran, all, missing
end

local function report_c(objects)
  local files, paths = {}, {}
  for object in io.popen("find " .. objects .. " -name '*.gcda' | sort"):lines() do
    read_gcov(object, files)
  end
  for path in pairs(files) do
    paths[#paths + 1] = path
  end
  table.sort(paths)
  local lines_ran, lines, branches_ran, branches = 0, 0, 0, 0
  print "C: lines, branches, file, lines that never ran"
  for _, path in ipairs(paths) do
    local ran, all, missing = tally(files[path].lines, true)
    local taken, ways = tally(files[path].branches)
    print(
      ("%6.1f %% %6.1f %%  %-26s %s"):format(
        percent(ran, all),
        percent(taken, ways),
        path,
        ranges(missing)
      )
    )
    lines_ran, lines = lines_ran + ran, lines + all
    branches_ran, branches = branches_ran + taken, branches + ways
  end
  local share = percent(lines_ran, lines)
  print(
    ("%6.1f %% %6.1f %%  C in all: %d of %d lines, %d of %d branches"):format(
      share,
      percent(branches_ran, branches),
      lines_ran,
      lines,
      branches_ran,
      branches
    )
  )
  return lines > 0 and share or 0
end

local function report_lua(dir)
  local seen = {}
  for line in io.popen("cat " .. dir .. "/*.lines"):lines() do
    seen[line] = true
  end
  local ran, all = 0, 0
  print "Lua: lines, file, lines that never ran"
  for path in io.popen("find lua -name '*.lua' | sort"):lines() do
    local lines = {}
    -- Every instruction of the compiler's listing tells its line.
    for text in io.popen("luac5.4 -l -l -p " .. path):lines() do
      local n = text:match "^\t%d+\t%[(%d+)%]\t"
      if n and not text:find "%]\tVARARGPREP" and not text:find "%]\tRETURN0? +\t0 1" then
        lines[tonumber(n)] = seen[path .. ":" .. n] or false
      end
    end
    local count, of, missing = tally(lines, true)
    if of > 0 then -- types.lua is comments
      print(("%6.1f %%  %-46s %s"):format(percent(count, of), path, ranges(missing)))
    end
    ran, all = ran + count, all + of
  end
  print(("%6.1f %%  Lua in all: %d of %d lines"):format(percent(ran, all), ran, all))
end

local dir = os.getenv "COVERAGE_DIR"
if not dir then
  local share = report_c(arg[1])
  report_lua(arg[2])
  if share < LEAST then
    print(("FAILED: %.2f %% of the lines of C ran, not %d %%"):format(share, LEAST))
    os.exit(1)
  end
  return
end

local getinfo, sethook, open = debug.getinfo, debug.sethook, io.open
local name = os.tmpname()
os.remove(name)
local target = ("%s/%s.lines"):format(dir, name:match "[^/]+$")
local known = setmetatable({}, { __mode = "k" }) -- function -> lines seen of its file, or false
local seen, waiting = {}, {}

-- Opened anew for each line: specs count descriptors, close those that they inherit, and use up all
-- there are; what cannot be written then is written later.
local function write(text)
  waiting[#waiting + 1] = text
  local file = open(target, "a")
  if file then
    file:write(table.concat(waiting))
    file:close()
    waiting = {}
  end
end

local function hook(_, line)
  local f = getinfo(2, "f").func
  local lines = known[f]
  if lines == nil then
    local source = getinfo(2, "S").source
    local at = source:find(MINE, 1, true)
    lines = false
    if at and source:sub(1, 1) == "@" then
      local path = source:sub(at + 1)
      lines = seen[path] or { path = path }
      seen[path] = lines
    end
    known[f] = lines
  end
  if lines and not lines[line] then
    lines[line] = true
    write(lines.path .. ":" .. line .. "\n")
  end
end

-- Each coroutine has a hook of its own.
local function hooked(f)
  return function(...)
    sethook(hook, "l")
    return f(...)
  end
end
-- luacheck: push ignore 122
local create, wrap = coroutine.create, coroutine.wrap
coroutine.create = function(f)
  return create(hooked(f))
end
coroutine.wrap = function(f)
  return wrap(hooked(f))
end
-- luacheck: pop

-- Those of cqueues are made in C.
local plain_require, known_cqueues = require, false
function require(module) -- luacheck: ignore 121
  local value = plain_require(module)
  if module:find "^cqueues" and not known_cqueues then
    known_cqueues = true
    local cqueues = plain_require "cqueues"
    local attach
    attach = cqueues.interpose("wrap", function(queue, f, ...)
      return attach(queue, hooked(f), ...)
    end)
  end
  return value
end
sethook(hook, "l")
