--- The order in which credentials are looked for when none are given (API reference 4.2). A source that is set up wrongly
--- hides no other; when none has credentials, one error tells about each. One that has some ends the search, as with the
--- official SDKs: if IAM does not answer for them, the client must not go on as somebody else.
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

--- Tries one source after the other, and touches none behind the first that has credentials, or is in trouble that may pass.
---@param ctx table
---@param complete fun(ctx: table, found: table): table?, table? turns what a source holds into what
---  requests are sent with
---@return table? credential
---@return table? err kind "auth": no source has any; or what kept one that has, of its own kind
---@return string? source
---@return string? file that the source read
function M.sign_in(ctx, complete)
  local reasons, failed, retryable = {}, {}, nil
  for _, link in ipairs(LINKS) do
    local name, find = link[1], link[2]
    local found, problem, absent, file = find(ctx)
    local serves = found ~= nil
    if found then
      if #failed > 0 then
        ctx.warn(("%s; signing in by %s instead"):format(table.concat(failed, "; "), name))
      end
      found, problem = complete(ctx, found)
    end
    if found then
      return found, nil, name, file
    end
    local reason = ("%s: %s"):format(name, text_of(problem))
    local err = type(problem) == "table" and problem or {}
    if err.kind == "cancelled" then
      return nil, err
    elseif serves or err.retryable and not absent then
      err.message = reason
      return nil, err
    end
    reasons[#reasons + 1] = reason
    failed[#failed + 1] = not absent and reason or nil
    retryable = retryable or err.retryable or nil
  end
  return nil,
    core.error {
      kind = "auth",
      message = "found no credentials: " .. table.concat(reasons, "; "),
      retryable = retryable,
    }
end

return M
