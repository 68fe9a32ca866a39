--- A start with a key, as a flow: does what the transition says and tells it what happened. It decides
--- nothing itself; what can be decided is in codearts.build.keys.transition, where it is proved.
local cancelled = require "codearts.build.client.cancelled"
local collect = require "codearts.build.keys.collect"
local core = require "codearts.build.core"
local endings = require "codearts.build.keys.endings"
local known = require "codearts.build.keys.known"
local look = require "codearts.build.reconcile.look"
local problems = require "codearts.build.problem"
local record = require "codearts.build.keys.record"
local transition = require "codearts.build.keys.transition"

local FIRST_PAUSE, LONGEST_PAUSE, LONGEST_LOOK_PAUSE = 0.02, 1, 5
local LEAST_BEFORE = 0.01 -- seconds that a store gets though the deadline is near, before anything was sent

---@class codearts.build.KeyFlow
---@field client codearts.build.Client
---@field await codearts.build.Await
---@field stopped fun(): boolean
---@field attempts codearts.build.Attempts
---@field shelf codearts.build.Shelf
---@field facts table see codearts.build.keys.transition
---@field fingerprint table of the call's arguments
---@field job_id string
---@field operation string
---@field auth? any of the call, as `headers`: of the requests that look at builds, too
---@field headers? table
---@field on_event? fun(event: codearts.build.Event) of the call
---@field reconcile fun(err: codearts.build.Error, opts?: table): table what errors get that leave open what was started
---@field deadline? number seconds
---@field key_wait number seconds
---@field listed? table<integer, number|false> the builds that looks which prove absence have listed
---@field wait_till number of core.now(), as `ends_at`: when its deadline is over
---@field ends_at? number
---@field warnings? table[] events
---@field putting? string the nonce of the record that was put last, or is being put
---@field own_result? table what this call's own request answered
---@field own_error? codearts.build.Error
---@field given_up? boolean nobody waits any more, be it that the client closed
---@field trouble? codearts.build.Error the store's, of the last swap or reading
---@field dropped? table knows what an attempt that was given up would have been sent with
---@field dropped_for? codearts.build.Error why an attempt was given up
local Flow = {}
Flow.__index = Flow

