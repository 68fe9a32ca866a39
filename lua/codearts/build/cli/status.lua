--- codearts-build status: how a build stands, and its steps.
local App = require "codearts.build.cli.app"
local exit_status = require "codearts.build.cli.exit_status"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local function string_of(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local function print_text(app, detail, steps)
  local duration = require "codearts.build.cli.duration"
  local text = require "codearts.build.cli.text"
  local lines = {
    { "status", string_of(detail.status) or "?" },
    { "number", detail.daily_build_num },
    { "branch", detail.branch },
    { "tag", detail.tag },
    { "commit", detail.commit },
    { "started", detail.start_time },
    { "finished", detail.finish_time },
    { "took", type(detail.duration) == "number" and duration.format(detail.duration / 1000) },
    { "message", detail.err_msg },
  }
  for _, row in ipairs(lines) do
    if string_of(row[2]) then
      app.terminal:result(("%-9s %s"):format(row[1], text.clean(row[2])))
    end
  end
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

local function body(app, values)
  local client = app:client()
  local job_id, build_no = target.build(app, values)
  local build = client:build(job_id, build_no)
  local detail = app:await(build:status { async = true })
  -- Steps are worth having, but a build whose steps cannot be read still has a status.
  local record = require "codearts.build.lifecycle.record"
  local found
  local steps = app:await(client:task(function(await)
    local place = { client = client, job_id = job_id, build_no = build_no }
    found = record.verdict(await, place, detail)
    local list, err = record.steps(await, place)
    if err then
      app:warn("the steps cannot be read: " .. tostring(err))
    end
    return list or {}
  end))
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    app:print_json {
      job_id = job_id,
      build_no = build_no,
      status = detail.status,
      verdict = found,
      record = detail,
      steps = json.array(steps),
    }
  else
    print_text(app, detail, steps)
  end
  return exit_status.of_verdict(found) -- 0 while it runs
end

return {
  summary = "Show how a build stands, and its steps.",
  examples = {
    "codearts-build status f9d6c8466d614a9788e9a0acf6c15f46 20",
  },
  rows = rows.list(rows.build, rows.json, rows.connection),
  run = App.command(body),
}
