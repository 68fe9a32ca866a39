-- Every build of this sandbox: numbers, the queue in front of the running ones, stopping, finding.

local condition = require "cqueues.condition"
local clock = require "codearts.build.sandbox.clock"
local log = require "codearts.build.sandbox.log"
local random = require "codearts.build.sandbox.random"
local runner = require "codearts.build.sandbox.runner"
local script = require "codearts.build.sandbox.script"

local M = {}

local KEPT_PER_JOB = 1000 -- finished builds beyond this are forgotten, oldest first

---@class codearts.build.sandbox.BuildStep
---@field name string
---@field status string "" before it began, then RUNNING, SUCCESS, FAILURE or ABORTED
---@field started number|nil
---@field finished number|nil
---@field log_from integer|nil bytes in the build's log
---@field log_to integer|nil

---@class codearts.build.sandbox.Build
---@field job codearts.build.sandbox.Job
---@field number integer 1 for the job's first build
---@field daily string
---@field octopus_job_name string
---@field record_id string
---@field id string
---@field parameters { name: string, value: string, secret: boolean }[] what the build really has
---@field scm table<string, string>
---@field user string
---@field status string QUEUED, RUNNING, SUCCESS, FAILURE or ABORTED
---@field created number
---@field started number|nil
---@field finished number|nil
---@field steps table<integer, codearts.build.sandbox.BuildStep> from 1; 0 is the preparation
---@field log codearts.build.sandbox.Log
---@field path string of its working folder; the paths of its files begin with it
---@field script string what the paths of its script begin with
---@field environment table<string, string>
---@field packages { name: string, uri: string }[]|nil what it has made, once it is over
---@field stopping boolean|nil
---@field changed any condition, signalled when `stopping` is set

---@class codearts.build.sandbox.Builds
---@field started integer builds that were accepted
---@field running integer
---@field queued integer
local Builds = {}
Builds.__index = Builds

---@class codearts.build.sandbox.BuildsOptions
---@field cq any the loop that builds are followed in
---@field reaper codearts.build.sandbox.Reaper
---@field folder string absolute
---@field scripts string absolute; a folder that nobody else can read
---@field keep boolean what builds leave in the folder stays
---@field max_builds integer
---@field jobs codearts.build.sandbox.Job[]
---@field project_id string

---@param options codearts.build.sandbox.BuildsOptions
---@return codearts.build.sandbox.Builds
function M.new(options)
  local self = setmetatable({
    options = options,
    by_job = {},
    by_record = {},
    days = {},
    started = 0,
    running = 0,
    queued = 0,
    slot_free = condition.new(),
  }, Builds)
  for _, job in ipairs(options.jobs) do
    self.by_job[job.id] = { first = 1, last = 0 }
  end
  return self
end

function Builds:next_daily(job, now)
  local key = job.id .. clock.day(now)
  self.days[key] = (self.days[key] or 0) + 1
  return clock.day(now) .. "." .. self.days[key]
end

