--- Waits for the end of a build by asking for its record, again and again.
local core = require "codearts.build.core"
local meta = require "codearts.build.meta"
local ending = require "codearts.build.lifecycle.ending"
local Pace = require "codearts.build.lifecycle.pace"
local record = require "codearts.build.lifecycle.record"
local verdict = require "codearts.build.lifecycle.verdict"

-- Looks that may fail in a row while no timeout bounds the wait: some minutes, each look being several attempts.
local MAX_FAILURES = 30

-- Seconds for all that is only shown, or only sets the pace: the verdict must not wait for it.
local BESIDE = 5

--- The error of a build that is not known to have succeeded. The record is masked already.
local function build_error(target, detail, found)
  local status = record.text(detail.status) or "no status"
  local reason = record.text(detail.err_msg)
  local err = target.client:problem({
    kind = "build",
    message = ("build %d of job %s ended with %s%s%s"):format(
      target.build_no,
      target.job_id,
      status,
      reason and ": " .. reason or "",
      verdict.doubt(found)
    ),
    build_status = status,
    retryable = false,
  }, detail, target.result)
  err.record, err.verdict = detail, found
  return err
end

--- What is known of a build whose end was not seen, and since when.
---@param known? { status: string?, at: number, kept: string? } of the last look that was answered
---@param news? table what looks since then ended with
local function last_known(known, news)
  local words = {}
  if known then
    local age = math.floor((core.now() - known.at) * 10 + 0.5) / 10
    words[1] = ("was %s when last asked, %s s ago%s"):format(
      known.status or "in no state that is told",
      core.encode(age),
      known.kept and ", of which " .. known.kept or ""
    )
  end
  if news then
    words[#words + 1] = "could not be asked: " .. news.message
  end
  return table.concat(words, ", and then ")
end

local function timeout_error(target, timeout, known, news)
  return core.error {
    kind = "timeout",
    reason = "wait",
    retryable = true,
    message = ("build %d of job %s %s; the wait of %s s is over, the build is not stopped"):format(
      target.build_no,
      target.job_id,
      last_known(known, news),
      core.encode(timeout)
    ),
  }
end

--- How each question may be asked that must have an answer by then.
---@param till? number of core.now()
---@return (fun(): codearts.build.CallOptions?)?
local function options_till(till)
  return till
      and function()
        local left = record.time_left(till)
        return left and { deadline = left }
      end
    or nil
end

--- When a look has to be over. One that was due and comes too late, since the program was stopped meanwhile, is made all the same.
local function end_of_look(pace)
  local now = core.now()
  return pace.till and (now < pace.till and pace.till or now + pace.last)
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
    local pace = Pace.new(target, opts)
    local till = pace.till
    local known, news, failures = nil, nil, 0
    while true do
      local asked_at, look = core.now(), options_till(end_of_look(pace))
      local detail, err = record.fetch(await, target, look)
      if detail then
        local status = target.client:mask(record.text(detail.status), detail, target.result)
        local at = asked_at - (meta.of(detail).age or 0)
        known, news = { status = status, at = at, kept = meta.kept(detail) }, nil
        local found
        found, err, detail = ending.verdict(await, target, detail, look)
        local beside = options_till(math.min(till or math.huge, core.now() + BESIDE))
        if not found then
          pace:saw(await, detail, beside)
        end
        target.client:mask(detail, target.result) -- from here on others see it
        report(await, target, opts, detail, started, beside, pace)
        if found == "success" then
          return detail
        elseif found then
          return nil, build_error(target, detail, found)
        end
      end
      -- A look that the end of the wait cut short is no news.
      if err and not (err.reason == "deadline" and (known or news)) then
        news = err
      end
      failures = err and failures + 1 or 0
      local left = till and till - core.now() or math.huge
      if left > 0 and (err and not record.may_pass(err, target) or failures > MAX_FAILURES) then
        return nil, err
      end
      local length = pace:next(err)
      local _, sleep_error = await(target.client:sleep(length or math.max(left, 0)))
      if sleep_error then
        return nil, sleep_error
      elseif not length then
        return nil, timeout_error(target, opts.timeout, known, news)
      end
    end
  end)
end

return wait
