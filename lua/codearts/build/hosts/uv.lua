--- Drives a client from a libuv loop: one poll handle and one timer for the client's life. They keep the
--- loop running only while calls are in flight.
local host = require "codearts.build.hosts.host"

local LONGEST = 31536000 -- seconds of a client's timer; who waits for more than that year waits without an end

---@class codearts.build.UvLoop
---@field uv table luv, or what Neovim has of it
---@field later? fun(f: fun()) runs f where callbacks may run; without it they run in libuv's own
---@field report fun(text: string) tells the host what a callback or coroutine raised
---@field block fun(done: (fun(): boolean), tick: fun()) waits outside of coroutines; tick is a blocking step
---@field until_end? boolean nothing ends `block` before
---@field ticked? fun() called after each step
---@field check? fun(outcome?: string) see codearts.build.Host

---@class codearts.build.UvDriver
---@field client codearts.build.Client
---@field loop codearts.build.UvLoop
---@field open boolean until the client closes
---@field polling boolean the descriptor is watched
---@field ticking boolean a step was asked for and is to come (`loop.later`)
---@field begun boolean something was begun outside of a step
---@field in_timer boolean
---@field waiters table<table, true> who waits
---@field awake table[] who waited for what has ended; they go on after the step, not inside
local Driver = {}
Driver.__index = Driver

--- Asks for a step. libuv runs a timer of 0 ms that is started inside of a timer before it looks at
--- anything else: calls that always start another one would keep the loop to themselves.
---@param ms integer
function Driver:start_timer(ms)
  self.timer:start(self.in_timer and ms == 0 and 1 or ms, 0, self.on_timer)
end

--- Watches for what is to come, and lets the loop end when nothing is.
---@param remaining? integer calls that have not ended; nil after an error: the next step tells
function Driver:arm(remaining)
  if not self.polling then
    self.polling = true
    self.poll:start("r", self.on_poll)
  end
  local timeout = 0
  if remaining then
    timeout = self.client:timeout()
  end
  if timeout then
    self:start_timer(math.ceil(timeout * 1000))
  else
    self.timer:stop()
  end
  if self.begun or timeout == 0 or remaining > 0 then
    self.poll:ref()
  else
    self.poll:unref()
  end
end

--- Whether somebody has closed the handles, as programs do that close all handles of the loop.
function Driver:is_cut_off()
  return self.poll:is_closing() or self.timer:is_closing()
end

--- Whether there is a loop to drive the client from. Not in a forked child: libuv's descriptor is the parent's,
--- too, so that a handle which stops here is no longer watched there.
function Driver:is_driving()
  return self.open and not self.client:is_left_behind()
end

--- Who is to go on now.
---@return table[] waiters
function Driver:take_awake()
  local waiters = self.awake
  self.awake = {}
  return waiters
end

--- Those whose calls have ended go on. They may run the loop themselves.
---@param waiters table[]
function Driver:resume(waiters)
  for _, waiter in ipairs(waiters) do
    if waiter.waiting and coroutine.status(waiter.routine) == "suspended" then
      local ok, problem = coroutine.resume(waiter.routine)
      if not ok then
        self.loop.report(debug.traceback(waiter.routine, tostring(problem)))
      end
    end
  end
end

--- Something was begun outside of a step. The next one tells whether anything is under way: what was refused after it
--- was begun makes no news.
function Driver:wake()
  if self.open and not self.begun and not self:is_cut_off() then
    self:start_timer(0) -- first: a debug hook may raise anywhere
    self.poll:ref()
  end
  self.begun = true
end

