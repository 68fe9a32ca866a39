--- What credentials may look like, for every source alike. Pure; no message repeats a value.
local core = require "codearts.build.core"
local ascii = require "codearts.build.ascii"

local M = {}

-- What makes a table one kind of credentials, and what else may stand in it.
local SHAPES = {
  { "token", needs = { "token" }, may = {} },
  { "key", needs = { "ak", "sk" }, may = { "security_token", "project_id", "algorithm" } },
  { "password", needs = { "user", "password", "domain" }, may = { "project", "project_id" } },
}

local KNOWN = {
  "token",
  "ak",
  "sk",
  "security_token",
  "project_id",
  "algorithm",
  "user",
  "password",
  "domain",
  "project",
}

local USUAL = "SDK-HMAC-SHA256"
local DERIVED = "V11-HMAC-SHA256" -- its key is made for a region and a service
local ALGORITHMS = { [USUAL] = true, ["SDK-HMAC-SM3"] = true, [DERIVED] = true }
-- The service that a derived key is for. The official client names none of its own (API reference 3.10).
local SERVICE = "codeartsbuild"

-- These are typed by people and travel inside JSON; all others become parts of header lines.
local FREE_TEXT = { user = true, password = true, domain = true, project = true }

--- What is wrong with one member, or nil. A token with a line break would end its header line.
local function problem(name, value)
  if type(value) ~= "string" then
    return "must be a string, not a " .. type(value)
  elseif value == "" then
    return "is empty"
  elseif name == "algorithm" then
    -- Whatever does not look like the name of one may be a secret that got here.
    local shown = #value <= 32 and value:find "^[A-Z0-9]+%-[A-Z0-9-]+$" and value or "this one"
    return not ALGORITHMS[value]
        and ("%s is not supported; SDK-HMAC-SHA256, SDK-HMAC-SM3 and V11-HMAC-SHA256 are"):format(
          shown
        )
      or nil
  elseif FREE_TEXT[name] then
    return value:find("[" .. ascii.CONTROLS .. "]") and "holds control characters" or nil
  elseif value:find "[\r\n]" then
    return "holds a line break"
  end
  return value:find "[^\33-\126]" and "holds blanks or characters that no header may hold" or nil
end

local function shape_of(value)
  for _, shape in ipairs(SHAPES) do
    for _, name in ipairs(shape.needs) do
      if rawget(value, name) ~= nil then
        return shape
      end
    end
  end
end

local function belongs(shape, name)
  for _, list in ipairs { shape.needs, shape.may } do
    for _, one in ipairs(list) do
      if one == name then
        return true
      end
    end
  end
  return false
end

--- Checks credentials and answers a copy of them.
---@param value any a token, or a table of one of the shapes of option `auth`
---@return table? credential { kind = "token", "key" or "password", … }
---@return string? problem begins with the name of the member where there is one
---@return string? member
function M.read(value)
  if type(value) == "string" then
    value = { token = value }
  elseif type(value) ~= "table" then
    return nil, "must be a token, a table or a function, not a " .. type(value)
  end
  for name in next, value do
    local near = type(name) == "string" and core.nearest(name, KNOWN)
    if near and near ~= name then
      return nil, ("%s is not known; did you mean %s?"):format(name, near), name
    elseif not near then
      return nil, "holds a member that is not known; known are " .. table.concat(KNOWN, ", ")
    end
  end
  local shape = shape_of(value)
  if not shape then
    return nil, "holds no credentials: neither token, nor ak and sk, nor user, password and domain"
  end
  local credential = { kind = shape[1] }
  for name, text in next, value do
    local wrong = problem(name, text)
    if not belongs(shape, name) then
      return nil, ("%s does not go with %s"):format(name, shape.needs[1]), name
    elseif wrong then
      return nil, name .. " " .. wrong, name
    end
    credential[name] = text
  end
  if shape[1] == "password" and credential.project and credential.project_id then
    return nil, "project and project_id are both given", "project_id"
  end
  for _, name in ipairs(shape.needs) do
    if credential[name] == nil then
      return nil, ("%s is missing beside %s"):format(name, M.given(credential)), name
    end
  end
  return credential
end

--- Fills in what a key with an algorithm needs to know: of the derived one the region.
---@param credential table
---@param region string? of the client
---@return string? problem
---@return string? member
function M.derive(credential, region)
  if credential.algorithm == DERIVED then
    if not region then
      return "algorithm V11-HMAC-SHA256 needs the client's region, which its key is derived for",
        "algorithm"
    end
    credential.region, credential.service = region, SERVICE
  end
end

--- How requests with a credential are signed; nil: they carry a token.
---@param credential table
---@return string?
function M.algorithm(credential)
  return credential.kind == "key" and (credential.algorithm or USUAL) or nil
end

--- The names of the members that a credential has, for messages.
---@param credential table
---@return string
function M.given(credential)
  local names = {}
  for _, name in ipairs(KNOWN) do
    if credential[name] ~= nil then
      names[#names + 1] = name
    end
  end
  return table.concat(names, " and ")
end

--- The part of a credential that a request is sent with, as the core takes it.
---@param credential table of kind token or key
---@return table auth
function M.for_core(credential)
  return {
    token = credential.token,
    ak = credential.ak,
    sk = credential.sk,
    security_token = credential.security_token,
    project_id = credential.kind == "key" and credential.project_id or nil,
    algorithm = credential.algorithm,
    region = credential.region,
    service = credential.service,
  }
end

return M
