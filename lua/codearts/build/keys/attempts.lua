--- A start of the core whose attempts are let out one by one, as something that a flow can await.
local Call = require "codearts.build.client.call"

---@class codearts.build.Attempts
---@field call userdata of the core, made with the option `admission`
local Attempts = setmetatable({}, { __index = Call })
Attempts.__index = Attempts
Attempts.is_call = true

--- One look after each step for all of a client's: at those that wait for news, when there may be some.
local function watch(client)
  local waiting, seen = {}, nil
  client:after_steps(function()
    local count = client.core:admissions()
    if count ~= seen then
      seen = count
      for self in next, waiting do
        self:look()
      end
    end
  end)
  client.attempts_waiting = waiting
  return waiting
end

---@param client codearts.build.Client
---@param call userdata
---@return codearts.build.Attempts
function Attempts.new(client, call)
  local self = setmetatable({ client = client, call = call }, Attempts)
  self.waiting = client.attempts_waiting or watch(client)
  return self
end

--- Sends the call on its way to its first attempt; once.
---@param deadline? number seconds from now
function Attempts:send(deadline)
  self.sent = true
  self.call:on_done(function()
    self:tell()
  end)
  self.call:send(deadline)
end

--- Whether there is news: an attempt that waits to be let out, or the end.
---@return boolean
function Attempts:done()
  return self.call:done() or self.call:admission() ~= nil
end

--- Wakes who awaits news; in a step, where others may raise.
function Attempts:tell()
  local waiter = self.waiter
  self.waiter, self.waiting[self] = nil, nil
  if waiter then
    waiter(true)
  end
end

--- Whether an attempt waits to be let out by now.
function Attempts:look()
  if self.call:admission() then
    self.waiting[self] = nil
    self.client:sleep(0):on_done(function()
      self:tell()
    end)
  end
end

--- See codearts.build.Call; one waiter, which is told in a step.
---@param f fun(news: boolean)
---@return codearts.build.Attempts self
function Attempts:on_done(f)
  self.waiter, self.waiting[self] = f, true
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

return Attempts
