--- Times as IAM, the metadata service and HTTP write them. Pure.
local M = {}

local MONTHS = {}
for number, name in ipairs {
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
} do
  MONTHS[name] = number
end

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

-- Days from 1970-01-01, counted in years that begin in March, so that a leap day comes last.
local function days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local leaps = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leaps + math.floor((153 * (month - 3) + 2) / 5) + day - 1 - 719468
end

local function seconds(year, month, day, hour, minute, second)
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if month < 1 or month > 12 or day < 1 or hour > 23 or minute > 59 or second >= 61 then
    return nil
  end
  local leap = month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  if day > DAYS[month] + (leap and 1 or 0) then
    return nil
  end
  return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
end

--- Reads `YYYY-MM-DDTHH:MM:SS.ffffffZ` (API reference 4.7); the fraction may have any length or be
--- missing.
---@param text any
---@return number? utc seconds since 1970
function M.iso(text)
  if type(text) ~= "string" then
    return nil
  end
  local year, month, day, hour, minute, second =
    text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d%.?%d*)Z$"
  return year and seconds(year, month, day, hour, minute, second)
end

--- Reads the form of a Date header that every server of today sends (RFC 9110, 5.6.7, IMF-fixdate).
---@param text any
---@return number? utc seconds since 1970
function M.http(text)
  if type(text) ~= "string" then
    return nil
  end
  local day, name, year, hour, minute, second =
    text:match "^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  local month = name and MONTHS[name]
  return month and seconds(year, month, day, hour, minute, second)
end

return M
