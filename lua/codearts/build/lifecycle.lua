--- What comes after a run: status, wait, log and stop of one build, the history of a task, the tasks of a
-- project, and any other operation. Each method blocks and raises structured errors; with `async = true` in its
-- options it answers a call object at once, the same as client:start does. Required on first use only.
local core = require "codearts.build.core"
local check = require "codearts.build.check"
local dates = require "codearts.build.lifecycle.dates"
local ids = require "codearts.build.ids"
local inherited = require "codearts.build.inherited"
local log = require "codearts.build.lifecycle.log"
local meta = require "codearts.build.meta"
local operation_call = require "codearts.build.operations.call"
local problems = require "codearts.build.problem"
local record = require "codearts.build.lifecycle.record"
local wait = require "codearts.build.lifecycle.wait"

local lifecycle = { result_methods = {}, client_methods = {} }
local result_methods, client_methods = lifecycle.result_methods, lifecycle.client_methods

local usage = problems.refuse

--- Runs a flow to its end, or answers its call object.
local function run(client, opts, flow)
  if opts.async then
    return client:task(flow)
  end
  client:check_wait() -- before anything is sent
  return client:task(flow):wait()
end

local function check_job_id(job_id)
  if not ids.is_id(job_id) then
    usage("job_id", "job_id must be a string of 32 letters and digits")
  end
  return job_id
end

local function check_build_no(build_no)
  local number = ids.build_number(build_no)
  if not number then
    usage("build_no", "build_no must be a build number: an integer from 1 to 2147483647")
  end
  return number
end

--- The build behind `self`, a result of run or what client:build answered.
---@param self table
---@return { client: codearts.build.Client, job_id: string, build_no: integer, fresh_since: number?, result: table } target
function lifecycle.handle(self)
  local metatable = type(self) == "table" and getmetatable(self)
  local client = type(metatable) == "table" and metatable.client
  if not client then
    usage("self", "call this as a method of a result: result:status()")
  elseif metatable.by_numbers then
    return {
      client = client,
      job_id = self.job_id,
      build_no = self.build_no,
      result = self,
      -- One that err:reconcile has found was just started.
      fresh_since = rawget(self, "actual_build_number") and core.now() or nil,
    }
  end
  local number = ids.build_number(rawget(self, "actual_build_number"))
  if not number then
    error(
      core.error {
        kind = "protocol",
        reason = "bad_answer",
        outcome = "started",
        message = "the service did not tell the number of this build",
        retryable = false,
      },
      0
    )
  end
  return {
    client = client,
    job_id = meta.of(self).job_id,
    build_no = number,
    result = self,
    fresh_since = core.now(), -- what was just started may take a while to show
  }
end

--- The record of the build as it is now (API reference 7.3). Its `status` is the service's text, whatever that is;
-- only "SUCCESS" means success. Blocks for one request.
---@param opts? { async?: boolean }
---@return codearts.build.model.RecordInfo2Result record
function result_methods:status(opts)
  local target = lifecycle.handle(self)
  opts = check.options(opts, { async = "boolean" })
  local flow = record.about_build(target, function(await)
    return record.fetch(await, target)
  end)
  return run(target.client, opts, flow)
end

--- Blocks until the build is over. Trouble that may pass is outlasted; the build's steps and log never count.
-- Raises kind "build" (with `record`, `build_status` and `verdict`: "failure", "cancelled", or "unknown" where nothing tells how it
-- ended) for a build that is not known to have succeeded, kind "timeout" with reason "wait" when the time is up (the build goes on),
-- and request errors that will not pass.
---@param opts? codearts.build.WaitOptions
---@return codearts.build.model.RecordInfo2Result record
function result_methods:wait(opts)
  local target = lifecycle.handle(self)
  opts = check.options(opts, {
    timeout = "seconds",
    interval = "seconds",
    on_progress = "function",
    async = "boolean",
  })
  return run(target.client, opts, wait(target, opts))
end

--- The log: as far as it has come, or with `follow` until the build is over (blocks that long).
---@param opts? codearts.build.LogOptions
---@return string|integer log its text, or with on_line the number of lines
function result_methods:log(opts)
  local target = lifecycle.handle(self)
  opts = check.options(opts, {
    on_line = "function",
    follow = "boolean",
    step = "step",
    async = "boolean",
  })
  return run(target.client, opts, log(target, opts))
end

--- Asks the service to stop the build (API reference 7.7). Blocks for one request; the build ends a little later.
-- What the service answers for a build that is over is not documented: its error is passed on.
---@param opts? { async?: boolean }
---@return true
function result_methods:stop(opts)
  local target = lifecycle.handle(self)
  opts = check.options(opts, { async = "boolean" })
  local flow = record.about_build(target, function(await)
    local args = { job_id = target.job_id, build_no = target.build_no }
    return record.change(await, target.client, "StopBuildJob", args)
  end)
  return run(target.client, opts, flow)
end

