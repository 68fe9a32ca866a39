--- Waiting for the end of a build: its progress, its log, its verdict, and what is shown of them.
local ascii = require "codearts.build.ascii"
local duration = require "codearts.build.cli.duration"
local entries = require "codearts.build.cli.entry"
local failed = require "codearts.build.cli.failed"
local follow = require "codearts.build.lifecycle.follow"
local given = require "codearts.build.cli.given"
local lifecycle = require "codearts.build.lifecycle"
local live = require "codearts.build.cli.live"
local picture = require "codearts.build.cli.picture"
local read_log = require "codearts.build.lifecycle.log"
local record = require "codearts.build.lifecycle.record"
local remaining = require "codearts.build.cli.remaining"
local spans = require "codearts.build.cli.spans"
local steps = require "codearts.build.lifecycle.steps"
local text = require "codearts.build.cli.text"
local timeline = require "codearts.build.cli.timeline"
local verdict = require "codearts.build.lifecycle.verdict"
local within = require "codearts.build.lifecycle.within"

local PLAIN_EVERY = 10 -- seconds between two plain lines while nothing changes
local TAIL_LINES = 10
local ALARM_LINES = 5 -- that sound like the cause, before those
local BESIDE = 5 -- seconds that the verdict waits, at most, for what is shown beside it

local waiting = {}

--- Where there are no live lines, one plain line for a change and one now and then.
local function plain_progress(app, entry)
  local terminal, now = app.terminal, app.core.now()
  if app.form ~= "text" or terminal.live or terminal.progress == "none" then
    return
  elseif verdict.of_status(entry.status) then
    return -- the end is told in a moment, by itself
  end
  local running
  for _, step in ipairs(entry.steps) do
    running = ascii.lower(step.status) == "running" and step.name or running
  end
  local state = entry.status .. (running and ", " .. running or "")
  if state ~= entry.told or now - entry.told_at >= PLAIN_EVERY then
    entry.told, entry.told_at = state, now
    local left = remaining.words(entry, now)
    local took = duration.format(remaining.elapsed(entry, now))
    terminal:note(
      text.clean(
        ("%s: %s, %s%s"):format(entries.name(entry), state, took, left and ", " .. left or "")
      )
    )
  end
end

local function on_progress(app, entry, progress)
  entry.status = progress.status
  entry.steps = #progress.steps > 0 and progress.steps or entry.steps
  for index, step in ipairs(entry.steps) do
    if ascii.lower(step.status) == "running" and not entry.step_began[index] then
      entry.step_began[index] = app.core.now()
    end
  end
  remaining.note(entry, progress, app.core.now())
  entries.event(entry, app, "progress", {
    status = progress.status,
    elapsed = entries.rounded(progress.elapsed),
    eta = progress.eta and entries.rounded(progress.eta),
    steps = entries.steps_data(entry),
  })
  plain_progress(app, entry)
end

local function on_line(app, entry, line, alone)
  entries.event(entry, app, "log", { line = line })
  if app.form == "text" then
    local prefix = not alone and ("%s #%d | "):format(entries.label(entry), entry.build_no) or ""
    app.terminal:log_line(line, text.clean(prefix))
  end
end

--- Follows the log beside the wait; answers a function that awaits its end, but not if the build goes on.
local function follow_log(app, entry, alone)
  local follower = follow(entry.build, function(line)
    on_line(app, entry, line, alone)
  end)
  return function(await, over, left)
    local err = follower:finish(await, over, left)
    if err then
      app:warn(("the log of %s is not complete: %s"):format(entries.name(entry), tostring(err)))
    end
  end
end

--- The log of the step that failed, and the step; nothing where it cannot be told from those of others, or cannot be had.
local function read_failed(await, client, entry)
  local place = failed.places(entry.steps, true)[1]
  local target = lifecycle.handle(entry.build)
  local stages = place and steps.stages(await, target, entry.record)
  stages = stages and client:mask(stages, target.result) -- as the steps are
  local stage = stages and steps.stage_of(entry.steps, place, stages)
  local log = stage and await(client:task(read_log(target, { stage = stage })))
  if type(log) == "string" then
    return log, entry.steps[place]
  end
end

--- The last lines of what failed. Trouble here is no news: the verdict stands without them.
local function read_tail(await, client, entry)
  local log, step = read_failed(await, client, entry)
  log = log or await(entry.build:log { async = true })
  local lines = {}
  for line in (type(log) == "string" and log or ""):gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  entry.tail_step = step and step.name
  entry.tail = failed.excerpt(lines, TAIL_LINES, ALARM_LINES)
end

