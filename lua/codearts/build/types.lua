---@meta
--- Types of every operation, for editors. Written by spec/support/generate_operations.lua: do not edit.
-- codearts.build.args.X are the arguments of client:call("X", args), codearts.build.answer.X its decoded answer,
-- codearts.build.model.X what both are made of. Members of answers may be missing or build.null.

--- POST /v1/template/custom/{uuid}/follow (current)
---@class codearts.build.args.AddFavouriteCustomTemplate
---@field uuid string

---@class codearts.build.answer.AddFavouriteCustomTemplate
---@field status? string

--- POST /v1/template/official/{uuid}/follow (current)
---@class codearts.build.args.AddFavouriteOfficialTemplate
---@field uuid string

---@class codearts.build.answer.AddFavouriteOfficialTemplate
---@field status? string

--- POST /v1/job/{job_id}/follow (current)
---@class codearts.build.args.AddFavouriteTask
---@field job_id string

---@class codearts.build.answer.AddFavouriteTask
---@field status? string
---@field error? any
---@field result? codearts.build.model.FavouriteResponseResult

--- POST /v2/keystore/permission/add (current)
---@class codearts.build.args.AddKeystorePermission
---@field delete boolean
---@field keystore_id string
---@field modify boolean
---@field usage boolean
---@field user_name string
---@field user_id string
---@field setting boolean
---@field can_absent boolean

---@class codearts.build.answer.AddKeystorePermission
---@field status? string
---@field error? any
---@field result? string

--- POST /v1/job/project/permission (current)
---@class codearts.build.args.ApplyProjectPermission
---@field job_id? string
---@field project_id? string
---@field project_switch? boolean

---@class codearts.build.answer.ApplyProjectPermission
---@field status? string
---@field error? any
---@field result? string

--- DELETE /v1/job/batch-delete (outdated)
---@class codearts.build.args.BatchDeleteBuildJobs
---@field job_ids string[]

---@class codearts.build.answer.BatchDeleteBuildJobs
---@field result? codearts.build.model.DeleteTheJobResponseBodyResult
---@field status? string
---@field error? string

--- POST /v1/job/permissions/batch (current)
---@class codearts.build.args.BatchUpdateJobRolePermission
---@field project_id? string
---@field job_ids? string[]
---@field project_switch? boolean
---@field permissions? codearts.build.model.JobRolePermission[]

---@class codearts.build.answer.BatchUpdateJobRolePermission
---@field status? string
---@field error? any
---@field result? string

--- GET /v1/job/check/count (current)
---@class codearts.build.args.CheckJobCountIsTopLimit

---@class codearts.build.answer.CheckJobCountIsTopLimit
---@field status? string
---@field error? any
---@field result? boolean

--- GET /v1/job/permission/internal (current)
---@class codearts.build.args.CheckJobInternal

---@class codearts.build.answer.CheckJobInternal
---@field result? boolean
---@field error? string
---@field status? string

--- GET /v1/job/check/exist (current)
---@class codearts.build.args.CheckJobNameIsExists
---@field project_id string
---@field job_name string

---@class codearts.build.answer.CheckJobNameIsExists
---@field result? boolean
---@field status? string

--- POST /v1/job/check/webhook-url (current)
---@class codearts.build.args.CheckWebhookUrl
---@field job_id string
---@field notice_type string
---@field webhook_url string

---@class codearts.build.answer.CheckWebhookUrl
---@field error? string
---@field status? string

--- DELETE /v1/job/recycling-empty (current)
---@class codearts.build.args.ClearRecyclingJobs

---@class codearts.build.answer.ClearRecyclingJobs
---@field error? string
---@field status? string

--- POST /v1/job/copy (current)
---@class codearts.build.args.CopyJob
---@field arch string
---@field project_id string
---@field job_name string
---@field copy_job_id string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]
---@field scms? codearts.build.model.CreateBuildJobScm[]
---@field steps codearts.build.model.CreateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string
---@field triggers? codearts.build.model.Trigger[]

---@class codearts.build.answer.CopyJob
---@field result? codearts.build.model.CreateBuildJobResponseBodyResult
---@field status? string
---@field error? string

--- POST /v3/jobs/create (outdated)
---@class codearts.build.args.CreateBuildJob
---@field arch string
---@field project_id string
---@field job_name string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]
---@field group_id? string
---@field timeout? codearts.build.model.CreateBuildTimeout
---@field scms? codearts.build.model.CreateBuildJobScm[]
---@field steps codearts.build.model.CreateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string
---@field build_if_code_updated? boolean
---@field triggers? codearts.build.model.Trigger[]

---@class codearts.build.answer.CreateBuildJob
---@field result? codearts.build.model.CreateBuildJobResponseBodyResult
---@field status? string
---@field error? string

--- POST /v1/job/{project_id}/group/create (current)
---@class codearts.build.args.CreateJobGroup
---@field project_id string
---@field id? string
---@field name? string
---@field parent_id? string
---@field group_id? string

---@class codearts.build.answer.CreateJobGroup
---@field result? codearts.build.model.JobGroupResponseBodyResult[]
---@field error? string
---@field status? string

--- POST /v1/job/create (current)
---@class codearts.build.args.CreateNewJob
---@field arch string
---@field project_id string
---@field job_name string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]
---@field group_id? string
---@field timeout? codearts.build.model.CreateBuildTimeout
---@field scms? codearts.build.model.CreateBuildJobScm[]
---@field steps codearts.build.model.CreateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string
---@field build_if_code_updated? boolean
---@field triggers? codearts.build.model.Trigger[]

---@class codearts.build.answer.CreateNewJob
---@field result? codearts.build.model.CreateBuildJobResponseBodyResult
---@field status? string
---@field error? string

--- POST /v1/template/create (current)
---@class codearts.build.args.CreateTemplate
---@field template codearts.build.model.CreateTemplate
---@field name string
---@field description? string
---@field tool_type? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]

---@class codearts.build.answer.CreateTemplate
---@field status? string
---@field result? codearts.build.model.StatusSuccessResultWithUUIDResult

--- POST /v3/templates/create (outdated)
---@class codearts.build.args.CreateTemplates
---@field template codearts.build.model.CreateTemplate
---@field name string
---@field description? string
---@field tool_type? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]

---@class codearts.build.answer.CreateTemplates
---@field result? codearts.build.model.CreateTemplatesItems
---@field error? string
---@field status? string

--- POST /v3/jobs/{job_id}/delete (outdated)
---@class codearts.build.args.DeleteBuildJob
---@field job_id string

---@class codearts.build.answer.DeleteBuildJob
---@field result? codearts.build.model.DeleteTheJobResponseBodyResult
---@field status? string

--- DELETE /v1/job/{project_id}/group/delete (current)
---@class codearts.build.args.DeleteGroup
---@field project_id string
---@field id string

---@class codearts.build.answer.DeleteGroup
---@field status? string
---@field error? any
---@field result? string

--- DELETE /v2/keystore/{keystore_id}/delete (current)
---@class codearts.build.args.DeleteKeystore
---@field keystore_id string

---@class codearts.build.answer.DeleteKeystore
---@field status? string
---@field error? any
---@field result? string

--- DELETE /v2/keystore/permission/{permission_id}/delete (current)
---@class codearts.build.args.DeleteKeystorePermission
---@field permission_id string

---@class codearts.build.answer.DeleteKeystorePermission
---@field status? string
---@field error? any
---@field result? string

--- DELETE /v1/job/recycling-deletion (current)
---@class codearts.build.args.DeleteRecyclingJobs
---@field job_ids string[]

---@class codearts.build.answer.DeleteRecyclingJobs
---@field status? string

--- DELETE /v1/template/{uuid}/delete (current)
---@class codearts.build.args.DeleteTemplate
---@field uuid string

---@class codearts.build.answer.DeleteTemplate
---@field status? string

--- DELETE /v3/templates/{uuid}/delete (outdated)
---@class codearts.build.args.DeleteTemplates
---@field uuid string

---@class codearts.build.answer.DeleteTemplates
---@field result? codearts.build.model.CreateTemplatesItems[]
---@field error? string
---@field status? string

--- DELETE /v1/job/{job_id}/delete (current)
---@class codearts.build.args.DeleteTheJob
---@field job_id string

---@class codearts.build.answer.DeleteTheJob
---@field result? codearts.build.model.DeleteTheJobResponseBodyResult
---@field status? string
---@field error? string

--- POST /v3/jobs/{job_id}/disable (outdated)
---@class codearts.build.args.DisableBuildJob
---@field job_id string

---@class codearts.build.answer.DisableBuildJob
---@field status? string

--- POST /v3/jobs/notice/{job_id}/disable (outdated)
---@class codearts.build.args.DisableNotice
---@field job_id string
---@field notice_type string

---@class codearts.build.answer.DisableNotice
---@field result? string
---@field error? string
---@field status? string

--- POST /v1/job/{job_id}/disable (current)
---@class codearts.build.args.DisableTheJob
---@field job_id string
---@field reason? string
---@field disabled boolean

---@class codearts.build.answer.DisableTheJob
---@field status? string

--- GET /v1/log/{record_id}/download-log (current)
---@class codearts.build.args.DownloadBuildFullLog
---@field record_id string
---@field log_level? string
---@field compress? boolean

--- GET /v4/{record_id}/download-log (outdated)
---@class codearts.build.args.DownloadBuildLog
---@field record_id string
---@field log_level? string

--- GET /v1/log/{job_id}/{build_no}/real-time-log (current)
---@class codearts.build.args.DownloadBuildRealTimeLog
---@field job_id string
---@field build_no integer
---@field start_offset? integer
---@field end_offset? integer
---@field sort? string
---@field size string

---@class codearts.build.answer.DownloadBuildRealTimeLog
---@field result? codearts.build.model.OctopusV3LogResponseBodyResult
---@field error? string
---@field status? string

--- GET /v1/report/junit/coverage/download (current)
---@class codearts.build.args.DownloadJunitCoverageZip
---@field job_id string
---@field build_no integer
---@field root_id string

--- GET /v3/keystore (outdated)
---@class codearts.build.args.DownloadKeystore
---@field file_name string
---@field domain_id string

--- GET /v2/keystore/download (current)
---@class codearts.build.args.DownloadKeystoreByName
---@field name string
---@field domain_id string
---@field id string

--- GET /v3/{record_id}/download-log (retiring)
---@class codearts.build.args.DownloadLogByRecordId
---@field record_id string

--- GET /v3/jobs/{job_id}/{build_no}/real-time-log (outdated)
---@class codearts.build.args.DownloadRealTimeLog
---@field job_id string
---@field build_no integer
---@field offset integer
---@field length? integer

---@class codearts.build.answer.DownloadRealTimeLog
---@field result? codearts.build.model.RealTimeLogResponseBodyResult
---@field error? string
---@field status? string

--- GET /v4/{record_id}/task-log (outdated)
---@class codearts.build.args.DownloadTaskLog
---@field record_id string
---@field task_name string
---@field log_level? string

--- POST /v3/jobs/{job_id}/recover (outdated)
---@class codearts.build.args.EnableBuildJob
---@field job_id string

---@class codearts.build.answer.EnableBuildJob
---@field status? string

--- POST /v1/job/execute (current)
---@class codearts.build.args.ExecuteJob
---@field job_id string
---@field parameter? codearts.build.model.ParameterItem[]
---@field scm? codearts.build.model.Scm

---@class codearts.build.answer.ExecuteJob
---@field octopus_job_name? string
---@field actual_build_number? string
---@field daily_build_number? string

--- POST /v1/record/brief (current)
---@class codearts.build.args.ListBriefRecord
---@field limit integer
---@field body string[]

---@class codearts.build.answer.ListBriefRecord
---@field result? codearts.build.model.ListBriefRecordResponseBodyResult[]
---@field error? any
---@field status? string

--- GET /v3/jobs/{job_id}/build-info-records (outdated)
---@class codearts.build.args.ListBuildInfoRecord
---@field job_id string
---@field start_time string
---@field end_time string
---@field page_index? integer
---@field page_size? integer

---@class codearts.build.answer.ListBuildInfoRecord
---@field result? codearts.build.model.ListBuildInfoRecordBodyResult
---@field error? string
---@field status? string

