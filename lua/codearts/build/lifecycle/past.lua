--- How long earlier builds of a job took: one look at its history.
local calendar = require "codearts.build.calendar"
local core = require "codearts.build.core"
local record = require "codearts.build.lifecycle.record"
local twins = require "codearts.build.operations.twins"
local times = require "codearts.build.lifecycle.times"
local verdict = require "codearts.build.lifecycle.verdict"

local BUILDS = 20 -- more say little more, and what the job was like before them may be long ago
local DAYS = 30 -- as far back as the service looks (API reference 7.8)

--- Seconds that a build of the history took; nil if it does not tell, runs still, or was stopped, which says nothing.
local function duration(item)
  local start, stop = times.parse(item.start_time), times.parse(item.end_time)
  local took = start and stop and stop - start
  if not took or took <= 0 or verdict.of_end(item.result) == "cancelled" then
    return nil
  end
  return took
end

--- The newest builds in the form of the history.
local function history(await, target, opts)
  local body, err = record.ask(await, target.client, "ShowListHistory", {
    job_id = target.job_id,
    offset = 0, -- the service calls the page so
    limit = BUILDS,
    interval = DAYS,
  }, opts)
  if twins.is_gone(err) then
    return nil
  end
  return record.rows(type(body) == "table" and body.history_records, "build_number")
end

--- The same from the list of the current group, which tells how long builds took in milliseconds (API reference 7.8).
local function builds(await, target, opts)
  local now = core.time()
  local body = record.ask(await, target.client, "ListBuildInfoRecordByJobId", {
    job_id = target.job_id,
    start_time = calendar.moment(now - DAYS * 86400),
    end_time = calendar.moment(now + 86400),
    page_index = 0,
    page_size = BUILDS,
  }, opts)
  local result = type(body) == "table" and body.result
  local list = {}
  for index, item in
    ipairs(record.rows(type(result) == "table" and result.job_build_states, "number"))
  do
    local start, took = record.number(item.start_time), record.number(item.build_time)
    local over = verdict.of_status(item.state) or item.job_running_status == "Finished"
    list[index] = {
      build_number = item.number,
      result = item.state,
      start_time = start,
      end_time = over and start and took and start + took or nil,
    }
  end
  return list
end

--- The durations of earlier builds of the job, and those of the ones that succeeded. Trouble here is no news: empty lists.
---@param await function
---@param target { client: table, job_id: string, build_no: integer }
---@param opts table? options of the request
---@return number[] durations
---@return number[] successes
return function(await, target, opts)
  local durations, successes = {}, {}
  for _, item in ipairs(history(await, target, opts) or builds(await, target, opts)) do
    local took = record.number(item.build_number) ~= target.build_no and duration(item)
    if took then
      durations[#durations + 1] = took
      if verdict.of_end(item.result) == "success" then
        successes[#successes + 1] = took
      end
    end
  end
  return durations, successes
end
