--- codearts-build log: the log of a build on standard output.
local App = require "codearts.build.cli.app"
local kinds = require "codearts.build.cli.kinds"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local function body(app, values)
  local job_id, build_no = target.build(app, values)
  local build = app:client():build(job_id, build_no)
  local lines = {}
  app:await(build:log {
    async = true,
    follow = values.follow or nil,
    step = values.step and (tonumber(values.step:match "^%d+$") or values.step),
    on_line = function(line)
      if app.form == "json" then
        lines[#lines + 1] = line
      else
        app.terminal:log_line(line)
      end
    end,
  })
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    app:print_json { job_id = job_id, build_no = build_no, lines = json.array(lines) }
  end
end

return {
  summary = "Print the log of a build.",
  examples = {
    "codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 20 --follow",
    "codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 20 --step compile",
    "codearts-build log nightly --follow",
  },
  rows = rows.list(rows.build, {
    { name = "--follow", help = "Go on until the build is over." },
    {
      name = "--step",
      word = "STEP",
      help = "Only this step: its number from 1, or its name if no other has it.",
      kind = kinds.text,
      excludes = "--follow",
    },
  }, rows.json, rows.connection),
  run = App.command(body),
}
