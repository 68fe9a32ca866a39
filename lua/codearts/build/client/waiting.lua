--- How a client waits for its calls, in the way of its host, and what is told to who waits in vain: methods of clients, for
--- this library's own modules.
local Call = require "codearts.build.client.call"
local check_self = require("codearts.build.client.self").check
local core = require "codearts.build.core"
local problems = require "codearts.build.problem"

---@class codearts.build.Client
local methods = {}

local usage_error = problems.usage
local YIELDS_ACROSS_PCALL = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

--- Raises a usage error where nobody can wait, as far as that can be told without trying.
local function check_place(self, outcome)
  local ok, delivering = pcall(self.core.delivering, self.core)
  if not ok then -- closed, or left behind by a fork
    if core.is_error(delivering) then
      delivering.outcome = outcome
    end
    error(delivering, 0)
  elseif delivering or self.signing_in then
    local why = "a callback must not step or wait: it already runs inside a step"
    error(usage_error("wait", why, outcome), 0)
  elseif self.host and self.host.check then
    self.host.check(outcome)
  end
end

--- What check_wait raises. Not under a pcall of ours, which not every Lua yields across.
---@param outcome? "not_started" for the error
---@return codearts.build.Error?
function methods:obstacle(outcome)
  local ok, err = pcall(check_place, self, outcome)
  if not ok then
    return select(2, problems.answer(err))
  end
  local probe = self.host and self.host.probe
  return probe and probe(outcome)
end

--- Raises a usage error where nobody can wait, before something is sent; it yields where only that can tell.
---@param outcome? "not_started" for the error
function methods:check_wait(outcome)
  local err = self:obstacle(outcome)
  if err then
    error(err, 0)
  end
end

local function is_seconds(value)
  return type(value) == "number" and value >= 0
end

--- Whether the client is its parent's, in a forked child: what was begun there goes on there.
---@return boolean
function methods:is_left_behind()
  if self.closed then
    return self.was_left_behind
  end
  return not pcall(self.core.delivering, self.core)
end

--- An outcome as it is known here: in a forked child the parent goes on with what had not begun.
---@param outcome string?
---@return string?
function methods:seen_from_here(outcome)
  return outcome == "not_started" and self:is_left_behind() and "unknown" or outcome
end

--- Adds to the error of who waits in vain what is known of the call.
---@param err codearts.build.Error
---@param open table an error of the open call, or what a task tells so far
function methods:describe(err, open)
  err.operation, err.attempts, err.outcome = open.operation, open.attempts, open.outcome
  if open.outcome and self:is_left_behind() then
    err.outcome = "unknown" -- to this process
  end
  if err.outcome == "unknown" then
    local meta = require "codearts.build.meta"
    err.reconcile = open.reconcile or self.result_metatable.reconcile
    meta.add(err, open.about or meta.of(open) or {})
  end
end

--- Why an open call cannot be waited for, with what is known of the call.
local function described(self, err, call)
  if core.is_error(err) and call.try_wait and not call:done() then
    self:describe(err, select(2, call:try_wait()))
  end
  return err
end

--- Steps until a call has ended or the time is over, and then once more: what came by then counts, however late a program
--- looks that was stopped meanwhile.
local function step_until(self, call, timeout, quiet)
  local till = timeout and core.now() + timeout
  local left
  repeat
    left = till and math.max(till - core.now(), 0)
    local moved, problem, still = pcall(self.advance, self, left, true)
    if not moved then -- a callback may have come back in a forked child
      error(described(self, problem, call), 0)
    end
    if still and not call:done() then
      error("what the call waits for was broken off", 0)
    end
    local raised
    if not quiet then
      raised, problem = self.core:raised()
    end
    if raised then -- never as a structured error, which would look like the call's own
      error(core.is_error(problem) and "a callback raised: " .. tostring(problem) or problem, 0)
    end
  until call:done() or left == 0
end

--- Waits until a call has ended or the time is over, in the way of the client's host.
---@param call codearts.build.Call|userdata
---@param timeout? number seconds
---@param quiet? boolean leaves what callbacks raise meanwhile to the next step or wait
function methods:wait_for(call, timeout, quiet)
  check_self(self)
  if Call.has_ended(call) then
    return
  end
  local ok, problem = pcall(check_place, self)
  if not ok then
    error(described(self, problem, call), 0)
  end
  local err
  if timeout ~= nil and not is_seconds(timeout) then
    err = usage_error("timeout", "timeout must be seconds, 0 or more")
  elseif self.host then
    err = self.host.wait(self, call, timeout)
  else
    return step_until(self, call, timeout, quiet)
  end
  if err then
    error(described(self, err, call), 0)
  end
end

--- Whether who waits here blocks until the end, so that what a debug hook raises comes out of the wait.
---@return boolean?
function methods:blocks()
  return not self.host or (self.host.blocks and self.host.blocks())
end

--- As pcall, of what waits; unprotected where that could not yield.
---@param f function
---@param ... any its arguments
---@return boolean ok
---@return any problem
function methods:guard(f, ...)
  if YIELDS_ACROSS_PCALL or self:blocks() then
    return pcall(f, ...)
  end
  return true, f(...)
end

--- Waits, and leaves what callbacks raise to the next step. Answers why it cannot wait on: where a debug hook raises
--- in the midst of it, as Ctrl-C does in the standalone interpreter, no bare text. Out of memory is raised.
---@param call codearts.build.Call
---@param timeout? number seconds
---@return codearts.build.Error? err
function methods:wait_quietly(call, timeout)
  local ok, err = self:guard(self.wait_for, self, call, timeout, true)
  if ok then
    return nil
  elseif err == "not enough memory" then
    error(err, 0)
  elseif core.is_error(err) then
    return err
  end
  local message = "the answer could not be waited for: " .. tostring(err)
  return not call:done() and described(self, problems.internal(message), call) or nil
end

--- The same for a call object, but answers why it cannot wait; what callbacks raise is left to the next step.
---@param call codearts.build.Call
---@param timeout number seconds
---@return codearts.build.Error? err
function methods:try_wait_for(call, timeout)
  check_self(self)
  if not is_seconds(timeout) then
    return described(self, usage_error("timeout", "timeout must be seconds, 0 or more"), call)
  elseif call:done() then
    return nil
  end
  local err = self:obstacle()
  return err and described(self, err, call) or self:wait_quietly(call, timeout)
end

return methods