--- GET /v1/record/{job_id}/list (current)
---@class codearts.build.args.ListBuildInfoRecordByJobId
---@field job_id string
---@field start_time string
---@field end_time string
---@field page_index? integer
---@field page_size? integer

---@class codearts.build.answer.ListBuildInfoRecordByJobId
---@field result? codearts.build.model.ListBuildInfoRecordBodyResult
---@field error? string
---@field status? string

--- GET /v1/job/{job_id}/{build_no}/history-parameters (current)
---@class codearts.build.args.ListBuildParameter
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ListBuildParameter
---@field status? string
---@field error? any
---@field result? codearts.build.model.BuildParameter[]

--- GET /v1/template/custom (current)
---@class codearts.build.args.ListCustomTemplate
---@field name? string
---@field filter? string
---@field page? integer
---@field page_size? integer
---@field tags? string

---@class codearts.build.answer.ListCustomTemplate
---@field result? codearts.build.model.QueryCustomTemplatesResult
---@field error? string
---@field status? string

--- GET /v1/job/{project_id}/nexus (current)
---@class codearts.build.args.ListEndPoints
---@field project_id string
---@field limit integer
---@field offset? integer

---@class codearts.build.answer.ListEndPoints
---@field result? codearts.build.model.ListEndPointsResultResponseBodyResult
---@field error? string
---@field status? string

--- GET /v1/job/{project_id}/group/tree (current)
---@class codearts.build.args.ListGroupTree
---@field project_id string

---@class codearts.build.answer.ListGroupTree
---@field result? codearts.build.model.JobGroupTreeResponseBody[]
---@field error? string
---@field status? string

--- GET /v1/job/list (current)
---@class codearts.build.args.ListJob
---@field page_index? integer
---@field page_size? integer
---@field search? string
---@field sort_field? string
---@field sort_order? string
---@field creator_id? string
---@field build_status? string

---@class codearts.build.answer.ListJob
---@field result? codearts.build.model.ListJobResult
---@field status? string

--- GET /v3/jobs/{job_id}/query (outdated)
---@class codearts.build.args.ListJobConfig
---@field job_id string
---@field get_all_params? string

---@class codearts.build.answer.ListJobConfig
---@field result? codearts.build.model.CreateBuildJobRequestBody
---@field error? string
---@field status? string

--- GET /v1/report/junit/coverage/list (current)
---@class codearts.build.args.ListJunitCoverageSummary
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ListJunitCoverageSummary
---@field result? codearts.build.model.ListJunitCoverageSummaryResult
---@field error? string
---@field status? string

--- GET /v2/keystore/name (current)
---@class codearts.build.args.ListKeystore

---@class codearts.build.answer.ListKeystore
---@field result? codearts.build.model.ListKeystoreResult[]
---@field status? string

--- GET /v2/keystore/list (current)
---@class codearts.build.args.ListKeystoreSearch
---@field page_size? integer
---@field page? integer
---@field search? string

---@class codearts.build.answer.ListKeystoreSearch
---@field result? codearts.build.model.ListKeystoreSearchResponseBodyResult
---@field error? string
---@field status? string

--- GET /v3/jobs/notice/{job_id}/query (outdated)
---@class codearts.build.args.ListNotice
---@field job_id string

---@class codearts.build.answer.ListNotice
---@field result? codearts.build.model.QueryJobNoticeItems[]
---@field error? string
---@field status? string

--- GET /v1/template/officialtemplates (current)
---@class codearts.build.args.ListOfficialTemplate
---@field name? string
---@field page? string
---@field page_size? string

---@class codearts.build.answer.ListOfficialTemplate
---@field result? codearts.build.model.ListOfficialTemplateResult
---@field error? string
---@field status? string

--- GET /v1/job/{project_id}/list (current)
---@class codearts.build.args.ListProjectJobs
---@field project_id string
---@field page_index integer
---@field page_size integer
---@field search? string
---@field sort_field? string
---@field sort_order? string
---@field creator_id? string
---@field build_status? string
---@field by_group? boolean
---@field group_path_id? string

---@class codearts.build.answer.ListProjectJobs
---@field jobs? codearts.build.model.Job[]
---@field total? integer

--- POST /v1/template/recommend (current)
---@class codearts.build.args.ListRecommendOfficialTemplate
---@field git_url string
---@field branch string
---@field tags? string

---@class codearts.build.answer.ListRecommendOfficialTemplate
---@field result? codearts.build.model.QueryTemplatesResult
---@field error? string
---@field status? string

--- GET /v1/record/{build_project_id}/records (current)
---@class codearts.build.args.ListRecords
---@field build_project_id string
---@field page? integer
---@field limit? integer
---@field triggers? string[]
---@field branches? string[]
---@field tags? string[]
---@field from_date? string
---@field to_date? string

---@class codearts.build.answer.ListRecords
---@field result? codearts.build.model.ListRecordsResult
---@field error? string
---@field status? string

--- GET /v1/job/recycling-jobs (current)
---@class codearts.build.args.ListRecyclingJob
---@field page_size? integer
---@field page_no? integer
---@field search? string

---@class codearts.build.answer.ListRecyclingJob
---@field success? boolean
---@field message? string
---@field err_code? string
---@field result? codearts.build.model.RecyclingJobsResult
---@field status? string

--- GET /v1/domain/project/related-page (current)
---@class codearts.build.args.ListRelatedProjectInfo
---@field page_size? integer
---@field page_no? integer
---@field search? string

---@class codearts.build.answer.ListRelatedProjectInfo
---@field result? codearts.build.model.ListRelatedProjectInfoResult
---@field error? string
---@field status? string

--- GET /v1/report/branches (current)
---@class codearts.build.args.ListRepoBranch
---@field job_id string
---@field repository_name string

---@class codearts.build.answer.ListRepoBranch
---@field status? string
---@field result? string[]

--- GET /v1/report/{job_id}/repositories (current)
---@class codearts.build.args.ListRepository
---@field job_id string

---@class codearts.build.answer.ListRepository
---@field status? string
---@field error? any
---@field result? codearts.build.model.RepositoriesResult

--- GET /v3/templates/query (outdated)
---@class codearts.build.args.ListTemplates
---@field name? string
---@field page? string
---@field page_size? string

---@class codearts.build.answer.ListTemplates
---@field result? codearts.build.model.QueryTemplatesResult
---@field error? string
---@field status? string

--- GET /v1/job/{job_id}/history (current)
---@class codearts.build.args.ListUpdateJobHistory
---@field job_id string
---@field page_no? integer
---@field page_size? integer

---@class codearts.build.answer.ListUpdateJobHistory
---@field status? string
---@field error? any
---@field result? codearts.build.model.JobUpdateRecordListVoResult

--- POST /v1/job/{project_id}/group/move (current)
---@class codearts.build.args.MoveGroup
---@field project_id string
---@field group_id? string
---@field jobs? codearts.build.model.MoveJobGroupRequestBodyJobs[]

---@class codearts.build.answer.MoveGroup
---@field result? codearts.build.model.MoveJobGroupResponseBodyResult[]
---@field error? string
---@field status? string

--- POST /v1/template/custom/{uuid}/unfollow (current)
---@class codearts.build.args.RemoverFavouriteCustomTemplate
---@field uuid string

---@class codearts.build.answer.RemoverFavouriteCustomTemplate
---@field status? string

--- POST /v1/template/official/{uuid}/unfollow (current)
---@class codearts.build.args.RemoverFavouriteOfficialTemplate
---@field uuid string

---@class codearts.build.answer.RemoverFavouriteOfficialTemplate
---@field status? string

--- POST /v1/job/{job_id}/unfollow (current)
---@class codearts.build.args.RemoverFavouriteTask
---@field job_id string

---@class codearts.build.answer.RemoverFavouriteTask
---@field status? string
---@field error? any
---@field result? codearts.build.model.FavouriteResponseResult

--- POST /v1/job/recycling-restoration (current)
---@class codearts.build.args.RestoreRecyclingJobs
---@field job_ids string[]

---@class codearts.build.answer.RestoreRecyclingJobs
---@field error? string
---@field status? string

--- POST /v3/jobs/build (outdated)
---@class codearts.build.args.RunJob
---@field job_id string
---@field parameter? codearts.build.model.ParameterItem[]
---@field scm? codearts.build.model.Scm

---@class codearts.build.answer.RunJob
---@field octopus_job_name? string
---@field actual_build_number? string
---@field daily_build_number? string

--- POST /v1/template/used-info (current)
---@class codearts.build.args.SaveTemplateUsedInfo
---@field job_id string
---@field template_id string

---@class codearts.build.answer.SaveTemplateUsedInfo
---@field result? string
---@field error? string
---@field status? string

--- POST /v1/job/keep-time (current)
---@class codearts.build.args.SetKeepTime
---@field keep_time integer

---@class codearts.build.answer.SetKeepTime
---@field result? codearts.build.model.SetKeepTimeResult
---@field error? string
---@field status? string

--- GET /v1/log/stage/page (current)
---@class codearts.build.args.ShowActionIInfo
---@field job_id string
---@field build_no integer
---@field start_offset integer
---@field end_offset integer
---@field sort? string

---@class codearts.build.answer.ShowActionIInfo
---@field result? codearts.build.model.OctopusV3LogResponseBodyResult
---@field error? string
---@field status? string

--- GET /v2/resource/spec (current)
---@class codearts.build.args.ShowAvailableInnerSpec
---@field project_id string
---@field arch string

--- GET /v1/job/{job_id}/{build_no}/build-info (current)
---@class codearts.build.args.ShowBuildDetails
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ShowBuildDetails
---@field result? codearts.build.model.JobStatusResultResponseBodyResult
---@field error? string
---@field status? string

--- GET /v1/record/{job_id}/{build_no}/build-info-record (current)
---@class codearts.build.args.ShowBuildInfoRecord
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ShowBuildInfoRecord
---@field result? codearts.build.model.BuildInfoRecord
---@field error? string
---@field status? string

--- GET /v1/job/build-params (current)
---@class codearts.build.args.ShowBuildParamsList

---@class codearts.build.answer.ShowBuildParamsList
---@field status? string
---@field error? any
---@field result? codearts.build.model.BuildParamsBodyResult

--- GET /v1/record/{record_id}/info (current)
---@class codearts.build.args.ShowBuildRecord
---@field record_id string

---@class codearts.build.answer.ShowBuildRecord
---@field result? codearts.build.model.BuildRecord
---@field error? string
---@field status? string

--- GET /v1/record/{record_id}/build-script (current)
---@class codearts.build.args.ShowBuildRecordBuildScript
---@field record_id string

---@class codearts.build.answer.ShowBuildRecordBuildScript
---@field result? string
---@field error? string
---@field status? string

--- GET /v1/record/{build_flow_record_id}/flow-graph (current)
---@class codearts.build.args.ShowBuildRecordFlowGraph
---@field build_flow_record_id string

---@class codearts.build.answer.ShowBuildRecordFlowGraph
---@field status? string
---@field error? any
---@field result? codearts.build.model.FlowGraph2Result

--- GET /v1/record/{record_id}/full-stages (current)
---@class codearts.build.args.ShowBuildRecordFullStages
---@field record_id string
---@field cascade? boolean

---@class codearts.build.answer.ShowBuildRecordFullStages
---@field status? string
---@field error? any
---@field result? codearts.build.model.FullStagesResult

--- GET /v1/job/{job_id}/copy-name (current)
---@class codearts.build.args.ShowCopyName
---@field job_id string

---@class codearts.build.answer.ShowCopyName
---@field status? string
---@field error? any
---@field result? string

--- GET /v1/job/default-parameters (current)
---@class codearts.build.args.ShowDefaultBuildParameters

---@class codearts.build.answer.ShowDefaultBuildParameters
---@field result? codearts.build.model.ShowDefaultBuildParametersResult[]
---@field status? string

--- GET /v1/job/project/default-permission (current)
---@class codearts.build.args.ShowDefaultProjectPermission
---@field project_id string
---@field job_id string

---@class codearts.build.answer.ShowDefaultProjectPermission
---@field result? codearts.build.model.ShowDefaultProjectPermissionResponseBodyResult[]
---@field error? string
---@field status? string

--- GET /v1/job/{job_id}/check/disable (current)
---@class codearts.build.args.ShowDisable
---@field job_id string

---@class codearts.build.answer.ShowDisable
---@field result? codearts.build.model.IsDisableResult
---@field error? string
---@field status? string

