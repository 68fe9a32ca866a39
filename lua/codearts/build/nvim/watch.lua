--- The builds that this editor waits for: one wait for each, however many ask for its end.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local entries = require "codearts.build.cli.entry"
local duration = require "codearts.build.cli.duration"
local record = require "codearts.build.lifecycle.record"
local remaining = require "codearts.build.cli.remaining"
local session = require "codearts.build.nvim.session"
local spans = require "codearts.build.cli.spans"
local text = require "codearts.build.cli.text"
local verdict = require "codearts.build.lifecycle.verdict"

---@class codearts.build.nvim.Watch
---@field entry codearts.build.cli.Entry
---@field build table its handle, with its methods
---@field call codearts.build.Call? the wait; nil before it begins and after it ended
---@field detail table? its record as of the last look
---@field verdict codearts.build.Verdict? once it is over
---@field loud boolean its end is told, because it was asked for
---@field before_telling? fun(tell: fun(more: string?)) what has to be done before its end is told
---@field viewers integer buffers that show it
---@field listeners table<string, fun(watch: codearts.build.nvim.Watch)[]> "progress", "end"
local Watch = {}
Watch.__index = Watch

local watches = {
  ---@type codearts.build.nvim.Watch[] those that run, in the order in which they began
  running = {},
  ---@type codearts.build.nvim.Watch? the one that ended last
  last = nil,
  ---@type { order: integer, job_id: string, number: integer? }? of the starts that may have started a build the one that was asked for
  --- last; without a number where it is not known which build that is
  started = nil,
  ---@type table<codearts.build.nvim.Start, true> asked for, and without an answer
  starting = {},
}

local by_build, starts = {}, 0

-- The same as `watches.started`, by job.
local started_of = {}

local function changed()
  vim.schedule(function()
    vim.api.nvim_exec_autocmds("User", { pattern = "CodeArtsStatus", modeline = false })
  end)
end

session.on_trouble(function()
  if watches.running[1] then
    changed()
  end
end)

local function key_of(job_id, number)
  return ("%s/%d"):format(job_id, number)
end

---@class codearts.build.nvim.Start
---@field order integer
---@field marks table<string, true> what it is
---@field job_id? string once it is known

--- A start is asked for; which job is meant, and with what, may have to be looked for yet.
---@return codearts.build.nvim.Start
function watches.start()
  starts = starts + 1
  local start = { order = starts, marks = {} }
  watches.starting[start] = true
  return start
end

--- Marks what a start is. Whether it is a second one of an impatient user, who means one build.
---@param start codearts.build.nvim.Start
---@param mark string
---@return boolean
function watches.is_second(start, mark)
  for other in pairs(watches.starting) do
    if other ~= start and other.marks[mark] then
      return true
    end
  end
  start.marks[mark] = true
  return false
end

--- A start has an answer.
---@param start codearts.build.nvim.Start
---@param started? { job_id: string, number: integer? } nil: no build was started
function watches.answered(start, started)
  watches.starting[start] = nil
  if not started then
    return
  end
  started.order = start.order
  local function later(last)
    return last and last.order > started.order and last or started
  end
  local job = ascii.lower(started.job_id)
  watches.started, started_of[job] = later(watches.started), later(started_of[job])
end

--- Why it is not known which build was started last: the last one of a job, or of all.
---@param job_id? string
---@return string?
function watches.doubt(job_id)
  local job = job_id and ascii.lower(job_id)
  local wanted = job and "say which NUMBER is meant" or "say which JOB is meant, and which NUMBER"
  for start in pairs(watches.starting) do
    if not job or not start.job_id or ascii.lower(start.job_id) == job then
      return "a start has no answer yet: " .. wanted
    end
  end
  local last = watches.started
  if job then
    last = started_of[job]
  end
  return last and not last.number and "which build was started last is not known: " .. wanted or nil
end

--- The build of a job that was started last from here, where it is known.
---@param job_id string
---@return integer? number
function watches.newest(job_id)
  local last = started_of[ascii.lower(job_id)]
  return last and last.number
end

--- The watch of a build, if it is waited for.
---@param job_id string
---@param number integer
---@return codearts.build.nvim.Watch?
function watches.find(job_id, number)
  return by_build[key_of(job_id, number)]
end

local function tell(self, event)
  for _, f in ipairs(self.listeners[event]) do
    f(self)
  end
end

local function remove(self)
  local key = key_of(self.entry.job_id, self.entry.build_no)
  if by_build[key] == self then
    by_build[key] = nil
  end
  for index, other in ipairs(watches.running) do
    if other == self then
      table.remove(watches.running, index)
      break
    end
  end
end

