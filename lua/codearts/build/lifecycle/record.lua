--- What the service says about one build: its record, its steps. Functions take `await` of a client task.
--- The tables that they answer know which answers they came with: client:mask needs not be told.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local ids = require "codearts.build.ids"
local meta = require "codearts.build.meta"
local operation_call = require "codearts.build.operations.call"

local record = {}

-- Seconds that a build which was just started may take to show: until then its record may be answered as if there were none, also
-- after it was seen, by another place of the service that lags.
local TIME_TO_SHOW = 60

local LEAST_ASK = 0.001 -- seconds for a question

-- Far beyond any number or time of the service, and an integer on every Lua.
local LARGEST = 2 ^ 53

--- A number that older editions of the service print as a string (API reference 7.6, 9).
---@param value any
---@return number? number never NaN or infinite
function record.number(value)
  local number = nil
  if type(value) == "number" or type(value) == "string" then
    number = ascii.number(value)
  end
  return number and number >= -LARGEST and number <= LARGEST and number or nil
end

--- The same if it counts something: a build, the rows of a list.
---@param value any
---@return integer?
function record.integer(value)
  local number = record.number(value)
  return number and number >= 0 and number == math.floor(number) and math.floor(number) or nil
end

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

record.text = text

local function protocol_error(operation, message)
  return core.error {
    kind = "protocol",
    reason = "bad_answer",
    operation = operation,
    retryable = true,
    message = message,
  }
end

record.protocol_error = protocol_error

--- Whether asking again later may help. An answer that makes no sense may come from a proxy on the way, and pass too.
-- Which statuses say that a build is not there yet is not documented. What a cache has kept tells of the time when it was said.
---@param err table
---@param target? { fresh_since: number? } the build, if it is one that may not be there everywhere yet
---@return boolean
function record.may_pass(err, target)
  return err.retryable
    or err.kind == "protocol"
    or target ~= nil
      and target.fresh_since ~= nil
      and err.kind == "api"
      and core.now() - ((meta.of(err) or {}).age or 0) - target.fresh_since < TIME_TO_SHOW
end

--- A flow about a build: what the build's start alone was sent with is hidden in its error, too.
---@param target { client: codearts.build.Client, result: table }
---@param flow function
---@return function flow
function record.about_build(target, flow)
  return function(...)
    local answer, err = flow(...)
    if err and err.kind ~= "cancelled" then -- which is ours, and a client that is closed could hide all of it only
      target.client:conceal(err, target.result)
    end
    return answer, err
  end
end

--- How long may be waited for the answer of a question that must have one by then.
---@param till number of core.now()
---@return number? seconds nil: too short to ask
function record.time_left(till)
  local left = till - core.now()
  return left >= LEAST_ASK and left or nil
end

--- What is told of a question that was not asked any more.
---@param operation string
---@return codearts.build.Error
function record.no_time(operation)
  return core.error {
    kind = "timeout",
    reason = "deadline",
    operation = operation,
    message = "no time is left to ask",
    retryable = true,
  }
end

--- Calls an operation. `opts` may be a function that is asked at each call, and answers nothing where there is no time for it.
---@param opts? codearts.build.CallOptions|fun(): codearts.build.CallOptions?
---@return any body
---@return table? err
function record.ask(await, client, operation, args, opts, form)
  if type(opts) == "function" then
    opts = opts()
    if not opts then
      return nil, record.no_time(operation)
    end
  end
  return await(operation_call.start(client, operation, args, opts, form))
end

--- Calls an operation and unwraps `result`.
---@return table? result
---@return table? err
---@return table? body that it was in
local function fetch_result(await, target, operation, args, opts, form)
  local body, err = record.ask(await, target.client, operation, args, opts, form)
  if err then
    return nil, err
  elseif type(body) ~= "table" or type(body.result) ~= "table" then
    return nil, protocol_error(operation, operation .. " answered without a result")
  end
  return core.came_with(body.result, body), nil, body
end

record.fetch_result = fetch_result

--- Calls an operation whose answer is an object.
---@return table? body
---@return table? err
function record.fetch_body(await, client, operation, args, opts)
  local body, err = record.ask(await, client, operation, args, opts)
  if err then
    return nil, err
  elseif type(body) ~= "table" then
    return nil, protocol_error(operation, operation .. " answered what is no object")
  end
  return body
end

--- A list that one edition of the service prints as a single object (API reference 7.8).
---@param value any
---@param mark string a member that a single element has
---@return table[]
function record.list(value, mark)
  if type(value) ~= "table" then
    return {}
  elseif value[mark] ~= nil then
    return { value }
  end
  return value
end

