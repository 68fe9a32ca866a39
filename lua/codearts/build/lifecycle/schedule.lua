--- When to look at a build whose job is known: close together where earlier builds ended, rarely elsewhere. Pure.
-- What it has to reach stands in spec/schedule_spec.lua, which measures it: the delay of the verdict, and the looks it takes.

-- Seconds between two looks where the end may come, and from where a third of the earlier builds had ended. A build ends
-- anywhere between two of them, so the first is the delay that a verdict has at most, and half of the second the one that half of
-- them have. Very short builds are looked at closer.
local CLOSE, CLOSER, CLOSEST = 3.8, 3.2, 0.5
local SHARE = 0.15 -- of the time that the build has run
-- Seconds between two looks elsewhere: growing at the beginning, where a bad parameter shows.
local FIRST_FAR, FAR_GROWTH, FAR = 6, 3, 25
-- Builds that outlast all others are looked at less and less.
local OVERDUE_SHARE, OVERDUE = 0.1, 15
-- How far around each earlier build the end is due, as the logarithm of a factor; the fewer there are the less they say.
local AROUND, AROUND_LONG = 0.35, 0.6
-- Looks are dearest for builds of two minutes: of fewer than half as many as one every three seconds most go to the end. Shorter
-- ones may take all of those, and for longer ones they are many.
local SHORT, MEDIUM, LONG = 90, 120, 300
local CLOSER_ELSEWHERE = 2.8

---@class codearts.build.Schedule
---@field private ends number[] how long earlier builds took, in their order
---@field private expected number[] the same of those whose end is hoped for
---@field private likely number seconds after which a third of them had ended
---@field private closer number seconds between two looks from there
---@field private around number factor
local Schedule = {}
Schedule.__index = Schedule

local function sorted(list)
  local copy = {}
  for index, value in ipairs(list) do
    copy[index] = value
  end
  table.sort(copy)
  return copy
end

local function median(list, first)
  return list[first + math.ceil((#list - first + 1) / 2) - 1]
end

---@param durations number[] seconds that earlier builds took, whatever their verdict
---@param successes number[] of those that succeeded
---@return codearts.build.Schedule? schedule nil: nothing is known
function Schedule.new(durations, successes)
  if #durations == 0 then
    return nil
  end
  local ends = sorted(durations)
  local usual = median(ends, 1)
  local long = math.max(0, math.min((usual - MEDIUM) / (LONG - MEDIUM), 1))
  local around = AROUND + (AROUND_LONG - AROUND) * long
  local plenty = usual < SHORT and 1 or long
  return setmetatable({
    ends = ends,
    expected = #successes > 0 and sorted(successes) or ends,
    likely = ends[math.ceil(#ends / 3)],
    closer = CLOSER + (CLOSER_ELSEWHERE - CLOSER) * plenty,
    around = math.exp(around / math.sqrt(#ends)),
  }, Schedule)
end

--- Seconds to the next look at a build that has run for `elapsed` seconds.
---@param elapsed number
---@return number
function Schedule:next(elapsed)
  local close = elapsed < self.likely and CLOSE or self.closer
  close = math.max(CLOSEST, math.min(close, SHARE * elapsed))
  for _, stop in ipairs(self.ends) do
    local opens = stop / self.around
    if elapsed < opens then
      local far = math.min(FAR, math.max(FIRST_FAR, elapsed * FAR_GROWTH))
      -- A little beyond, so that no rounding ends it just before.
      return math.max(CLOSEST, math.min(far, opens - elapsed + 0.01))
    elseif elapsed < stop * self.around then
      return close
    end
  end
  local overdue = elapsed - self.ends[#self.ends] * self.around
  return math.min(OVERDUE, math.max(close, OVERDUE_SHARE * overdue))
end

--- Seconds that such a build still takes as a rule: half of the earlier ones that took longer ended before.
---@param elapsed number
---@return number? seconds 0: about now; nil: it has clearly taken longer than any other
function Schedule:left(elapsed)
  for index, stop in ipairs(self.expected) do
    if stop > elapsed then
      return median(self.expected, index) - elapsed
    end
  end
  -- The service's times may be whole seconds.
  local clearly = self.expected[#self.expected] * 1.1 + 1
  return elapsed < clearly and 0 or nil
end

--- Whether a build can have run that long, by anything that is known: a clock that is off by hours says so, too.
---@param elapsed number
---@return boolean
function Schedule:is_credible(elapsed)
  return elapsed < self.ends[#self.ends] * 4 + 3600
end

--- Seconds that such a build takes as a rule.
---@return number
function Schedule:usual()
  return median(self.expected, 1)
end

return Schedule
