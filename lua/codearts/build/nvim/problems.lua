--- What compilers and test runners write about a line of a source, recognised in a log. Pure.
local ascii = require "codearts.build.ascii"

local problems = {}

---@class codearts.build.nvim.Problem
---@field file? string as the log has it
---@field line? integer
---@field column? integer
---@field type "E"|"W"|"I"
---@field message string
---@field row integer the line of the log

local TYPES = {
  ["fatal error"] = "E",
  error = "E",
  failure = "E",
  ["not ok"] = "E",
  warning = "W",
  warn = "W",
  note = "I",
  info = "I",
}

local MOST = 2147483647 -- lines

--- What names no file, but looks like it.
local NO_FILE = { cc1 = true, cc1plus = true, clang = true, collect2 = true }

--- What the linker says; nil where its name does not stand before the line.
local function said_by_ld(line)
  local name, rest = line:match "^([^ :]+): (.*)$"
  name = "/" .. (name or "")
  return (name:find "[/-]ld$" or name:find "[/-]ld%.[a-z]+$") and rest or nil
end

--- A line without the linker's name, which stands before some of its lines.
local function without_ld(line)
  return said_by_ld(line) or line
end

--- A file of the linker's: what is behind the object is the source; an object, or what it made itself, is none to go to.
local function source_of(file)
  file = file:gsub("^.*%.o%)?:", "")
  return not file:find "%.o%)?$" and not file:find "^<" and file or nil
end

-- A kind is a row: `has` is in all of its lines, `pattern` captures what `members` name, and `type` is that of all where none is
-- captured. `more` may add to the last problem of its kind from one of the next lines: it answers whether that is done.
local KINDS = {
  {
    name = "maven and javac behind it",
    has = ":[",
    pattern = "^%[([A-Z]+)%] (.-):%[(%d+),(%d+)%] (.*)$",
    members = { "type", "file", "line", "column", "message" },
  },
  {
    name = "tsc, in colours",
    has = " - ",
    pattern = "^(.-):(%d+):(%d+) %- ([a-z]+) (TS%d+: .*)$",
    members = { "file", "line", "column", "type", "message" },
  },
  {
    name = "tsc",
    has = "): ",
    pattern = "^([^()]+)%((%d+),(%d+)%): ([a-z]+) (TS%d+: .*)$",
    members = { "file", "line", "column", "type", "message" },
  },
  {
    name = "gcc and clang",
    has = ": ",
    pattern = "^(.-):(%d+):(%d+): ([a-z ]+): (.*)$",
    members = { "file", "line", "column", "type", "message" },
  },
  {
    name = "javac, gcc without columns",
    has = ": ",
    pattern = "^(.-):(%d+): ([a-z ]+): (.*)$",
    members = { "file", "line", "type", "message" },
    -- javac draws the column under its line of the source.
    more = function(problem, line, distance)
      local caret = distance == 2 and line:match "^ *()%^ *$"
      problem.column = caret or problem.column
      return distance >= 2
    end,
  },
  {
    name = "ld, without a place",
    has = ": cannot ",
    strip = said_by_ld,
    pattern = "^(cannot .*)$",
    members = { "message" },
    type = "E",
  },
  {
    name = "busted",
    has = " @ ",
    pattern = "^([A-Z][a-z]+) [-→]+>? ?([^-→> ].-) @ (%d+)$",
    members = { "type", "file", "line" },
    -- The name of the test comes next, then what went wrong, and where.
    more = function(problem, line, distance)
      if distance == 1 then
        problem.message = line
        return false
      end
      local file, number, message = line:match "^(.-):(%d+): (.*)$"
      if file then
        problem.file, problem.line = file, tonumber(number)
        problem.message = problem.message .. ": " .. message
      end
      return true
    end,
  },
  {
    name = "busted, as TAP",
    has = "not ok ",
    pattern = "^(not ok) %d+ %- (.*)$",
    members = { "type", "message" },
    more = function(problem, line, distance)
      local file, number = line:match "^# (.-) @ (%d+)$"
      if distance == 1 and file then
        problem.file, problem.line = file, tonumber(number)
        return false
      end
      local message
      file, number, message = line:match "^# Failure message: (.-):(%d+): (.*)$"
      if file then
        problem.file, problem.line = file, tonumber(number)
        problem.message = problem.message .. ": " .. message
      end
      return true
    end,
  },
  {
    name = "a step, or maven without a place",
    has = "[ERROR] ",
    pattern = "^%[(ERROR)%] (.+)$",
    members = { "type", "message" },
  },
}

-- What stands before the words, with debug information and without.
local PLACES = {
  { "^(.-):(%d+): ", { "file", "line", "message" } },
  { "^(.+):%([^()]*%): ", { "file", "message" } },
  { "^%([^()]*%): ", { "message" } },
}

