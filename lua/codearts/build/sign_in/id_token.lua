--- A temporary key for the id token of an identity provider (API reference 2.3, 4.6).
local core = require "codearts.build.core"
local http = require "codearts.build.sign_in.http"
local temporary_key = require "codearts.build.sign_in.temporary_key"
local text_file = require "codearts.build.sign_in.text_file"

local M = {}

local LIFE = 21600 -- what the official SDKs ask for

local function exchange(ctx, who, idp_id, id_token)
  local body, answer = http.json(ctx, who, {
    operation = "KeystoneCreateUnscopedTokenWithIdToken",
    method = "POST",
    url = http.url(ctx.iam_endpoint, "/v3.0/OS-AUTH/id-token/tokens"),
    headers = { ["Content-Type"] = "application/json;charset=UTF-8", ["X-Idp-Id"] = idp_id },
    body = core.encode { auth = { id_token = { id = id_token } } },
    read_only = true,
  })
  if not body then
    return nil, answer
  end
  local token = answer.headers["x-subject-token"]
  if not token or token == "" then
    return nil, http.nonsense(who, "answered without X-Subject-Token")
  end
  return token
end

--- Reads the id token.
---@param given table idp_id, id_token_file
---@return table? given kind, idp_id, token
---@return table? err kind "config"
function M.read(given)
  local token, problem = text_file.read(given.id_token_file)
  if not token then
    return nil, core.error { kind = "config", message = "id token file " .. problem }
  end
  return { kind = given.kind, idp_id = given.idp_id, token = token }
end

--- Signs in.
---@param ctx table
---@param given table what `read` answered
---@return table? credential of kind key, with expires_in
---@return table? err
function M.sign_in(ctx, given)
  local who = http.iam(ctx)
  local token, err = exchange(ctx, who, given.idp_id, given.token)
  if not token then
    return nil, err
  end
  ctx.hide { token = token }
  local identity = { methods = { "token" }, token = { id = token, duration_seconds = LIFE } }
  local body, answer = http.json(ctx, who, {
    operation = "CreateTemporaryAccessKeyByToken",
    method = "POST",
    url = http.url(ctx.iam_endpoint, "/v3.0/OS-CREDENTIAL/securitytokens"),
    headers = { ["Content-Type"] = "application/json;charset=UTF-8" },
    body = core.encode { auth = { identity = identity } },
    read_only = true,
  })
  if not body then
    return nil, answer
  end
  return temporary_key.read(who, body, answer)
end

--- What names the key in a store that several users may share: it is for those who have the id token, which is too long and
--- too random to be guessed by its hash.
---@param ctx table
---@param given table what `read` answered
---@return string key
function M.store_key(ctx, given)
  return "id_token " .. core.encode { ctx.iam_endpoint, given.idp_id, core.sha256(given.token) }
end

return M
