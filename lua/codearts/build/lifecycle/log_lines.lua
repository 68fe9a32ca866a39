--- Cuts log text that arrives in pieces into lines. Pure; takes time in proportion to the text, however it is cut.
-- Documented logs separate lines by the two characters backslash and n; whether the live service does so or sends real line
-- feeds is not documented (API reference 7.6). A log has one kind of separator: the first real line feed settles
-- that a backslash is only text; a backslash and n before a line's bracketed time settle the other, and so do two pieces in a
-- row that end with them. One such end may be that of a page that was cut in the middle of a line.

---@class codearts.build.LogLines
local LogLines = {}
LogLines.__index = LogLines

local LITERAL_BEFORE_TIME = "\\n%[%d%d%d%d/%d%d/%d%d"
local LONGEST_MARK = #"\\n[2023/12/21" - 1 -- of what a piece may have begun

---@return codearts.build.LogLines
function LogLines.new()
  return setmetatable({ pending = {}, tail = "", ends = 0, separator = nil }, LogLines)
end

local function keep(self, piece)
  if piece ~= "" then
    self.pending[#self.pending + 1] = piece
  end
end

local function take(self)
  local text = table.concat(self.pending)
  self.pending = {}
  return text
end

local function without_return(line, separator)
  if separator == "\\n" then
    line = line:gsub("\\r$", "")
  end
  return (line:gsub("\r$", ""))
end

local function cut(self, piece)
  local lines, separator, at = {}, self.separator, 1
  local last = self.pending[#self.pending]
  if separator == "\\n" and piece:sub(1, 1) == "n" and last and last:sub(-1) == "\\" then
    -- The separator itself was cut in two.
    self.pending[#self.pending] = last:sub(1, -2)
    piece = "\\" .. piece
  end
  while true do
    local first, stop = piece:find(separator, at, true)
    if not first then
      break
    end
    keep(self, piece:sub(at, first - 1))
    lines[#lines + 1] = without_return(take(self), separator)
    at = stop + 1
  end
  keep(self, piece:sub(at))
  return lines
end

--- Which separator the text shows, as far as it can be told.
local function settle(self, piece)
  local seen = self.tail .. piece
  if piece:find("\n", 1, true) then
    return "\n"
  elseif seen:find(LITERAL_BEFORE_TIME) then
    return "\\n"
  end
  self.ends = seen:sub(-2) == "\\n" and self.ends + 1 or 0
  self.tail = seen:sub(-LONGEST_MARK)
  return self.ends == 2 and "\\n" or nil
end

--- Adds a piece.
---@param piece string
---@return string[] lines that are complete now, without their separators
function LogLines:add(piece)
  if piece == "" then
    return {}
  elseif not self.separator then
    self.separator = settle(self, piece)
    if not self.separator then
      keep(self, piece)
      return {}
    end
    piece = take(self) .. piece
  end
  return cut(self, piece)
end

--- The log is over.
---@return string[] lines what was still pending
function LogLines:finish()
  local rest = take(self)
  if not self.separator then
    self.separator = rest:find("\\n", 1, true) and "\\n" or "\n"
  end
  local lines = cut(self, rest)
  rest = take(self)
  if rest ~= "" then
    lines[#lines + 1] = rest
  end
  return lines
end

return LogLines
