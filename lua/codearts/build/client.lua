--- Clients: the core's engine with configuration, credentials from every source, and what comes
--- after a run.
local Call = require "codearts.build.client.call"
local clients = require "codearts.build.client.self"
local core = require "codearts.build.core"
local inherited = require "codearts.build.inherited"
local nginx_request = require "codearts.build.nginx_request"
local problems = require "codearts.build.problem"
local waiting = require "codearts.build.client.waiting"

---@class codearts.build.Client
---@field core userdata the core's client
---@field masker codearts.build.Masker|false masks in the core's place: set by who has more to hide
---@field endpoint string as it was given, several with commas
---@field addresses string[] of its endpoints: https://HOST[:PORT][/PATH]
---@field deadline? number seconds, of calls that have none of their own
---@field on_event? fun(event: codearts.build.Event)
---@field result_metatable table of what starting a build answers
---@field between (fun())|false what the sources of credentials have to do after each step of a run
---@field store_runner thread|false runs functions of key stores, one after the other
---@field flow_runner thread|false the same for flows
---@field tasks table<codearts.build.Task, true> those that are not told yet
---@field signing_in boolean a sign-in runs functions of the user, which must not step or wait
---@field closed boolean
---@field was_left_behind? boolean when it was closed
---@field host codearts.build.Host|false set by host adapters
---@field on_close? fun() set by host adapters, called before the client closes; not in a forked child: what the host has
--- there is the parent's

---@class codearts.build.Masker
---@field mask fun(self, text: string, ...): string
---@field line fun(line: string): string of a log

--- How a host's event loop drives a client; see codearts.build.luv and its like.
---@class codearts.build.Host
---@field wait fun(client: codearts.build.Client, call: codearts.build.Call, timeout?: number): codearts.build.Error?
--- waits in the host's way; answers what keeps it from waiting
---@field wake? fun() something was begun outside of a step
---@field ready? fun(outcome?: string) raises where nobody would step, before something is begun
---@field check? fun(outcome?: string) raises a usage error where the host cannot wait
---@field probe? fun(outcome?: string): codearts.build.Error? what only a try can tell; may yield
---@field blocks? fun(): boolean whether who waits here blocks until the end, and yields to nobody
local Client = {}
Client.__name = "codearts.build.Client"

local check_self, need, usage_error = clients.check, problems.need, problems.usage
-- There all steps are those of `advance`, without a request; the core's run steps by itself.
local in_nginx = nginx_request.is_here

--- Methods that need more of the library, loaded with the first use of one.
local function lifecycle_method(name)
  return need("codearts.build.lifecycle").client_methods[name]
end

local LATER = {
  build = lifecycle_method,
  history = lifecycle_method,
  jobs = lifecycle_method,
  call = lifecycle_method,
  run_all = function()
    return need("codearts.build.client.run_all", "not_started")
  end,
}

Client.__index = setmetatable({}, {
  __index = function(methods, name)
    local load = LATER[name]
    local later = load and load(name)
    local method = later
      and function(self, ...)
        check_self(self, name == "run_all" and "not_started" or nil)
        return later(self, ...)
      end
    methods[name] = method
    return method
  end,
})
local methods = Client.__index
for name, method in next, waiting do
  methods[name] = method
end

--- The metatable of results; its `reconcile` the core gives to errors that leave open whether a build was started.
local function result_metatable(client)
  return {
    client = client,
    reconcile = function(err, opts)
      return need "codearts.build.reconcile"(client, err, opts)
    end,
    __index = function(_, name)
      if name == "status" or name == "wait" or name == "log" or name == "stop" then
        return need("codearts.build.lifecycle").result_methods[name]
      end
    end,
  }
end

--- Makes the core's client. What is wrong with an endpoint that was found somewhere names that place.
local function new_core(options, metatable, source)
  local ok, made = pcall(core.new, options, metatable)
  if ok then
    return made
  elseif source and core.is_error(made) and made.field == "endpoint" then
    made.message = ("%s: %s"):format(source, made.message)
  end
  error(made, 0)
end

