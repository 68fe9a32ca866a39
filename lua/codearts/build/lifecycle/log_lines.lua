--- Cuts log text that arrives in pieces into lines, a bit at a time. Pure; takes time in proportion to the text, however it is cut.
-- Documented logs separate lines by the two characters backslash and n; whether the live service does so or sends real line
-- feeds is not documented (API reference 7.6). A log has one kind of separator: the first real line feed settles
-- that a backslash is only text; a backslash and n before a line's bracketed time settle the other, and so do two pieces in a
-- row that end with them. One such end may be that of a page that was cut in the middle of a line.

---@class codearts.build.LogLines
local LogLines = {}
LogLines.__index = LogLines

local LITERAL_BEFORE_TIME = "\\n%[%d%d%d%d/%d%d/%d%d"
local LONGEST_MARK = #"\\n[2023/12/21" - 1 -- of what a piece may have begun
local AT_ONCE = 8192 -- bytes that are looked at by one `next`

--- A list that is taken from the front.
local function queue()
  return { first = 1, last = 0 }
end

local function push(list, item)
  list.last = list.last + 1
  list[list.last] = item
end

local function drop(list)
  list[list.first] = nil
  list.first = list.first + 1
end

---@param characters? table joins the characters that the pieces cut, see codearts.build.lifecycle.characters
---@return codearts.build.LogLines
function LogLines.new(characters)
  return setmetatable({
    characters = characters,
    pieces = queue(), -- as they came
    read = 0, -- bytes of the first one
    texts = queue(), -- of them, to be cut
    at = 1, -- in the first one
    pending = {}, -- of the line that has begun
    tail = "",
    ends = 0,
    separator = nil,
    over = false,
  }, LogLines)
end

local function without_return(line, separator)
  if separator == "\\n" and line:sub(-2) == "\\r" then
    line = line:sub(1, -3)
  end
  return line:byte(-1) == 13 and line:sub(1, -2) or line
end

--- The pending line, with its last part.
local function take(self, last)
  local pending = self.pending
  if not pending[1] then
    return last
  end
  pending[#pending + 1] = last
  self.pending = {}
  return table.concat(pending)
end

--- Cuts the next line off the texts; nil: the first one is used up.
local function cut(self)
  local text, separator, at = self.texts[self.texts.first], self.separator, self.at
  local pending = self.pending
  local last = pending[#pending]
  if at == 1 and separator == "\\n" and last and text:byte() == 110 and last:byte(-1) == 92 then
    -- The separator itself was cut in two.
    pending[#pending], self.at = last:sub(1, -2), 2
    return without_return(take(self, ""), separator)
  end
  local first, stop = text:find(separator, at, true)
  if first then
    self.at = stop + 1
    return without_return(take(self, text:sub(at, first - 1)), separator)
  elseif at <= #text then
    pending[#pending + 1] = text:sub(at)
  end
  drop(self.texts)
  self.at = 1
  return nil
end

--- Which separator the text shows, as far as it can be told.
local function settle(self, text, ends_piece)
  local seen = self.tail .. text
  self.tail = seen:sub(-LONGEST_MARK)
  if text:find("\n", 1, true) then
    return "\n"
  elseif seen:find(LITERAL_BEFORE_TIME) then
    return "\\n"
  elseif ends_piece then
    self.ends = seen:sub(-2) == "\\n" and self.ends + 1 or 0
  end
  return self.ends == 2 and "\\n" or nil
end

--- Makes text of some of the first piece.
local function read(self)
  local piece = self.pieces[self.pieces.first]
  local from = self.read + 1
  local text = piece:sub(from, from + AT_ONCE - 1)
  self.read = self.read + #text
  local ends_piece = self.read == #piece
  if ends_piece then
    drop(self.pieces)
    self.read = 0
  end
  text = self.characters and self.characters.add(text) or text
  if text ~= "" then
    push(self.texts, text)
    self.separator = self.separator or settle(self, text, ends_piece)
  end
end

--- Where nothing has settled it: a log that is over has lines of its own kind.
local function settle_at_last(self)
  local whole = table.concat(self.texts, "", self.texts.first, self.texts.last)
  self.separator = whole:find("\\n", 1, true) and "\\n" or "\n"
end

--- Adds a piece, whose lines `next` answers.
---@param piece string
function LogLines:add(piece)
  if piece ~= "" then
    push(self.pieces, piece)
  end
end

--- The log is over: `next` answers what is still pending, too.
function LogLines:finish()
  self.over = true
end

--- The next line that is complete, without its separator. Looks at so much text at once and no more.
---@return string|false|nil line false: none so far, ask again; nil: none before the next piece
---@return boolean? unended it is the rest, which no separator ends
function LogLines:next()
  if self.separator and self.texts[self.texts.first] then
    return cut(self) or false
  elseif self.pieces[self.pieces.first] then
    read(self)
    return false
  elseif not self.over then
    return nil
  end
  if self.characters then
    push(self.texts, self.characters.finish())
    self.characters = nil
    return false
  elseif not self.separator then
    settle_at_last(self)
    return false
  end
  local rest = take(self, "")
  return rest ~= "" and rest or nil, true
end

return LogLines
