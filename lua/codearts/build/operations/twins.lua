--- Twins of operations: what the service's outdated group does, the current group does under another name (API reference 7.10).
-- Where an operation is gone its twin is asked instead, and answers as the other one would have. Pure.
-- RunJob has one too, ExecuteJob; starts take it in the core.
local twins = {}

local function same(value)
  return value
end

--- One page of the log, as DownloadRealTimeLog answers it (API reference 7.6).
local function page_of(body)
  local result = type(body) == "table" and body.result
  if type(result) ~= "table" then
    return body
  end
  local copy = {}
  for key, value in pairs(body) do
    copy[key] = value
  end
  copy.result = {
    content = result.log,
    has_more_data = result.has_more,
    offset = result.end_offset,
    current_offset = result.start_offset,
  }
  return copy
end

---@class codearts.build.Twin
---@field name string
---@field args fun(args: table): table
---@field answer? fun(body: any): any nil: it has the same form

---@type table<string, codearts.build.Twin>
local TWINS = {
  ShowRecordDetail = { name = "ShowJobBuildRecordDetail", args = same },
  ListBuildInfoRecord = { name = "ListBuildInfoRecordByJobId", args = same },
  StopBuildJob = { name = "StopTheJob", args = same },
  DownloadRealTimeLog = {
    name = "DownloadBuildRealTimeLog",
    args = function(args)
      return {
        job_id = args.job_id,
        build_no = args.build_no,
        start_offset = args.offset,
        size = "1000", -- the one value that the documentation shows
      }
    end,
    answer = page_of,
  },
}

--- The twin of an operation, if it has one.
---@param name string
---@return codearts.build.Twin?
function twins.of(name)
  return TWINS[name]
end

--- Whether an error says that the service has no such operation: nothing was processed then (API reference 6.4).
---@param err table?
---@return boolean
function twins.is_gone(err)
  return err ~= nil
    and err.status == 404
    and type(err.error_code) == "string"
    and err.error_code:find "^APIG[A-Z]*%.0101$" ~= nil
end

return twins
