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

--- The same of one step of many, of which is `known` what the build's steps are.
local function read_step(app, build, values, step, known)
  local handle = require("codearts.build.lifecycle").handle
  local read_log = require "codearts.build.lifecycle.log"
  local lines = sink(app, values.tail)
  local flow = read_log(handle(build), { step = step, known = known, on_line = lines.take })
  app:await(app:client():task(flow))
  return lines.finish()
end

--- The steps of the build, the places of those that failed, and the verdict, or the problem why there is none.
local function find_failed(app, job_id, build_no)
  local client, record = app:client(), require "codearts.build.lifecycle.record"
  return app:await(client:task(function(await)
    local place = { client = client, job_id = job_id, build_no = build_no }
    local detail, err = record.fetch(await, place)
    if not detail then
      return nil, err
    end
    local found, problem = record.verdict(await, place, detail)
    local steps
    steps, err = record.steps(await, place)
    if not steps then
      return nil, err
    end
    local failed = require "codearts.build.cli.failed"
    local places = failed.places(steps, found)
    return {
      steps = steps,
      places = places,
      verdict = found,
      problem = problem,
    }
  end))
end

local NOTHING = {
  success = "the build succeeded: no step failed",
  running = "no step has failed so far",
}

--- Only what failed. Where the build failed and no step says that it did, that is the whole log.
local function read_failed(app, build, values)
  local failed = require "codearts.build.cli.failed"
  local seen = find_failed(app, build.job_id, build.build_no)
  local asked_for, known = failed.asked_for(seen.steps), {}
  local list = require("codearts.build.cli.json").array {}
  for index, place in ipairs(seen.places) do
    local step = seen.steps[place]
    list[index] = { number = place, name = step.name, status = step.status }
  end
  app:client():mask(list, seen.steps)
  for _, told in ipairs(list) do
    app:warn(("step %d, %s:"):format(told.number, told.name))
    told.lines = read_step(app, build, values, asked_for(told.number), known)
  end
  if #list > 0 then
    return list
  elseif seen.problem then
    app:warn_unjudged(build.build_no, seen.problem)
    error(seen.problem, 0)
  end
  app:warn(NOTHING[seen.verdict or "running"] or "no step tells that it failed; the whole log:")
  if seen.verdict and seen.verdict ~= "success" then
    list[1] = { lines = read(app, build, values) }
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
      json.array(step.lines)
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
