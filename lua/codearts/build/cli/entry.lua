--- What the command knows of one build, and what it says about it as data.
local json = require "codearts.build.cli.json"
local text = require "codearts.build.cli.text"

local LABEL_COLUMNS = 24

local entry = {}

---@class codearts.build.cli.Entry
---@field job_id string
---@field job_name string? of the job, where it is known
---@field build_no integer?
---@field start table? the call that starts the build
---@field flow codearts.build.Task its life, as the command follows it
---@field check table? the call that asks which parameters the job declares
---@field build table? result or build, with its methods
---@field result codearts.build.Result? what the start was answered, if the command has started it
---@field members table? of the answer, that are not in the result because its methods are called so
---@field status string? as the service words it
---@field steps codearts.build.Step[]
---@field step_began table<integer, number> when a step was first seen running
---@field running number? seconds that it had run at the last look, and so on: see remaining.lua
---@field eta number?
---@field usual number?
---@field looked_at number?
---@field fraction number?
---@field fraction_at number?
---@field began number
---@field ended number?
---@field record table? of the finished build
---@field told_end boolean? what it ended with was told
---@field detached boolean? a signal ended us before its end
---@field run_id string? that the start has put into a parameter
---@field key string? that it was started with
---@field replayed boolean? it was started earlier, with the same key
---@field reconciled boolean? it was found by its run id
---@field stop table? the call that asks to stop it
---@field stopped boolean? that was taken
---@field look table? the call that asks how it stands, because that was not
---@field err table? what it ended with, a failed build included

---@param job_id string
---@param now number
---@param name string? of the job, where it is known
---@return codearts.build.cli.Entry
function entry.new(job_id, now, name)
  return { job_id = job_id, job_name = name, began = now, steps = {}, step_began = {} }
end

--- A word for the job where there is little room: its name if it is known, else the beginning of its id.
---@return string
function entry.label(self)
  return self.job_name and text.fit(self.job_name, LABEL_COLUMNS) or self.job_id:sub(1, 8)
end

---@return string
function entry.name(self)
  return ("build %s of %s"):format(self.build_no or "?", self.job_id)
end

--- Seconds for programs: nobody needs more than milliseconds.
---@param seconds number
---@return number
function entry.rounded(seconds)
  return math.floor(seconds * 1000 + 0.5) / 1000
end

---@return table
function entry.steps_data(self)
  local list = json.array {}
  for index, step in ipairs(self.steps) do
    list[index] = { name = step.name, status = step.status, time = step.time }
  end
  return list
end

--- An event as a line of JSON, if that is what the output is.
---@param app codearts.build.cli.App
---@param name string
---@param data table is changed
function entry.event(self, app, name, data)
  if app.form == "ndjson" then
    data.event, data.job_id, data.build_no = name, self.job_id, self.build_no
    app:print_json(data)
  end
end

--- The verdict on a build that is over.
---@return codearts.build.Verdict
function entry.verdict(self)
  return self.err and self.err.verdict or "success"
end

--- What it ended with, as data. Of a build that this command has started the error is one of the start: what is called again
--- by it is the start, which is safe with a key alone.
---@return table
function entry.error_data(self)
  local data = json.of_error(self.err)
  if self.result then
    data.outcome = "started"
    data.retryable = self.key ~= nil and data.retryable
  end
  return data
end

-- What entry.data says in words of ours.
local OURS = {}
for name in
  ("job_id build_no verdict status record steps elapsed run_id key replayed reconciled detached stopped error"):gmatch "[a-z_]+"
do
  OURS[name] = true
end

local function add_theirs(data, members)
  for key, value in pairs(members) do
    if not OURS[key] then
      data[key] = value
    end
  end
end

--- Everything known, for --json. A member of the service's answer is never taken for one of ours.
---@return table
function entry.data(self)
  local data = { job_id = self.job_id }
  add_theirs(
    data,
    self.result or { actual_build_number = self.build_no and tostring(self.build_no) }
  )
  add_theirs(data, self.members or {})
  if self.record then
    data.verdict = entry.verdict(self)
    data.status, data.record, data.steps = self.record.status, self.record, entry.steps_data(self)
    data.elapsed = entry.rounded(self.ended - self.began)
  end
  data.run_id = self.run_id
  data.key, data.replayed, data.reconciled = self.key, self.replayed, self.reconciled
  data.detached, data.stopped = self.detached, self.stopped
  data.error = self.err and entry.error_data(self) or nil
  return data
end

return entry
