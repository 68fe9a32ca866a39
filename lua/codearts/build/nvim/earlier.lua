--- What an earlier build was started with, as far as the service tells it.
local jobs = require "codearts.build.nvim.jobs"
local parameters = require "codearts.build.cli.parameters"
local record = require "codearts.build.lifecycle.record"
local session = require "codearts.build.nvim.session"

local earlier = {}

--- Asks an operation; answers its body, or an empty one.
local function ask(operation, args)
  local body = session:await(session.client():call(operation, args, { async = true }))
  return type(body) == "table" and body or {}
end

local function refuse(job_id, number)
  local message =
    "the parameters of build %d cannot be told, so it was not run again; :CodeArts run %s starts a build with those of the job"
  error(
    session.core.error {
      kind = "protocol",
      reason = "bad_answer",
      message = message:format(number, job_id),
    },
    0
  )
end

--- The parameters that the service itself calls not secret (API reference 7.3, ShowBuildRecord): what shows as asterisks is
--- their value. Which they are is worth no error.
---@return table<string, boolean> by name
local function open_ones(job_id, detail)
  local ok, body =
    pcall(ask, "ShowBuildRecord", { record_id = record.text(detail.build_record_id) })
  local result = ok and type(body.result) == "table" and body.result or {}
  local open = {}
  if record.about(result, "build_no", job_id, detail.build_no) then
    for _, item in ipairs(record.rows(result.parameters, "name")) do
      open[tostring(item.name)] = record.truth(item.secret) == false
    end
  end
  return open
end

--- What of the declared parameters the build was given, and the names of those whose values are not told.
local function split(declared, given, job_id, detail)
  local list, without, open = {}, {}, nil
  for _, name in ipairs(declared) do
    local value = given[name]
    local kind = type(value)
    local told = kind == "number" or kind == "boolean" or kind == "string"
    if kind == "string" and value:find "^%*+$" then
      open = open or open_ones(job_id, detail)
      told = open[name]
    end
    if told then
      list[#list + 1] = { name = name, value = value }
    elseif value ~= nil then
      without[#without + 1] = name
    end
  end
  return list, without
end

-- By the build_type of a record (API reference 7.3): its member that tells the code, and that of a start.
local CODE = {
  tag = { told = "tag", sent = "build_tag" },
  commitId = { told = "commit", sent = "build_commit_id" },
  branch = { told = "branch", sent = "branch" },
}

--- Whether the job builds that branch anyway: of several repositories nothing tells which one the record means.
local function is_own(branch, config)
  local scms = record.rows(config.scms, "branch")
  return #scms == 1 and scms[1].branch == branch
end

--- The code that it was a build of, where that is not known to be what the job builds.
---@return table scm
---@return string? without what of it is not told
local function scm_of(detail, config)
  local code = CODE[detail.build_type] or CODE.branch
  local value = record.text(detail[code.told])
  if not value then
    return {}, CODE[detail.build_type] and "its " .. code.told
  end
  local is_left_out = code == CODE.branch and is_own(value, config)
  return { [code.sent] = not is_left_out and value or nil }
end

--- What starts the same build again: its code, and its parameters but those that the job does not declare. Waits. Raises
--- kind "protocol" where the parameters cannot be told.
---@param job_id string
---@param number integer
---@return table args for client:start
---@return string[] without what the service does not tell, to be shown: names of parameters, "its tag"
function earlier.start_of(job_id, number)
  local client = session.client()
  local detail = session:await(client:build(job_id, number):status { async = true })
  local details = ask("ShowHistoryDetails", { job_id = job_id, build_number = number })
  local body = ask("ShowJobConfig", { job_id = job_id, get_all_params = "true" })
  local declared = parameters.declared(body.result)
  local given = record.about(details, "build_number", job_id, number) and details.parameters
  if not declared or declared[1] and type(given) ~= "table" then
    refuse(job_id, number)
  end
  jobs.declares(job_id, client:mask(vim.list_extend({}, declared), body))
  local list, without = split(declared, given, job_id, detail)
  local scm, lost = scm_of(detail, body.result)
  without[#without + 1] = lost
  return { job_id = job_id, parameter = list, scm = scm }, client:mask(without, body)
end

return earlier
