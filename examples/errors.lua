-- What can go wrong with a start, and what to do about it:
--
--     lua examples/errors.lua JOB_ID
--
-- Region or endpoint and credentials come from the environment.
local build = require "codearts.build"

local result, err = build.try_run { job_id = arg[1] }

if result then
  print(("build %s was started"):format(result.actual_build_number))
elseif err.kind == "usage" or err.kind == "config" then
  print(("correct %s: %s"):format(err.field or "the arguments", err.message))
elseif err.outcome == "unknown" then
  -- Never start it again blindly: look first. result:status() and err:reconcile() ask the service.
  print("it may have been started: " .. tostring(err))
elseif err.outcome == "started" then
  print("it was started, but its numbers are lost: " .. tostring(err))
elseif err.kind == "auth" then
  print("sign in again, or ask for the permission: " .. tostring(err))
elseif err.retryable then
  print("try again later: " .. tostring(err))
else
  print(tostring(err))
end

-- Every error tells itself in one line, and that line never holds a secret. `build.run` raises the
-- same object:
local ok, raised = pcall(build.run, { job_id = "too short" })
assert(not ok and build.is_error(raised) and raised.field == "job_id")
