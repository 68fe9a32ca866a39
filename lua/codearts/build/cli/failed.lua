--- Which steps of a build failed, and how to ask for their logs. Pure.
local ascii = require "codearts.build.ascii"
local verdict = require "codearts.build.lifecycle.verdict"

local failed = {}

--- The places of the steps that went wrong.
---@param steps codearts.build.Step[]
---@param over any whether the build is over
---@return integer[]
function failed.places(steps, over)
  local places = {}
  for place, step in ipairs(steps) do
    if verdict.of_step(step.status, over) == "bad" then
      places[#places + 1] = place
    end
  end
  return places
end

--- How to ask for the log of a step: by its name, because the list may leave out steps that the service counts, or by its
-- place where another has the name too, or it reads like a stage key.
---@param steps codearts.build.Step[]
---@param place integer
---@return string|integer
function failed.asked_for(steps, place)
  local name = steps[place].name
  local lower = ascii.lower(name)
  if name == "" or lower:find "^stage%d+$" or lower == "initial" or lower == "final" then
    return place
  end
  for other, step in ipairs(steps) do
    if other ~= place and ascii.lower(step.name) == lower then
      return place
    end
  end
  return name
end

return failed
