--- What `:make` runs after `:compiler! codearts`: a build, in a Neovim without a screen. Prints its log, then its problems,
--- each in the one form that the compiler's 'errorformat' reads.
local command = require "codearts.build.nvim.command"
local exit_status = require "codearts.build.cli.exit_status"
local follow = require "codearts.build.lifecycle.follow"
local lifecycle = require "codearts.build.lifecycle"
local log_lines = require "codearts.build.nvim.lines"
local paths = require "codearts.build.nvim.paths"
local problems = require "codearts.build.nvim.problems"
local quickfix = require "codearts.build.nvim.quickfix"
local session = require "codearts.build.nvim.session"
local settings = require "codearts.build.nvim.settings"
local target = require "codearts.build.cli.target"
local text = require "codearts.build.cli.text"
local watches = require "codearts.build.nvim.watch"

local make = {}

local function say(line)
  io.stdout:write(line, "\n")
  io.stdout:flush()
end

--- The words after `--`.
local function words()
  local list, found = {}, false
  for _, word in ipairs(vim.v.argv) do
    if found then
      list[#list + 1] = word
    end
    found = found or word == "--"
  end
  return list
end

local function print_problems(found)
  local find = paths.finder(settings.get().paths, quickfix.exists, vim.loop.cwd())
  for _, problem in ipairs(found:places()) do
    say(problems.normal(problem, problem.file and find(problem.file)))
  end
end

--- Whether the wait was broken off, which does nothing to the build.
local function is_broken_off(watch)
  return watch.err and watch.err.kind == "cancelled"
end

--- Tells how a build ended. The list has no verdict, but says so where it lacks something.
local function tell_end(watch, trouble)
  local outcome = ("%s: %s"):format(
    watch:name(),
    is_broken_off(watch) and "not waited for any more" or watch:outcome()
  )
  if not watch.verdict then
    say(problems.normal { type = "E", message = outcome })
  elseif trouble then
    local message = ("%s; its log is not complete: %s"):format(outcome, session.words(trouble))
    say(problems.normal { type = "W", message = message })
  end
  say("CodeArts: " .. outcome)
end

--- Starts a build and prints it to its end. Raises why there is none to wait for.
local function run(job_id, name, args, options)
  local client = session.client()
  local result = session:await(client:start(args, options))
  local number = lifecycle.handle(result).build_no
  local watch = watches.begin(result, job_id, number, name)
  say("CodeArts: " .. watches.how_started(result) .. watch:name())
  local found, row = problems.new(), 0
  local follower = follow(result, function(line)
    line = text.log_line(log_lines.cut(line), true)
    found:line(row, line)
    row = row + 1
    say(problems.harmless(line))
  end)
  if watch.call then
    pcall(watch.call.wait, watch.call) -- its end is in the watch
  end
  local trouble = session:await(client:task(function(await)
    return follower:finish(await, watch.verdict ~= nil)
  end))
  print_problems(found)
  tell_end(watch, trouble)
  return is_broken_off(watch) and exit_status.interrupted
    or watch.err and exit_status.of_error(watch.err)
    or exit_status.success
end

local function run_all()
  local actions = require "codearts.build.nvim.actions"
  local values = command.values("run", words())
  local starts, statuses = {}, {}
  for index, reference in ipairs(values.targets) do
    local job_id, name = target.job(session, reference, values.project)
    local args, options = actions.start_of(job_id, values)
    starts[index] = function()
      return run(job_id, name, args, options)
    end
  end
  for index, start in ipairs(starts) do -- once all of their jobs are found
    statuses[index] = start()
  end
  return exit_status.of_all(statuses)
end

local function quit(status)
  vim.cmd(status == 0 and "qall!" or ("cquit %d"):format(status))
end

--- SIGINT, too, is an end by which a start without an answer is told.
local function catch_interrupt()
  vim.loop.new_signal():start(
    "sigint",
    vim.schedule_wrap(function()
      quit(exit_status.interrupted)
    end)
  )
end

--- Runs what stands behind `--` on the command line, and quits.
function make.main()
  vim.notify = function(message)
    say(message)
  end
  catch_interrupt()
  session.go(function()
    settings.take()
    quit(run_all())
  end, function(err)
    say(problems.normal { type = "E", message = session.words(err) })
    quit(session.core.is_error(err) and exit_status.of_error(err) or exit_status.service)
  end)
end

return make
