-- Reads what a request asks for and refuses what it may not be, in the service's words.

local fault = require "codearts.build.sandbox.fault"

local M = {}

local MAX_INT32 = 2147483647

---An integer of the query.
---@param request codearts.build.sandbox.Request
---@param name string
---@param from integer
---@param to integer
---@param default integer|nil nil: mandatory
---@return integer
function M.integer(request, name, from, to, default)
  local text = request.query[name]
  if text == nil and default then
    return default
  end
  local value = text and text:find("^%d+$") and #text < 16 and tonumber(text)
  if not value or value < from or value > to then
    fault.invalid(("%s must be an integer from %d to %d"):format(name, from, to))
  end
  return value
end

---A text of the query in the form that `parse` knows.
---@param request codearts.build.sandbox.Request
---@param name string
---@param parse fun(text: string): number|nil
---@param form string for the complaint
---@return number
function M.time(request, name, parse, form)
  local value = parse(request.query[name] or "")
  if not value then
    fault.invalid(("%s must be a time of the form %s"):format(name, form))
  end
  return value
end

---@param id any
---@return boolean
function M.is_id(id)
  return type(id) == "string" and #id == 32 and id:find("^[0-9a-z]+$") ~= nil
end

---@param sandbox codearts.build.sandbox.Sandbox
---@param id any
---@return codearts.build.sandbox.Job
function M.job(sandbox, id)
  if not M.is_id(id) then
    fault.invalid_job_id()
  end
  local job = sandbox.jobs[id]
  if not job then
    fault.not_found("the build task " .. id .. " does not exist")
  end
  return job
end

---@param sandbox codearts.build.sandbox.Sandbox
---@param job_id any
---@param number any text of a decimal integer
---@return codearts.build.sandbox.Build
function M.build(sandbox, job_id, number)
  local job = M.job(sandbox, job_id)
  local value = type(number) == "string"
    and number:find("^%d+$")
    and #number < 16
    and tonumber(number)
  if not value or value < 1 or value > MAX_INT32 then
    fault.invalid("the build number must be an integer from 1 to " .. MAX_INT32)
  end
  local build = sandbox.builds:find(job.id, value)
  if not build then
    fault.not_found(("build %s of the build task %s does not exist"):format(number, job_id))
  end
  return build
end

---The build that the path names by job and number.
function M.path_build(sandbox, request)
  return M.build(sandbox, request.params.job_id, request.params.build_no)
end

---The build of the path's job that the query names by number; without one the newest.
function M.query_build(sandbox, request)
  local job = M.job(sandbox, request.params.job_id)
  local number = request.query.build_no
  local build = number and M.build(sandbox, job.id, number) or sandbox.builds:last(job.id)
  if not build then
    fault.not_found("the build task has no build")
  end
  return build
end

---The build that the path names by its record id.
function M.record(sandbox, request)
  local id = request.params.record_id
  if #id ~= 36 or not id:find("^[0-9a-z-]+$") then
    fault.invalid("record_id must be 36 digits, lower-case letters or hyphens")
  end
  local build = sandbox.builds:find_record(id)
  if not build then
    fault.not_found("the record " .. id .. " does not exist")
  end
  return build
end

---@param sandbox codearts.build.sandbox.Sandbox
---@param request codearts.build.sandbox.Request
function M.project(sandbox, request)
  local id = request.params.project_id
  if not M.is_id(id) then
    fault.invalid("project_id must be 32 digits and lower-case letters")
  elseif id ~= sandbox.options.project_id then
    fault.not_found("the project " .. id .. " does not exist")
  end
end

return M