function Flow:warn(message)
  self.warnings = self.warnings or {}
  self.warnings[#self.warnings + 1] =
    { type = "warning", operation = self.operation, message = message }
end

--- Seconds until nothing more is waited for.
function Flow:left()
  local till = self.ends_at and math.min(self.wait_till, self.ends_at) or self.wait_till
  return till - core.now()
end

--- What a broken wait means: nobody waits any more.
local STOPPED = { type = "stopped" }

--- Asks the service for what a look needs, as long as somebody waits for it.
function Flow:ask(operation, args)
  if self.stopped() then
    return nil, cancelled.error()
  end
  local till = math.max(self.wait_till, self.look_began + look.LEAST)
  till = self.ends_at and math.min(till, self.ends_at) or till
  local answer, err = self.await(self.client:call(operation, args, {
    async = true,
    deadline = look.deadline(till),
    auth = self.auth,
    headers = self.headers,
  }))
  return look.told(self.client, answer, err)
end

--- The service at one of the client's endpoints, as records name it; nil: the scope's; false: it is none.
function Flow:service(endpoint)
  local address = self.client.addresses[endpoint or 0]
  if not address then
    return false
  end
  return record.elsewhere(self.facts.scope, address)
end

local on = {}

function on:look(action)
  local kept = self.shelf.record
  self.look_began, self.has_looked = core.now(), true
  self.listed = self.listed or {} -- what was listed once is there, though another replica's list lacks it
  local seen = look.at(function(operation, args)
    return self:ask(operation, args)
  end, {
    job_id = self.job_id,
    run_id = self.facts.run_id,
    parameter = self.facts.run_id_parameter,
    started_at = known.is_open(kept) and known.since(kept) or nil,
    newest = action.newest,
    builds = not action.newest and self.listed or nil,
  })
  if not seen then
    return STOPPED
  end
  local event = { type = "looked", verdict = seen.verdict, date = seen.date }
  event.endpoint = self:service(seen.endpoint)
  local first = seen.builds[1]
  if first then
    event.build = { actual_build_number = ("%d"):format(first.number) }
    event.differs = record.shown_difference(first.parameters, self.facts.arguments)
    event.nonce, event.fingerprint = core.uuid(), self.fingerprint
    if seen.builds[2] then
      local text = "duplicate: %d builds show the run id of this key, %d is the first"
      self:warn(text:format(#seen.builds, first.number))
    end
  elseif seen.error and action.newest then
    self:warn("the newest builds could not be looked at for the run id: " .. seen.error.message)
  end
  return event
end

--- Lets the call go on until an attempt of it is at hand, or it has ended.
function on:attempt()
  local attempts = self.attempts
  if not attempts.sent then
    attempts:send(self.ends_at and math.max(self.ends_at - core.now(), 0.001))
  end
  local number, signed, endpoint = attempts.call:admission()
  while not number and not attempts:done() do
    self.await(attempts) -- when it is cancelled, so is the call, which tells how it ended
    number, signed, endpoint = attempts.call:admission()
  end
  if not number then
    -- Of a call that sent nothing is told what is there now, where others can write meanwhile.
    local alone = self.facts.sent or not self.facts.shared or self.read_at_end
    local is_current = self.shelf.seen and alone
    self.read_at_end = true
    return is_current and self:ended() or self.stopped() and STOPPED or on.read(self)
  end
  self.attempts_made = number
  return {
    type = "ready",
    nonce = core.uuid(),
    date = math.floor(core.time()),
    signed = signed,
    endpoint = self:service(endpoint),
    fingerprint = self.fingerprint,
  }
end

--- How the call ended, as the transition wants to know it.
function Flow:ended()
  local result, err = self.attempts.call:try_wait()
  self.own_result, self.own_error = result, err
  local event = { type = "ended", nonce = core.uuid(), outcome = "started" }
  if result then
    event.build = endings.build_of(self.client, result)
  else
    event.outcome = core.is_error(err) and err.outcome or "unknown"
    self.given_up = core.is_error(err) and err.kind == "cancelled"
    self.wait_till = core.now() + self.key_wait
  end
  return event
end

--- The attempt is committed: exactly this one goes out. Its deadline may have been sooner.
function on:send()
  if self.attempts.call:admission() then
    self.attempts.call:admit(self.shelf.record.signed_at)
    self.client:wake()
  end
  return on.attempt(self)
end

function on:drop()
  self.dropped_for = self.trouble
  self.dropped = self.attempts.call:came_with {}
  self.attempts:cancel()
  while not self.attempts.call:done() do
    self.await(self.attempts, true)
  end
  return self:ended()
end

function on:put(action)
  self.putting = action.record.nonce
  local done, err, unchanged = self.shelf:put(action.record)
  self.trouble = err
  local warnings = self.shelf:take_warnings()
  for i = 1, warnings and #warnings or 0 do
    self:warn(warnings[i])
  end
  return err and { type = "trouble", unchanged = unchanged } or { type = "put", done = done }
end

--- Reads the record.
function Flow:read()
  local ok, err = self.shelf:read()
  if ok then
    return { type = "read" }
  elseif err.kind == "cancelled" then
    return STOPPED
  end
  self.trouble = err
  return { type = "trouble" }
end

--- Nothing more is waited for, and what was read may be so no more.
function on:read()
  local ok, err = self.shelf:read_last()
  self.trouble = err
  return { type = ok and "read" or "trouble" }
end

function on:wait()
  local left = self:left()
  if left <= 0 then
    return { type = "expired", holder = self.shelf:holder() }
  end
  local longest = self.has_looked and LONGEST_LOOK_PAUSE or LONGEST_PAUSE
  self.pause = math.min((self.pause or FIRST_PAUSE / 2) * 2, longest)
  local ok, pause = pcall(self.client.sleep, self.client, math.min(self.pause, left))
  local err = not ok and pause or select(2, self.await(pause))
  return err and STOPPED or self:read()
end

--- The facts that no event tells.
function Flow:look_around()
  self.facts.stopped = self.given_up or self.stopped()
  self.facts.seen, self.facts.held = self.shelf.seen, self.shelf.held
end

--- What who waits in vain is told.
---@return { operation: string, attempts: integer, outcome: string, is_out?: boolean, reconcile: function, about: table }
function Flow:so_far()
  if not self.stopped then -- it was broken off before it began
    return { operation = self.operation, attempts = 0, outcome = "not_started", is_out = false }
  end
  self:look_around()
  return {
    operation = self.operation,
    attempts = self.attempts_made or 0,
    outcome = known.so_far(self.shelf.record, self.facts),
    is_out = self.attempts.sent
      and (self.attempts.call:is_out() or self.facts.sent == true and self.attempts.call:done()),
    reconcile = self.reconcile,
    about = endings.about(self),
  }
end

--- Does what is to be done until the end, and does that.
local function drive(self, event)
  while true do
    self.given_up = self.given_up or event == STOPPED
    self:look_around()
    local action = transition(self.shelf.record, self.facts, event)
    local go_on = on[action.do_]
    if not go_on then
      self.attempts:cancel()
      return endings[action.do_](self, action)
    end
    event = go_on(self, action)
  end
end

--- The first of all events.
local function begin(self)
  -- A new key, as most are, costs a store that is far away one way less when its record is put without a
  -- look: who was first is told by the swap. What holds or what a look is for has to be read.
  local far = not (self.shelf.store.hold or self.facts.run_id)
  return far and { type = "read" } or self:read()
end

---@param self table what is known of the start before it runs
---@return codearts.build.KeyFlow
function Flow.new(self)
  return setmetatable(self, Flow)
end

--- Runs to the end.
---@param await codearts.build.Await
---@param stopped fun(): boolean
---@param shelf codearts.build.Shelf
---@return table? result
---@return codearts.build.Error? err
function Flow:run(await, stopped, shelf)
  local now = core.now()
  self.await, self.shelf = await, shelf
  self.facts.shared = shelf.store.hold == nil
  self.stopped = stopped
  self.wait_till = now + self.key_wait
  self.ends_at = self.deadline and now + self.deadline
  if self.ends_at then
    function self.shelf.patience()
      -- What became of what was sent has to be written down, and what is told at the end be read.
      local lasts = self.facts.sent or self.shelf.lasting
      local least = lasts and self.shelf.LAST_PATIENCE or LEAST_BEFORE
      return math.max(self.ends_at - core.now(), least)
    end
  end
  local result, err = drive(self, begin(self))
  local problem = self.shelf:close()
  if problem then
    self:warn("the key may be held still: " .. problem)
  end
  return result, err
end

--- Ends the attempt of a flow that was broken off, and writes down what came of it: nobody is left in doubt who need
--- not be.
---@return string? outcome
local function settle(self)
  local facts, shelf = self.facts, self.shelf
  function shelf.patience()
    return shelf.LAST_PATIENCE
  end
  if self.client:is_left_behind() or not shelf:read() then
    return nil
  end
  local kept = shelf.record
  if kept and kept.nonce == self.putting then -- it was put, though nobody was told
    facts.nonce, facts.pending = kept.nonce, nil
  end
  if known.is_mine(kept, facts) then
    local result, err = drive(self, on.drop(self))
    return result and "started" or core.is_error(err) and err.outcome or nil
  end
  self:look_around()
  return known.so_far(kept, facts, true)
end

--- What is known at the end of a flow that was broken off.
local function known_at_end(self, outcome)
  local ok, told = pcall(self.so_far, self)
  told = ok and told
    or {
      operation = self.operation,
      attempts = self.attempts_made or 0,
      outcome = self.attempts.sent and "unknown" or "not_started",
    }
  told.outcome = outcome or told.outcome
  return told
end

--- Ends a flow that something raised in the midst of, at whichever place: its attempt goes out no more, and the key
--- is let go.
---@param problem any what was raised
---@return codearts.build.Error err
function Flow:broken_off(problem)
  self.given_up = true
  pcall(self.attempts.cancel, self.attempts)
  local settled, outcome = pcall(settle, self)
  local told = known_at_end(self, settled and outcome)
  if self.shelf then
    pcall(self.shelf.close, self.shelf)
  end
  collect() -- what was locked, and not kept yet
  if problem == "not enough memory" then
    error(problem, 0)
  elseif not core.is_error(problem) then
    problem = problems.internal("the answer could not be waited for: " .. tostring(problem))
  end
  problem = cancelled.if_closed(self.client, problem)
  self.client:describe(problem, told)
  return problem
end

return Flow
