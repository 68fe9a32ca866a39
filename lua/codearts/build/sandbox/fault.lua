-- Error answers in the service's own words (API reference 6). A handler raises one; the server turns it into the answer.

local M = {}

---@class codearts.build.sandbox.Fault an error answer on its way to the client
---@field status integer
---@field body table
---@field headers table<string, string>|nil

local FAULT = {}

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == FAULT
end

local function raise(status, body, headers)
  error(setmetatable({ status = status, body = body, headers = headers }, FAULT), 0)
end

---An error of the build service or, with a code `APIGW.…`, of the gateway in front of it (API reference 6.3, 6.4).
---@param status integer
---@param code string
---@param message string
---@param headers? table<string, string>
function M.raise(status, code, message, headers)
  raise(status, { error_code = code, error_msg = message }, headers)
end

---400: something in the request is not what the API asks for.
function M.invalid(what)
  M.raise(400, "CB.00060200", "Invalid param: " .. what)
end

---400: not the form of a job id.
function M.invalid_job_id()
  M.raise(400, "CB.00060201", "Invalid task id: it must be the 32-character id of a build task")
end

---404: no such job, build or record. The service documents no code of its own for these; this is its only one with 404.
function M.not_found(what)
  M.raise(404, "CB.00060214", "Not found: " .. what)
end

---401 as the gateway words it (API reference 6.4, texts after APIGW.0301).
function M.unauthorized(text)
  M.raise(401, "APIGW.0301", "Incorrect IAM authentication information: " .. text)
end

local TITLES =
  { [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found" }

---An error in IAM's shape (API reference 2.1): the code is a number.
function M.iam(status, message)
  raise(status, { error = { code = status, message = message, title = TITLES[status] } })
end

return M
