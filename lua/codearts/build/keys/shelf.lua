--- One key in one store: reads and swaps records, whatever the store does.
---
--- A store answers at once or by a call object, may raise, must not yield, and its answers may be lost:
--- then the record is read back, and its nonce tells whether it is ours.
local Call = require "codearts.build.client.call"
local cancelled = require "codearts.build.client.cancelled"
local collect = require "codearts.build.keys.collect"
local core = require "codearts.build.core"
local coroutines = require "codearts.build.coroutines"
local nginx_request = require "codearts.build.nginx_request"
local record = require "codearts.build.keys.record"

---@class codearts.build.Shelf
---@field record table? what was read or put last
---@field seen boolean what the record says is known, as of some moment
---@field held? boolean somebody else alive holds the key, or did when the record was read
---@field patience false|fun(): number seconds that the store may take for an answer
---@field lasting boolean what is read is awaited as a swap is
---@field waits boolean somebody waits for the call, outside of steps
local Shelf = {}
Shelf.__index = Shelf

-- Seconds that a store gets to tell what a swap did when nobody waits for the call any more.
Shelf.LAST_PATIENCE = 5

--- A copy of an error, for who adds to it: a store may keep its own, and answer it again.
local function copied(err)
  local members = {}
  for name, value in next, err do
    members[name] = value
  end
  return core.error(members)
end

--- An error of kind "key", reason "store"; what was cancelled is no trouble of the store.
---@param problem any a text, or what the store answered or raised
---@return codearts.build.Error
local function trouble(problem)
  if core.is_error(problem) then
    if problem.kind == "key" or problem.kind == "cancelled" then
      return copied(problem)
    end
    problem = problem.message
  end
  return core.error {
    kind = "key",
    reason = "store",
    field = "key_store",
    message = "key store: " .. tostring(problem),
    retryable = true,
  }
end

---@param store codearts.build.KeyStore
---@param scope string
---@param client codearts.build.Client
---@param await codearts.build.Await
---@param waits boolean
---@return codearts.build.Shelf
function Shelf.new(store, scope, client, await, waits)
  return setmetatable({
    store = store,
    scope = scope,
    client = client,
    await = await,
    waits = waits,
    seen = false,
    patience = false,
    lasting = false,
    record = nil,
    version = nil,
    release = nil,
    held = nil,
  }, Shelf)
end

--- How long the answer of a function is awaited though nobody waits for the call any more: what a swap did
--- must be known. Who holds a key waits as long as it takes: a disk answers or does not, and its lock outlives
--- the wait.
local function keeps_for(self, name)
  if name == "put" or self.lasting then
    return self.store.hold and true or self.LAST_PATIENCE
  end
end

--- Awaits a call of the store, as long as there is patience: then it is cancelled, and nobody knows what it did.
local function await_answer(self, call, keeps)
  local left = keeps ~= true and self.patience and self.patience()
  local ok, timer = false, nil
  if left then
    ok, timer = pcall(self.client.sleep, self.client, left)
  end
  if not ok then
    return self.await(call, keeps)
  end
  local late = false
  timer:on_done(function(_, err)
    if err == nil then
      late = true
      call:cancel()
    end
  end)
  local list, err = self.await(call, keeps)
  timer:cancel()
  if late and err ~= nil then
    err = trouble "no answer before the deadline"
  end
  return list, err
end

--- What a function of the store answered, or raised. Answers true and that; or nil and an error.
local function answer_of(self, name, ok, first, second, third)
  if not ok then
    first = nginx_request.explain(first) or first
    return nil, trouble(cancelled.if_closed(self.client, first))
  elseif Call.is(first) then
    local list, err = await_answer(self, first, keeps_for(self, name))
    if err ~= nil then
      return nil, trouble(cancelled.if_closed(self.client, err))
    elseif type(list) ~= "table" then
      return nil, trouble(name .. ": its call answered no list")
    end
    return true, list[1] or nil, list[2], list[3]
  elseif first == nil and core.is_error(second) then
    return nil, trouble(cancelled.if_closed(self.client, second))
  end
  return true, first or nil, second, third
end

--- The same of a store of this library. What raises there is a debug hook, as Ctrl-C is one: the key may be locked, and
--- nobody knows.
local function answer_of_own(self, name, ok, ...)
  if not ok then
    collect()
  end
  return answer_of(self, name, ok, ...)
end

--- The same of one that ran in a coroutine.
local function answer_of_runner(self, name, runner, ok, mark, ...)
  if not ok then
    return answer_of(self, name, false, mark)
  elseif mark ~= coroutines.RETURNED then
    return nil, trouble(name .. " must not yield; answer a call object")
  end
  self.client.store_runner = runner -- for the next
  return answer_of(self, name, true, ...)
end

