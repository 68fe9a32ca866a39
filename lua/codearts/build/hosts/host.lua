--- What the host adapters share: taking a client in, and telling where nobody can wait.
local core = require "codearts.build.core"
local problems = require "codearts.build.problem"

local M = {}

--- A usage error for where nobody can wait.
---@param message string
---@param outcome? "not_started"
---@return codearts.build.Error
function M.refusal(message, outcome)
  return problems.usage("host", message, outcome)
end

--- Raises a usage error.
---@param message string
---@param outcome? "not_started"
function M.refuse(message, outcome)
  error(M.refusal(message, outcome), 0)
end

--- An error for who waits for what cannot end any more.
---@return codearts.build.Error
function M.lost()
  return problems.internal "what the call waits for was broken off"
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
M.TELLS = core.yieldable() ~= nil

--- Whether the running function may yield, as far as this Lua can tell.
---@return boolean
function M.can_yield()
  if M.TELLS then
    return core.yieldable()
  end
  local routine, is_main = coroutine.running()
  return routine ~= nil and not is_main
end

M.NO_YIELD = "waiting is not possible here: this coroutine cannot yield across what called it, "
  .. "pcall for example; use try_run, or on_done"

--- Yields; answers false, at once, where the running coroutine cannot. Lua 5.1 cannot yield across
--- pcall, so there the core tries.
---@return boolean yielded
function M.try_yield()
  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
    local failed = {}
    return core.yield(failed) ~= failed
  end
  return (pcall(coroutine.yield))
end

return M
