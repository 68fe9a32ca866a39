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

--- The next pause. A service that named a time (Retry-After) is asked no earlier, unless it named more than an hour.
---@param left number? seconds until the caller gives up
---@param err table? what the last look ended with
---@return number seconds
function Pause:next(left, err)
  local length = self.length
  self.length = math.min(length * GROWTH, self.longest)
  local asked = err and tonumber(err.retry_after)
  length = math.max(length, math.min(asked or 0, LONGEST_ASKED))
  return left and math.max(0, math.min(length, left)) or length
end

return Pause
