--- Days as the history takes them: YYYY-MM-DD. Pure, and without the core, so that the command can check them first.
local dates = {}

--- Days of history in one request, at most (API reference 7.8).
dates.MAX_DAYS = 30

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

--- Days before the first of January of a year.
local function days_before(year)
  year = year - 1
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
end

--- The number of a day, counted from any fixed one; nil if the calendar has no such day.
---@param str any
---@return integer?
function dates.parse(str)
  if type(str) ~= "string" then
    return nil
  end
  local year, month, day = str:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local length = month and DAYS[month]
  if month == 2 and is_leap(year) then
    length = 29
  end
  if not length or day < 1 or day > length then
    return nil
  end
  local number = days_before(year) + day
  for before = 1, month - 1 do
    number = number + DAYS[before]
  end
  return month > 2 and is_leap(year) and number + 1 or number
end

--- What is wrong with a span of two days.
---@param from string
---@param to string
---@return string? problem
function dates.problem_of_span(from, to)
  local length = dates.parse(to) - dates.parse(from)
  if length < 0 then
    return ("%s is before %s"):format(to, from)
  elseif length > dates.MAX_DAYS then
    return ("%s is more than %d days after %s"):format(to, dates.MAX_DAYS, from)
  end
  return nil
end

return dates
