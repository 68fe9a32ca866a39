--- Clients that live in an nginx worker: OpenResty, or nginx with its Lua module.
---
---     local client = require("codearts.build.resty").new { … } -- once a worker, not for each request
---     local result, err = client:try_run { job_id = … }
---
--- Waiting yields to nginx in every phase that can: rewrite, access, content, timers, the phases of
--- TLS that may wait, and ngx.thread in each. In the others, and where a C function is on the way
--- (while a module is required, inside table.sort or string.gsub), a call can be started but not
--- waited for, and in the init phases there can be no client: usage errors, before anything is sent.
---
--- nginx cannot wait for a foreign descriptor, so while calls are in flight, and only then, one light
--- thread of the worker steps the client between pauses: a twentieth of the time that nothing has
--- happened, at least 1 ms, at most 20 ms. Callbacks run in it and must not yield; what they raise
--- goes to the error log. A worker that leaves finishes what requests wait for; what nobody or only
--- a timer waits for has 5 s, then the client is closed.
local host = require "codearts.build.hosts.host"

local M = {}

local SHORTEST, LONGEST, SHARE = 0.001, 0.02, 20
local GRACE = 5
local LOOK_AFTER = 1 -- waiters see to it that somebody steps: nginx drops timers that are too many

local MAY_WAIT = {
  server_rewrite = true,
  rewrite = true,
  access = true,
  content = true,
  timer = true,
  preread = true,
  ssl_client_hello = true,
  ssl_session_fetch = true,
  ssl_cert = true,
}

local function check(outcome)
  local phase = ngx.get_phase()
  if not MAY_WAIT[phase] then
    host.refuse(
      ("waiting is not possible in nginx's %s phase; use on_done, or ngx.timer.at(0, …)"):format(
        phase
      ),
      outcome
    )
  elseif not host.can_yield() then
    -- A semaphore of nginx that waits here stays behind in the worker, which dies of it later.
    host.refuse(
      "waiting is not possible here: nginx cannot yield across the C function that called this, "
        .. "such as require, table.sort or string.gsub; wait outside of it, or use on_done",
      outcome
    )
  end
end

local function log(problem)
  ngx.log(ngx.ERR, "codearts.build: ", tostring(problem))
end

--- Has a client live in this worker. Raises kind "usage" in the init phases, and when it lives in a
--- host already.
---@param client codearts.build.Client
---@return codearts.build.Client client
function M.attach(client)
  local phase = ngx.get_phase()
  if phase == "init" or phase == "init_worker" then
    host.refuse(
      ("no client can live in nginx's %s phase, where nothing can wait; "):format(phase)
        .. "make it in the first request of a worker, or in ngx.timer.at(0, …)"
    )
  end
  host.check_client(client)
  local semaphores = require "ngx.semaphore"
  local open, stepping, begun = true, false, false
  local driver, stepped_at = 0, 0 -- the newest one alone goes on
  local waiters = {} -- semaphore -> whether a request waits

  local function requests_wait()
    for semaphore, is_request in pairs(waiters) do
      -- A request that was cut off waits no more and could not say so.
      if is_request and semaphore:count() < 0 then
        return true
      end
    end
    return false
  end

  local function drive(_, mine)
    local quiet_since, leaving_since, last = ngx.now(), nil, nil
    while open and mine == driver do
      local ok, remaining = pcall(client.step, client, 0)
      local now = ngx.now()
      stepped_at = now
      if not ok then
        log(remaining)
        remaining = nil
      elseif not open or (remaining == 0 and client:timeout() ~= 0) then
        break
      end
      if begun or remaining ~= last then
        begun, quiet_since, last = false, now, remaining
      end
      if ngx.worker.exiting() then
        leaving_since = leaving_since or now
        if now - leaving_since >= GRACE and not requests_wait() then
          local closed, problem = pcall(client.close, client)
          if not closed then
            log(problem)
          end
          break
        end
      end
      ngx.sleep(math.min(math.max((now - quiet_since) / SHARE, SHORTEST), LONGEST))
    end
    if mine == driver then
      stepping = false
    end
  end

  local function start_driver()
    local problem
    driver, stepped_at = driver + 1, ngx.now()
    stepping, problem = ngx.timer.at(0, drive, driver)
    if not stepping then
      log("no timer to step in: " .. problem)
    end
  end

  local function wake()
    begun = true
    if open and not stepping then
      start_driver()
    end
  end

  local function wait(_, call, timeout)
    local semaphore = semaphores.new(0)
    waiters[semaphore] = ngx.get_phase() ~= "timer"
    call:on_done(function()
      waiters[semaphore] = nil
      semaphore:post(1)
    end)
    local till = timeout and ngx.now() + timeout
    repeat
      if not stepping or ngx.now() - stepped_at > LOOK_AFTER then
        start_driver()
      end
      local left = till and math.max(till - ngx.now(), SHORTEST) or LOOK_AFTER
      semaphore:wait(math.min(left, LOOK_AFTER))
    until call:done() or (till and ngx.now() >= till)
    waiters[semaphore] = nil
  end

  local function on_close()
    open = false
  end
  host.adopt(client, { wait = wait, wake = wake, check = check }, on_close)
  wake() -- takes over what is in flight already
  return client
end

--- Makes a client that lives in this worker.
---@param options? codearts.build.Options
---@return codearts.build.Client
function M.new(options)
  return M.attach(require("codearts.build").new(options))
end

return M