--- Runs a function of the store. Answers true and what it answered, or nil and an error.
local function ask(self, name, ...)
  local client, f = self.client, self.store[name]
  if self.waits and self.store.never_yields then
    return answer_of(self, name, true, f(...)) -- what that raises is not the store's: it breaks the flow off
  elseif self.store.never_yields then
    return answer_of_own(self, name, pcall(f, ...))
  end
  local runner = client.store_runner or coroutines.runner()
  client.store_runner = false -- a store may wait for a call of this client, which has a key itself
  return answer_of_runner(self, name, runner, coroutines.resume(runner, f, ...))
end

--- The same for the functions that are not about one key: `list`, `check`.
---@return any? answer
---@return codearts.build.Error? err
function Shelf:ask(name)
  local ok, answer = ask(self, name, self.client)
  if not ok then
    return nil, answer
  end
  return answer
end

--- Takes what the store holds for read; nil, err when it is no record of this key.
local function take(self, text, version)
  if text == nil then
    self.record, self.version, self.seen = nil, nil, true
    return true
  end
  local kept, problem = record.decode(text, self.scope)
  if not kept then
    return nil, trouble(problem)
  elseif version == nil then
    return nil, trouble "it told no version"
  end
  self.record, self.version, self.seen = kept, version, true
  return true
end

--- Reads the record though nothing more is waited for: what is there must be known.
---@return boolean? read
---@return codearts.build.Error? err
function Shelf:read_last()
  self.lasting = true
  local ok, text, version = ask(self, "get", self.scope, self.client)
  self.lasting = false
  if not ok then
    return nil, text
  end
  return take(self, text, version)
end

--- Reads the record, holding the key first where the store can.
---@return boolean? read
---@return codearts.build.Error? err
function Shelf:read()
  if self.store.hold and not self.release then
    local ok, release = ask(self, "hold", self.scope, self.client)
    if not ok then
      return nil, release
    end
    -- Who held it may have written until now.
    self.release, self.held = release, self.held or release == nil
  end
  local ok, text, version = ask(self, "get", self.scope, self.client)
  if not ok then
    return nil, text
  end
  local taken, err = take(self, text, version)
  if taken then
    self.held = self.store.hold ~= nil and not self.release
  end
  return taken, err
end

--- Who else holds the key now, as far as the store can tell: not its record's owner, who may be dead.
---@return { host: string, pid: integer }?
function Shelf:holder()
  if self.held and self.store.holder then
    local ok, process = ask(self, "holder", self.scope, self.client)
    return ok and type(process) == "table" and process or nil
  end
end

--- After an answer that was lost: whether the record is there. What is there still may be replaced later,
--- by the same swap: whoever counts on its failure swaps again.
local function read_back(self, nonce, problem)
  local before = self.version
  if not self:read_last() then
    return nil, problem
  elseif self.record and self.record.nonce == nonce then
    return true
  elseif self.version == before then
    return nil, problem, true
  end
  return false
end

--- Swaps the record for another one. Answers true; false when somebody was first, whose record is then
--- `record`; nil and the error when it is not known, or, with true after it, did not happen.
---@param kept table
---@return boolean? done
---@return codearts.build.Error? err
---@return boolean? unchanged
function Shelf:put(kept)
  local text = record.encode(kept)
  if not text then
    return nil, trouble "the record is longer than 64 KiB"
  end
  local before = self.record and self.record.nonce
  local own = self.store.never_yields -- a store of this library, which can be told more
  local ok, version, there, version_there = ask(
    self,
    "put",
    self.scope,
    text,
    self.version,
    self.client,
    own and self.waits and not self.client.host
  )
  if not ok then
    return read_back(self, kept.nonce, version)
  elseif version then
    self.record, self.version, self.seen = kept, version, true
    return true
  end
  local taken, problem = take(self, there, version_there)
  if not taken then
    return nil, problem
  end
  local now = self.record and self.record.nonce
  if now ~= kept.nonce and now == before then
    return nil, trouble "it tells that somebody was first, and nobody was", true
  end
  return now == kept.nonce
end

--- What the store wants to be told to its user; each once.
---@return string[]?
function Shelf:take_warnings()
  local texts = self.store.warnings
  if texts ~= nil then
    self.store.warnings = nil
    return type(texts) == "table" and texts or nil
  end
end

--- What came of letting go, in a coroutine of its own: what it raises or yields must not end the flow.
local function let_go(release)
  local thread = coroutines.create(function()
    release() -- whatever can be called
  end)
  local ok, problem = coroutines.resume(thread)
  if ok and coroutines.status(thread) ~= "dead" then
    return false, "what hold answered must not yield"
  end
  return ok, problem
end

local function take_release(self)
  local release = self.release
  self.release = nil
  return (self.store.never_yields and pcall or let_go)(release)
end

--- Lets go of the key.
---@return string? problem what the store made of that
function Shelf:close()
  if self.release then
    local ok, problem = take_release(self)
    if not ok then
      collect() -- which lets go of what was not closed
      return trouble(problem).message
    end
  end
end

return Shelf
