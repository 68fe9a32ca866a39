--- client:call: any operation of the service by name, with checked arguments, the client's signing, retries and errors.
local core = require "codearts.build.core"
local AtomicFile = require "codearts.build.atomic_file"
local operation_request = require "codearts.build.operations.request"
local twins = require "codearts.build.operations.twins"

local operation_call = {}

---@class codearts.build.CallOptions
---@field async? boolean answer a call object at once instead of waiting (default false)
---@field to? string|fun(chunk: string) where the bytes of an operation that is not JSON go: a file or a function
---@field timeout? number seconds per attempt
---@field deadline? number seconds over all attempts
---@field retry? false|table
---@field headers? table<string, string>
---@field auth? any
---@field on_event? fun(event: table)

--- What an answer is given as: decoded (nil); decoded, with characters that are broken left in its texts, for the joiner of a
-- log; or as the text that came, if there is one that says it, judged all the same.
---@alias codearts.build.AnswerForm nil|"cut"|"text"

local function bad_target(operation, message)
  error(core.error { kind = "usage", field = "to", operation = operation, message = message }, 0)
end

--- Splits off the options that are ours; the rest is for the request and checked there.
local function split_options(name, row, opts)
  local to, request_options = nil, {}
  for key, value in pairs(opts or {}) do
    if key == "to" then
      to = value
    elseif key ~= "async" then
      request_options[key] = value
    end
  end
  if to ~= nil and not row.bytes then
    bad_target(name, name .. " answers JSON: the option to is for operations that answer bytes")
  elseif to ~= nil and type(to) ~= "string" and type(to) ~= "function" then
    bad_target(name, "to must be a file name or a function")
  end
  return to, request_options
end

--- Where the pieces of a byte answer go: what the request takes as `stream`, and what to do at its end.
local function open_target(to)
  if type(to) == "function" then
    local bytes = 0
    return {
      stream = function(chunk)
        bytes = bytes + #chunk
        to(chunk)
      end,
      finish = function()
        return bytes
      end,
      discard = function() end,
    }
  end
  local file, err = AtomicFile.open(to)
  if not file then
    error(err, 0)
  end
  return {
    stream = file.spool,
    finish = function()
      return file:commit()
    end,
    discard = function()
      return file:discard()
    end,
  }
end

--- Whether the operation starts a build. Raises kind "usage" for a name that is none.
---@param name string
---@return boolean
function operation_call.starts_build(name)
  return operation_request.row(name).starts_build or false
end

--- Asks the operation's twin, which is asked from now on.
local function ask_twin(await, client, name, args, opts, form)
  local gone = rawget(client, "gone") or {}
  rawset(client, "gone", gone)
  gone[name] = true
  local twin = twins.of(name)
  if twin.answer and form == "text" then
    form = nil -- it has to be given another form
  end
  local body, err = await(operation_call.start(client, twin.name, twin.args(args), opts, form))
  if err then
    return nil, err
  end
  return twin.answer and twin.answer(body) or body
end

--- Starts an operation, or its twin where the service has no such operation any more. Usage errors are raised at once;
-- everything else is in the call object.
---@param client codearts.build.Client
---@param name string
---@param args? table
---@param opts? codearts.build.CallOptions
---@param form? codearts.build.AnswerForm
---@return table call
function operation_call.start(client, name, args, opts, form)
  local spec, row = operation_request.prepare(name, args)
  local to, request_options = split_options(name, row, opts)
  local gone = rawget(client, "gone")
  if gone and gone[name] then
    return client:task(function(await)
      return ask_twin(await, client, name, args, request_options, form)
    end)
  end
  if not row.bytes then
    spec.answer = form
  end
  local target
  if to then
    target = open_target(to)
    spec.stream = target.stream
  end
  local ok, request = pcall(client.request, client, spec, request_options)
  if not ok then
    if target then
      target.discard()
    end
    error(request, 0)
  end
  return client:task(function(await)
    local body, err = await(request)
    if twins.is_gone(err) and twins.of(name) then
      return ask_twin(await, client, name, args, request_options, form)
    elseif err then
      return nil, target and target.discard() or err
    elseif target then
      return target.finish()
    end
    return body == "" and form == "text" and true or body -- as without a body, see csrc/lua/lua_body.c
  end)
end

return operation_call
