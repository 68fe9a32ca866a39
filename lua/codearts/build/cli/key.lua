--- codearts-build key: what the store knows of keys, and the word of a person where nobody else can tell.
local App = require "codearts.build.cli.app"
local ascii = require "codearts.build.ascii"
local calendar = require "codearts.build.calendar"
local key_records = require "codearts.build.cli.key_records"
local kinds = require "codearts.build.cli.kinds"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local SETTLE = 120 -- seconds, as the library has it

local LATEST = 253402300799 -- the end of the year 9999

local function moment(seconds)
  if seconds and seconds > LATEST then
    return "never" -- with what was asked to be waited for
  end
  return seconds and calendar.moment(seconds) .. " UTC" or nil
end

local function number_of(kept)
  return kept.build and kept.build.actual_build_number or "-"
end

local actions = {}

function actions.list(app, values)
  local job_id = values.job and target.job(app, values.job, values.project)
  local all, unread = key_records.all(app)
  local cells, list = {}, {}
  for _, kept in ipairs(all) do
    if not job_id or key_records.job(kept) == ascii.lower(job_id) then
      local told = key_records.data(app, kept)
      list[#list + 1] = told
      cells[#cells + 1] =
        { told.job_id, told.key, told.state, number_of(told), moment(told.signed_at) or "-" }
    end
    app:pause()
  end
  if unread > 0 then
    app:warn(("%d records cannot be read"):format(unread))
  end
  if app.form == "json" then
    app:print_json { keys = require("codearts.build.cli.json").array(list), unread = unread }
    return
  end
  local head = { "JOB", "KEY", "STATE", "BUILD", "BEGUN" }
  local lines = require "codearts.build.cli.table"(head, cells, nil, nil, function()
    app:pause()
  end)
  for _, line in ipairs(lines) do
    app.terminal:result(line)
    app:pause()
  end
end

local MEANINGS = {
  done = "done: its build was started",
  open = "open: a start is under way or in doubt",
  free = "free: no build was started",
}

local function no_fence(kept)
  return kept.run_id and "none: a build that shows the run id can tell, or a person"
    or "none: only a person can tell"
end

local function tell(app, record)
  local kept = key_records.data(app, record)
  if app.form == "json" then
    app:print_json(kept)
    return
  end
  local text = require "codearts.build.cli.text"
  local lines = {
    { "key", kept.key },
    { "scope", kept.scope },
    { "state", MEANINGS[kept.state] },
    { "build", kept.build and number_of(kept) },
    { "attempt", ("%d"):format(kept.attempt) },
    { "begun", moment(kept.signed_at) }, -- with a token nothing is signed
    { "fence", moment(kept.fence_at) or kept.state == "open" and no_fence(kept) },
    { "run id", kept.run_id and ("%s in %s"):format(kept.run_id, kept.run_id_parameter) },
    { "owner", ("%s, process %s"):format(tostring(kept.owner.host), tostring(kept.owner.pid)) },
  }
  for _, line in ipairs(lines) do
    if line[2] then
      app.terminal:result(("%-8s %s"):format(line[1], text.clean(line[2])))
    end
  end
end

local function bad_key(app, problem)
  return app.core.error { kind = "usage", field = "KEY", message = "KEY: " .. problem }
end

local function none(app, values)
  return bad_key(app, "the store has no record of " .. values.key_name)
end

function actions.show(app, values)
  local job_id = target.job(app, values.job, values.project)
  local kept = key_records.with(app, job_id, values.key_name, function(shelf)
    if not shelf.record then
      return nil, none(app, values)
    end
    return shelf.record
  end)
  tell(app, kept)
end

--- The service's clock; raises when it does not answer.
local function service_date(app, job_id)
  local look, client = require "codearts.build.reconcile.look", app:client()
  return app:await(client:task(function(await)
    return look.date(await, client, job_id)
  end)) or nil
end

--- The build that a person names, as a record keeps it; raises when the service knows of none.
local function named_build(app, job_id, number)
  local endings = require "codearts.build.keys.endings"
  local detail = app:await(app:client():build(job_id, number):status { async = true })
  app:client():mask(detail)
  return endings.build_of(app:client(), {
    actual_build_number = ("%d"):format(number),
    daily_build_number = detail.daily_build_num,
    octopus_job_name = detail.execution_id,
  })
end

local REFUSALS = {
  held = "a living process is at it%s: end that first",
  early = "the service might still accept what was sent, or list it later; not before %s by its clock",
  no_fence = "it was sent with a token, whose requests never get too old: with --force a second build may start, "
    .. "if the first is only late",
}

local function refusal(app, action)
  if action.reason == "settled" then
    return bad_key(app, "nothing is in doubt: `key show` tells the record")
  end
  local who = action.owner
  who = who and (" (%s, process %s)"):format(tostring(who.host), tostring(who.pid)) or ""
  local message = REFUSALS[action.reason] or ("it cannot be settled: " .. tostring(action.reason))
  return key_records.error(
    app,
    action.reason,
    action.outcome,
    message:format(action.reason == "held" and who or moment(action.fence_at) or "?"),
    { fence_at = action.fence_at, owner = action.owner }
  )
end

--- Does what the transition says to a person's word.
local function resolve(app, values, shelf, event)
  local transition = require "codearts.build.keys.transition"
  event.type, event.nonce, event.force = "resolve", app.core.uuid(), values.force
  event.holder = shelf:holder()
  local facts = { settle = values.settle or SETTLE, held = shelf.held }
  local action = transition(shelf.record, facts, event)
  while action.do_ == "put" do
    local done, err = shelf:put(action.record)
    if err then
      return nil, err
    end
    action = transition(shelf.record, facts, { type = "put", done = done })
  end
  if action.do_ ~= "resolved" then
    return nil, refusal(app, action)
  end
  return shelf.record
end

function actions.resolve(app, values)
  local job_id = target.job(app, values.job, values.project)
  local event = {}
  if values.build then
    event.build = named_build(app, job_id, values.build)
  elseif not values.force then
    event.date = service_date(app, job_id)
  end
  local function settle(shelf)
    if not shelf.record then
      return nil, none(app, values)
    end
    return resolve(app, values, shelf, event)
  end
  local exists = key_records.with(app, job_id, values.key_name, function(shelf)
    return shelf.record ~= nil
  end)
  -- Holding makes a file, which a key that is not there must not get.
  local kept = key_records.with(app, job_id, values.key_name, settle, exists and values.none)
  if values.force and not values.build then
    app:warn "the key is free by your word: a second build may start, if the first is only late"
  end
  tell(app, kept)
end

local function body(app, values)
  return actions[values.action](app, values)
end

return {
  summary = "Show what the store knows of keys, and settle what is in doubt.",
  about = [[
list shows all records of the store, or those of a job. show tells one. resolve takes the word of a person who found
out, for a key that is in doubt: --build N is the build that was started, --none says that none was, which makes the
key free. --none is refused while somebody alive holds the key, and until the service's own clock says that what was
sent can be accepted and listed no more; what was sent with a token never gets that old: then it takes --force.]],
  examples = {
    "codearts-build key list nightly",
    "codearts-build key show f9d6c8466d614a9788e9a0acf6c15f46 release-1.4.2",
    "codearts-build key resolve f9d6c8466d614a9788e9a0acf6c15f46 release-1.4.2 --build 20",
  },
  rows = rows.list({
    {
      name = "action",
      word = "ACTION",
      help = "list, show or resolve.",
      values = { "list", "show", "resolve" },
    },
    {
      name = "job",
      word = "JOB",
      help = rows.job.help,
      kind = kinds.job,
      optional = true,
    },
    {
      name = "key_name",
      word = "KEY",
      help = "The key.",
      kind = kinds.key,
      optional = true,
    },
    rows.project,
    {
      name = "--build",
      word = "N",
      help = "Of resolve: the number of the build that was started with the key.",
      kind = kinds.integer(1),
    },
    { name = "--none", help = "Of resolve: no build was started.", excludes = { "--build" } },
    {
      name = "--force",
      help = "Of resolve --none: although nothing proves it; a second build may start.",
    },
    rows.settle,
  }, rows.key_store, rows.json, rows.connection),
  check = function(values)
    local action = values.action
    if action ~= "list" and not (values.job and values.key_name) then
      return ("key %s needs a JOB and a KEY"):format(action)
    elseif action == "list" and values.key_name then
      return "key list takes a JOB alone"
    elseif action == "resolve" and not (values.build or values.none) then
      return "key resolve needs --build N or --none"
    elseif
      action ~= "resolve" and (values.build or values.none or values.force or values.settle)
    then
      return "--build, --none, --force and --settle are for key resolve"
    elseif values.force and not values.none then
      return "--force goes with --none"
    end
  end,
  body = body,
  run = App.command(body),
}
