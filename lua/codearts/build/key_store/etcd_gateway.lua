--- Asks the JSON gateway of an etcd cluster over the engine of a client: several members, a login, and what
--- their answers mean. Nothing here knows what a key is.
---
--- A request whose answer was lost is sent again with the very same text, to the next member. For reads that
--- does no harm; a swap names the version that it replaces, so that of its copies one can take effect at most.
local core = require "codearts.build.core"
local http = require "codearts.build.sign_in.http"
local shown = require "codearts.build.shown"

local FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1 -- between two rounds of all members
local PATIENCE = 2 -- seconds for one of several members
local LOOK_PAUSE = 0.02 -- while another call signs in

---@class codearts.build.EtcdGateway
---@field private endpoints string[]
---@field private user? string
---@field private password? string
---@field private tls? table
---@field private timeout number seconds for one question, whatever it takes
---@field private token? string what it let us sign in with last
---@field private identity userdata a core identity, which hides that, the earlier ones and the password
---@field private index integer of the member that answered last
---@field private cluster any the id of the cluster that answered first
local Gateway = {}
Gateway.__index = Gateway
Gateway.__tostring = function()
  return "codearts.build.EtcdGateway" -- and no member of it, one of which is a password
end

---@class codearts.build.EtcdContext
---@field client codearts.build.Client
---@field await fun(call: codearts.build.Call): any, codearts.build.Error?
---@field till number of core.now()

---@param options { endpoints: string[], user?: string, password?: string, tls?: table, timeout: number }
---@return codearts.build.EtcdGateway
function Gateway.new(options)
  return setmetatable({
    endpoints = options.endpoints,
    user = options.user,
    password = options.password,
    tls = options.tls,
    timeout = options.timeout,
    identity = core.identity(),
    index = 1,
  }, Gateway)
end

local function trouble(message, retryable)
  return core.error {
    kind = "key",
    reason = "store",
    field = "key_store",
    message = "key store: " .. message,
    retryable = retryable or false,
  }
end

-- What etcd says when it knows no caller, or knows him no more (its rpctypes; statuses vary with its version).
local NO_LOGIN = { "invalid auth token", "user name is empty", "revision of auth store is old" }

-- Codes of gRPC that come from a member that cannot serve now: deadline exceeded, unavailable; and its
-- statuses where a body tells none. A proxy before it answers with the same.
local PASSING_CODE = { [4] = true, [14] = true }
local PASSING_STATUS =
  { [408] = true, [429] = true, [500] = true, [502] = true, [503] = true, [504] = true }

--- What an answer that is no success means: an error, and "elsewhere" or "login" if that may help.
local function refusal(ctx, who, answer)
  local body = core.decode(answer.body)
  local said = type(body) == "table" and (body.message or body.error) or nil
  said = type(said) == "string" and http.short(ctx, said, answer) or nil
  local err = trouble(("%s answered %d%s"):format(who, answer.status, said and ": " .. said or ""))
  for _, words in ipairs(said and NO_LOGIN or {}) do
    if said:find(words, 1, true) then
      return err, "login"
    end
  end
  if answer.status == 401 then
    return err, "login"
  elseif said and said:find("space exceeded", 1, true) then
    return err
  end
  local code = type(body) == "table" and body.code
  local passing = PASSING_CODE[code] or (code == nil or not said) and PASSING_STATUS[answer.status]
  err.retryable = passing or false
  return err, passing and "elsewhere" or nil
end

