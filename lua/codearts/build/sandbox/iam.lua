-- Where clients sign in: IAM (API reference 2), the metadata service of a cloud server and pod identity (API reference 4.5, 4.6).

local account = require "codearts.build.sandbox.account"
local clock = require "codearts.build.sandbox.clock"
local fault = require "codearts.build.sandbox.fault"
local json = require "codearts.build.sandbox.json"
local random = require "codearts.build.sandbox.random"

local M = {}

-- The member at the end of a path of names, or nil where there is no such path.
local function at(value, ...)
  for _, name in ipairs({ ... }) do
    if type(value) ~= "table" then
      return nil
    end
    value = value[name]
  end
  return value
end

local function body_of(request)
  local body = json.decode(request.body)
  if type(body) ~= "table" then
    fault.iam(400, "Request body is invalid.")
  end
  return body
end

local function method_of(body)
  local methods = at(body, "auth", "identity", "methods")
  return type(methods) == "table" and #methods == 1 and methods[1] or nil
end

local function check_password(options, body)
  local user = at(body, "auth", "identity", "password", "user")
  if
    method_of(body) ~= "password"
    or not at(user, "name")
    or not at(user, "password")
    or not at(user, "domain", "name")
  then
    fault.iam(
      400,
      "The request body must name the method password, a user, its password and its domain."
    )
  elseif
    not options.user
    or user.name ~= options.user
    or user.password ~= options.password
    or user.domain.name ~= options.domain
  then
    fault.iam(401, "The username or password is wrong.")
  end
end

local function scope_of(options, body)
  local project, domain = at(body, "auth", "scope", "project"), at(body, "auth", "scope", "domain")
  if type(project) == "table" then
    if project.name ~= options.project_name and project.id ~= options.project_id then
      fault.iam(404, "Could not find the project: " .. tostring(project.name or project.id))
    end
    return "project"
  elseif type(domain) ~= "table" then
    fault.iam(400, "The scope must be a project or a domain.")
  elseif domain.name ~= options.domain and domain.id ~= account.DOMAIN_ID then
    fault.iam(404, "Could not find the domain.")
  end
  return "domain"
end

local function domain_of(options)
  return { id = account.DOMAIN_ID, name = options.domain }
end

local function catalog(endpoint)
  return json.list {
    {
      id = "sandboxcatalog000000000000000001",
      name = "cloudbuild",
      type = "cloudbuild",
      endpoints = json.list {
        {
          id = "sandboxendpoint00000000000000001",
          interface = "public",
          region = "sandbox",
          region_id = "sandbox",
          url = endpoint,
        },
      },
    },
  }
end

local function token_body(sandbox, scope, method, expires)
  local options = sandbox.options
  local token = {
    expires_at = clock.iam(expires),
    issued_at = clock.iam(clock.now()),
    methods = json.list { method },
    roles = json.list { { id = "0", name = "te_admin" } },
    user = {
      id = account.USER_ID,
      name = options.user or "sandbox",
      password_expires_at = "",
      domain = domain_of(options),
    },
  }
  if scope == "project" then
    token.project =
      { id = options.project_id, name = options.project_name, domain = domain_of(options) }
  elseif scope == "domain" then
    token.domain = domain_of(options)
  end
  return token
end

local function created(body, token)
  return {
    status = 201,
    json = body,
    headers = { ["x-subject-token"] = token },
  }
end

---Whether IAM answers for a path: its answers have a trace id of their own (API reference 6.2).
---@param path string
---@return boolean
function M.answers(path)
  return path:find("^/v3/auth/") ~= nil
    or path:find("^/v3/projects") ~= nil
    or path:find("^/v3%.0/") ~= nil
end

---POST /v3/auth/tokens: a token for a user's password (API reference 2.1).
function M.create_token(sandbox, request)
  local body = body_of(request)
  check_password(sandbox.options, body)
  local scope = scope_of(sandbox.options, body)
  local token, expires = sandbox.identities:issue_token(scope)
  local answer = token_body(sandbox, scope, "password", expires)
  if (request.query.nocatalog or "") == "" then
    answer.catalog = catalog(sandbox.endpoint)
  end
  return created({ token = answer }, token)
