--- codearts-build run: starts builds, and waits for them if asked to.
local App = require "codearts.build.cli.app"

local function parameters(list)
  local items = {}
  for index, pair in ipairs(list) do
    items[index] = { name = pair.name, value = pair.value }
  end
  return items
end

return App.command(function(app, values)
  local Watch = require "codearts.build.cli.watch"
  local watch = Watch.new(app, {
    wait = values.wait or values.follow,
    follow = values.follow,
    timeout = values.timeout,
  })
  for _, job_id in ipairs(values.jobs) do
    watch:add_start {
      job_id = job_id,
      parameter = parameters(values.param),
      scm = { build_tag = values.tag, build_commit_id = values.commit, branch = values.branch },
    }
  end
  return watch:run()
end)
