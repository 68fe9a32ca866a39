-- Builds and jobs as the service's answers show them: one function per model of API reference 7, every documented member present.
-- Members whose meaning the reference leaves open hold what its examples hold; see doc/sandbox.md for what the sandbox chose itself.

local account = require "codearts.build.sandbox.account"
local clock = require "codearts.build.sandbox.clock"
local json = require "codearts.build.sandbox.json"

local M = {}

local REGION = "sandbox"

-- 5 and 8 are in the examples (API reference 7.5), the others are the sandbox's own.
local STATUS_CODE = { [""] = 0, QUEUED = 1, RUNNING = 2, SUCCESS = 5, FAILURE = 6, ABORTED = 8 }
local BALL = {
  QUEUED = "notbuilt",
  RUNNING = "blue_anime",
  SUCCESS = "blue",
  FAILURE = "red",
  ABORTED = "aborted",
}
-- As the documentation of the lists names them; it knows `timeout`, too.
local FILTER_STATUS = {
  none = "none",
  QUEUED = "building",
  RUNNING = "building",
  SUCCESS = "blue",
  FAILURE = "red",
  ABORTED = "aborted",
}
local STEP_STATUS =
  { [""] = "", RUNNING = "running", SUCCESS = "success", FAILURE = "error", ABORTED = "error" }

local function or_null(value)
  if value == nil then
    return json.null
  end
  return value
end

local function milliseconds(from, to)
  return from and math.floor(((to or clock.now()) - from) * 1000) or 0
end

local function epoch_ms(time)
  return time and math.floor(time * 1000) or 0
end

local function is_running(build)
  return build.finished == nil
end

local function branch_of(build)
  if build.scm.branch then
    return build.scm.branch
  end
  for _, item in ipairs(build.parameters) do
    if item.name == "codeBranch" then
      return item.value
    end
  end
  return ""
end

local function build_type(build)
  return build.scm.build_type
    or (build.scm.build_tag and "tag")
    or (build.scm.build_commit_id and "commitId")
    or "branch"
end

local function repository(build)
  return build.scm.repo_name or build.job.name
end

local function shown(item)
  return item.secret and "******" or item.value
end

---Record detail, API reference 7.3.
function M.record_detail(sandbox, build)
  return {
    id = build.id,
    build_project_id = build.job.build_project_id,
    build_record_id = build.record_id,
    parent_record_id = json.null,
    devcloud_project_id = sandbox.options.project_id,
    codeci_job_id = build.job.id,
    user_id = account.USER_ID,
    build_no = build.number,
    daily_build_num = build.daily,
    execution_id = build.octopus_job_name,
    repo_name = repository(build),
    repo_id = build.scm.repo_id or "",
    branch = branch_of(build),
    tag = or_null(build.scm.build_tag),
    commit = or_null(build.scm.build_commit_id),
    commit_message = json.null,
    commit_create_time = clock.record(build.created),
    trigger_type = "MANUAL",
    build_type = build_type(build),
    status = build.status,
    domain_id = account.DOMAIN_ID,
    create_time = clock.record(build.created),
    schedule_time = clock.record(build.started),
    queued_time = clock.record(build.created),
    start_time = clock.record(build.started),
    runnable_time = clock.record(build.started),
    finish_time = clock.record(build.finished),
    duration = milliseconds(build.started, build.finished),
    record_status = json.null,
    use_private_slave = 0,
    region = REGION,
    err_msg = json.null,
    build_config_type = "ACTION",
  }
end

---ShowHistoryDetails, API reference 7.4.
function M.history_details(sandbox, build)
  local parameters, steps = {}, json.list {}
  for _, item in ipairs(build.parameters) do
    parameters[item.name] = shown(item)
  end
  for i, step in ipairs(build.steps) do
    steps[i] = {
      name = step.name,
      status = STEP_STATUS[step.status],
      build_time = milliseconds(step.started, step.finished),
    }
  end
  return {
    job_name = build.job.name,
    build_number = build.number,
    project_id = sandbox.options.project_id,
    project_name = sandbox.options.project_name,
    parameters = parameters,
    build_steps = steps,
  }
end

---ListBuildParameter, API reference 7.9.
function M.parameters(build)
  local list = json.list {}
  for i, item in ipairs(build.parameters) do
    list[i] = { name = item.name, value = shown(item) }
  end
  return list
end

