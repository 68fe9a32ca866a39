--- The one judgement on what the service says about builds and steps. Pure, and without the core.
local ascii = require "codearts.build.ascii"

local verdict = {}

-- Statuses that the documentation shows for finished builds (API reference 7.5). No complete list is documented, and nothing
-- is known about queued and running builds.
local DOCUMENTED = {
  SUCCESS = "success",
  FAILURE = "failure",
  SCHEDULE_FAILURE = "failure",
  ABORTED = "cancelled",
}

-- What third parties and other services call an end. Such a word alone proves nothing, but where it stands it is worth asking
-- whether the build still runs.
local SOUNDS_FINAL = {
  UNKNOWN = true,
  TIMEOUT = true,
  ERROR = true,
  FAIL = true,
  FAILED = true,
  CANCELED = true,
  CANCELLED = true,
  STOPPED = true,
  TERMINATED = true,
  EXPIRED = true,
  REJECTED = true,
  UNSTABLE = true,
  NOT_BUILT = true,
}

-- What they call a build that has none: whatever times stand beside it, services write some there from the beginning.
local SOUNDS_OPEN = {
  RUNNING = true,
  QUEUED = true,
  QUEUING = true,
  INQUEUE = true,
  IN_QUEUE = true,
  PENDING = true,
  WAITING = true,
  BLOCKED = true,
  INIT = true,
  CREATED = true,
  SCHEDULED = true,
  STARTING = true,
  STARTED = true,
  BUILDING = true,
  EXECUTING = true,
  PROCESSING = true,
  IN_PROGRESS = true,
  INPROGRESS = true,
}

local CANCELLED = { CANCELED = true, CANCELLED = true, STOPPED = true }

---@alias codearts.build.Verdict "success"|"failure"|"cancelled"|"unknown" the last: over, and nothing tells how it ended

local function word(status)
  return type(status) == "string" and ascii.upper(ascii.trim(status)) or ""
end

--- The verdict that a build's status alone allows.
---@param status any
---@return codearts.build.Verdict? verdict nil: the text says nothing certain
function verdict.of_status(status)
  return DOCUMENTED[word(status)]
end

--- Whether a status that says nothing certain sounds like an end.
---@param status any
---@return boolean
function verdict.sounds_final(status)
  return SOUNDS_FINAL[word(status)] or false
end

--- Whether a status sounds like a build that goes on, or has not begun.
---@param status any
---@return boolean
function verdict.sounds_open(status)
  return SOUNDS_OPEN[word(status)] or false
end

--- The verdict on a build that is over: a word that is not known says nothing of how it ended, and one that sounds like another end
--- than success never means it.
---@param status any
---@param told? codearts.build.Verdict what the service tells of the build beside it
---@return codearts.build.Verdict
function verdict.of_end(status, told)
  local name = word(status)
  local says_nothing = name == "UNKNOWN" or not SOUNDS_FINAL[name]
  if DOCUMENTED[name] then
    return DOCUMENTED[name]
  elseif says_nothing or told and told ~= "success" then
    return told or "unknown"
  end
  return CANCELLED[name] and "cancelled" or "failure"
end

--- What is said of an end beside its status.
---@param found codearts.build.Verdict? nil: it is not over
---@return string
function verdict.doubt(found)
  return found == "unknown" and "; nothing tells whether that is a success" or ""
end

local STEPS = {
  [""] = "rest",
  SUCCESS = "good",
  RUNNING = "now",
  ERROR = "bad",
  FAILURE = "bad",
  ABORTED = "bad",
  -- Not documented, but none can mean anything else.
  SCHEDULE_FAILURE = "bad",
  TIMEOUT = "bad",
  FAIL = "bad",
  FAILED = "bad",
  CANCELED = "bad",
  CANCELLED = "bad",
  STOPPED = "bad",
  TERMINATED = "bad",
}

--- How a step stands: not run ("rest"), running ("now"), "good" or "bad". A word that is not known means that it goes on, until
--- its build is over (API reference 7.4); then it tells of no failure: it may be one for a step that was left out.
---@param status string
---@param over any whether the build is over
---@return "rest"|"now"|"good"|"bad"
function verdict.of_step(status, over)
  local known = STEPS[word(status)]
  if known then
    return known
  end
  return (over or SOUNDS_FINAL[word(status)]) and "rest" or "now"
end

return verdict
