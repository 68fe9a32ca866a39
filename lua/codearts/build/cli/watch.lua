--- Starts builds and waits for them, any number at once: each is one flow, all on one client, with one screen.
local duration = require "codearts.build.cli.duration"
local exit_status = require "codearts.build.cli.exit_status"
local json = require "codearts.build.cli.json"
local live = require "codearts.build.cli.live"
local record = require "codearts.build.lifecycle.record"
local spans = require "codearts.build.cli.spans"
local text = require "codearts.build.cli.text"
local timeline = require "codearts.build.cli.timeline"

local TICK = 0.25
local PLAIN_EVERY = 10 -- seconds between two plain lines while nothing changes
local LOG_GRACE = 20 -- seconds that the rest of a log may take once the verdict is known
local TAIL_LINES = 10

---@class codearts.build.cli.Watch
local Watch = {}
Watch.__index = Watch

---@param app codearts.build.cli.App
---@param options { wait: boolean?, follow: boolean?, timeout: number? }
---@return codearts.build.cli.Watch
function Watch.new(app, options)
  return setmetatable({ app = app, options = options, entries = {}, now = app.core.now }, Watch)
end

local function name_of(entry)
  return ("build %s of %s"):format(entry.build_no or "?", entry.job_id)
end

--- Seconds for people's programs: nobody needs more than milliseconds.
local function rounded(seconds)
  return math.floor(seconds * 1000 + 0.5) / 1000
end

--- An event of a build as a line of JSON.
function Watch:event(entry, name, data)
  if self.app.form ~= "ndjson" then
    return
  end
  data.event, data.job_id, data.build_no = name, entry.job_id, entry.build_no
  self.app:print_json(data)
end

local function steps_data(entry)
  local list = json.array {}
  for index, step in ipairs(entry.steps or {}) do
    list[index] = { name = step.name, status = step.status, time = step.time }
  end
  return list
end

function Watch:started(entry)
  local result = entry.result
  self:event(entry, "started", {
    actual_build_number = result.actual_build_number,
    daily_build_number = result.daily_build_number,
    octopus_job_name = result.octopus_job_name,
  })
  if self.app.form == "text" then
    self.app.terminal:result(
      text.clean(
        ("%s started (%s, %s)"):format(
          name_of(entry),
          tostring(result.daily_build_number or "?"),
          tostring(result.octopus_job_name or "?")
        )
      )
    )
  end
end

--- Where there are no live lines, one plain line for a change and one now and then.
function Watch:plain_progress(entry)
  local terminal = self.app.terminal
  if self.app.form ~= "text" or terminal.live or terminal.progress == "none" then
    return
  elseif record.verdict_of_status(entry.status) then
    return -- the end is told in a moment, by itself
  end
  local running
  for _, step in ipairs(entry.steps) do
    running = step.status:lower() == "running" and step.name or running
  end
  local state = entry.status .. (running and ", " .. running or "")
  if state ~= entry.told or self.now() - entry.told_at >= PLAIN_EVERY then
    entry.told, entry.told_at = state, self.now()
    terminal:note(
      text.clean(
        ("%s: %s, %s"):format(name_of(entry), state, duration.format(self.now() - entry.began))
      )
    )
  end
end

function Watch:progress(entry, progress)
  entry.status, entry.steps =
    progress.status, #progress.steps > 0 and progress.steps or entry.steps or {}
  for index, step in ipairs(entry.steps) do
    if step.status:lower() == "running" and not entry.step_began[index] then
      entry.step_began[index] = self.now()
    end
  end
  self:event(entry, "progress", {
    status = progress.status,
    elapsed = rounded(progress.elapsed),
    steps = steps_data(entry),
  })
  self:plain_progress(entry)
end

function Watch:log_line(entry, line)
  self:event(entry, "log", { line = line })
  if self.app.form == "text" then
    local prefix = #self.entries > 1
        and ("%s #%d | "):format(entry.job_id:sub(1, 8), entry.build_no)
      or ""
    self.app.terminal:log_line(prefix .. line)
  end
end

