--- The temporary key in an answer of IAM, the metadata service or pod identity (API reference 4.5).
local credential = require "codearts.build.sign_in.credential"
local http = require "codearts.build.sign_in.http"
local life = require "codearts.build.sign_in.life"

local M = {}

--- Reads it, whichever of the documented spellings was used.
---@param who string
---@param body table
---@param answer table the raw one
---@return table? credential
---@return table? err kind "auth"
function M.read(who, body, answer)
  local found = body.credential or body.credentials
  found = type(found) == "table" and found or body
  local key, problem = credential.read {
    ak = found.access or found.accessKeyId,
    sk = found.secret or found.secretAccessKey,
    security_token = found.securitytoken or found.securityToken,
  }
  if not key then
    return nil, http.nonsense(who, "answered without a usable key: " .. problem)
  end
  key.expires_in, problem = life.left(found.expires_at or found.expiration, answer)
  if not key.expires_in then
    return nil, http.nonsense(who, problem)
  end
  return key
end

return M