-- Declared parameters with the values given for them; others are dropped and named.
local function choose_parameters(job, given, scm)
  local chosen, unknown, values = {}, {}, {}
  for _, item in ipairs(given) do
    values[item.name] = item.value
  end
  if scm.branch and values.codeBranch == nil then
    values.codeBranch = scm.branch
  end
  for i, declared in ipairs(job.parameters) do
    local value = values[declared.name]
    chosen[i] =
      { name = declared.name, value = value or declared.default, secret = declared.secret }
    values[declared.name] = nil
  end
  for _, item in ipairs(given) do
    if values[item.name] then
      unknown[#unknown + 1], values[item.name] = item.name, nil
    end
  end
  return chosen, unknown
end

local function environment_of(build, project_id)
  local commit = build.scm.build_commit_id
  local environment = {
    BUILDNUMBER = build.daily,
    TIMESTAMP = clock.stamp(build.created),
    INCREASENUM = tostring(build.number),
    PROJECT_ID = project_id,
    WORKSPACE = build.path,
    GIT_TAG = build.scm.build_tag,
    COMMIT_ID = commit,
    COMMIT_ID_SHORTER = commit and commit:sub(1, 8),
  }
  for _, item in ipairs(build.parameters) do
    environment[item.name] = item.value
  end
  return environment
end

local function steps_of(job)
  local steps = { [0] = { name = "initial", status = "" } }
  for i, step in ipairs(job.steps) do
    steps[i] = { name = step.name, status = "" }
  end
  return steps
end

function Builds:forget_oldest(numbers)
  local oldest = numbers[numbers.first]
  if numbers.last - numbers.first >= KEPT_PER_JOB and oldest.finished then
    numbers[numbers.first], numbers.first = nil, numbers.first + 1
    self.by_record[oldest.record_id] = nil
    if not self.options.keep then
      os.remove(oldest.log.path)
    end
  end
end

---Accepts a build: it has its numbers at once and runs when a place is free. Does not block.
---@param job codearts.build.sandbox.Job
---@param parameters { name: string, value: string }[]
---@param scm table<string, string>
---@param user string
---@return codearts.build.sandbox.Build
function Builds:start(job, parameters, scm, user)
  local numbers, now = self.by_job[job.id], clock.now()
  local build = {
    job = job,
    number = numbers.last + 1,
    daily = self:next_daily(job, now),
    octopus_job_name = "j_" .. random.word(8),
    record_id = random.uuid(),
    id = random.uuid(),
    scm = scm,
    user = user,
    status = "QUEUED",
    created = now,
    steps = steps_of(job),
    changed = condition.new(),
  }
  local unknown
  build.parameters, unknown = choose_parameters(job, parameters, scm)
  build.path = self.options.folder .. "/" .. build.octopus_job_name
  build.script = self.options.scripts .. "/" .. build.octopus_job_name
  build.environment = environment_of(build, self.options.project_id)
  build.log = log.new(build.path .. ".log")
  for _, name in ipairs(unknown) do
    build.log:line(("[WARN] The job does not declare the parameter %s; it is ignored"):format(name))
  end
  numbers.last = build.number
  numbers[build.number], self.by_record[build.record_id] = build, build
  self.started, self.queued = self.started + 1, self.queued + 1
  self:forget_oldest(numbers)
  self.options.cq:wrap(function()
    self:run(build)
  end)
  return build
end

local function is_file(path)
  local handle = io.open(path, "rb")
  local readable = handle and handle:read(0) ~= nil
  if handle then
    handle:close()
  end
  return readable
end

-- What the build made of what its job declares.
local function packages_of(build, keep)
  local packages = {}
  for _, declared in ipairs(build.job.packages) do
    local path = build.path .. "/" .. declared:gsub("%$([%u_]+)", build.environment)
    if is_file(path) then
      packages[#packages + 1] =
        { name = path:match "[^/]+$", uri = keep and "file://" .. path or "" }
    end
  end
  return packages
end

function Builds:end_build(build, status)
  build.packages = packages_of(build, self.options.keep)
  build.status, build.finished = status, clock.now()
  build.log:line("[INFO] Build " .. build.number .. " ended: " .. status)
  script.remove(build.script, build.job)
  if not self.options.keep then
    self.options.reaper:remove(build.path)
  end
end

-- The life of one build, in a coroutine of its own.
function Builds:run(build)
  while self.running >= self.options.max_builds and not build.stopping do
    self.slot_free:wait()
  end
  self.queued = self.queued - 1
  if build.stopping then
    self:end_build(build, "ABORTED")
    return
  end
  self.running = self.running + 1
  build.status, build.started = "RUNNING", clock.now()
  build.log:line(("[INFO] Build %d of job %s"):format(build.number, build.job.name))
  local status = runner.run(build, self.options.reaper)
  self.running = self.running - 1
  self:end_build(build, status)
  self.slot_free:signal()
end

---Asks a build to stop; its end is seen in its status.
---@param build codearts.build.sandbox.Build
---@return boolean stopped false when it had ended before
function Builds:stop(build)
  if build.finished then
    return false
  end
  build.stopping = true
  build.changed:signal()
  self.slot_free:signal()
  return true
end

---@param job_id string
---@param number integer
---@return codearts.build.sandbox.Build|nil
function Builds:find(job_id, number)
  return self.by_job[job_id][number]
end

---@param record_id string
---@return codearts.build.sandbox.Build|nil
function Builds:find_record(record_id)
  return self.by_record[record_id]
end

---@param job_id string
---@return codearts.build.sandbox.Build|nil newest
function Builds:last(job_id)
  local numbers = self.by_job[job_id]
  return numbers[numbers.last]
end

---@param job_id string
---@param from number seconds since 1970
---@param to number
---@return codearts.build.sandbox.Build[] builds that were created in this time, newest first
function Builds:between(job_id, from, to)
  local numbers, found = self.by_job[job_id], {}
  for number = numbers.last, numbers.first, -1 do
    local build = numbers[number]
    if build.created >= from and build.created < to then
      found[#found + 1] = build
    end
  end
  return found
end

---The same without those that are not listed yet.
---@param job_id string
---@param from number
---@param to number
---@return codearts.build.sandbox.Build[]
function Builds:listed(job_id, from, to)
  local found, now = {}, clock.now()
  for _, build in ipairs(self:between(job_id, from, to)) do
    if build.created + self.options.list_after <= now then
      found[#found + 1] = build
    end
  end
  return found
end

---@param job_id string
---@return boolean
function Builds:is_running(job_id)
  for _, build in ipairs(self:between(job_id, 0, math.huge)) do
    if not build.finished then
      return true
    end
  end
  return false
end

---Stops everything; true when nothing runs or waits any more.
function Builds:stop_all()
  for _, job in ipairs(self.options.jobs) do
    for _, build in ipairs(self:between(job.id, 0, math.huge)) do
      self:stop(build)
    end
  end
  return self.running + self.queued == 0
end

return M
