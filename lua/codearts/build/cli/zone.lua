--- The service's times in one zone, that of the user (TZ): records come in UTC, lists eight hours ahead of it, others as
-- milliseconds (API reference 7.3, 7.8).
local calendar = require "codearts.build.calendar"
local core = require "codearts.build.core"
local spans = require "codearts.build.cli.spans"

local LATEST = 253402300799 -- the end of the year 9999

local function has_zone(value)
  return type(value) == "number"
    or type(value) == "string" and (value:find "[+-]%d%d:?%d%d$" or value:find "Z$") ~= nil
end

--- "2024-05-31 15:04:05 +0200"; a text that is no time, or tells no zone, as it is; "-" for nothing.
---@param value any as the service tells it
---@return string
return function(value)
  local seconds = has_zone(value) and value ~= 0 and spans.time(value)
  if seconds and seconds > 0 and seconds < LATEST then
    local offset = core.zone_offset(seconds)
    local minutes = math.floor(math.abs(offset) / 60)
    return ("%s %s%02d%02d"):format(
      calendar.moment(seconds + offset),
      offset < 0 and "-" or "+",
      math.floor(minutes / 60),
      minutes % 60
    )
  end
  return type(value) == "string" and value ~= "" and value or "-"
end
