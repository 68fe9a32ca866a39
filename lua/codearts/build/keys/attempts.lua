--- A start of the core whose attempts are let out one by one, as something that a flow can await.
local Call = require "codearts.build.call"

---@class codearts.build.Attempts
---@field call userdata of the core, made with the option `admission`
local Attempts = setmetatable({}, { __index = Call })
Attempts.__index = Attempts
Attempts.is_call = true

--- Watches the call: its client asks after each step.
---@param client codearts.build.Client
---@param call userdata
---@return codearts.build.Attempts
function Attempts.new(client, call)
  local self = setmetatable({ client = client, call = call }, Attempts)
  self.unwatch = client:after_steps(function()
    self:look()
  end)
  return self
end

--- Whether there is news: an attempt that waits to be let out, or the end.
---@return boolean
function Attempts:done()
  return self.call:done() or self.call:admission() ~= nil
end

--- Wakes who awaits news.
function Attempts:look()
  local waiter = self.waiter
  if waiter and self:done() then
    self.waiter = nil
    waiter(true)
  end
end

--- See codearts.build.Call; one waiter, which is told in a step.
---@param f fun(news: boolean)
---@return codearts.build.Attempts self
function Attempts:on_done(f)
  self.waiter = f
  self.client:wake()
  return self
end

--- Nothing is known before the news.
function Attempts:try_wait()
  return self.call:try_wait()
end

--- Ends the call, unless it has ended.
function Attempts:cancel()
  if not self.call:done() then
    self.call:cancel()
    self.client:wake()
  end
end

--- Nobody asks any more: an attempt that was not let out would wait for ever.
function Attempts:close()
  self.unwatch()
  self:cancel()
end

return Attempts
