--- The heart of keys: what a call does next, given the record of its key and what happened. Pure: no
--- clock, no store, no request; the product, the command and the model that checks it share it.
---
--- A call is described by a table of facts that the transition alone changes:
---
---     nonce        of the record that this call put last, or nil: no such record is its own
---     sent         an attempt of this call went out: it sends no more after a lost swap
---     own          how what this call sent ended: "started", "not_started", "unknown"; nil: not yet
---     pending      what the record is for that is being put: "send", "adopt", "done", "free"
---     resend       an earlier attempt of the key is in doubt still
---     looked       the history was looked at before the first attempt
---     started_at   the Date of that
---
--- by what stays as it is: `arguments`, `run_id`, `run_id_parameter`, `when_lost`, `settle`, `owner`,
--- `scope`, `key`, `shared` where others may write while the call works, the store being none that holds
--- keys; and by what its driver sets: `stopped` when nobody waits for the call any more, `seen` once the
--- record was, `held` while somebody else alive holds the key, or did when the record was seen.
---
--- Events, `record` being what was read or put last (nil: none):
---
---     { type = "read" }                    a record was read
---     { type = "expired", holder }         the time is over, instead of reading again; who holds the key, if known
---     { type = "looked", verdict, date, endpoint, build, differs, nonce, fingerprint }
---                                          a look ended; `date` is the Date of the answer that began it, `endpoint`
---                                          who told all of it (nil: the scope's; false: no one alone)
---     { type = "ready", nonce, date, endpoint, signed, fingerprint }
---                                          an attempt is at hand: credentials, endpoint, and the date
---     { type = "ended", outcome, build, nonce }
---                                          what this call may have sent ended
---     { type = "put", done }               true: the record is the call's; false: somebody was first, and
---                                          the record is theirs
---     { type = "trouble", unchanged }      the store did not tell what it did; `unchanged`: but it showed
---                                          afterwards that it had done nothing by then
---     { type = "stopped" }                 nobody waits any more
---     { type = "resolve", build, date, holder, force, nonce }
---                                          a person found out: `build`, or none was started
---
--- Actions:
---
---     { do_ = "look", newest }             look at the history: looked
---     { do_ = "attempt" }                  let the call prepare an attempt: ready, ended
---     { do_ = "put", record }              swap from the version that was read: put, trouble
---     { do_ = "send" }                     the attempt that is at hand goes out: ready, ended
---     { do_ = "drop" }                     the attempt that is at hand does not: ended
---     { do_ = "wait" }                     read again after a pause: read, expired
---     { do_ = "read" }                     read again though nobody waits: read, trouble
---
--- and the ends, `unwritten`: the record could not be written, which is to be told:
---
---     { do_ = "replay", build, reconciled }
---     { do_ = "tell", outcome, unwritten } the call's own end, with this outcome of the key
---     { do_ = "fail", reason, outcome, field, fence_at, owner }
---                                          reasons of kind "key"; "cancelled"; "store"; of `resolve`:
---                                          "settled", "held", "early", "no_fence"
---     { do_ = "resolved" }
local known = require "codearts.build.keys.known"
local record = require "codearts.build.keys.record"

local is_open, is_mine = known.is_open, known.is_mine

local FENCE = 900 -- the gateway refuses a signature that is older (API reference 3.1)
local NEWEST = 20

local function fail(reason, outcome, more)
  local action = more or {}
  action.do_, action.reason, action.outcome = "fail", reason, outcome
  return action
end

local function clear_at(kept, settle)
  return kept and kept.fence_at and kept.fence_at + settle or nil
end

local function in_doubt(kept, call)
  return fail("in_doubt", "unknown", { fence_at = clear_at(kept, call.settle) })
end

--- A copy of the record in another state.
local function changed(kept, state, nonce, build)
  local copy = record.copy(kept)
  copy.state, copy.nonce, copy.build = state, nonce, build or kept.build
  return copy
end

local function put(call, pending, kept)
  call.pending = pending
  return { do_ = "put", record = kept }
end

local on = {}

function on.read(kept, call)
  call.resend = false
  local state = kept and kept.state or "free"
  if state ~= "free" then
    local field = record.difference(kept, call.arguments)
    if field and call.sent then
      return in_doubt(kept, call)
    elseif field then
      return fail("mismatch", state == "done" and "started" or "unknown", { field = field })
    elseif state == "done" then
      return { do_ = "replay", build = kept.build, reconciled = call.own == "unknown" }
    elseif call.held then
      return { do_ = "wait" }
    end
    return kept.run_id and { do_ = "look" } or { do_ = "wait" }
  elseif call.sent then
    -- What this call sent left no trace in the store: only the history can tell.
    return call.run_id and { do_ = "look" } or in_doubt(kept, call)
  elseif call.held then
    return { do_ = "wait" }
  elseif call.run_id and not call.looked then
    return { do_ = "look", newest = NEWEST }
  end
  return { do_ = "attempt" }
end

function on.expired(kept, call, event)
  if call.held and not call.sent then
    return fail("busy", "unknown", { owner = event.holder })
  end
  return in_doubt(kept, call)
end

--- The record of a build that a look found.
local function adopted(kept, call, event)
  local base = is_open(kept) and kept
    or {
      scope = call.scope,
      key = call.key,
      attempt = 0,
      run_id = call.run_id,
      run_id_parameter = call.run_id_parameter,
      fingerprint = event.fingerprint,
    }
  local copy = changed(base, "done", event.nonce, event.build)
  copy.owner = call.owner
  return copy
end

--- Whether a second attempt may go out though the first is in doubt: its signature can be accepted no
--- more by the service's own clock, and what it may have started would be listed by now, where it was sent.
local function may_resend(kept, call, event)
  return call.when_lost == "resend"
    and not call.sent
    and not is_mine(kept, call)
    and kept.run_id ~= nil
    and kept.fence_at ~= nil
    and event.verdict == "none_found"
    and event.endpoint == kept.endpoint
    and event.date ~= nil
    and event.date > clear_at(kept, call.settle)
end

function on.looked(kept, call, event)
  if event.verdict == "started" then
    if event.differs then
      return call.sent and in_doubt(kept, call)
        or fail("mismatch", "started", { field = event.differs })
    end
    return put(call, "adopt", adopted(kept, call, event))
  elseif is_open(kept) then
    call.resend = may_resend(kept, call, event)
    return { do_ = call.resend and "attempt" or "wait" }
  end
  call.looked, call.started_at = true, event.date
  return { do_ = call.sent and "wait" or "attempt" }
end

function on.ready(kept, call, event)
  local free = not is_open(kept)
  -- The earlier of two clocks: a gateway may write a Date of its own, and what is older is not looked at.
  local began = call.started_at and math.min(call.started_at, event.date)
  local open = {
    scope = call.scope,
    key = call.key,
    state = "open",
    attempt = free and 1 or kept.attempt + 1,
    nonce = event.nonce,
    run_id = call.run_id,
    run_id_parameter = call.run_id_parameter,
    fingerprint = free and event.fingerprint or kept.fingerprint,
    signed_at = event.date,
    fence_at = event.signed and event.date + FENCE or nil,
    endpoint = event.endpoint,
    started_at = free and began or not free and kept.started_at or nil,
    owner = call.owner,
  }
  return put(call, "send", open)
end

function on.ended(kept, call, event)
  call.own = event.outcome
  if event.outcome == "started" then
    return put(call, "done", changed(kept, "done", event.nonce, event.build))
  elseif event.outcome == "unknown" then
    if call.stopped then
      return { do_ = "tell", outcome = "unknown" }
    end
    return call.run_id and { do_ = "look" } or in_doubt(kept, call)
  elseif is_mine(kept, call) and not call.resend then
    return put(call, "free", changed(kept, "free", event.nonce))
  end
  -- Nothing was sent by this call, or what was sent before it is in doubt still.
  return { do_ = "tell", outcome = is_open(kept) and "unknown" or "not_started" }
end

--- What follows when the record that was put is the key's, by what it was put for.
local committed = {
  send = function(_, call)
    if call.stopped then
      return { do_ = "drop" }
    end
    call.sent = true
    return { do_ = "send" }
  end,
  adopt = function(kept)
    return { do_ = "replay", build = kept.build, reconciled = true }
  end,
  done = function()
    return { do_ = "tell", outcome = "started" }
  end,
  free = function()
    return { do_ = "tell", outcome = "not_started" }
  end,
  resolve = function()
    return { do_ = "resolved" }
  end,
}

--- The call's own end is sure, whatever became of the record.
local function unwritten(pending)
  local outcome = pending == "done" and "started" or "not_started"
  return { do_ = "tell", outcome = outcome, unwritten = true }
end

function on.put(kept, call, event)
  local pending = call.pending
  call.pending = nil
  if event.done then
    call.nonce = kept.nonce
    return committed[pending](kept, call)
  elseif pending == "done" or pending == "free" and is_mine(kept, call) then
    return unwritten(pending)
  elseif pending == "resolve" then
    return fail("settled", known.unsent(kept, call))
  end
  return on.read(kept, call)
end

function on.trouble(kept, call, event)
  local pending = call.pending
  call.pending = nil
  if pending == "done" or pending == "free" then
    return unwritten(pending)
  elseif pending == "send" and event.unchanged and is_mine(kept, call) then
    return { do_ = "drop" } -- what was sent before was refused
  elseif pending == "adopt" then
    -- The build that was found is the key's, though not by this store yet.
    return fail(call.stopped and "cancelled" or "store", "started")
  elseif call.stopped then
    return on.stopped(kept, call, event)
  elseif call.sent then
    return in_doubt(kept, call)
  end
  -- A store that has told nothing yet tells nothing of others.
  local has_told = call.seen or call.held
  return fail("store", has_told and known.so_far(kept, call, event.unchanged) or "not_started")
end

local SHOWS_RECORD = { read = true, put = true }

function on.stopped(kept, call, event)
  local outcome = known.so_far(kept, call, SHOWS_RECORD[event.type])
  local as_seen = known.so_far(kept, call, true)
  if outcome ~= as_seen and event.type ~= "trouble" then
    return { do_ = "read" } -- somebody may have written since
  end
  return fail("cancelled", outcome)
end

--- A person says what became of an attempt. That none was started is believed only when nobody holds
--- the key and the attempt can be accepted no more.
function on.resolve(kept, call, event)
  if not is_open(kept) then
    return fail("settled", known.unsent(kept, call))
  elseif event.build then
    return put(call, "resolve", changed(kept, "done", event.nonce, event.build))
  elseif call.held then
    return fail("held", "unknown", { owner = event.holder })
  elseif not event.force and not kept.fence_at then
    return fail("no_fence", "unknown")
  elseif not event.force and not (event.date and event.date > clear_at(kept, call.settle)) then
    return fail("early", "unknown", { fence_at = clear_at(kept, call.settle) })
  end
  return put(call, "resolve", changed(kept, "free", event.nonce))
end

local GOES_ON = { look = true, attempt = true, wait = true }

--- What the call does next.
---@param kept table? the record that was read or put last
---@param call table see above; changed
---@param event table see above
---@return table action
return function(kept, call, event)
  local action = on[event.type](kept, call, event)
  if call.stopped and GOES_ON[action.do_] then
    return on.stopped(kept, call, event)
  end
  return action
end
