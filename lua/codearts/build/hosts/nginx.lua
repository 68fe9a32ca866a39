--- What steps a client in an nginx worker: a light thread that looks when the client's timers want it
--- and once a second, and the listener of the worker, which knows when something happened to the
--- client's connections.
local core = require "codearts.build.core" -- core.now: that of nginx is set back and forth
local coroutines = require "codearts.build.coroutines"
local request = require "codearts.build.nginx_request"
local semaphores = require "ngx.semaphore"
local wakers = require "codearts.build.hosts.nginx_waker"

local SHORTEST, LONGEST, SHARE = 0.001, 0.02, 20
local GRACE = 5
local LOOK_AFTER = 1 -- seconds after which who steps looks, whatever the thread tells
local LAST_TRY = 32 -- seconds after which a timer that nginx has dropped is asked for no more
local LINGER = 1 -- seconds without calls: the next one finds everything ready
local HURRY = 10 -- steps without a pause
local LATE = 0.01 -- seconds beyond a wait: a worker that was stopped meanwhile has to be told what came by then
local LONG = 30 -- seconds after which who waits looks whether somebody steps

local function log(problem)
  local misuse = request.explain(problem)
  local ok, text = coroutines.pcall(tostring, problem) -- by the user's __tostring
  text = ok and type(text) == "string" and text or "an error without a text, a " .. type(problem)
  ngx.log(ngx.ERR, "codearts.build: ", misuse and misuse .. "\n" or "", text)
end

--- Answers why nginx grants no timer. It raises where there are none, as when a worker exits.
local function ask_for_timer(after, f)
  local ok, granted, problem = pcall(request.show, ngx.timer.at, after, f)
  return not (ok and granted) and tostring(problem or granted) or nil
end

local late = {} -- drivers whose light thread has not come yet
local tries = {} -- seconds -> when the newest timer of so many is due

local function try_again()
  for driver in pairs(late) do
    driver:try_start()
  end
end

local function ask_for_try(after)
  local due = core.now() + after
  local problem = ask_for_timer(after, function()
    if tries[after] == due then
      tries[after] = nil -- nginx runs it early where it lacks connections
    end
    try_again()
  end)
  if not problem then
    tries[after] = due
  end
  return problem
end

--- Has timers look whether those before them have come: nginx drops one that is due while too many run, tells nobody, and
--- may drop the next. So all are asked for at once, by twice the time each. ngx.timer.every, which outlives that, never
--- ends, and keeps a state of Lua for good where code is not cached.
---@return string? problem
local function ask_for_tries()
  if ngx.worker.exiting() then
    return nil -- there is only "at once"
  end
  local after, now = LOOK_AFTER, core.now()
  while after <= LAST_TRY do
    if (tries[after] or 0) < now + after / 2 then
      local problem = ask_for_try(after)
      if problem then
        return problem
      end
    end
    after = 2 * after
  end
end

local left_at -- when a driver first saw that the worker leaves

---@class codearts.build.hosts.NginxDriver
---@field client codearts.build.Client
---@field open boolean until the client is closed
---@field turn integer the newest light thread alone goes on: nginx drops timers that are too many
---@field started boolean there is to be a light thread
---@field running boolean it runs
---@field id integer|nil of hosts.nginx_waker.join; nil: it pauses between looks
---@field armed boolean the next thing that happens will be told
---@field stepped_at number
---@field busy_at number when something was last in flight, or begun
---@field changed_at number when its number last changed
---@field look_at number when the light thread will look
---@field in_flight integer|nil
---@field rung boolean
---@field hurried integer steps since the last pause
---@field waiters table<table, boolean> semaphore -> whether a request waits
---@field idle codearts.build.hosts.NginxWaiter[] of waits that have ended
local Driver = {}
Driver.__index = Driver

