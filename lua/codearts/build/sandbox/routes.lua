-- Which request is which operation: a row each, with its name in the API reference.

local gateway = require "codearts.build.sandbox.gateway"
local iam = require "codearts.build.sandbox.iam"
local reads = require "codearts.build.sandbox.reads"
local run_job = require "codearts.build.sandbox.run_job"

local M = {}

---@class codearts.build.sandbox.Route
---@field operation string
---@field method string
---@field path string
---@field handler fun(sandbox: codearts.build.sandbox.Sandbox, request: codearts.build.sandbox.Request): table
---@field open boolean true where no token or signature is asked for
---@field private pattern string
---@field private names string[]

local function stats(sandbox)
  return { status = 200, json = sandbox:stats() }
end

local function revoke(sandbox)
  sandbox.identities:revoke()
  return { status = 200, json = {} }
end

local OPEN = true

local ROWS = {
  { "RunJob", "POST", "/v3/jobs/build", run_job.run },
  { "ExecuteJob", "POST", "/v1/job/execute", run_job.run },
  { "StopJob", "POST", "/v3/jobs/stop", run_job.stop_job },
  { "StopBuildJob", "POST", "/v3/jobs/{job_id}/{build_no}/stop", run_job.stop_build },
  { "StopTheJob", "POST", "/v1/job/{job_id}/stop", run_job.stop_the_job },
  { "ShowRecordDetail", "GET", "/v4/jobs/{job_id}/{build_no}/record-info", reads.record_detail },
  {
    "ShowJobBuildRecordDetail",
    "GET",
    "/v1/record/{job_id}/{build_no}/record-info",
    reads.record_detail,
  },
  {
    "ShowBuildInfoRecord",
    "GET",
    "/v1/record/{job_id}/{build_no}/build-info-record",
    reads.info_record,
  },
  { "ShowBuildRecord", "GET", "/v1/record/{record_id}/info", reads.build_record },
  { "ShowBuildRecordFullStages", "GET", "/v1/record/{record_id}/full-stages", reads.stages },
  {
    "ShowHistoryDetails",
    "GET",
    "/v3/jobs/{job_id}/{build_no}/history-details",
    reads.history_details,
  },
  {
    "ListBuildParameter",
    "GET",
    "/v1/job/{job_id}/{build_no}/history-parameters",
    reads.build_parameters,
  },
  { "ShowOutputInfo", "GET", "/v3/jobs/{job_id}/{build_no}/output-info", reads.output_info },
  { "ShowJobConfig", "GET", "/v1/job/{job_id}/config", reads.job_config },
  { "ListJobConfig", "GET", "/v3/jobs/{job_id}/query", reads.job_config },
  { "ShowJobStatus", "GET", "/v3/jobs/{job_id}/status", reads.job_status },
  { "ShowJobStepStatus", "GET", "/v1/job/{job_id}/status", reads.step_status },
  { "ShowRunningStatus", "GET", "/v1/job/{job_id}/running-status", reads.running_status },
  { "ShowBuildDetails", "GET", "/v1/job/{job_id}/{build_no}/build-info", reads.build_details },
  {
    "DownloadRealTimeLog",
    "GET",
    "/v3/jobs/{job_id}/{build_no}/real-time-log",
    reads.real_time_log,
  },
  {
    "DownloadBuildRealTimeLog",
    "GET",
    "/v1/log/{job_id}/{build_no}/real-time-log",
    reads.build_real_time_log,
  },
  { "DownloadBuildLog", "GET", "/v4/{record_id}/download-log", reads.build_log },
  { "DownloadBuildFullLog", "GET", "/v1/log/{record_id}/download-log", reads.full_log },
  { "DownloadLogByRecordId", "GET", "/v3/{record_id}/download-log", reads.build_log },
  { "DownloadTaskLog", "GET", "/v4/{record_id}/task-log", reads.task_log },
  { "ShowListHistory", "GET", "/v3/jobs/{job_id}/history", reads.history },
  { "ShowListPeriodHistory", "GET", "/v3/jobs/{job_id}/period-history", reads.period_history },
  { "ListBuildInfoRecord", "GET", "/v3/jobs/{job_id}/build-info-records", reads.info_records },
  { "ListBuildInfoRecordByJobId", "GET", "/v1/record/{job_id}/list", reads.info_records },
  { "ShowJobListByProjectId", "GET", "/v3/{project_id}/jobs", reads.jobs },
  { "ListJob", "GET", "/v1/job/list", reads.list_job },
  { "ListProjectJobs", "GET", "/v1/job/{project_id}/list", reads.jobs },
  { "KeystoneListProjects", "GET", "/v3/projects", iam.list_projects },
  { "KeystoneCreateToken", "POST", "/v3/auth/tokens", iam.create_token, OPEN },
  { "ExchangeIdToken", "POST", "/v3.0/OS-AUTH/id-token/tokens", iam.exchange_id_token, OPEN },
  { "CreateTemporaryKey", "POST", "/v3.0/OS-CREDENTIAL/securitytokens", iam.create_key, OPEN },
  { "MetadataToken", "PUT", "/meta-data/latest/api/token", iam.metadata_token, OPEN },
  { "MetadataKey", "GET", "/openstack/latest/securitykey", iam.metadata_key, OPEN },
  { "PodIdentity", "POST", "/__sandbox/pod-identity", iam.pod_identity, OPEN },
  { "Stats", "GET", "/__sandbox/stats", stats, OPEN },
  { "Revoke", "POST", "/__sandbox/revoke", revoke },
  { "Refuse", "POST", "/__sandbox/refuse", gateway.refuse },
  { "LoseAnswers", "POST", "/__sandbox/lose", gateway.lose },
  { "MoveClock", "POST", "/__sandbox/clock", gateway.move_clock },
}

---@type codearts.build.sandbox.Route[]
M.list = {}

for i, row in ipairs(ROWS) do
  local names = {}
  local pattern = row[3]:gsub("[%-.]", "%%%0"):gsub("{([%w_]+)}", function(name)
    names[#names + 1] = name
    return "([^/]+)"
  end)
  M.list[i] = {
    operation = row[1],
    method = row[2],
    path = row[3],
    handler = row[4],
    open = row[5] or false,
    pattern = "^" .. pattern .. "$",
    names = names,
  }
end

local function parameters(names, first, ...)
  local params, values = {}, { first, ... }
  for i, name in ipairs(names) do
    params[name] = values[i]
  end
  return first ~= nil and params or nil
end

---@param method string
---@param path string percent-decoded, without query
---@return codearts.build.sandbox.Route|nil
---@return table<string, string>|nil params
function M.find(method, path)
  for _, route in ipairs(M.list) do
    local params = route.method == method and parameters(route.names, path:match(route.pattern))
    if params then
      return route, params
    end
  end
end

return M
