--- What the service says about one build: its record, its verdict, its steps. Functions take `await` of a client task.
local core = require "codearts.build.core"
local operation_call = require "codearts.build.operation_call"

local record = {}

-- Statuses that the documentation shows for finished builds (API reference 7.5). No complete list is documented, and
-- nothing is known about queued and running builds, so any other text is judged by the rest of the record.
local SUCCESS = { SUCCESS = true }
local NO_SUCCESS = { FAILURE = true, ABORTED = true, SCHEDULE_FAILURE = true }

--- A number that older editions of the service print as a string (API reference 7.6, 9).
---@param value any
---@return number?
function record.number(value)
  if type(value) == "number" or type(value) == "string" then
    return tonumber(value)
  end
  return nil
end

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

record.text = text

local function protocol_error(operation, message)
  return core.error {
    kind = "protocol",
    reason = "bad_json",
    operation = operation,
    retryable = true,
    message = message,
  }
end

--- Whether asking again later may help. An answer that makes no sense may come from a proxy on the way, and pass too.
---@param err table
---@return boolean
function record.may_pass(err)
  return err.retryable or err.kind == "protocol"
end

--- Calls an operation and unwraps `result`.
local function fetch_result(await, target, operation, args, opts, keep_broken)
  local body, err = await(operation_call.start(target.client, operation, args, opts, keep_broken))
  if err then
    return nil, err
  elseif type(body) ~= "table" or type(body.result) ~= "table" then
    return nil, protocol_error(operation, operation .. " answered without a result")
  end
  return body.result
end

record.fetch_result = fetch_result

--- The record detail of the build (API reference 7.3), with build_no as a number.
---@return table? detail
---@return table? err
function record.fetch(await, target, opts)
  local detail, err = fetch_result(
    await,
    target,
    "ShowRecordDetail",
    { job_id = target.job_id, build_no = target.build_no },
    opts
  )
  if not detail then
    return nil, err
  end
  detail.build_no = record.number(detail.build_no) or target.build_no
  return detail
end

--- The verdict that a status text alone allows.
---@param status any
---@return "success"|"failure"|nil verdict nil: the text says nothing certain
function record.verdict_of_status(status)
  local name = text(status) and status:upper()
  if SUCCESS[name] then
    return "success"
  elseif NO_SUCCESS[name] then
    return "failure"
  end
  return nil
end

--- Whether the service says that a build runs no more: build-info of this build, else the status of its task.
local function has_stopped(await, target, opts)
  local info = fetch_result(
    await,
    target,
    "ShowBuildDetails",
    { job_id = target.job_id, build_no = target.build_no },
    opts
  )
  if info and type(info.building) == "boolean" then
    return not info.building
  end
  local body =
    await(operation_call.start(target.client, "ShowJobStatus", { job_id = target.job_id }, opts))
  return type(body) == "table" and body.result == false
end

--- The verdict on a build: a text that is not known is never a success, and ends the build only if the record has a
-- finish time and the service says that nothing runs any more.
---@return "success"|"failure"|nil verdict nil: the build is not over
function record.verdict(await, target, detail, opts)
  local verdict = record.verdict_of_status(detail.status)
  if verdict or not text(detail.finish_time) then
    return verdict
  end
  return has_stopped(await, target, opts) and "failure" or nil
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

---@class codearts.build.Step
---@field name string
---@field status string as the service words it; "" is a step that has not run yet
---@field time number? seconds

--- The steps of a build (API reference 7.4); their times are milliseconds there.
---@return codearts.build.Step[]? steps
---@return table? err
function record.steps(await, target, opts)
  local body, err = await(
    operation_call.start(
      target.client,
      "ShowHistoryDetails",
      { job_id = target.job_id, build_number = target.build_no },
      opts
    )
  )
  if err then
    return nil, err
  end
  local steps = {}
  for _, item in ipairs(record.list(type(body) == "table" and body.build_steps, "name")) do
    local milliseconds = record.number(item.build_time)
    steps[#steps + 1] = {
      name = text(item.name) or "",
      status = text(item.status) or "",
      time = milliseconds and milliseconds / 1000,
    }
  end
  return steps
end

return record
