--- Clients: the core's engine with configuration, credentials from every source, and what comes
--- after a run.
local Call = require "codearts.build.call"
local core = require "codearts.build.core"

---@class codearts.build.Options
---@field region? string for example "cn-north-4" (CODEARTS_BUILD_REGION); this or endpoint is needed
---@field endpoint? string URL of the service (CODEARTS_BUILD_ENDPOINT); several with commas
---@field auth? string|table|fun(ctx: table): any token, password, key pair or function; nil: the chain of sources
---@field iam_endpoint? string default: the region's
---@field timeout? number seconds for one attempt, default 60
---@field connect_timeout? number seconds to connect, default 10
---@field deadline? number seconds for the whole call, retries and sign-in included, default none
---@field retry? false|{ max_attempts?: integer, base_delay?: number, max_delay?: number } default 4, 0.2 s, 20 s
---@field tls? codearts.build.TlsOptions
---@field proxy? string|false default: the environment's
---@field no_proxy? string hosts that are reached without the proxy, with commas
---@field http_version? "auto"|"1.1"|"2" default "auto"
---@field max_response_bytes? integer default 8 MiB
---@field max_connections? integer default 64
---@field max_in_flight? integer default none
---@field idle_timeout? number seconds that an unused connection is kept, default 30
---@field headers? table<string, string> more headers for every request
---@field user_agent? string
---@field resolve? string[] "host:port:address" entries that replace DNS
---@field allow_http? boolean plain http to a host that is not this machine, default false
---@field token_store? { get: function, set: function, lock: function } default: one for each client
---@field on_event? fun(event: codearts.build.Event)

---@class codearts.build.TlsOptions
---@field ca_file? string
---@field ca_path? string
---@field cert_file? string
---@field key_file? string
---@field key_password? string
---@field min_version? "1.2"|"1.3" default "1.2"
---@field pinned_public_key? string "sha256//…"
---@field verify? boolean default true

---@class codearts.build.RunArgs
---@field job_id string exactly 32 of [0-9A-Za-z]
---@field parameter? table<string, string|number|boolean> | { name: string, value: string|number|boolean }[]
---@field scm? table<string, any> build_tag, build_commit_id, …: strings or build.null

---@class codearts.build.RunOptions
---@field timeout? number
---@field deadline? number
---@field retry? false|table
---@field headers? table<string, string>
---@field auth? any
---@field on_event? fun(event: codearts.build.Event)
---@field run_id? { parameter: string } the job's parameter that gets a fresh UUID, by which reconcile proves identity

---@class codearts.build.RunAllOptions
---@field max_in_flight? integer how many are started before others have ended, default: all
---@field on_progress? fun(done: integer, total: integer, index: integer, item: table)

---@class codearts.build.Event
---@field type "request"|"response"|"retry"|"sign_in"|"warning"
---@field operation? string
---@field attempt? integer
---@field status? integer of a response
---@field kind? string why a retry
---@field reason? string
---@field delay? number seconds until the retry
---@field elapsed? number seconds of the attempt

---@class codearts.build.Meta
---@field job_id? string
---@field status? integer
---@field request_id? string
---@field attempts? integer
---@field http_version? string
---@field elapsed number
---@field timings { dns: number, connect: number, tls: number, first_byte: number, total: number }

---@class codearts.build.Result
---@field octopus_job_name string
---@field actual_build_number string
---@field daily_build_number string

---@class codearts.build.Error
---@field kind string
---@field message string
---@field outcome? "not_started"|"unknown"|"started"
---@field operation? string
---@field status? integer
---@field error_code? string
---@field error_msg? string
---@field request_id? string
---@field attempts? integer
---@field retryable? boolean
---@field field? string
---@field reason? string

---@class codearts.build.Client
---@field core userdata the core's client
---@field signing_in? boolean a sign-in runs functions of the user, which must not step or wait
---@field host? codearts.build.Host set by host adapters
---@field on_close? fun() set by host adapters, called before the client closes

--- How a host's event loop drives a client; see codearts.build.luv and its like.
---@class codearts.build.Host
---@field wait fun(client: codearts.build.Client, call: codearts.build.Call, timeout?: number) waits in the host's way
---@field wake? fun() something was begun outside of a step
---@field check? fun(outcome?: string) raises a usage error where the host cannot wait
---@field probe? fun(outcome?: string): codearts.build.Error? what only a try can tell; may yield
local Client = {}
Client.__name = "codearts.build.Client"

local function usage_error(field, message, outcome)
  return core.error { kind = "usage", field = field, message = message, outcome = outcome }
end

local function check_self(self, outcome)
  if getmetatable(self) ~= Client then
    error(usage_error("self", "self: must be a client; call its methods with a colon", outcome), 0)
  end
end

--- Methods that need more of the library, loaded with the first use of one.
local function lifecycle_method(name)
  return require("codearts.build.lifecycle").client_methods[name]
