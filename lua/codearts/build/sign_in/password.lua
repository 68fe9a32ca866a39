--- A token for an IAM user's password (API reference 2.1).
local core = require "codearts.build.core"
local credential = require "codearts.build.sign_in.credential"
local http = require "codearts.build.sign_in.http"
local life = require "codearts.build.sign_in.life"

local M = {}

local function body_of(given)
  local project = given.project_id and { id = given.project_id } or { name = given.project }
  return core.encode {
    auth = {
      identity = {
        methods = { "password" },
        password = {
          user = {
            name = given.user,
            password = given.password,
            domain = { name = given.domain },
          },
        },
      },
      scope = { project = project },
    },
  }
end

--- Signs in. A wrong password is not tried again: repeating it would lock the user.
---@param ctx table
---@param given table credential of kind password, with project or project_id
---@return table? credential of kind token, with expires_in
---@return table? err
function M.sign_in(ctx, given)
  local who = http.iam(ctx)
  local body, answer = http.json(ctx, who, {
    operation = "KeystoneCreateUserTokenByPassword",
    method = "POST",
    url = http.url(ctx.iam_endpoint, "/v3/auth/tokens"),
    query = { { "nocatalog", "true" } },
    headers = { ["Content-Type"] = "application/json;charset=UTF-8" },
    body = body_of(given),
    read_only = true,
  })
  if not body then
    return nil, answer
  end
  local token, problem = credential.read { token = answer.headers["x-subject-token"] }
  if not token then
    return nil, http.nonsense(who, "answered without a usable X-Subject-Token: " .. problem)
  end
  local facts = type(body.token) == "table" and body.token or {}
  token.expires_in, problem = life.left(facts.expires_at, answer, facts.issued_at)
  if not token.expires_in then
    return nil, http.nonsense(who, problem)
  end
  return token
end

--- What names the token in a store that several users may share: it is for those who know the password, too.
---@param ctx table
---@param given table
---@return string key
function M.store_key(ctx, given)
  local who = core.encode {
    ctx.iam_endpoint,
    given.domain or "",
    given.user,
    given.project or "",
    given.project_id or "",
  }
  return ("password %s %s"):format(who, core.stretch(given.password, who))
end

return M
