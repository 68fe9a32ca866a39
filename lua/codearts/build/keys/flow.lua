--- A start with a key, as a flow: does what the transition says, and tells it what happened.
local core = require "codearts.build.core"
local look = require "codearts.build.reconcile.look"
local meta = require "codearts.build.meta"
local record = require "codearts.build.keys.record"
local transition = require "codearts.build.keys.transition"

local FIRST_PAUSE, LONGEST_PAUSE, LONGEST_LOOK_PAUSE = 0.02, 1, 5
local MEMBERS = { "octopus_job_name", "actual_build_number", "daily_build_number" }

---@class codearts.build.KeyFlow
---@field client codearts.build.Client
---@field await fun(call: codearts.build.Call): any, codearts.build.Error?
---@field stopped fun(): boolean
---@field attempts codearts.build.Attempts
---@field shelf codearts.build.Shelf
---@field facts table see codearts.build.keys.transition
---@field job_id string
---@field deadline? number of core.now()
---@field key_wait number
local Flow = {}
Flow.__index = Flow

local TEXTS = {
  mismatch = "this key belongs to a start with other arguments: %s differs",
  busy = "another start with this key is under way%s",
  in_doubt = "an earlier start with this key may have started a build%s",
}

local function owner_text(owner)
  return owner and (" (%s, process %s)"):format(tostring(owner.host), tostring(owner.pid)) or ""
end

--- An error of kind "key". What the call itself met is told with it.
function Flow:key_error(action)
  local own = self.own_error
  local detail = action.reason == "mismatch" and action.field
    or action.reason == "busy" and owner_text(action.owner)
    or self.fence_text(action.fence_at)
  return core.error {
    kind = "key",
    reason = action.reason,
    operation = "RunJob",
    field = action.field,
    outcome = action.outcome,
    retryable = action.reason ~= "mismatch",
    attempts = own and own.attempts or self.attempts_made,
    status = own and own.status,
    fence_at = action.fence_at,
    owner = action.owner,
    message = TEXTS[action.reason]:format(detail)
      .. (own and "; this call: " .. own.message or "")
      .. (action.reason ~= "mismatch" and "; calling again with the same key is safe" or ""),
  }
end

function Flow.fence_text(fence_at)
  return fence_at and ""
    or "; it was not signed, so that only a person can find out (codearts-build key resolve)"
end

function Flow:warn(message)
  self.warnings[#self.warnings + 1] = {
    type = "warning",
    operation = "RunJob",
    message = message,
  }
end

--- The end; answers no event.
function Flow:finish(result, err)
  self.over, self.result, self.failure = true, result, err
end

--- Seconds until nothing more is waited for.
function Flow:left()
  local till = self.deadline and math.min(self.wait_till, self.deadline) or self.wait_till
  return till - core.now()
end

local on = {}

function on:look(action)
  local kept = self.shelf.record
  local open = kept and kept.state == "open"
  local seen, stopped = look.run(self.await, self.client, {
    job_id = self.job_id,
    run_id = self.facts.run_id,
    parameter = self.facts.run_id_parameter,
    started_at = open and kept.started_at or nil,
    newest = action.newest,
  })
  if not seen then
    return nil, stopped
  end
  local event = { type = "looked", verdict = seen.verdict, date = seen.date }
  local first = seen.builds[1]
  if first then
    event.build = { actual_build_number = ("%d"):format(first.number) }
    event.differs = record.shown_difference(first.parameters, self.facts.arguments)
    event.nonce, event.fingerprint = core.uuid(), record.fingerprint(self.facts.arguments)
    if seen.builds[2] then
      self:warn(
        ("duplicate: %d builds show the run id of this key, %d is the first"):format(
          #seen.builds,
          first.number
        )
      )
    end
  elseif seen.error and action.newest then
    self:warn(
      "the newest builds could not be looked at for the run id: "
        .. (seen.error and seen.error.message or "the job shows none")
    )
  end
  self.looks = (self.looks or 0) + 1
  return event
end

--- Lets the call go on until an attempt of it is at hand, or it has ended.
function on:attempt()
  local attempts = self.attempts
  if not self.under_way then
    self.under_way = true
    attempts.call:send(self.deadline and math.max(self.deadline - core.now(), 0.001))
  end
  if not attempts:done() then
    local _, err = self.await(attempts)
    if err then
      return nil, err
    end
  end
  local number, signed = attempts.call:admission()
  if not number then
    return self:ended()
  end
  return {
    type = "ready",
    nonce = core.uuid(),
    date = math.floor(core.time()),
    signed = signed,
    fingerprint = record.fingerprint(self.facts.arguments),
  }
end

