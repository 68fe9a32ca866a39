--- What sign-in needs of a client, over the real core and nothing else: requests, pauses, tasks and
--- steps. The environment is a table, so that a spec chooses it.

local config = require "codearts.build.config"
local core = require "codearts.build.core"
local sign_in = require "codearts.build.sign_in"

---@class spec.FlowClient
local FlowClient = {}
FlowClient.__index = FlowClient

local M = {}

---@param options table of build.new
---@param variables? table<string, string> the environment
---@return spec.FlowClient
function M.new(options, variables)
  local core_options, how = config.resolve(options, function(name)
    return variables and variables[name]
  end)
  local auth, pump = sign_in.new(options.auth, how)
  core_options.auth = auth
  core_options.on_event = nil
  return setmetatable({ core = core.new(core_options), auth = auth, pump = pump }, FlowClient)
end

function FlowClient:begin(method, args, opts, _, ...)
  return self.core[method](self.core, args, opts, ...)
end

function FlowClient.wake() end

function FlowClient:sleep(...)
  return self.core:sleep(...)
end

function FlowClient:mask(...)
  return self.core:mask(...)
end

function FlowClient:problem(members)
  local err = core.error(members)
  err.message = self:mask(err.message)
  return err
end

--- Runs a flow. A flow that raises ends as one that answered nil and what it raised.
function FlowClient.task(_, flow)
  local task, listeners, outcome = {}, {}, nil
  local routine = coroutine.create(flow)
  local function await(call)
    return coroutine.yield(call)
  end
  local function go_on(...)
    local ok, value, err = coroutine.resume(routine, ...)
    if coroutine.status(routine) ~= "dead" then
      value:on_done(go_on)
      return
    end
    outcome = ok and { value, err } or { nil, value }
    for _, listener in ipairs(listeners) do
      listener(outcome[1], outcome[2])
    end
  end
  function task:on_done(listener)
    if outcome then
      listener(outcome[1], outcome[2])
    else
      listeners[#listeners + 1] = listener
    end
    return self
  end
  go_on(await)
  return task
end

--- Moves everything once.
---@param timeout number?
---@return integer remaining
function FlowClient:step(timeout)
  local remaining = self.core:step(timeout)
  if self.pump then
    self.pump(self)
  end
  return remaining
end

--- Moves everything until all these calls have ended; raises after 20 seconds.
function FlowClient:wait(...)
  local give_up = core.now() + 20
  for _, call in ipairs { ... } do
    while not call:done() do
      assert(core.now() < give_up, "the calls did not end")
      self:step(1)
    end
  end
end

local JOB = { job_id = ("0"):rep(32) }

function FlowClient:start(opts)
  return self.core:start(JOB, opts)
end

--- Starts a build and waits for it.
---@return table? result
---@return table? err
function FlowClient:run(opts)
  local call = self:start(opts)
  self:wait(call)
  return call:try_wait()
end

function FlowClient:close()
  self.core:close()
end

return M
