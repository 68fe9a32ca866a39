--- Every operation of the service as data. Written by spec/support/generate_operations.lua: do not edit.
-- A field is { name, type, required }. Types: string, integer, number, boolean, object (any JSON), file (bytes),
-- array<T>, map<string,T>, or a key of `models`. in_path, in_query and in_body say where an argument goes, a body in
-- the order of its fields; body_list: the body is a JSON array of that type, given as the argument `body`;
-- multipart: the body is a form; bytes: the answer is not JSON; starts_build: contract of at most one build.
local operations = {
  AddFavouriteCustomTemplate = {
    method = "POST", path = "/v1/template/custom/{uuid}/follow",
    in_path = { { "uuid", "string", true } },
  },
  AddFavouriteOfficialTemplate = {
    method = "POST", path = "/v1/template/official/{uuid}/follow",
    in_path = { { "uuid", "string", true } },
  },
  AddFavouriteTask = {
    method = "POST", path = "/v1/job/{job_id}/follow",
    in_path = { { "job_id", "string", true } },
  },
  AddKeystorePermission = {
    method = "POST", path = "/v2/keystore/permission/add",
    in_body = {
      { "delete", "boolean", true },
      { "keystore_id", "string", true },
      { "modify", "boolean", true },
      { "usage", "boolean", true },
      { "user_name", "string", true },
      { "user_id", "string", true },
      { "setting", "boolean", true },
      { "can_absent", "boolean", true },
    },
  },
  ApplyProjectPermission = {
    method = "POST", path = "/v1/job/project/permission",
    in_body = { { "job_id", "string" }, { "project_id", "string" }, { "project_switch", "boolean" } },
  },
  BatchDeleteBuildJobs = {
    method = "DELETE", path = "/v1/job/batch-delete",
    in_body = { { "job_ids", "array<string>", true } },
  },
  BatchUpdateJobRolePermission = {
    method = "POST", path = "/v1/job/permissions/batch",
    in_body = {
      { "project_id", "string" },
      { "job_ids", "array<string>" },
      { "project_switch", "boolean" },
      { "permissions", "array<JobRolePermission>" },
    },
  },
  CheckJobCountIsTopLimit = {
    method = "GET", path = "/v1/job/check/count",
  },
  CheckJobInternal = {
    method = "GET", path = "/v1/job/permission/internal",
  },
  CheckJobNameIsExists = {
    method = "GET", path = "/v1/job/check/exist",
    in_query = { { "project_id", "string", true }, { "job_name", "string", true } },
  },
  CheckWebhookUrl = {
    method = "POST", path = "/v1/job/check/webhook-url",
    in_body = {
      { "job_id", "string", true },
      { "notice_type", "string", true },
      { "webhook_url", "string", true },
    },
  },
  ClearRecyclingJobs = {
    method = "DELETE", path = "/v1/job/recycling-empty",
  },
  CopyJob = {
    method = "POST", path = "/v1/job/copy",
    in_body = {
      { "arch", "string", true },
      { "project_id", "string", true },
      { "job_name", "string", true },
      { "copy_job_id", "string", true },
      { "auto_update_sub_module", "string" },
      { "flavor", "string" },
      { "parameters", "array<CreateBuildJobParameter>" },
      { "scms", "array<CreateBuildJobScm>" },
      { "steps", "array<CreateBuildJobSteps>", true },
      { "host_type", "string" },
      { "build_config_type", "string" },
      { "triggers", "array<Trigger>" },
    },
  },
  CreateBuildJob = {
    method = "POST", path = "/v3/jobs/create",
    in_body = {
      { "arch", "string", true },
      { "project_id", "string", true },
      { "job_name", "string", true },
      { "auto_update_sub_module", "string" },
      { "flavor", "string" },
      { "parameters", "array<CreateBuildJobParameter>" },
      { "group_id", "string" },
      { "timeout", "CreateBuildTimeout" },
      { "scms", "array<CreateBuildJobScm>" },
      { "steps", "array<CreateBuildJobSteps>", true },
      { "host_type", "string" },
      { "build_config_type", "string" },
      { "build_if_code_updated", "boolean" },
      { "triggers", "array<Trigger>" },
    },
  },
  CreateJobGroup = {
    method = "POST", path = "/v1/job/{project_id}/group/create",
    in_path = { { "project_id", "string", true } },
    in_body = {
      { "id", "string" },
      { "name", "string" },
      { "project_id", "string" },
      { "parent_id", "string" },
      { "group_id", "string" },
    },
  },
  CreateNewJob = {
    method = "POST", path = "/v1/job/create",
    in_body = {
      { "arch", "string", true },
      { "project_id", "string", true },
      { "job_name", "string", true },
      { "auto_update_sub_module", "string" },
      { "flavor", "string" },
      { "parameters", "array<CreateBuildJobParameter>" },
      { "group_id", "string" },
      { "timeout", "CreateBuildTimeout" },
      { "scms", "array<CreateBuildJobScm>" },
      { "steps", "array<CreateBuildJobSteps>", true },
      { "host_type", "string" },
      { "build_config_type", "string" },
      { "build_if_code_updated", "boolean" },
      { "triggers", "array<Trigger>" },
    },
  },
  CreateTemplate = {
    method = "POST", path = "/v1/template/create",
    in_body = {
      { "template", "CreateTemplate", true },
      { "name", "string", true },
      { "description", "string" },
      { "tool_type", "string" },
      { "parameters", "array<CreateBuildJobParameter>" },
    },
  },
  CreateTemplates = {
    method = "POST", path = "/v3/templates/create",
    in_body = {
      { "template", "CreateTemplate", true },
      { "name", "string", true },
      { "description", "string" },
      { "tool_type", "string" },
      { "parameters", "array<CreateBuildJobParameter>" },
    },
  },
  DeleteBuildJob = {
    method = "POST", path = "/v3/jobs/{job_id}/delete",
    in_path = { { "job_id", "string", true } },
  },
  DeleteGroup = {
    method = "DELETE", path = "/v1/job/{project_id}/group/delete",
    in_path = { { "project_id", "string", true } },
    in_query = { { "id", "string", true } },
  },
  DeleteKeystore = {
    method = "DELETE", path = "/v2/keystore/{keystore_id}/delete",
    in_path = { { "keystore_id", "string", true } },
  },
  DeleteKeystorePermission = {
    method = "DELETE", path = "/v2/keystore/permission/{permission_id}/delete",
    in_path = { { "permission_id", "string", true } },
  },
  DeleteRecyclingJobs = {
    method = "DELETE", path = "/v1/job/recycling-deletion",
    in_body = { { "job_ids", "array<string>", true } },
  },
  DeleteTemplate = {
    method = "DELETE", path = "/v1/template/{uuid}/delete",
    in_path = { { "uuid", "string", true } },
  },
  DeleteTemplates = {
    method = "DELETE", path = "/v3/templates/{uuid}/delete",
    in_path = { { "uuid", "string", true } },
  },
  DeleteTheJob = {
    method = "DELETE", path = "/v1/job/{job_id}/delete",
    in_path = { { "job_id", "string", true } },
  },
  DisableBuildJob = {
    method = "POST", path = "/v3/jobs/{job_id}/disable",
    in_path = { { "job_id", "string", true } },
  },
  DisableNotice = {
    method = "POST", path = "/v3/jobs/notice/{job_id}/disable",
    in_path = { { "job_id", "string", true } },
    in_query = { { "notice_type", "string", true } },
  },
  DisableTheJob = {
    method = "POST", path = "/v1/job/{job_id}/disable",
    in_path = { { "job_id", "string", true } },
    in_body = { { "reason", "string" }, { "disabled", "boolean", true } },
  },
  DownloadBuildFullLog = {
    method = "GET", path = "/v1/log/{record_id}/download-log",
    in_path = { { "record_id", "string", true } },
    in_query = { { "log_level", "string" }, { "compress", "boolean" } },
    bytes = true,
  },
  DownloadBuildLog = {
    method = "GET", path = "/v4/{record_id}/download-log",
    in_path = { { "record_id", "string", true } },
    in_query = { { "log_level", "string" } },
    bytes = true,
  },
  DownloadBuildRealTimeLog = {
    method = "GET", path = "/v1/log/{job_id}/{build_no}/real-time-log",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
    in_query = {
      { "start_offset", "integer" },
      { "end_offset", "integer" },
      { "sort", "string" },
      { "size", "string", true },
    },
  },
  DownloadJunitCoverageZip = {
    method = "GET", path = "/v1/report/junit/coverage/download",
    in_query = {
      { "job_id", "string", true },
      { "build_no", "integer", true },
      { "root_id", "string", true },
    },
    bytes = true,
  },
  DownloadKeystore = {
    method = "GET", path = "/v3/keystore",
    in_query = { { "file_name", "string", true }, { "domain_id", "string", true } },
    bytes = true,
  },
  DownloadKeystoreByName = {
    method = "GET", path = "/v2/keystore/download",
    in_query = { { "name", "string", true }, { "domain_id", "string", true }, { "id", "string", true } },
    bytes = true,
  },
  DownloadLogByRecordId = {
    method = "GET", path = "/v3/{record_id}/download-log",
    in_path = { { "record_id", "string", true } },
    bytes = true,
  },
  DownloadRealTimeLog = {
    method = "GET", path = "/v3/jobs/{job_id}/{build_no}/real-time-log",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
    in_query = { { "offset", "integer", true }, { "length", "integer" } },
  },
  DownloadTaskLog = {
    method = "GET", path = "/v4/{record_id}/task-log",
    in_path = { { "record_id", "string", true } },
    in_query = { { "task_name", "string", true }, { "log_level", "string" } },
    bytes = true,
  },
  EnableBuildJob = {
    method = "POST", path = "/v3/jobs/{job_id}/recover",
    in_path = { { "job_id", "string", true } },
  },
  ExecuteJob = {
    method = "POST", path = "/v1/job/execute",
    in_body = { { "job_id", "string", true }, { "parameter", "array<ParameterItem>" }, { "scm", "Scm" } },
    starts_build = true,
  },
  ListBriefRecord = {
    method = "POST", path = "/v1/record/brief",
    in_query = { { "limit", "integer", true } },
    body_list = "array<string>",
  },
  ListBuildInfoRecord = {
    method = "GET", path = "/v3/jobs/{job_id}/build-info-records",
    in_path = { { "job_id", "string", true } },
    in_query = {
      { "start_time", "string", true },
      { "end_time", "string", true },
      { "page_index", "integer" },
      { "page_size", "integer" },
    },
  },
  ListBuildInfoRecordByJobId = {
    method = "GET", path = "/v1/record/{job_id}/list",
    in_path = { { "job_id", "string", true } },
    in_query = {
      { "start_time", "string", true },
      { "end_time", "string", true },
      { "page_index", "integer" },
      { "page_size", "integer" },
    },
  },
  ListBuildParameter = {
    method = "GET", path = "/v1/job/{job_id}/{build_no}/history-parameters",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ListCustomTemplate = {
    method = "GET", path = "/v1/template/custom",
    in_query = {
      { "name", "string" },
      { "filter", "string" },
      { "page", "integer" },
      { "page_size", "integer" },
      { "tags", "string" },
    },
  },
  ListEndPoints = {
    method = "GET", path = "/v1/job/{project_id}/nexus",
    in_path = { { "project_id", "string", true } },
    in_query = { { "limit", "integer", true }, { "offset", "integer" } },
  },
  ListGroupTree = {
    method = "GET", path = "/v1/job/{project_id}/group/tree",
    in_path = { { "project_id", "string", true } },
  },
  ListJob = {
    method = "GET", path = "/v1/job/list",
    in_query = {
      { "page_index", "integer" },
      { "page_size", "integer" },
      { "search", "string" },
      { "sort_field", "string" },
      { "sort_order", "string" },
      { "creator_id", "string" },
      { "build_status", "string" },
    },
  },
  ListJobConfig = {
    method = "GET", path = "/v3/jobs/{job_id}/query",
    in_path = { { "job_id", "string", true } },
    in_query = { { "get_all_params", "string" } },
  },
  ListJunitCoverageSummary = {
    method = "GET", path = "/v1/report/junit/coverage/list",
    in_query = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ListKeystore = {
    method = "GET", path = "/v2/keystore/name",
  },
  ListKeystoreSearch = {
    method = "GET", path = "/v2/keystore/list",
    in_query = { { "page_size", "integer" }, { "page", "integer" }, { "search", "string" } },
  },
  ListNotice = {
    method = "GET", path = "/v3/jobs/notice/{job_id}/query",
    in_path = { { "job_id", "string", true } },
  },
  ListOfficialTemplate = {
    method = "GET", path = "/v1/template/officialtemplates",
    in_query = { { "name", "string" }, { "page", "string" }, { "page_size", "string" } },
  },
  ListProjectJobs = {
    method = "GET", path = "/v1/job/{project_id}/list",
    in_path = { { "project_id", "string", true } },
    in_query = {
      { "page_index", "integer", true },
      { "page_size", "integer", true },
      { "search", "string" },
      { "sort_field", "string" },
      { "sort_order", "string" },
      { "creator_id", "string" },
      { "build_status", "string" },
      { "by_group", "boolean" },
      { "group_path_id", "string" },
    },
  },
  ListRecommendOfficialTemplate = {
    method = "POST", path = "/v1/template/recommend",
    in_body = { { "git_url", "string", true }, { "branch", "string", true }, { "tags", "string" } },
  },
  ListRecords = {
    method = "GET", path = "/v1/record/{build_project_id}/records",
    in_path = { { "build_project_id", "string", true } },
    in_query = {
      { "page", "integer" },
      { "limit", "integer" },
      { "triggers", "array<string>" },
      { "branches", "array<string>" },
      { "tags", "array<string>" },
      { "from_date", "string" },
      { "to_date", "string" },
    },
  },
  ListRecyclingJob = {
    method = "GET", path = "/v1/job/recycling-jobs",
    in_query = { { "page_size", "integer" }, { "page_no", "integer" }, { "search", "string" } },
  },
  ListRelatedProjectInfo = {
    method = "GET", path = "/v1/domain/project/related-page",
    in_query = { { "page_size", "integer" }, { "page_no", "integer" }, { "search", "string" } },
  },
  ListRepoBranch = {
    method = "GET", path = "/v1/report/branches",
    in_query = { { "job_id", "string", true }, { "repository_name", "string", true } },
  },
  ListRepository = {
    method = "GET", path = "/v1/report/{job_id}/repositories",
    in_path = { { "job_id", "string", true } },
  },
  ListTemplates = {
    method = "GET", path = "/v3/templates/query",
    in_query = { { "name", "string" }, { "page", "string" }, { "page_size", "string" } },
  },
  ListUpdateJobHistory = {
    method = "GET", path = "/v1/job/{job_id}/history",
    in_path = { { "job_id", "string", true } },
    in_query = { { "page_no", "integer" }, { "page_size", "integer" } },
  },
  MoveGroup = {
    method = "POST", path = "/v1/job/{project_id}/group/move",
    in_path = { { "project_id", "string", true } },
    in_body = { { "group_id", "string" }, { "jobs", "array<MoveJobGroupRequestBodyJobs>" } },
  },
  RemoverFavouriteCustomTemplate = {
    method = "POST", path = "/v1/template/custom/{uuid}/unfollow",
    in_path = { { "uuid", "string", true } },
  },
  RemoverFavouriteOfficialTemplate = {
    method = "POST", path = "/v1/template/official/{uuid}/unfollow",
    in_path = { { "uuid", "string", true } },
  },
  RemoverFavouriteTask = {
    method = "POST", path = "/v1/job/{job_id}/unfollow",
    in_path = { { "job_id", "string", true } },
  },
  RestoreRecyclingJobs = {
    method = "POST", path = "/v1/job/recycling-restoration",
    in_body = { { "job_ids", "array<string>", true } },
  },
  RunJob = {
    method = "POST", path = "/v3/jobs/build",
    in_body = { { "job_id", "string", true }, { "parameter", "array<ParameterItem>" }, { "scm", "Scm" } },
    starts_build = true,
  },
  SaveTemplateUsedInfo = {
    method = "POST", path = "/v1/template/used-info",
    in_body = { { "job_id", "string", true }, { "template_id", "string", true } },
  },
  SetKeepTime = {
    method = "POST", path = "/v1/job/keep-time",
    in_body = { { "keep_time", "integer", true } },
  },
  ShowActionIInfo = {
    method = "GET", path = "/v1/log/stage/page",
    in_query = {
      { "job_id", "string", true },
      { "build_no", "integer", true },
      { "start_offset", "integer", true },
      { "end_offset", "integer", true },
      { "sort", "string" },
    },
  },
  ShowAvailableInnerSpec = {
    method = "GET", path = "/v2/resource/spec",
    in_query = { { "project_id", "string", true }, { "arch", "string", true } },
  },
  ShowBuildDetails = {
    method = "GET", path = "/v1/job/{job_id}/{build_no}/build-info",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ShowBuildInfoRecord = {
    method = "GET", path = "/v1/record/{job_id}/{build_no}/build-info-record",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ShowBuildParamsList = {
    method = "GET", path = "/v1/job/build-params",
  },
  ShowBuildRecord = {
    method = "GET", path = "/v1/record/{record_id}/info",
    in_path = { { "record_id", "string", true } },
  },
  ShowBuildRecordBuildScript = {
    method = "GET", path = "/v1/record/{record_id}/build-script",
    in_path = { { "record_id", "string", true } },
  },
  ShowBuildRecordFlowGraph = {
    method = "GET", path = "/v1/record/{build_flow_record_id}/flow-graph",
    in_path = { { "build_flow_record_id", "string", true } },
  },
  ShowBuildRecordFullStages = {
    method = "GET", path = "/v1/record/{record_id}/full-stages",
    in_path = { { "record_id", "string", true } },
    in_query = { { "cascade", "boolean" } },
  },
  ShowCopyName = {
    method = "GET", path = "/v1/job/{job_id}/copy-name",
    in_path = { { "job_id", "string", true } },
  },
  ShowDefaultBuildParameters = {
    method = "GET", path = "/v1/job/default-parameters",
  },
  ShowDefaultProjectPermission = {
    method = "GET", path = "/v1/job/project/default-permission",
    in_query = { { "project_id", "string", true }, { "job_id", "string", true } },
  },
  ShowDisable = {
    method = "GET", path = "/v1/job/{job_id}/check/disable",
    in_path = { { "job_id", "string", true } },
  },
  ShowDockerfileTemplate = {
    method = "GET", path = "/v1/image/dockerfile-template",
    in_query = { { "image_id", "string", true } },
    bytes = true,
  },
  ShowDomainStatus = {
    method = "GET", path = "/v1/domain/status",
  },
  ShowDomainsStatuses = {
    method = "POST", path = "/v1/domain/domains-statuses",
    in_body = { { "domain_ids", "string" } },
  },
  ShowFlowGraph = {
    method = "GET", path = "/v3/{build_flow_record_id}/flow-graph",
    in_path = { { "build_flow_record_id", "string", true } },
  },
  ShowHistoryDetails = {
    method = "GET", path = "/v3/jobs/{job_id}/{build_number}/history-details",
    in_path = { { "job_id", "string", true }, { "build_number", "integer", true } },
  },
  ShowImageTemplateList = {
    method = "GET", path = "/v1/image/templates",
  },
  ShowJobBuildRecordDetail = {
    method = "GET", path = "/v1/record/{job_id}/{build_no}/record-info",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ShowJobBuildSuccessRatio = {
    method = "GET", path = "/v1/report/ratio",
    in_query = {
      { "job_id", "string", true },
      { "repository_name", "string", true },
      { "branch", "string" },
      { "interval", "integer", true },
    },
  },
  ShowJobBuildTime = {
    method = "GET", path = "/v1/report/time",
    in_query = {
      { "job_id", "string", true },
      { "repository_name", "string", true },
      { "branch", "string" },
      { "interval", "integer", true },
    },
  },
  ShowJobConfig = {
    method = "GET", path = "/v1/job/{job_id}/config",
    in_path = { { "job_id", "string", true } },
    in_query = { { "get_all_params", "string" } },
  },
  ShowJobConfigDiff = {
    method = "GET", path = "/v1/job/{job_id}/diff",
    in_path = { { "job_id", "string", true } },
    in_query = { { "revisedl_no", "string", true }, { "original_no", "string", true } },
  },
  ShowJobInfo = {
    method = "GET", path = "/v1/job/{job_id}/info",
    in_path = { { "job_id", "string", true } },
  },
  ShowJobListByProjectId = {
    method = "GET", path = "/v3/{project_id}/jobs",
    in_path = { { "project_id", "string", true } },
    in_query = { { "page_index", "integer", true }, { "page_size", "integer", true } },
  },
  ShowJobNoticeConfigInfo = {
    method = "GET", path = "/v1/job/{job_id}/notice",
    in_path = { { "job_id", "string", true } },
  },
  ShowJobPipelineInfo = {
    method = "GET", path = "/v1/job/{job_id}/pipeline-info",
    in_path = { { "job_id", "string", true } },
    in_query = { { "all", "string" }, { "check_param_used", "string" } },
  },
  ShowJobRolePermission = {
    method = "GET", path = "/v1/job/permission/role",
    in_query = { { "job_id", "string", true } },
  },
  ShowJobStatus = {
    method = "GET", path = "/v3/jobs/{job_id}/status",
    in_path = { { "job_id", "string", true } },
  },
  ShowJobStepStatus = {
    method = "GET", path = "/v1/job/{job_id}/status",
    in_path = { { "job_id", "string", true } },
    in_query = { { "build_no", "integer" } },
  },
  ShowJobSuccessRatio = {
    method = "GET", path = "/v3/jobs/{job_id}/success-ratio",
    in_path = { { "job_id", "string", true } },
    in_query = { { "start_time", "string", true }, { "end_time", "string", true } },
  },
  ShowJobSystemParameters = {
    method = "GET", path = "/v1/job/system-parameters",
  },
  ShowJobTotal = {
    method = "GET", path = "/v1/record/{build_project_id}/statistics",
    in_path = { { "build_project_id", "string", true } },
    in_query = { { "from_date", "string" }, { "to_date", "string" } },
  },
  ShowKeystorePermission = {
    method = "GET", path = "/v2/keystore/permission/{keystore_id}/query",
    in_path = { { "keystore_id", "string", true } },
    in_query = { { "page_size", "integer", true }, { "page", "string", true } },
  },
  ShowLastHistory = {
    method = "GET", path = "/v3/jobs/{project_id}/last-history",
    in_path = { { "project_id", "string", true } },
    in_query = { { "repository_name", "string", true } },
  },
  ShowListHistory = {
    method = "GET", path = "/v3/jobs/{job_id}/history",
    in_path = { { "job_id", "string", true } },
    in_query = {
      { "offset", "integer", true },
      { "limit", "integer", true },
      { "interval", "integer", true },
    },
  },
  ShowListPeriodHistory = {
    method = "GET", path = "/v3/jobs/{job_id}/period-history",
    in_path = { { "job_id", "string", true } },
    in_query = {
      { "offset", "integer", true },
      { "limit", "integer", true },
      { "start_time", "string", true },
      { "end_time", "string", true },
    },
  },
  ShowOutputInfo = {
    method = "GET", path = "/v3/jobs/{job_id}/{build_no}/output-info",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ShowPackageSpecCountDown = {
    method = "POST", path = "/v2/resource/countdown",
    in_body = {
      { "service_type", "string", true },
      { "resource_id", "string", true },
      { "reminder_day", "string", true },
    },
  },
  ShowProjectJobPermission = {
    method = "GET", path = "/v1/job/permission",
    in_query = { { "project_id", "string", true }, { "job_id", "string", true } },
  },
  ShowProjectPermission = {
    method = "GET", path = "/v1/domain/user-permission",
    in_query = { { "project_id", "string", true } },
  },
  ShowRecordDetail = {
    method = "GET", path = "/v4/jobs/{job_id}/{build_no}/record-info",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ShowRecordInfo = {
    method = "GET", path = "/v3/jobs/{job_id}/{build_no}/record-info",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  ShowRelatedProject = {
    method = "GET", path = "/v1/domain/project/related",
  },
  ShowReportSummary = {
    method = "GET", path = "/v1/report/{job_id}/summary",
    in_path = { { "job_id", "string", true } },
    in_query = { { "build_no", "integer", true } },
  },
  ShowRunningStatus = {
    method = "GET", path = "/v1/job/{job_id}/running-status",
    in_path = { { "job_id", "string", true } },
  },
  ShowSummaryBuildJobInfo = {
    method = "GET", path = "/v1/domain/job-summary",
  },
  ShowTemplate = {
    method = "GET", path = "/v1/template/{uuid}/custom",
    in_path = { { "uuid", "string", true } },
  },
  ShowUserChargeType = {
    method = "GET", path = "/v1/domain/charge-type",
  },
  ShowUserOverPackageQuota = {
    method = "GET", path = "/v1/domain/package/quota",
    in_query = { { "project_id", "string", true } },
  },
  ShowYamlTemplate = {
    method = "GET", path = "/v1/template/{job_id}/default-template",
    in_path = { { "job_id", "string", true } },
    in_query = { { "default_host", "string" } },
  },
  StopBuildJob = {
    method = "POST", path = "/v3/jobs/{job_id}/{build_no}/stop",
    in_path = { { "job_id", "string", true }, { "build_no", "integer", true } },
  },
  StopJob = {
    method = "POST", path = "/v3/jobs/stop",
    in_body = { { "job_id", "string", true }, { "build_no", "string", true } },
  },
  StopTheJob = {
    method = "POST", path = "/v1/job/{job_id}/stop",
    in_path = { { "job_id", "string", true } },
    in_query = { { "build_no", "integer" } },
  },
  SwitchedPacket = {
    method = "POST", path = "/v1/job/{project_id}/group/swap",
    in_path = { { "project_id", "string", true } },
    in_query = { { "source_group_id", "string", true }, { "target_group_id", "string", true } },
  },
  UpdateBuildJob = {
    method = "POST", path = "/v3/jobs/update",
    in_body = {
      { "arch", "string", true },
      { "project_id", "string", true },
      { "job_name", "string", true },
      { "job_id", "string", true },
      { "auto_update_sub_module", "string" },
      { "flavor", "string" },
      { "parameters", "array<UpdateBuildJobParameter>" },
      { "scms", "array<UpdateBuildJobScm>" },
      { "steps", "array<UpdateBuildJobSteps>", true },
      { "host_type", "string" },
      { "build_config_type", "string" },
    },
  },
  UpdateJobGroup = {
    method = "PUT", path = "/v1/job/{project_id}/group/update",
    in_path = { { "project_id", "string", true } },
    in_body = {
      { "id", "string" },
      { "name", "string" },
      { "project_id", "string" },
      { "parent_id", "string" },
      { "group_id", "string" },
    },
  },
  UpdateKeystore = {
    method = "POST", path = "/v2/keystore/update/{id}",
    in_path = { { "id", "string", true } },
    in_body = {
      { "id", "string", true },
      { "description", "string", true },
      { "keystore_name", "string", true },
      { "share", "integer", true },
    },
  },
  UpdateKeystorePermission = {
    method = "POST", path = "/v2/keystore/permission/edit",
    in_body = {
      { "can_absent", "boolean" },
      { "delete", "boolean", true },
      { "id", "string", true },
      { "keystore_id", "string", true },
      { "modify", "boolean", true },
      { "usage", "boolean", true },
      { "user_name", "string", true },
    },
  },
  UpdateNewJob = {
    method = "POST", path = "/v1/job/update",
    in_body = {
      { "arch", "string", true },
      { "project_id", "string", true },
      { "job_name", "string", true },
      { "job_id", "string", true },
      { "auto_update_sub_module", "string" },
      { "flavor", "string" },
      { "parameters", "array<UpdateBuildJobParameter>" },
      { "scms", "array<UpdateBuildJobScm>" },
      { "steps", "array<UpdateBuildJobSteps>", true },
      { "host_type", "string" },
      { "build_config_type", "string" },
    },
  },
  UpdateNewNoticeNew = {
    method = "PUT", path = "/v1/job/{job_id}/notice",
    in_path = { { "job_id", "string", true } },
    in_body = {
      { "notice_type", "string", true },
      { "enabled_event_type_names", "array<string>", true },
      { "send_switch", "string" },
      { "param_config", "string" },
      { "use_project_notice", "string" },
    },
  },
  UpdateNotice = {
    method = "POST", path = "/v3/jobs/notice/{job_id}/update",
    in_path = { { "job_id", "string", true } },
    in_body = {
      { "notice_type", "string", true },
      { "enabled_event_type_names", "array<string>", true },
      { "send_switch", "string" },
      { "param_config", "string" },
      { "use_project_notice", "string" },
    },
  },
  UploadKeystore = {
    method = "POST", path = "/v2/keystore/upload",
    in_body = { { "file", "file", true }, { "privacy", "string", true }, { "description", "string" } },
    multipart = true,
  },
}

local models = {
  CreateBuildJobParameter = { { "name", "string" }, { "params", "array<CreateBuildJobParameterParam>" } },
  CreateBuildJobParameterParam = {
    { "name", "string" },
    { "value", "string" },
    { "limits", "array<LimitsParam>" },
  },
  CreateBuildJobScm = {
    { "branch", "string" },
    { "url", "string", true },
    { "repo_id", "string" },
    { "web_url", "string" },
    { "scm_type", "string", true },
    { "is_auto_build", "boolean" },
    { "enable_git_lfs", "boolean" },
    { "build_type", "string" },
    { "depth", "string" },
    { "end_point_id", "string" },
    { "source", "string" },
    { "group_name", "string" },
    { "repo_name", "string" },
  },
  CreateBuildJobSteps = {
    { "properties", "map<string,object>" },
    { "module_id", "string", true },
    { "name", "string", true },
    { "version", "string" },
    { "enable", "boolean" },
  },
  CreateBuildTimeout = { { "limit", "string" }, { "unit", "string" } },
  CreateTemplate = { { "steps", "array<CreateTemplateSteps>", true } },
  CreateTemplateSteps = {
    { "properties", "map<string,object>" },
    { "module_id", "string", true },
    { "name", "string" },
    { "version", "string" },
    { "enable", "boolean" },
  },
  JobRolePermission = {
    { "id", "integer" },
    { "role_id", "integer" },
    { "devuc_role_id", "string" },
    { "role_name", "string" },
    { "is_modify", "boolean" },
    { "is_delete", "boolean" },
    { "is_view", "boolean" },
    { "is_execute", "boolean" },
    { "is_copy", "boolean" },
    { "is_forbidden", "boolean" },
    { "is_manager", "boolean" },
    { "count", "integer" },
  },
  LimitsParam = { { "disable", "string" }, { "display_name", "string" }, { "name", "string" } },
  MoveJobGroupRequestBodyJobs = { { "job_id", "string" }, { "job_name", "string" } },
  ParameterItem = { { "name", "string", true }, { "value", "string", true } },
  Scm = {
    { "build_tag", "string" },
    { "build_commit_id", "string" },
    { "branch", "string" },
    { "build_type", "string" },
    { "repo_id", "string" },
    { "repo_name", "string" },
    { "scm_type", "string" },
    { "url", "string" },
  },
  Trigger = { { "parameters", "array<ParameterItem>", true }, { "name", "string", true } },
  UpdateBuildJobParameter = { { "name", "string" }, { "params", "array<UpdateBuildJobParameterParam>" } },
  UpdateBuildJobParameterParam = {
    { "name", "string" },
    { "value", "string" },
    { "limits", "array<LimitsParam>" },
  },
  UpdateBuildJobScm = {
    { "branch", "string" },
    { "url", "string", true },
    { "repo_id", "string" },
    { "web_url", "string" },
    { "scm_type", "string", true },
    { "is_auto_build", "boolean" },
    { "build_type", "string" },
    { "depth", "string" },
    { "end_point_id", "string" },
    { "source", "string" },
  },
  UpdateBuildJobSteps = {
    { "properties", "map<string,object>" },
    { "module_id", "string", true },
    { "name", "string", true },
    { "version", "string" },
    { "enable", "boolean" },
  },
}

return { operations = operations, models = models }
