-- Time as the service writes it. The examples of the API reference give records in UTC and logs, history and day numbers eight hours
-- ahead of it; the sandbox does the same, so that a client that mixes them up is found out.

local cqueues = require "cqueues"

local M = {}

local EAST = 8 * 3600
local started, started_at = os.time(), cqueues.monotime()
local ahead = 0

---@return number seconds since 1970, with a fraction, never going backwards unless it is moved
function M.now()
  return started + ahead + (cqueues.monotime() - started_at)
end

---Moves the sandbox's clock.
---@param seconds number how much it is ahead of the machine's from now on
function M.move(seconds)
  ahead = seconds
end

-- Days since 1970 of a civil date, by counting from 1 March so that the leap day is the last of its year.
local function days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local leap = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leap + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

-- The civil date of a number of days since 1970: by guesses that are never too late, and at most one month or year too early.
local function date(number)
  local year = 1970 + math.floor((number - 1) / 365.2425)
  if days(year + 1, 1, 1) <= number then
    year = year + 1
  end
  local month = 1 + math.floor((number - days(year, 1, 1)) / 31)
  if month < 12 and days(year, month + 1, 1) <= number then
    month = month + 1
  end
  return year, month, number - days(year, month, 1) + 1
end

local WEEKDAYS = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }
local MONTHS =
  { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

-- As os.date writes UTC in English; that itself fails for what is after 2038 where time_t has 32 bits.
local function format(pattern, time)
  time = math.floor(time)
  local number, second = math.floor(time / 86400), time % 86400
  local year, month, day = date(number)
  local fields = { Y = ("%04d"):format(year), a = WEEKDAYS[number % 7 + 1], b = MONTHS[month] }
  local two_digits = {
    m = month,
    d = day,
    H = math.floor(second / 3600),
    M = math.floor(second / 60) % 60,
    S = second % 60,
  }
  for name, value in pairs(two_digits) do
    fields[name] = ("%02d"):format(value)
  end
  return (pattern:gsub("%%(%a)", fields))
end

local function milliseconds(time)
  return string.format("%03d", math.floor((time - math.floor(time)) * 1000))
end

---`2022-10-11T08:28:42.000+00:00`, as in record detail (API reference 7.3); "" for nil.
function M.record(time)
  return time and format("%Y-%m-%dT%H:%M:%S.", time) .. milliseconds(time) .. "+00:00" or ""
end

---`2020-12-30T17:33:11+08:00`, as in the history lists (API reference 7.8); "" for nil.
function M.history(time)
  return time and format("%Y-%m-%dT%H:%M:%S+08:00", time + EAST) or ""
end

---`2023/12/21 15:44:18.743 GMT+08:00`, as at the start of a log line (API reference 7.6).
function M.log(time)
  return format("%Y/%m/%d %H:%M:%S.", time + EAST) .. milliseconds(time) .. " GMT+08:00"
end

---`20200612`, the day part of a daily build number.
function M.day(time)
  return format("%Y%m%d", time + EAST)
end

---`20190219191621`, the predefined parameter TIMESTAMP.
function M.stamp(time)
  return format("%Y%m%d%H%M%S", time + EAST)
end

---`2020-01-04T09:05:22.701000Z`, as IAM writes it (API reference 2.1).
function M.iam(time)
  return format("%Y-%m-%dT%H:%M:%S.", time) .. milliseconds(time) .. "000Z"
end

---The value of a Date header.
function M.http(time)
  return format("%a, %d %b %Y %H:%M:%S GMT", time)
end

-- Seconds since 1970 when the fields name a real moment (what is written back is what was read), else nil.
local function moment(pattern, text, year, month, day, hour, minute, second)
  if not year then
    return nil
  end
  local time = days(tonumber(year), tonumber(month), tonumber(day)) * 86400
    + (tonumber(hour) or 0) * 3600
    + (tonumber(minute) or 0) * 60
    + (tonumber(second) or 0)
  return format(pattern, time) == text and time or nil
end

---@param text string `20240102T030405Z`, an X-Sdk-Date
---@return number|nil seconds since 1970
function M.parse_sdk_date(text)
  return moment("%Y%m%dT%H%M%SZ", text, text:match("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$"))
end

---@param text string `2024-01-02`, a day eight hours ahead of UTC
---@return number|nil seconds since 1970 of its start
function M.parse_day(text)
  local time = moment("%Y-%m-%d", text, text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)$"))
  return time and time - EAST
end

---@param text string `2024-01-02 03:04:05`, eight hours ahead of UTC
---@return number|nil seconds since 1970
function M.parse_moment(text)
  local time = moment(
    "%Y-%m-%d %H:%M:%S",
    text,
    text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d) (%d%d):(%d%d):(%d%d)$")
  )
  return time and time - EAST
end

return M
