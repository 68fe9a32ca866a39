--- Times as IAM, the metadata service and HTTP write them. Pure.
local ascii = require "codearts.build.ascii"
local calendar = require "codearts.build.calendar"

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

local function seconds(year, month, day, hour, minute, second)
  hour, minute, second = tonumber(hour), tonumber(minute), ascii.number(second)
  local days = calendar.days(tonumber(year), tonumber(month), tonumber(day))
  if not days or hour > 23 or minute > 59 or second >= 61 then
    return nil
  end
  return days * 86400 + hour * 3600 + minute * 60 + second
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
    text:match "^[A-Z][a-z][a-z], (%d%d) ([A-Z][a-z][a-z]) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  local month = name and MONTHS[name]
  return month and seconds(year, month, day, hour, minute, second)
end

--- What the clock of who answered shows: its Date, and the seconds that a cache has kept the answer for since (RFC 9111, 5.1).
---@param headers table of a raw answer
---@return number? utc seconds since 1970; nil: they do not tell it
function M.now(headers)
  local date, age = M.http(headers.date), (headers.age or ""):match "^%d+"
  return date and date + (tonumber(age) or 0)
end

return M
