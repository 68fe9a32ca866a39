--- Follows the log of a build beside a wait for its end, so that nobody but the wait asks whether it is over.
local core = require "codearts.build.core"
local lifecycle = require "codearts.build.lifecycle"
local read_log = require "codearts.build.lifecycle.log"
local within = require "codearts.build.lifecycle.within"

local GRACE = 20 -- seconds that the rest of a log may take once the build is over

---@class codearts.build.Follower
---@field call codearts.build.Task the reading of the log
local Follower = {}
Follower.__index = Follower

--- Why the rest did not come in time: the trouble that there was last, if any.
local function late_error(self, grace)
  local trouble, target = self.watch.trouble, self.target
  if trouble then
    return target.client:conceal(trouble, target.result) -- what the flow itself ends with is that already
  end
  return core.error {
    kind = "timeout",
    reason = "deadline",
    message = ("its end did not come within %s s"):format(core.encode(grace)),
    retryable = true,
  }
end

--- The wait has ended. Reads the rest if the build is over, but not for ever; else no further.
---@param await codearts.build.Await
---@param over boolean
---@param left? number seconds that are left for it; 0 or less: none
---@return codearts.build.Error? err the log of a build that is over is not complete
function Follower:finish(await, over, left)
  if not over then
    self.call:cancel()
    return nil
  end
  self.watch.over = true
  if self.watch.sleep then
    self.watch.sleep:cancel()
  end
  local grace = left and math.max(math.min(left, GRACE), 0) or GRACE
  local _, err, late = within(await, self.target.client, self.call, grace)
  return err and late and late_error(self, grace) or err
end

--- Begins to read.
---@param build table a result of run, or what client:build answered
---@param on_line fun(line: string)
---@param length? integer see LogOptions
---@return codearts.build.Follower
return function(build, on_line, length)
  local target = lifecycle.handle(build)
  local self = setmetatable({ target = target, watch = {} }, Follower)
  local flow = read_log(target, { follow = true, on_line = on_line, length = length }, self.watch)
  self.call = target.client:task(flow)
  return self
end
