--- How a start with a key ends: the result or the error that its caller gets.
local core = require "codearts.build.core"
local Shelf = require "codearts.build.keys.shelf"
local ids = require "codearts.build.ids"
local known = require "codearts.build.keys.known"
local judge = require "codearts.build.reconcile.judge"
local look = require "codearts.build.reconcile.look"
local places = require "codearts.build.reconcile.places"
local meta = require "codearts.build.meta"
local record = require "codearts.build.keys.record"

local endings = {}

local TEXTS = {
  mismatch = "this key belongs to a start with other arguments: %s differs",
  busy = "another start with this key is under way%s",
  in_doubt = "an earlier start with this key may have started a build%s",
}

local function text(value)
  return type(value) == "string" and value or nil
end

--- Two texts without what a client's texts must not show; nearly always there is no such thing in them.
local function masked(client, result, one, other)
  local both = (one or "") .. "\n" .. (other or "")
  if client:mask(both, result) == both then
    return one, other
  end
  return client:mask(one, result), client:mask(other, result)
end

--- What a record keeps of a result. Who reads it does not know what this client's texts must not show.
---@param client codearts.build.Client
---@param result table
---@return table build
function endings.build_of(client, result)
  local number = text(rawget(result, "actual_build_number"))
  local job, daily = masked(
    client,
    result,
    text(rawget(result, "octopus_job_name")),
    text(rawget(result, "daily_build_number"))
  )
  return {
    octopus_job_name = job,
    actual_build_number = ids.build_number(number) and number or client:mask(number, result),
    daily_build_number = daily,
  }
end

local function owner_text(owner)
  return owner and (" (%s, process %s)"):format(tostring(owner.host), tostring(owner.pid)) or ""
end

--- What ends the doubt about an attempt that never gets too old.
local function fence_text(kept)
  if not known.is_open(kept) or kept.fence_at then
    return ""
  elseif kept.run_id then
    return "; it was not signed: where no build shows its run id, a person has to find out "
      .. "(codearts-build key resolve)"
  end
  return "; it was not signed, so that only a person can find out (codearts-build key resolve)"
end

--- An error of kind "key". What the call itself met is told with it.
local function key_error(flow, action)
  local own = flow.own_error or flow.trouble
  local field = flow.client:mask(action.field) -- whose name may be of the record alone
  local detail = action.reason == "mismatch" and field
    or action.reason == "busy" and owner_text(action.owner)
    or fence_text(flow.shelf.record)
  return core.error {
    kind = "key",
    reason = action.reason,
    operation = flow.operation,
    field = field,
    outcome = action.outcome,
    retryable = action.reason ~= "mismatch",
    attempts = own and own.attempts or flow.attempts_made or 0,
    status = own and own.status,
    fence_at = action.fence_at,
    owner = action.owner,
    message = TEXTS[action.reason]:format(detail)
      .. (own and "; this call: " .. own.message or "")
      .. (action.reason ~= "mismatch" and "; calling again with the same key is safe" or ""),
  }
end

--- Who holds the run id that shows the build in doubt: the record, which may be of a start with another one or none, else
--- the call. When both have begun one and differ, no one id shows both.
local function identity(flow)
  local facts, kept = flow.facts, flow.shelf.record
  if not known.is_open(kept) then
    return facts
  end
  local is_one = kept.run_id_parameter == facts.run_id_parameter
  return (is_one or not facts.sent) and kept or {}
end

--- What is told of a run id that is not this call's own: a store may repeat what it was sent.
local function shown_of(flow, holder)
  local own = flow.facts
  if holder.run_id == own.run_id and holder.run_id_parameter == own.run_id_parameter then
    return nil
  end
  local run_id, parameter = masked(flow.client, nil, holder.run_id, holder.run_id_parameter)
  return { run_id = run_id, run_id_parameter = parameter }
end

--- What reconcile has to know of a start that is in doubt.
---@param flow codearts.build.KeyFlow
---@return table about
function endings.about(flow)
  local kept, holder = flow.shelf.record, identity(flow)
  return {
    job_id = flow.job_id,
    run_id = holder.run_id,
    run_id_parameter = holder.run_id_parameter,
    shown = shown_of(flow, holder),
    began = core.now(),
    started_at = known.since(kept) or 0,
  }
end

--- Whether the attempt in doubt has ended, so that nothing of it is sent later: it is this call's own, or the store can
--- tell that nobody alive holds the key.
local function has_ended(flow)
  local shelf = flow.shelf
  return known.is_mine(shelf.record, flow.facts) or shelf.store.hold and not shelf.held
end

--- Which of the client's endpoints the attempt in doubt was sent to, if it is one of them, and if it has ended.
local function endpoint_in_doubt(flow)
  local kept = has_ended(flow) and flow.shelf.record
  for n in ipairs(kept and flow.client.addresses or {}) do
    if flow:service(n) == kept.endpoint then
      return n
    end
  end
end

