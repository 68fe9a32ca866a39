--- codearts-build jobs: the build jobs of a project.
local App = require "codearts.build.cli.app"

local function cell(value)
  return type(value) == "string" and value ~= "" and value or "-"
end

return App.command(function(app, values)
  local answer = app:await(app:client():jobs(values.project, {
    async = true,
    page = values.page,
    limit = values.limit,
  }))
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    app:print_json { total = answer.total, jobs = json.array(answer.jobs) }
    return
  end
  local rows = {}
  for index, item in ipairs(answer.jobs) do
    rows[index] = { cell(item.id), cell(item.job_name), cell(item.last_build_status) }
  end
  for _, line in ipairs(require "codearts.build.cli.table"({ "JOB", "NAME", "LAST BUILD" }, rows)) do
    app.terminal:result(line)
  end
  if answer.total > #rows then
    app.terminal:note(("%d of %d jobs; --page and --limit show more"):format(#rows, answer.total))
  end
end)
