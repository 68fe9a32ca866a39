--- codearts-build status: how a build stands, and its steps.
local App = require "codearts.build.cli.app"
local exit_status = require "codearts.build.cli.exit_status"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"
local text = require "codearts.build.cli.text"
local verdict = require "codearts.build.lifecycle.verdict"

local function string_of(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local function print_rows(app, seen)
  local detail = seen.detail
  local duration = require "codearts.build.cli.duration"
  local took = require("codearts.build.lifecycle.record").number(detail.duration)
  local zone = require "codearts.build.cli.zone"
  local lines = {
    { "status", string_of(detail.status) or "?" },
    { "number", detail.daily_build_num },
    { "branch", detail.branch },
    { "tag", detail.tag },
    { "commit", detail.commit },
    { "started", string_of(detail.start_time) and zone(detail.start_time) },
    { "left", seen.left },
    { "finished", string_of(detail.finish_time) and zone(detail.finish_time) },
    { "took", took and duration.format(took / 1000) },
    { "message", detail.err_msg },
  }
  for _, row in ipairs(lines) do
    if string_of(row[2]) then
      app.terminal:result(("%-9s %s"):format(row[1], text.clean(row[2])))
    end
  end
end

local function print_steps(app, steps)
  local duration = require "codearts.build.cli.duration"
  for index, step in ipairs(steps) do
    app.terminal:result(
      ("%-9s %s: %s%s"):format(
        index == 1 and "steps" or "",
        text.clean(step.name),
        step.status == "" and "not run" or text.clean(step.status),
        step.time and step.status ~= "" and ", " .. duration.format(step.time) or ""
      )
    )
  end
end

--- Of a build that is over a picture for people, of others the list of the steps.
local function print_text(app, seen)
  local terminal = app.terminal
  print_rows(app, seen)
  if seen.spans then
    local timeline = require "codearts.build.cli.timeline"
    local columns = terminal:result_columns()
    for _, line in ipairs(timeline(seen.spans, columns, terminal:style(true))) do
      terminal:result(line)
    end
  else
    print_steps(app, seen.steps)
  end
  local failed = require "codearts.build.cli.failed"
  local place = failed.places(seen.steps, seen.verdict)[1]
  if place then
    app:warn(("%s failed; its log:"):format(failed.name(seen.steps[place])))
    app:warn_next("  ", "log %s %d --failed", seen.job_id, seen.build_no)
  end
end

--- What the service knows of the build.
local function look(app, job_id, build_no)
  local client = app:client()
  local record = require "codearts.build.lifecycle.record"
  local ending = require "codearts.build.lifecycle.ending"
  local seen = { job_id = job_id, build_no = build_no }
  return app:await(client:task(function(await)
    local place = { client = client, job_id = job_id, build_no = build_no }
    local detail, err = record.fetch(await, place)
    if not detail then
      return nil, err
    end
    seen.verdict, seen.problem, detail = ending.verdict(await, place, detail)
    seen.kept = not seen.verdict and require("codearts.build.meta").kept(detail) -- an end does not change
    seen.detail = client:mask(detail)
    -- Steps are worth having, but a build whose steps cannot be read still has a status.
    local steps
    steps, err = record.steps(await, place)
    if err then
      app:warn("the steps cannot be read: " .. tostring(err))
    end
    seen.steps = client:mask(steps or {})
    if not (seen.verdict or seen.problem) then
      local pace = require("codearts.build.lifecycle.pace").new(place, {})
      pace:saw(await, detail)
      local now = app.core.now()
      local running, eta, usual = pace:times()
      seen.eta = eta
      seen.left = require("codearts.build.cli.remaining").words({
        running = running,
        eta = eta,
        usual = usual,
        looked_at = now,
      }, now)
    end
    if seen.verdict and app.form == "text" and app.terminal:result_columns() then
      seen.spans = require "codearts.build.cli.picture"(await, app, detail, seen.steps)
    end
    return seen
  end))
end

local function body(app, values)
  local job_id, build_no = target.build(app, values)
  local seen = look(app, job_id, build_no)
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    app:print_json {
      job_id = job_id,
      build_no = build_no,
      status = seen.detail.status,
      verdict = seen.verdict,
      error = seen.problem and json.of_error(seen.problem) or nil,
      eta = seen.eta,
      record = seen.detail,
      steps = json.array(seen.steps),
    }
  else
    print_text(app, seen)
  end
  if seen.kept then
    app:warn(seen.kept .. ", so it does not tell how the build stands now")
  end
  if seen.verdict == "unknown" then
    app:warn(("build %d is over%s"):format(build_no, verdict.doubt(seen.verdict)))
  end
  if seen.problem then
    app:warn_unjudged(build_no, seen.problem)
    return exit_status.of_error(seen.problem)
  end
  return exit_status.of_verdict(seen.verdict) -- 0 while it runs
end

return {
  summary = "Show how a build stands: its steps, the time that is left, what failed.",
  examples = {
    "codearts-build status f9d6c8466d614a9788e9a0acf6c15f46 20",
  },
  rows = rows.list(rows.build, rows.json, rows.connection),
  run = App.command(body),
}
