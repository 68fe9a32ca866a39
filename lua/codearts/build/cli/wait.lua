--- codearts-build wait: waits for a build that was started earlier.
local App = require "codearts.build.cli.app"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local function body(app, values)
  local Watch = require "codearts.build.cli.watch"
  local watch = Watch.new(app, {
    wait = true,
    follow = values.follow,
    timeout = values.timeout,
    on_interrupt = values.on_interrupt,
  })
  watch:add_build(target.build(app, values))
  return watch:run()
end

return {
  summary = "Wait for the end of a build; on a terminal with its steps and the time that is left.",
  examples = {
    "codearts-build wait f9d6c8466d614a9788e9a0acf6c15f46 20 --follow",
    "codearts-build wait nightly --project 54bc5ae8ca3e43e19d3ba0f7dc9e2a3c",
  },
  rows = rows.list(rows.build, rows.waiting, rows.events, rows.connection),
  run = App.command(body),
}
