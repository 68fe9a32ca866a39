--- Follows the log of a build beside a wait for its end, so that nobody but the wait asks whether it is over.
local lifecycle = require "codearts.build.lifecycle"
local read_log = require "codearts.build.lifecycle.log"
local within = require "codearts.build.lifecycle.within"

local GRACE = 20 -- seconds that the rest of a log may take once the build is over

---@class codearts.build.Follower
---@field call codearts.build.Task the reading of the log
local Follower = {}
Follower.__index = Follower

--- The build is over: reads the rest, but not for ever.
---@param await codearts.build.Await
---@param left? number seconds that are left for it; 0 or less: none
---@return codearts.build.Error? err the log is not complete
function Follower:finish(await, left)
  self.watch.over = true
  if self.watch.sleep then
    self.watch.sleep:cancel()
  end
  local grace = left and math.max(math.min(left, GRACE), 0) or GRACE
  return select(2, within(await, self.client, self.call, grace))
end

--- Begins to read.
---@param build table a result of run, or what client:build answered
---@param on_line fun(line: string)
---@param length? integer see LogOptions
---@return codearts.build.Follower
return function(build, on_line, length)
  local target = lifecycle.handle(build)
  local self = setmetatable({ client = target.client, watch = {} }, Follower)
  local flow = read_log(target, { follow = true, on_line = on_line, length = length }, self.watch)
  self.call = target.client:task(flow)
  return self
end
