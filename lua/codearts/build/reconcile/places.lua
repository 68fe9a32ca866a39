--- What the service shows of one build, in the places that may tell of it.
local core = require "codearts.build.core"
local judge = require "codearts.build.reconcile.judge"
local record = require "codearts.build.lifecycle.record"

local places = {}

--- A member of an answer that is a list or an object, which knows its answer; nil if there is none.
function places.member(answer, name)
  local value = type(answer) == "table" and answer[name]
  return type(value) == "table" and core.came_with(value, answer) or nil
end

--- The record of a build (API reference 7.3).
---@param ask codearts.build.Ask
---@param job_id string
---@param number integer
---@return table? detail nil: there is none, or one of another build
---@return codearts.build.Error? err
function places.detail(ask, job_id, number)
  local answer, err = ask("ShowRecordDetail", { job_id = job_id, build_no = number })
  return record.about(places.member(answer, "result"), "build_no", job_id, number), err
end

--- The three places that show a build's parameters (API reference 7.9, 7.4, 7.3); nil, err when one does
--- not tell.
local SOURCES = {
  function(ask, job_id, number)
    local answer, err = ask("ListBuildParameter", { job_id = job_id, build_no = number })
    return places.member(answer, "result"), err
  end,
  function(ask, job_id, number)
    local answer, err = ask("ShowHistoryDetails", { job_id = job_id, build_number = number })
    answer = record.about(answer, "build_number", job_id, number)
    local map, list = places.member(answer, "parameters"), {}
    for name, value in next, map or {} do
      list[#list + 1] = { name = name, value = value }
    end
    return map and list, err
  end,
  function(ask, job_id, number)
    local detail, err = places.detail(ask, job_id, number)
    local id = detail and detail.build_record_id
    if type(id) ~= "string" or not id:find "^[0-9A-Za-z-]+$" then
      return nil, err
    end
    local answer
    answer, err = ask("ShowBuildRecord", { record_id = id })
    answer = record.about(places.member(answer, "result"), "build_no", job_id, number)
    return places.member(answer, "parameters"), err
  end,
}

local function silent(number)
  return record.protocol_error(
    "ListBuildParameter",
    ("the parameters of build %d are not shown"):format(number)
  )
end

--- Whether a build shows the id. Answers "own" with the parameters that it shows, "other", "hidden", or
--- nil and what kept the service from telling. Another value in one place is not believed before the other
--- places were asked, unless no absence is to be proved, nor where one of them says that it is a secret.
function places.sight(ask, spec, number)
  local told, problem, seen
  for _, source in ipairs(SOURCES) do
    local parameters, err = source(ask, spec.job_id, number)
    local sight = parameters and judge.sight(parameters, spec.parameter, spec.run_id)
    if sight == "own" or sight == "other" and spec.newest and not seen then
      return sight, nil, parameters
    elseif err and err.kind == "cancelled" then
      return nil, err
    end
    seen = seen == "hidden" and seen or sight or seen
    told = told or parameters ~= nil
    if not parameters and not (err and err.status == 404) then -- 404: there is no such place
      problem = problem or err or silent(number)
    end
  end
  if seen == "other" then
    return seen
  elseif told and not problem then
    return "hidden"
  end
  return nil, problem or silent(number)
end

return places
