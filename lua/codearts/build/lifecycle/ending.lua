--- Whether a build is over, and how it ended. A status of the documentation says so itself; what another one means is asked of
--- the service (API reference 7.2, 7.3, 7.5).
local core = require "codearts.build.core"
local meta = require "codearts.build.meta"
local record = require "codearts.build.lifecycle.record"
local times = require "codearts.build.lifecycle.times"
local verdict = require "codearts.build.lifecycle.verdict"

local ending = {}

-- Seconds by which places of the service may be behind each other.
local TIME_TO_SETTLE = 10

local HOUR, DAY = 3600, 86400 -- how far clocks may differ, and times that name no zone

--- What an operation answered about a build, unless a cache on the way has kept it: that tells of another time, when the build may
--- not have begun yet.
---@return any answer
---@return table? err
---@return boolean? refused it is not to be had; a 401 tells of the credentials alone
local function current(operation, target, answer, err, body)
  local words = meta.kept(body or answer or err, operation)
  if words then
    return nil, record.protocol_error(operation, words)
  elseif not err then
    return answer
  end
  local status = (meta.of(err) or {}).status -- of the service, not of those who sign us in
  local may_pass = record.may_pass(err, target)
  if status and status < 400 and not may_pass then -- a failure within a 200: why is not documented
    err = record.protocol_error(operation, operation .. " failed: " .. err.message)
  end
  return nil, err, status ~= nil and status >= 400 and status ~= 401 and not may_pass
end

--- Whether a record tells when its build ended: what is no time of this build's, as 9999-12-31, its own start, or the end
--- of an earlier one, is what services write of one that has not.
local function has_finish(detail)
  local finish, zoned = times.parse(detail.finish_time)
  -- The service's Date may be that of a gateway whose clock is behind.
  local start, now = times.parse(detail.start_time), core.time()
  now = math.max((meta.of(detail) or {}).date or now, now)
  return finish ~= nil and finish > (start or 0) and finish < now + (zoned and HOUR or DAY)
end

--- Whether a record tells when its build began: `start_time` may be when it was its turn, and `runnable_time`, where there is
--- such a member (API reference 7.3), when the executor really began.
local function has_begun(detail)
  local runnable = detail.runnable_time
  return times.parse(detail.start_time) ~= nil and (runnable == nil or times.parse(runnable) ~= nil)
end

--- Whether the service says that the task of a build runs no more. That it runs does not count if it is about a later build
-- (API reference 7.2); that one counts only if the record has a finish time.
local function has_task_stopped(await, target, finished, opts)
  local args = { job_id = target.job_id }
  local operation = "ShowJobStatus"
  local body, err, refused =
    current(operation, target, record.ask(await, target.client, operation, args, opts))
  local running = nil
  if err and not refused then
    return nil, err
  elseif type(body) == "table" then
    running = record.truth(body.result)
  end
  if running == false or running and not finished then
    return not running
  end
  operation = "ShowRunningStatus"
  local last
  last, err = current(operation, target, record.fetch_result(await, target, operation, args, opts))
  if not last then
    return nil, err
  elseif running == nil then
    running = record.truth(last.is_running)
    if running == nil then
      return nil, record.protocol_error(operation, "nothing tells whether the build runs")
    elseif not running or not finished then
      return not running
    end
  end
  local number = record.integer(last.last_build_no)
  return number ~= nil and number > target.build_no
end

--- Whether the service says that a build runs no more: build-info of this build, else the status of its task.
---@return boolean? stopped nil: nothing could be read
---@return table? err
---@return codearts.build.Verdict? told how it ended, by build-info
local function has_stopped(await, target, detail, opts)
  local args = { job_id = target.job_id, build_no = target.build_no }
  local operation = "ShowBuildDetails"
  local info, err, refused =
    current(operation, target, record.fetch_result(await, target, operation, args, opts))
  if err and not refused then
    return nil, err -- what it would tell is more than that the task stands still
  end
  local first = record.list(info, "building")[1]
  first = type(first) == "table" and first or {}
  local building, finished = record.truth(first.building), has_finish(detail)
  local told = verdict.of_status(first.build_result)
  if building == false and told then
    return true, nil, told
  elseif not finished and not verdict.sounds_final(detail.status) then
    return false
  elseif building == nil then
    return has_task_stopped(await, target, finished, opts)
  end
  return not building