---@class codearts.build.BuildMethods
---@field status fun(self: table, opts?: { async?: boolean }): codearts.build.model.RecordInfo2Result
---@field wait fun(self: table, opts?: codearts.build.WaitOptions): codearts.build.model.RecordInfo2Result
---@field log fun(self: table, opts?: codearts.build.LogOptions): string|integer
---@field stop fun(self: table, opts?: { async?: boolean }): true

---@class codearts.build.Build: codearts.build.BuildMethods
---@field job_id string
---@field build_no integer

---@class codearts.build.Result: codearts.build.BuildMethods

--- A build known by its numbers, with the methods of a result. Sends nothing.
---@param job_id string
---@param build_no integer|string
---@return codearts.build.Build build with the fields job_id and build_no
function client_methods:build(job_id, build_no)
  local build = { job_id = check_job_id(job_id), build_no = check_build_no(build_no) }
  return setmetatable(build, { __index = result_methods, client = self, by_numbers = true })
end

---@class codearts.build.HistoryOptions
---@field page? integer from 0, the newest builds (default 0)
---@field limit? integer builds a page, at most 100 (default 10)
---@field days? integer how far to look back, at most 30 (default 7)
---@field from? string with `to`: first day, "YYYY-MM-DD"; the span is at most 30 days and replaces `days`
---@field to? string last day
---@field async? boolean

--- The builds of a task, newest first as the service orders them (API reference 7.8). Blocks for one request.
---@param job_id string
---@param opts? codearts.build.HistoryOptions
---@return { total: integer, records: codearts.build.model.HistoryRecord[] }
function client_methods:history(job_id, opts)
  check_job_id(job_id)
  opts = check.options(opts, {
    page = "count",
    limit = "limit",
    days = "days",
    from = "day",
    to = "day",
    async = "boolean",
  })
  if (opts.from == nil) ~= (opts.to == nil) then
    usage(opts.from and "to" or "from", "from and to come together")
  elseif opts.from then
    local problem = dates.problem_of_span(opts.from, opts.to)
    if problem then
      usage("to", problem)
    end
  end
  -- The service calls the page number offset.
  local name, args =
    "ShowListHistory", { job_id = job_id, offset = opts.page or 0, limit = opts.limit or 10 }
  if opts.from then
    name, args.start_time, args.end_time = "ShowListPeriodHistory", opts.from, opts.to
  else
    args.interval = opts.days or 7
  end
  return run(self, opts, function(await)
    local list, err = record.fetch_rows(await, self, name, args, "history_records", "build_number")
    if not list then
      return nil, err
    end
    for _, item in ipairs(list.rows) do
      item.build_number = record.integer(item.build_number)
    end
    local answer = { total = list.total or #list.rows, records = list.rows }
    meta.add(answer, meta.of(list))
    return answer
  end)
end

---@class codearts.build.JobsOptions
---@field page? integer from 0 (default 0)
---@field limit? integer tasks a page, at most 100 (default 10)
---@field async? boolean

--- The build tasks of a project (API reference 7.8). Blocks for one request.
---@param project_id string
---@param opts? codearts.build.JobsOptions
---@return { total: integer, jobs: codearts.build.model.Job[] }
function client_methods:jobs(project_id, opts)
  opts = check.options(opts, { page = "count", limit = "limit", async = "boolean" })
  if not ids.is_id(project_id) then
    usage("project_id", "project_id must be a string of 32 letters and digits")
  end
  return run(self, opts, function(await)
    local args =
      { project_id = project_id, page_index = opts.page or 0, page_size = opts.limit or 10 }
    local list, err = record.fetch_rows(await, self, "ShowJobListByProjectId", args, "jobs", "id")
    if not list then
      return nil, err
    end
    return { total = list.total or #list.rows, jobs = list.rows }
  end)
end

--- A start by one of the two operations that start a build: `run` and `start` under another name.
local function call_start(client, name, args, opts)
  local run_opts = {}
  inherited.refuse(opts or run_opts)
  for key, value in next, opts or run_opts do
    run_opts[key] = value
  end
  run_opts.async = nil
  if opts and opts.async then
    return client:start(args, run_opts, name)
  end
  return client:run(args, run_opts, name)
end

--- Any operation of the service by its name. Arguments are checked against the operation's row; nothing is sent
-- if one is bad. Only GET operations are sent again after trouble that may have reached the service.
-- RunJob and ExecuteJob are client:run and client:start: same arguments, options, result and errors.
-- Blocks; raises request errors, also for a failure inside a status 200 answer.
---@param name string for example "ShowRecordDetail"
---@param args? table its path, query and body arguments by name
---@param opts? codearts.build.CallOptions
---@return any answer the decoded body as it came; bytes for operations that are not JSON, their count if `to` is given
function client_methods:call(name, args, opts)
  local starts = operation_call.starts_build(name)
  if opts ~= nil and type(opts) ~= "table" then
    local text = "the options must be a table, not a " .. type(opts)
    usage("opts", text, starts and "not_started" or nil)
  elseif starts then
    return call_start(self, name, args, opts)
  elseif opts and opts.async then
    return operation_call.start(self, name, args, opts)
  end
  self:check_wait() -- before anything is sent
  return operation_call.start(self, name, args, opts):wait()
end

return lifecycle
