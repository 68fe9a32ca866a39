--- Lines of a log, however long, as what a person reads and a pattern takes. Pure.
local lines = {}

local LONGEST = 4096 -- bytes

--- The last byte of the last character that ends at a byte or before.
local function whole(str, stop)
  local first = stop
  while first > stop - 3 and (str:byte(first + 1) or 0) >= 0x80 and str:byte(first + 1) < 0xC0 do
    first = first - 1
  end
  return first
end

--- The begin of a line that is too long, and how much more there is; its last state where it was written over itself.
---@param line string
---@return string
function lines.cut(line)
  if #line <= LONGEST then
    return line
  end
  local last = line:sub(-LONGEST):match "\r([^\r]+)\r*$"
  if last then
    return last
  end
  local stop = whole(line, LONGEST)
  return line:sub(1, stop) .. (" [%d bytes more]"):format(#line - stop)
end

return lines
