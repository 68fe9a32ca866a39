--- Clients: the core's engine with configuration, credentials from every source, and what comes
--- after a run.
local Call = require "codearts.build.client.call"
local core = require "codearts.build.core"
local inherited = require "codearts.build.inherited"
local nginx_request = require "codearts.build.nginx_request"
local problems = require "codearts.build.problem"

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

local need, usage_error = problems.need, problems.usage
-- There all steps are those of `advance`, without a request; the core's run steps by itself.
local in_nginx = nginx_request.is_here
local YIELDS_ACROSS_PCALL = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil
-- All there are: asked in every call, where getmetatable would look for __metatable first.
local clients = setmetatable({}, { __mode = "k" })

local function check_self(self, outcome)
  if not clients[self] then
    error(usage_error("self", "self: must be a client; call its methods with a colon", outcome), 0)
  end
end

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
  clients[self] = true
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

--- A step that leaves what callbacks raise to whoever asks for it; a whole one has no limit of time.
local function advance(self, timeout, whole)
  local remaining, still = self.core:advance(timeout, whole)
  pump_sources(self)
  still = still and self.core:is_still()
  local lost = still and next(self.tasks) and require("codearts.build.client.task").end_lost(self)
  return remaining + (lost or 0), still and (lost or 0) == 0
end

if nginx_request.is_here then
  local in_the_open = advance
  function advance(...)
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
  local remaining = advance(self, timeout)
  local raised, problem = self.core:raised()
  if raised then
    error(problem, 0)
  end
  return remaining
end

--- Raises a usage error where nobody can wait, as far as that can be told without trying.
local function check_place(self, outcome)
  local ok, delivering = pcall(self.core.delivering, self.core)
  if not ok then -- closed, or left behind by a fork
    if core.is_error(delivering) then
      delivering.outcome = outcome
    end
    error(delivering, 0)
  elseif delivering or self.signing_in then
    local why = "a callback must not step or wait: it already runs inside a step"
    error(usage_error("wait", why, outcome), 0)
  elseif self.host and self.host.check then
    self.host.check(outcome)
  end
end

--- What check_wait raises. Not under a pcall of ours, which not every Lua yields across.
local function obstacle(self, outcome)
  local ok, err = pcall(check_place, self, outcome)
  if not ok then
    return select(2, problems.answer(err))
  end
  local probe = self.host and self.host.probe
  return probe and probe(outcome)
end

--- Raises a usage error where nobody can wait, before something is sent; it yields where only that can tell.
---@param outcome? "not_started" for the error
function methods:check_wait(outcome)
  local err = obstacle(self, outcome)
  if err then
    error(err, 0)
  end
end

local function is_seconds(value)
  return type(value) == "number" and value >= 0
end

--- Whether the client is its parent's, in a forked child: what was begun there goes on there.
---@return boolean
function methods:is_left_behind()
  if self.closed then
    return self.was_left_behind
  end
  return not pcall(self.core.delivering, self.core)
end

--- An outcome as it is known here: in a forked child the parent goes on with what had not begun.
---@param outcome string?
---@return string?
function methods:seen_from_here(outcome)
  return outcome == "not_started" and self:is_left_behind() and "unknown" or outcome
end

--- Adds to the error of who waits in vain what is known of the call. For this library's own modules.
---@param err codearts.build.Error
---@param open table an error of the open call, or what a task tells so far
function methods:describe(err, open)
  err.operation, err.attempts, err.outcome = open.operation, open.attempts, open.outcome
  if open.outcome and self:is_left_behind() then
    err.outcome = "unknown" -- to this process
  end
  if err.outcome == "unknown" then
    local meta = require "codearts.build.meta"
    err.reconcile = open.reconcile or self.result_metatable.reconcile
    meta.add(err, open.about or meta.of(open) or {})
  end
end

--- Why an open call cannot be waited for, with what is known of the call.
local function described(self, err, call)
  if core.is_error(err) and call.try_wait and not call:done() then
    self:describe(err, select(2, call:try_wait()))
  end
  return err
end

--- Steps until a call has ended or the time is over.
local function step_until(self, call, timeout, quiet)
  local till = timeout and core.now() + timeout
  repeat
    local moved, problem, still =
      pcall(advance, self, till and math.max(till - core.now(), 0), true)
    if not moved then -- a callback may have come back in a forked child
      error(described(self, problem, call), 0)
    end
    if still and not call:done() then
      error("what the call waits for was broken off", 0)
    end
    local raised
    if not quiet then
      raised, problem = self.core:raised()
    end
    if raised then -- never as a structured error, which would look like the call's own
      error(core.is_error(problem) and "a callback raised: " .. tostring(problem) or problem, 0)
    end
  until call:done() or (till and core.now() >= till)
end

--- Waits until a call has ended or the time is over, in the way of the client's host.
---@param call codearts.build.Call|userdata
---@param timeout? number seconds
---@param quiet? boolean leaves what callbacks raise meanwhile to the next step or wait
function methods:wait_for(call, timeout, quiet)
  check_self(self)
  if Call.has_ended(call) then
    return
  end
  local ok, problem = pcall(check_place, self)
  if not ok then
    error(described(self, problem, call), 0)
  end
  local err
  if timeout ~= nil and not is_seconds(timeout) then
    err = usage_error("timeout", "timeout must be seconds, 0 or more")
  elseif self.host then
    err = self.host.wait(self, call, timeout)
  else
    return step_until(self, call, timeout, quiet)
  end
  if err then
    error(described(self, err, call), 0)
  end
end

--- Whether who waits here blocks until the end, so that what a debug hook raises comes out of the wait.
local function blocks(self)
  return not self.host or (self.host.blocks and self.host.blocks())
end

--- As pcall, of what waits; unprotected where that could not yield. For this library's own modules.
---@param f function
---@param ... any its arguments
---@return boolean ok
---@return any problem
function methods:guard(f, ...)
  if YIELDS_ACROSS_PCALL or blocks(self) then
    return pcall(f, ...)
  end
  return true, f(...)
end

--- Waits, and leaves what callbacks raise to the next step. Answers why it cannot wait on: where a debug hook raises
--- in the midst of it, as Ctrl-C does in the standalone interpreter, no bare text. Out of memory is raised.
local function wait_quietly(self, call, timeout)
  local ok, err = self:guard(self.wait_for, self, call, timeout, true)
  if ok then
    return nil
  elseif err == "not enough memory" then
    error(err, 0)
  elseif core.is_error(err) then
    return err
  end
  local message = "the answer could not be waited for: " .. tostring(err)
  return not call:done() and described(self, problems.internal(message), call) or nil
end

--- The same for a call object, but answers why it cannot wait; what callbacks raise is left to the next step.
---@param call codearts.build.Call
---@param timeout number seconds
---@return codearts.build.Error? err
function methods:try_wait_for(call, timeout)
  check_self(self)
  if not is_seconds(timeout) then
    return described(self, usage_error("timeout", "timeout must be seconds, 0 or more"), call)
  elseif call:done() then
    return nil
  end
  local err = obstacle(self)
  return err and described(self, err, call) or wait_quietly(self, call, timeout)
end

local function keyed_start()
  need("codearts.build.client.mask", "not_started") -- now: with an answer in hand no file may be needed
  return need("codearts.build.keys.start", "not_started")
end

--- A start that is waited for as any call, in the way of the client's host.
local function try_run_by_call(self, args, opts, operation)
  local err = obstacle(self, "not_started")
  if err then
    return nil, err
  elseif inherited.has_key(opts) and blocks(self) then
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
  err = wait_quietly(self, call) -- what callbacks raise is left to the next step: the outcome must not be lost
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
