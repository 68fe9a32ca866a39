--- The Gregorian calendar by arithmetic alone: neither the system's zone nor the size of its times
--- matters. Pure.
local calendar = {}

local LENGTHS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
local DAYS_TO_1970 = 719468 -- from 1 March of the year 0

local function length_of(year, month)
  local leap = month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return LENGTHS[month] and LENGTHS[month] + (leap and 1 or 0)
end

--- Days from 1970-01-01 to a date; nil if the calendar has no such date.
---@param year integer
---@param month integer
---@param day integer
---@return integer?
function calendar.days(year, month, day)
  local length = length_of(year, month)
  if not length or day < 1 or day > length then
    return nil
  end
  -- In years that begin in March the leap day comes last.
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local leaps = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leaps + math.floor((153 * (month - 3) + 2) / 5) + day - 1 - DAYS_TO_1970
end

--- The number of a day such as 2024-05-31, counted from 1970-01-01; nil if it is none.
---@param text any
---@return integer?
function calendar.parse_day(text)
  if type(text) ~= "string" then
    return nil
  end
  local year, month, day = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  return year and calendar.days(tonumber(year), tonumber(month), tonumber(day)) or nil
end

--- The date that many days after 1970-01-01.
---@param days integer
---@return integer year
---@return integer month
---@return integer day
function calendar.date(days)
  days = days + DAYS_TO_1970
  local cycle = math.floor(days / 146097) -- of 400 years
  days = days - cycle * 146097
  local year = math.floor(
    (days - math.floor(days / 1460) + math.floor(days / 36524) - math.floor(days / 146096)) / 365
  )
  days = days - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * days + 2) / 153) -- from March
  local day = days - math.floor((153 * month + 2) / 5) + 1
  year, month = year + 400 * cycle, month + 3
  if month > 12 then
    year, month = year + 1, month - 12
  end
  return year, month, day
end

--- A moment as the lists of builds take it, `yyyy-MM-dd HH:mm:ss` (API reference 7.8), in UTC.
---@param time number seconds since 1970
---@return string
function calendar.moment(time)
  time = math.floor(time)
  local days = math.floor(time / 86400)
  local year, month, day = calendar.date(days)
  local second = time - days * 86400
  local minute = math.floor(second / 60)
  return ("%04d-%02d-%02d %02d:%02d:%02d"):format(
    year,
    month,
    day,
    math.floor(minute / 60),
    minute % 60,
    second % 60
  )
end

return calendar