--- How a build ended, by its record: "SUCCESS, took 1m 40s".
---@param detail table
---@param found codearts.build.Verdict
---@return string
function watches.words(detail, found)
  local start = spans.time(record.text(detail.start_time))
  local finish = spans.time(record.text(detail.finish_time))
  local reason = found ~= "success" and record.text(detail.err_msg)
  return text.clean(
    ("%s%s%s%s"):format(
      record.text(detail.status) or "?",
      start and finish and ", took " .. duration.format(finish - start) or "",
      reason and ": " .. reason or "",
      verdict.doubt(found)
    )
  )
end

--- "SUCCESS, took 1m 40s", or why its end is not known.
---@return string
function Watch:outcome()
  return self.verdict and watches.words(self.detail, self.verdict) or session.words(self.err)
end

--- "SUCCESS", or that its end is not known: what the last look saw may be long over.
---@return string
function Watch:end_in_short()
  return self.verdict and self.entry.status or ("not known (%s error)"):format(self.err.kind)
end

--- "nightly #20".
---@return string
function Watch:name()
  return text.clean(("%s #%d"):format(entries.label(self.entry), self.entry.build_no))
end

local LEVELS = { success = "INFO", cancelled = "WARN", unknown = "WARN", failure = "ERROR" }

--- The one notification of a build.
local function announce(self, more)
  local level = vim.log.levels[LEVELS[self.verdict] or "ERROR"]
  session.tell(("%s: %s%s"):format(self:name(), self:outcome(), more or ""), level)
end

local function ended(self, detail, err)
  self.call = nil
  remove(self)
  local entry = self.entry
  entry.ended, self.detail, self.err = core.now(), detail or err.record, err
  if self.detail then
    self.verdict = err and err.verdict or "success"
    entry.status = record.text(self.detail.status)
  end
  if not (err and err.kind == "cancelled") then
    watches.last = self
    changed()
  end
  tell(self, "end")
  if not self.loud or err and err.kind == "cancelled" then
    return
  elseif self.before_telling then
    self.before_telling(function(more)
      announce(self, more)
    end)
  else
    announce(self)
  end
end

local function on_progress(self, progress)
  local entry = self.entry
  local before = self:brief(true)
  self.detail, entry.status = progress.record, progress.status
  entry.steps = #progress.steps > 0 and progress.steps or entry.steps
  remaining.note(entry, progress, core.now())
  if self:brief(true) ~= before then
    changed()
  end
  tell(self, "progress")
end

--- Waits for a build, unless that is done already.
---@param build table a result of run, or what client:build answered
---@param job_id string
---@param number integer
---@param name? string of the job
---@return codearts.build.nvim.Watch
function watches.begin(build, job_id, number, name)
  local self = watches.find(job_id, number)
  if self then
    self.entry.job_name = self.entry.job_name or name
    return self
  end
  self = setmetatable({
    entry = entries.new(job_id, core.now(), name),
    build = build,
    loud = false,
    viewers = 0,
    listeners = { progress = {}, ["end"] = {} },
  }, Watch)
  self.entry.build_no = number
  by_build[key_of(job_id, number)] = self
  watches.running[#watches.running + 1] = self
  self.call = build:wait {
    async = true,
    on_progress = function(progress)
      on_progress(self, progress)
    end,
  }
  self.call:on_done(function(detail, err)
    ended(self, detail, err)
  end)
  changed()
  return self
end

---@param event "progress"|"end"
---@param f fun(watch: codearts.build.nvim.Watch)
function Watch:on(event, f)
  table.insert(self.listeners[event], f)
end

--- How it stands, in few words: "compile, 1m 20s, about 2 min left". Without I/O.
---@param still? boolean leave out what changes with every second
---@return string
function Watch:brief(still)
  local entry, now = self.entry, core.now()
  local words = { entry.status or "starting" }
  local is_known = false
  for _, step in ipairs(entry.steps) do
    local runs = ascii.lower(step.status) == "running"
    if runs or not is_known and verdict.of_step(step.status) == "now" then
      words[1], is_known = step.name, runs
    end
  end
  if not still then
    words[#words + 1] = duration.format(remaining.elapsed(entry, now))
    words[#words + 1] = remaining.words(entry, now)
    if session.trouble then
      words[#words + 1] = ("no answer (%s)"):format(session.trouble)
    end
  end
  return text.clean(table.concat(words, ", "))
end

--- Somebody looks at it.
function Watch:join()
  self.viewers = self.viewers + 1
end

--- And no more: what nobody asked to be told of is let go with the last one.
function Watch:leave()
  self.viewers = self.viewers - 1
  if self.viewers == 0 and self.call and not self.loud then
    remove(self) -- before its end comes: who asks meanwhile gets a wait that goes on
    self.call:cancel()
  end
end

--- What to say before the name of the build that a start answered.
---@param result codearts.build.Result
---@return string
function watches.how_started(result)
  local meta = require("codearts.build").meta(result)
  return meta and meta.replayed and "was started earlier with this key: " or "started "
end

return watches
