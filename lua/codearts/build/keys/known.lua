--- What is known of a key by a call with it. Pure, as codearts.build.keys.transition, whose records and
--- facts these are.
local known = {}

---@param kept table?
---@return boolean
function known.is_open(kept)
  return kept ~= nil and kept.state == "open"
end

--- Whether the record is the one that this call put last.
---@param kept table?
---@param call table
---@return boolean
function known.is_mine(kept, call)
  return known.is_open(kept) and call.nonce ~= nil and kept.nonce == call.nonce
end

--- When the start of a record began, by the service's clock; nil: that is not known. A signature is accepted within 15
--- minutes of its date (API reference 3.1): one by a clock that was wrong has started nothing.
---@param kept table?
---@return number? seconds since 1970
function known.since(kept)
  return kept and (kept.started_at or kept.fence_at and kept.signed_at) or nil
end

--- By a call that has sent nothing, from the record alone.
---@param kept table?
---@param call table
---@return "started"|"unknown"|"not_started" outcome
function known.unsent(kept, call)
  if kept and kept.state == "done" then
    return "started"
  end
  return known.is_open(kept) and not known.is_mine(kept, call) and "unknown" or "not_started"
end

-- While the store works on a swap, by what it is for: before a start is sent somebody else may be first.
local WHILE_PUT = { send = "unknown", adopt = "started", done = "started", free = "not_started" }

--- By a call that goes on, or cannot read on. That nothing was started is said only when the record showed it, nobody
--- alive held the key then or can have written since, and this call has begun nothing.
---@param kept table?
---@param call table
---@param is_current any the record was seen just now
---@return "started"|"unknown"|"not_started" outcome
function known.so_far(kept, call, is_current)
  if call.pending then
    return WHILE_PUT[call.pending]
  elseif call.own == "started" then
    return "started"
  elseif call.sent then
    return kept and kept.state == "done" and "started" or "unknown"
  end
  local outcome = known.unsent(kept, call)
  local may_differ = not call.seen
    or call.held
    or call.shared and not is_current and not known.is_mine(kept, call)
  return may_differ and outcome == "not_started" and "unknown" or outcome
end

return known
