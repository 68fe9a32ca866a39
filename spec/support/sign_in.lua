--- Answers and checks for specs about signing in.

local cjson = require("cjson")
local core = require("codearts.build.core")
local flow_client = require("spec.support.flow_client")
local servers = require("spec.support.server")

local M = {}

M.PASSWORD, M.TOKEN, M.SECRET = "p w-hidden", "token-hidden-1", "secret-hidden"
M.USER = { user = "ci", password = M.PASSWORD, domain = "acme", project = "cn-north-4" }

-- A store that keeps nothing, so that every sign-in is a request.
M.FORGETFUL = {
  get = function() end,
  set = function()
    return true
  end,
  lock = function()
    return function() end
  end,
}

--- An answer of the fault server with a JSON body.
function M.json(status, value, headers)
  return {
    "answer",
    status = status,
    body = cjson.encode(value),
    headers = headers,
    kind = "application/json",
  }
end

--- A moment as IAM writes it.
function M.iso(utc)
  local whole = math.floor(utc)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. (".%06dZ"):format(math.floor((utc - whole) * 1e6))
end

--- A token with its life in seconds, told by the service's clock (which is years behind).
function M.token_answer(token, life)
  return M.json(
    201,
    { token = { issued_at = M.iso(1e9), expires_at = M.iso(1e9 + (life or 86400)) } },
    { { "X-Subject-Token", token or M.TOKEN } }
  )
end

--- A temporary key with its life in seconds.
function M.key_answer(life, ak)
  return M.json(200, {
    credential = {
      access = ak or "TEMPKEY",
      secret = M.SECRET,
      securitytoken = M.TOKEN,
      expires_at = M.iso(os.time() + (life or 21600)),
    },
  })
end

--- A list, and a function that adds events to it.
function M.collect()
  local events = {}
  return events, function(event)
    events[#events + 1] = event
  end
end

--- What a server got.
function M.requests(server)
  return server:stats().requests
end

--- No secret in any member of an error or event, nor in its text.
function M.assert_silent(value)
  local text = tostring(value)
  if type(value) == "table" then
    for name, member in pairs(value) do
      text = text .. " " .. tostring(name) .. " " .. tostring(member)
      if type(member) == "table" then
        M.assert_silent(member)
      end
    end
  end
  for _, secret in ipairs { M.PASSWORD, "hidden" } do
    assert(not text:find(secret, 1, true), text)
  end
end

--- Runs f as if it were later.
function M.later(seconds, f)
  local now = core.now
  core.now = function()
    return now() + seconds
  end
  local ok, err = pcall(f)
  core.now = now
  assert(ok, err)
end

--- The interpreter that runs this spec.
function M.interpreter()
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  return arg[first]
end

--- Removes a token store.
function M.remove(path)
  os.remove(path)
  os.remove(path .. ".lock")
end

--- A file with this text; answers its path.
function M.file_with(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

--- The error of a run that must fail, and starts nothing.
---@param client spec.FlowClient
---@return codearts.build.Error
function M.failure(client, ...)
  local result, err = client:run(...)
  assert(result == nil, "an error was expected")
  assert(core.is_error(err), tostring(err))
  assert(err.outcome == "not_started", tostring(err.outcome))
  M.assert_silent(err)
  return err
end

--- A build service, and who hands out credentials for it.
---@class spec.SignInWorld
---@field service table
---@field iam table
local World = {}
World.__index = World

---@return spec.SignInWorld
function M.start()
  return setmetatable({ service = servers.start(), iam = servers.start() }, World)
end

function World:reset()
  for _, server in ipairs { self.service, self.iam } do
    server:reset()
    server:behave "ok"
  end
end

--- A client of the service.
---@param options table
---@param variables? table<string, string> the environment
---@return spec.FlowClient
function World:client(options, variables)
  options.endpoint = options.endpoint or (not options.region and self.service.url or nil)
  return flow_client.new(options, variables)
end

--- One that signs in by a password.
---@param options? table
---@return spec.FlowClient
function World:by_password(options)
  options = options or {}
  options.auth, options.iam_endpoint = options.auth or M.USER, self.iam.url
  return self:client(options)
end

function World:stop()
  self.service:stop()
  self.iam:stop()
end

return M
