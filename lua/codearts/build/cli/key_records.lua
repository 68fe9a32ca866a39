--- The records of keys as the commands see them: read, listed, and which build is a key's.
local ids = require "codearts.build.ids"
local sorted = require "codearts.build.cli.sorted"
local text = require "codearts.build.cli.text"

local key_records = {}

local function key_error(app, reason, outcome, message, more)
  local members = more or {}
  members.kind, members.reason, members.outcome = "key", reason, outcome
  members.message, members.retryable = text.clean(message), reason ~= "no_fence" -- which never changes by itself
  return app.core.error(members)
end
key_records.error = key_error

--- Reads the record of a key and hands its shelf to `f(shelf, await)`, in a task; answers what that answers, or raises.
---@param app codearts.build.cli.App
---@param job_id string
---@param key string
---@param f fun(shelf: codearts.build.Shelf, await: function): any, codearts.build.Error?
---@param holds boolean? hold the key, where the store can: `shelf.held` then tells whether somebody alive does
---@return any
function key_records.with(app, job_id, key, f, holds)
  local Shelf = require "codearts.build.keys.shelf"
  local record = require "codearts.build.keys.record"
  local client = app:client()
  local store = client:key_store()
  if not holds then
    store = { get = store.get, put = store.put }
  end
  return app:await(client:task(function(await)
    local shelf = Shelf.new(store, record.scope(client.addresses[1], job_id, key), client, await)
    local answer
    local ok, err = shelf:read()
    if ok then
      answer, err = f(shelf, await)
    end
    shelf:close()
    return answer, err
  end))
end

--- An error for a build that was started, and whose number the service did not tell.
local function no_number(app, job_id, key, build)
  local name = build.octopus_job_name or build.daily_build_number
  return app:client():problem {
    kind = "protocol",
    reason = "bad_answer",
    outcome = "started",
    message = text.clean(
      ("a build of %s was started with the key %s%s, but the service did not tell its number"):format(
        job_id,
        key,
        name and " (" .. name .. ")" or ""
      )
    ),
    retryable = false,
  }
end

--- The number of the build that was started with a key. Raises when there is none, or nobody knows.
---@param app codearts.build.cli.App
---@param job_id string
---@param key string
---@return integer
function key_records.build(app, job_id, key)
  local kept = key_records.with(app, job_id, key, function(shelf)
    return shelf.record or {}
  end)
  local number = kept.state == "done" and ids.build_number(kept.build.actual_build_number)
  if number then
    return number
  elseif kept.state == "done" then
    error(no_number(app, job_id, key, kept.build), 0)
  elseif kept.state == "open" then
    error(
      key_error(
        app,
        "in_doubt",
        "unknown",
        ("a start with the key %s is under way or in doubt; running it again with the same key is safe"):format(
          key
        ),
        { fence_at = kept.fence_at }
      ),
      0
    )
  end
  -- A store that is another one, or was lost, knows nothing of what was started.
  local what = kept.state and "no build of %s was started with the key %s"
    or "this key store has no record of a start of %s with the key %s"
  error(
    app.core.error {
      kind = "usage",
      field = "--key",
      message = text.clean("--key: " .. what:format(job_id, key)),
    },
    0
  )
end

--- All records of the store that can be read, by job and key; `unread` is how many cannot.
---@param app codearts.build.cli.App
---@return table[] records
---@return integer unread
function key_records.all(app)
  local core, record = app.core, require "codearts.build.keys.record"
  local client = app:client()
  local store = client:key_store()
  if not store.list then
    error(
      core.error { kind = "config", field = "key_store", message = "this store lists nothing" },
      0
    )
  end
  local Shelf = require "codearts.build.keys.shelf"
  local texts = app:await(client:task(function(await)
    return Shelf.new(store, "", client, await):ask "list"
  end))
  local all, unread = {}, 0
  for _, each in ipairs(texts) do
    local kept = record.decode(each)
    if kept then
      kept.fingerprint = nil -- which is most of it, and told to nobody
      all[#all + 1] = kept
    else
      unread = unread + 1
    end
    app:pause()
  end
  all = sorted(all, function(a, b)
    return a.scope < b.scope
  end, function()
    app:pause()
  end)
  return all, unread
end

--- The job of a record.
---@param kept table
---@return string
function key_records.job(kept)
  return kept.scope:match "^[^/]*//[^/]*/([^/]*)/" or "?"
end

--- A record as people and programs are told it: a store may repeat what it was sent.
---@param app codearts.build.cli.App
---@param kept table
---@return table
function key_records.data(app, kept)
  return app:client():mask {
    job_id = key_records.job(kept),
    key = kept.key,
    scope = kept.scope,
    state = kept.state,
    attempt = kept.attempt,
    build = kept.build,
    run_id = kept.run_id,
    run_id_parameter = kept.run_id_parameter,
    signed_at = kept.signed_at,
    fence_at = kept.fence_at,
    started_at = kept.started_at,
    owner = { host = kept.owner.host, pid = kept.owner.pid },
  }
end

return key_records
