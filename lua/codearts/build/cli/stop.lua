--- codearts-build stop: asks the service to stop a build.
local App = require "codearts.build.cli.app"

return App.command(function(app, values)
  app:await(app:client():build(values.job, values.build_no):stop { async = true })
  if app.form == "json" then
    app:print_json { job_id = values.job, build_no = values.build_no, stopped = true }
  else
    app.terminal:result(("build %d of %s is being stopped"):format(values.build_no, values.job))
  end
end)