---@param client codearts.build.Client
---@return codearts.build.hosts.NginxDriver
function Driver.new(client)
  return setmetatable({
    client = client,
    open = true,
    turn = 0,
    started = false,
    running = false,
    armed = false,
    stepped_at = 0,
    busy_at = 0,
    changed_at = 0,
    look_at = 0,
    bell = semaphores.new(0),
    rung = false,
    hurried = 0,
    waiters = {},
    idle = {},
  }, Driver)
end

--- Ends the pause of the light thread.
function Driver:ring()
  if not self.rung then
    self.rung = true
    self.bell:post(1)
  end
end

--- Until somebody rings, or at most that long. What was begun in the last step is stepped at once,
--- but a chain of that must not keep the worker to itself.
function Driver:pause(seconds)
  if self.rung then
    self.rung = false
    self.bell:wait(0)
    self.hurried = self.hurried + 1
    if self.hurried < HURRY then
      return
    end
    seconds = 0
  end
  self.hurried = 0
  self.look_at = core.now() + seconds
  -- nginx cuts off what is less than a millisecond.
  self.bell:wait(math.max(seconds, SHORTEST) + 0.0005)
  self.rung = false
end

--- Has the light thread look in time for what the client's timers want.
function Driver:expect(due)
  if due and core.now() + due < self.look_at then
    self:ring()
  end
end

function Driver:arm()
  self.armed = self.armed or (self.id ~= nil and wakers.arm(self.id, self.client))
end

--- Answers when the client wants the next step, or nil.
function Driver:step()
  local ok, in_flight = pcall(self.client.step, self.client, 0)
  local now = core.now()
  self.stepped_at = now
  if not ok then
    log(in_flight)
    in_flight = nil -- the next step tells
  end
  if not self.open then
    return nil
  end
  if in_flight ~= self.in_flight then
    self.in_flight, self.changed_at = in_flight, now
  end
  local due = self.client:timeout()
  if in_flight ~= 0 or due == 0 then
    self.busy_at = now
    self:arm()
  end
  return due
end

--- The listener's: something happened to the client's connections.
function Driver:tell()
  self.armed = false
  if self.open then
    self:expect(self:step())
  end
end

--- Whether nobody steps, although somebody may have been asked to: nginx drops a timer that is due when too many run.
function Driver:is_still()
  return not self.started or core.now() - self.stepped_at > (self.running and 2 or 1) * LOOK_AFTER
end

--- Something was begun outside of a step.
function Driver:wake()
  self.busy_at, self.changed_at = core.now(), core.now()
  if self.open and not self:is_still() then
    self:ring()
  elseif self.open then
    self:try_start()
  end
end

--- Whether a request waits. Those that wait in another way count as none: nginx tells nobody of them.
function Driver:has_request()
  for semaphore, is_request in pairs(self.waiters) do
    -- One that was cut off waits no more and could not say so.
    if is_request and semaphore:count() < 0 then
      return true
    end
  end
  return false
end

--- Whether nobody waits for what a worker that leaves still has in flight, nor has begun or waited for any of it just now.
function Driver:is_over(leaving_since)
  return core.now() - math.max(leaving_since, self.changed_at) >= GRACE and not self:has_request()
end

--- Whether what would begin is for no request, in a worker that has had its time to leave: it would be cancelled, and
--- callbacks and timers that begin the next for what ends would hold the worker for ever.
function Driver:is_too_late()
  return left_at ~= nil
    and core.now() - left_at >= GRACE
    and request.show(ngx.get_phase) == "timer" -- all steps are in one, too
    and not self:has_request()
end

--- Sees to it that somebody will step. Answers why nobody can: nginx refuses timers when too many are pending.
---@return string? problem
function Driver:ready()
  if self.open and self:is_too_late() then
    return "a worker that leaves, where only requests begin calls"
  elseif not (self.open and self:is_still()) then
    return nil
  end
  local problem = ask_for_tries() or self:start()
  return problem and "no timer to step in: " .. problem
