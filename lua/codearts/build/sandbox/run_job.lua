-- RunJob and ExecuteJob (API reference 1), and the ways to stop (7.7).

local ask = require "codearts.build.sandbox.ask"
local fault = require "codearts.build.sandbox.fault"
local json = require "codearts.build.sandbox.json"
local parameter = require "codearts.build.sandbox.parameter"

local M = {}

local SCM = {
  "build_tag",
  "build_commit_id",
  "branch",
  "build_type",
  "repo_id",
  "repo_name",
  "scm_type",
  "url",
}

local function body_of(request)
  local body, message = json.decode(request.body)
  if type(body) ~= "table" then
    fault.invalid("the body must be a JSON object" .. (message and ": " .. message or ""))
  end
  return body
end

-- An absent member and a null one are the same.
local function member(object, name)
  if object[name] ~= json.null then
    return object[name]
  end
end

local function parameters_of(body)
  local given = member(body, "parameter") or {}
  if type(given) ~= "table" or (next(given) ~= nil and #given == 0) then
    fault.invalid("parameter must be an array")
  end
  for i, item in ipairs(given) do
    local complaint = type(item) ~= "table" and "it must be an object"
      or parameter.bad_name(item.name)
      or parameter.bad_value(item.value)
    if complaint then
      fault.invalid(("parameter[%d]: %s"):format(i, complaint))
    end
  end
  return given
end

local function scm_of(body)
  local given, scm = member(body, "scm") or {}, {}
  if type(given) ~= "table" or #given > 0 then
    fault.invalid("scm must be an object")
  end
  for _, name in ipairs(SCM) do
    local value = member(given, name)
    if value ~= nil and parameter.bad_value(value) then
      fault.invalid(("scm.%s: %s"):format(name, parameter.bad_value(value)))
    end
    scm[name] = value ~= "" and value or nil
  end
  return scm
end

---POST /v3/jobs/build and POST /v1/job/execute.
function M.run(sandbox, request)
  local body = body_of(request)
  local job = ask.job(sandbox, member(body, "job_id"))
  local build = sandbox.builds:start(job, parameters_of(body), scm_of(body), request.user)
  return {
    status = 200,
    lost = sandbox.gateway:loses(),
    json = {
      octopus_job_name = build.octopus_job_name,
      actual_build_number = tostring(build.number),
      daily_build_number = build.daily,
    },
  }
end

---POST /v3/jobs/{job_id}/{build_no}/stop. For a build that has ended the answer is not documented; the sandbox says no.
function M.stop_build(sandbox, request)
  local stopped = sandbox.builds:stop(ask.path_build(sandbox, request))
  return {
    status = 200,
    json = { success = stopped, result = stopped and "" or "The build is not running" },
  }
end

---POST /v1/job/{job_id}/stop
function M.stop_the_job(sandbox, request)
  local stopped = sandbox.builds:stop(ask.query_build(sandbox, request))
  return { status = 200, json = { status = stopped and "success" or "fail" } }
end

---POST /v3/jobs/stop.
function M.stop_job(sandbox, request)
  local body = body_of(request)
  local build = ask.build(sandbox, member(body, "job_id"), member(body, "build_no"))
  return { status = 200, json = { result = sandbox.builds:stop(build) } }
end

return M