--- GET /v1/image/dockerfile-template (current)
---@class codearts.build.args.ShowDockerfileTemplate
---@field image_id string

--- GET /v1/domain/status (current)
---@class codearts.build.args.ShowDomainStatus

---@class codearts.build.answer.ShowDomainStatus
---@field result? codearts.build.model.ShowDomainStatusResult
---@field error? string
---@field status? string

--- POST /v1/domain/domains-statuses (current)
---@class codearts.build.args.ShowDomainsStatuses
---@field domain_ids? string

---@class codearts.build.answer.ShowDomainsStatuses
---@field result? codearts.build.model.DomainStatuses[]
---@field error? string
---@field status? string

--- GET /v3/{build_flow_record_id}/flow-graph (retiring)
---@class codearts.build.args.ShowFlowGraph
---@field build_flow_record_id string

---@class codearts.build.answer.ShowFlowGraph
---@field success? boolean
---@field message? string
---@field err_code? string
---@field result? codearts.build.model.FlowGraph2Result

--- GET /v3/jobs/{job_id}/{build_number}/history-details (outdated)
---@class codearts.build.args.ShowHistoryDetails
---@field job_id string
---@field build_number integer

---@class codearts.build.answer.ShowHistoryDetails
---@field job_name? string
---@field build_number? integer
---@field project_id? string
---@field project_name? string
---@field parameters? table<string, string>
---@field build_steps? codearts.build.model.BuildStep[]

--- GET /v1/image/templates (current)
---@class codearts.build.args.ShowImageTemplateList

---@class codearts.build.answer.ShowImageTemplateList
---@field result? codearts.build.model.ShowImageTemplateListResponseBodyResult
---@field error? string
---@field status? string

--- GET /v1/record/{job_id}/{build_no}/record-info (current)
---@class codearts.build.args.ShowJobBuildRecordDetail
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ShowJobBuildRecordDetail
---@field status? string
---@field error? any
---@field result? codearts.build.model.RecordInfo2Result

--- GET /v1/report/ratio (current)
---@class codearts.build.args.ShowJobBuildSuccessRatio
---@field job_id string
---@field repository_name string
---@field branch? string
---@field interval integer

---@class codearts.build.answer.ShowJobBuildSuccessRatio
---@field result? codearts.build.model.ShowJobBuildSuccessRatioResult
---@field status? string

--- GET /v1/report/time (current)
---@class codearts.build.args.ShowJobBuildTime
---@field job_id string
---@field repository_name string
---@field branch? string
---@field interval integer

---@class codearts.build.answer.ShowJobBuildTime
---@field result? codearts.build.model.ShowJobBuildTimeResult
---@field status? string

--- GET /v1/job/{job_id}/config (current)
---@class codearts.build.args.ShowJobConfig
---@field job_id string
---@field get_all_params? string

---@class codearts.build.answer.ShowJobConfig
---@field result? codearts.build.model.CreateBuildJobRequestBody
---@field error? string
---@field status? string

--- GET /v1/job/{job_id}/diff (current)
---@class codearts.build.args.ShowJobConfigDiff
---@field job_id string
---@field revisedl_no string
---@field original_no string

---@class codearts.build.answer.ShowJobConfigDiff
---@field result? string
---@field status? string

--- GET /v1/job/{job_id}/info (current)
---@class codearts.build.args.ShowJobInfo
---@field job_id string

---@class codearts.build.answer.ShowJobInfo
---@field result? codearts.build.model.ShowJobInfoResult
---@field error? string
---@field status? string

--- GET /v3/{project_id}/jobs (outdated)
---@class codearts.build.args.ShowJobListByProjectId
---@field project_id string
---@field page_index integer
---@field page_size integer

---@class codearts.build.answer.ShowJobListByProjectId
---@field jobs? codearts.build.model.Job[]
---@field total? integer

--- GET /v1/job/{job_id}/notice (current)
---@class codearts.build.args.ShowJobNoticeConfigInfo
---@field job_id string

---@class codearts.build.answer.ShowJobNoticeConfigInfo
---@field result? codearts.build.model.QueryJobNoticeItems[]
---@field error? string
---@field status? string

--- GET /v1/job/{job_id}/pipeline-info (current)
---@class codearts.build.args.ShowJobPipelineInfo
---@field job_id string
---@field all? string
---@field check_param_used? string

---@class codearts.build.answer.ShowJobPipelineInfo
---@field result? codearts.build.model.JobPipelineInfoItems
---@field error? string
---@field status? string

--- GET /v1/job/permission/role (current)
---@class codearts.build.args.ShowJobRolePermission
---@field job_id string

---@class codearts.build.answer.ShowJobRolePermission
---@field result? codearts.build.model.ShowJobRolePermissionResult[]
---@field status? string

--- GET /v3/jobs/{job_id}/status (outdated)
---@class codearts.build.args.ShowJobStatus
---@field job_id string

---@class codearts.build.answer.ShowJobStatus
---@field result? boolean

--- GET /v1/job/{job_id}/status (current)
---@class codearts.build.args.ShowJobStepStatus
---@field job_id string
---@field build_no? integer

---@class codearts.build.answer.ShowJobStepStatus
---@field result? codearts.build.model.JobStatusBody
---@field error? string
---@field status? string

--- GET /v3/jobs/{job_id}/success-ratio (outdated)
---@class codearts.build.args.ShowJobSuccessRatio
---@field job_id string
---@field start_time string
---@field end_time string

---@class codearts.build.answer.ShowJobSuccessRatio
---@field success_count? integer
---@field total_count? integer
---@field success_ratio? number

--- GET /v1/job/system-parameters (current)
---@class codearts.build.args.ShowJobSystemParameters

---@class codearts.build.answer.ShowJobSystemParameters
---@field status? string
---@field error? any
---@field result? codearts.build.model.SystemParametersResult[]

--- GET /v1/record/{build_project_id}/statistics (current)
---@class codearts.build.args.ShowJobTotal
---@field build_project_id string
---@field from_date? string
---@field to_date? string

---@class codearts.build.answer.ShowJobTotal
---@field result? codearts.build.model.TotalResponseBodyResult
---@field status? string
---@field error? any

--- GET /v2/keystore/permission/{keystore_id}/query (current)
---@class codearts.build.args.ShowKeystorePermission
---@field keystore_id string
---@field page_size integer
---@field page string

---@class codearts.build.answer.ShowKeystorePermission
---@field status? string
---@field error? string
---@field result? codearts.build.model.ShowKeystorePermissionResponseBodyResult

--- GET /v3/jobs/{project_id}/last-history (outdated)
---@class codearts.build.args.ShowLastHistory
---@field project_id string
---@field repository_name string

---@class codearts.build.answer.ShowLastHistory
---@field record_id? string
---@field job_id? string
---@field job_name? string
---@field build_number? integer
---@field start_time? string
---@field end_time? string
---@field result? string
---@field commit_id? string

--- GET /v3/jobs/{job_id}/history (outdated)
---@class codearts.build.args.ShowListHistory
---@field job_id string
---@field offset integer
---@field limit integer
---@field interval integer

---@class codearts.build.answer.ShowListHistory
---@field history_records? codearts.build.model.HistoryRecord[]
---@field total? integer

--- GET /v3/jobs/{job_id}/period-history (outdated)
---@class codearts.build.args.ShowListPeriodHistory
---@field job_id string
---@field offset integer
---@field limit integer
---@field start_time string
---@field end_time string

---@class codearts.build.answer.ShowListPeriodHistory
---@field total? integer
---@field history_records? codearts.build.model.HistoryRecord1[]

--- GET /v3/jobs/{job_id}/{build_no}/output-info (outdated)
---@class codearts.build.args.ShowOutputInfo
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ShowOutputInfo
---@field status? string
---@field error? any
---@field result? codearts.build.model.OutPutInfoResult

--- POST /v2/resource/countdown
---@class codearts.build.args.ShowPackageSpecCountDown
---@field service_type string
---@field resource_id string
---@field reminder_day string

---@class codearts.build.answer.ShowPackageSpecCountDown
---@field status? string
---@field error? any
---@field result? codearts.build.model.CountdownList[]

--- GET /v1/job/permission (current)
---@class codearts.build.args.ShowProjectJobPermission
---@field project_id string
---@field job_id string

---@class codearts.build.answer.ShowProjectJobPermission
---@field result? codearts.build.model.ShowJobPermissionResult
---@field status? string

--- GET /v1/domain/user-permission (current)
---@class codearts.build.args.ShowProjectPermission
---@field project_id string

---@class codearts.build.answer.ShowProjectPermission
---@field result? codearts.build.model.ShowUserProjectPermissionResult
---@field error? string
---@field status? string

--- GET /v4/jobs/{job_id}/{build_no}/record-info (outdated)
---@class codearts.build.args.ShowRecordDetail
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ShowRecordDetail
---@field status? string
---@field error? any
---@field result? codearts.build.model.RecordInfo2Result

--- GET /v3/jobs/{job_id}/{build_no}/record-info (retiring)
---@class codearts.build.args.ShowRecordInfo
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ShowRecordInfo
---@field success? boolean
---@field message? string
---@field err_code? string
---@field result? codearts.build.model.RecordInfoResult

--- GET /v1/domain/project/related (current)
---@class codearts.build.args.ShowRelatedProject

---@class codearts.build.answer.ShowRelatedProject
---@field result? codearts.build.model.ShowRelatedProjectResult
---@field error? string
---@field status? string

--- GET /v1/report/{job_id}/summary (current)
---@class codearts.build.args.ShowReportSummary
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.ShowReportSummary
---@field status? string
---@field error? any
---@field result? codearts.build.model.ShowReportSummaryBodyResult

--- GET /v1/job/{job_id}/running-status (current)
---@class codearts.build.args.ShowRunningStatus
---@field job_id string

---@class codearts.build.answer.ShowRunningStatus
---@field result? codearts.build.model.ShowRunningStatusResult
---@field error? string
---@field status? string

--- GET /v1/domain/job-summary (current)
---@class codearts.build.args.ShowSummaryBuildJobInfo

---@class codearts.build.answer.ShowSummaryBuildJobInfo
---@field status? string
---@field error? any
---@field result? codearts.build.model.JobSummaryBodyResult

--- GET /v1/template/{uuid}/custom
---@class codearts.build.args.ShowTemplate
---@field uuid string

---@class codearts.build.answer.ShowTemplate
---@field result? codearts.build.model.QueryTemplatesItems
---@field error? string
---@field status? string

--- GET /v1/domain/charge-type
---@class codearts.build.args.ShowUserChargeType

---@class codearts.build.answer.ShowUserChargeType
---@field result? codearts.build.model.ShowUserChargeTypeResult
---@field error? string
---@field status? string

--- GET /v1/domain/package/quota (current)
---@class codearts.build.args.ShowUserOverPackageQuota
---@field project_id string

---@class codearts.build.answer.ShowUserOverPackageQuota
---@field result? codearts.build.model.ShowUserOverPackageQuotaResult
---@field error? string
---@field status? string

--- GET /v1/template/{job_id}/default-template (current)
---@class codearts.build.args.ShowYamlTemplate
---@field job_id string
---@field default_host? string

---@class codearts.build.answer.ShowYamlTemplate
---@field status? string
---@field error? any
---@field result? string

--- POST /v3/jobs/{job_id}/{build_no}/stop (outdated)
---@class codearts.build.args.StopBuildJob
---@field job_id string
---@field build_no integer

---@class codearts.build.answer.StopBuildJob
---@field success? boolean
---@field result? string

--- POST /v3/jobs/stop (retiring)
---@class codearts.build.args.StopJob
---@field job_id string
---@field build_no string

---@class codearts.build.answer.StopJob
---@field result? boolean

--- POST /v1/job/{job_id}/stop
---@class codearts.build.args.StopTheJob
---@field job_id string
---@field build_no? integer

---@class codearts.build.answer.StopTheJob
---@field status? string

--- POST /v1/job/{project_id}/group/swap
---@class codearts.build.args.SwitchedPacket
---@field project_id string
---@field source_group_id string
---@field target_group_id string

---@class codearts.build.answer.SwitchedPacket
---@field status? string
---@field error? any
---@field result? string

