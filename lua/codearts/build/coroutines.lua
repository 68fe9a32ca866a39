--- Coroutines for flows inside the library. ngx_lua replaces the standard functions by ones that
--- yield to nginx, which a callback of a C function cannot do; it keeps the standard ones under
--- names with an underscore, and for flows, which never touch nginx, these are right.
local request = require "codearts.build.nginx_request"

local M = {
  create = coroutine._create or coroutine.create,
  resume = coroutine._resume or coroutine.resume,
  yield = coroutine._yield or coroutine.yield,
  status = coroutine._status or coroutine.status,
}

if request.is_here then
  local create, resume = M.create, M.resume
  function M.create(f)
    return request.hide(create, f) -- it keeps the request of who makes it, or none, for its life
  end
  function M.resume(...)
    return request.hide(resume, ...)
  end
end

local function ended(routine, ok, ...)
  if ok and M.status(routine) ~= "dead" then
    return false, "a callback must not yield"
  end
  return ok, ...
end

--- Calls a function of the user's, which must not yield, as pcall does. In nginx it sees no request, and a yield, which nobody
--- would wake up from, is an error.
M.pcall = pcall

if request.is_here then
  function M.pcall(f, ...)
    local routine = M.create(f)
    return ended(routine, M.resume(routine, ...))
  end
end

--- What a runner yields first, before what its function returned: tells that from what the function yielded.
M.RETURNED = {}

local function serve(f, ...)
  return serve(M.yield(M.RETURNED, f(...)))
end

--- A coroutine that runs one function after the other, each with what it is resumed with behind it: a new one for
--- each would take longer than many a function. One that raised is dead.
---@return thread
function M.runner()
  return M.create(serve)
end

return M
