--- Who the requests of a client are sent as. What is known at once goes to the core as it is; all
--- else is fetched by a task on the same client, once for everybody who waits for it.
local chain = require "codearts.build.sign_in.chain"
local core = require "codearts.build.core"
local coroutines = require "codearts.build.coroutines"
local nginx_request = require "codearts.build.nginx_request"
local credential = require "codearts.build.sign_in.credential"
local http = require "codearts.build.sign_in.http"
local id_token = require "codearts.build.sign_in.id_token"
local life = require "codearts.build.sign_in.life"
local password = require "codearts.build.sign_in.password"
local project = require "codearts.build.sign_in.project"
local regions = require "codearts.build.regions"
local shared = require "codearts.build.sign_in.shared"
local shown = require "codearts.build.shown"
local token_store = require "codearts.build.token_store"

local M = {}

-- How long what a user's function answered is used before it is asked again.
local FUNCTION_LIFE = 60

-- After a failure, calls fail with it for this long before another sign-in begins, doubling.
local FIRST_BACK_OFF, LONGEST_BACK_OFF = 1, 30

local function config_error(field, message)
  return core.error { kind = "config", field = field, message = message }
end

--- Checks what the user gave, and fills in the project of a password sign-in.
local function read_auth(value, region, source)
  local given, problem, member = credential.read(value)
  if given and given.kind == "password" and not given.project and not given.project_id then
    given.project = region
    if not region then
      given, problem, member = nil, "project or project_id is needed without a region", "project"
    end
  end
  if given then
    problem, member = credential.derive(given, region)
  end
  if problem then
    local field = member and "auth." .. member or "auth"
    return nil, config_error(field, ("%s %s"):format(source, problem))
  end
  return given
end

--- Calls the user's function. In a coroutine of its own: there a yield is seen, and an error caught.
local function call_function(ctx, f)
  local routine = coroutines.create(f)
  local ok, value, err = coroutines.resume(
    routine,
    { reason = ctx.reason, region = ctx.region, endpoint = ctx.endpoint }
  )
  if coroutines.status(routine) ~= "dead" then
    return nil, config_error("auth", "the auth function yielded, which it must not do")
  elseif not ok or value == nil then
    err = ok and err or value
    local misuse = nginx_request.explain(err)
    if misuse then
      return nil, config_error("auth", "the auth function: " .. misuse)
    elseif core.is_error(err) then
      return nil, http.problem(ctx, err)
    end
    err = err ~= nil and ": " .. tostring(err) or " without saying why"
    return nil, http.problem(ctx, { kind = "auth", message = "the auth function failed" .. err })
  end
  return read_auth(value, ctx.region, "the answer of the auth function:")
end

-- What requests are not sent with as it is.
local EXCHANGES = { password = password, id_token = id_token }

--- Turns what a source holds into what requests are sent with.
local function complete(ctx, found)
  local own = setmetatable({}, { __index = ctx })
  own.iam_endpoint = ctx.iam_option
    or found.iam_endpoint
    or regions.iam_endpoint(ctx.region, ctx.getenv)
  local err
  if
    not (shown.is_address(own.iam_endpoint) and http.is_plain(http.url(own.iam_endpoint, "/")))
  then
    return nil, config_error("iam_endpoint", "the IAM endpoint must be a plain address")
  elseif not ctx.allow_http and not http.is_safe(http.url(own.iam_endpoint, "/")) then
    return nil, config_error("iam_endpoint", "the IAM endpoint must be https, or on this machine")
  end
  if found.kind == "id_token" then
    found, err = id_token.read(found)
    if not found then
      return nil, err
    end
  end
  local exchange = EXCHANGES[found.kind]
  if exchange then
    local given = found
    own.hide(given)
    found, err = shared.fetch(own, exchange.store_key(own, given), function()
      return exchange.sign_in(own, given)
    end)
  end
  if found and found.kind == "key" and not found.project_id and ctx.find_project then
    own.hide(found)
    return project.complete(own, found)
  end
  return found, err
end

--- One way to answer "who", as a function of a flow: credential, err, name of the source, its file.
local function source_of(auth, region)
  if auth == nil then
    return function(ctx)
      return chain.sign_in(ctx, complete)
    end
  elseif type(auth) == "function" then
    return function(ctx)
      local found, err = call_function(ctx, auth)
      if found then
        found, err = complete(ctx, found)
      end
      if found and not found.expires_in then
        found.renew_in = FUNCTION_LIFE
      end
      return found, err, "function"
    end
  end
  local given, err = read_auth(auth, region, "auth:")
  if not given then
    error(err, 0)
  end
  return function(ctx)
    local copy = {}
    for name, value in pairs(given) do
      copy[name] = value
    end
    local found, problem = complete(ctx, copy)
    return found, problem, given.kind
  end,
    given
end

---@class codearts.build.SignIn
local SignIn = {}
SignIn.__index = SignIn

