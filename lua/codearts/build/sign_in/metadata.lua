--- The temporary key of the agency of a cloud server (API reference 4.5).
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local http = require "codearts.build.sign_in.http"
local shown = require "codearts.build.shown"
local temporary_key = require "codearts.build.sign_in.temporary_key"

local M = {}

M.BASE = "http://169.254.169.254"

local TOKEN_LIFE = 21600
local ASK_AGAIN = 86400 -- of an instance that had no token service
local NO_TOKEN_SERVICE = { [404] = true, [405] = true, [503] = true }
local NO_AGENCY = "Please configure Cloud Service Agency first"
local LIMITS = { timeout = 3, retry = false }

local ENDPOINT = "CODEARTS_BUILD_METADATA_ENDPOINT"

local function base(ctx)
  local override = ctx.getenv(ENDPOINT)
  return override and override ~= "" and override or M.BASE
end

local function get(ctx, who, spec)
  spec.url = http.url(base(ctx), spec.path)
  spec.path = nil
  spec.direct = true -- it is beside this machine
  return http.send(ctx, who, spec, LIMITS)
end

--- Fetches the session token and keeps it in the state; an instance may have no such service.
local function fetch_token(ctx, who, state, must_exist)
  local answer, err = get(ctx, who, {
    operation = "CreateMetadataToken",
    method = "PUT",
    path = "/meta-data/latest/api/token",
    headers = { ["X-Metadata-Token-Ttl-Seconds"] = tostring(TOKEN_LIFE) },
    read_only = true,
  })
  if not answer then
    return nil, err
  end
  local token = ascii.trim(answer.body)
  if answer.status == 200 and not token:find "[^\33-\126]" and token ~= "" then
    state.token, state.until_ = token, core.now() + TOKEN_LIFE - 60
    return true
  elseif NO_TOKEN_SERVICE[answer.status] and not must_exist then
    state.token, state.until_ = nil, core.now() + ASK_AGAIN
    return true
  elseif answer.status == 200 then
    return nil, http.nonsense(who, "answered with a token that no header may hold")
  end
  return nil, http.nonsense(who, ("answered %d when asked for a token"):format(answer.status))
end

local function fetch_key(ctx, who, state)
  ctx.hide { token = state.token }
  return get(ctx, who, {
    operation = "ShowSecurityKey",
    method = "GET",
    path = "/openstack/latest/securitykey",
    headers = state.token and { ["X-Metadata-Token"] = state.token } or nil,
    read_only = true,
  })
end

--- Asks the metadata service. Each request has 3 seconds; a call that waits for it keeps its own
--- deadline.
---@param ctx table
---@return table? credential of kind key, with expires_in
---@return table|string|nil err
---@return boolean? absent true: nothing answered, so this is no cloud server
function M.sign_in(ctx)
  local who = "the metadata service"
  if shown.is_word_with_slash(base(ctx)) then
    return nil, ENDPOINT .. " is a word and a slash, which may be a secret"
  end
  local state = ctx.state.metadata or {}
  ctx.state.metadata = state
  local ok, err, answer
  if not state.until_ or core.now() >= state.until_ then
    ok, err = fetch_token(ctx, who, state, false)
    if not ok then
      return nil, err, err.kind == "transport" or err.kind == "timeout"
    end
  end
  answer, err = fetch_key(ctx, who, state)
  if answer and answer.status == 401 and not answer.body:find(NO_AGENCY, 1, true) then
    ok, err = fetch_token(ctx, who, state, true)
    answer = nil
    if ok then
      answer, err = fetch_key(ctx, who, state)
    end
  end
  if not answer then
    return nil, err
  elseif answer.body:find(NO_AGENCY, 1, true) then
    return nil, http.nonsense(who, "has no key, because the server has no agency")
  elseif answer.status < 200 or answer.status > 299 then
    return nil, http.nonsense(who, ("answered %d when asked for a key"):format(answer.status))
  end
  local body = core.decode(answer.body)
  if type(body) ~= "table" then
    return nil, http.nonsense(who, "answered without JSON")
  end
  return temporary_key.read(who, body, answer)
end

return M