end

function Driver:try_start()
  local problem = ask_for_tries()
  problem = self:start() or problem
  if problem then
    log("no timer to step in: " .. problem)
  end
end

---@return string? problem
function Driver:start()
  local turn = self.turn + 1
  self.turn, self.running, self.stepped_at = turn, false, core.now()
  late[self] = true
  local problem = ask_for_timer(0, function()
    self:run(turn)
  end)
  self.started = not problem
  return problem
end

--- How long to pause in a worker that nobody wakes.
function Driver:blind_pause()
  return math.min(math.max((core.now() - self.changed_at) / SHARE, SHORTEST), LONGEST)
end

function Driver:leave()
  if self.id then
    wakers.leave(self.id)
  end
  self.id, self.armed = nil, false
end

--- Whether the light thread goes on; then it takes part in being woken if it can, anew when the listener has ended.
function Driver:stays(turn)
  if not self.open or turn ~= self.turn then
    return false
  elseif not (self.id and wakers.keep()) then
    self:leave()
    local id = wakers.join(function()
      self:tell()
    end)
    if not self.open or turn ~= self.turn then -- joining may take a while
      if id then
        wakers.leave(id)
      end
      return false
    end
    self.id = id
  end
  return true
end

function Driver:look(turn)
  local leaving_since
  while self:stays(turn) do
    local due = self:step()
    if not self.open then
      break
    end
    leaving_since = leaving_since or (ngx.worker.exiting() and core.now())
    left_at = left_at or leaving_since or nil
    if self.in_flight == 0 and due ~= 0 then
      if not self.id or leaving_since or core.now() - self.busy_at >= LINGER then
        break
      end
      due = nil
    elseif leaving_since and self:is_over(leaving_since) then
      -- Not closed: requests of this worker may go on for long, and begin others.
      self.client.core:cancel_all()
      due, leaving_since = 0, core.now()
    end
    if self.armed or self.in_flight == 0 then
      self:pause(math.min(due or LOOK_AFTER, LOOK_AFTER))
    else
      self:pause(self:blind_pause())
    end
  end
end

--- The light thread.
function Driver:run(turn)
  if turn ~= self.turn then
    return
  end
  self.running, late[self] = true, nil
  local ok, problem = pcall(self.look, self, turn)
  if turn == self.turn then
    self:leave()
    self.started, self.running = false, false
  end
  if not ok then
    log(problem)
  end
end

---@class codearts.build.hosts.NginxWaiter
---@field semaphore table
---@field ended fun() ends a wait, as a call's callback

--- Made by a function of its own: when nginx cuts a request off, what its functions shared with a callback is gone.
---@return codearts.build.hosts.NginxWaiter
local function new_waiter(waiters)
  local semaphore = semaphores.new(0)
  return {
    semaphore = semaphore,
    ended = function()
      waiters[semaphore] = nil
      semaphore:post(1)
    end,
  }
end

--- Waits for a call in a request, a timer or the like.
function Driver:wait(call, timeout)
  local waiter = table.remove(self.idle) or new_waiter(self.waiters)
  local semaphore = waiter.semaphore
  local told
  self.waiters[semaphore] = ngx.get_phase() ~= "timer"
  call:on_done(waiter.ended)
  local till = timeout and core.now() + timeout
  local left
  repeat
    if self:is_still() then
      self:try_start()
    end
    local longest = self.running and LONG or LOOK_AFTER
    left = till and till - core.now() or longest
    told = semaphore:wait(left > 0 and math.min(math.max(left, SHORTEST), longest) or LATE)
  until call:done() or left <= 0
  self.waiters[semaphore] = nil
  if told then -- else it will be some time
    self.idle[#self.idle + 1] = waiter
  end
end

function Driver:close()
  self.open, late[self] = false, nil
  if self.id then
    wakers.disarm(self.client)
  end
  self:leave()
  self:ring()
end

return Driver