end

---GET /v3/projects (API reference 2.3).
function M.list_projects(sandbox, request)
  local options, projects = sandbox.options, json.list {}
  if request.query.name == nil or request.query.name == options.project_name then
    projects[1] = {
      id = options.project_id,
      name = options.project_name,
      domain_id = account.DOMAIN_ID,
      enabled = true,
      parent_id = account.DOMAIN_ID,
      is_domain = false,
      description = "",
      links = { self = sandbox.endpoint .. "/v3/projects/" .. options.project_id },
    }
  end
  return {
    status = 200,
    json = {
      projects = projects,
      links = { self = sandbox.endpoint .. "/v3/projects", next = json.null, previous = json.null },
    },
  }
end

---POST /v3.0/OS-AUTH/id-token/tokens: an unscoped token for an id token (API reference 2.3).
function M.exchange_id_token(sandbox, request)
  local options = sandbox.options
  local given = at(body_of(request), "auth", "id_token", "id")
  if type(given) ~= "string" or given == "" then
    fault.raise(400, "IAM.0011", "Request body is invalid.")
  elseif not options.idp_id or request.header("x-idp-id") ~= options.idp_id then
    fault.raise(404, "IAM.0004", "Could not find the identity provider.")
  elseif given ~= options.id_token then
    fault.raise(401, "IAM.0001", "The id token is not valid.")
  end
  local token, expires = sandbox.identities:issue_token("unscoped")
  return created({ token = token_body(sandbox, "unscoped", "mapped", expires) }, token)
end

---POST /v3.0/OS-CREDENTIAL/securitytokens: a temporary key for a token (API reference 2.3).
function M.create_key(sandbox, request)
  local body = body_of(request)
  local given = at(body, "auth", "identity", "token")
  local id = at(given, "id") or request.header("x-auth-token")
  local life = at(given, "duration_seconds") or 900
  if method_of(body) ~= "token" or type(id) ~= "string" then
    fault.iam(400, "The request body must name the method token and a token.")
  elseif type(life) ~= "number" or life < 900 or life > 86400 then
    fault.iam(400, "duration_seconds must be a number from 900 to 86400.")
  end
  sandbox.identities:find_token(id)
  local credential = sandbox.identities:issue_key(math.min(life, sandbox.options.key_life))
  return created({ credential = credential }, nil)
end

---PUT /meta-data/latest/api/token (API reference 4.5).
function M.metadata_token(sandbox, request)
  local life = tonumber(request.header("x-metadata-token-ttl-seconds"))
  if not sandbox.options.metadata then
    return { status = 404, text = "Not Found" }
  elseif not life or life < 1 or life > 21600 then
    return { status = 400, text = "Bad Request" }
  end
  sandbox.metadata_token = { id = random.hex(64), expires = clock.now() + life }
  return { status = 200, text = sandbox.metadata_token.id }
end

---GET /openstack/latest/securitykey (API reference 4.5).
function M.metadata_key(sandbox, request)
  local token = sandbox.metadata_token
  if not sandbox.options.metadata then
    return { status = 404, text = "Not Found" }
  elseif
    not token
    or request.header("x-metadata-token") ~= token.id
    or token.expires <= clock.now()
  then
    return { status = 401, text = "Unauthorized" }
  end
  return {
    status = 200,
    json = { credential = sandbox.identities:issue_key(sandbox.options.key_life) },
  }
end

---POST /__sandbox/pod-identity, for HC_CONTAINER_CREDENTIALS_FULL_URI (API reference 4.6).
function M.pod_identity(sandbox, request)
  local expected = sandbox.options.pod_token
  if not expected or request.header("authorization") ~= expected then
    fault.raise(401, "APIGW.0301", "The pod's authorization token is not valid")
  end
  return {
    status = 200,
    json = { credential = sandbox.identities:issue_key(sandbox.options.key_life) },
  }
end

return M