--- Reads what is shown beside the verdict, which does not wait for it for long, nor beyond the end of the wait.
local function read_beside(await, app, entry, options, left)
  local client = app:client()
  local call = client:task(function(await_here)
    if app.terminal.live and options.alone then
      entry.spans = picture(await_here, app, entry.record, entry.steps)
    end
    if entry.err and not options.follow then
      read_tail(await_here, client, entry)
    end
  end)
  within(await, client, call, left and math.max(math.min(left, BESIDE), 0) or BESIDE)
end

--- The call that waits for a build's end, and shows its progress.
---@param app codearts.build.cli.App
---@param entry codearts.build.cli.Entry its build is there
---@param timeout number?
---@return codearts.build.Task
function waiting.wait(app, entry, timeout)
  return entry.build:wait {
    async = true,
    timeout = timeout,
    on_progress = function(progress)
      on_progress(app, entry, progress)
    end,
  }
end

--- The part of a build's flow that waits. Answers true, or nil and the error.
---@param await function
---@param app codearts.build.cli.App
---@param entry codearts.build.cli.Entry its build is there
---@param options { follow: boolean?, timeout: number?, alone: boolean }
---@return true?
---@return table? err
function waiting.flow(await, app, entry, options)
  entry.told_at = -math.huge
  local till = options.timeout and app.core.now() + options.timeout
  local finish_log = options.follow and follow_log(app, entry, options.alone)
  local detail, err = await(waiting.wait(app, entry, options.timeout))
  entry.record, entry.err, entry.ended = detail or err.record, err, app.core.now()
  if finish_log then
    finish_log(await, entry.record ~= nil, till and till - app.core.now())
  end
  if not entry.record then
    return nil, err
  end
  if app.form == "text" and app.terminal.progress ~= "none" then
    read_beside(await, app, entry, options, till and till - app.core.now())
  end
  return detail and true, err
end

--- "SUCCESS, took 1m 40s": how long the build ran, or if the record does not tell, how long we waited.
local function how_it_ended(entry, status)
  local start = spans.time(record.text(entry.record.start_time))
  local finish = spans.time(record.text(entry.record.finish_time))
  local took = start and finish and "took " .. duration.format(finish - start)
    or "after " .. duration.format(entry.ended - entry.began)
  local reason = entry.err and record.text(entry.record.err_msg)
  local doubt = verdict.doubt(entries.verdict(entry))
  return given.masked(("%s, %s%s%s"):format(status, took, reason and ": " .. reason or "", doubt))
end

--- Tells the verdict, and shows what belongs to it.
---@param app codearts.build.cli.App
---@param entry codearts.build.cli.Entry with its record
function waiting.tell_end(app, entry)
  local terminal = app.terminal
  local status = record.text(entry.record.status) or "?"
  entries.event(entry, app, "finished", {
    status = status,
    verdict = entries.verdict(entry),
    record = entry.record,
    steps = entries.steps_data(entry),
  })
  if app.form ~= "text" then
    return
  end
  terminal:result(text.clean(("%s: %s"):format(entries.name(entry), how_it_ended(entry, status))))
  for _, line in
    ipairs(entry.spans and timeline(entry.spans, (terminal:size()), terminal:style()) or {})
  do
    terminal:note(line)
  end
  if entry.tail and #entry.tail > 0 then
    terminal:note(text.clean(("last lines of %s:"):format(entry.tail_step or "the log")))
    for _, line in ipairs(entry.tail) do
      terminal:note("  " .. text.log_line(line, true))
    end
    local all = entry.tail_step and "log %s %d --failed" or "log %s %d"
    terminal:note("all of it: " .. app:next_command(all, entry.job_id, entry.build_no))
  end
end

--- Several builds in one picture, each as one bar, if it fits the page: else it would push away what went wrong.
---@param app codearts.build.cli.App
---@param list codearts.build.cli.Entry[]
function waiting.tell_together(app, list)
  local terminal = app.terminal
  local columns, rows = terminal:size()
  if waiting.draws(app) and #list < rows then
    for _, line in ipairs(timeline(spans.of_builds(list), columns, terminal:style())) do
      terminal:note(line)
    end
  end
end

--- Whether there are live lines.
---@param app codearts.build.cli.App
---@return boolean
function waiting.draws(app)
  return app.terminal.live and app.form == "text"
end

--- Draws the live lines of all builds, where there are any; else says now and then how they stand, for looks may be rare.
---@param app codearts.build.cli.App
---@param list codearts.build.cli.Entry[]
function waiting.draw(app, list)
  local terminal = app.terminal
  if waiting.draws(app) then
    local columns, rows = terminal:size()
    terminal:draw(live(list, app.core.now(), columns, rows, terminal:style()))
    return
  end
  for _, entry in ipairs(list) do
    if entry.status and not entry.ended then
      plain_progress(app, entry)
    end
  end
end

return waiting
