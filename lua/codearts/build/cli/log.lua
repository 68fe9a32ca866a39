--- codearts-build log: the log of a build on standard output.
local App = require "codearts.build.cli.app"

return App.command(function(app, values)
  local build = app:client():build(values.job, values.build_no)
  local lines = {}
  app:await(build:log {
    async = true,
    follow = values.follow or nil,
    step = values.step,
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
    app:print_json { job_id = values.job, build_no = values.build_no, lines = json.array(lines) }
  end
end)
