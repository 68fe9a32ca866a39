--- A service that builds, on a clock that only counts: the library's own wait runs against it, and what it costs and how late
-- it is can be measured without any time passing. The wait is the real one; its client answers in no time.

local core = require "codearts.build.core"
local wait = require "codearts.build.lifecycle.wait"

local M = {}

local EPOCH = 1700000000 -- of the simulated clock, seconds since 1970
local JOB = ("a"):rep(32)

local function moment(time)
  local whole = math.floor(time)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole)
    .. (".%03d+00:00"):format(math.floor((time - whole) * 1000))
end

---@class spec.SimulatedBuild
---@field took number seconds that it runs
---@field earlier number[] seconds that earlier builds of the job ran
---@field queued number? seconds that it is in a queue before
---@field status string? what it ends with
---@field latency number? seconds that an answer takes
---@field clock_off number? seconds that our clock is ahead of the service's

--- The answers of the service at a moment.
local function answer(build, spec, now)
  local start = build.queued or 0
  local stop = start + build.took
  local path = spec.path
  if path:find "/record%-info$" then
    local running, over = now >= start, now >= stop
    return {
      status = "success",
      result = {
        build_no = #build.earlier + 1,
        status = over and (build.status or "SUCCESS") or running and "RUNNING" or "QUEUED",
        start_time = running and moment(EPOCH + start) or nil,
        finish_time = over and moment(EPOCH + stop) or nil,
      },
    }
  elseif path:find "/history$" then
    local records = {}
    for index, took in ipairs(build.earlier) do
      local began = EPOCH - index * 86400
      records[index] = {
        build_number = #build.earlier + 1 - index,
        start_time = moment(began),
        end_time = moment(began + took),
        result = "SUCCESS",
      }
    end
    return { total = #records, history_records = records }
  end
  return { build_steps = {} }
end

--- Waits for a build as a user would.
---@param build spec.SimulatedBuild
---@param options table? those of wait
---@return { delay: number, looks: integer, requests: integer, progress: table[] } measured seconds between end and verdict, looks at
--- the record and at the history, and all requests
function M.run(build, options)
  local now, looks, requests = 0, 0, 0
  local client = { host = false }
  function client.sleep(_, seconds)
    return { seconds = seconds }
  end
  function client.mask(_, value)
    return value -- it has no secrets
  end
  function client.conceal(_, err)
    return err
  end
  function client.problem(_, members)
    return core.error(members)
  end
  function client.request(_, spec)
    return { spec = spec }
  end
  function client.task(_, flow)
    return { flow = flow }
  end
  local function await(call)
    if call.flow then
      return call.flow(await)
    elseif call.seconds then
      now = now + call.seconds
      return true
    end
    now = now + (build.latency or 0)
    requests = requests + 1
    if not call.spec.path:find "history%-details" then
      looks = looks + 1
    end
    return answer(build, call.spec, now)
  end
  local real_now, real_time = core.now, core.time
  rawset(core, "now", function()
    return now
  end)
  rawset(core, "time", function()
    return EPOCH + now + (build.clock_off or 0)
  end)
  local target = { client = client, job_id = JOB, build_no = #build.earlier + 1 }
  local ok, detail, err = pcall(wait(target, options or {}), await)
  rawset(core, "now", real_now)
  rawset(core, "time", real_time)
  assert(ok, detail)
  return {
    delay = now - (build.queued or 0) - build.took,
    looks = looks,
    requests = requests,
    detail = detail,
    err = err,
  }
end

--- Random numbers that are the same everywhere.
---@param seed integer
---@return fun(): number from 0 up to 1
function M.random(seed)
  local state = seed
  return function()
    state = (state * 16807) % 2147483647
    return state / 2147483647
  end
end

--- Durations around a median with a spread of 20 %, as real ones are: rather longer than shorter.
---@param median number
---@param random fun(): number
---@return number
function M.duration(median, random)
  local u = math.max(random(), 1e-9)
  local normal = math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * random())
  return median * math.exp(0.2 * normal)
end

---@class spec.Measured
---@field median number seconds that half of the verdicts are late at most
---@field most number the same of 95 % of them
---@field looks number a build

local function summary(delays, looks)
  table.sort(delays)
  return {
    median = delays[math.ceil(#delays / 2)],
    most = delays[math.ceil(#delays * 0.95)],
    looks = looks / #delays,
  }
end

--- Many builds of jobs with this median.
---@param median number
---@param builds integer
---@param options { earlier: integer?, seed: integer?, latency: number?, wait: table?, duration: function? }?
---@return spec.Measured ours the look at the history counted
---@return spec.Measured plain one look every three seconds, the first at once, as ours
function M.measure(median, builds, options)
  options = options or {}
  local random = M.random(options.seed or 1)
  local duration = options.duration or M.duration
  local delays, looks, plain_delays, plain_looks = {}, 0, {}, 0
  for index = 1, builds do
    local earlier = {}
    for number = 1, options.earlier or 20 do
      earlier[number] = duration(median, random)
    end
    local build = { took = duration(median, random), earlier = earlier, latency = options.latency }
    local measured = M.run(build, options.wait)
    delays[index], looks = measured.delay, looks + measured.looks
    local every = math.ceil(build.took / 3)
    plain_delays[index], plain_looks = every * 3 - build.took, plain_looks + every + 1
  end
  return summary(delays, looks), summary(plain_delays, plain_looks)
end

return M
