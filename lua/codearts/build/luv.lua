--- Clients that live in a libuv loop.
---
---     local client = require("codearts.build.luv").new { … }
---     coroutine.wrap(function()
---       print(client:run({ job_id = … }).octopus_job_name)
---     end)()
---     require("luv").run()
---
--- Callbacks and coroutines go on inside the loop. Waiting inside a coroutine yields; outside of
--- one it runs the loop, or, called from a callback of the loop, blocks it. What a callback or a
--- coroutine raises is written to standard error with its traceback; the loop goes on. Calls in
--- flight keep the loop running, an idle client does not. A client lives until it is closed.
--- Requiring this loads nothing; the first client does.
local M = {}

--- Has a client live in the loop. Raises kind "usage" when it lives in one already.
---@param client codearts.build.Client
---@return codearts.build.Client client
function M.attach(client)
  local uv = require "luv"
  local awaited -- by a turn of the loop that is run here for it
  local function run_until(done, tick)
    awaited = done
    repeat
      if not (uv.run "once" or done()) then
        tick() -- the loop waits for nothing, and would spin
      end
    until done()
  end
  return require("codearts.build.hosts.uv").drive(client, {
    uv = uv,
    until_end = true,
    report = function(text)
      io.stderr:write(text, "\n")
    end,
    block = function(done, tick)
      if uv.loop_mode and uv.loop_mode() then
        repeat
          tick()
        until done()
        return
      end
      local ok, problem = pcall(run_until, done, tick)
      awaited = nil
      if not ok then
        error(problem, 0)
      end
    end,
    ticked = function()
      if awaited and awaited() then
        awaited = nil -- now: a debug hook may raise before the wait does that, and no other turn is to be stopped
        uv.stop() -- a turn whose timer has ended the wait would sleep until something else happens
      end
    end,
  })
end

--- Makes a client that lives in the loop.
---@param options? codearts.build.Options
---@return codearts.build.Client
function M.new(options)
  return M.attach(require("codearts.build").new(options))
end

return M
