--- Which step of a build is meant. The service's stages alone tell: the list of steps leaves out those that the page of the
--- build does not show, so that a place in it is no number (API reference 7.4).
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local record = require "codearts.build.lifecycle.record"
local stages_of = require "codearts.build.lifecycle.stages"
local verdict = require "codearts.build.lifecycle.verdict"

local steps = {}

---@class codearts.build.Stage
---@field record_id string of its build
---@field key string as the log of one step is asked for (API reference 7.6)
---@field number? integer of the step: N of "stageN"; others have none
---@field name? string
---@field status? string
---@field told? table as it came

local function record_id_of(detail)
  local record_id = record.text(detail.build_record_id)
  return record_id,
    not record_id and record.protocol_error(
      "ShowRecordDetail",
      "the record of the build has no build_record_id"
    ) or nil
end

--- All stages of a build, in their order.
---@param await codearts.build.Await
---@param target table
---@param detail table record of the build
---@return codearts.build.Stage[]? stages
---@return table? err
function steps.stages(await, target, detail)
  local operation = "ShowBuildRecordFullStages"
  local record_id, err = record_id_of(detail)
  local result
  if record_id then
    result, err = record.fetch_result(await, target, operation, { record_id = record_id })
  end
  if not result then
    return nil, err
  end
  local list = stages_of(result.build_stages)
  if not list then
    return nil, record.protocol_error(operation, operation .. " answered without build_stages")
  end
  for _, stage in ipairs(list) do
    stage.record_id = record_id
    stage.number = record.integer(stage.key:match "^stage([1-9]%d*)$")
  end
  return core.came_with(list, result)
end

local function those(list, is_meant)
  local found = {}
  for _, one in ipairs(list) do
    if is_meant(one) then
      found[#found + 1] = one
    end
  end
  return found
end

local function standing(one)
  return verdict.of_step(one.status, true)
end

local OPPOSITE = { good = "bad", bad = "good" }

--- Whether these steps can be these stages, one by one.
local function can_be(here, there)
  for index, one in ipairs(here) do
    local stage = there[index]
    if not stage or standing(stage) == OPPOSITE[standing(one)] then
      return false
    end
  end
  return #here == #there
end

--- The stage that a step of the list is: by its name and how it stands, where that is as often among the steps as among the
--- stages, else by its name alone.
---@param list codearts.build.Step[]
---@param place integer
---@param stages codearts.build.Stage[]
---@return codearts.build.Stage? stage nil: it cannot be told from others
function steps.stage_of(list, place, stages)
  local step = list[place]
  local function is_called(one)
    return one.name == step.name
  end
  local function stands_alike(one)
    return is_called(one) and standing(one) == standing(step)
  end
  for _, is_meant in ipairs { stands_alike, is_called } do
    local here, there = those(list, is_meant), those(stages, is_meant)
    for index, one in ipairs(can_be(here, there) and here or {}) do
      if one == step then
        return there[index]
      end
    end
  end
  return nil
end

--- The stages that a text fits, by their names and keys: exactly, else without regard to case.
local function matches(stages, text)
  local function fits(form)
    return those(stages, function(stage)
      return form(stage.name) == form(text) or form(stage.key) == form(text)
    end)
  end
  local exact = fits(tostring)
  return #exact > 0 and exact or fits(ascii.lower)
end

--- "1 (Test), 3 (Test)".
local function numbered(stages)
  local texts = {}
  for index, stage in ipairs(stages) do
    texts[index] = ("%s (%s)"):format(stage.number or stage.key, stage.name)
  end
  return table.concat(texts, ", ")
end

--- The one stage that a text fits.
local function matching(target, text, stages)
  local found = matches(stages, text)
  if #found == 1 then
    return found[1]
  end
  local message = #found == 0
      and ("the build has no step %q; its steps are: %s"):format(text, numbered(stages))
    or ("several steps are called %q: %s; give the number of the one that is meant"):format(
      text,
      numbered(found)
    )
  local problem = { kind = "usage", field = "step", message = message }
  return nil, target.client:problem(problem, stages, target.result)
end

--- The stage of a step that is given by its number or its name.
---@param await codearts.build.Await
---@param target table
---@param step string|integer
---@return codearts.build.Stage? stage
---@return table? err
function steps.find(await, target, step)
  local detail, err = record.fetch(await, target)
  if not detail then
    return nil, err
  end
  if type(step) == "number" then
    local record_id, problem = record_id_of(detail)
    return record_id and { record_id = record_id, key = ("stage%d"):format(step) }, problem
  end
  local stages, problem = steps.stages(await, target, detail)
  if not stages then
    return nil, problem
  end
  return matching(target, step, stages)
end

return steps
