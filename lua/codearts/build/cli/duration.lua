--- Durations as people write and read them. Pure.
local ascii = require "codearts.build.ascii"
local duration = {}

local UNITS = { h = 3600, m = 60, s = 1 }

--- Reads "90", "90s", "30m", "1h30m" or "1.5h"; a bare number is seconds.
---@param str string
---@return number? seconds above 0
---@return string? problem
function duration.parse(str)
  local problem = ("expected a duration such as 90s, 30m or 1h30m, got '%s'"):format(str)
  local bare = str:match("^%d+%.?%d*$")
  if bare then
    return ascii.number(bare) > 0 and ascii.number(bare) or nil, problem
  end
  local total, rest, last = 0, str, math.huge
  while rest ~= "" do
    local count, unit, tail = rest:match("^(%d+%.?%d*)([hms])(.*)$")
    if not count or UNITS[unit] >= last then
      return nil, problem
    end
    total, rest, last = total + ascii.number(count) * UNITS[unit], tail, UNITS[unit]
  end
  if total <= 0 then
    return nil, problem
  end
  return total
end

--- Writes "0.4s", "12s", "3m 05s" or "1h 02m".
---@param seconds number
---@return string
function duration.format(seconds)
  if seconds < 0 then
    seconds = 0
  end
  if seconds < 9.95 then
    return ascii.decimal("%.1fs", seconds)
  end
  local whole = math.floor(seconds + 0.5)
  if whole < 60 then
    return ("%ds"):format(whole)
  elseif whole < 3600 then
    return ("%dm %02ds"):format(math.floor(whole / 60), whole % 60)
  end
  return ("%dh %02dm"):format(math.floor(whole / 3600), math.floor(whole % 3600 / 60))
end

return duration
