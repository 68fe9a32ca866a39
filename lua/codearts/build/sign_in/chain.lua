--- The order in which credentials are looked for when none are given (API reference 4.2). A source
--- that fails never hides the next; when all have, one error tells about each.
local core = require "codearts.build.core"
local credentials_file = require "codearts.build.sign_in.credentials_file"
local environment = require "codearts.build.sign_in.environment"
local metadata = require "codearts.build.sign_in.metadata"
local pod_identity = require "codearts.build.sign_in.pod_identity"

local M = {}

local LINKS = {
  { "CODEARTS_BUILD_TOKEN", environment.token },
  { "environment", environment.official },
  { "credentials file", credentials_file.read },
  { "ECS metadata", metadata.sign_in },
  { "pod identity", pod_identity.sign_in },
}

local function text_of(problem)
  return type(problem) == "table" and problem.message or problem
end

--- Tries one source after the other, and touches none behind the first that serves.
---@param ctx table
---@param complete fun(ctx: table, found: table): table?, table? turns what a source holds into what
---  requests are sent with
---@return table? credential
---@return table? err kind "auth"
---@return string? source
---@return string? file that the source read
function M.sign_in(ctx, complete)
  local reasons, failed, retryable = {}, {}, nil
  for _, link in ipairs(LINKS) do
    local name, find = link[1], link[2]
    local found, problem, absent, file = find(ctx)
    if found then
      found, problem = complete(ctx, found)
    end
    if found then
      if #failed > 0 then
        ctx.warn(("%s; signed in by %s instead"):format(table.concat(failed, "; "), name))
      end
      return found, nil, name, file
    elseif type(problem) == "table" and problem.kind == "cancelled" then
      return nil, problem
    end
    local reason = ("%s: %s"):format(name, text_of(problem))
    reasons[#reasons + 1] = reason
    failed[#failed + 1] = not absent and reason or nil
    retryable = retryable or type(problem) == "table" and problem.retryable or nil
  end
  return nil,
    core.error {
      kind = "auth",
      message = "found no credentials: " .. table.concat(reasons, "; "),
      retryable = retryable,
    }
end

return M