--- POST /v3/jobs/update (outdated)
---@class codearts.build.args.UpdateBuildJob
---@field arch string
---@field project_id string
---@field job_name string
---@field job_id string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.UpdateBuildJobParameter[]
---@field scms? codearts.build.model.UpdateBuildJobScm[]
---@field steps codearts.build.model.UpdateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string

---@class codearts.build.answer.UpdateBuildJob
---@field result? codearts.build.model.CreateBuildJobResponseBodyResult
---@field status? string
---@field error? string

--- PUT /v1/job/{project_id}/group/update
---@class codearts.build.args.UpdateJobGroup
---@field project_id string
---@field id? string
---@field name? string
---@field parent_id? string
---@field group_id? string

---@class codearts.build.answer.UpdateJobGroup
---@field result? codearts.build.model.JobGroupResponseBodyResult[]
---@field error? string
---@field status? string

--- POST /v2/keystore/update/{id} (current)
---@class codearts.build.args.UpdateKeystore
---@field id string
---@field description string
---@field keystore_name string
---@field share integer

---@class codearts.build.answer.UpdateKeystore
---@field error? string
---@field status? string

--- POST /v2/keystore/permission/edit
---@class codearts.build.args.UpdateKeystorePermission
---@field can_absent? boolean
---@field delete boolean
---@field id string
---@field keystore_id string
---@field modify boolean
---@field usage boolean
---@field user_name string

---@class codearts.build.answer.UpdateKeystorePermission
---@field status? string
---@field error? any
---@field result? string

--- POST /v1/job/update (current)
---@class codearts.build.args.UpdateNewJob
---@field arch string
---@field project_id string
---@field job_name string
---@field job_id string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.UpdateBuildJobParameter[]
---@field scms? codearts.build.model.UpdateBuildJobScm[]
---@field steps codearts.build.model.UpdateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string

---@class codearts.build.answer.UpdateNewJob
---@field result? codearts.build.model.CreateBuildJobResponseBodyResult
---@field status? string
---@field error? string

--- PUT /v1/job/{job_id}/notice
---@class codearts.build.args.UpdateNewNoticeNew
---@field job_id string
---@field notice_type string
---@field enabled_event_type_names string[]
---@field send_switch? string
---@field param_config? string
---@field use_project_notice? string

---@class codearts.build.answer.UpdateNewNoticeNew
---@field result? string
---@field error? string
---@field status? string

--- POST /v3/jobs/notice/{job_id}/update (outdated)
---@class codearts.build.args.UpdateNotice
---@field job_id string
---@field notice_type string
---@field enabled_event_type_names string[]
---@field send_switch? string
---@field param_config? string
---@field use_project_notice? string

---@class codearts.build.answer.UpdateNotice
---@field result? string
---@field error? string
---@field status? string

--- POST /v2/keystore/upload
---@class codearts.build.args.UploadKeystore
---@field file string|{ name: string, content: string }
---@field privacy string
---@field description? string

---@class codearts.build.answer.UploadKeystore
---@field result? codearts.build.model.UploadKeystoreResult
---@field error? string
---@field status? string

---@class codearts.build.model.AddKeystorePermissionRequestBody
---@field delete boolean
---@field keystore_id string
---@field modify boolean
---@field usage boolean
---@field user_name string
---@field user_id string
---@field setting boolean
---@field can_absent boolean

---@class codearts.build.model.AddKeystorePermissionResponseBody
---@field id? string
---@field setting? boolean
---@field delete? boolean
---@field keystore_id? string
---@field modify? boolean
---@field usage? boolean
---@field user_name? string
---@field is_creator? boolean
---@field can_absent? boolean

---@class codearts.build.model.BatchDeleteBuildJobsRequestBody
---@field job_ids string[]

---@class codearts.build.model.BriefRecordItems
---@field id? string
---@field status? string
---@field duration? integer
---@field create_time? string
---@field schedule_time? string
---@field queued_time? string
---@field start_time? string
---@field finish_time? string
---@field build_duration? integer
---@field pending_duration? integer
---@field project_id? string
---@field build_no? integer
---@field branch? string
---@field revision? string
---@field trigger_name? string
---@field daily_build_number? string

---@class codearts.build.model.BuildInfoRecord
---@field number? integer
---@field build_time? integer
---@field start_time? integer
---@field job_running_status? string
---@field state? string
---@field user_id? string
---@field executor? string
---@field nickname? string
---@field daily_build_number? string
---@field trigger_type? string
---@field cost_time? integer
---@field commit_id? string
---@field commit_info? codearts.build.model.BuildInfoRecordCommitInfo
---@field build_type? string
---@field code_branch? string
---@field scm_type? string
---@field scm_web_url? string
---@field commit_detail_url? string

---@class codearts.build.model.BuildInfoRecordCommitInfo
---@field commit_id? string
---@field created_at? string

---@class codearts.build.model.BuildParameter
---@field name? string
---@field value? string

---@class codearts.build.model.BuildParams
---@field name? string
---@field title? string
---@field params? codearts.build.model.Params[]

---@class codearts.build.model.BuildParamsBodyResult
---@field build_parameters? codearts.build.model.BuildParams[]

---@class codearts.build.model.BuildRecord
---@field id? string
---@field status? string
---@field status_code? integer
---@field create_time? string
---@field schedule_time? string
---@field queued_time? string
---@field start_time? string
---@field finish_time? string
---@field duration? integer
---@field build_duration? integer
---@field pending_duration? integer
---@field project_id? string
---@field display_name? string
---@field trigger_name? string
---@field group_name? string
---@field execution_id? string
---@field parameters? codearts.build.model.BuildRecordParameters[]
---@field repository? string
---@field branch? string
---@field revision? string
---@field build_yml_path? string
---@field build_yml_url? string
---@field daily_build_number? string
---@field build_record_type? codearts.build.model.BuildRecordBuildRecordType
---@field trigger_type? string
---@field scm_type? string
---@field scm_web_url? string
---@field user_id? string
---@field build_no? string
---@field daily_build_no? string
---@field dev_cloud_build_type? string

---@class codearts.build.model.BuildRecordBuildRecordType
---@field rerun? boolean
---@field trigger_type? string
---@field record_type? string
---@field is_rerun? boolean

---@class codearts.build.model.BuildRecordParameters
---@field name? string
---@field secret? boolean
---@field value? string
---@field type? string

---@class codearts.build.model.BuildStageRecord
---@field id? string
---@field status? string
---@field status_code? integer
---@field log_status? string
---@field create_time? string
---@field schedule_time? string
---@field queued_time? string
---@field start_time? string
---@field finish_time? string
---@field duration? integer
---@field build_duration? integer
---@field pending_duration? integer
---@field build_record_id? string
---@field execution_id? string
---@field execution_stage_name? string
---@field display_name? string
---@field node_id? integer
---@field sequence? integer

---@class codearts.build.model.BuildStep
---@field name? string
---@field status? string
---@field build_time? integer

---@class codearts.build.model.CheckWebhookUrlRequestBody
---@field job_id string
---@field notice_type string
---@field webhook_url string

---@class codearts.build.model.Constraints
---@field errormsg? string
---@field type? string
---@field value? string

---@class codearts.build.model.CopyBuildJobRequestBody
---@field arch string
---@field project_id string
---@field job_name string
---@field copy_job_id string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]
---@field scms? codearts.build.model.CreateBuildJobScm[]
---@field steps codearts.build.model.CreateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string
---@field triggers? codearts.build.model.Trigger[]

---@class codearts.build.model.CountdownList
---@field service_type? string
---@field resource_id? string
---@field resource_name? string
---@field resource_type? string
---@field resource_spec_code? string
---@field tips? codearts.build.model.CountdownListTips

---@class codearts.build.model.CountdownListTips
---@field summary? codearts.build.model.Tips

---@class codearts.build.model.CountdownRequestBody
---@field service_type string
---@field resource_id string
---@field reminder_day string

---@class codearts.build.model.CreateBuildJobParameter
---@field name? string
---@field params? codearts.build.model.CreateBuildJobParameterParam[]

---@class codearts.build.model.CreateBuildJobParameterParam
---@field name? string
---@field value? string
---@field limits? codearts.build.model.LimitsParam[]

---@class codearts.build.model.CreateBuildJobRequestBody
---@field arch string
---@field project_id string
---@field job_name string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]
---@field group_id? string
---@field timeout? codearts.build.model.CreateBuildTimeout
---@field scms? codearts.build.model.CreateBuildJobScm[]
---@field steps codearts.build.model.CreateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string
---@field build_if_code_updated? boolean
---@field triggers? codearts.build.model.Trigger[]

---@class codearts.build.model.CreateBuildJobResponseBodyResult
---@field job_id? string

---@class codearts.build.model.CreateBuildJobScm
---@field branch? string
---@field url string
---@field repo_id? string
---@field web_url? string
---@field scm_type string
---@field is_auto_build? boolean
---@field enable_git_lfs? boolean
---@field build_type? string
---@field depth? string
---@field end_point_id? string
---@field source? string
---@field group_name? string
---@field repo_name? string

---@class codearts.build.model.CreateBuildJobSteps
---@field properties? table<string, any>
---@field module_id string
---@field name string
---@field version? string
---@field enable? boolean

---@class codearts.build.model.CreateBuildTimeout
---@field limit? string
---@field unit? string

---@class codearts.build.model.CreateTemplate
---@field steps codearts.build.model.CreateTemplateSteps[]

---@class codearts.build.model.CreateTemplateSteps
---@field properties? table<string, any>
---@field module_id string
---@field name? string
---@field version? string
---@field enable? boolean

---@class codearts.build.model.CreateTemplatesItems
---@field favourite? boolean
---@field id? string
---@field uuid? string
---@field template? codearts.build.model.QueryTemplate
---@field type? string
---@field public? boolean
---@field name? string
---@field create_time? string
---@field domain_id? string
---@field weight? number
---@field user_id? string
---@field user_name? string
---@field domain_name? string
---@field scope? string
---@field description? string
---@field tool_type? string
---@field intl_description? any
---@field parameters? codearts.build.model.CreateBuildJobParameter[]
---@field i18n? any

---@class codearts.build.model.CreateTemplatesRequestBody
---@field template codearts.build.model.CreateTemplate
---@field name string
---@field description? string
---@field tool_type? string
---@field parameters? codearts.build.model.CreateBuildJobParameter[]

---@class codearts.build.model.DeleteTheJobResponseBodyResult
---@field job_id? string
---@field project_id? string

---@class codearts.build.model.DisableTheJobRequestBody
---@field reason? string
---@field disabled boolean

---@class codearts.build.model.DomainStatuses
---@field service_name? string
---@field domain_id? string
---@field domain_name? string
---@field free_quota? boolean
---@field free_package_quota? boolean
---@field status? integer
---@field is_federation? integer
---@field is_whitelist? integer
---@field region? string
---@field package_type? string
---@field domain_type? integer
---@field domain_business_type? string
---@field domain_malicious_docker_args? string
---@field allow_custom_env? integer
---@field spec_threshold? string

---@class codearts.build.model.DomainsStatusesRequestBody
---@field domain_ids? string

---@class codearts.build.model.EndPointResponse
---@field authorization? codearts.build.model.EndPointResponseAuthorization
---@field uuid? string
---@field url? string
---@field name? string
---@field project_uuid? string
---@field region_name? string
---@field data? any
---@field module_id? string
---@field created_by? codearts.build.model.EndPointResponseCreatedBy

---@class codearts.build.model.EndPointResponseAuthorization
---@field parameters? any
---@field scheme? any

---@class codearts.build.model.EndPointResponseCreatedBy
---@field username? string
---@field user_id? string

---@class codearts.build.model.FavouriteResponseResult
---@field favorite? boolean

---@class codearts.build.model.FlowGraph2Result
---@field edges? codearts.build.model.FlowGraph2ResultEdges[]
---@field vertices? codearts.build.model.Vertices[]

---@class codearts.build.model.FlowGraph2ResultEdges
---@field from? string
---@field to? string

---@class codearts.build.model.FullStagesResult
---@field build_stages? table<string, codearts.build.model.BuildStageRecord>

---@class codearts.build.model.HistoryRecord
---@field record_id? string
---@field job_id? string
---@field build_number? integer
---@field start_time? string
---@field end_time? string
---@field result? string

