--- Starts builds and waits for them, any number at once: each is one flow, all on one client, with one screen.
local entries = require "codearts.build.cli.entry"
local exit_status = require "codearts.build.cli.exit_status"
local ids = require "codearts.build.ids"
local output = require "codearts.build.cli.output"
local record = require "codearts.build.lifecycle.record"
local text = require "codearts.build.cli.text"

local TICK = 0.25
local CHECK_PATIENCE = 2 -- seconds
local CANCEL_PATIENCE = 5
local LOOK_PATIENCE = 2
local STOP_PATIENCE = 10 -- seconds; who sends a signal often sends SIGKILL after it

---@class codearts.build.cli.Watch
local Watch = {}
Watch.__index = Watch

---@param app codearts.build.cli.App
---@param options { wait: boolean?, follow: boolean?, timeout: number?, on_interrupt: "stop"|"detach"|nil }
---@return codearts.build.cli.Watch
function Watch.new(app, options)
  return setmetatable({
    app = app,
    options = options,
    entries = {},
    -- A run that does not wait does not pay for it either.
    waiting = options.wait and require "codearts.build.cli.waiting" or nil,
  }, Watch)
end

--- Starts a build. Raises usage errors.
---@param args table as client:start takes them
---@param opts table? the same
---@param name string? of the job
function Watch:add_start(args, opts, name)
  self.app:client():mask "" -- loads what masks: with an answer in hand no file may be needed
  local entry = entries.new(args.job_id, self.app.core.now(), name)
  entry.start = self.app:client():start(args, opts)
  table.insert(self.entries, entry)
  self:check_parameters(entry, args, opts)
end

