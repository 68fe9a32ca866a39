--- The builds that the list lacks: it may have what has ended alone.
local judge = require "codearts.build.reconcile.judge"
local listing = require "codearts.build.reconcile.listing"
local places = require "codearts.build.reconcile.places"
local record = require "codearts.build.lifecycle.record"
local times = require "codearts.build.lifecycle.times"

local TIMES =
  { "create_time", "schedule_time", "queued_time", "start_time", "runnable_time", "finish_time" }

--- The latest of all times that a record tells, or false.
local function latest_time(detail)
  local latest = false
  for _, name in ipairs(TIMES) do
    local time = times.parse(detail[name])
    latest = time and math.max(latest or time, time) or latest
  end
  return latest
end

--- The numbers that the list lacks, the highest first, down to those that are too low for the call's own: numbers rise with
--- time.
---@param list codearts.build.List
---@param highest integer the job may have
---@return fun(): integer?, boolean? next the number, and whether the list has none below
local function numbers(list, highest)
  local lowest, old = highest, 0
  for number, began in next, list.builds do
    lowest = math.min(lowest, number)
    old = judge.may_be_since(began, list.started_at) and old or math.max(old, number)
  end
  local number = highest + 1
  return function()
    repeat
      number = number - 1
    until list.builds[number] == nil
    if number > old then
      return number, number < lowest
    end
  end
end

--- Whether an error leaves open what there is, as that of a token which has just ended: others say that it is not there, or not
--- for us.
local function leaves_open(err)
  return err and (err.kind == "cancelled" or err.status == 401 or record.may_pass(err))
end

--- The job's last build, as the service tells it apart from its list, and the highest number that the job may have. That the
--- operation is not there, or not for us, tells nothing.
---@return integer? last 0: it is not told; nil: it may be told later
---@return integer|codearts.build.Error highest
local function last_build(ask, list)
  local answer, err = ask("ShowRunningStatus", { job_id = list.job_id })
  if leaves_open(err) then
    return nil, err
  end
  local told = places.member(answer, "result") or {}
  local last = listing.build_number(told.last_build_no) or 0
  local highest = last
  for number in next, list.builds do
    highest = math.max(highest, number)
  end
  if record.truth(told.is_running) then
    highest = highest + 1 -- the last one may be the last that ended
  end
  return last, highest
end

--- Notes them in `list.builds`. That one began too long ago for the list is told by its record. One without a record was
--- deleted, but for the last, which may not show yet.
---@param ask codearts.build.Ask
---@param list codearts.build.List
---@return boolean whole
---@return codearts.build.Error? err why not
return function(ask, list)
  local last, highest = last_build(ask, list)
  if not last then
    return false, highest
  end
  local asked = 0
  for number, is_lowest in numbers(list, highest) do
    local detail, err = places.detail(ask, list.job_id, number)
    local is_there = detail and (number == last or record.integer(detail.build_no) == number)
    local began = is_there and latest_time(detail) or false
    asked = asked + 1
    if asked > listing.MOST_BUILDS then
      return false, listing.too_many()
    elseif is_there or number == last then
      list.builds[number] = began
    elseif leaves_open(err) then
      return false, err
    end
    if is_lowest and not is_there or not judge.may_be_since(began, list.started_at) then
      break
    end
  end
  return true
end
