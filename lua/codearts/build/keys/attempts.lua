--- A start of the core whose attempts are let out one by one, as something that a flow can await.
local Call = require "codearts.build.client.call"

---@class codearts.build.Attempts
---@field call userdata of the core, made with `admission`
local Attempts = setmetatable({}, { __index = Call })
Attempts.__index = Attempts
Call.add_kind(Attempts)

local function tell_nobody() end

--- Checks the arguments and raises usage errors; sends nothing.
---@param client codearts.build.Client
---@param args codearts.build.RunArgs
---@param opts table that the core takes
---@param operation? string
---@param run_id? string of the key
---@param waits boolean their news are waited for by `settle`, and told to nobody
---@return codearts.build.Attempts
function Attempts.new(client, args, opts, operation, run_id, waits)
  local self =
    setmetatable({ client = client, sent = false, call = nil, told = nil, waiter = nil }, Attempts)
  if not waits then
    function self.told()
      local waiter = self.waiter
      self.waiter = nil
      if waiter then
        waiter(true)
      end
    end
  end
  local told = self.told or tell_nobody
  self.call = client:begin("start", args, opts, "not_started", operation, told, run_id)
  return self
end

--- Sends the call on its way to its first attempt; once.
---@param deadline? number seconds from now
function Attempts:send(deadline)
  self.sent = true
  if self.told then
    self.call:on_done(self.told)
  end
  self.call:send(deadline)
  self.client:wake() -- a look may have ended all that was under way
end

--- Waits for news, in C. Raises why it cannot.
---@return true
function Attempts:settle()
  self.call:settle(self.client.between)
  return true
end

--- Whether there is news: an attempt that waits to be let out, or the end.
---@return boolean
function Attempts:done()
  return self.call:done() or self.call:admission() ~= nil
end

--- See codearts.build.Call; one waiter, which is told of what is news from now on.
---@param f fun(news: boolean)
---@return codearts.build.Attempts self
function Attempts:on_done(f)
  self.waiter = f
  return self
end

--- Nothing is known before the news.
function Attempts:try_wait()
  return self.call:try_wait()
end

--- See codearts.build.Call.
---@return boolean
function Attempts:is_out()
  return self.call:is_out()
end

--- Ends the call, unless it has ended.
function Attempts:cancel()
  if not self.call:done() then
    self.call:cancel()
    self.client:wake()
  end
end

return Attempts