--- Asks, once its error was made, whether a start of the key may be under way: the record is not the one in doubt any more,
--- and not free either, or somebody alive holds the key, or nobody can tell.
local function under_way(flow)
  local client, store, scope = flow.client, flow.shelf.store, flow.facts.scope
  local nonce = flow.shelf.record.nonce
  return function(await)
    local shelf = Shelf.new(store, scope, client, await, false)
    function shelf.patience()
      return shelf.LAST_PATIENCE
    end
    local ok, err = shelf:read()
    shelf:close()
    local kept = ok and not shelf.held and shelf.record
    return not (kept and (kept.nonce == nonce or kept.state == "free")), err
  end
end

--- What this call's own request was sent with, or would have been, is hidden in all that is asked about what it leads to.
local function knowing(flow, value)
  flow.attempts.call:came_with(value)
  for _, other in ipairs { flow.dropped or false, flow.own_error } do
    if type(other) == "table" then
      core.came_with(value, other)
    end
  end
end

--- As other errors that leave open whether a build was started.
local function add_reconcile(flow, err)
  local about = endings.about(flow)
  about.endpoint = endpoint_in_doubt(flow)
  about.under_way = about.endpoint and under_way(flow)
  err.reconcile = flow.reconcile
  knowing(flow, err)
  meta.add(err, about)
end

--- How to ask about the build that was started, within the time that is left for it.
---@return codearts.build.Ask
local function asker(flow)
  local now = core.now()
  flow.look_began, flow.wait_till = now, math.min(flow.wait_till, now + look.LEAST)
  return function(operation, args)
    return flow:ask(operation, args)
  end
end

function endings.replay(flow, action)
  local facts, result = flow.facts, endings.build_of(flow.client, action.build)
  knowing(flow, result)
  local number = ids.build_number(result.actual_build_number)
  if number and (result.daily_build_number == nil or result.octopus_job_name == nil) then
    look.complete(result, places.detail(asker(flow), flow.job_id, number)) -- it was found in a list, maybe
  end
  setmetatable(result, flow.client.result_metatable)
  meta.add(result, {
    job_id = flow.job_id,
    key = facts.key,
    run_id = facts.run_id,
    run_id_parameter = facts.run_id_parameter,
    replayed = not (action.reconciled and facts.sent) or nil,
    reconciled = action.reconciled or nil,
  })
  return result
end

--- Whether the first build that a client starts for a job shows its run id: if not, a lost answer stays
--- in doubt, and now is the time to say so.
local function check_shown(flow, result)
  local facts, client = flow.facts, flow.client
  local number = facts.run_id and ids.build_number(rawget(result, "actual_build_number"))
  if not number or facts.stopped then
    return
  end
  local checked = client.run_ids_checked or {}
  client.run_ids_checked = checked
  local name = flow.job_id .. " " .. facts.run_id_parameter
  if checked[name] then
    return
  end
  checked[name] = true
  local answer = asker(flow)("ListBuildParameter", { job_id = flow.job_id, build_no = number })
  local shown = type(answer) == "table" and answer.result
  if
    type(shown) ~= "table" or judge.sight(shown, facts.run_id_parameter, facts.run_id) == "own"
  then
    return
  end
  flow:warn(
    ("the build does not show its run id: the job does not declare %s, or as a secret; "):format(
      facts.run_id_parameter
    ) .. "a start whose answer is lost will stay in doubt"
  )
  local kept = record.copy(flow.shelf.record)
  kept.run_id_hidden, kept.nonce = true, core.uuid()
  flow.shelf:put(kept)
end

function endings.tell(flow, action)
  local result, err = flow.own_result, flow.dropped_for or flow.own_error
  if action.unwritten then
    flow:warn(
      (result and "the build was started, but " or "")
        .. "the record of the key could not be written: "
        .. (flow.trouble and flow.trouble.message or "somebody else changed it")
    )
  end
  if result then
    meta.add(result, { key = flow.facts.key })
    if not action.unwritten then
      check_shown(flow, result)
    end
    return result
  end
  if core.is_error(err) then
    err.outcome, err.operation = action.outcome, flow.operation
    err.retryable = err.kind ~= "cancelled" and (err.retryable or action.outcome == "unknown")
    if action.outcome == "unknown" then -- of the key: an attempt before this call's may be what is in doubt
      add_reconcile(flow, err)
    end
  end
  return nil, err
end

function endings.fail(flow, action)
  local err
  if action.reason == "store" then
    err = flow.trouble
    err.outcome, err.operation = action.outcome, flow.operation
  elseif action.reason == "cancelled" then
    err = core.error {
      kind = "cancelled",
      operation = flow.operation,
      outcome = action.outcome,
      attempts = flow.attempts_made or 0,
      message = "the call was cancelled",
      retryable = false,
    }
  else
    err = key_error(flow, action)
  end
  if action.outcome == "unknown" then
    add_reconcile(flow, err)
  end
  return nil, err
end

return endings
