-- Runs one build as a process of its own session and follows it to its end. Called in a coroutine of the server's loop.

local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local signal = require "cqueues.signal"
local socket = require "cqueues.socket"
local clock = require "codearts.build.sandbox.clock"
local random = require "codearts.build.sandbox.random"
local script = require "codearts.build.sandbox.script"

local M = {}

local GRACE = 3 -- seconds between the request to end and the kill
local AFTER_KILL = 1 -- and until the build counts as ended even when something still holds its output open

-- The server keeps these blocked and reads them from a descriptor; a child must not inherit that, or nothing could end it gracefully.
-- A signal that comes in between ends the server in the plain way, and the reaper sees to the rest.
local function start_process(command)
  signal.unblock(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
  local pipe, problem = io.popen(command, "r")
  signal.block(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
  return assert(pipe, problem)
end

-- Starts a build's process; answers it, and what it writes as the loop reads it. Raises where no descriptor is left.
local function open(build, mark)
  local pipe =
    start_process(script.write(build.script, build.path, build.job, build.environment, mark))
  local output = assert(socket.dup(pipe))
  output:setmode("bn", "bn")
  return pipe, output
end

local function begin_step(build, index)
  local step = build.steps[index]
  step.started, step.status, step.log_from = clock.now(), "RUNNING", build.log.size
  if index > 0 then
    build.log:line(("[INFO] Step %d of %d: %s"):format(index, #build.steps, step.name))
  end
end

local function end_step(build, index, status)
  local step = build.steps[index]
  step.finished, step.status = clock.now(), status
  build.log:finish_line()
  step.log_to = build.log.size
end

local ORDERS = {}

function ORDERS.group(run, number)
  run.group = number
  run.reaper:watch(number)
end

function ORDERS.begin(run, index)
  begin_step(run.build, tonumber(index))
end

ORDERS["end"] = function(run, index, code)
  run.failed = code ~= "0"
  if run.failed then
    run.build.log:line(("[ERROR] The step failed with exit status %s"):format(code))
  end
  end_step(run.build, tonumber(index), run.failed and "FAILURE" or "SUCCESS")
end

function ORDERS.done(run)
  run.done = true
end

-- What the process wrote, split into the script's own lines and the build's. A piece that may be the start of a mark waits for the rest.
local function feed(run, text)
  text = run.held .. text
  while true do
    local from, to, order = text:find(run.mark .. " ([^\n]*)\n")
    if not from then
      break
    end
    run.build.log:output(text:sub(1, from - 1))
    text = text:sub(to + 1)
    local word, first, second = order:match("^(%w+) ?(%S*) ?(%S*)$")
    ORDERS[word](run, first, second)
  end
  local hold = text:find(run.mark, 1, true)
  for length = #run.mark - 1, 1, -1 do
    if hold then
      break
    elseif text:sub(-length) == run.mark:sub(1, length) then
      hold = #text - length + 1
    end
  end
  hold = hold or #text + 1
  run.held = text:sub(hold)
  run.build.log:output(text:sub(1, hold - 1))
end

-- Asks a stopped build to end, then kills it, then gives up on its output.
local function press(run, now)
  if not run.group or not run.build.stopping then
    return nil
  elseif not run.pressed then
    run.reaper:signal("TERM", run.group)
    run.pressed = { now + GRACE, now + GRACE + AFTER_KILL }
  elseif not run.killed and now >= run.pressed[1] then
    run.reaper:signal("KILL", run.group)
    run.killed = true
  elseif now >= run.pressed[2] then
    run.done = true
  end
  return (run.killed and run.pressed[2] or run.pressed[1]) - now
end

local function follow(run, output)
  while not run.done do
    local text, why = output:recv(-65536)
    local wait = press(run, cqueues.monotime())
    if text then
      feed(run, text)
      cqueues.sleep(0)
    elseif why ~= errno.EAGAIN then
      break
    elseif not run.done then
      cqueues.poll(output, run.build.changed, wait and math.max(wait, 0))
    end
  end
  run.build.log:output(run.held)
end

-- A build that was stopped is aborted whatever its steps made of it, unless it was through with them.
local function verdict(run)
  if run.build.stopping and not (run.done and not run.pressed) then
    return "ABORTED"
  elseif run.failed or not run.done then
    return "FAILURE"
  end
  return "SUCCESS"
end

---Runs a build that has its path, its log and its steps; returns when its process has ended. Its steps' states and times are kept up
---to date meanwhile. It stops when `build.stopping` is set and `build.changed` signalled.
---@param build codearts.build.sandbox.Build
---@param reaper codearts.build.sandbox.Reaper
---@return string status `SUCCESS`, `FAILURE` or `ABORTED`
function M.run(build, reaper)
  local mark = random.hex(32)
  local ok, pipe, output = pcall(open, build, mark)
  if not ok then
    build.log:line("[ERROR] The build cannot be run: " .. tostring(pipe):match "[^:]*$")
    return "FAILURE"
  end
  local run = { build = build, reaper = reaper, mark = mark, held = "" }
  follow(run, output)
  output:close()
  if run.group then
    reaper:forget(run.group)
  end
  pipe:close()
  for index = 0, #build.steps do
    if build.steps[index].status == "RUNNING" then
      end_step(build, index, build.stopping and "ABORTED" or "FAILURE")
    end
  end
  return verdict(run)
end

return M
