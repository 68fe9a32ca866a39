--- Errors of the Lua side, made in one way.
local core = require "codearts.build.core"

local problem = {}

--- Members of errors that repeat what others said.
problem.TOLD = { "message", "error_code", "error_msg", "request_id", "build_status" }

--- An error for an argument that cannot be.
---@param field string the argument
---@param message string
---@param outcome? "not_started" where a build was to be started
---@return codearts.build.Error err kind "usage"
function problem.usage(field, message, outcome)
  return core.error { kind = "usage", field = field, message = message, outcome = outcome }
end

--- Raises it.
---@param field string
---@param message string
---@param outcome? "not_started"
function problem.refuse(field, message, outcome)
  error(problem.usage(field, message, outcome), 0)
end

--- An error for what this process cannot do, and for what raised in the midst of a call, which is bare text: a debug hook, as
--- Ctrl-C is one in the standalone interpreter.
---@param message string
---@param outcome? "not_started"
---@return codearts.build.Error err kind "transport"
function problem.internal(message, outcome)
  return core.error {
    kind = "transport",
    reason = "internal",
    message = message,
    outcome = outcome,
    retryable = false,
  }
end

--- A module of the library that is loaded when it is needed; raises a structured error where its file cannot be read, as where
--- no descriptor is left.
---@param name string
---@param outcome? "not_started"
---@return any module
function problem.need(name, outcome)
  local ok, found = pcall(require, name)
  if not ok and type(found) == "string" and found ~= "not enough memory" then
    found = problem.internal("cannot load " .. name .. ": " .. found:match "[^\n]*", outcome)
  end
  return ok and found or error(found, 0)
end

--- Answers nil and what was raised, as functions do that raise no structured errors; anything else, as memory that ran
--- out, or what a debug hook raised, is raised again.
---@param err any
---@return nil
---@return codearts.build.Error err
function problem.answer(err)
  if core.is_error(err) then
    return nil, err
  end
  error(err, 0)
end

return problem
