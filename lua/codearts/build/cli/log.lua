--- codearts-build log: the log of a build on standard output.
local App = require "codearts.build.cli.app"
local kinds = require "codearts.build.cli.kinds"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local function number_or_name(step)
  return step and (tonumber(step:match "^%d+$") or step)
end

--- Takes lines: prints them at once, or keeps them for the JSON document, or until it is known which are the last.
local function sink(app, tail)
  local kept, count = {}, 0
  local self = {}
  function self.take(line)
    if app.form ~= "json" and not tail then
      app.terminal:log_line(line)
      return
    end
    count = count + 1
    kept[count] = line
    if tail then
      kept[count - tail] = nil
    end
  end
  function self.finish()
    local lines = {}
    for index = tail and math.max(1, count - tail + 1) or 1, count do
      lines[#lines + 1] = kept[index]
    end
    if app.form ~= "json" then
      for _, line in ipairs(lines) do
        app.terminal:log_line(line)
      end
    end
    return lines
  end
  return self
end

--- Prints a log, or answers its lines for --json.
local function read(app, build, values, step)
  local lines = sink(app, values.tail)
  app:await(build:log {
    async = true,
    follow = values.follow or nil,
    step = step,
    on_line = lines.take,
  })
  return lines.finish()
end

--- The same of one stage.
local function read_stage(app, build, values, stage)
  local handle = require("codearts.build.lifecycle").handle
  local read_log = require "codearts.build.lifecycle.log"
  local lines = sink(app, values.tail)
  local flow = read_log(handle(build), { stage = stage, on_line = lines.take })
  app:await(app:client():task(flow))
  return lines.finish()
end

--- What failed: { step, stage }, without a stage where it cannot be told from others. And the verdict, or the problem why
--- there is none.
local function find_failed(app, job_id, build_no)
  local client, record = app:client(), require "codearts.build.lifecycle.record"
  local ending = require "codearts.build.lifecycle.ending"
  return app:await(client:task(function(await)
    local place = { client = client, job_id = job_id, build_no = build_no }
    local detail, err = record.fetch(await, place)
    if not detail then
      return nil, err
    end
    local seen = {}
    seen.verdict, seen.problem = ending.verdict(await, place, detail)
    local list, trouble = record.steps(await, place)
    if not list then
      return nil, trouble
    end
    local places = require("codearts.build.cli.failed").places(list, seen.verdict)
    local steps, stages = require "codearts.build.lifecycle.steps", nil
    if #places > 0 then
      stages, err = steps.stages(await, place, detail)
      if not stages then
        app:warn("the stages of the build cannot be read: " .. tostring(err))
      end
    end
    for index, at in ipairs(places) do
      seen[index] = { step = list[at], stage = stages and steps.stage_of(list, at, stages) }
    end
    client:mask(list)
    return seen
  end))
end

local NOTHING = {
  success = "the build succeeded: no step failed",
  running = "no step has failed so far",
}

--- Why the whole log is shown in the place of those of the steps that failed; nil: it is not.
local function why_whole(app, build_no, seen, lost)
  if #lost > 0 then
    local names = table.concat(lost, ", ")
    return ("which of the logs is that of %s cannot be told; the whole log:"):format(names)
  elseif #seen > 0 then
    return nil
  elseif seen.problem then
    app:warn_unjudged(build_no, seen.problem)
    error(seen.problem, 0)
  end
  local nothing = NOTHING[seen.verdict or "running"]
  if nothing then
    app:warn(nothing)
    return nil
  end
  return "no step tells that it failed; the whole log:"
end

--- Only what failed. Where the build is not known to have succeeded, and no step says that it failed, that is the whole log.
local function read_failed(app, build, values)
  local seen = find_failed(app, build.job_id, build.build_no)
  local list = require("codearts.build.cli.json").array {}
  local lost = {}
  for index, one in ipairs(seen) do
    local step, stage = one.step, one.stage
    list[index] = { number = stage and stage.number, name = step.name, status = step.status }
    if stage then
      local number = stage.number and ("step %d, "):format(stage.number) or ""
      app:warn(number .. step.name .. ":")
      list[index].lines = read_stage(app, build, values, stage)
    else
      lost[#lost + 1] = require("codearts.build.cli.failed").name(step)
    end
  end
  local why = why_whole(app, build.build_no, seen, lost)
  if why then
    app:warn(why)
    list[#list + 1] = { lines = read(app, build, values) }
  end
  return list
end

local function body(app, values)
  local json = require "codearts.build.cli.json"
  local job_id, build_no = target.build(app, values)
  local build = app:client():build(job_id, build_no)
  local data = { job_id = job_id, build_no = build_no }
  if values.failed then
    data.steps = read_failed(app, build, values)
    for _, step in ipairs(data.steps) do
      step.lines = step.lines and json.array(step.lines)
    end
  else
    data.lines = json.array(read(app, build, values, number_or_name(values.step)))
  end
  if app.form == "json" then
    app:print_json(data)
  end
end

return {
  summary = "Print the log of a build, or of what failed in it.",
  examples = {
    "codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 20 --failed",
    "codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 20 --follow",
    "codearts-build log f9d6c8466d614a9788e9a0acf6c15f46 20 --step compile",
    "codearts-build log nightly --tail 50",
  },
  rows = rows.list(rows.build, {
    { name = "--failed", help = "Only the steps that failed." },
    {
      name = "--step",
      word = "STEP",
      help = "Only this step: its number from 1, or its name if no other has it.",
      kind = kinds.text,
      excludes = { "--failed" },
    },
    {
      name = "--tail",
      word = "N",
      help = "Only the last N lines, of each step with --failed.",
      kind = kinds.integer(1, 1000000),
    },
    {
      name = "--follow",
      help = "Go on until the build is over.",
      excludes = { "--failed", "--step", "--tail" },
    },
  }, rows.json, rows.connection),
  run = App.command(body),
}