for _, words in ipairs { "undefined reference to", "multiple definition of" } do
  for _, place in ipairs(PLACES) do
    KINDS[#KINDS + 1] = {
      name = "ld",
      has = words,
      strip = without_ld,
      pattern = place[1] .. "(" .. words .. " .*)$",
      members = place[2],
      type = "E",
      source = source_of,
    }
  end
end

--- What a row makes of a line; nil if it is not of that kind.
local function recognise(kind, line, row)
  if not line:find(kind.has, 1, true) then
    return nil
  end
  if kind.strip then
    line = kind.strip(line) or ""
  end
  local captures = { line:match(kind.pattern) }
  if not captures[1] then
    return nil
  end
  local problem = { row = row, type = kind.type }
  for index, member in ipairs(kind.members) do
    local value = captures[index]
    if member == "type" then
      value = TYPES[ascii.lower(value)]
      if not value then
        return nil
      end
    elseif member == "line" or member == "column" then
      value = tonumber(value)
      value = value and value <= MOST and value or nil
    end
    problem[member] = value
  end
  if problem.file and kind.source then
    problem.file = kind.source(problem.file)
  end
  if problem.file and (NO_FILE[problem.file] or problem.file:find "^[0-9:]*$") then
    return nil
  end
  problem.message = problem.message or ""
  return problem
end

---@class codearts.build.nvim.Problems
---@field list codearts.build.nvim.Problem[]
---@field placed integer of them that had a file at once
local Problems = {}
Problems.__index = Problems

---@return codearts.build.nvim.Problems
function problems.new()
  return setmetatable({ list = {}, seen = {}, placed = 0 }, Problems)
end

local LONGEST = 1000 -- bytes; no line about a source is longer

--- A line without its time, and without what a build server may have put before it.
---@param line string clean text
---@return string
function problems.bare(line)
  return (line:gsub("^%[%d%d%d%d/%d%d/%d%d [^%]]*%] ?", "", 1))
end

--- The same place and words again: maven sums up, headers are included twice.
local function is_new(self, problem)
  local key = ("%s:%s:%s:%s"):format(
    tostring(problem.file),
    tostring(problem.line),
    tostring(problem.column),
    problem.message
  )
  local known = self.seen[key] or problem.file == nil and problem.message:find "^%[Help"
  self.seen[key] = true
  return not known
end

--- Takes the next line of the log.
---@param row integer
---@param line string clean text
---@return codearts.build.nvim.Problem? problem what it tells; members may still come with the next lines
function Problems:line(row, line)
  local is_long = #line > LONGEST
  line = problems.bare(is_long and line:sub(1, LONGEST) or line)
  local open = self.open
  if open then
    open.distance = open.distance + 1
    if open.more(open.problem, line, open.distance) then
      self.open = nil
    end
  end
  if is_long then
    return nil
  end
  for _, kind in ipairs(KINDS) do
    local problem = recognise(kind, line, row)
    if problem then
      if not kind.more and not is_new(self, problem) then
        return nil
      end
      self.open = kind.more and { problem = problem, more = kind.more, distance = 0 } or nil
      self.list[#self.list + 1] = problem
      self.placed = self.placed + (problem.file and 1 or 0)
      return problem
    end
  end
  return nil
end

--- The problems for a list of places: those without a file only where no error has one.
---@return codearts.build.nvim.Problem[]
function Problems:places()
  local placed, has_error = {}, false
  for _, problem in ipairs(self.list) do
    if problem.file then
      placed[#placed + 1] = problem
      has_error = has_error or problem.type == "E"
    end
  end
  return has_error and placed or self.list
end

local WORDS = { E = "error", W = "warning", I = "note" }

--- The message; before it the place, where that is no file to go to.
---@param problem codearts.build.nvim.Problem|{ type: "E", message: string }
---@param file? string
---@return string
function problems.words(problem, file)
  if file or not problem.file then
    return problem.message
  end
  return ("%s:%d: %s"):format(problem.file, problem.line or 1, problem.message)
end

--- "codearts-place: src/a.c:7:20: error: …" or "codearts-problem: error: …": all kinds in two forms, for one 'errorformat'.
---@param problem codearts.build.nvim.Problem|{ type: "E", message: string }
---@param file? string
---@return string
function problems.normal(problem, file)
  -- An 'errorformat' ends a name at a colon, and expands what looks like a variable or a home.
  file = file and not file:find "[:$~`]" and file or nil
  local words = ("%s: %s"):format(WORDS[problem.type], problems.words(problem, file))
  if not file then
    return "codearts-problem: " .. words
  end
  return ("codearts-place: %s:%d:%d: %s"):format(
    file,
    problem.line or 1,
    problem.column or 0,
    words
  )
end

--- A line of a log that cannot be taken for one of those.
---@param line string
---@return string
function problems.harmless(line)
  return (line:gsub("^codearts%-", " %0"))
end

return problems
