--- The temporary key of a pod in a container cluster (API reference 4.6).
local http = require "codearts.build.sign_in.http"
local temporary_key = require "codearts.build.sign_in.temporary_key"
local text_file = require "codearts.build.sign_in.text_file"

local M = {}

local URI = "HC_CONTAINER_CREDENTIALS_FULL_URI"
local TOKEN_FILE = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"
local LIMITS = { timeout = 5, retry = false }

-- The agent lives beside the pod, on an address that is valid on its own link alone, and needs no
-- TLS there.
local LINK_LOCAL = "^169%.254%.%d+%.%d+$"

--- Asks the agent whose address the environment holds.
---@param ctx table
---@return table? credential of kind key, with expires_in
---@return table|string|nil err a text: the source is not set up
---@return boolean? absent true: nothing of it is set up
function M.sign_in(ctx)
  local who = "pod identity"
  local uri, path = ctx.getenv(URI), ctx.getenv(TOKEN_FILE)
  if not uri or uri == "" then
    return nil, URI .. " is not set", not path
  elseif not path or path == "" then
    return nil, ("%s is set, but %s is not"):format(URI, TOKEN_FILE)
  elseif not http.is_safe(uri, LINK_LOCAL) then
    return nil, URI .. " is neither https nor an address of this machine"
  end
  local token, problem = text_file.read(path)
  if not token then
    return nil, "authorization token file " .. problem
  end
  ctx.hide { token = token }
  local spec = {
    operation = "CreatePodIdentityKey",
    method = "POST",
    url = uri,
    headers = { ["Content-Type"] = "application/json", ["Authorization"] = token },
    body = "{}",
    read_only = true,
    direct = not uri:find "^https:", -- in plain text to nobody else
  }
  local answer, body, err
  answer, err = http.send(ctx, who, spec, LIMITS)
  if answer then
    body, err = http.read(ctx, who, answer)
  end
  if not body then
    return nil, err
  end
  return temporary_key.read(who, body, answer)
end

return M
