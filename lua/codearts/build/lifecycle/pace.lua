--- The pace of a wait: by what is known of earlier builds once this one is seen to run, else by growing pauses.
local core = require "codearts.build.core"
local Pause = require "codearts.build.lifecycle.pause"
local Schedule = require "codearts.build.lifecycle.schedule"
local meta = require "codearts.build.meta"
local past = require "codearts.build.lifecycle.past"
local times = require "codearts.build.lifecycle.times"

-- Seconds before the end of a wait at which it looks for the last time, so that the answer comes within it: so many, or this
-- share of a short one.
local LAST, LAST_SHARE = 2, 0.1
local FIRST_PAUSE = 1
local CLOCKS_AGREE = 2 -- seconds between ours and a Date, which has whole ones and was under way

---@class codearts.build.Pace
---@field till number? the end of the wait, of core.now()
---@field last? number seconds before it at which to look for the last time
---@field private last_at number? when to look for the last time; nil: that is done
local Pace = {}
Pace.__index = Pace

---@param target table the build
---@param opts codearts.build.WaitOptions with `interval` the history is not asked
---@return codearts.build.Pace
function Pace.new(target, opts)
  local till = opts.timeout and core.now() + opts.timeout
  local last = till and math.min(LAST, LAST_SHARE * opts.timeout)
  return setmetatable({
    target = target,
    pause = Pause.new(opts.interval or FIRST_PAUSE),
    learn = opts.interval == nil,
    last_status = nil,
    till = till,
    last = last,
    last_at = till and till - last,
  }, Pace)
end

--- What time it is where the record came from, if that tells it and our clock clearly differs.
local function service_time(detail)
  local ours, told = core.time(), meta.of(detail)
  local theirs = told and told.date and told.date + (told.age or 0)
  return theirs and math.abs(theirs - ours) > CLOCKS_AGREE and theirs or ours
end

--- Takes in what a look has shown of a build that is not over. Asks for the history, once.
---@param await function
---@param detail table record detail
---@param look? codearts.build.CallOptions|fun(): codearts.build.CallOptions?
function Pace:saw(await, detail, look)
  if detail.status ~= self.last_status then
    self.last_status = detail.status
    self.pause:reset()
  end
  local seen_at, time = core.now(), service_time(detail)
  if self.learn then
    self.learn = false
    self.schedule = Schedule.new(past(await, self.target, look))
  end
  local start, zoned = times.parse(detail.start_time)
  if not start then
    return -- it is in a queue, and nobody knows for how long
  end
  self.seen_running = self.seen_running or seen_at
  -- The service's zone may differ from what it says; what we have seen ourselves is certain.
  local least, ran = seen_at - self.seen_running, time - start
  local credible = zoned and (not self.schedule or self.schedule:is_credible(ran))
  self.ran = credible and math.max(ran, least) or least
  self.ran_at = seen_at
end

--- Seconds until the next look, were the wait without end.
local function length_of(self, err)
  if err or not self.schedule or not self.ran then
    return self.pause:next(err)
  end
  return self.schedule:next(self.ran + core.now() - self.ran_at)
end

--- Seconds until the next look.
---@param err table? what the last look ended with
---@return number? seconds nil: there is no time for another
function Pace:next(err)
  local length, now = length_of(self, err), core.now()
  if self.last_at and now + length >= self.last_at then
    if now < self.last_at then
      length = math.max(self.last_at - now, Pause.asked(err))
    end
    self.last_at = nil
  end
  return (not self.till or now + length < self.till) and length or nil
end

--- What is known of the time that the build takes: seconds that it has run, that are left, and that it usually takes.
---@return number? running
---@return number? eta
---@return number? usual
function Pace:times()
  local running = self.ran and self.ran + core.now() - self.ran_at
  if not self.schedule then
    return running
  end
  return running, running and self.schedule:left(running), self.schedule:usual()
end

return Pace
