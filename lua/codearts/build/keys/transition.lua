--- The heart of keys: what a call does next, given the record of its key and what happened. Pure: no
--- clock, no store, no request; the product, the command and the model that checks it share it.
---
--- A call is described by a table of facts that the transition alone changes:
---
---     nonce        of the record that this call put last, or nil: no such record is its own
---     sent         an attempt of this call went out: it sends no more after a lost swap
---     resend       an earlier attempt of the key is in doubt still
---     looked       the history was looked at before the first attempt
---     lost         the outcome of what this call sent is unknown
---
--- and by what stays as it is: `arguments`, `run_id`, `run_id_parameter`, `when_lost`, `settle`, `owner`,
--- `scope`, `key`.
---
--- Events, `record` being what was read last (nil: none):
---
---     { type = "read", held }              a record was read, or came back from a lost swap; `held`:
---                                          somebody alive holds the key
---     { type = "looked", verdict, date, build, others, differs }
---                                          a look ended; `date` is the Date of the answer that began it
---     { type = "ready", nonce, date, signed, fingerprint }
---                                          an attempt is at hand: credentials, endpoint, and the date
---     { type = "ended", outcome, build }   the call ended
---     { type = "expired" }                 nothing more is to be waited for
---
--- Actions:
---
---     { do_ = "look", newest }             look at the history
---     { do_ = "attempt" }                  let the call prepare an attempt
---     { do_ = "put", record, then_ }       swap from the version that was read; when that is done: "send",
---                                          "replay", "tell" (the call's own end)
---     { do_ = "wait" }                     read again after a pause
---     { do_ = "replay", build, reconciled }
---     { do_ = "tell", outcome }            the call's own end, with this outcome of the key
---     { do_ = "fail", reason, outcome, field, fence_at, owner }
local record = require "codearts.build.keys.record"

local FENCE = 900 -- the gateway refuses a signature that is older (API reference 3.1)
local NEWEST = 20

local function fail(reason, outcome, more)
  local action = more or {}
  action.do_, action.reason, action.outcome = "fail", reason, outcome
  return action
end

local function in_doubt(kept, call)
  local fence_at = kept and kept.fence_at and kept.fence_at + call.settle or nil
  return fail("in_doubt", "unknown", { fence_at = fence_at })
end

local function is_mine(kept, call)
  return kept ~= nil and call.nonce ~= nil and kept.nonce == call.nonce
end

local function is_open(kept)
  return kept ~= nil and kept.state == "open"
end

--- A copy of the record with other members.
local function changed(kept, members)
  local copy = {}
  for name, value in next, kept do
    copy[name] = value
  end
  for name, value in next, members do
    copy[name] = value
  end
  return copy
end

local on = {}

function on.read(kept, call, event)
  local state = kept and kept.state or "free"
  if state ~= "free" then
    local field = record.difference(kept, call.arguments)
    if field and call.sent then
      return in_doubt(kept, call)
    elseif field then
      return fail("mismatch", state == "done" and "started" or "unknown", { field = field })
    elseif state == "done" then
      return { do_ = "replay", build = kept.build, reconciled = false }
    elseif event.held then
      return { do_ = "wait" }
    end
    return kept.run_id and { do_ = "look" } or { do_ = "wait" }
  elseif call.sent then
    -- What this call sent left no trace in the store: only the history can tell.
    return call.run_id and { do_ = "look" } or in_doubt(kept, call)
  elseif event.held then
    return { do_ = "wait" }
  elseif call.run_id and not call.looked then
    return { do_ = "look", newest = NEWEST }
  end
  return { do_ = "attempt" }
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
  return changed(
    base,
    { state = "done", nonce = event.nonce, owner = call.owner, build = event.build }
  )
end

--- Whether a second attempt may go out though the first is in doubt: its signature can be accepted no
--- more by the service's own clock, and what it may have started would be listed by now.
local function may_resend(kept, call, event)
  return call.when_lost == "resend"
    and not call.sent
    and kept.run_id ~= nil
    and kept.fence_at ~= nil
    and event.verdict == "none_found"
    and event.date ~= nil
    and event.date > kept.fence_at + call.settle
end

function on.looked(kept, call, event)
  if event.verdict == "started" then
    if event.differs then
      return call.sent and in_doubt(kept, call)
        or fail("mismatch", "started", { field = event.differs })
    end
    call.nonce = event.nonce
    return { do_ = "put", record = adopted(kept, call, event), then_ = "replay" }
  elseif not is_open(kept) then
    call.looked, call.started_at = true, event.date
    return call.sent and { do_ = "wait" } or { do_ = "attempt" }
  elseif not is_mine(kept, call) and may_resend(kept, call, event) then
    call.resend = true
    return { do_ = "attempt" }
  end
  return { do_ = "wait" }
end

function on.ready(kept, call, event)
  local free = not is_open(kept)
  if kept and kept.state == "done" or not free and not is_mine(kept, call) and not call.resend then
    return { do_ = "wait" } -- not to be sent: the driver reads again
  end
  local fence_at = event.signed and event.date + FENCE or nil
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
    fence_at = fence_at,
    started_at = free and call.started_at or not free and kept.started_at or nil,
    owner = call.owner,
  }
  call.nonce = event.nonce
  return { do_ = "put", record = open, then_ = "send" }
end

function on.ended(kept, call, event)
  local mine = is_open(kept) and is_mine(kept, call)
  if event.outcome == "started" then
    call.nonce = event.nonce
    return {
      do_ = "put",
      record = changed(kept, { state = "done", nonce = event.nonce, build = event.build }),
      then_ = "tell",
      outcome = "started",
    }
  elseif event.outcome == "unknown" then
    call.lost = true
    return call.run_id and { do_ = "look" } or in_doubt(kept, call)
  elseif call.resend or not call.sent then
    -- Nothing was sent by this call, or what was sent before it is in doubt still.
    return { do_ = "tell", outcome = (call.resend or is_open(kept)) and "unknown" or "not_started" }
  elseif not mine then
    return { do_ = "tell", outcome = "unknown" }
  end
  call.nonce = event.nonce
  return {
    do_ = "put",
    record = changed(kept, { state = "free", nonce = event.nonce }),
    then_ = "tell",
    outcome = "not_started",
  }
end

function on.expired(kept, call, event)
  if event.held and not call.sent then
    return fail("busy", "unknown", { owner = kept and kept.owner or nil })
  end
  return in_doubt(kept, call)
end

--- What the call does next.
---@param kept table? the record that was read last
---@param call table see above; changed
---@param event table see above
---@return table action
return function(kept, call, event)
  return on[event.type](kept, call, event)
end
