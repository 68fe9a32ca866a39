--- codearts-build history: the builds of a job.
local App = require "codearts.build.cli.app"

local function cell(value)
  if type(value) == "string" then
    return value ~= "" and value or "-"
  elseif type(value) == "number" then
    return ("%.14g"):format(value)
  end
  return "-"
end

return App.command(function(app, values)
  local answer = app:await(app:client():history(values.job, {
    async = true,
    page = values.page,
    limit = values.limit,
    days = values.days,
    from = values.from,
    to = values.to,
  }))
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    app:print_json { total = answer.total, records = json.array(answer.records) }
    return
  end
  local rows = {}
  for index, item in ipairs(answer.records) do
    rows[index] =
      { cell(item.build_number), cell(item.result), cell(item.start_time), cell(item.end_time) }
  end
  for _, line in
    ipairs(require "codearts.build.cli.table"({ "BUILD", "RESULT", "STARTED", "ENDED" }, rows))
  do
    app.terminal:result(line)
  end
  if answer.total > #rows then
    app.terminal:note(("%d of %d builds; --page and --limit show more"):format(#rows, answer.total))
  end
end)