---ShowOutputInfo, API reference 7.9: the packages that the build has made.
function M.output_info(sandbox, build)
  local first, all = json.null, nil
  for _, package in ipairs(build.packages or {}) do
    all = all or {}
    all[package.name] = {
      project_id = sandbox.options.project_id,
      name = package.name,
      version = build.daily,
      package_type = "generic",
      uri = package.uri,
      type = "package",
      daily_build_number = build.daily,
    }
    first = first == json.null and all[package.name] or first
  end
  return { package_info = first, package_infos = or_null(all), image_infos = json.null }
end

local function named_values(list)
  local values = json.list {}
  for index, pair in ipairs(list) do
    values[index] = { name = pair[1], value = pair[2], limits = json.list {} }
  end
  return values
end

---ShowJobConfig, API reference 7.9. A parameter is a list of named values, its name one of them.
function M.job_config(sandbox, job)
  local parameters, steps = json.list {}, json.list {}
  for index, declared in ipairs(job.parameters) do
    parameters[index] = {
      name = "hudson.model.StringParameterDefinition",
      params = named_values {
        { "name", declared.name },
        { "type", "normalparam" },
        { "defaultValue", declared.secret and "******" or declared.default },
        { "sensitiveVar", tostring(declared.secret) },
      },
    }
  end
  for index, step in ipairs(job.steps) do
    steps[index] = {
      properties = {},
      module_id = "sandbox.shell",
      name = step.name,
      version = "1.0.0",
      enable = true,
    }
  end
  return {
    arch = "x86-64",
    project_id = sandbox.options.project_id,
    job_name = job.name,
    auto_update_sub_module = "false",
    flavor = "",
    parameters = parameters,
    group_id = "",
    timeout = { limit = "6", unit = "HOURS" },
    scms = json.list {},
    steps = steps,
    host_type = "devcloud",
    build_config_type = "ACTION",
    build_if_code_updated = false,
    triggers = json.list {},
  }
end

---ShowBuildRecord, API reference 7.3.
function M.build_record(build)
  local parameters = json.list {}
  for i, item in ipairs(build.parameters) do
    parameters[i] = { name = item.name, secret = item.secret, value = shown(item), type = "text" }
  end
  return {
    id = build.record_id,
    status = build.status,
    status_code = STATUS_CODE[build.status],
    create_time = clock.record(build.created),
    schedule_time = clock.record(build.started),
    queued_time = clock.record(build.created),
    start_time = clock.record(build.started),
    finish_time = clock.record(build.finished),
    duration = milliseconds(build.created, build.finished),
    build_duration = milliseconds(build.started, build.finished),
    pending_duration = milliseconds(build.created, build.started or build.finished),
    project_id = build.job.build_project_id,
    display_name = build.job.name,
    trigger_name = build.user,
    group_name = "",
    execution_id = build.octopus_job_name,
    parameters = parameters,
    repository = repository(build),
    branch = branch_of(build),
    revision = build.scm.build_commit_id or "",
    build_yml_path = "",
    build_yml_url = "",
    daily_build_number = build.daily,
    build_record_type = {
      rerun = false,
      trigger_type = "Manual",
      record_type = "",
      is_rerun = false,
    },
    trigger_type = "Manual",
    scm_type = build.scm.scm_type or "default",
    scm_web_url = build.scm.url or "",
    user_id = account.USER_ID,
    build_no = tostring(build.number),
    daily_build_no = build.daily,
    dev_cloud_build_type = build_type(build),
  }
end

local function stage(build, key, sequence, step)
  local duration = milliseconds(step.started, step.finished)
  return {
    id = build.record_id .. "-" .. key,
    status = step.status,
    status_code = STATUS_CODE[step.status],
    log_status = step.status,
    create_time = clock.record(build.created),
    schedule_time = clock.record(step.started),
    queued_time = clock.record(step.started),
    start_time = clock.record(step.started),
    finish_time = clock.record(step.finished),
    duration = duration,
    build_duration = duration,
    pending_duration = 0,
    build_record_id = build.record_id,
    execution_id = build.octopus_job_name,
    execution_stage_name = key,
    display_name = step.name,
    node_id = sequence,
    sequence = sequence,
  }
end

