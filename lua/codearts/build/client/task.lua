--- A flow of several requests that looks like one call: same methods, same promises. The flow is a
--- coroutine that awaits calls; it runs inside the client's steps and never blocks.
local Call = require "codearts.build.client.call"
local cancelled = require "codearts.build.client.cancelled"
local core = require "codearts.build.core"
local nginx_request = require "codearts.build.nginx_request"
local problems = require "codearts.build.problem"
local coroutines = require "codearts.build.coroutines"

---@alias codearts.build.Await fun(call: codearts.build.Call, keeps?: true|number): any, codearts.build.Error?

---@class codearts.build.Task: codearts.build.Call
local Task = setmetatable({}, { __index = Call })
Task.__index = Task
Task.__name = "codearts.build.Task"
Call.add_kind(Task)

--- Runs all of them, then raises the first error that one raised.
local function run_callbacks(self)
  local callbacks, raised, problem = self.callbacks, false, nil
  self.due = false
  for _ = 1, callbacks and #callbacks or 0 do
    local ok, err = coroutines.pcall(table.remove(callbacks, 1), self.result, self.err)
    if not ok and not raised then
      raised, problem = true, err
    end
  end
  if not self.due then
    self.client.tasks[self] = nil
  end
  if raised then
    error(problem, 0)
  end
end

--- Callbacks run inside steps only, so an empty call brings them to the next one; a closed client has none.
local function run_in_step(self)
  self.due, self.client.tasks[self] = true, true
  local ok, nothing = pcall(self.client.sleep, self.client, 0)
  if not ok then
    return run_callbacks(self)
  end
  nothing:on_done(function()
    run_callbacks(self)
  end)
end

local function finish(self, result, err)
  if self.ended then
    return -- it was broken off, and that is told
  end
  self.awaited = nil
  if core.is_error(err) then
    err.outcome = self.client:seen_from_here(err.outcome or self:so_far().outcome)
  end
  self.result, self.err = result, err
  self.ended = true -- last: a debug hook may raise anywhere
  run_callbacks(self)
end

--- What who waits is told of a flow that something broke off, as Ctrl-C does.
local function broken_off(self, message)
  local err = problems.internal(message)
  self.client:describe(err, self:so_far())
  return err
end

--- What comes back from the flow: whether it broke, then what it awaits, or the mark and what it answers.
local function continue(self, ok, value, err, problem)
  if not ok then
    self.runner = nil -- it keeps what the flow had in hand, such as a lock
    value = value or "a callback raised " .. tostring(value)
    local misuse = nginx_request.explain(value)
    value = misuse and problems.usage("host", misuse) or value
    if self.tells and type(value) == "string" and value ~= "not enough memory" then
      value = broken_off(self, "the flow was broken off: " .. value)
    end
    return finish(self, nil, cancelled.if_closed(self.client, value))
  elseif value == coroutines.RETURNED then
    self.client.flow_runner = self.runner -- for the next
    return finish(self, err, problem)
  elseif not Call.is(value) then
    return finish(
      self,
      nil,
      core.error {
        kind = "usage",
        field = "await",
        message = "a callback must not yield, and a flow awaits calls only",
        retryable = false,
      }
    )
  end
  self.awaited = value
  value:on_done(self.go_on)
end

--- Now that nobody waits for the flow: what a call is awaited for ends it, at once or after a while.
local function give_up(self, call, keeps)
  if not keeps then
    call:cancel()
  elseif keeps ~= true and not self.timer then
    local open, timer = pcall(self.client.sleep, self.client, keeps)
    if open then -- else the client was closed, which ended it
      self.timer = timer:on_done(function(_, err)
        if err == nil then
          call:cancel()
        end
      end)
    end
  end
end

--- What is known of the call that a flow awaits.
local function of_awaited(self)
  local _, inner
  if self.awaited then -- which raises for ever that there was no memory for its end
    _, _, inner = pcall(self.awaited.try_wait, self.awaited)
  end
  return core.is_error(inner) and inner.operation ~= "sleep" and inner or {}
end

