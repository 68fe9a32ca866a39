--- codearts-build history: the builds of a job.
local App = require "codearts.build.cli.app"
local ascii = require "codearts.build.ascii"
local dates = require "codearts.build.lifecycle.dates"
local kinds = require "codearts.build.cli.kinds"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"
local verdict = require "codearts.build.lifecycle.verdict"

local function cell(value)
  if type(value) == "string" then
    return value ~= "" and value or "-"
  elseif type(value) == "number" then
    return ascii.decimal("%.14g", value)
  end
  return "-"
end

local function row_of(item)
  local duration = require "codearts.build.cli.duration"
  local spans = require "codearts.build.cli.spans"
  local zone = require "codearts.build.cli.zone"
  local start, stop = spans.time(item.start_time), spans.time(item.end_time)
  return {
    cell(item.build_number),
    cell(item.result),
    zone(item.start_time),
    zone(item.end_time),
    start and stop and duration.format(stop - start) or "-",
  }
end

--- Gives each record the verdict that `wait` and `status` come to: whether a build still runs is asked where its result alone
-- does not tell, until that cannot be read.
local function judge(app, job_id, records)
  local client, record = app:client(), require "codearts.build.lifecycle.record"
  local ending = require "codearts.build.lifecycle.ending"
  app:await(client:task(function(await)
    local problem
    for _, item in ipairs(records) do
      item.verdict = verdict.of_status(item.result)
      if not (item.verdict or problem) and item.build_number then
        local place = { client = client, job_id = job_id, build_no = item.build_number }
        local detail =
          { status = item.result, start_time = item.start_time, finish_time = item.end_time }
        item.verdict, problem, detail = ending.verdict(await, place, detail)
        client:mask(detail) -- it is of another answer than the list
        item.result = detail.status
        item.end_time = record.text(detail.finish_time) or item.end_time
        if problem then
          app:warn_unjudged(item.build_number, problem)
        end
      end
    end
    return true
  end))
end

local function body(app, values)
  local job_id = target.job(app, values.job, values.project)
  local answer = app:await(app:client():history(job_id, {
    async = true,
    page = values.page,
    limit = values.limit,
    days = values.days,
    from = values.from,
    to = values.to,
  }))
  local words = require("codearts.build.meta").kept(answer)
  if words then
    app:warn(words .. ", so it does not tell the builds since then")
  end
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    judge(app, job_id, answer.records)
    app:client():mask(answer.records)
    app:print_json { total = answer.total, records = json.array(answer.records) }
    return
  end
  local cells = {}
  for index, item in ipairs(app:client():mask(answer.records)) do
    cells[index] = row_of(item)
  end
  local head = { "BUILD", "RESULT", "STARTED", "ENDED", "TOOK" }
  local table_of = require "codearts.build.cli.table"
  for _, line in ipairs(table_of(head, cells, app.terminal:result_columns(), { true })) do
    app.terminal:result(line)
  end
  if answer.total > #cells then
    app.terminal:note(
      ("%d of %d builds; --page and --limit show more"):format(#cells, answer.total)
    )
  end
end

return {
  summary = "List the builds of a job.",
  examples = {
    "codearts-build history f9d6c8466d614a9788e9a0acf6c15f46 --days 30",
    "codearts-build history f9d6c8466d614a9788e9a0acf6c15f46 --from 2024-05-01 --to 2024-05-31",
  },
  rows = rows.list(rows.job, rows.project, {
    {
      name = "--days",
      word = "N",
      help = "How many days to look back, at most 30 (default 7).",
      kind = kinds.integer(0, 30),
    },
    { name = "--from", word = "DAY", help = "First day, with --to.", kind = kinds.day },
    {
      name = "--to",
      word = "DAY",
      help = "Last day, at most 30 days later.",
      kind = kinds.day,
    },
  }, rows.paging "Builds", rows.json, rows.connection),
  check = function(values)
    if (values.from == nil) ~= (values.to == nil) then
      return "--from and --to come together"
    elseif values.from and values.days then
      return "--days and --from exclude each other"
    end
    local problem = values.from and dates.problem_of_span(values.from, values.to)
    return problem and "--to: " .. problem
  end,
  run = App.command(body),
}
