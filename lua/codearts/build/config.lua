--- From the user's options and the environment to the explicit options of the core. The only place
--- that reads the environment for anything but credentials.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"

local M = {}

--- Options that the core takes as they are; it checks their values.
local FOR_CORE = {
  "timeout",
  "connect_timeout",
  "deadline",
  "retry",
  "tls",
  "http_version",
  "max_response_bytes",
  "max_connections",
  "max_in_flight",
  "idle_timeout",
  "headers",
  "user_agent",
  "resolve",
  "allow_http",
  "trace",
  "on_event",
}

--- Options that are dealt with here.
local OURS =
  { "region", "endpoint", "auth", "iam_endpoint", "proxy", "no_proxy", "token_store", "key_store" }

local KNOWN = {}
for _, list in ipairs { FOR_CORE, OURS } do
  for _, name in ipairs(list) do
    KNOWN[#KNOWN + 1] = name
    KNOWN[name] = true
  end
end

local function raise(kind, field, message)
  error(core.error { kind = kind, field = field, message = message }, 0)
end

local function check_names(options)
  if type(options) ~= "table" then
    raise("usage", "options", "options must be a table, not a " .. type(options))
  end
  for name in next, options do
    if type(name) ~= "string" then
      raise("usage", "options", "the names of options are strings")
    elseif not KNOWN[name] then
      local near = core.nearest(name, KNOWN)
      local hint = near and ("; did you mean %q?"):format(near) or ""
      raise("usage", name, ("there is no option %q%s"):format(name, hint))
    end
  end
end

--- An option that must be a text, or its environment variable. An empty variable is as good as none.
local function text(options, name, getenv, variable)
  local value = rawget(options, name)
  if value == nil then
    value = variable and getenv(variable)
    return value ~= "" and value or nil
  elseif type(value) ~= "string" then
    raise("usage", name, ("%s must be a string, not a %s"):format(name, type(value)))
  elseif value == "" or value:find("[" .. ascii.CONTROLS .. " ]") then
    raise(
      "config",
      name,
      ("%s is %s"):format(name, value == "" and "empty" or "no address or name")
    )
  end
  return value
end

local function find_region(options, getenv)
  local region = text(options, "region", getenv, "CODEARTS_BUILD_REGION")
    or text({}, "region", getenv, "HUAWEICLOUD_SDK_REGION")
  if region and not region:find "^[A-Za-z0-9._-]+$" then
    raise("config", "region", "region must be an id such as cn-north-4")
  end
  return region
end

-- Answers the endpoint, whether it was given as such, what else named it, and a warning.
local function find_endpoint(options, region, getenv)
  -- A region that is asked for is not overruled by an address that happens to be set.
  local variable = rawget(options, "region") == nil and "CODEARTS_BUILD_ENDPOINT" or nil
  local endpoint = text(options, "endpoint", getenv, variable)
  if endpoint then
    return endpoint, true
  elseif not region then
    raise(
      "config",
      "region",
      "neither region nor endpoint is given: set one of both, or CODEARTS_BUILD_REGION or CODEARTS_BUILD_ENDPOINT"
    )
  end
  local regions = require "codearts.build.regions"
  local source, warning
  endpoint, source, warning = regions.endpoint(region, getenv)
  if not endpoint then
    local name = require("codearts.build.shown").name(region)
    raise(
      "config",
      "region",
      ("region %s is not known; known are %s; any other needs its endpoint, %s or the regions file%s"):format(
        name,
        table.concat(regions.known, ", "),
        regions.override_name(name == region and name or "…"),
        warning and "; " .. warning or ""
      )
    )
  end
  return endpoint, false, source, warning
end

--- The first of these variables that holds something, as libcurl reads them.
local function first(getenv, ...)
  for _, name in ipairs { ... } do
    local value = getenv(name)
    if value and value ~= "" then
      return value
    end
  end
end

--- The proxy that libcurl would find for this endpoint. HTTP_PROXY is left out as libcurl does: a
--- web server may have set it from a request header.
local function proxy_from(getenv, endpoint)
  if endpoint:find "^http://" then
    return first(getenv, "http_proxy", "all_proxy", "ALL_PROXY")
  end
  return first(getenv, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
end

--- Fills in proxy and no_proxy. The metadata service is on this very machine's link: never proxied.
local function add_proxy(result, options, getenv)
  local proxy, no_proxy = rawget(options, "proxy"), rawget(options, "no_proxy")
  if proxy == nil then
    proxy = proxy_from(getenv, result.endpoint)
  end
  if no_proxy == nil then
    no_proxy = first(getenv, "no_proxy", "NO_PROXY")
  end
  result.proxy, result.no_proxy = proxy, no_proxy
end

local function check_store(store)
  if store == nil then
    return
  elseif type(store) ~= "table" then
    raise("usage", "token_store", "token_store must be a table, not a " .. type(store))
  end
  for _, name in ipairs { "get", "set", "lock" } do
    if type(store[name]) ~= "function" then
      raise("usage", "token_store." .. name, ("token_store.%s must be a function"):format(name))
    end
  end
end

local function check_key_store(store)
  if store == nil then
    return
  elseif type(store) ~= "table" then
    raise("usage", "key_store", "key_store must be a table, not a " .. type(store))
  end
  for _, name in ipairs { "get", "put", "hold", "list", "check" } do
    local needed = name == "get" or name == "put" or store[name] ~= nil
    if needed and type(store[name]) ~= "function" then
      raise("usage", "key_store." .. name, ("key_store.%s must be a function"):format(name))
    end
  end
end

--- lua-resty-core puts another os.getenv in the place of its first one, which fails from then on where no request is seen.
local function getenv_of_now(name)
  return os.getenv(name)
end

--- Reads options and environment.
---
--- Raises kind "usage" for an unknown option (with the nearest known name) or a value of the wrong
--- type, kind "config" for what is missing or cannot be right; `field` names the option.
---@param options? table the options of build.new
---@param getenv? fun(name: string): string? default os.getenv
---@return table core_options for core.new; `auth` is still to be put in
---@return table sign_in_options for sign_in.new, without secrets
---@return { endpoint_source?: string, warning?: string } told what the endpoint comes from where it was
---  neither given nor ours, and what the user should hear of
function M.resolve(options, getenv)
  options, getenv = options == nil and {} or options, getenv or getenv_of_now
  check_names(options)
  local result = {}
  for _, name in ipairs(FOR_CORE) do
    result[name] = rawget(options, name)
  end
  if result.trace == nil then
    local wish = getenv "CODEARTS_BUILD_TRACE" or ""
    result.trace = wish ~= "" and wish ~= "0" or nil
  end
  local region = find_region(options, getenv)
  local told = {}
  local endpoint_given
  result.endpoint, endpoint_given, told.endpoint_source, told.warning =
    find_endpoint(options, region, getenv)
  add_proxy(result, options, getenv)
  check_store(rawget(options, "token_store"))
  check_key_store(rawget(options, "key_store"))
  return result,
    {
      region = region,
      -- The official SDKs look a project id up for a region, never for an endpoint.
      find_project = region ~= nil and not endpoint_given,
      endpoint = result.endpoint,
      iam_endpoint = text(options, "iam_endpoint", getenv),
      allow_http = rawget(options, "allow_http"),
      retry = rawget(options, "retry"),
      token_store = rawget(options, "token_store"),
      on_event = rawget(options, "on_event"),
      getenv = getenv,
    },
    told
end

--- The token in an auth option that is nothing but a good one: no code for signing in is loaded then.
---@param auth any
---@return string|false|nil
function M.plain_token(auth)
  if type(auth) == "table" and next(auth) == "token" and next(auth, "token") == nil then
    auth = rawget(auth, "token")
  end
  return type(auth) == "string" and auth:find "^[\33-\126]+$" and auth
end

return M