--- Starts a flow: `flow(await, stopped)` runs at once until its first await; `stopped()` tells whether it
--- was cancelled, or its client closed. `await(call)` answers what the call's try_wait would; `await(call, true)` lets it come to
--- its end though the flow is cancelled, `await(call, seconds)` so long. The flow returns its result or `nil, err`, or raises.
---@param client codearts.build.Client
---@param flow fun(await: codearts.build.Await, stopped: fun(): boolean): any, codearts.build.Error?
---@param so_far? fun(): table what who waits in vain is told, default: of the call that is awaited
---@return codearts.build.Task
function Task.new(client, flow, so_far)
  if client.host and client.host.ready then
    client.host.ready()
  end
  local self = setmetatable({
    client = client,
    callbacks = nil,
    due = false,
    ended = false,
    stopped = false,
    keeps = nil,
    timer = nil,
    so_far = so_far or of_awaited,
    tells = so_far ~= nil, -- no bare text, which could not say what was started
    runner = nil,
    go_on = nil,
    awaited = nil,
    result = nil,
    err = nil,
  }, Task)
  local function await(call, keeps)
    if self.stopped and not keeps then
      Call.check(call)
      call:cancel()
      return nil, cancelled.error()
    end
    self.keeps = keeps
    if self.stopped then
      give_up(self, call, keeps)
    end
    return coroutines.yield(call)
  end
  local function stopped()
    return self.stopped or self.client.closed
  end
  function self.go_on(result, problem)
    if self.timer then
      self.timer:cancel()
      self.timer = nil
    end
    continue(self, coroutines.resume(self.runner, result, problem))
  end
  self.runner = client.flow_runner or coroutines.runner()
  client.flow_runner = false
  continue(self, coroutines.resume(self.runner, flow, await, stopped))
  if not self.ended then
    client.tasks[self] = true -- only now: what is raised before leaves nothing behind
  end
  return self
end

--- See Call:done.
---@return boolean
function Task:done()
  Call.check(self)
  return self.ended
end

--- See Call:is_out; of a flow that tells of itself what it says (`so_far`), else of the call that it awaits.
---@return boolean
function Task:is_out()
  local told = self:so_far().is_out
  if told == nil then
    return self.awaited ~= nil and self.awaited:is_out()
  end
  return told
end

--- See Call:try_wait.
---@param timeout? number seconds
---@return any result
---@return codearts.build.Error? err
function Task:try_wait(timeout)
  Call.check(self)
  local obstacle = timeout ~= nil and self.client:try_wait_for(self, timeout)
  if obstacle then
    return nil, obstacle
  elseif not self.ended then
    local err = core.error {
      kind = "timeout",
      reason = "wait",
      message = "the call has not ended yet; it goes on",
      retryable = false,
    }
    local told = self:so_far()
    if told.outcome == "not_started" then
      told.outcome = "unknown" -- soon: it goes on
    end
    self.client:describe(err, told)
    return nil, err
  end
  return self.result, self.err
end

--- Ends the flow: what it awaits is cancelled, unless that is to come to its end, and so is all that it would
--- still await.
function Task:cancel()
  Call.check(self)
  self.stopped = true
  if self.awaited then
    give_up(self, self.awaited, self.keeps)
  end
end

--- Ends a flow that nobody will wake: what it awaited has ended, and something raised before it was told.
function Task:break_off()
  self.awaited, self.result, self.err =
    nil, nil, broken_off(self, "what the call waits for was broken off")
  self.ended = true
  if self.callbacks then
    run_in_step(self)
  else
    self.client.tasks[self] = nil
  end
end

--- Whether its flow waits for what cannot come: in a client that is still, of its own calls that are under way none goes on.
local function is_lost(self)
  local call, status = self.awaited, coroutines.status(self.runner)
  if status == "running" or status == "normal" then
    return false
  end
  local is_own = not self.client.closed and call ~= nil and call.client == self.client
  return call == nil or call:done() or (is_own and not call.break_off)
end

--- Ends the tasks that nobody will wake: a debug hook, as Ctrl-C is one, raises in whatever Lua runs next, so that a flow
--- may have lost what it awaits. For a client that is still, outside of its steps.
---@param client codearts.build.Client
---@return integer count of those that were ended
function Task.end_lost(client)
  local lost = {}
  for task in pairs(client.tasks) do
    if task.ended or is_lost(task) then
      lost[#lost + 1] = task
    end
  end
  for _, task in ipairs(lost) do
    if task.ended then
      run_in_step(task)
    else
      task:break_off()
    end
  end
  return #lost
end

--- See Call:on_done.
---@param f fun(result: any, err: codearts.build.Error?)
---@return codearts.build.Task self
function Task:on_done(f)
  Call.check(self)
  if type(f) ~= "function" then
    problems.refuse("on_done", "on_done: must be a function, not " .. type(f))
  end
  self.callbacks = self.callbacks or {}
  self.callbacks[#self.callbacks + 1] = f
  if self.ended and not self.due then
    run_in_step(self)
  end
  return self
end

return Task
