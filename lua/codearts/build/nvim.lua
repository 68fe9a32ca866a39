--- Clients that live in Neovim's loop.
---
---     local client = require("codearts.build.nvim").new { … }
---     client:start({ job_id = … }):on_done(function(result, err)
---       vim.notify(err and tostring(err) or "started " .. result.actual_build_number)
---     end)
---
--- Callbacks and coroutines go on in the main loop, where the editor's API is allowed. Waiting
--- inside a coroutine yields; outside of one it is a vim.wait: the editor goes on, except for its
--- input, and Ctrl-C ends the waiting. Inside a fast event (:h api-fast) nobody can wait: a usage
--- error. What a callback or a coroutine raises is shown as Neovim shows errors.
---
--- Requiring this loads nothing; the first client does. Clients are closed when Neovim ends, and starts
--- that have no answer by then are told.
local M = {}

local LONG_MS = 2147483647
local CHECK_MS = 1000 -- vim.wait looks after every event anyway

--- Has a client live in Neovim's loop. Raises kind "usage" when it lives in a loop already.
---@param client codearts.build.Client
---@return codearts.build.Client client
function M.attach(client)
  local host = require "codearts.build.hosts.host"
  require("codearts.build.hosts.uv").drive(client, {
    uv = vim.uv or vim.loop,
    later = vim.schedule,
    report = function(text)
      vim.schedule(function()
        error(text, 0)
      end)
    end,
    block = function(done)
      local ended, why
      repeat
        ended, why = vim.wait(LONG_MS, done, CHECK_MS)
      until ended or why == -2 -- Ctrl-C
    end,
    check = function(outcome)
      if vim.in_fast_event() and not host.can_yield() then
        host.refuse(
          "waiting is not possible inside a fast event; use vim.schedule, a coroutine or on_done",
          outcome
        )
      end
    end,
  })
  require("codearts.build.nvim.leaving").watch(client)
  return client
end

--- Makes a client that lives in Neovim's loop.
---@param options? codearts.build.Options
---@return codearts.build.Client
function M.new(options)
  return M.attach(require("codearts.build").new(options))
end

--- How the builds stand that `:CodeArts` waits for, in few words for a statusline; "" when there are none. Does no I/O and
--- loads nothing. `User CodeArtsStatus` tells when it has changed.
---@return string
function M.status()
  return package.loaded["codearts.build.nvim.watch"] and require "codearts.build.nvim.status"()
    or ""
end

return M
