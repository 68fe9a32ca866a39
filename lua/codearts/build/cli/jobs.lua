--- codearts-build jobs: the build jobs of a project.
local App = require "codearts.build.cli.app"
local kinds = require "codearts.build.cli.kinds"
local names = require "codearts.build.cli.names"
local rows = require "codearts.build.cli.rows"

local function cell(value)
  return type(value) == "string" and value ~= "" and value or "-"
end

local function body(app, values)
  local project = values.project_id or values.project
  local answer = app:await(app:client():jobs(project, {
    async = true,
    page = values.page,
    limit = values.limit,
  }))
  app:client():mask(answer.jobs)
  names.remember(project, answer.jobs, not values.page and #answer.jobs == answer.total)
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    app:print_json { total = answer.total, jobs = json.array(answer.jobs) }
    return
  end
  local cells = {}
  local zone = require "codearts.build.cli.zone"
  for index, item in ipairs(answer.jobs) do
    cells[index] = {
      cell(item.id),
      cell(item.job_name),
      cell(item.last_build_status),
      zone(item.last_build_time),
    }
  end
  local head = { "JOB", "NAME", "LAST BUILD", "STARTED" }
  local table_of = require "codearts.build.cli.table"
  for _, line in ipairs(table_of(head, cells, app.terminal:result_columns(), { true })) do
    app.terminal:result(line)
  end
  if answer.total > #cells then
    app.terminal:note(("%d of %d jobs; --page and --limit show more"):format(#cells, answer.total))
  end
end

return {
  summary = "List the build jobs of a project.",
  examples = {
    "codearts-build jobs 54bc5ae8ca3e43e19d3ba0f7dc9e2a3c --limit 50",
  },
  rows = rows.list({
    name = "project_id",
    word = "PROJECT",
    help = "Project id, or an address of it in the console (default: --project).",
    kind = kinds.project,
    optional = true,
  }, rows.project, rows.paging "Jobs", rows.json, rows.connection),
  check = function(values)
    if not (values.project_id or values.project) then
      return "missing argument 'project' (or --project, or CODEARTS_BUILD_PROJECT)"
    end
  end,
  run = App.command(body),
}