--- How the call ended, as the transition wants to know it.
function Flow:ended()
  local result, err = self.attempts.call:try_wait()
  self.own_result, self.own_error = result, err
  local event = { type = "ended", nonce = core.uuid(), outcome = "started" }
  if result then
    event.build = {}
    for _, name in ipairs(MEMBERS) do
      event.build[name] = rawget(result, name)
    end
  else
    event.outcome = core.is_error(err) and err.outcome or "unknown"
    if event.outcome == "unknown" then
      self.wait_till = core.now() + self.key_wait
    end
  end
  return event
end

local after = {}

--- The attempt is committed: exactly this one goes out.
function after:send()
  if self.stopped() then
    return nil,
      core.error { kind = "cancelled", message = "the call was cancelled", retryable = false }
  end
  local attempts = self.attempts
  if not attempts.call:admission() then
    return self:ended() -- its deadline was sooner
  end
  self.facts.sent = true
  attempts.call:admit(self.shelf.record.signed_at)
  self.client:wake()
  return on.attempt(self)
end

function after:replay(action)
  return on.replay(self, { build = action.record.build, reconciled = true })
end

function after:tell(action)
  return on.tell(self, action)
end

function on:put(action)
  local done, err = self.shelf:put(action.record)
  if done then
    return after[action.then_](self, action)
  elseif action.then_ == "tell" and action.outcome == "started" then
    self:warn(
      "the build was started, but its record could not be written: "
        .. (err and err.message or "somebody else changed it")
    )
    return on.tell(self, action)
  elseif err then
    if action.then_ == "tell" then
      self:warn("the record could not be written: " .. err.message)
      return on.tell(self, action)
    end
    return nil, err
  end
  if action.then_ == "send" and self.facts.sent then
    self.attempts:cancel() -- who has sent already sends no more
  end
  return { type = "read", held = self.shelf.held }
end

function on:wait()
  local left = self:left()
  if left <= 0 then
    return { type = "expired", held = self.shelf.held }
  end
  local longest = self.looks and LONGEST_LOOK_PAUSE or LONGEST_PAUSE
  self.pause = math.min((self.pause or FIRST_PAUSE / 2) * 2, longest)
  local _, err = self.await(self.client:sleep(math.min(self.pause, left)))
  if err then
    return nil, err
  end
  local ok
  ok, err = self.shelf:read()
  if not ok then
    return nil, err
  end
  return { type = "read", held = self.shelf.held }
end

function on:replay(action)
  local result = {}
  for _, name in ipairs(MEMBERS) do
    result[name] = action.build[name]
  end
  if result.daily_build_number == nil or result.octopus_job_name == nil then
    self:add_numbers(result)
  end
  setmetatable(result, self.client.result_metatable)
  meta.add(result, {
    job_id = self.job_id,
    key = self.facts.key,
    run_id = self.facts.run_id,
    run_id_parameter = self.facts.run_id_parameter,
    replayed = not (action.reconciled and self.facts.sent) or nil,
    reconciled = action.reconciled or nil,
  })
  return self:finish(result)
end

--- What a build that was found in a list lacks of a result, as far as its record tells.
function Flow:add_numbers(result)
  local args = { job_id = self.job_id, build_no = tonumber(result.actual_build_number) }
  local answer = self.await(self.client:call("ShowRecordDetail", args, { async = true }))
  local detail = type(answer) == "table" and type(answer.result) == "table" and answer.result or {}
  if type(detail.daily_build_num) == "string" then
    result.daily_build_number = detail.daily_build_num
  end
  if type(detail.execution_id) == "string" then
    result.octopus_job_name = detail.execution_id
  end
end

function on:tell(action)
  local result, err = self.own_result, self.own_error
  if result then
    meta.add(result, { key = self.facts.key })
    return self:finish(result)
  end
  if core.is_error(err) then
    err.outcome = action.outcome
  end
  return self:finish(nil, err)
end

function on:fail(action)
  return self:finish(nil, self:key_error(action))
end

--- What the caller gets when the flow cannot go on: the store is in trouble, or it was cancelled.
function Flow:give_up(err)
  local facts, kept = self.facts, self.shelf.record
  if not facts.sent then
    self.attempts:cancel()
    err.outcome = kept and kept.state == "open" and kept.nonce ~= facts.nonce and "unknown"
      or kept and kept.state == "done" and "started"
      or "not_started"
  elseif err.kind == "cancelled" then
    self.attempts:cancel()
    err.outcome = "unknown"
  else
    local in_doubt = { reason = "in_doubt", outcome = "unknown", fence_at = kept and kept.fence_at }
    self.own_error = self.own_error or err
    return self:key_error(in_doubt)
  end
  err.operation = err.operation or "RunJob"
  return err
end

--- Runs to the end.
---@return table? result
---@return codearts.build.Error? err
function Flow:run()
  local event
  local ok, err = self.shelf:read()
  if ok then
    event = { type = "read", held = self.shelf.held }
  end
  while event do
    local action = transition(self.shelf.record, self.facts, event)
    event, err = on[action.do_](self, action)
  end
  if self.over then
    return self.result, self.failure
  end
  return nil, self:give_up(err)
end

return Flow