--- Notes an event; it is delivered when the flow has ended, for callbacks may raise.
function SignIn:emit(event)
  self.events[#self.events + 1] = event
end

function SignIn:deliver_events()
  local events, raised, problem = self.events, false, nil
  self.events = {}
  for _, event in ipairs(self.options.on_event and events or {}) do
    local ok, err = pcall(self.options.on_event, event)
    if not ok and not raised then
      raised, problem = true, err
    end
  end
  if raised then
    error(problem, 0)
  end
end

function SignIn:context(client, await, reason)
  local options = self.options
  return {
    client = client,
    await = await,
    reason = reason,
    refused = reason == "refused" and self.current or nil,
    region = options.region,
    endpoint = options.endpoint,
    iam_option = options.iam_endpoint,
    find_project = options.find_project,
    allow_http = options.allow_http,
    retry = options.retry,
    getenv = options.getenv,
    store = self.store,
    state = self.state,
    -- What signs in, or came of that and is not what calls are sent with, or not yet: others may repeat it.
    hide = function(found)
      local token = found.token or found.password
      if token or found.sk then
        self.identity:hide(token, found.sk, found.security_token)
        client.core:knows(self.identity)
      end
    end,
    secrets = function()
      return self.identity:secrets()
    end,
    warn = function(message)
      self:emit { type = "warning", message = message }
    end,
  }
end

--- Puts new credentials in.
function SignIn:succeed(found, source, file)
  self.failures, self.failure = 0, nil
  self.current = found
  self.expires = found.expires_in and core.now() + found.expires_in or nil
  local auth = credential.for_core(found)
  auth.life = found.renew_in or life.until_renewal(found)
  self.identity:set(auth)
  self.options.signed_in = { source = source, file = file, algorithm = credential.algorithm(found) }
  self:emit {
    type = "sign_in",
    source = source,
    expires_in = found.expires_in and math.floor(found.expires_in),
  }
end

--- Fails those who wait; but credentials that are only due for renewal go on being used.
function SignIn:fail(err, reason)
  local now = core.now()
  local pause = math.min(FIRST_BACK_OFF * 2 ^ self.failures, LONGEST_BACK_OFF)
  self.failures = self.failures + 1
  self.retry_at = now + pause
  if reason == "expired" and (not self.expires or self.expires > now) then
    local auth = credential.for_core(self.current)
    auth.life = math.min(pause, self.expires and self.expires - now or pause)
    self.identity:set(auth)
    self:emit {
      type = "warning",
      message = "renewing the credentials failed, the old ones are still good: " .. err.message,
    }
    return
  end
  self.failure = err
  self.identity:fail(err)
  self:emit { type = "sign_in", error = err }
end

--- Called by the facade after each step: starts a sign-in when calls wait for one and none is under
--- way. Never blocks.
---@param client table the facade's client, which runs the requests
function SignIn:pump(client)
  local reason = not self.running and self.identity:wanted()
  if not reason then
    return
  elseif self.failure and core.now() < self.retry_at then
    self.identity:fail(self.failure)
    return
  end
  self.running = true
  local function finish(found, err, source, file)
    if found then
      self:succeed(found, source, file)
      client.core:knows(self.identity)
    else
      self:fail(err, reason)
    end
    self.running = false
  end
  -- Until its first await the flow runs outside of the core's steps, but what it calls there, the
  -- user's functions, must not wait for what waits for it.
  client.signing_in = true
  local ok, task = pcall(client.task, client, function(await)
    finish(self.find(self:context(client, await, reason)))
    return true
  end)
  client.signing_in = false
  local function give_up(err)
    if self.running then -- it was cancelled, or broke before its end
      shared.let_go(self.state)
      finish(nil, core.is_error(err) and err or core.error {
        kind = "auth",
        message = "signing in broke off: " .. tostring(err),
      })
    end
  end
  if not ok then -- Ctrl-C, which leaves a task that nobody knows
    give_up(task)
    error(task, 0)
  end
  task:on_done(function(_, err)
    give_up(err)
    self:deliver_events()
  end)
end

--- Makes the value for option `auth` of core.new, and what keeps it filled.
---
--- Raises kind "config" (with `field`) for credentials that cannot be right; no message holds a
--- value. Reads no file and sends nothing: that happens when the first call waits.
---@param auth any the option of build.new; nil: the chain of sources
---@param options table the second answer of config.resolve; what a client's sources share, so without
--- a token_store it gets one in memory, and in `signed_in` what signed in last: source, file, algorithm
---@return table|userdata auth_value static credentials, or a core identity
---@return (fun(client: table))? pump nil for static credentials; else to be called after each step
function M.new(auth, options)
  local find, given = source_of(auth, options.region)
  local fixed = given and (given.kind == "token" or given.kind == "key")
  if fixed and (given.kind == "token" or given.project_id or not options.find_project) then
    return credential.for_core(given), nil
  end
  options.token_store = options.token_store or token_store.memory()
  local self = setmetatable({
    options = options,
    find = find,
    identity = core.identity(),
    store = options.token_store,
    state = {},
    events = {},
    failures = 0,
  }, SignIn)
  return self.identity, function(client)
    self:pump(client)
  end
end

return M
