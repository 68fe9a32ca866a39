--- codearts-build wait: waits for a build that was started earlier.
local App = require "codearts.build.cli.app"

return App.command(function(app, values)
  local Watch = require "codearts.build.cli.watch"
  local watch = Watch.new(app, { wait = true, follow = values.follow, timeout = values.timeout })
  watch:add_build(values.job, values.build_no)
  return watch:run()
end)