--- See build.new.
---@param options? codearts.build.Options
---@return codearts.build.Client
function Client.new(options)
  local config = require "codearts.build.config"
  local core_options, sign_in_options, told = config.resolve(options)
  inherited.refuse(options or {})
  local self = setmetatable({
    sign_in_options = sign_in_options,
    sources = {},
    -- Asked for in every call; what is not there goes a long way through __index.
    host = false,
    masker = false,
    between = false,
    signing_in = false,
    store_runner = false,
    flow_runner = false,
    tasks = {},
    closed = false,
  }, Client)
  clients.add(self)
  local auth = rawget(options or {}, "auth")
  core_options.auth = config.plain_token(auth) or self:source_of(auth)
  self.endpoint, self.deadline = core_options.endpoint, core_options.deadline
  self.on_event = core_options.on_event
  self.given_key_store = rawget(options or {}, "key_store")
  self.result_metatable = result_metatable(self)
  self.core = new_core(core_options, self.result_metatable, told.endpoint_source)
  self.addresses = { self.core:addresses() }
  if told.warning and self.on_event then
    self:sleep(0):on_done(function()
      self.on_event { type = "warning", message = told.warning }
    end)
  end
  return self
end

--- Lets the sources of credentials do what the step has brought.
local function pump_sources(self)
  local sources = self.sources
  for i = #sources, 1, -1 do -- one may remove itself
    local pump = sources[i]
    if pump then
      pump(self)
    end
  end
end

--- What the core takes for an auth option. Sources that fetch credentials are asked after each step.
---@param auth any
---@return string|table|userdata value
---@return (fun())? remove it
function methods:source_of(auth)
  local value, pump = require("codearts.build.sign_in").new(auth, self.sign_in_options)
  return value, pump and self:after_steps(pump)
end