--- Follows the log beside the wait; answers a function that ends it.
function Watch:follow_log(entry)
  local client = self.app:client()
  local call = entry.build:log {
    async = true,
    follow = true,
    on_line = function(line)
      self:log_line(entry, line)
    end,
  }
  return function(await)
    local guard = client:sleep(LOG_GRACE)
    guard:on_done(function(_, err)
      if not err then
        call:cancel()
      end
    end)
    local _, err = await(call)
    guard:cancel()
    if err then
      self.app:warn(("the log of %s is not complete: %s"):format(name_of(entry), tostring(err)))
    end
  end
end

--- The first step that went wrong, by name.
local function failing_step(entry)
  for _, step in ipairs(entry.steps or {}) do
    local word = step.status:lower()
    if word ~= "" and word ~= "success" and word ~= "running" then
      return step.name
    end
  end
  return nil
end

--- The last lines of what failed. Trouble here is no news: the verdict stands without them.
local function read_tail(await, entry)
  local step = failing_step(entry)
  local log = step and await(entry.build:log { async = true, step = step })
  log = log or await(entry.build:log { async = true })
  local lines = {}
  for line in (type(log) == "string" and log or ""):gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  entry.tail, entry.tail_step = {}, step
  for index = math.max(1, #lines - TAIL_LINES + 1), #lines do
    table.insert(entry.tail, lines[index])
  end
end

--- When each step ran: the stages know best, else the steps.
function Watch:read_spans(await, entry)
  local record_id = entry.record and entry.record.build_record_id
  local body
  if type(record_id) == "string" then
    body = await(
      self.app
        :client()
        :call("ShowBuildRecordFullStages", { record_id = record_id }, { async = true })
    )
  end
  local result = type(body) == "table" and body.result
  entry.spans = spans.of_stages(type(result) == "table" and result.build_stages)
    or spans.of_steps(entry.steps or {})
end

--- What follows a verdict on the screen.
function Watch:read_epilogue(await, entry)
  local app = self.app
  if app.form ~= "text" or app.terminal.progress == "none" or not entry.record then
    return
  end
  if app.terminal.live and #self.entries == 1 then
    self:read_spans(await, entry)
  end
  if entry.err and not self.options.follow then
    read_tail(await, entry)
  end
end

--- "SUCCESS, took 1m 40s": how long the build ran, or if the record does not tell, how long we waited.
local function how_it_ended(entry, status)
  local start = spans.time(record.text(entry.record.start_time))
  local finish = spans.time(record.text(entry.record.finish_time))
  local took = start and finish and "took " .. duration.format(finish - start)
    or "after " .. duration.format(entry.ended - entry.began)
  local reason = entry.err and record.text(entry.record.err_msg)
  return ("%s, %s%s"):format(status, took, reason and ": " .. reason or "")
end

function Watch:finished(entry)
  local app, terminal = self.app, self.app.terminal
  if not entry.record then
    return -- the error tells all there is
  end
  local status = type(entry.record.status) == "string" and entry.record.status or "?"
  self:event(
    entry,
    "finished",
    { status = status, record = entry.record, steps = steps_data(entry) }
  )
  if app.form ~= "text" then
    return
  end
  terminal:result(text.clean(("%s: %s"):format(name_of(entry), how_it_ended(entry, status))))
  if entry.spans then
    local columns = terminal:size()
    for _, line in ipairs(timeline(entry.spans, columns, terminal:style())) do
      terminal:note(line)
    end
  end
  if entry.tail and #entry.tail > 0 then
    terminal:note(text.clean(("last lines of %s:"):format(entry.tail_step or "the log")))
    for _, line in ipairs(entry.tail) do
      terminal:note("  " .. text.log_line(line, true))
    end
  end
end

--- The life of one build. Answers true, or nil and the error.
function Watch:live_through(await, entry)
  if entry.start then
    local result, err = await(entry.start)
    if err then
      return nil, err
    end
    entry.result, entry.build = result, result
    entry.build_no = tonumber(result.actual_build_number)
    self:started(entry)
  end
  if not self.options.wait then
    return true
  end
  local finish_log = self.options.follow and self:follow_log(entry)
  local detail, err = await(entry.build:wait {
    async = true,
    timeout = self.options.timeout,
    on_progress = function(progress)
      self:progress(entry, progress)
    end,
  })
  entry.record = detail or err.record
  entry.ended = self.now()
  entry.err = err
  if finish_log and entry.record then
    finish_log(await)
  end
  self:read_epilogue(await, entry)
  return detail and true, err
end

local function new_entry(watch, job_id)
  local entry =
    { job_id = job_id, began = watch.now(), told_at = -math.huge, step_began = {}, steps = {} }
  table.insert(watch.entries, entry)
  return entry
end

--- Starts a build. Raises usage errors.
---@param args table as client:start takes them
function Watch:add_start(args)
  local start = self.app:client():start(args)
  new_entry(self, args.job_id).start = start
end

--- Takes a build that was started earlier.
---@param job_id string
---@param build_no integer
function Watch:add_build(job_id, build_no)
  local entry = new_entry(self, job_id)
  entry.build, entry.build_no = self.app:client():build(job_id, build_no), build_no
end

--- Ctrl-C: the builds go on, we do not.
function Watch:detach()
  local app = self.app
  self.detached = true
  app.terminal:clear()
  for _, entry in ipairs(self.entries) do
    if entry.build_no and not entry.ended then
      self:event(entry, "detached", {})
      app:warn(("interrupted; %s goes on"):format(name_of(entry)))
      app:warn(("  to wait again:  codearts-build wait %s %d"):format(entry.job_id, entry.build_no))
      app:warn(("  to stop it:     codearts-build stop %s %d"):format(entry.job_id, entry.build_no))
    elseif not entry.build_no and not entry.err then
      app:warn(("interrupted; a build of %s may have been started"):format(entry.job_id))
      app:warn(("  to look for it: codearts-build history %s"):format(entry.job_id))
    end
  end
  return exit_status.interrupted
end

--- The data of a build for --json.
local function entry_data(entry)
  local data = { job_id = entry.job_id }
  for key, value in
    pairs(entry.result or { actual_build_number = entry.build_no and tostring(entry.build_no) })
  do
    data[key] = value
  end
  if entry.record then
    data.status, data.record, data.steps = entry.record.status, entry.record, steps_data(entry)
    data.elapsed = rounded(entry.ended - entry.began)
  end
  data.error = entry.err and json.of_error(entry.err) or nil
  return data
end

function Watch:print_all()
  local list = json.array {}
  for index, entry in ipairs(self.entries) do
    list[index] = entry_data(entry)
  end
  self.app:print_json(#list == 1 and list[1] or list)
end

function Watch:report_end(entry)
  local app = self.app
  if self.detached then
    return -- closing the client ends the flows, which is no news about the builds
  end
  entry.ended = entry.ended or self.now()
  self:finished(entry)
  if not entry.err or entry.err.kind == "build" and entry.record then
    return -- the verdict is told
  end
  self:event(entry, "error", { error = json.of_error(entry.err) })
  app:warn_of(entry.err)
  if entry.err.kind == "timeout" and entry.err.reason == "wait" then
    app:warn(("  to wait again:  codearts-build wait %s %d"):format(entry.job_id, entry.build_no))
  elseif entry.err.outcome == "unknown" then
    app:warn(("  to look for it: codearts-build history %s"):format(entry.job_id))
  end
end

function Watch:draw()
  local terminal = self.app.terminal
  if terminal.live and self.app.form == "text" and self.options.wait then
    local columns, rows = terminal:size()
    terminal:draw(live(self.entries, self.now(), columns, rows, terminal:style()))
  end
end

--- Runs until all builds are done or Ctrl-C comes. Prints everything.
---@return integer exit status
function Watch:run()
  local client, left = self.app:client(), #self.entries
  for _, entry in ipairs(self.entries) do
    local call = client:task(function(await)
      return self:live_through(await, entry)
    end)
    call:on_done(function(_, err)
      entry.err = err
      left = left - 1
      self:report_end(entry)
    end)
  end
  while left > 0 do
    if self.app.core.interrupted() then
      return self:detach()
    end
    self:draw()
    client:step(TICK)
  end
  self.app.terminal:clear()
  if self.app.form == "json" then
    self:print_all()
  end
  local statuses = {}
  for index, entry in ipairs(self.entries) do
    statuses[index] = entry.err and exit_status.of_error(entry.err) or exit_status.success
  end
  return exit_status.of_all(statuses)
end

return Watch
