--- codearts-build run: starts builds, and waits for them if asked to.
local App = require "codearts.build.cli.app"
local kinds = require "codearts.build.cli.kinds"
local parameters = require "codearts.build.cli.parameters"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local function body(app, values)
  local Watch = require "codearts.build.cli.watch"
  local watch = Watch.new(app, {
    wait = values.wait or values.follow,
    follow = values.follow,
    timeout = values.timeout,
    on_interrupt = values.on_interrupt,
  })
  local jobs = {}
  for index, reference in ipairs(values.targets) do
    local job_id, name = target.job(app, reference, values.project)
    jobs[index] = { id = job_id, name = name }
  end
  local given = parameters.given(app, values) -- not before: names of jobs that are like a value are kept
  for _, job in ipairs(jobs) do
    local args, options = parameters.start(job.id, values, given)
    watch:add_start(args, options, job.name)
  end
  return watch:run()
end

return {
  summary = "Start builds, and wait for them if asked to.",
  examples = {
    "codearts-build run f9d6c8466d614a9788e9a0acf6c15f46",
    "codearts-build run f9d6c8466d614a9788e9a0acf6c15f46 --param codeBranch=master --wait",
    "codearts-build run f9d6c8466d614a9788e9a0acf6c15f46 --param NOTES=@notes.txt --param-env SIGNING_KEY",
    "codearts-build run JOB_A JOB_B --wait --timeout 30m",
    "codearts-build run nightly --key release-1.4.2 --run-id RUN_ID --wait",
  },
  rows = rows.list({
    {
      name = "targets",
      word = "JOB",
      help = rows.job.help,
      kind = kinds.job,
      many = true,
    },
    rows.project,
    {
      name = "--param",
      word = "NAME=VALUE",
      help = "A parameter of the build; may be given again. NAME=@FILE takes the content of a file, NAME=@- "
        .. "standard input; NAME=@@TEXT is a text that begins with @.",
      kind = kinds.pair,
      many = true,
    },
    rows.environment "A parameter",
    {
      name = "--run-id",
      word = "NAME",
      help = "The job's parameter that gets a UUID, by which a build can be told to be this command's own.",
      kind = kinds.text,
    },
    {
      name = "--key",
      word = "KEY",
      help = "At most one build for all who run the job with this key; running it again tells the same build.",
      kind = kinds.key,
    },
    {
      name = "--key-wait",
      word = "TIME",
      help = "How long to wait for another start with the key, or for a lost one to be found (default 1m).",
      kind = kinds.pause,
    },
    {
      name = "--when-lost",
      word = "WHAT",
      help = "When a start with the key was lost: stop, or resend once it can be accepted no more (needs --run-id; default stop).",
      values = { "stop", "resend" },
    },
    rows.settle,
    rows.key_store,
    { name = "--tag", word = "TAG", help = "Code tag to build.", kind = kinds.text },
    { name = "--commit", word = "ID", help = "Commit to build.", kind = kinds.text },
    { name = "--branch", word = "NAME", help = "Branch to build.", kind = kinds.text },
    {
      name = "--wait",
      help = "Wait for the end of the build; the exit status tells how it went.",
    },
  }, rows.waiting, rows.events, rows.connection),
  check = function(values)
    if not values.key and (values.key_wait or values.when_lost or values.settle) then
      return "--key-wait, --when-lost and --settle need --key"
    elseif values.when_lost == "resend" and not values.run_id then
      return "--when-lost resend needs --run-id: nothing else shows that no build was started"
    end
    if not (values.wait or values.follow) then
      return values.timeout and "--timeout needs --wait or --follow"
        or values.on_interrupt and "--on-interrupt needs --wait or --follow"
    end
  end,
  run = App.command(body),
}
