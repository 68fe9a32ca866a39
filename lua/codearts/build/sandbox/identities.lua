-- Tokens and keys that the sandbox knows: its own ones from its options and those that it issues. A request is let in by `check`.

local clock = require "codearts.build.sandbox.clock"
local fault = require "codearts.build.sandbox.fault"
local random = require "codearts.build.sandbox.random"
local signature = require "codearts.build.sandbox.signature"

local M = {}

local FAILURES_ALLOWED = 5 -- in a row, then the key is locked; API reference 3.1
local LOCK = 5 * 60

---@class codearts.build.sandbox.Token
---@field user string
---@field scope string `project`; `domain` and `unscoped` tokens do not open the build service
---@field expires number|nil seconds since 1970; nil: never

---@class codearts.build.sandbox.Key
---@field sk string
---@field user string
---@field security_token string|nil a temporary key has one
---@field expires number|nil
---@field failures integer signatures in a row that were wrong
---@field locked_until number|nil

---@class codearts.build.sandbox.Identities
---@field private tokens table<string, codearts.build.sandbox.Token>
---@field private keys table<string, codearts.build.sandbox.Key>
local Identities = {}
Identities.__index = Identities

---@param options codearts.build.sandbox.Options
---@return codearts.build.sandbox.Identities
function M.new(options)
  local self = setmetatable({ options = options, tokens = {}, keys = {} }, Identities)
  self.tokens[options.token] = { user = options.user or "sandbox", scope = "project" }
  if options.ak then
    self.keys[options.ak] = { sk = options.sk, user = options.user or "sandbox", failures = 0 }
  end
  return self
end

---@param scope string
---@return string token
---@return number expires seconds since 1970
function Identities:issue_token(scope)
  local token, expires = "sandbox-" .. random.hex(64), clock.now() + self.options.token_life
  self.tokens[token] = { user = self.options.user or "sandbox", scope = scope, expires = expires }
  return token, expires
end

---@param life number seconds
---@return table credential as IAM and the metadata service write it: access, secret, securitytoken, expires_at
function Identities:issue_key(life)
  local ak, sk, token = "SBX" .. random.word(17), random.word(40), "sandbox-" .. random.hex(64)
  local expires = clock.now() + life
  self.keys[ak] = {
    sk = sk,
    security_token = token,
    expires = expires,
    user = self.options.user or "sandbox",
    failures = 0,
  }
  return { access = ak, secret = sk, securitytoken = token, expires_at = clock.iam(expires) }
end

---Makes every token and temporary key that was issued expire now.
function Identities:revoke()
  for _, list in pairs({ self.tokens, self.keys }) do
    for _, item in pairs(list) do
      item.expires = item.expires and math.min(item.expires, clock.now())
    end
  end
end

---@param token string
---@return codearts.build.sandbox.Token found of any scope, not expired; raises a fault otherwise
function Identities:find_token(token)
  local found = self.tokens[token]
  if not found then
    fault.unauthorized("decrypt token fail")
  elseif found.expires and found.expires <= clock.now() then
    fault.unauthorized("token expires, expires_at: " .. clock.iam(found.expires))
  end
  return found
end

local function check_date(date, age)
  local time = clock.parse_sdk_date(date or "")
  if not time or math.abs(time - math.floor(clock.now())) > age then
    fault.unauthorized("calc ak sk signature fail:signature expired")
  end
end

function Identities:find_key(ak, request)
  local key = self.keys[ak]
  if not key then
    fault.unauthorized(("Get secretKey failed,ak:%s,err:ak not exist"):format(ak))
  elseif key.locked_until and key.locked_until > clock.now() then
    fault.unauthorized("AK access failed to reach the limit,forbidden")
  elseif key.expires and key.expires <= clock.now() then
    fault.unauthorized("calc ak sk signature fail:signature expired")
  elseif key.security_token ~= request.header("x-security-token") then
    fault.unauthorized("decrypt token fail")
  end
  return key
end

local function count_failure(key)
  key.failures = key.failures + 1
  if key.failures > FAILURES_ALLOWED then
    key.locked_until, key.failures = clock.now() + LOCK, 0
  end
end

function Identities:check_signature(request, authorization)
  local ak, signed, given, how = signature.parse(authorization)
  if not ak then
    fault.unauthorized(
      "the Authorization header is not a SDK-HMAC-SHA256 one, nor SDK-HMAC-SM3 or V11-HMAC-SHA256"
    )
  end
  local date = request.header("x-sdk-date")
  check_date(date, self.options.signature_age)
  local key = self:find_key(ak, request)
  local canonical = signature.canonical_request(request, signed, how)
  local text = signature.string_to_sign(canonical, date, how)
  if
    signature.signature(key.sk, text, how) ~= given
    or not (";" .. signed .. ";"):find(";x-sdk-date;", 1, true)
    or (how.scope and how.scope:sub(1, 8) ~= date:sub(1, 8))
  then
    count_failure(key)
    fault.unauthorized(
      ("verify aksk signature fail, (canonicalRequest:%s)"):format((canonical:gsub("\n", "|")))
    )
  end
  key.failures = 0
  return key
end

---Lets a request in or raises the fault that the gateway answers.
---@param request codearts.build.sandbox.Request
---@return string user
function Identities:check(request)
  local project, token = request.header("x-project-id"), request.header("x-auth-token")
  local authorization = request.header("authorization")
  local found
  if token then
    found = self:find_token(token)
    if found.scope ~= "project" then
      fault.raise(401, "APIGW.0307", "The token must be updated: its scope is not a project")
    end
  elseif authorization then
    found = self:check_signature(request, authorization)
  else
    fault.unauthorized("x-auth-token not found")
  end
  if project and project ~= self.options.project_id then
    fault.raise(403, "APIGW.0310", "The project is unavailable")
  end
  return found.user
end

return M