---@class codearts.build.model.HistoryRecord1
---@field record_id? string
---@field job_id? string
---@field build_number? integer
---@field start_time? string
---@field end_time? string
---@field result? string
---@field branch? string
---@field commit_id? string
---@field commit_message? string
---@field executor? string
---@field trigger_type? string

---@class codearts.build.model.IsDisableResult
---@field forbiddener? string
---@field reson? string
---@field disabled? integer
---@field job_id? string
---@field job_name? string
---@field forbidden_time? number

---@class codearts.build.model.Job
---@field id? string
---@field job_name? string
---@field job_creator? string
---@field user_name? string
---@field last_build_time? number
---@field health_score? integer
---@field source_code? string
---@field last_build_status? string
---@field is_finished? boolean
---@field disabled? boolean
---@field favorite? boolean
---@field is_modify? boolean
---@field is_delete? boolean
---@field is_execute? boolean
---@field is_copy? boolean
---@field is_forbidden? boolean
---@field is_view? boolean
---@field last_build_user? string
---@field trigger_type? string
---@field build_time? integer
---@field scm_web_url? string
---@field scm_type? string
---@field repo_id? string
---@field build_project_id? string
---@field last_job_running_status? string
---@field last_build_user_id? string

---@class codearts.build.model.JobGroupRequestBody
---@field id? string
---@field name? string
---@field project_id? string
---@field parent_id? string
---@field group_id? string

---@class codearts.build.model.JobGroupResponseBodyResult
---@field id? string
---@field name? string
---@field project_id? string
---@field parent_id? string
---@field group_id? string
---@field domain_id? string
---@field ordinal? string
---@field create_user? string
---@field update_user? string
---@field create_time? string
---@field update_time? string
---@field path_id? string

---@class codearts.build.model.JobGroupTreeResponseBody
---@field id? string
---@field domain_id? string
---@field project_id? string
---@field name? string
---@field parent_id? string
---@field path_id? string
---@field ordinal? integer
---@field create_user? string
---@field update_user? string
---@field create_time? string
---@field update_time? string
---@field children? codearts.build.model.JobGroupTreeResponseBody[]

---@class codearts.build.model.JobPipelineInfoItems
---@field scms? codearts.build.model.CreateBuildJobScm[]
---@field parameters? codearts.build.model.JobPipelineInfoParameters[]
---@field job_name? string
---@field job_name_massage? string
---@field job_name_regex? string
---@field source_code? string

---@class codearts.build.model.JobPipelineInfoParameters
---@field region? string
---@field language? string
---@field name? string
---@field params? codearts.build.model.JobPipelineInfoParamsItems[]

---@class codearts.build.model.JobPipelineInfoParamsItems
---@field name? string
---@field value? string

---@class codearts.build.model.JobRolePermission
---@field id? integer
---@field role_id? integer
---@field devuc_role_id? string
---@field role_name? string
---@field is_modify? boolean
---@field is_delete? boolean
---@field is_view? boolean
---@field is_execute? boolean
---@field is_copy? boolean
---@field is_forbidden? boolean
---@field is_manager? boolean
---@field count? integer

---@class codearts.build.model.JobStatusBody
---@field status? string
---@field abort_status? string
---@field label? string

---@class codearts.build.model.JobStatusResultResponseBodyResult
---@field building? boolean
---@field build_result? string
---@field region? string

---@class codearts.build.model.JobSummary
---@field avg_success_ratio? integer
---@field build_no? integer
---@field job_total? integer
---@field version_total? string

---@class codearts.build.model.JobSummaryBodyResult
---@field summary? codearts.build.model.JobSummary

---@class codearts.build.model.JobUpdateRecordListVoResult
---@field job_update_records? codearts.build.model.JobUpdateRecordListVoResultJobUpdateRecords[]
---@field total? integer

---@class codearts.build.model.JobUpdateRecordListVoResultJobUpdateRecords
---@field id? string
---@field update_number? integer
---@field update_type? string
---@field user_id? string
---@field user_name? string
---@field nick_name? string
---@field update_at? integer

---@class codearts.build.model.JobsRequestBody
---@field job_ids string[]

---@class codearts.build.model.LimitsParam
---@field disable? string
---@field display_name? string
---@field name? string

---@class codearts.build.model.ListBriefRecordResponseBodyResult
---@field project_id? string
---@field brief_build_record_dtos? codearts.build.model.BriefRecordItems[]

---@class codearts.build.model.ListBuildInfoRecordBodyResult
---@field health_score? string
---@field page_index? string
---@field total_page? string
---@field total_record? string
---@field job_build_states? codearts.build.model.BuildInfoRecord[]

---@class codearts.build.model.ListEndPointsResultResponseBodyResult
---@field endpoints? codearts.build.model.EndPointResponse[]
---@field total? integer

---@class codearts.build.model.ListJobResult
---@field total? integer
---@field job_list? codearts.build.model.ListJobResultJobList[]

---@class codearts.build.model.ListJobResultJobList
---@field id? string
---@field job_name? string
---@field job_creator? string
---@field user_id? string
---@field user_name? string
---@field nick_name? string
---@field project_id? string
---@field project_name? string
---@field last_build_time? number
---@field health_score? integer
---@field source_code? string
---@field last_build_status? string
---@field last_job_running_status? string
---@field last_build_user? string
---@field last_build_user_id? string
---@field is_finished? boolean
---@field disabled? boolean
---@field favorite? boolean
---@field is_modify? boolean
---@field is_delete? boolean
---@field is_view? boolean
---@field is_execute? boolean
---@field is_copy? boolean
---@field is_forbidden? boolean
---@field task_id? string
---@field code_branch? string
---@field commit_id? string
---@field trigger_type? string
---@field build_time? number
---@field scm_web_url? string
---@field scm_type? string
---@field repo_id? string
---@field commit_detail_url? string
---@field build_number? string
---@field forbidden_msg? string
---@field build_project_id? string
---@field build_type? string
---@field tag? string
---@field project_permission_switch? boolean

---@class codearts.build.model.ListJunitCoverageSummaryResult
---@field unit_summary_list? codearts.build.model.ListJunitCoverageSummaryResultUnitSummaryList[]

---@class codearts.build.model.ListJunitCoverageSummaryResultUnitSummaryList
---@field job_id? string
---@field build_no? integer
---@field stage_name? string
---@field root_id? string
---@field region? string

---@class codearts.build.model.ListKeystoreResult
---@field keystore_name? string
---@field id? string

---@class codearts.build.model.ListKeystoreSearchResponseBodyResult
---@field total? number
---@field keystore_list? codearts.build.model.ListKeystoreSearchResponseBodyResultKeystoreList[]

---@class codearts.build.model.ListKeystoreSearchResponseBodyResultKeystoreList
---@field id? string
---@field permission? codearts.build.model.ListKeystoreSearchResponseBodyResultPermission
---@field create_time_stamp? string
---@field update_time_stamp? string
---@field domain_id? string
---@field domain_name? string
---@field keystore_name? string
---@field create_user_id? string
---@field create_user_name? string
---@field update_user_id? string
---@field update_user_name? string
---@field share? number
---@field create_time? string
---@field update_time? string
---@field description? string

---@class codearts.build.model.ListKeystoreSearchResponseBodyResultPermission
---@field keystore_id? string
---@field setting? boolean
---@field delete? boolean
---@field modify? boolean
---@field usage? boolean

---@class codearts.build.model.ListOfficialTemplateResult
---@field total_size? number
---@field items? codearts.build.model.TemplateList[]

---@class codearts.build.model.ListRecommendOfficialTemplateRequestBody
---@field git_url string
---@field branch string
---@field tags? string

---@class codearts.build.model.ListRecordsResult
---@field pagination? codearts.build.model.ListRecordsResultPagination
---@field data? codearts.build.model.BuildRecord[]

---@class codearts.build.model.ListRecordsResultPagination
---@field page? integer
---@field limit? integer
---@field total? integer

---@class codearts.build.model.ListRelatedProjectInfoResult
---@field total? number
---@field project_info_list? codearts.build.model.ListRelatedProjectInfoResultProjectInfoList[]

---@class codearts.build.model.ListRelatedProjectInfoResultProjectInfoList
---@field identifier? string
---@field name? string
---@field author_id? string
---@field status? integer
---@field author_domain_id? string

---@class codearts.build.model.MoveJobGroupRequestBody
---@field group_id? string
---@field jobs? codearts.build.model.MoveJobGroupRequestBodyJobs[]

---@class codearts.build.model.MoveJobGroupRequestBodyJobs
---@field job_id? string
---@field job_name? string

---@class codearts.build.model.MoveJobGroupResponseBodyResult
---@field job_id? string
---@field group_path_id? string

---@class codearts.build.model.OctopusV3LogResponseBodyResult
---@field has_more? boolean
---@field start_offset? string
---@field end_offset? string
---@field log? string
---@field location? string

---@class codearts.build.model.OutPutInfoResult
---@field package_info? codearts.build.model.OutPutResult
---@field package_infos? table<string, codearts.build.model.OutPutResult>
---@field image_infos? table<string, codearts.build.model.OutPutResult>

---@class codearts.build.model.OutPutResult
---@field project_id? string
---@field name? string
---@field version? string
---@field package_type? string
---@field uri? string
---@field type? string
---@field daily_build_number? string

---@class codearts.build.model.Parameter
---@field name? string
---@field params? codearts.build.model.CreateBuildJobParameterParam[]

---@class codearts.build.model.ParameterItem
---@field name string
---@field value string

---@class codearts.build.model.Params
---@field name? string
---@field title? string
---@field type? string
---@field required? boolean
---@field constraints? codearts.build.model.Constraints[]
---@field deletion? boolean
---@field defaults? boolean

---@class codearts.build.model.ProjectPermissionRequestBody
---@field job_id? string
---@field project_id? string
---@field project_switch? boolean

---@class codearts.build.model.QueryCustomTemplatesResult
---@field total_size? integer
---@field items? codearts.build.model.QueryTemplatesItems[]

---@class codearts.build.model.QueryJobNoticeItems
---@field notice_type? string
---@field enable_map? table<string, boolean>
---@field param_config? string

---@class codearts.build.model.QueryTemplate
---@field steps codearts.build.model.CreateBuildJobSteps[]

---@class codearts.build.model.QueryTemplateVo
---@field steps? codearts.build.model.CreateBuildJobSteps[]
---@field actions? any
---@field auto_update_sub_module? boolean
---@field image? string
---@field image_source? string

---@class codearts.build.model.QueryTemplatesItems
---@field favourite? boolean
---@field nick_name? string
---@field id? string
---@field uuid? string
---@field template? codearts.build.model.QueryTemplateVo
---@field type? string
---@field public? boolean
---@field name? string
---@field create_time? string
---@field domain_id? string
---@field weight? number
---@field user_id? string
---@field user_name? string
---@field domain_name? string
---@field scope? string
---@field description? string
---@field tool_type? string
---@field intl_description? any
---@field parameters? codearts.build.model.CreateBuildJobParameter[]
---@field i18n? any

---@class codearts.build.model.QueryTemplatesResult
---@field total_size? integer
---@field items? codearts.build.model.QueryTemplatesItems[]

---@class codearts.build.model.RealTimeLogResponseBodyResult
---@field has_more_data? boolean
---@field offset? integer
---@field content? string
---@field current_offset? integer

---@class codearts.build.model.RecordInfo2Result
---@field id? string
---@field build_project_id? string
---@field build_record_id? string
---@field parent_record_id? string
---@field devcloud_project_id? string
---@field codeci_job_id? string
---@field user_id? string
---@field build_no? integer
---@field daily_build_num? string
---@field execution_id? string
---@field repo_name? string
---@field repo_id? string
---@field branch? string
---@field tag? string
---@field commit? string
---@field commit_message? string
---@field commit_create_time? string
---@field trigger_type? string
---@field build_type? string
---@field status? string
---@field domain_id? string
---@field create_time? string
---@field schedule_time? string
---@field queued_time? string
---@field start_time? string
---@field runnable_time? string
---@field finish_time? string
---@field duration? integer
---@field record_status? string
---@field use_private_slave? integer
---@field region? string
---@field err_msg? string
---@field build_config_type? string

