--- Cuts log text that arrives in pieces into lines. Pure.
-- Documented logs separate lines by the two characters backslash and n; whether the live service does so or sends real line
-- feeds is not documented (API reference 7.6). A log has one kind of separator: the first real line feed settles
-- that a backslash is only text; a backslash and n before a line's bracketed time, or at the end of a piece, settles the other.

---@class codearts.build.LogLines
local LogLines = {}
LogLines.__index = LogLines

local TIME = "^%[%d%d%d%d/%d%d/%d%d"

---@return codearts.build.LogLines
function LogLines.new()
  return setmetatable({ pending = "", separator = nil }, LogLines)
end

--- Whether text written with the literal separator is before us.
local function is_literal(text)
  local at = 1
  while true do
    local first, last = text:find("\\n", at, true)
    if not first then
      return false
    elseif last == #text or text:find(TIME, last + 1) then
      return true
    end
    at = last + 1
  end
end

local function without_return(line)
  return (line:gsub("\\r$", ""):gsub("\r$", ""))
end

local function cut(self, lines)
  local at = 1
  while true do
    local first, last = self.pending:find(self.separator, at, true)
    if not first then
      break
    end
    local line = self.pending:sub(at, first - 1)
    lines[#lines + 1] = self.separator == "\n" and line:gsub("\r$", "") or without_return(line)
    at = last + 1
  end
  self.pending = self.pending:sub(at)
  return lines
end

--- Adds a piece.
---@param text string
---@return string[] lines that are complete now, without their separators
function LogLines:add(text)
  self.pending = self.pending .. text
  if not self.separator then
    if self.pending:find("\n", 1, true) then
      self.separator = "\n"
    elseif is_literal(self.pending) then
      self.separator = "\\n"
    else
      return {}
    end
  end
  return cut(self, {})
end

--- The log is over.
---@return string[] lines what was still pending
function LogLines:finish()
  if not self.separator then
    self.separator = self.pending:find("\\n", 1, true) and "\\n" or "\n"
  end
  local lines = cut(self, {})
  if self.pending ~= "" then
    lines[#lines + 1] = self.pending
    self.pending = ""
  end
  return lines
end

return LogLines