--- Wakes who waits for what has ended, or cannot end any more, where a debug hook, as Ctrl-C is one, raised in what was to
--- wake them.
function Driver:wake_lost()
  if next(self.waiters) == nil or not self.client.core:is_still() then
    return
  end
  local over = next(self.client.tasks) == nil
  for waiter in pairs(self.waiters) do
    waiter.lost = over and not waiter.done()
    if waiter.lost or waiter.done() then
      self.waiters[waiter] = nil
      self.awake[#self.awake + 1] = waiter.routine and waiter or nil
    end
  end
end

--- One step, then those go on who waited for it.
---@param timeout? number seconds; default 0
function Driver:tick(timeout)
  self.ticking = false
  local remaining
  if self:is_driving() then
    local ok, answer = pcall(self.client.step, self.client, timeout or 0)
    self.begun = false
    if ok then
      remaining = answer
    else
      self.loop.report(tostring(answer))
    end
    self:wake_lost()
  end
  local waiters = self:take_awake()
  if self:is_driving() and not self:is_cut_off() then
    self:arm(remaining)
  end
  self:resume(waiters)
  if self.loop.ticked then
    self.loop.ticked()
  end
end

--- The descriptor or the timer has news.
---@param problem? string libuv has stopped the handle
function Driver:notice(problem)
  if not self:is_driving() then
    return
  elseif problem then
    self.polling = false
  end
  if not self.loop.later then
    self:tick()
  elseif not self.ticking then
    -- The descriptor stays readable until the step, which may be a while.
    self.ticking, self.polling = true, false
    self.poll:stop()
    if self.in_timer then
      self:start_timer(0) -- a turn of the loop that begins with this one would sleep on
    else
      self.timer:stop()
    end
    self.loop.later(self.on_later)
  end
end

--- Before Lua 5.3 only a yield can tell whether one is possible; this one ends at once.
---@param outcome? "not_started"
---@return codearts.build.Error? err
function Driver:probe(outcome)
  if host.TELLS or not host.can_yield() or self:is_cut_off() then
    return nil
  end
  local waiter = { routine = coroutine.running(), waiting = true }
  self.awake[#self.awake + 1] = waiter
  self:wake()
  self:start_timer(0)
  local ok = host.try_yield()
  waiter.waiting = false
  return not ok and host.refusal(host.NO_YIELD, outcome) or nil
end

--- Yields until what is waited for has ended.
---@param waiter table
---@param awaited (codearts.build.Call|userdata)[] what may wake it
---@return codearts.build.Error? err what keeps it from yielding
function Driver:yield_until(waiter, awaited)
  waiter.routine = coroutine.running()
  for _, call in ipairs(awaited) do
    call:on_done(function()
      self.awake[#self.awake + 1] = waiter
    end)
  end
  local problem
  repeat
    if host.TELLS then
      coroutine.yield()
    elseif not host.try_yield() then
      problem = host.refusal(host.NO_YIELD)
    end
  until problem or waiter.lost or waiter.done()
  waiter.waiting = false
  return problem
end

--- A call of the core that ends with the time of a wait. To the core it is nothing that is still to come.
---@param timeout number seconds
---@return userdata call
function Driver:limit(timeout)
  local limit = self.client.core:sleep(timeout, true)
  self:wake()
  return limit
end

--- See codearts.build.Host.
---@param call codearts.build.Call
---@param timeout? number seconds
---@return codearts.build.Error? err
function Driver:wait(call, timeout)
  local problem
  local waited, raised = true, nil
  local limit = timeout and timeout <= LONGEST and self:limit(timeout) or nil
  local waiter = { routine = nil, waiting = true, lost = false }
  function waiter.done()
    return call:done() or (limit ~= nil and limit:done())
  end
  local function over()
    return waiter.lost or waiter.done()
  end
  self.waiters[waiter] = true
  if self:is_cut_off() then -- nothing would wake who yields
    repeat
      self:tick(3600)
    until over()
  elseif host.can_yield() then
    problem = self:yield_until(waiter, { call, limit })
  else
    waited, raised = pcall(self.loop.block, over, function()
      self:tick(3600)
    end)
  end
  self.waiters[waiter] = nil
  if limit and not limit:done() then -- it would keep the loop running
    limit:cancel()
    self:wake()
  end
  if not waited then
    error(raised, 0)
  end
  return waiter.lost and host.lost() or problem
end

--- Lets go of the loop before the client closes.
function Driver:close()
  self.open = false
  if self:is_cut_off() then
    for _, handle in ipairs { self.poll, self.timer } do
      if not handle:is_closing() then
        handle:close()
      end
    end
    return self:resume(self:take_awake())
  end
  self.poll:stop() -- before the descriptor is closed: libuv must not touch a number that is used again
  self.timer:ref()
  -- Closed inside the loop: luv crashes at a program's end when handles are still closing then.
  self.timer:start(0, 0, function()
    self.poll:close()
    self.timer:close()
    if self.loop.later then
      self.loop.later(function()
        self:resume(self:take_awake())
      end)
    else
      self:resume(self:take_awake())
    end
  end)
end

local M = {}

--- Has a client live in the loop. Raises kind "usage" when it lives in one already.
---@param client codearts.build.Client
---@param loop codearts.build.UvLoop
---@return codearts.build.Client client
function M.drive(client, loop)
  host.check_client(client)
  local self = setmetatable({
    client = client,
    loop = loop,
    open = true,
    polling = true,
    ticking = false,
    begun = false,
    in_timer = false,
    waiters = {},
    awake = {},
  }, Driver)
  self.poll = assert(loop.uv.new_poll(client:pollfd()))
  self.timer = assert(loop.uv.new_timer())
  function self.on_poll(problem)
    self:notice(problem)
  end
  function self.on_timer()
    self.in_timer = true
    self:notice()
    self.in_timer = false
  end
  function self.on_later()
    self:tick()
  end
  self.timer:unref()
  self.poll:start("r", self.on_poll)
  self:start_timer(0) -- takes over what is in flight already
  local function on_close()
    self:close()
  end
  return host.adopt(client, {
    wait = function(_, call, timeout)
      return self:wait(call, timeout)
    end,
    wake = function()
      self:wake()
    end,
    check = loop.check,
    probe = function(outcome)
      return self:probe(outcome)
    end,
    blocks = loop.until_end and function()
      return not host.can_yield()
    end or nil,
  }, on_close)
end

return M
