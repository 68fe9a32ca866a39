--- client:start with a key: at most one build for all who use it (doc/keys.md).
local Attempts = require "codearts.build.keys.attempts"
local Flow = require "codearts.build.keys.flow"
local Shelf = require "codearts.build.keys.shelf"
local collect = require "codearts.build.keys.collect"
local core = require "codearts.build.core"
local inherited = require "codearts.build.inherited"
local nginx_request = require "codearts.build.nginx_request"
local problems = require "codearts.build.problem"
local record = require "codearts.build.keys.record"

local OURS = { key = true, key_wait = true, when_lost = true, settle = true }
local LONGEST_KEY = 200
local KEY_WAIT, SETTLE = 60, 120

local function usage(field, message)
  problems.refuse(field, field .. ": " .. message, "not_started")
end

local function seconds(opts, name, default)
  local value = rawget(opts, name)
  if value == nil then
    return default
  elseif type(value) ~= "number" or not (value >= 0 and value < math.huge) then
    usage(name, "must be a number of seconds, 0 or more")
  end
  return value
end

--- The options of keys, checked.
local function read_options(opts)
  inherited.refuse(opts)
  local key, when_lost = rawget(opts, "key"), rawget(opts, "when_lost")
  if type(key) ~= "string" or #key < 1 or #key > LONGEST_KEY or not key:find "^[\33-\126]+$" then
    usage("key", "must be a text of 1 to 200 printable ASCII characters without blanks")
  elseif when_lost ~= nil and when_lost ~= "stop" and when_lost ~= "resend" then
    usage("when_lost", 'must be "stop" or "resend"')
  elseif when_lost == "resend" and rawget(opts, "run_id") == nil then
    usage("when_lost", '"resend" needs run_id: nothing else shows that no build was started')
  end
  return {
    key = key,
    when_lost = when_lost or "stop",
    key_wait = seconds(opts, "key_wait", KEY_WAIT),
    settle = seconds(opts, "settle", SETTLE),
  }
end

--- The options that the core takes.
local function core_options(opts)
  local copy = { run_id = nil, auth = nil, deadline = nil } -- room for them
  for name, value in next, opts do
    if not OURS[name] then
      copy[name] = value
    end
  end
  return copy
end

--- What the transition knows of the call.
local function facts_of(wants, scope, body, run_id, parameter)
  return {
    key = wants.key,
    scope = scope,
    arguments = record.arguments(body, parameter),
    run_id = run_id,
    run_id_parameter = parameter,
    when_lost = wants.when_lost,
    settle = wants.settle,
    owner = core.process(),
    -- Room for what the flow and the transition always add.
    shared = nil,
    stopped = nil,
    seen = nil,
    held = nil,
    nonce = nil,
    sent = nil,
    own = nil,
    pending = nil,
    resend = nil,
  }
end

--- Tells the warnings of a flow, in a step; of the client and of the call either may have no listener.
local function deliver(warnings, listeners)
  for _, event in ipairs(warnings) do
    for i = 1, 2 do
      if listeners[i] then
        listeners[i](event)
      end
    end
  end
end

--- Checks the arguments and raises usage errors; sends nothing.
---@param waits boolean who starts it waits for it at once, so that nobody has to be told of its attempts
---@return codearts.build.KeyFlow
local function prepare(client, args, opts, operation, waits)
  local wants = read_options(opts)
  local job_id = type(args) == "table" and rawget(args, "job_id")
  local scope =
    record.scope(client.addresses[1], type(job_id) == "string" and job_id or "", wants.key)
  local run_id = rawget(opts, "run_id") ~= nil and record.run_id(scope) or nil
  local attempts = Attempts.new(client, args, core_options(opts), operation, run_id, waits)
  local parameter = run_id and rawget(opts.run_id, "parameter")
  local body = attempts.call:body()
  local facts = facts_of(wants, scope, body, run_id, parameter)
  local fingerprint = record.fingerprint(facts.arguments)
  if not record.fits(body, fingerprint) then
    usage("key", "there are too many parameters for a record of 64 KiB")
  end
  return Flow.new {
    client = client,
    attempts = attempts,
    facts = facts,
    fingerprint = fingerprint,
    job_id = job_id,
    operation = operation or "RunJob",
    auth = rawget(opts, "auth"),
    headers = rawget(opts, "headers"),
    on_event = rawget(opts, "on_event"),
    reconcile = client:reconciler(opts) or client.result_metatable.reconcile,
    key_wait = wants.key_wait,
    deadline = rawget(opts, "deadline") or client.deadline,
    warnings = nil,
    shelf = nil,
    await = nil,
    stopped = nil,
  }
