--- What the host adapters share: taking a client in, and driving one from libuv.
local core = require "codearts.build.core"

local M = {}

local function refusal(message, outcome)
  return core.error { kind = "usage", field = "host", message = message, outcome = outcome }
end

--- Raises a usage error.
---@param message string
---@param outcome? "not_started"
function M.refuse(message, outcome)
  error(refusal(message, outcome), 0)
end

--- Gives a client its host. From now on waiting goes the host's way. Raises kind "usage" for
--- anything but a client that has no host yet.
---@param client codearts.build.Client
---@param host codearts.build.Host
---@param on_close fun()
---@return codearts.build.Client client
function M.adopt(client, host, on_close)
  client.host, client.on_close = host, on_close
  return client
end

--- Raises kind "usage" unless it is a client of this library that lives in no host yet.
---@param client any
function M.check_client(client)
  if type(client) ~= "table" or not client.pollfd then
    M.refuse "attach takes a client of codearts.build"
  elseif client.host then
    M.refuse "the client already lives in a host"
  end
end

--- Whether this Lua can tell where it may yield; else only a yield can.
local TELLS = core.yieldable() ~= nil

--- Whether the running function may yield, as far as this Lua can tell.
---@return boolean
function M.can_yield()
  if TELLS then
    return core.yieldable()
  end
  local routine, is_main = coroutine.running()
  return routine ~= nil and not is_main
end

local NO_YIELD = "waiting is not possible here: this coroutine cannot yield across what called it, "
  .. "pcall for example; use try_run, or on_done"

--- Yields; answers false, at once, where the running coroutine cannot. Lua 5.1 cannot yield across
--- pcall, so there the core tries.
local function try_yield()
  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
    local failed = {}
    return core.yield(failed) ~= failed
  end
  return (pcall(coroutine.yield))
end

---@class codearts.build.UvLoop
---@field uv table luv, or what Neovim has of it
---@field later? fun(f: fun()) runs f where callbacks may run; without it they run in libuv's own
---@field report fun(text: string) tells the host what a callback or coroutine raised
---@field block fun(done: (fun(): boolean), tick: fun()) waits outside of coroutines; tick is a blocking step
---@field check? fun(outcome?: string) see codearts.build.Host

--- Drives a client from a libuv loop: one poll handle and one timer for the client's life. They
--- keep the loop running only while calls are in flight.
---@param client codearts.build.Client
---@param loop codearts.build.UvLoop
---@return codearts.build.Client client
function M.drive(client, loop)
  M.check_client(client)
  local poll = assert(loop.uv.new_poll(client:pollfd()))
  local timer = assert(loop.uv.new_timer())
  local open, polling, ticking, begun = true, false, false, false
  local awake = {} -- who waited for what has ended; they go on after the step, not inside
  local in_timer = false
  local notice

  local function on_timer()
    in_timer = true
    notice()
    in_timer = false
  end

  --- Asks for a step. libuv runs a timer of 0 ms that is started inside of a timer before it looks at
  --- anything else: calls that always start another one would keep the loop to themselves.
  local function start_timer(ms)
    timer:start(in_timer and ms == 0 and 1 or ms, 0, on_timer)
  end

  local function arm(remaining)
    if not polling then
      polling = true
      poll:start("r", notice)
    end
    local timeout = 0
    if remaining and not awake[1] then
      timeout = client:timeout()
    end
    if timeout then
      start_timer(math.ceil(timeout * 1000))
    else
      timer:stop()
    end
    if begun or timeout == 0 or remaining > 0 then
      poll:ref()
    else
      poll:unref()
    end
  end

  local function resume_awake()
    local waiters = awake
    awake = {}
    for _, waiter in ipairs(waiters) do
      if waiter.waiting and coroutine.status(waiter.routine) == "suspended" then
        local ok, problem = coroutine.resume(waiter.routine)
        if not ok then
          loop.report(debug.traceback(waiter.routine, tostring(problem)))
        end
      end
    end
  end

  local function wake()
    begun = true
    if open then
      poll:ref()
    end
  end

  local function tick(timeout)
    ticking = false
    local remaining -- how many calls; nil after an error: the next step tells
    if open then
      local ok, answer = pcall(client.step, client, timeout or 0)
      begun = false
      if ok then
        remaining = answer
      else
        loop.report(tostring(answer))
      end
    end
    resume_awake()
    if open then
      arm(remaining)
    end
  end

  function notice(problem)
    if not open then
      return
    elseif problem then
      polling = false -- libuv has stopped the handle
    end
    if not loop.later then
      tick()
    elseif not ticking then
      -- The descriptor stays readable until the step, which may be a while.
      ticking, polling = true, false
      poll:stop()
      timer:stop()
      loop.later(tick)
    end
  end

  --- Where only a yield can tell whether one is possible: this one ends at once.
  local function probe(outcome)
    if TELLS or not M.can_yield() then
      return nil
    end
    local waiter = { routine = coroutine.running(), waiting = true }
    awake[#awake + 1] = waiter
    wake()
    start_timer(0)
    local ok = try_yield()
    waiter.waiting = false
    return not ok and refusal(NO_YIELD, outcome) or nil
  end

  local function wait(_, call, timeout)
    local problem
    local limit = timeout and client:sleep(timeout)
    local function done()
      return call:done() or (limit ~= nil and limit:done())
    end
    if M.can_yield() then
      local waiter = { routine = coroutine.running(), waiting = true }
      local function wake_up()
        awake[#awake + 1] = waiter
      end
      call:on_done(wake_up)
      if limit then
        limit:on_done(wake_up)
      end
      repeat
        if TELLS then
          coroutine.yield()
        elseif not try_yield() then
          problem = refusal(NO_YIELD)
        end
      until problem or done()
      waiter.waiting = false
    else
      loop.block(done, function()
        tick(3600)
      end)
    end
    if limit then
      limit:cancel()
    end
    if problem then
      error(problem, 0)
    end
  end

  local function on_close()
    open = false
    poll:stop() -- before the descriptor is closed: libuv must not touch a number that is used again
    timer:ref()
    -- Closed inside the loop: luv crashes at a program's end when handles are still closing then.
    timer:start(0, 0, function()
      poll:close()
      timer:close()
      if loop.later then
        loop.later(resume_awake)
      else
        resume_awake()
      end
    end)
  end

  timer:unref()
  poll:start("r", notice)
  polling = true
  start_timer(0) -- takes over what is in flight already
  return M.adopt(client, { wait = wait, wake = wake, check = loop.check, probe = probe }, on_close)
end

return M
