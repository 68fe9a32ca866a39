--- Exit statuses of the command: fixed once, never to change. Pure.

local exit_status = {
  success = 0,
  build_failed = 1,
  usage = 2,
  cancelled = 3,
  auth = 4,
  outcome_unknown = 5,
  service = 6,
  wait_timeout = 124,
  hung_up = 129,
  interrupted = 130,
  nobody_reads = 141,
  terminated = 143,
}

--- By the signal that ended us (core.ending).
exit_status.of_ending = {
  HUP = exit_status.hung_up,
  INT = exit_status.interrupted,
  TERM = exit_status.terminated,
}

--- What each means, for the help and the manual.
exit_status.meanings = {
  { exit_status.success, "success" },
  { exit_status.build_failed, "the build failed, or nothing tells how it ended" },
  { exit_status.usage, "usage or configuration" },
  { exit_status.cancelled, "cancelled: somebody stopped the build" },
  { exit_status.auth, "sign-in or permission" },
  { exit_status.outcome_unknown, "unknown whether a build was started" },
  { exit_status.service, "service or network, or standard output cannot be written to" },
  { exit_status.wait_timeout, "waiting timed out; the build goes on" },
  { exit_status.hung_up, "hung up; the build goes on, unless --on-interrupt stop" },
  { exit_status.interrupted, "interrupted; the same" },
  { exit_status.nobody_reads, "nobody reads standard output any more; the build goes on" },
  { exit_status.terminated, "terminated; the same as interrupted" },
}

local BY_KIND = {
  usage = exit_status.usage,
  config = exit_status.usage,
  auth = exit_status.auth,
  cancelled = exit_status.cancelled,
  api = exit_status.service,
  transport = exit_status.service,
  timeout = exit_status.service,
  protocol = exit_status.service,
  key = exit_status.service,
}

local BY_VERDICT = {
  failure = exit_status.build_failed,
  cancelled = exit_status.cancelled,
  unknown = exit_status.build_failed, -- 0 would claim a success
}

--- The status for a build.
---@param found codearts.build.Verdict? nil: it is not over
---@return integer
function exit_status.of_verdict(found)
  return BY_VERDICT[found] or exit_status.success
end

--- The status for a structured error.
---@param err table
---@return integer
function exit_status.of_error(err)
  if err.kind == "key" and err.reason == "mismatch" then
    return exit_status.usage
  elseif err.outcome == "unknown" then
    return exit_status.outcome_unknown
  elseif err.kind == "build" then
    return exit_status.of_verdict(err.verdict)
  elseif err.kind == "timeout" and err.reason == "wait" then
    return exit_status.wait_timeout
  end
  return BY_KIND[err.kind] or exit_status.service
end

-- What matters most when several builds end differently.
local WEIGHT = { 5, 4, 2, 6, 130, 143, 129, 141, 124, 3, 1 }

--- The one status for several builds: 0 only if all are 0, else the weightiest.
---@param statuses integer[]
---@return integer
function exit_status.of_all(statuses)
  local seen = {}
  for _, status in ipairs(statuses) do
    seen[status] = true
  end
  for _, status in ipairs(WEIGHT) do
    if seen[status] then
      return status
    end
  end
  return exit_status.success
end

return exit_status
