--- A terminal to read: takes what a program writes and knows what a person would see.
-- Understands what the command uses (text, line feeds, cursor up, erasing, colours) and refuses anything else, so that a
-- sequence that it should not write is found.

local text = require "codearts.build.cli.text"

---@class spec.Screen
---@field lines string[] what is on the page and above it
---@field row integer
---@field colours integer how many colour sequences came
local Screen = {}
Screen.__index = Screen

local M = {}

---@param columns integer
---@return spec.Screen
function M.new(columns)
  return setmetatable({ columns = columns, lines = { "" }, row = 1, colours = 0 }, Screen)
end

local function sequence(self, parameters, final)
  if parameters == "?7" and (final == "l" or final == "h") then
    return -- whether lines that are too wide are broken: ours are not
  elseif final == "m" then
    self.colours = self.colours + 1
  elseif final == "A" then
    self.row = self.row - tonumber(parameters)
    assert(self.row >= 1, "the cursor left the page")
  elseif final == "J" and (parameters == "" or parameters == "0") then
    for index = #self.lines, self.row + 1, -1 do
      table.remove(self.lines, index)
    end
    self.lines[self.row] = ""
  else
    error(("the command wrote the sequence CSI %s%s"):format(parameters, final))
  end
end

---@param bytes string what a program wrote
---@return spec.Screen self
function Screen:feed(bytes)
  local at = 1
  while at <= #bytes do
    local parameters, final, after = bytes:match("^\27%[([%d;?]*)(%a)()", at)
    if parameters then
      sequence(self, parameters, final)
      at = after
    else
      local char = bytes:match("^[%z\1-\127\194-\244][\128-\191]*", at)
      assert(char and char ~= "\27", "not text: " .. bytes:sub(at, at + 20))
      if char == "\n" then
        self.row = self.row + 1
        self.lines[self.row] = self.lines[self.row] or ""
      elseif char == "\r" then
        self.returned = true
      else
        if self.returned and bytes:sub(at - 1, at - 1) == "\r" then
          self.lines[self.row] = ""
        end
        self.lines[self.row] = self.lines[self.row] .. char
        assert(
          text.width(self.lines[self.row]) <= self.columns,
          "a line is wider than the page: " .. self.lines[self.row]
        )
      end
      at = at + #char
    end
  end
  return self
end

--- What a person sees, blanks at the ends of lines left out.
---@return string
function Screen:text()
  local seen = {}
  for index, line in ipairs(self.lines) do
    seen[index] = line:gsub(" +$", "")
  end
  return table.concat(seen, "\n")
end

return M