end

--- Whether a record that tells no documented end may be one of a build that is over.
local function may_be_over(detail)
  local status = detail.status
  local has_time = times.parse(detail.finish_time) ~= nil
  return has_time and not verdict.sounds_open(status) or verdict.sounds_final(status)
end

--- Whether the end of a build of which nothing tells how it ended is no news: other places of the service may be some seconds
--- behind, so that one which says how, or that it has just begun, comes next.
local function is_settled(target, detail, asked_at)
  local now = core.time()
  now = math.min((meta.of(detail) or {}).date or now, now) -- the one of the two that is ahead would hurry
  local told_at = now - (core.now() - asked_at) -- the record was read again since, which may have taken long
  local start, finish = times.parse(detail.start_time), times.parse(detail.finish_time)
  target.over_since = target.over_since or asked_at
  return has_finish(detail) and told_at - finish >= TIME_TO_SETTLE
    or start ~= nil and told_at - start >= DAY
    or asked_at - target.over_since >= TIME_TO_SETTLE
end

--- The record of a build that has stopped, read again, as it may have ended since it was read; where that cannot be, and will
--- not, what it said before counts if that has a finish time.
local function reread(await, target, detail, opts)
  local later, err = record.fetch(await, target, opts)
  if later and verdict.of_status(later.status) then
    return later
  end
  local refused
  later, err, refused = current("ShowRecordDetail", target, later, err)
  if err and not ((refused or err.kind == "protocol") and has_finish(detail)) then
    return nil, err
  end
  return later or detail
end

local function untold(what)
  return record.protocol_error("ShowBuildDetails", "nothing tells " .. what)
end

--- Whether a record has a time of its own: what has none may wait in a queue.
local function has_time(detail)
  return has_finish(detail) or has_begun(detail)
end

--- The verdict on a build that has stopped, by its record and what build-info told.
---@param asked_at number of core.now(): when the service was asked how it ended
local function judged(target, detail, told, asked_at)
  local known = verdict.of_status(detail.status)
  if known or not may_be_over(detail) then
    return known
  elseif not told and not has_time(detail) then
    return nil, untold "whether the build has begun"
  end
  local found = verdict.of_end(detail.status, told)
  if not told and not is_settled(target, detail, asked_at) then
    return nil, untold "yet how the build ended"
  end
  return found
end

--- The verdict on a build: a text that is not known tells neither success nor failure, and ends the build only if the record has a
-- finish time, or sounds like an end, and the service says that the build runs no more.
---@param target table { client, job_id, build_no }, and what earlier looks at it told
---@return codearts.build.Verdict? verdict nil: the build is not over, as far as is known
---@return table? err why no more is known
---@return table detail the record that it is by, the one that was given or a later one
function ending.verdict(await, target, detail, opts)
  local known, asked_at = verdict.of_status(detail.status), core.now()
  local stopped, err, told = false, nil, nil
  if not known and may_be_over(detail) then
    stopped, err = current("ShowRecordDetail", target, detail)
    if stopped then
      stopped, err, told = has_stopped(await, target, detail, opts)
    end
  end
  if not stopped then
    target.over_since = err and target.over_since
    return known, err, detail
  elseif not told and not has_time(detail) then
    return nil, untold "whether the build has begun", detail
  end
  local later
  later, err = reread(await, target, detail, opts)
  if not later then
    return nil, err, detail
  end
  known, err = judged(target, later, told, asked_at)
  return known, err, later
end

return ending
