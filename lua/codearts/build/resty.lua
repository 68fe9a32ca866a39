--- Clients that live in an nginx worker: OpenResty, or nginx with its Lua module.
---
---     local client = require("codearts.build.resty").new { … } -- once a worker, not for each request
---     local result, err = client:try_run { job_id = … }
---
--- Waiting yields to nginx in every phase that can: rewrite, access, content, timers, preread,
--- ssl_certificate_by_lua, and ngx.thread in each. In the others, and where a C function is on the way
--- (while a module is required, inside table.sort or string.gsub), a call can be started but not
--- waited for, and in the init phases there can be no client: usage errors, before anything is sent.
---
--- While calls are in flight, and a second longer, light threads of the worker step the client when
--- its connections or its timers want that: a thread of the core tells them (see
--- codearts.build.hosts.nginx_waker). Where the system does not grant what that takes, the worker
--- pauses between steps: a twentieth of the time that nothing has happened, at least 1 ms, at most
--- 20 ms. Callbacks run in these light threads and must not yield, nor can they see a request (see
--- codearts.build.nginx_request); what they raise goes to the error log. A worker that leaves finishes
--- what requests wait for; what nobody or only a timer waits for has 5 s, then it is cancelled.
local host = require "codearts.build.hosts.host"
local problems = require "codearts.build.problem"
local request = require "codearts.build.nginx_request"

local M = {}

-- Not ssl_client_hello and ssl_session_fetch: there a wait takes changes to nginx and OpenSSL that OpenResty makes, and without
-- them whoever waits is never resumed.
local MAY_WAIT = {
  server_rewrite = true,
  rewrite = true,
  access = true,
  content = true,
  timer = true,
  preread = true,
  ssl_cert = true,
}

local function check(outcome)
  if request.is_hidden() then
    host.refuse("a function that the library calls must not wait", outcome)
  end
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

--- Has a client live in this worker. Raises kind "usage" in the init phases, outside of nginx, and when it lives in a
--- host already.
---@param client codearts.build.Client
---@return codearts.build.Client client
function M.attach(client)
  if not request.is_here then
    host.refuse "no client can live here, outside of nginx's own loop; a plain one of codearts.build can"
  end
  local phase = request.show(ngx.get_phase)
  if phase == "init" or phase == "init_worker" then
    host.refuse(
      ("no client can live in nginx's %s phase, where nothing can wait; "):format(phase)
        .. "make it in the first request of a worker, or in ngx.timer.at(0, …)"
    )
  end
  host.check_client(client)
  local driver = require("codearts.build.hosts.nginx").new(client)
  host.adopt(client, {
    wait = function(_, call, timeout)
      driver:wait(call, timeout)
    end,
    wake = function()
      driver:wake()
    end,
    ready = function(outcome)
      local problem = driver:ready()
      if problem then
        error(problems.internal("nginx has " .. problem, outcome), 0)
      end
    end,
    check = check,
  }, function()
    driver:close()
  end)
  driver:wake() -- takes over what is in flight already
  return client
end

--- Makes a client that lives in this worker.
---@param options? codearts.build.Options
---@return codearts.build.Client
function M.new(options)
  return M.attach(require("codearts.build").new(options))
end

return M