--- One request to one member.
---@return table? body
---@return codearts.build.Error? err
---@return ("elsewhere"|"login")? remedy
function Gateway:once(ctx, index, path, text, token)
  local endpoint = self.endpoints[index]
  local who = "etcd at " .. shown.address(endpoint)
  local left = math.max(ctx.till - core.now(), 0.001)
  local answer, err = http.send(ctx, "key store: " .. who, {
    operation = "key store",
    method = "POST",
    url = endpoint .. path,
    body = text,
    read_only = true, -- the same text may go out twice, see above
    headers = { ["Content-Type"] = "application/json", Authorization = token },
    tls = self.tls,
    certificate = true,
    direct = true,
  }, {
    timeout = #self.endpoints > 1 and math.min(left, PATIENCE) or left,
    retry = false,
  })
  if not answer then
    if err.kind == "cancelled" or err.kind == "usage" then -- the client was closed
      return nil, err
    end
    local wrapped = trouble((err.message:gsub("^key store: ", "")), err.retryable)
    -- A certificate that is not to be trusted is one member's: nothing was sent to it.
    return nil, wrapped, (err.retryable or err.kind == "transport") and "elsewhere" or nil
  elseif answer.status ~= 200 then
    return nil, refusal(ctx, who, answer)
  end
  local body = core.decode(answer.body)
  if type(body) ~= "table" or type(body.header) ~= "table" then
    return nil, trouble(who .. " answered what is no answer of etcd")
  end
  local cluster = body.header.cluster_id
  self.cluster = self.cluster or cluster
  if cluster ~= self.cluster then
    return nil, trouble(who .. " belongs to another cluster than was asked before")
  end
  return body
end

--- The same to one member after another, round after round, until one can tell or time is over.
function Gateway:anywhere(ctx, path, text, token)
  local index, failed, pause = self.index, 0, FIRST_PAUSE
  local passing -- what may be over in the next round
  while true do
    local body, err, remedy = self:once(ctx, index, path, text, token)
    if remedy ~= "elsewhere" then
      self.index = index
      return body, err, remedy
    end
    index, failed = index % #self.endpoints + 1, failed + 1
    passing = err.retryable and err or passing
    if failed % #self.endpoints == 0 then
      if not passing or core.now() + pause >= ctx.till then
        return nil, passing or err
      end
      local slept, problem = ctx.await(ctx.client:sleep(pause))
      if not slept then
        return nil, problem
      end
      pause, passing = math.min(pause * 2, LONGEST_PAUSE), nil
    elseif core.now() >= ctx.till then
      return nil, passing or err
    end
  end
end

--- A token that is not the refused one; nil without an error where there is no login.
function Gateway:token_for(ctx, refused)
  while self.user and self.token == refused do
    if self.signing_until and core.now() < self.signing_until then
      local slept, problem = ctx.await(ctx.client:sleep(LOOK_PAUSE))
      if not slept then
        return nil, problem
      end
    else
      self.signing_until = ctx.till
      self.identity:hide(self.password) -- at each time: it may repeat an early one late
      local text = core.encode { name = self.user, password = self.password }
      local body, err = self:anywhere(ctx, "/v3/auth/authenticate", text)
      self.signing_until = nil
      if not body then
        return nil, err
      elseif type(body.token) ~= "string" or not body.token:find "^[\33-\126]+$" then
        return nil, trouble "etcd let us sign in, but told no token"
      end
      self.token = body.token
      self.identity:set { token = body.token }
      return body.token
    end
  end
  return self.user and self.token
end

--- Asks the cluster. Signs in first where there is a login, and once more when the token serves no longer: etcd
--- looks at it before it does anything.
---@param client codearts.build.Client
---@param await fun(call: codearts.build.Call): any, codearts.build.Error?
---@param path string
---@param question table
---@return table? body
---@return codearts.build.Error? err
function Gateway:ask(client, await, path, question)
  local ctx = {
    client = client,
    await = await,
    till = core.now() + self.timeout,
    secrets = function()
      return { self.password } -- however short it is
    end,
  }
  client.core:keeps_keys_as(self.identity)
  local text, refused = core.encode(question), nil
  while true do
    local token, err = self:token_for(ctx, refused)
    if err then
      return nil, err
    end
    local body, remedy
    body, err, remedy = self:anywhere(ctx, path, text, token)
    if remedy ~= "login" or refused or not token then
      return body, err
    end
    refused = token
  end
end

return Gateway