---@class codearts.build.model.RecordInfoResult
---@field id? string
---@field build_project_id? string
---@field build_record_id? string
---@field parent_record_id? string
---@field devcloud_project_id? string
---@field codeci_job_id? string
---@field user_id? string
---@field build_no? integer
---@field daily_build_num? string
---@field execution_id? string
---@field repo_name? string
---@field repo_id? string
---@field branch? string
---@field tag? string
---@field commit? string
---@field commit_message? string
---@field commit_create_time? string
---@field trigger_type? string
---@field build_type? string
---@field status? string
---@field domain_id? string
---@field create_time? string
---@field schedule_time? string
---@field queued_time? string
---@field start_time? string
---@field runnable_time? string
---@field finish_time? string
---@field duration? number
---@field record_status? string
---@field use_private_slave? integer
---@field region? string
---@field err_msg? string
---@field build_config_type? string

---@class codearts.build.model.RecyclingJob
---@field job_id? string
---@field job_name? string
---@field project_id? string
---@field creator_name? string
---@field creator_id? string
---@field create_time? string
---@field delete_time? string
---@field create_time_stamp? string
---@field delete_time_stamp? string

---@class codearts.build.model.RecyclingJobsResult
---@field keep_time? integer
---@field total? integer
---@field job_list? codearts.build.model.RecyclingJob[]

---@class codearts.build.model.RepositoriesResult
---@field latest? string
---@field repositories? string[]

---@class codearts.build.model.RolePermissionsRequestBody
---@field project_id? string
---@field job_ids? string[]
---@field project_switch? boolean
---@field permissions? codearts.build.model.JobRolePermission[]

---@class codearts.build.model.RunJobRequestBody
---@field job_id string
---@field parameter? codearts.build.model.ParameterItem[]
---@field scm? codearts.build.model.Scm

---@class codearts.build.model.SaveTemplateUsedInfoRequestBody
---@field job_id string
---@field template_id string

---@class codearts.build.model.Scm
---@field build_tag? string
---@field build_commit_id? string
---@field branch? string
---@field build_type? string
---@field repo_id? string
---@field repo_name? string
---@field scm_type? string
---@field url? string

---@class codearts.build.model.SetKeepTimeRequestBody
---@field keep_time integer

---@class codearts.build.model.SetKeepTimeResult
---@field keep_time? integer

---@class codearts.build.model.ShowDefaultBuildParametersParams
---@field name? string
---@field value? string

---@class codearts.build.model.ShowDefaultBuildParametersResult
---@field name? string
---@field params? codearts.build.model.ShowDefaultBuildParametersParams[]

---@class codearts.build.model.ShowDefaultProjectPermissionResponseBodyResult
---@field role_id? integer
---@field role_name? string
---@field is_copy? boolean
---@field is_delete? boolean
---@field is_execute? boolean
---@field is_forbidden? boolean
---@field is_manager? boolean
---@field is_modify? boolean
---@field is_view? boolean

---@class codearts.build.model.ShowDomainStatusResult
---@field status? number
---@field free_quota? boolean
---@field allow_custom_env? number

---@class codearts.build.model.ShowImageTemplateListResponseBodyResult
---@field image_templates? codearts.build.model.ShowImageTemplateListResponseBodyResultImageTemplates[]

---@class codearts.build.model.ShowImageTemplateListResponseBodyResultImageTemplates
---@field image_id? string
---@field organization? string
---@field image_name? string
---@field image_label? string
---@field base_image? string
---@field title? string
---@field description? string
---@field create_time? string

---@class codearts.build.model.ShowJobBuildSuccessRatioResult
---@field job_id? string
---@field branch? string
---@field total_success_count? integer
---@field total_count? integer
---@field total_success_ratio_fraction? string
---@field every_day_report? codearts.build.model.ShowJobBuildSuccessRatioResultEveryDayReport[]

---@class codearts.build.model.ShowJobBuildSuccessRatioResultEveryDayReport
---@field date? string
---@field success_ratio? integer

---@class codearts.build.model.ShowJobBuildTimeResult
---@field job_id? string
---@field avg_build_time? number
---@field max_build_time? integer
---@field min_build_time? integer
---@field chart? codearts.build.model.ShowJobBuildTimeResultChart[]

---@class codearts.build.model.ShowJobBuildTimeResultChart
---@field daily_build_number? string
---@field build_number? integer
---@field build_time? integer
---@field build_result? string

---@class codearts.build.model.ShowJobInfoResult
---@field id? string
---@field project_id? string
---@field project_permission_switch? boolean
---@field build_time? string
---@field charge_time? string
---@field create_time? integer
---@field disabled? boolean
---@field favorite? boolean
---@field source_code? string
---@field running_status? string
---@field new_build? boolean
---@field job_name? string
---@field is_copy? boolean
---@field is_delete? boolean
---@field is_execute? boolean
---@field is_forbidden? boolean
---@field is_manager? boolean
---@field is_modify? boolean
---@field is_view? boolean
---@field last_build_status? string
---@field last_build_time? integer
---@field health_score? integer

---@class codearts.build.model.ShowJobPermissionResult
---@field role_id? integer
---@field job_id? string
---@field is_modify? boolean
---@field is_delete? boolean
---@field is_view? boolean
---@field is_execute? boolean
---@field is_copy? boolean
---@field is_forbidden? boolean
---@field is_manager? boolean
---@field create_time? string
---@field last_update_time? string
---@field count? integer

---@class codearts.build.model.ShowJobRolePermissionResult
---@field id? integer
---@field role_id? integer
---@field role_name? string
---@field job_id? string
---@field is_modify? boolean
---@field is_delete? boolean
---@field is_view? boolean
---@field is_execute? boolean
---@field is_copy? boolean
---@field is_forbidden? boolean
---@field is_manager? boolean
---@field create_time? string
---@field last_update_time? string
---@field count? integer

---@class codearts.build.model.ShowKeystorePermissionResponseBodyResult
---@field total? integer
---@field permission_list? codearts.build.model.AddKeystorePermissionResponseBody[]

---@class codearts.build.model.ShowRelatedProjectResult
---@field total? number
---@field project_info_list? codearts.build.model.ShowRelatedProjectResultProjectInfoList[]

---@class codearts.build.model.ShowRelatedProjectResultProjectInfoList
---@field identifier? string
---@field name? string
---@field author_id? string
---@field is_creator? boolean
---@field author_domain_id? string

---@class codearts.build.model.ShowReportSummary
---@field job_id? string
---@field build_no? integer
---@field stage_name? string
---@field root_id? string
---@field total? integer
---@field success? integer
---@field failures? integer
---@field errors? integer
---@field others? integer
---@field execution_time? integer
---@field genrate_time? string
---@field region? string
---@field is_success? boolean

---@class codearts.build.model.ShowReportSummaryBodyResult
---@field summary? codearts.build.model.ShowReportSummary
---@field sub_summarys? codearts.build.model.ShowReportSummary[]

---@class codearts.build.model.ShowRunningStatusResult
---@field last_job_id? string
---@field last_build_no? string
---@field last_build_status? string
---@field is_running? boolean

---@class codearts.build.model.ShowUserChargeTypeResult
---@field type? string
---@field charge_type? string
---@field main_resource_list? codearts.build.model.ShowUserChargeTypeResultMainResourceList[]

---@class codearts.build.model.ShowUserChargeTypeResultMainResourceList
---@field status? string
---@field service_type? string
---@field resource_type? string
---@field resource_spec_code? string

---@class codearts.build.model.ShowUserOverPackageQuotaResult
---@field is_over_quota? boolean
---@field build_quota? string
---@field used_quota? string

---@class codearts.build.model.ShowUserProjectPermissionResult
---@field project_id? string
---@field create_permission? boolean
---@field modify_permission? boolean
---@field group_permission? boolean
---@field delete_permission? boolean
---@field view_permission? boolean
---@field execute_permission? boolean
---@field copy_permission? boolean
---@field forbidden_permission? boolean
---@field manager_permission? boolean
---@field role_id? string
---@field role_name? string
---@field role_ids? string[]
---@field role_names? string[]

---@class codearts.build.model.StatusSuccessResultWithUUIDResult
---@field uuid? string

---@class codearts.build.model.StopJobRequestBody
---@field job_id string
---@field build_no string

---@class codearts.build.model.SystemParametersResult
---@field id? integer
---@field parameter_name? string
---@field description? string

---@class codearts.build.model.TemplateList
---@field language? string
---@field favourite? boolean
---@field uuid? string
---@field type? string
---@field name? string
---@field weight? number
---@field scope? string
---@field description? string
---@field nick_name? string
---@field public? boolean
---@field tool_type? string
---@field template? codearts.build.model.QueryTemplate
---@field parameters? codearts.build.model.Parameter[]

---@class codearts.build.model.Tips
---@field status? integer
---@field next_action? integer
---@field next_action_remain_day? integer
---@field next_action_url? string

---@class codearts.build.model.TotalResponseBodyResult
---@field total? integer

---@class codearts.build.model.Trigger
---@field parameters codearts.build.model.ParameterItem[]
---@field name string

---@class codearts.build.model.UpdateBuildJobParameter
---@field name? string
---@field params? codearts.build.model.UpdateBuildJobParameterParam[]

---@class codearts.build.model.UpdateBuildJobParameterParam
---@field name? string
---@field value? string
---@field limits? codearts.build.model.LimitsParam[]

---@class codearts.build.model.UpdateBuildJobRequestBody
---@field arch string
---@field project_id string
---@field job_name string
---@field job_id string
---@field auto_update_sub_module? string
---@field flavor? string
---@field parameters? codearts.build.model.UpdateBuildJobParameter[]
---@field scms? codearts.build.model.UpdateBuildJobScm[]
---@field steps codearts.build.model.UpdateBuildJobSteps[]
---@field host_type? string
---@field build_config_type? string

---@class codearts.build.model.UpdateBuildJobScm
---@field branch? string
---@field url string
---@field repo_id? string
---@field web_url? string
---@field scm_type string
---@field is_auto_build? boolean
---@field build_type? string
---@field depth? string
---@field end_point_id? string
---@field source? string

---@class codearts.build.model.UpdateBuildJobSteps
---@field properties? table<string, any>
---@field module_id string
---@field name string
---@field version? string
---@field enable? boolean

---@class codearts.build.model.UpdateKeystorePermissionRequestBody
---@field can_absent? boolean
---@field delete boolean
---@field id string
---@field keystore_id string
---@field modify boolean
---@field usage boolean
---@field user_name string

---@class codearts.build.model.UpdateKeystoreRequestBody
---@field id string
---@field description string
---@field keystore_name string
---@field share integer

---@class codearts.build.model.UpdateNoticeRequestBody
---@field notice_type string
---@field enabled_event_type_names string[]
---@field send_switch? string
---@field param_config? string
---@field use_project_notice? string

---@class codearts.build.model.UploadKeystoreRequestBody
---@field file string|{ name: string, content: string }
---@field privacy string
---@field description? string

---@class codearts.build.model.UploadKeystoreResult
---@field keystore_id? string

---@class codearts.build.model.Vertices
---@field id? string
---@field status? string
---@field display_name? string
---@field build_duration? integer
---@field start_time? string
---@field finish_time? string
---@field build_no? string

