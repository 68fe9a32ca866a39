--- How long credentials are good for, and when to renew them. Durations come from one clock, the
--- service's, so that a wrong clock here neither shortens nor stretches them.
local core = require "codearts.build.core"
local timestamp = require "codearts.build.sign_in.timestamp"

local M = {}

local KEY_MARGIN = 2400 -- the official SDKs' 40 minutes (API reference 4.7)
local TOKEN_MARGIN = 600

--- Seconds that are left.
---@param expires_at any as the service wrote it
---@param answer table the raw answer, for the clock that its headers tell
---@param issued_at? any as the service wrote it
---@return number? seconds nil: not readable, or over
---@return string? problem
function M.left(expires_at, answer, issued_at)
  local expires = timestamp.iso(expires_at)
  if not expires then
    return nil, "gave an expiry that cannot be read"
  end
  local now = timestamp.iso(issued_at) or timestamp.now(answer.headers) or core.time()
  if expires <= now then
    return nil, "gave credentials that have expired"
  end
  return expires - now
end

--- When to fetch new ones, in seconds from now. What lives shorter than the margin is used for a
--- part of its life, or each call would sign in anew.
---@param credential table with `expires_in`
---@return number? seconds nil: never
function M.until_renewal(credential)
  local left = credential.expires_in
  if not left then
    return nil
  elseif credential.kind == "key" then
    return left > KEY_MARGIN and left - KEY_MARGIN or left / 2
  end
  return left - math.min(TOKEN_MARGIN, left / 5)
end

return M