end

--- Runs the flow to its end.
---@return table? result
---@return codearts.build.Error? err
local function run(flow, await, stopped, waits)
  local found, store = pcall(flow.client.key_store, flow.client)
  if not found and not core.is_error(store) then -- a debug hook's
    error(store, 0)
  elseif not found then
    store.outcome = "not_started"
    return nil, store
  end
  return flow:run(await, stopped, Shelf.new(store, flow.facts.scope, flow.client, await, waits))
end

local start = {}

--- See Client:start. Raises usage errors; all else is in the task.
---@param client codearts.build.Client
---@param args codearts.build.RunArgs
---@param opts codearts.build.RunOptions with a key
---@param operation? string
---@return codearts.build.Task
function start.begin(client, args, opts, operation)
  if client.host and client.host.ready then
    client.host.ready "not_started"
  end
  local flow = prepare(client, args, opts, operation, false)
  local function let_go(is_broken)
    flow.attempts:cancel()
    if flow.shelf then
      flow.shelf:close()
    end
    if is_broken then
      collect() -- what was locked, and not kept yet
    end
  end
  local begun, task = pcall(client.task, client, function(await, stopped)
    return run(flow, await, stopped, false)
  end, function()
    return flow:so_far()
  end)
  if not begun then
    let_go(true)
    error(task, 0)
  end
  return task:on_done(function(_, err)
    let_go(core.is_error(err) and err.reason == "internal") -- whatever the flow raised
    if flow.warnings then
      deliver(flow.warnings, { client.on_event, flow.on_event })
    end
  end)
end

--- Runs the flow where its caller waits for it anyway: nothing of it is left to be told in a step, so that what
--- raises in the midst of it, as Ctrl-C does, comes out here.
local function run_here(flow)
  local client, attempts = flow.client, flow.attempts
  local function await(call)
    if call == attempts and not client.host then
      return attempts:settle()
    end
    client:wait_for(call, nil, true)
    return call:try_wait()
  end
  local function stopped()
    return client.closed
  end
  local result, err = run(flow, await, stopped, true)
  if flow.warnings then
    local open, nothing = pcall(client.sleep, client, 0)
    if open then -- as every callback, inside of a step
      client:wait_for(
        nothing:on_done(function()
          deliver(flow.warnings, { client.on_event, flow.on_event })
        end),
        nil,
        true
      )
    end
  end
  return result, err
end

--- The same for who waits for it. Raises memory that ran out alone, and what a debug hook raised before it began.
---@param client codearts.build.Client outside of its steps, where who waits blocks
---@param args codearts.build.RunArgs
---@param opts codearts.build.RunOptions with a key
---@param operation? string
---@return codearts.build.Result? result
---@return codearts.build.Error? err
function start.try_run(client, args, opts, operation)
  local prepared, flow = pcall(prepare, client, args, opts, operation, true)
  if not prepared then
    return problems.answer(flow)
  end
  local ok, result, err = pcall(nginx_request.hide, run_here, flow)
  if not ok then
    return nil, flow:broken_off(result)
  elseif core.is_error(err) then
    err.outcome = client:seen_from_here(err.outcome) -- a store may come back in a forked child
  end
  return result, err
end

return start
