--- The pace of a wait: by what is known of earlier builds once this one is seen to run, else by growing pauses.
local core = require "codearts.build.core"
local Pause = require "codearts.build.lifecycle.pause"
local Schedule = require "codearts.build.lifecycle.schedule"
local past = require "codearts.build.lifecycle.past"
local times = require "codearts.build.lifecycle.times"

local FIRST_PAUSE = 1

---@class codearts.build.Pace
local Pace = {}
Pace.__index = Pace

---@param target table the build
---@param interval number? seconds before the second look: then the history is not asked
---@return codearts.build.Pace
function Pace.new(target, interval)
  return setmetatable({
    target = target,
    pause = Pause.new(interval or FIRST_PAUSE),
    learn = interval == nil,
    last_status = nil,
  }, Pace)
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
  if self.learn then
    self.learn = false
    self.schedule = Schedule.new(past(await, self.target, look))
  end
  local start, zoned = times.parse(detail.start_time)
  if not start then
    return -- it is in a queue, and nobody knows for how long
  end
  self.seen_running = self.seen_running or core.now()
  -- Our clock may differ from the service's, and its zone from what it says; what we have seen ourselves is certain.
  local least, ran = core.now() - self.seen_running, core.time() - start
  local credible = zoned and (not self.schedule or self.schedule:is_credible(ran))
  self.ran = credible and math.max(ran, least) or least
  self.ran_at = core.now()
end

--- Seconds until the next look.
---@param left number? seconds until the caller gives up
---@param err table? what the last look ended with
---@return number
function Pace:next(left, err)
  if err or not self.schedule or not self.ran then
    return self.pause:next(left, err)
  end
  local length = self.schedule:next(self.ran + core.now() - self.ran_at)
  return left and math.max(0, math.min(length, left)) or length
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