--- The rows of such a list: what else stands among them is none.
---@param value any
---@param mark string
---@return table[]
function record.rows(value, mark)
  local rows = {}
  for _, row in ipairs(record.list(value, mark)) do
    if type(row) == "table" then
      rows[#rows + 1] = row
    end
  end
  return rows
end

--- The list that an answer is made for. An answer without it tells nothing, least of all that there is nothing.
---@param body table
---@param operation string
---@param name string of the member
---@param mark string a member that a single element has
---@return table? list
---@return table? err
local function own_list(body, operation, name, mark)
  local value = body[name]
  if value == core.null or value == nil and record.integer(body.total) == 0 then
    return {}
  end
  local list = record.list(value, mark)
  if type(value) ~= "table" or list[1] == nil and next(list) ~= nil then
    return nil, protocol_error(operation, ("%s answered without %s"):format(operation, name))
  end
  return list
end

--- Calls an operation whose answer is a list: see own_list.
---@return { rows: table[], total: integer? }? answer
---@return table? err
function record.fetch_rows(await, client, operation, args, name, mark)
  local body, err = record.fetch_body(await, client, operation, args)
  local list
  if body then
    list, err = own_list(body, operation, name, mark)
  end
  if not list then
    return nil, err
  end
  local answer = { rows = core.came_with(record.rows(list, mark), body) }
  answer.total = record.integer(body.total)
  meta.add(answer, meta.of(body) or {})
  return answer
end

--- Calls an operation that changes something, whose answer tells no more than that it does: by `success` in one edition, by
--- `status` in the other, of which no other text is known to say so (API reference 7.7).
---@return true? done
---@return table? err
function record.change(await, client, operation, args)
  local body, err = await(operation_call.start(client, operation, args))
  if err then
    return nil, err
  elseif body == true then
    return true -- an answer without a body
  end
  body = type(body) == "table" and body or {}
  local taken = record.truth(body.success) or ascii.lower(text(body.status) or "") == "success"
  if taken and record.truth(body.result) ~= false then
    return true
  end
  return nil,
    protocol_error(operation, operation .. " answered nothing that tells that it was done")
end

--- A boolean that some editions write as a text.
---@return boolean? value nil: it is none
local function truth(value)
  if type(value) == "string" then
    return ({ ["true"] = true, ["false"] = false })[ascii.lower(value)]
  elseif type(value) == "boolean" then
    return value
  end
  return nil
end

record.truth = truth

--- What the service answered, unless it says that it is about another build: a cache or a place that lags behind answers so.
--- Numbers are each job's own, and a record names its job (API reference 7.3).
---@param answer any
---@param name string of the member that holds the number of the build
---@param job_id string
---@param build_no integer
---@return any answer nil: it is about another
function record.about(answer, name, job_id, build_no)
  local told = type(answer) == "table" and answer or {}
  local job, number = told.codeci_job_id, record.number(told[name])
  local is_other = number and number ~= build_no
    or ids.is_id(job) and ascii.lower(job) ~= ascii.lower(job_id)
  return not is_other and answer or nil
end

local function other_build(operation, target)
  return protocol_error(
    operation,
    ("%s answered about another build than %d of %s"):format(
      operation,
      target.build_no,
      target.job_id
    )
  )
end

--- The record detail of the build (API reference 7.3), with build_no as a number. It has the meta of its answer.
---@return table? detail
---@return table? err
function record.fetch(await, target, opts)
  local detail, err, body = fetch_result(
    await,
    target,
    "ShowRecordDetail",
    { job_id = target.job_id, build_no = target.build_no },
    opts
  )
  if not detail then
    return nil, err
  elseif not record.about(detail, "build_no", target.job_id, target.build_no) then
    return nil, other_build("ShowRecordDetail", target)
  end
  detail.build_no = record.integer(detail.build_no) or target.build_no
  meta.add(detail, meta.of(body) or {})
  return detail
end

---@class codearts.build.Step
---@field name string
---@field status string as the service words it; "" is a step that has not run yet
---@field time number? seconds

--- The steps of a build (API reference 7.4); their times are milliseconds there.
---@return codearts.build.Step[]? steps
---@return table? err
function record.steps(await, target, opts)
  local body, err = record.fetch_body(
    await,
    target.client,
    "ShowHistoryDetails",
    { job_id = target.job_id, build_number = target.build_no },
    opts
  )
  if not body then
    return nil, err
  elseif not record.about(body, "build_number", target.job_id, target.build_no) then
    return nil, other_build("ShowHistoryDetails", target)
  end
  local list, problem = own_list(body, "ShowHistoryDetails", "build_steps", "name")
  if not list then
    return nil, problem
  end
  local steps = {}
  for _, item in ipairs(list) do
    item = type(item) == "table" and item or {} -- a step is a place, whatever is known of it
    local milliseconds = record.number(item.build_time)
    steps[#steps + 1] = {
      name = text(item.name) or "",
      status = text(item.status) or "",
      time = milliseconds and milliseconds / 1000,
    }
  end
  return core.came_with(steps, body)
end

return record
