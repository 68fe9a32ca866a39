--- How long earlier builds of a job took: one look at its history.
local operation_call = require "codearts.build.operation_call"
local record = require "codearts.build.lifecycle.record"
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

--- The durations of earlier builds of the job, and those of the ones that succeeded. Trouble here is no news: empty lists.
---@param await function
---@param target { client: table, job_id: string, build_no: integer }
---@param opts table? options of the request
---@return number[] durations
---@return number[] successes
return function(await, target, opts)
  local body = await(operation_call.start(target.client, "ShowListHistory", {
    job_id = target.job_id,
    offset = 0, -- the service calls the page so
    limit = BUILDS,
    interval = DAYS,
  }, opts))
  local durations, successes = {}, {}
  local records = type(body) == "table" and body.history_records
  for _, item in ipairs(record.list(records, "build_number")) do
    local took = type(item) == "table"
      and record.number(item.build_number) ~= target.build_no
      and duration(item)
    if took then
      durations[#durations + 1] = took
      if verdict.of_end(item.result) == "success" then
        successes[#successes + 1] = took
      end
    end
  end
  return durations, successes
end
