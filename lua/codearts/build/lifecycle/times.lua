--- Times as the service prints them. Pure.
local ascii = require "codearts.build.ascii"
local calendar = require "codearts.build.calendar"

local times = {}

local LEAST, LARGEST = 1e8, 2 ^ 43 -- seconds: of 1973, and of the milliseconds that a number holds

local function seconds_of(value)
  local milliseconds = type(value) == "string" and value:find "^%d+$" and ascii.number(value)
    or value
  if type(milliseconds) == "number" then
    return milliseconds / 1000, true
  elseif type(value) ~= "string" then
    return nil, false
  end
  local y, mo, d, h, mi, s, fraction, rest =
    value:match "^(%d%d%d%d)[-/](%d%d)[-/](%d%d)[T ](%d%d):(%d%d):(%d%d)%.?(%d*)(.*)$"
  local days = y and calendar.days(tonumber(y), tonumber(mo), tonumber(d))
  if not days then
    return nil, false
  end
  local seconds = days * 86400 + tonumber(h) * 3600 + tonumber(mi) * 60 + tonumber(s)
  if fraction ~= "" then
    seconds = seconds + tonumber(fraction) / 10 ^ #fraction
  end
  local sign, zone_h, zone_m = rest:match("^([+-])(%d%d):?(%d%d)$")
  if sign then
    seconds = seconds
      - (sign == "+" and 1 or -1) * (tonumber(zone_h) * 3600 + tonumber(zone_m) * 60)
  end
  return seconds, sign ~= nil or rest == "Z"
end

--- Seconds since 1970 of `2022-10-11T08:28:42.000+00:00`, or of epoch milliseconds, be they a text. A time that names no
--- zone is taken for UTC. One before 1973 is none: 1970-01-01 and 0001-01-01 are what services write where there is no time.
---@param value any
---@return number? seconds
---@return boolean zoned whether the moment is certain
function times.parse(value)
  local seconds, zoned = seconds_of(value)
  if seconds and seconds >= LEAST and seconds <= LARGEST then
    return seconds, zoned
  end
  return nil, false
end

return times