end

local LATER = {
  build = lifecycle_method,
  history = lifecycle_method,
  jobs = lifecycle_method,
  call = lifecycle_method,
  run_all = function()
    return require "codearts.build.run_all"
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

--- What results get as their metatable; the core gives `reconcile` to errors that leave open whether
--- a build was started.
local function result_metatable(client)
  return {
    client = client,
    reconcile = function(err, opts)
      return require "codearts.build.reconcile"(client, err, opts)
    end,
    __index = function(_, name)
      if name == "status" or name == "wait" or name == "log" or name == "stop" then
        return require("codearts.build.lifecycle").result_methods[name]
      end
    end,
  }
end

--- The token in an auth option that is nothing but a good one: no code for signing in is loaded then.
local function plain_token(auth)
  if type(auth) == "table" and next(auth) == "token" and next(auth, "token") == nil then
    auth = rawget(auth, "token")
  end
  return type(auth) == "string" and auth:find "^[\33-\126]+$" and auth
end

--- See build.new.
---@param options? codearts.build.Options
---@return codearts.build.Client
function Client.new(options)
  local core_options, sign_in_options = require("codearts.build.config").resolve(options)
  local self = setmetatable({ sign_in_options = sign_in_options, sources = {} }, Client)
  local auth = rawget(options or {}, "auth")
  sign_in_options.auth = nil -- secrets stay where no look at the client finds them
  core_options.auth = plain_token(auth) or self:source_of(auth)
  self.core = core.new(core_options, result_metatable(self))
  return self
end

--- What the core takes for an auth option. Sources that fetch credentials are kept, so that they can
--- be asked after each step.
---@param auth any
---@return string|table|userdata value
---@return function? pump to be called after each step
function methods:source_of(auth)
  local options = {}
  for name, value in pairs(self.sign_in_options) do
    options[name] = value
  end
  options.auth = auth
  local value, pump = require("codearts.build.sign_in").new(options)
  self.sources[#self.sources + 1] = pump
  return value, pump
end

--- A copy of a call's options with credentials that the core takes, and a function to be called when
--- the call has ended, or nil.
local function with_auth(self, opts)
  local copy = {}
  for name, value in next, opts do
    copy[name] = value
  end
  local pump
  copy.auth, pump = self:source_of(opts.auth)
  return copy,
    pump and function()
      for i, other in ipairs(self.sources) do
        if other == pump then
          table.remove(self.sources, i)
          break
        end
      end
    end
end

--- The core's call with credentials of its own.
local function begin_as(self, method, args, opts)
  local engine = self.core
  local ok, copy, ended = pcall(with_auth, self, opts)
  if not ok then
    if core.is_error(copy) then
      copy.kind = "usage" -- an argument here, not configuration
      local starts = method ~= "request" or type(args) == "table" and rawget(args, "starts_build")
      copy.outcome = starts and "not_started" or nil
    end
    error(copy, 0)
  end
  local begun, call = pcall(engine[method], engine, args, copy)
  if not begun then
    if ended then
      ended()
    end
    error(call, 0)
  elseif ended then
    call:on_done(ended)
  end
  return call
end

--- The core's call for what is to be sent. `method` is "begin" for who starts a build and is going
--- to wait, which a callback must not, else "start" or "request".
local function begin(self, method, args, opts)
  local engine = self.core
  local auth = type(opts) == "table" and rawget(opts, "auth")
  local call
  if not auth or type(auth) == "string" or type(auth) == "userdata" then
    call = engine[method](engine, args, opts)
  else
    call = begin_as(self, method, args, opts)
  end
  self:wake()
  return call
end

--- Lets the sources of credentials do what the step has brought.
local function pump_sources(self)
  for _, pump in ipairs(self.sources) do
    pump(self)
  end
end

--- A step that leaves what callbacks raise to whoever asks for it.
local function advance(self, timeout)
  local remaining = self.core:advance(timeout)
  pump_sources(self)
  return remaining
end

--- Waits for a core's call and answers what its try_wait does. What callbacks raise meanwhile is
--- left to the next step or wait: the outcome must not be lost.
local function answer_of(self, call)
  if self.host then
    self:wait_for(call, nil, true)
    return call:try_wait()
  end
  local engine, sources = self.core, self.sources
  while true do
    local done, result, err = engine:advance(nil, call)
    if sources[1] then
      pump_sources(self)
    end
    if done then
      return result, err
    end
  end
end

--- Moves everything that is in flight and runs the callbacks that are due; then raises the first
--- error that one of them raised. A callback must not step or wait itself: a usage error.
---@param timeout? number seconds to wait for something to happen; 0 never blocks; nil: until something does
---@return integer remaining calls that have not ended
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
    error(
      usage_error(
        "wait",
        "a callback must not step or wait: it already runs inside a step",
        outcome
      ),
      0
    )
  elseif self.host and self.host.check then
    self.host.check(outcome)
  end
end

--- What check_wait raises. Not under a pcall of ours, which not every Lua yields across.
local function obstacle(self, outcome)
  local ok, err = pcall(check_place, self, outcome)
  if not ok then
    return err
  end
  local probe = self.host and self.host.probe
  return probe and probe(outcome)
end

--- Raises a usage error where nobody can wait: inside a callback, or where the host cannot. For those
--- who must know before they send something; it yields where only that can tell.
---@param outcome? "not_started" for the error
function methods:check_wait(outcome)
  local err = obstacle(self, outcome)
  if err then
    error(err, 0)
  end
end

local function is_done(call)
  return call:done()
end

--- Waits until a call has ended or the time is over, in the way of the client's host.
---@param call codearts.build.Call|userdata
---@param timeout? number seconds
---@param quiet? boolean leaves what callbacks raise meanwhile to the next step or wait
function methods:wait_for(call, timeout, quiet)
  check_self(self)
  local ok, done = pcall(is_done, call)
  if not ok then
    error(core.is_error(done) and done or usage_error("call", "call: must be a call object"), 0)
  elseif done then
    return
  end
  check_place(self)
  if timeout ~= nil and not (type(timeout) == "number" and timeout >= 0) then
    error(usage_error("timeout", "timeout must be seconds, 0 or more"), 0)
  elseif self.host then
    return self.host.wait(self, call, timeout)
  end
  local till = timeout and core.now() + timeout
  repeat
    advance(self, till and math.max(till - core.now(), 0))
    local raised, problem
    if not quiet then
      raised, problem = self.core:raised()
    end
    if raised then
      -- Never as a structured error, which would look like the call's own.
      error(core.is_error(problem) and "a callback raised: " .. tostring(problem) or problem, 0)
    end
  until call:done() or (till and core.now() >= till)
end

--- Starts a build and waits for the service's answer. Blocks, or yields where the client lives in a
--- host's loop. Raises structured errors. At most one build is started, whatever happens.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@return codearts.build.Result
function methods:run(args, opts)
  check_self(self, "not_started")
  if self.host or self.signing_in then
    self:check_wait "not_started"
  end
  local result, err = answer_of(self, begin(self, "begin", args, opts))
  if err then
    error(err, 0)
  end
  return result
end

--- The same, answering `nil, err` instead of raising; only out-of-memory is raised.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@return codearts.build.Result? result
---@return codearts.build.Error? err
function methods:try_run(args, opts)
  local ok, call = pcall(check_self, self, "not_started")
  if ok and (self.host or self.signing_in) then
    call = obstacle(self, "not_started")
    ok = not call
  end
  if ok then
    ok, call = pcall(begin, self, "begin", args, opts)
  end
  if ok then
    return answer_of(self, call)
  elseif core.is_error(call) then
    return nil, call
  end
  error(call, 0)
end

--- Starts a build and answers its call object at once. Raises usage errors only. Never blocks.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@return codearts.build.Call
function methods:start(args, opts)
  check_self(self, "not_started")
  return Call.new(self, begin(self, "start", args, opts))
end

--- Any HTTP request on the client's engine, for what the library has no method for. Never blocks.
---@param spec table operation, method, path or url, query, headers, body, auth, answer, read_only, secrets, stream
---@param opts? table timeout, deadline, retry, headers, auth, on_event
---@return codearts.build.Call
function methods:request(spec, opts)
  check_self(self)
  return Call.new(self, begin(self, "request", spec, opts))
end

--- A call that ends by itself after a time, with the result true.
---@param seconds number
---@return codearts.build.Call
function methods:sleep(seconds)
  check_self(self)
  local call = Call.new(self, self.core:sleep(seconds))
  self:wake()
  return call
end

--- Tells the host that the client wants a step.
function methods:wake()
  local wake = self.host and self.host.wake
  if wake then
    wake()
  end
end

--- Runs several requests as one call; see codearts.build.task.
---@param flow fun(await: fun(call: codearts.build.Call): any, codearts.build.Error?): any, codearts.build.Error?
---@return codearts.build.Task
function methods:task(flow)
  check_self(self)
  if type(flow) ~= "function" then
    error(usage_error("flow", "flow: must be a function, not " .. type(flow)), 0)
  end
  return require("codearts.build.task").new(self, flow)
end

--- The one descriptor that becomes readable when the client wants a step: for any event loop.
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

--- Ends everything in flight as cancelled, tells that to its callbacks, and frees the connections;
--- then raises what one of them raised. Twice is fine; anything else on a closed client is a usage
--- error. Never blocks.
function methods:close()
  check_self(self)
  local on_close = self.on_close
  if on_close then
    self.on_close = nil
    on_close()
  end
  self.core:close()
end

Client.__close = methods.close

return Client
