--- Texts for machines, whatever the program's locale (os.setlocale): Lua's own functions and its
--- classes in patterns, such as %w, see letters in half of a UTF-8 character and write 0,5. Pure.
local M = {}

--- What %c stands for, for a set in a pattern.
M.CONTROLS = (_VERSION == "Lua 5.1" and "%z" or "\0") .. "\1-\31\127"

local UPPER, LOWER = {}, {}
for byte = 65, 90 do
  local upper, lower = string.char(byte), string.char(byte + 32)
  UPPER[lower], LOWER[upper] = upper, lower
end

---@param text string
---@return string
function M.lower(text)
  return (text:gsub("[A-Z]", LOWER))
end

---@param text string
---@return string
function M.upper(text)
  return (text:gsub("[a-z]", UPPER))
end

--- Without the blanks (%s) around it. Takes time in proportion to the text, however many blanks are in it.
---@param text string
---@return string
function M.trim(text)
  local first = text:find "[^ \t\r\n\v\f]"
  return first and text:match("^.*[^ \t\r\n\v\f]", first) or ""
end

--- What tonumber answers, with a point before the fraction.
---@param value any
---@return number?
function M.number(value)
  local text = type(value) == "string" and value or ""
  local sign, whole, fraction = text:match "^(-?)(%d+)%.(%d+)$"
  if not whole then
    return tonumber(value)
  end
  local number = tonumber(whole) + tonumber(fraction) / 10 ^ #fraction
  return sign == "-" and -number or number
end

--- A number by a format such as %.1f, with a point before the fraction.
---@param format string
---@param value number
---@return string
function M.decimal(format, value)
  return (format:format(value):gsub("^(-?%d+)[^%de]+(%d)", "%1.%2"))
end

return M