--- Beside the start, so that it costs no time.
function Watch:check_parameters(entry, args, opts)
  local names = {}
  for index, item in ipairs(args.parameter) do
    names[index] = item.name
  end
  if opts and opts.run_id then
    names[#names + 1] = opts.run_id.parameter
  end
  for _, other in ipairs(self.entries) do
    if other.check and other.job_id == entry.job_id then
      return -- asked already
    end
  end
  if #names > 0 then
    local parameters = require "codearts.build.cli.parameters"
    entry.check = parameters.check(self.app, args.job_id, names, function(unknown)
      entries.event(entry, self.app, "warning", {
        parameter = unknown.name,
        nearest = unknown.nearest,
      })
    end)
  end
end

--- Gives the questions about parameters a while to be answered where nothing else is waited for.
function Watch:finish_checks()
  local app = self.app
  local patience = app.core.now() + CHECK_PATIENCE
  for _, entry in ipairs(self.entries) do
    while
      entry.check
      and not entry.check:done()
      and app.core.now() < patience
      and not app.core.ending()
    do
      app:client():step(TICK)
    end
  end
end

--- Takes a build that was started earlier.
---@param job_id string
---@param build_no integer
---@param name string? of the job
function Watch:add_build(job_id, build_no, name)
  local entry = entries.new(job_id, self.app.core.now(), name)
  entry.build, entry.build_no = self.app:client():build(job_id, build_no), build_no
  table.insert(self.entries, entry)
end

local function tell_start(app, entry)
  local result = entry.result
  entries.event(entry, app, "started", {
    actual_build_number = result.actual_build_number,
    daily_build_number = result.daily_build_number,
    octopus_job_name = result.octopus_job_name,
    run_id = entry.run_id,
    key = entry.key,
    replayed = entry.replayed,
    reconciled = entry.reconciled,
  })
  if app.form == "text" then
    local daily = record.text(result.daily_build_number) or "?"
    local octopus = record.text(result.octopus_job_name) or "?"
    local how = entry.replayed and "was started earlier with this key" or "started"
    app.terminal:result(
      text.clean(("%s %s (%s, %s)"):format(entries.name(entry), how, daily, octopus))
    )
  end
end

--- The members of a result, as they may be shown.
local function shown(client, result, build_no)
  local members = {}
  for name, value in pairs(result) do
    members[name] = value
  end
  client:mask(members, result)
  if build_no then
    members.actual_build_number = result.actual_build_number
  end
  return members
end

--- The life of one build. Answers true, or nil and the error.
function Watch:live_through(await, entry)
  if entry.start then
    local result, err = await(entry.start)
    local meta = self.app.build.meta(result or err)
    entry.run_id = meta and meta.run_id
    if meta and result then
      entry.key, entry.replayed, entry.reconciled = meta.key, meta.replayed, meta.reconciled
      entry.members = self.app:client():mask(meta.members, result)
    end
    if err then
      return nil, err
    end
    entry.build, entry.build_no = result, ids.build_number(result.actual_build_number)
    entry.result = shown(self.app:client(), result, entry.build_no)
    tell_start(self.app, entry)
  end
  if not self.waiting then
    return true
  end
  return self.waiting.flow(await, self.app, entry, {
    follow = self.options.follow,
    timeout = self.options.timeout,
    alone = #self.entries == 1,
  })
end

function Watch:tell_end(entry)
  local app, err = self.app, entry.err
  if self.detached or err and err.kind == "cancelled" and app.core.ending() then
    return -- what we end ourselves is no news about the builds, and told when we leave
  end
  entry.ended, entry.told_end = entry.ended or app.core.now(), true
  if entry.record then
    return self.waiting.tell_end(app, entry)
  elseif not err then
    return
  end
  self:tell_error(entry)
  if err.kind == "timeout" and err.reason == "wait" then
    app:warn_next("  to wait again:  ", "wait %s %d", entry.job_id, entry.build_no)
  end
end

function Watch:tell_error(entry)
  local app, err = self.app, entry.err
  entries.event(entry, app, "error", { error = entries.error_data(entry) })
  app:warn_of(err)
  if err.outcome == "unknown" then
    if entry.run_id then
      app:warn(("  its run id is:   %s"):format(entry.run_id))
    end
    app:warn_next("  to look for it: ", "history %s", entry.job_id)
    if err.kind == "key" then
      app:warn "  running it again with the same key is safe; `codearts-build key` tells and settles"
    end
  end
end

--- A start that is unanswered.
local function is_starting(entry)
  return not entry.build and not entry.err
end

--- A build that was started and whose end is not known here.
local function is_open(entry)
  local ended = entry.record or entry.told_end or entry.err and entry.err.kind ~= "cancelled"
  return entry.build and not ended
end

local function status_of(entry)
  return entry.err and exit_status.of_error(entry.err) or exit_status.success
end

local function tell_how_to_go_on(app, entry)
  if entry.build_no then
    local job_id, build_no = entry.job_id, entry.build_no
    app:warn_next("  to wait again:  ", "wait %s %d", job_id, build_no)
    app:warn_next("  to stop it:     ", "stop %s %d", job_id, build_no)
  end
end

--- Asks the service to stop a build, and where it does not how the build stands: it may be over. Whether an answer is awaited.
function Watch:stop(entry)
  entry.stop = entry.stop or entry.build:stop { async = true }
  if not entry.stop:done() then
    return true
  elseif not entry.look and not entry.stop:try_wait() then
    entry.look = self.waiting.wait(self.app, entry, LOOK_PATIENCE)
  end
  return entry.look ~= nil and not entry.look:done()
end

--- Cancels the starts of which nothing is out, as they wait for a key, a sign-in or their next attempt: nothing is to go out any
--- more.
function Watch:cancel_unsent()
  for _, entry in ipairs(self.entries) do
    if is_starting(entry) and not entry.start:is_out() then
      entry.start:cancel()
    end
  end
end

--- Asks the service to stop what is still open, and gives it a while to answer. A start that was sent is waited for: it may
-- turn out to be a build to stop.
function Watch:stop_all()
  local app = self.app
  local patience = app.core.now() + STOP_PATIENCE
  local pending
  repeat
    self:cancel_unsent()
    pending = self:is_starting()
    for _, entry in ipairs(self.entries) do
      if is_open(entry) and entry.build_no then
        pending = self:stop(entry) or pending
      end
    end
    if pending then
      app:client():step(TICK)
    end
  until not pending or app.core.now() > patience
end

--- Breaks off what is under way, and gives it a moment to tell how far it came: a start whether anything was sent, with
-- a key that is written down, too; a wait whether it knows the verdict already.
function Watch:cancel_all()
  local app = self.app
  local patience = app.core.now() + CANCEL_PATIENCE
  for _, entry in ipairs(self.entries) do
    if is_starting(entry) then
      entry.start:cancel()
    end
  end
  local pending
  repeat
    pending = false
    for _, entry in ipairs(self.entries) do
      if not (is_starting(entry) or entry.flow:done()) then
        entry.flow:cancel()
      end
      pending = pending or not entry.flow:done()
    end
    if pending then
      app:client():step(TICK)
    end
  until not pending or app.core.now() > patience
end

-- Why a request was not even sent.
local UNSENT = { resolve = true, connect = true, connect_timeout = true, tls_verify = true }

-- What a gateway says, beside 5xx, of a request that it has passed on.
local PASSED_ON = { [408] = true, [460] = true, [499] = true }

--- Whether the service may have taken a stop that ended so: its answer was lost, is late, or is not the service's own.
local function may_be_taken(err)
  if err.kind == "transport" or err.kind == "timeout" or err.kind == "protocol" then
    return not UNSENT[err.reason]
  end
  -- What may be sent again was not acted on.
  return err.status ~= nil and not err.retryable and (err.status >= 500 or PASSED_ON[err.status])
end

-- What becomes of a build that is not stopped: what the last look saw may be over.
local GOES_ON = "goes on, unless it has ended"

--- Tells why it is not known that a build is being stopped. Answers what becomes of it.
local function tell_unstopped(app, entry, err)
  local name = entries.name(entry)
  if not may_be_taken(err) then
    app:warn(("%s cannot be stopped: %s"):format(name, tostring(err)))
    return GOES_ON
  end
  local late = err.kind == "timeout" and err.reason == "wait"
  app:warn(("%s was asked to stop: %s"):format(name, late and "no answer yet" or tostring(err)))
  return "may have been stopped"
end

--- What becomes of a build that is still open when a signal ends us.
local function tell_left(app, entry)
  local stopped, err
  if entry.stop then
    stopped, err = entry.stop:try_wait()
  end
  if stopped then
    entry.stopped = true
    entries.event(entry, app, "stopping", {})
    app:warn(("%s; %s is being stopped"):format(app:ended(), entries.name(entry)))
    return
  end
  entry.detached = true
  entries.event(entry, app, "detached", {})
  local state = err and tell_unstopped(app, entry, err) or GOES_ON
  app:warn(("%s; %s %s"):format(app:ended(), entries.name(entry), state))
  tell_how_to_go_on(app, entry)
end

--- What the look after a stop that was not taken found.
local function take_look(app, entry)
  if entry.look and is_open(entry) then
    local detail, err = entry.look:try_wait()
    detail = detail or err.record
    if detail then
      entry.record, entry.err, entry.ended = detail, err, app.core.now()
    end
  end
end

--- Takes what has come by now, and sends nothing more: who was stopped for a while has answers to read that were there before
--- the signal.
function Watch:catch_up()
  local client, now = self.app:client(), self.app.core.now
  local patience = now() + CANCEL_PATIENCE
  repeat
    self:cancel_unsent()
    client:step(0)
  until client:timeout() ~= 0 or now() > patience
end

--- A signal ends us: the builds go on, unless they are to be stopped. What has ended is told as ever, though its log
-- or its picture is not there yet.
function Watch:leave()
  local app = self.app
  app.terminal:clear()
  self:catch_up()
  if self.options.on_interrupt == "stop" then
    self:stop_all()
  end
  self.detached = true
  self:cancel_all()
  local ending = exit_status.of_ending[app.core.ending()]
  local statuses, in_doubt = {}, false
  for index, entry in ipairs(self.entries) do
    take_look(app, entry)
    if is_open(entry) then
      entry.err = nil -- that we look no more
      tell_left(app, entry)
      statuses[index] = ending
    elseif not entry.build and (not entry.err or entry.err.kind == "cancelled") then
      entry.err = app:interruption(entry.job_id, entry.err and entry.err.outcome)
      in_doubt = in_doubt or entry.err.outcome == "unknown"
      self:tell_error(entry)
      statuses[index] = ending
    else
      if entry.record and not entry.told_end then
        self.waiting.tell_end(app, entry)
      elseif entry.err and not entry.told_end then
        self:tell_error(entry) -- of a start that ended otherwise than cancelled, when it was to
      end
      statuses[index] = status_of(entry)
    end
  end
  if app.form == "json" then
    self:print_all()
  end
  if output.problem then
    self:tell_unwritten()
  end
  local status = exit_status.of_all(statuses)
  local lost = output.problem and not output.nobody_reads and ending ~= exit_status.hung_up
  if in_doubt and (status ~= ending or lost) then -- another's weighs more than the signal's, and says less
    return exit_status.outcome_unknown
  end
  return status
end

--- Nothing can be printed any more: what would be lost of the started builds goes to standard error. Of those that we leave
--- it is there.
function Watch:tell_unwritten()
  local app = self.app
  self.detached = true
  app.terminal:clear()
  for _, entry in ipairs(self.entries) do
    if entry.build and not entry.detached and not entry.stopped then
      local state = entry.record and "ended with " .. tostring(entry.record.status) or "was started"
      app:warn(text.clean(("%s %s"):format(entries.name(entry), state)))
      if not entry.record then
        tell_how_to_go_on(app, entry)
      end
    end
  end
end

function Watch:print_all()
  local json = require "codearts.build.cli.json"
  local list = json.array {}
  for index, entry in ipairs(self.entries) do
    list[index] = entries.data(entry)
  end
  self.app:print_json(#list == 1 and list[1] or list)
end

--- Whether a start is still unanswered.
function Watch:is_starting()
  for _, entry in ipairs(self.entries) do
    if is_starting(entry) then
      return true
    end
  end
  return false
end

--- Runs until all builds are done or a signal ends us, or nothing can be printed any more. Prints everything.
---@return integer exit status
function Watch:run()
  local client, left = self.app:client(), #self.entries
  for _, entry in ipairs(self.entries) do
    entry.flow = client:task(function(await)
      return self:live_through(await, entry)
    end)
    entry.flow:on_done(function(_, err)
      entry.err = err
      left = left - 1
      self:tell_end(entry)
    end)
  end
  if self.waiting and self.waiting.draws(self.app) then
    self.app.core.catch_suspend()
  end
  while left > 0 do
    if self.app.core.ending() then
      return self:leave()
    elseif output.problem and not self:is_starting() then
      break
    elseif self.waiting then
      self.waiting.draw(self.app, self.entries)
    end
    client:step(TICK)
  end
  self:finish_checks()
  self.app.terminal:clear()
  if self.waiting and #self.entries > 1 then
    self.waiting.tell_together(self.app, self.entries)
  end
  if self.app.form == "json" then
    self:print_all()
  end
  if output.problem then
    self:tell_unwritten()
  end
  local statuses = {}
  for index, entry in ipairs(self.entries) do
    statuses[index] = status_of(entry)
  end
  return exit_status.of_all(statuses)
end

return Watch
