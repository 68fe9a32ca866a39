--- How a flow ends that nobody waits for any more.
local core = require "codearts.build.core"

local cancelled = {}

---@return codearts.build.Error
function cancelled.error()
  return core.error { kind = "cancelled", message = "the call was cancelled", retryable = false }
end

--- What a flow met. That its client was closed meanwhile is no wrong usage of the flow's: it is its end.
---@param client codearts.build.Client
---@param problem any what was raised
---@return any problem
function cancelled.if_closed(client, problem)
  if client.closed and core.is_error(problem) and problem.kind == "usage" then
    return cancelled.error()
  end
  return problem
end

return cancelled
