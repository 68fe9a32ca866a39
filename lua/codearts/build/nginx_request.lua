--- nginx's request, hidden from functions that the library calls. What ngx_lua has for waiting, for light threads and for
--- ending a request asks first for the request of the running thread, and raises where there is none. In a step and in
--- a flow nothing can yield to nginx: with a request these would begin, fail half-way and leave a worker that crashes
--- or hangs; and the coroutine of a flow may outlive the request in which it was made.
---
--- Timers alone need a request and do not yield, so they are shown the one of who called the library.
---
--- A coroutine keeps the request that made it, though that of its caller is hidden. Where none is to be seen,
--- coroutine.resume is Lua's own, which asks nobody, so that it would begin to wait there after all. So it is refused, as
--- ngx_lua refuses those of other requests, and what coroutine.wrap made. One that only yields is no exception: nothing
--- tells it from one that nginx is to wake up, and which leaves behind in the worker what it waits for.
local M = {}

-- In the LuaJIT that ngx_lua is made for, but not in its worker threads (ngx.run_worker_thread), which may block and know
-- neither requests nor timers.
local found, exdata = false, nil
if rawget(_G, "ngx") and ngx.timer then
  found, exdata = pcall(require, "thread.exdata")
end
M.is_here = found

local caller -- the request that is hidden

local function reveal(mine, outer, ok, ...)
  exdata(mine)
  caller = outer
  if not ok then
    error((...), 0)
  end
  return ...
end

local function hide(f, ...)
  local mine = exdata()
  if mine == nil then
    return f(...)
  end
  local outer = caller
  caller = mine
  exdata(M.NONE)
  return reveal(mine, outer, pcall(f, ...))
end

local function conceal(ok, ...)
  exdata(M.NONE)
  if not ok then
    error((...), 0)
  end
  return ...
end

local function show(f, ...)
  if not M.is_hidden() then
    return f(...)
  end
  exdata(caller)
  return conceal(pcall(f, ...))
end

local function call(f, ...)
  return f(...)
end

--- Calls a function that must not yield, with the request hidden.
M.hide = M.is_here and hide or call

--- Calls a function that needs the request, be it hidden or not.
M.show = M.is_here and show or call

--- Whether who runs was called by the library.
---@return boolean
function M.is_hidden()
  return caller ~= nil and exdata() == nil
end

--- What to say of a function of the user's that raised because it could not wait; nil if it raised something else.
---@param problem any
---@return string?
function M.explain(problem)
  local text = M.is_here and type(problem) == "string" and problem:match "^[^\n]*"
  if text and text:find "no request" and (text:find ": no request$" or text:find " found$") then
    return "a function that the library calls must not wait in nginx, nor touch its request; "
      .. "ngx.timer.at(0, …) can: "
      .. text
  end
end

--- Lua's coroutine.resume, for where no request is to be seen.
local function resume_of_no_request(std)
  local ffi = require "ffi"
  ffi.cdef 'void *codearts_build_request_of(void *thread) __asm__("lua_getexdata");'
  return function(thread, ...)
    if type(thread) == "thread" and exdata() == nil then
      local address = ffi.cast("void *", tonumber(tostring(thread):match "0x%x+"))
      if ffi.C.codearts_build_request_of(address) ~= nil then
        error("only its request may resume a coroutine that it has made: no request found", 2)
      end
    end
    return std(thread, ...)
  end
end

--- Has ngx_lua's coroutine.resume, which chooses by the request between its own and Lua's, call ours in the place of
--- Lua's. Not by its name: programs keep it in locals.
local function guard_resume()
  for at = 1, debug.getinfo(coroutine.resume, "u").nups do
    local _, held = debug.getupvalue(coroutine.resume, at)
    if held == coroutine._resume then
      debug.setupvalue(coroutine.resume, at, resume_of_no_request(held))
      jit.flush() -- what is compiled has the old one
    end
  end
end

if M.is_here then
  M.NONE = require("ffi").cast("void *", 0)
  guard_resume()
  for _, name in ipairs { "at", "every" } do
    local timer = ngx.timer[name]
    ngx.timer[name] = function(...)
      return show(timer, ...)
    end
  end
end

return M