--- Has a function called after each step, for this library's own modules. It must not block.
---@param pump fun(client: codearts.build.Client)
---@return fun() remove
function methods:after_steps(pump)
  self.sources[#self.sources + 1] = pump
  self.between = self.between or function()
    pump_sources(self)
  end
  return function()
    for i, other in ipairs(self.sources) do
      if other == pump then
        table.remove(self.sources, i)
        break
      end
    end
  end
end

--- Where the records of keys are; the file store at its default place unless another was given.
---@return codearts.build.KeyStore
function methods:key_store()
  self.given_key_store = self.given_key_store or require("codearts.build.key_store").file()
  return self.given_key_store
end

--- Whether the options of a call hold credentials that the core does not take as they are.
local function has_own_source(opts)
  local auth = type(opts) == "table" and rawget(opts, "auth")
  return auth and type(auth) ~= "string" and type(auth) ~= "userdata"
end

--- Options of one call as the core takes them. Credentials that have to be looked at or fetched first become a source, and
--- then there is a function to be called when the call has ended. For this library's own modules.
---@param opts? table
---@param outcome? "not_started" of errors
---@return table? core_opts
---@return (fun())? ended
---@return function? reconcile of a start, see `reconciler`
function methods:prepare(opts, outcome)
  local reconcile = outcome and opts and self:reconciler(opts) or nil
  if not has_own_source(opts) then
    return opts, nil, reconcile
  end
  local core_opts, ended = need("codearts.build.client.auth", outcome)(self, opts, outcome)
  return core_opts, ended, reconcile
end

--- What the errors of a start get as `reconcile`, if not what those of the client have. For this library's own modules.
---@param opts? table of the start
---@return (fun(err: codearts.build.Error, more?: table): table)?
function methods:reconciler(opts)
  local own = type(opts) == "table"
    and (rawget(opts, "auth") ~= nil or rawget(opts, "headers") ~= nil)
  return own and need("codearts.build.client.reconciler", "not_started")(self, opts) or nil
end

--- The core's call, under way, for this library's own modules.
---@param method "start"|"request" of the core's client
---@param args table
---@param opts? table
---@param outcome? "not_started" of errors
---@param operation? string|true of a start; of a request true: the core is to let its headers go over plain http
---@param ... any of a start with a key, as the core's client:start takes it
---@return userdata call
function methods:begin(method, args, opts, outcome, operation, ...)
  if self.host and self.host.ready then
    self.host.ready(outcome)
  end
  local engine = self.core
  local core_opts, ended, reconcile = self:prepare(opts, outcome)
  local ok, call = pcall(engine[method], engine, args, core_opts, operation, reconcile, ...)
  if not ok then
    if ended then
      ended()
    end
    error(call, 0)
  elseif ended then
    call:on_done(ended)
  end
  self:wake()
  return call
end

--- A step that leaves what callbacks raise to whoever asks for it. For this library's own modules.
---@param timeout? number see step
---@param whole? boolean without a limit of time
---@return integer remaining
---@return boolean still nothing is under way that could end a call
function methods:advance(timeout, whole)
  local remaining, still = self.core:advance(timeout, whole)
  pump_sources(self)
  still = still and self.core:is_still()
  local lost = still and next(self.tasks) and require("codearts.build.client.task").end_lost(self)
  return remaining + (lost or 0), still and (lost or 0) == 0
end

if in_nginx then
  local in_the_open = methods.advance
  function methods.advance(...)
    return nginx_request.hide(in_the_open, ...)
  end
end

--- Moves everything that is in flight and runs the callbacks that are due; then raises the first
--- error that one of them raised. After 2 ms of work it leaves the rest to the next step, and the
--- descriptor stays readable. A callback must not step or wait itself: a usage error.
---@param timeout? number seconds to wait for something to happen; 0 never blocks; nil: until something does
---@return integer remaining calls that have not ended, or whose callbacks are still to run
function methods:step(timeout)
  check_self(self)
  if self.signing_in then
    self:check_wait()
  end
  local remaining = self:advance(timeout)
  local raised, problem = self.core:raised()
  if raised then
    error(problem, 0)
  end
  return remaining
end

local function keyed_start()
  need("codearts.build.client.mask", "not_started") -- now: with an answer in hand no file may be needed
  return need("codearts.build.keys.start", "not_started")
end

--- A start that is waited for as any call, in the way of the client's host.
local function try_run_by_call(self, args, opts, operation)
  local err = self:obstacle "not_started"
  if err then
    return nil, err
  elseif inherited.has_key(opts) and self:blocks() then
    local ok, keys = pcall(keyed_start)
    if not ok then
      return problems.answer(keys)
    end
    return keys.try_run(self, args, opts, operation)
  end
  local ok, call = pcall(self.start, self, args, opts, operation)
  if not ok then
    return problems.answer(call)
  end
  err = self:wait_quietly(call) -- what callbacks raise is left to the next step: the outcome must not be lost
  if not err then
    return call:try_wait()
  elseif call.so_far and call:so_far().outcome == "not_started" and not self:is_left_behind() then
    call:cancel() -- nobody has it any more, and so that stays true
    err.outcome, err.reconcile = "not_started", nil
  end
  return nil, err
end

--- Starts a build and waits for the service's answer. Blocks, or yields where the client lives in a
--- host's loop. Raises structured errors. At most one build is started, whatever happens.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@param operation? "RunJob"|"ExecuteJob" which of the two starts it (default "RunJob")
---@return codearts.build.Result
function methods:run(args, opts, operation)
  check_self(self, "not_started")
  if not (self.host or self.signing_in or in_nginx) then
    if opts == nil then
      return self.core:run(args, nil, self.between, operation)
    elseif not (has_own_source(opts) or inherited.has_key(opts)) then
      return self.core:run(args, opts, self.between, operation, self:reconciler(opts))
    end
  end
  local result, err = self:try_run(args, opts, operation)
  if err then
    error(err, 0)
  end
  return result
end

--- The same, answering `nil, err` instead of raising; only out-of-memory is raised.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@param operation? "RunJob"|"ExecuteJob"
---@return codearts.build.Result? result
---@return codearts.build.Error? err
function methods:try_run(args, opts, operation)
  local ok, problem = pcall(check_self, self, "not_started")
  if not ok then
    return problems.answer(problem)
  elseif self.host or self.signing_in or in_nginx or inherited.has_key(opts) then
    return try_run_by_call(self, args, opts, operation)
  end
  local core_opts, ended, reconcile
  ok, core_opts, ended, reconcile = pcall(self.prepare, self, opts, "not_started")
  if not ok then
    return problems.answer(core_opts)
  end
  local result, err = self.core:try_run(args, core_opts, self.between, operation, reconcile)
  if ended then
    ended()
  end
  return result, err
end

--- Starts a build and answers its call object at once. Raises usage errors only. Never blocks.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@param operation? "RunJob"|"ExecuteJob"
---@return codearts.build.Call
function methods:start(args, opts, operation)
  check_self(self, "not_started")
  if inherited.has_key(opts) then
    return keyed_start().begin(self, args, opts, operation)
  end
  return Call.new(self, self:begin("start", args, opts, "not_started", operation))
end

--- Any HTTP request on the client's engine, for what the library has no method for. Never blocks. A function as `stream` gets
--- the body in pieces; while it returns false nothing more is read, and it is called again, perhaps with "", in the next step.
--- To a `url` of another scheme, host or port than the endpoints' goes nothing of the client but its User-Agent; `auth`, `headers` and
--- `tls` of the request say what does. `auth = false` keeps the client's credentials back from its own service, too.
---@param spec table operation, method, path, url, query, headers, body, auth, answer, read_only, secrets, stream, tls, direct, certificate
---@param opts? table timeout, deadline, retry, headers, auth, on_event
---@return codearts.build.Call
function methods:request(spec, opts)
  check_self(self)
  return Call.new(self, self:begin("request", spec, opts))
end

--- A call that ends by itself after a time, with the result true.
---@param seconds number
---@return codearts.build.Call
function methods:sleep(seconds)
  check_self(self)
  if self.host and self.host.ready then
    self.host.ready()
  end
  local call = Call.new(self, self.core:sleep(seconds))
  self:wake()
  return call
end

--- A call that ends when work of the core is done in its thread; for this library's own modules.
---@param work userdata for example what a journal's append answered
---@return codearts.build.Call
function methods:perform(work)
  check_self(self)
  local call = Call.new(self, self.core:perform(work))
  self:wake()
  return call
end

--- What the service said, as people may read it: a service may repeat the credentials that it was sent. Of a long text its
--- beginning; what is no text and no table stays as it is. For this library's own modules.
---@generic T
---@param value T a text, or a table that is changed; it may be an answer, or what core.came_with was told of
---@param ... table? what else it came with: results of starts and answers, whose calls may have had secrets of their own
---@return T
function methods:mask(value, ...)
  if type(value) ~= "string" and type(value) ~= "table" then
    return value
  end
  return require("codearts.build.client.mask")(self.masker or self.core, value, value, ...)
end

--- The same without this client's credentials alone: what jobs are called is none of the masker's. For our own modules.
---@generic T
---@param value T
---@return T
function methods:mask_credentials(value)
  return require("codearts.build.client.mask")(self.core, value, value)
end

--- A structured error with what the service said: all that is made in Lua of its text. For this library's own modules.
---@param members table of the error
---@param ... table? see mask
---@return codearts.build.Error
function methods:problem(members, ...)
  return self:conceal(core.error(members), ...)
end

--- The same of an error that is there. For this library's own modules.
---@param err codearts.build.Error which is changed
---@param ... table? see mask
---@return codearts.build.Error err
function methods:conceal(err, ...)
  for _, name in ipairs(problems.TOLD) do
    err[name] = self:mask(err[name], ...)
  end
  return err
end

--- Tells the host that the client wants a step.
function methods:wake()
  local wake = self.host and self.host.wake
  if wake then
    wake()
  end
end

--- Whether the step has worked its 2 ms: long work leaves its rest to the next one. Never while somebody waits.
---@return boolean
function methods:is_spent()
  return self.core:spent()
end

--- Runs several requests as one call; see codearts.build.client.task.
---@param flow fun(await: codearts.build.Await, stopped: fun(): boolean): any, codearts.build.Error?
---@param so_far? fun(): table what who waits in vain is told: operation, attempts, outcome, reconcile; `about`: of meta
---@return codearts.build.Task
function methods:task(flow, so_far)
  check_self(self)
  if type(flow) ~= "function" then
    error(usage_error("flow", "flow: must be a function, not " .. type(flow)), 0)
  end
  return require("codearts.build.client.task").new(self, flow, so_far)
end

--- The one descriptor that becomes readable when the client wants a step: for any event loop. Raises kind "config" where
--- the system has no second one, which wakes it when a call is started.
---@return integer
function methods:pollfd()
  check_self(self)
  return self.core:pollfd()
end

--- What to wait for on the descriptor, as cqueues asks it: always "r".
---@return "r"
function methods:events()
  check_self(self)
  return self.core:events()
end

--- Seconds after which the client wants a step even if its descriptor is silent; nil: never.
---@return number?
function methods:timeout()
  check_self(self)
  return self.core:timeout()
end

--- Ends everything in flight as cancelled, tells that to its callbacks, and frees the connections; then raises what one
--- of them raised. Twice is fine; anything else on a closed client is a usage error. Never blocks.
function methods:close()
  check_self(self)
  self.was_left_behind = self:is_left_behind()
  local is_busy = self.was_left_behind or (not self.closed and self.core:delivering())
  local on_close = self.on_close
  if on_close and not self.was_left_behind then
    self.on_close = nil
    on_close()
  end
  self.closed = true
  local told, problem = pcall(nginx_request.hide, self.core.close, self.core)
  if next(self.tasks) and not is_busy then
    require("codearts.build.client.task").end_lost(self)
  end
  if not told then
    error(problem, 0)
  end
end

Client.__close = methods.close

return Client