---ShowBuildRecordFullStages, API reference 7.4. The sandbox has nothing to do in `final`.
function M.stages(build)
  local stages = { initial = stage(build, "initial", 0, build.steps[0]) }
  for i, step in ipairs(build.steps) do
    stages["stage" .. i] = stage(build, "stage" .. i, i, step)
  end
  local final = {
    name = "final",
    started = build.finished,
    finished = build.finished,
    status = build.finished and "SUCCESS" or "",
  }
  stages.final = stage(build, "final", #build.steps + 1, final)
  return { build_stages = stages, check_stages = json.null }
end

---One of history_records, API reference 7.8; ShowListHistory has the first six members only.
function M.history_record(build)
  return {
    record_id = build.daily,
    job_id = build.job.id,
    build_number = build.number,
    start_time = clock.history(build.started or build.created),
    end_time = clock.history(build.finished),
    result = build.status,
  }
end

function M.period_record(build)
  local record = M.history_record(build)
  record.branch, record.commit_id = branch_of(build), build.scm.build_commit_id or ""
  record.commit_message, record.executor, record.trigger_type = "", build.user, "Manual"
  return record
end

---BuildInfoRecord, API reference 7.8.
function M.info_record(build)
  local commit = build.scm.build_commit_id or ""
  return {
    number = build.number,
    build_time = milliseconds(build.started, build.finished),
    start_time = epoch_ms(build.started or build.created),
    job_running_status = is_running(build) and "Running" or "Finished",
    state = build.status,
    user_id = account.USER_ID,
    executor = build.user,
    nickname = build.user,
    daily_build_number = build.daily,
    trigger_type = "Manual",
    cost_time = milliseconds(build.started, build.finished),
    commit_id = commit,
    commit_info = { commit_id = commit, created_at = clock.record(build.created) },
    build_type = build_type(build),
    code_branch = branch_of(build),
    scm_type = build.scm.scm_type or "default",
    scm_web_url = build.scm.url or "",
    commit_detail_url = "",
  }
end

---Share of successes among the finished builds as a text of a number from 0 to 100.
function M.health(builds)
  local ended, good = 0, 0
  for _, build in ipairs(builds) do
    ended = ended + (build.finished and 1 or 0)
    good = good + (build.status == "SUCCESS" and 1 or 0)
  end
  return ended == 0 and 0 or math.floor(100 * good / ended)
end

---Job of the project lists, API reference 7.8.
function M.job(sandbox, job)
  local builds = sandbox.builds
  local last = builds:last(job.id)
  return {
    id = job.id,
    job_name = job.name,
    job_creator = account.USER_ID,
    user_name = sandbox.options.user or "sandbox",
    last_build_time = epoch_ms(last and last.created),
    health_score = M.health(builds:between(job.id, 0, math.huge)),
    source_code = "codehub",
    last_build_status = last and BALL[last.status] or "notbuilt",
    is_finished = not last or not is_running(last),
    disabled = false,
    favorite = false,
    is_modify = false,
    is_delete = false,
    is_execute = true,
    is_copy = false,
    is_forbidden = false,
    is_view = true,
    last_build_user = last and last.user or "",
    trigger_type = "Manual",
    build_time = last and milliseconds(last.started, last.finished) or 0,
    scm_web_url = "",
    scm_type = "default",
    repo_id = "",
    build_project_id = job.build_project_id,
    last_job_running_status = last and is_running(last) and "Running" or "Finished",
    last_build_user_id = last and account.USER_ID or "",
  }
end

---A member of ListJob's answer: the same and some more.
function M.listed_job(sandbox, job)
  local last = sandbox.builds:last(job.id)
  local view = M.job(sandbox, job)
  view.user_id, view.nick_name = account.USER_ID, view.user_name
  view.project_id = sandbox.options.project_id
  view.project_name = sandbox.options.project_name
  view.task_id = last and "#" .. last.daily or ""
  view.code_branch = last and branch_of(last) or ""
  view.commit_id = last and last.scm.build_commit_id or ""
  view.commit_detail_url = ""
  view.build_number = last and tostring(last.number) or ""
  view.forbidden_msg = ""
  view.build_type = last and build_type(last) or ""
  view.tag = last and last.scm.build_tag or ""
  view.project_permission_switch = false
  return view
end

---What the filter `build_status` of the lists compares with.
function M.filter_status(sandbox, job)
  local last = sandbox.builds:last(job.id)
  return FILTER_STATUS[last and last.status or "none"]
end

---ShowRunningStatus, API reference 7.2.
function M.running_status(sandbox, job)
  local last = sandbox.builds:listed(job.id, 0, math.huge)[1]
  local running = sandbox.builds:is_running(job.id)
  return {
    last_job_id = job.id,
    last_build_no = last and tostring(last.number) or "",
    last_build_status = running and "Running" or "Finished",
    is_running = running,
  }
end

---ShowJobStepStatus, API reference 7.2.
function M.step_status(build)
  local status = build.finished and STEP_STATUS[build.status] or "running"
  return {
    status = status,
    abort_status = build.status == "ABORTED" and "aborted" or "",
    label = "sandbox",
  }
end

---ShowBuildDetails, API reference 7.2.
function M.build_details(build)
  return {
    building = is_running(build),
    build_result = build.finished and build.status or "",
    region = REGION,
  }
end

return M
