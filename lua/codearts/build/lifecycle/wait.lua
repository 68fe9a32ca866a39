--- Waits for the end of a build by asking for its record, again and again.
local core = require "codearts.build.core"
local Pace = require "codearts.build.lifecycle.pace"
local record = require "codearts.build.lifecycle.record"

-- Looks that may fail in a row while no timeout bounds the wait: some minutes, each look being several attempts.
local MAX_FAILURES = 30

-- Seconds for all that is only shown, or only sets the pace: the verdict must not wait for it.
local BESIDE = 5

--- The error of a build that ended without success. The record is masked already.
local function build_error(target, detail)
  local status = record.text(detail.status) or "no status"
  local reason = record.text(detail.err_msg)
  local err = target.client:problem({
    kind = "build",
    message = ("build %d of job %s ended with %s%s"):format(
      target.build_no,
      target.job_id,
      status,
      reason and ": " .. reason or ""
    ),
    build_status = status,
    retryable = false,
  }, detail, target.result)
  err.record = detail
  return err
end

local function timeout_error(target, timeout, last_status, last_error)
  -- A look that the end of the wait cut short is no news.
  local news = last_error and not (last_status and last_error.reason == "deadline")
  local state = news and "could not be asked: " .. last_error.message
    or "is still " .. (last_status or "not reported")
  local fate = news and "it may go on" or "it goes on"
  return core.error {
    kind = "timeout",
    reason = "wait",
    retryable = true,
    message = ("build %d of job %s %s after %s s; %s"):format(
      target.build_no,
      target.job_id,
      state,
      core.encode(timeout),
      fate
    ),
  }
end

--- How each question may be asked that must have an answer by then.
---@param till? number of core.now()
---@return (fun(): codearts.build.CallOptions?)?
local function options_till(till)
  return till
      and function()
        local left = till - core.now()
        return left > 0 and { deadline = math.max(left, 0.001) } or nil
      end
    or nil
end

--- Tells the caller how the build stands. Steps that cannot be read are left out: they never end a wait.
local function report(await, target, opts, detail, started, look, pace)
  if not opts.on_progress then
    return
  end
  local steps = target.client:mask(record.steps(await, target, look) or {}, target.result)
  local running, eta, usual = pace:times()
  opts.on_progress {
    job_id = target.job_id,
    build_no = target.build_no,
    status = record.text(detail.status) or "",
    steps = steps,
    record = detail,
    elapsed = core.now() - started,
    running = running,
    eta = eta,
    usual = usual,
  }
end

---@class codearts.build.Progress
---@field job_id string
---@field build_no integer
---@field status string as the service words it
---@field steps codearts.build.Step[] empty if they cannot be read
---@field record table record detail (API reference 7.3)
---@field elapsed number seconds since the wait began
---@field running number? seconds since the build began; nil while it is in a queue
---@field eta number? seconds to its end, by earlier builds of the job; nil if there are none, or none took as long
---@field usual number? seconds that a build of the job takes as a rule

---@class codearts.build.WaitOptions
---@field timeout? number seconds; default none
---@field interval? number seconds before the second look, growing by half each time up to 15; default: by the job's history
---@field on_progress? fun(progress: codearts.build.Progress) called after every look
---@field async? boolean

--- The flow behind result:wait.
---@param target table { client, job_id, build_no }
---@param opts codearts.build.WaitOptions
---@return fun(await: function): table?, table?
local function wait(target, opts)
  return record.about_build(target, function(await)
    local started = core.now()
    local till = opts.timeout and started + opts.timeout
    local look = options_till(till)
    local pace = Pace.new(target, opts.interval)
    local last_status, failures = nil, 0
    while true do
      local detail, err = record.fetch(await, target, look)
      if detail then
        last_status = target.client:mask(record.text(detail.status), detail, target.result)
        target.fresh_since = nil
        local verdict
        verdict, err = record.verdict(await, target, detail, look)
        local beside = options_till(math.min(till or math.huge, core.now() + BESIDE))
        if not verdict then
          pace:saw(await, detail, beside)
        end
        target.client:mask(detail, target.result) -- from here on others see it
        report(await, target, opts, detail, started, beside, pace)
        if verdict == "success" then
          return detail
        elseif verdict then
          return nil, build_error(target, detail)
        end
      end
      failures = err and failures + 1 or 0
      local left = till and till - core.now()
      local in_time = not left or left > 0
      if in_time and (err and not record.may_pass(err, target) or failures > MAX_FAILURES) then
        return nil, err
      end
      local length = pace:next(left, err)
      local _, sleep_error = await(target.client:sleep(length))
      if sleep_error then
        return nil, sleep_error
      elseif left and length >= left then
        return nil, timeout_error(target, opts.timeout, last_status, err)
      end
    end
  end)
end

return wait
