--- err:reconcile: asks the service whether a call whose outcome is unknown started a build.
---
--- Only identity proves anything: with the call's option `run_id` a fresh UUID went into a parameter
--- of the job, and a build that shows it is the call's own. Without it, all builds that began since
--- are candidates, and nothing more is claimed.
local core = require "codearts.build.core"

-- The service's clock may differ from ours by as much as it tolerates (API reference 3.1).
local CLOCK_SKEW = 900
-- The zone of the list's times is not documented: a day more at both ends covers each.
local DAY = 86400
local PAGE = 100
local MOST_PAGES = 20

local DEFAULTS = { timeout = 10, interval = 1 }

local function usage(field, message)
  error(core.error { kind = "usage", field = field, message = field .. ": " .. message }, 0)
end

local function read_options(opts)
  local read = { timeout = DEFAULTS.timeout, interval = DEFAULTS.interval }
  if opts ~= nil and type(opts) ~= "table" then
    usage("opts", "must be a table")
  end
  for name, value in next, opts or {} do
    if name == "async" and type(value) == "boolean" then
      read.async = value
    elseif not DEFAULTS[name] then
      usage(tostring(name), "unknown name; only timeout, interval and async")
    elseif type(value) ~= "number" or not (value >= 0 and value < math.huge) then
      usage(name, "must be a number of seconds")
    else
      read[name] = value
    end
  end
  return read
end

local function day(time)
  return os.date("!%Y-%m-%d %H:%M:%S", math.floor(time))
end

--- The numbers of the job's builds that began since the call, newest first (API reference 7.8).
--- nil, err when the service does not tell.
local function builds_since(client, await, job_id, since)
  local numbers = {}
  for page = 0, MOST_PAGES - 1 do
    local answer, err = await(client:call("ListBuildInfoRecord", {
      job_id = job_id,
      start_time = day(since - DAY),
      end_time = day(core.time() + DAY),
      page_index = page,
      page_size = PAGE,
    }, { async = true }))
    local result = answer and answer.result
    local states = type(result) == "table" and result.job_build_states
    if type(states) ~= "table" then
      return nil,
        err or core.error {
          kind = "protocol",
          reason = "bad_answer",
          operation = "ListBuildInfoRecord",
          message = "the list of builds has no builds",
        }
    end
    for _, state in ipairs(states) do
      local number = tonumber(state.number)
      local began = tonumber(state.start_time)
      -- A build that has not begun yet may have no time: it counts as one that may be ours.
      if number and (not began or began == 0 or began / 1000 >= since - CLOCK_SKEW) then
        numbers[#numbers + 1] = number
      end
    end
    if #states < PAGE then
      table.sort(numbers, function(a, b)
        return a > b
      end)
      return numbers
    end
  end
  return nil,
    core.error {
      kind = "protocol",
      reason = "too_large",
      operation = "ListBuildInfoRecord",
      message = "there are too many builds to look through",
    }
end

--- Whether this build shows the identity (API reference 7.9). nil, err when the service does not tell.
local function has_identity(client, await, job_id, number, name, run_id)
  local args = { job_id = job_id, build_no = number }
  local answer, err = await(client:call("ListBuildParameter", args, { async = true }))
  if answer and type(answer.result) == "table" then
    for _, parameter in ipairs(answer.result) do
      if parameter.name == name then
        return parameter.value == run_id
      end
    end
  end
  args = { job_id = job_id, build_number = number }
  local details, problem = await(client:call("ShowHistoryDetails", args, { async = true }))
  if details and type(details.parameters) == "table" then
    return details.parameters[name] == run_id
  elseif answer then
    return false
  end
  return nil, err or problem
end

--- The call's result, as the answer that was lost would have given it.
local function result_of(client, await, job_id, number)
  local result = { actual_build_number = ("%d"):format(number) }
  local args = { job_id = job_id, build_no = number }
  local answer = await(client:call("ShowRecordDetail", args, { async = true }))
  local detail = answer and type(answer.result) == "table" and answer.result or {}
  result.daily_build_number = type(detail.daily_build_num) == "string" and detail.daily_build_num
    or nil
  result.octopus_job_name = type(detail.execution_id) == "string" and detail.execution_id or nil
  local build = client:build(job_id, number)
  for name, value in next, result do
    build[name] = value
  end
  return build
end

--- Looks through the builds that were not looked at before. Answers the number of the call's own
--- build; or nil and what kept it from telling about some.
local function find(client, await, meta, seen)
  local numbers, err = builds_since(client, await, meta.job_id, meta.started_at)
  for _, number in ipairs(numbers or {}) do
    if not seen[number] then
      local ours, problem =
        has_identity(client, await, meta.job_id, number, meta.run_id_parameter, meta.run_id)
      if ours then
        return number
      elseif ours == nil then
        err = problem
      else
        seen[number] = true
      end
    end
  end
  return nil, err
end

local function with_identity(client, await, meta, opts)
  local till, seen = core.now() + opts.timeout, {}
  while true do
    local number, err = find(client, await, meta, seen)
    if number then
      return { verdict = "started", result = result_of(client, await, meta.job_id, number) }
    elseif core.now() >= till then
      return err and { verdict = "unknown", error = err } or { verdict = "none_found" }
    end
    local _, stopped = await(client:sleep(math.min(opts.interval, math.max(till - core.now(), 0))))
    if stopped then
      return nil, stopped
    end
  end
end

local function without_identity(client, await, meta)
  local numbers, err = builds_since(client, await, meta.job_id, meta.started_at)
  if not numbers then
    return { verdict = "unknown", error = err }
  end
  local candidates = {}
  for i, number in ipairs(numbers) do
    candidates[i] = client:build(meta.job_id, number)
  end
  return { verdict = "candidates", candidates = candidates }
end

--- What became of a call whose error has outcome "unknown".
---
--- Answers a table: { verdict = "started", result = } the build is the call's own, proved by its
--- run_id · { verdict = "none_found" } none of the job's builds has the run_id, asked again until
--- `timeout` · { verdict = "candidates", candidates = { build, … } } the call had no run_id: the
--- builds that began since, newest first, maybe none · { verdict = "unknown", error = } the service
--- did not tell. Blocks like run, for up to `timeout` and a few requests; raises usage errors.
---@param client codearts.build.Client
---@param err codearts.build.Error
---@param opts? { timeout?: number, interval?: number, async?: boolean } seconds; default 10 and 1
---@return { verdict: string, result?: table, candidates?: table[], error?: codearts.build.Error }
return function(client, err, opts)
  opts = read_options(opts)
  local meta = core.meta(err)
  if not meta or not meta.job_id then
    usage("self", "call this as a method of an error whose outcome is unknown")
  end
  if not opts.async then
    client:check_wait() -- before anything is sent
  end
  local task = client:task(function(await)
    if meta.run_id then
      return with_identity(client, await, meta, opts)
    end
    return without_identity(client, await, meta)
  end)
  if opts.async then
    return task
  end
  return task:wait()
end
