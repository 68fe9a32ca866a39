-- The operations that look at builds and jobs (API reference 7.2 to 7.9).

local account = require "codearts.build.sandbox.account"
local ask = require "codearts.build.sandbox.ask"
local clock = require "codearts.build.sandbox.clock"
local fault = require "codearts.build.sandbox.fault"
local json = require "codearts.build.sandbox.json"
local views = require "codearts.build.sandbox.views"

local M = {}

local DAY = 86400
local MAX_INT32 = 2147483647

local function plain(value)
  return { status = 200, json = value }
end

local function wrapped(result)
  return plain({ status = "success", error = json.null, result = result })
end

-- The rows of one page, counted from 0, each through `view`.
local function page(rows, index, size, view)
  local out = json.list {}
  for i = index * size + 1, math.min(#rows, (index + 1) * size) do
    out[#out + 1] = view(rows[i])
  end
  return out
end

function M.record_detail(sandbox, request)
  return wrapped(views.record_detail(sandbox, ask.path_build(sandbox, request)))
end

function M.history_details(sandbox, request)
  return plain(views.history_details(sandbox, ask.path_build(sandbox, request)))
end

function M.build_parameters(sandbox, request)
  return wrapped(views.parameters(ask.path_build(sandbox, request)))
end

function M.output_info(sandbox, request)
  return wrapped(views.output_info(sandbox, ask.path_build(sandbox, request)))
end

function M.job_config(sandbox, request)
  local all = request.query.get_all_params or "false"
  if all ~= "true" and all ~= "false" then
    fault.invalid("get_all_params must be true or false")
  end
  return wrapped(views.job_config(sandbox, ask.job(sandbox, request.params.job_id)))
end

function M.build_details(sandbox, request)
  return wrapped(views.build_details(ask.path_build(sandbox, request)))
end

function M.info_record(sandbox, request)
  return wrapped(views.info_record(ask.path_build(sandbox, request)))
end

function M.build_record(sandbox, request)
  return wrapped(views.build_record(ask.record(sandbox, request)))
end

function M.stages(sandbox, request)
  return wrapped(views.stages(ask.record(sandbox, request)))
end

function M.job_status(sandbox, request)
  return plain({ result = sandbox.builds:is_running(ask.job(sandbox, request.params.job_id).id) })
end

function M.running_status(sandbox, request)
  return wrapped(views.running_status(sandbox, ask.job(sandbox, request.params.job_id)))
end

function M.step_status(sandbox, request)
  return wrapped(views.step_status(ask.query_build(sandbox, request)))
end

---The running log in pages; more may come as long as the build runs (API reference 7.6).
function M.real_time_log(sandbox, request)
  local build = ask.path_build(sandbox, request)
  local offset = ask.integer(request, "offset", 0, MAX_INT32)
  local length = ask.integer(request, "length", 0, MAX_INT32, 1000000)
  local content, following = build.log:page(offset, length)
  return wrapped({
    has_more_data = following < build.log.size or not build.finished,
    offset = following,
    content = content,
    current_offset = offset,
  })
end

-- Whole lines in the opposite order.
local function upside_down(text)
  local lines = {}
  for line in text:gmatch("[^\n]*\n?") do
    if line ~= "" then
      table.insert(lines, 1, line)
    end
  end
  return table.concat(lines)
end

---The same by DownloadBuildRealTimeLog, whose offsets are texts. An `end_offset` of 0 is none.
function M.build_real_time_log(sandbox, request)
  local build = ask.path_build(sandbox, request)
  local from = ask.integer(request, "start_offset", 0, MAX_INT32, 0)
  local to = ask.integer(request, "end_offset", 0, MAX_INT32, 0)
  local size = ask.integer(request, "size", 0, MAX_INT32)
  local sort = request.query.sort or "AES"
  if sort ~= "AES" and sort ~= "DESC" then
    fault.invalid("sort must be AES or DESC")
  elseif to > 0 then
    size = math.min(size, math.max(to - from, 0))
  end
  local log, following = build.log:page(from, size)
  return wrapped({
    has_more = following < build.log.size or not build.finished,
    start_offset = tostring(from),
    end_offset = tostring(following),
    log = sort == "DESC" and upside_down(log) or log,
    location = "sandbox",
  })
end

local function log_level(request)
  local level = request.query.log_level
  if level and level ~= "INFO" and level ~= "DEBUG" then
    fault.invalid("log_level must be INFO or DEBUG")
  end
end

local function bytes(build, from, to)
  return { status = 200, log = build.log, from = from, to = to }
end

---The whole log; the sandbox has one log level.
function M.build_log(sandbox, request)
  log_level(request)
  local build = ask.record(sandbox, request)
  return bytes(build, 0, build.log:length())
end

---The same, compressed by gzip when asked for.
function M.full_log(sandbox, request)
  local compress = request.query.compress or "false"
  if compress ~= "true" and compress ~= "false" then
    fault.invalid("compress must be true or false")
  end
  local answer = M.build_log(sandbox, request)
  answer.gzip = compress == "true"
  return answer
end

---The log of one step, named `stageN`.
function M.task_log(sandbox, request)
  log_level(request)
  local name = request.query.task_name or ""
  if name == "" or #name > 1000 then
    fault.invalid("task_name must have 1 to 1000 characters")
  end
  local build = ask.record(sandbox, request)
  local step = build.steps[tonumber(name:match("^stage([1-9]%d?%d?)$"))]
  if not step then
    fault.not_found("the build has no step " .. name)
  end
  local from = step.log_from or 0
  return bytes(build, from, step.log_to or (step.log_from and build.log:length()) or 0)
end

local function history(sandbox, request, from, to, view)
  local job = ask.job(sandbox, request.params.job_id)
  local index = ask.integer(request, "offset", 0, MAX_INT32)
  local size = ask.integer(request, "limit", 0, 100)
  local builds = sandbox.builds:listed(job.id, from, to)
  return plain({ total = #builds, history_records = page(builds, index, size, view) })
end

---The last days, newest first; `offset` is a page number (API reference 7.8).
function M.history(sandbox, request)
  local days = ask.integer(request, "interval", 0, 30)
  return history(sandbox, request, clock.now() - days * DAY, math.huge, views.history_record)
end

---From the start of one day to the end of another.
function M.period_history(sandbox, request)
  local from = ask.time(request, "start_time", clock.parse_day, "yyyy-MM-dd")
  local to = ask.time(request, "end_time", clock.parse_day, "yyyy-MM-dd")
  if to < from or to - from > 30 * DAY then
    fault.invalid("end_time must be 0 to 30 days after start_time")
  end
  return history(sandbox, request, from, to + DAY, views.period_record)
end

---Every number in this answer but those of the records is a text (API reference 7.8).
function M.info_records(sandbox, request)
  local job = ask.job(sandbox, request.params.job_id)
  local from = ask.time(request, "start_time", clock.parse_moment, "yyyy-MM-dd HH:mm:ss")
  local to = ask.time(request, "end_time", clock.parse_moment, "yyyy-MM-dd HH:mm:ss")
  local index = ask.integer(request, "page_index", 0, MAX_INT32, 0)
  local size = ask.integer(request, "page_size", 1, 100, 10)
  local builds = sandbox.builds:listed(job.id, from, to + 1)
  return wrapped({
    health_score = tostring(views.health(builds)),
    page_index = tostring(index),
    total_page = tostring(math.ceil(#builds / size)),
    total_record = tostring(#builds),
    job_build_states = page(builds, index, size, views.info_record),
  })
end

local STATUSES =
  { red = true, blue = true, timeout = true, aborted = true, building = true, none = true }

-- What the query asks for: each filter that is given and not empty.
local function filters_of(request)
  local given = {}
  for _, name in ipairs { "search", "creator_id", "build_status", "group_path_id" } do
    local value = request.query[name]
    given[name] = value ~= "" and value or nil
  end
  if given.build_status and not STATUSES[given.build_status] then
    fault.invalid("build_status must be red, blue, timeout, aborted, building or none")
  end
  local by_group = request.query.by_group or "false"
  if by_group ~= "true" and by_group ~= "false" then
    fault.invalid("by_group must be true or false")
  end
  return given
end

-- The sandbox has one user, who made all jobs, and no groups.
local function matches(sandbox, job, given)
  return (not given.search or job.name:lower():find(given.search:lower(), 1, true))
    and (not given.creator_id or given.creator_id == account.USER_ID)
    and (not given.build_status or given.build_status == views.filter_status(sandbox, job))
    and not given.group_path_id
end

-- Sorts by a member of the answer; members that are alike stay in the order of the job file.
local function sort(list, request)
  local field = request.query.sort_field or ""
  local order = (request.query.sort_order or ""):upper()
  if order ~= "" and order ~= "ASC" and order ~= "DESC" then
    fault.invalid("sort_order must be ASC or DESC")
  elseif field == "" then
    return
  end
  local place = {}
  for i, view in ipairs(list) do
    place[view] = i
    if view[field] == nil then
      fault.invalid("sort_field must be a member of a job")
    end
  end
  local function value(view)
    local one = view[field]
    return type(one) == "boolean" and tostring(one) or one
  end
  table.sort(list, function(a, b)
    local x, y = value(a), value(b)
    if x == y then
      return place[a] < place[b]
    elseif order == "DESC" then
      x, y = y, x
    end
    return x < y
  end)
end

-- The jobs that the query asks for, a page of them, and how many there are.
local function list_jobs(sandbox, request, view, default_size)
  local index = ask.integer(request, "page_index", 0, MAX_INT32, 0)
  local size = ask.integer(request, "page_size", 1, 100, default_size)
  local given, found = filters_of(request), {}
  for _, job in ipairs(sandbox.job_list) do
    if matches(sandbox, job, given) then
      found[#found + 1] = view(sandbox, job)
    end
  end
  sort(found, request)
  return page(found, index, size, function(one)
    return one
  end), #found
end

---ShowJobListByProjectId and ListProjectJobs.
function M.jobs(sandbox, request)
  ask.project(sandbox, request)
  local jobs, total = list_jobs(sandbox, request, views.job)
  return plain({ total = total, jobs = jobs })
end

---ListJob: of all projects, and there is one.
function M.list_job(sandbox, request)
  local jobs, total = list_jobs(sandbox, request, views.listed_job, 10)
  return plain({ status = "success", result = { total = total, job_list = jobs } })
end

return M