---@class codearts.build.Client
---@field call fun(self: codearts.build.Client, name: "AddFavouriteCustomTemplate", args: codearts.build.args.AddFavouriteCustomTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.AddFavouriteCustomTemplate
---@field call fun(self: codearts.build.Client, name: "AddFavouriteOfficialTemplate", args: codearts.build.args.AddFavouriteOfficialTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.AddFavouriteOfficialTemplate
---@field call fun(self: codearts.build.Client, name: "AddFavouriteTask", args: codearts.build.args.AddFavouriteTask, opts?: codearts.build.CallOptions): codearts.build.answer.AddFavouriteTask
---@field call fun(self: codearts.build.Client, name: "AddKeystorePermission", args: codearts.build.args.AddKeystorePermission, opts?: codearts.build.CallOptions): codearts.build.answer.AddKeystorePermission
---@field call fun(self: codearts.build.Client, name: "ApplyProjectPermission", args: codearts.build.args.ApplyProjectPermission, opts?: codearts.build.CallOptions): codearts.build.answer.ApplyProjectPermission
---@field call fun(self: codearts.build.Client, name: "BatchDeleteBuildJobs", args: codearts.build.args.BatchDeleteBuildJobs, opts?: codearts.build.CallOptions): codearts.build.answer.BatchDeleteBuildJobs
---@field call fun(self: codearts.build.Client, name: "BatchUpdateJobRolePermission", args: codearts.build.args.BatchUpdateJobRolePermission, opts?: codearts.build.CallOptions): codearts.build.answer.BatchUpdateJobRolePermission
---@field call fun(self: codearts.build.Client, name: "CheckJobCountIsTopLimit", args: codearts.build.args.CheckJobCountIsTopLimit, opts?: codearts.build.CallOptions): codearts.build.answer.CheckJobCountIsTopLimit
---@field call fun(self: codearts.build.Client, name: "CheckJobInternal", args: codearts.build.args.CheckJobInternal, opts?: codearts.build.CallOptions): codearts.build.answer.CheckJobInternal
---@field call fun(self: codearts.build.Client, name: "CheckJobNameIsExists", args: codearts.build.args.CheckJobNameIsExists, opts?: codearts.build.CallOptions): codearts.build.answer.CheckJobNameIsExists
---@field call fun(self: codearts.build.Client, name: "CheckWebhookUrl", args: codearts.build.args.CheckWebhookUrl, opts?: codearts.build.CallOptions): codearts.build.answer.CheckWebhookUrl
---@field call fun(self: codearts.build.Client, name: "ClearRecyclingJobs", args: codearts.build.args.ClearRecyclingJobs, opts?: codearts.build.CallOptions): codearts.build.answer.ClearRecyclingJobs
---@field call fun(self: codearts.build.Client, name: "CopyJob", args: codearts.build.args.CopyJob, opts?: codearts.build.CallOptions): codearts.build.answer.CopyJob
---@field call fun(self: codearts.build.Client, name: "CreateBuildJob", args: codearts.build.args.CreateBuildJob, opts?: codearts.build.CallOptions): codearts.build.answer.CreateBuildJob
---@field call fun(self: codearts.build.Client, name: "CreateJobGroup", args: codearts.build.args.CreateJobGroup, opts?: codearts.build.CallOptions): codearts.build.answer.CreateJobGroup
---@field call fun(self: codearts.build.Client, name: "CreateNewJob", args: codearts.build.args.CreateNewJob, opts?: codearts.build.CallOptions): codearts.build.answer.CreateNewJob
---@field call fun(self: codearts.build.Client, name: "CreateTemplate", args: codearts.build.args.CreateTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.CreateTemplate
---@field call fun(self: codearts.build.Client, name: "CreateTemplates", args: codearts.build.args.CreateTemplates, opts?: codearts.build.CallOptions): codearts.build.answer.CreateTemplates
---@field call fun(self: codearts.build.Client, name: "DeleteBuildJob", args: codearts.build.args.DeleteBuildJob, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteBuildJob
---@field call fun(self: codearts.build.Client, name: "DeleteGroup", args: codearts.build.args.DeleteGroup, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteGroup
---@field call fun(self: codearts.build.Client, name: "DeleteKeystore", args: codearts.build.args.DeleteKeystore, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteKeystore
---@field call fun(self: codearts.build.Client, name: "DeleteKeystorePermission", args: codearts.build.args.DeleteKeystorePermission, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteKeystorePermission
---@field call fun(self: codearts.build.Client, name: "DeleteRecyclingJobs", args: codearts.build.args.DeleteRecyclingJobs, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteRecyclingJobs
---@field call fun(self: codearts.build.Client, name: "DeleteTemplate", args: codearts.build.args.DeleteTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteTemplate
---@field call fun(self: codearts.build.Client, name: "DeleteTemplates", args: codearts.build.args.DeleteTemplates, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteTemplates
---@field call fun(self: codearts.build.Client, name: "DeleteTheJob", args: codearts.build.args.DeleteTheJob, opts?: codearts.build.CallOptions): codearts.build.answer.DeleteTheJob
---@field call fun(self: codearts.build.Client, name: "DisableBuildJob", args: codearts.build.args.DisableBuildJob, opts?: codearts.build.CallOptions): codearts.build.answer.DisableBuildJob
---@field call fun(self: codearts.build.Client, name: "DisableNotice", args: codearts.build.args.DisableNotice, opts?: codearts.build.CallOptions): codearts.build.answer.DisableNotice
---@field call fun(self: codearts.build.Client, name: "DisableTheJob", args: codearts.build.args.DisableTheJob, opts?: codearts.build.CallOptions): codearts.build.answer.DisableTheJob
---@field call fun(self: codearts.build.Client, name: "DownloadBuildFullLog", args: codearts.build.args.DownloadBuildFullLog, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "DownloadBuildLog", args: codearts.build.args.DownloadBuildLog, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "DownloadBuildRealTimeLog", args: codearts.build.args.DownloadBuildRealTimeLog, opts?: codearts.build.CallOptions): codearts.build.answer.DownloadBuildRealTimeLog
---@field call fun(self: codearts.build.Client, name: "DownloadJunitCoverageZip", args: codearts.build.args.DownloadJunitCoverageZip, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "DownloadKeystore", args: codearts.build.args.DownloadKeystore, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "DownloadKeystoreByName", args: codearts.build.args.DownloadKeystoreByName, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "DownloadLogByRecordId", args: codearts.build.args.DownloadLogByRecordId, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "DownloadRealTimeLog", args: codearts.build.args.DownloadRealTimeLog, opts?: codearts.build.CallOptions): codearts.build.answer.DownloadRealTimeLog
---@field call fun(self: codearts.build.Client, name: "DownloadTaskLog", args: codearts.build.args.DownloadTaskLog, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "EnableBuildJob", args: codearts.build.args.EnableBuildJob, opts?: codearts.build.CallOptions): codearts.build.answer.EnableBuildJob
---@field call fun(self: codearts.build.Client, name: "ExecuteJob", args: codearts.build.args.ExecuteJob, opts?: codearts.build.CallOptions): codearts.build.answer.ExecuteJob
---@field call fun(self: codearts.build.Client, name: "ListBriefRecord", args: codearts.build.args.ListBriefRecord, opts?: codearts.build.CallOptions): codearts.build.answer.ListBriefRecord
---@field call fun(self: codearts.build.Client, name: "ListBuildInfoRecord", args: codearts.build.args.ListBuildInfoRecord, opts?: codearts.build.CallOptions): codearts.build.answer.ListBuildInfoRecord
---@field call fun(self: codearts.build.Client, name: "ListBuildInfoRecordByJobId", args: codearts.build.args.ListBuildInfoRecordByJobId, opts?: codearts.build.CallOptions): codearts.build.answer.ListBuildInfoRecordByJobId
---@field call fun(self: codearts.build.Client, name: "ListBuildParameter", args: codearts.build.args.ListBuildParameter, opts?: codearts.build.CallOptions): codearts.build.answer.ListBuildParameter
---@field call fun(self: codearts.build.Client, name: "ListCustomTemplate", args: codearts.build.args.ListCustomTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.ListCustomTemplate
---@field call fun(self: codearts.build.Client, name: "ListEndPoints", args: codearts.build.args.ListEndPoints, opts?: codearts.build.CallOptions): codearts.build.answer.ListEndPoints
---@field call fun(self: codearts.build.Client, name: "ListGroupTree", args: codearts.build.args.ListGroupTree, opts?: codearts.build.CallOptions): codearts.build.answer.ListGroupTree
---@field call fun(self: codearts.build.Client, name: "ListJob", args: codearts.build.args.ListJob, opts?: codearts.build.CallOptions): codearts.build.answer.ListJob
---@field call fun(self: codearts.build.Client, name: "ListJobConfig", args: codearts.build.args.ListJobConfig, opts?: codearts.build.CallOptions): codearts.build.answer.ListJobConfig
---@field call fun(self: codearts.build.Client, name: "ListJunitCoverageSummary", args: codearts.build.args.ListJunitCoverageSummary, opts?: codearts.build.CallOptions): codearts.build.answer.ListJunitCoverageSummary
---@field call fun(self: codearts.build.Client, name: "ListKeystore", args: codearts.build.args.ListKeystore, opts?: codearts.build.CallOptions): codearts.build.answer.ListKeystore
---@field call fun(self: codearts.build.Client, name: "ListKeystoreSearch", args: codearts.build.args.ListKeystoreSearch, opts?: codearts.build.CallOptions): codearts.build.answer.ListKeystoreSearch
---@field call fun(self: codearts.build.Client, name: "ListNotice", args: codearts.build.args.ListNotice, opts?: codearts.build.CallOptions): codearts.build.answer.ListNotice
---@field call fun(self: codearts.build.Client, name: "ListOfficialTemplate", args: codearts.build.args.ListOfficialTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.ListOfficialTemplate
---@field call fun(self: codearts.build.Client, name: "ListProjectJobs", args: codearts.build.args.ListProjectJobs, opts?: codearts.build.CallOptions): codearts.build.answer.ListProjectJobs
---@field call fun(self: codearts.build.Client, name: "ListRecommendOfficialTemplate", args: codearts.build.args.ListRecommendOfficialTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.ListRecommendOfficialTemplate
---@field call fun(self: codearts.build.Client, name: "ListRecords", args: codearts.build.args.ListRecords, opts?: codearts.build.CallOptions): codearts.build.answer.ListRecords
---@field call fun(self: codearts.build.Client, name: "ListRecyclingJob", args: codearts.build.args.ListRecyclingJob, opts?: codearts.build.CallOptions): codearts.build.answer.ListRecyclingJob
---@field call fun(self: codearts.build.Client, name: "ListRelatedProjectInfo", args: codearts.build.args.ListRelatedProjectInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ListRelatedProjectInfo
---@field call fun(self: codearts.build.Client, name: "ListRepoBranch", args: codearts.build.args.ListRepoBranch, opts?: codearts.build.CallOptions): codearts.build.answer.ListRepoBranch
---@field call fun(self: codearts.build.Client, name: "ListRepository", args: codearts.build.args.ListRepository, opts?: codearts.build.CallOptions): codearts.build.answer.ListRepository
---@field call fun(self: codearts.build.Client, name: "ListTemplates", args: codearts.build.args.ListTemplates, opts?: codearts.build.CallOptions): codearts.build.answer.ListTemplates
---@field call fun(self: codearts.build.Client, name: "ListUpdateJobHistory", args: codearts.build.args.ListUpdateJobHistory, opts?: codearts.build.CallOptions): codearts.build.answer.ListUpdateJobHistory
---@field call fun(self: codearts.build.Client, name: "MoveGroup", args: codearts.build.args.MoveGroup, opts?: codearts.build.CallOptions): codearts.build.answer.MoveGroup
---@field call fun(self: codearts.build.Client, name: "RemoverFavouriteCustomTemplate", args: codearts.build.args.RemoverFavouriteCustomTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.RemoverFavouriteCustomTemplate
---@field call fun(self: codearts.build.Client, name: "RemoverFavouriteOfficialTemplate", args: codearts.build.args.RemoverFavouriteOfficialTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.RemoverFavouriteOfficialTemplate
---@field call fun(self: codearts.build.Client, name: "RemoverFavouriteTask", args: codearts.build.args.RemoverFavouriteTask, opts?: codearts.build.CallOptions): codearts.build.answer.RemoverFavouriteTask
---@field call fun(self: codearts.build.Client, name: "RestoreRecyclingJobs", args: codearts.build.args.RestoreRecyclingJobs, opts?: codearts.build.CallOptions): codearts.build.answer.RestoreRecyclingJobs
---@field call fun(self: codearts.build.Client, name: "RunJob", args: codearts.build.args.RunJob, opts?: codearts.build.CallOptions): codearts.build.answer.RunJob
---@field call fun(self: codearts.build.Client, name: "SaveTemplateUsedInfo", args: codearts.build.args.SaveTemplateUsedInfo, opts?: codearts.build.CallOptions): codearts.build.answer.SaveTemplateUsedInfo
---@field call fun(self: codearts.build.Client, name: "SetKeepTime", args: codearts.build.args.SetKeepTime, opts?: codearts.build.CallOptions): codearts.build.answer.SetKeepTime
---@field call fun(self: codearts.build.Client, name: "ShowActionIInfo", args: codearts.build.args.ShowActionIInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ShowActionIInfo
---@field call fun(self: codearts.build.Client, name: "ShowAvailableInnerSpec", args: codearts.build.args.ShowAvailableInnerSpec, opts?: codearts.build.CallOptions): string[]
---@field call fun(self: codearts.build.Client, name: "ShowBuildDetails", args: codearts.build.args.ShowBuildDetails, opts?: codearts.build.CallOptions): codearts.build.answer.ShowBuildDetails
---@field call fun(self: codearts.build.Client, name: "ShowBuildInfoRecord", args: codearts.build.args.ShowBuildInfoRecord, opts?: codearts.build.CallOptions): codearts.build.answer.ShowBuildInfoRecord
---@field call fun(self: codearts.build.Client, name: "ShowBuildParamsList", args: codearts.build.args.ShowBuildParamsList, opts?: codearts.build.CallOptions): codearts.build.answer.ShowBuildParamsList
---@field call fun(self: codearts.build.Client, name: "ShowBuildRecord", args: codearts.build.args.ShowBuildRecord, opts?: codearts.build.CallOptions): codearts.build.answer.ShowBuildRecord
---@field call fun(self: codearts.build.Client, name: "ShowBuildRecordBuildScript", args: codearts.build.args.ShowBuildRecordBuildScript, opts?: codearts.build.CallOptions): codearts.build.answer.ShowBuildRecordBuildScript
---@field call fun(self: codearts.build.Client, name: "ShowBuildRecordFlowGraph", args: codearts.build.args.ShowBuildRecordFlowGraph, opts?: codearts.build.CallOptions): codearts.build.answer.ShowBuildRecordFlowGraph
---@field call fun(self: codearts.build.Client, name: "ShowBuildRecordFullStages", args: codearts.build.args.ShowBuildRecordFullStages, opts?: codearts.build.CallOptions): codearts.build.answer.ShowBuildRecordFullStages
---@field call fun(self: codearts.build.Client, name: "ShowCopyName", args: codearts.build.args.ShowCopyName, opts?: codearts.build.CallOptions): codearts.build.answer.ShowCopyName
---@field call fun(self: codearts.build.Client, name: "ShowDefaultBuildParameters", args: codearts.build.args.ShowDefaultBuildParameters, opts?: codearts.build.CallOptions): codearts.build.answer.ShowDefaultBuildParameters
---@field call fun(self: codearts.build.Client, name: "ShowDefaultProjectPermission", args: codearts.build.args.ShowDefaultProjectPermission, opts?: codearts.build.CallOptions): codearts.build.answer.ShowDefaultProjectPermission
---@field call fun(self: codearts.build.Client, name: "ShowDisable", args: codearts.build.args.ShowDisable, opts?: codearts.build.CallOptions): codearts.build.answer.ShowDisable
---@field call fun(self: codearts.build.Client, name: "ShowDockerfileTemplate", args: codearts.build.args.ShowDockerfileTemplate, opts?: codearts.build.CallOptions): string
---@field call fun(self: codearts.build.Client, name: "ShowDomainStatus", args: codearts.build.args.ShowDomainStatus, opts?: codearts.build.CallOptions): codearts.build.answer.ShowDomainStatus
---@field call fun(self: codearts.build.Client, name: "ShowDomainsStatuses", args: codearts.build.args.ShowDomainsStatuses, opts?: codearts.build.CallOptions): codearts.build.answer.ShowDomainsStatuses
---@field call fun(self: codearts.build.Client, name: "ShowFlowGraph", args: codearts.build.args.ShowFlowGraph, opts?: codearts.build.CallOptions): codearts.build.answer.ShowFlowGraph
---@field call fun(self: codearts.build.Client, name: "ShowHistoryDetails", args: codearts.build.args.ShowHistoryDetails, opts?: codearts.build.CallOptions): codearts.build.answer.ShowHistoryDetails
---@field call fun(self: codearts.build.Client, name: "ShowImageTemplateList", args: codearts.build.args.ShowImageTemplateList, opts?: codearts.build.CallOptions): codearts.build.answer.ShowImageTemplateList
---@field call fun(self: codearts.build.Client, name: "ShowJobBuildRecordDetail", args: codearts.build.args.ShowJobBuildRecordDetail, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobBuildRecordDetail
---@field call fun(self: codearts.build.Client, name: "ShowJobBuildSuccessRatio", args: codearts.build.args.ShowJobBuildSuccessRatio, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobBuildSuccessRatio
---@field call fun(self: codearts.build.Client, name: "ShowJobBuildTime", args: codearts.build.args.ShowJobBuildTime, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobBuildTime
---@field call fun(self: codearts.build.Client, name: "ShowJobConfig", args: codearts.build.args.ShowJobConfig, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobConfig
---@field call fun(self: codearts.build.Client, name: "ShowJobConfigDiff", args: codearts.build.args.ShowJobConfigDiff, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobConfigDiff
---@field call fun(self: codearts.build.Client, name: "ShowJobInfo", args: codearts.build.args.ShowJobInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobInfo
---@field call fun(self: codearts.build.Client, name: "ShowJobListByProjectId", args: codearts.build.args.ShowJobListByProjectId, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobListByProjectId
---@field call fun(self: codearts.build.Client, name: "ShowJobNoticeConfigInfo", args: codearts.build.args.ShowJobNoticeConfigInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobNoticeConfigInfo
---@field call fun(self: codearts.build.Client, name: "ShowJobPipelineInfo", args: codearts.build.args.ShowJobPipelineInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobPipelineInfo
---@field call fun(self: codearts.build.Client, name: "ShowJobRolePermission", args: codearts.build.args.ShowJobRolePermission, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobRolePermission
---@field call fun(self: codearts.build.Client, name: "ShowJobStatus", args: codearts.build.args.ShowJobStatus, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobStatus
---@field call fun(self: codearts.build.Client, name: "ShowJobStepStatus", args: codearts.build.args.ShowJobStepStatus, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobStepStatus
---@field call fun(self: codearts.build.Client, name: "ShowJobSuccessRatio", args: codearts.build.args.ShowJobSuccessRatio, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobSuccessRatio
---@field call fun(self: codearts.build.Client, name: "ShowJobSystemParameters", args: codearts.build.args.ShowJobSystemParameters, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobSystemParameters
---@field call fun(self: codearts.build.Client, name: "ShowJobTotal", args: codearts.build.args.ShowJobTotal, opts?: codearts.build.CallOptions): codearts.build.answer.ShowJobTotal
---@field call fun(self: codearts.build.Client, name: "ShowKeystorePermission", args: codearts.build.args.ShowKeystorePermission, opts?: codearts.build.CallOptions): codearts.build.answer.ShowKeystorePermission
---@field call fun(self: codearts.build.Client, name: "ShowLastHistory", args: codearts.build.args.ShowLastHistory, opts?: codearts.build.CallOptions): codearts.build.answer.ShowLastHistory
---@field call fun(self: codearts.build.Client, name: "ShowListHistory", args: codearts.build.args.ShowListHistory, opts?: codearts.build.CallOptions): codearts.build.answer.ShowListHistory
---@field call fun(self: codearts.build.Client, name: "ShowListPeriodHistory", args: codearts.build.args.ShowListPeriodHistory, opts?: codearts.build.CallOptions): codearts.build.answer.ShowListPeriodHistory
---@field call fun(self: codearts.build.Client, name: "ShowOutputInfo", args: codearts.build.args.ShowOutputInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ShowOutputInfo
---@field call fun(self: codearts.build.Client, name: "ShowPackageSpecCountDown", args: codearts.build.args.ShowPackageSpecCountDown, opts?: codearts.build.CallOptions): codearts.build.answer.ShowPackageSpecCountDown
---@field call fun(self: codearts.build.Client, name: "ShowProjectJobPermission", args: codearts.build.args.ShowProjectJobPermission, opts?: codearts.build.CallOptions): codearts.build.answer.ShowProjectJobPermission
---@field call fun(self: codearts.build.Client, name: "ShowProjectPermission", args: codearts.build.args.ShowProjectPermission, opts?: codearts.build.CallOptions): codearts.build.answer.ShowProjectPermission
---@field call fun(self: codearts.build.Client, name: "ShowRecordDetail", args: codearts.build.args.ShowRecordDetail, opts?: codearts.build.CallOptions): codearts.build.answer.ShowRecordDetail
---@field call fun(self: codearts.build.Client, name: "ShowRecordInfo", args: codearts.build.args.ShowRecordInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ShowRecordInfo
---@field call fun(self: codearts.build.Client, name: "ShowRelatedProject", args: codearts.build.args.ShowRelatedProject, opts?: codearts.build.CallOptions): codearts.build.answer.ShowRelatedProject
---@field call fun(self: codearts.build.Client, name: "ShowReportSummary", args: codearts.build.args.ShowReportSummary, opts?: codearts.build.CallOptions): codearts.build.answer.ShowReportSummary
---@field call fun(self: codearts.build.Client, name: "ShowRunningStatus", args: codearts.build.args.ShowRunningStatus, opts?: codearts.build.CallOptions): codearts.build.answer.ShowRunningStatus
---@field call fun(self: codearts.build.Client, name: "ShowSummaryBuildJobInfo", args: codearts.build.args.ShowSummaryBuildJobInfo, opts?: codearts.build.CallOptions): codearts.build.answer.ShowSummaryBuildJobInfo
---@field call fun(self: codearts.build.Client, name: "ShowTemplate", args: codearts.build.args.ShowTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.ShowTemplate
---@field call fun(self: codearts.build.Client, name: "ShowUserChargeType", args: codearts.build.args.ShowUserChargeType, opts?: codearts.build.CallOptions): codearts.build.answer.ShowUserChargeType
---@field call fun(self: codearts.build.Client, name: "ShowUserOverPackageQuota", args: codearts.build.args.ShowUserOverPackageQuota, opts?: codearts.build.CallOptions): codearts.build.answer.ShowUserOverPackageQuota
---@field call fun(self: codearts.build.Client, name: "ShowYamlTemplate", args: codearts.build.args.ShowYamlTemplate, opts?: codearts.build.CallOptions): codearts.build.answer.ShowYamlTemplate
---@field call fun(self: codearts.build.Client, name: "StopBuildJob", args: codearts.build.args.StopBuildJob, opts?: codearts.build.CallOptions): codearts.build.answer.StopBuildJob
---@field call fun(self: codearts.build.Client, name: "StopJob", args: codearts.build.args.StopJob, opts?: codearts.build.CallOptions): codearts.build.answer.StopJob
---@field call fun(self: codearts.build.Client, name: "StopTheJob", args: codearts.build.args.StopTheJob, opts?: codearts.build.CallOptions): codearts.build.answer.StopTheJob
---@field call fun(self: codearts.build.Client, name: "SwitchedPacket", args: codearts.build.args.SwitchedPacket, opts?: codearts.build.CallOptions): codearts.build.answer.SwitchedPacket
---@field call fun(self: codearts.build.Client, name: "UpdateBuildJob", args: codearts.build.args.UpdateBuildJob, opts?: codearts.build.CallOptions): codearts.build.answer.UpdateBuildJob
---@field call fun(self: codearts.build.Client, name: "UpdateJobGroup", args: codearts.build.args.UpdateJobGroup, opts?: codearts.build.CallOptions): codearts.build.answer.UpdateJobGroup
---@field call fun(self: codearts.build.Client, name: "UpdateKeystore", args: codearts.build.args.UpdateKeystore, opts?: codearts.build.CallOptions): codearts.build.answer.UpdateKeystore
---@field call fun(self: codearts.build.Client, name: "UpdateKeystorePermission", args: codearts.build.args.UpdateKeystorePermission, opts?: codearts.build.CallOptions): codearts.build.answer.UpdateKeystorePermission
---@field call fun(self: codearts.build.Client, name: "UpdateNewJob", args: codearts.build.args.UpdateNewJob, opts?: codearts.build.CallOptions): codearts.build.answer.UpdateNewJob
---@field call fun(self: codearts.build.Client, name: "UpdateNewNoticeNew", args: codearts.build.args.UpdateNewNoticeNew, opts?: codearts.build.CallOptions): codearts.build.answer.UpdateNewNoticeNew
---@field call fun(self: codearts.build.Client, name: "UpdateNotice", args: codearts.build.args.UpdateNotice, opts?: codearts.build.CallOptions): codearts.build.answer.UpdateNotice
---@field call fun(self: codearts.build.Client, name: "UploadKeystore", args: codearts.build.args.UploadKeystore, opts?: codearts.build.CallOptions): codearts.build.answer.UploadKeystore
