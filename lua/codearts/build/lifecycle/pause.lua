--- How long to wait between two looks: growing while nothing changes. Pure.

local GROWTH = 1.5
local LONGEST = 15
-- A service may ask for a long time in earnest, or for one that nobody can mean: the year 2099, 1e20 seconds.
local LONGEST_ASKED = 3600

---@class codearts.build.Pause
local Pause = {}
Pause.__index = Pause

---@param first number seconds before the second look
---@param longest? number default 15
---@return codearts.build.Pause
function Pause.new(first, longest)
  longest = math.max(longest or LONGEST, first)
  return setmetatable({ first = first, length = first, longest = longest }, Pause)
end

--- Something happened: look again soon.
function Pause:reset()
  self.length = self.first
end

--- How long a service that named a time (Retry-After) is not asked again: never more than an hour.
---@param err table? what the last look ended with
---@return number seconds
function Pause.asked(err)
  return math.min(err and tonumber(err.retry_after) or 0, LONGEST_ASKED)
end

--- The next pause.
---@param err table? what the last look ended with
---@return number seconds
function Pause:next(err)
  local length = self.length
  self.length = math.min(length * GROWTH, self.longest)
  return math.max(length, Pause.asked(err))
end

return Pause
