--- codearts-build stop: asks the service to stop a build.
local App = require "codearts.build.cli.app"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local function body(app, values)
  local job_id, build_no = target.build(app, values)
  app.stops = ("build %d of %s"):format(build_no, job_id)
  app:await(app:client():build(job_id, build_no):stop { async = true })
  if app.form == "json" then
    app:print_json { job_id = job_id, build_no = build_no, stopped = true }
  else
    app.terminal:result(app.stops .. " is being stopped")
  end
end

return {
  summary = "Stop a build.",
  examples = {
    "codearts-build stop f9d6c8466d614a9788e9a0acf6c15f46 20",
  },
  rows = rows.list(rows.build, rows.json, rows.connection),
  run = App.command(body),
}
