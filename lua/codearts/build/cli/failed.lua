--- Which steps of a build failed, and what of a log tells why. Pure.
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

--- What a step is called.
---@param step codearts.build.Step
---@return string
function failed.name(step)
  return step.name ~= "" and step.name or "a step without a name"
end

-- Words of lines that tell why something failed, in lower case, as whole words.
local ALARMS = {
  "error",
  "errors",
  "fail",
  "failed",
  "failure",
  "fatal",
  "panic",
  "exception",
  "traceback",
  "assertion",
  "undefined reference",
  "not found",
  "denied",
  "killed",
}

local function alarms(line)
  local words = " " .. ascii.lower(line):gsub("[^0-9a-z]+", " ") .. " "
  for _, word in ipairs(ALARMS) do
    if words:find(" " .. word .. " ", 1, true) then
      return true
    end
  end
  return false
end

--- The end of a log, and before it the first lines that sound like the cause: tools go on talking after it. What is left
-- out in between shows as "...".
---@param lines string[]
---@param last integer how many lines of the end
---@param most integer how many of the others
---@return string[]
function failed.excerpt(lines, last, most)
  local excerpt, from = {}, math.max(1, #lines - last + 1)
  local before = 0 -- the last one taken
  for index = 1, from - 1 do
    if #excerpt < most * 2 and alarms(lines[index]) then
      if before > 0 and index > before + 1 then
        excerpt[#excerpt + 1] = "..."
      end
      excerpt[#excerpt + 1], before = lines[index], index
    end
  end
  if before > 0 and from > before + 1 then
    excerpt[#excerpt + 1] = "..."
  end
  for index = from, #lines do
    excerpt[#excerpt + 1] = lines[index]
  end
  return excerpt
end

return failed
