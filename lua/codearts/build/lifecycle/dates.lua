--- Days as the history takes them: YYYY-MM-DD. Pure, and without the core, so that the command can check them first.
local calendar = require "codearts.build.calendar"

local dates = {}

--- Days of history in one request, at most (API reference 7.8).
dates.MAX_DAYS = 30

dates.parse = calendar.parse_day

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
