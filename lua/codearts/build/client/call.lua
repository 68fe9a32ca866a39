--- What client:start, client:request and client:sleep answer: one call in flight.
local core = require "codearts.build.core"
local nginx_request = require "codearts.build.nginx_request"
local problems = require "codearts.build.problem"

---@class codearts.build.Call
---@field client codearts.build.Client
---@field core userdata the core's call
local Call = {}
Call.__index = Call
Call.__name = "codearts.build.Call"

local kinds = { [Call] = true }

--- Has tables with that metatable taken for calls; for this library's own modules.
---@param meta table
function Call.add_kind(meta)
  kinds[meta] = true
end

--- Whether a value is a call or a task; for this library's own modules.
---@param value any
---@return boolean
function Call.is(value)
  return kinds[getmetatable(value)] == true
end

--- Raises a usage error unless it is one.
---@param self any
function Call.check(self)
  if not Call.is(self) then
    problems.refuse("self", "self: must be a call; use its methods with a colon")
  end
end
local check = Call.check

local function done(call)
  return call:done()
end

--- Whether a call has ended, or one of the core's; a usage error for what is none. For this library's own modules.
---@param call any
---@return boolean
function Call.has_ended(call)
  if Call.is(call) then
    return call:done()
  end
  local ok, ended = pcall(done, call)
  if not ok then
    error(
      core.is_error(ended) and ended or problems.usage("call", "call: must be a call object"),
      0
    )
  end
  return ended
end

--- Wraps a call of the core; for this library's own modules.
---@param client codearts.build.Client
---@param core_call userdata
---@return codearts.build.Call
function Call.new(client, core_call)
  return setmetatable({ client = client, core = core_call }, Call)
end

--- Waits until the call has ended. Blocks, or yields where the client lives in a host's loop. Raises
--- the call's error; or kind "timeout", reason "wait", when the time is over first; or, without a
--- host, a text when some callback raised meanwhile. After these two the call goes on.
---@param timeout? number seconds; without it, as long as it takes
---@return any result
function Call:wait(timeout)
  check(self)
  self.client:wait_for(self, timeout)
  local result, err = self:try_wait()
  if err ~= nil then
    error(err, 0)
  end
  return result
end

--- The result or nil and the error: kind "timeout", reason "wait" while the call has not ended. Without
--- a time it never blocks; with one it waits as `wait` does, and where nobody can wait, that is the
--- error: it raises nothing. What callbacks raise meanwhile is left to the next step.
---@param timeout? number seconds
---@return any result
---@return codearts.build.Error? err
function Call:try_wait(timeout)
  check(self)
  local err = timeout ~= nil and self.client:try_wait_for(self, timeout)
  if err then
    return nil, err
  end
  return self.core:try_wait()
end

--- Whether the call has ended, one way or another. Never blocks.
---@return boolean
function Call:done()
  check(self)
  return self.core:done()
end

--- Whether a request of it was sent that is not answered yet; for this library's own modules.
---@return boolean
function Call:is_out()
  return self.core:is_out()
end

--- Ends the call as kind "cancelled", unless it has ended. Its outcome is honest: "unknown" when the
--- request may have reached the service. The end is told at the client's next step.
function Call:cancel()
  check(self)
  if not self.core:done() then -- for nothing, no step would follow
    self.core:cancel()
    self.client:wake()
  end
end

--- Has `f(result, err)` called once, inside a step, when the call has ended; also when it has
--- already. After the client was closed no step will come: then `f` is called at once.
---@param f fun(result: any, err: codearts.build.Error?)
---@return codearts.build.Call self
function Call:on_done(f)
  check(self)
  if self.client.closed then
    nginx_request.hide(self.core.on_done, self.core, f)
  else
    self.core:on_done(f)
  end
  if self.core:done() then
    self.client:wake()
  end
  return self
end

return Call
