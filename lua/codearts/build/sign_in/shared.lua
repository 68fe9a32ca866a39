--- Fetches a credential once for all who share a store: clients, workers, processes.
local core = require "codearts.build.core"
local credential = require "codearts.build.sign_in.credential"
local http = require "codearts.build.sign_in.http"
local nginx_request = require "codearts.build.nginx_request"
local life = require "codearts.build.sign_in.life"

local M = {}

local LOCK_LIFE = 60 -- of a lock whose owner died, where the system does not drop it
local LONGEST_LIFE = 366 * 86400 -- no credential lives longer: such an entry is not ours
local FIRST_LOOK, LONGEST_LOOK = 0.05, 0.5 -- pauses while somebody else signs in
local OWN_PATIENCE = 2 -- seconds for another client of this process, which cannot go on while this one blocks

local held = {} -- keys whose locks are held here

--- What a store says, without what it was given, be it by somebody else: an entry begins with a brace.
local function without_entries(text)
  return (text:gsub("{.*", "{…"))
end

--- Calls a function of the store, which belongs to somebody else. A structured error of it ends the
--- sign-in; any other problem is a warning, and answers nil and true.
local function ask(ctx, name, ...)
  local ok, value, problem = pcall(ctx.store[name], ...)
  if not ok then
    value, problem = nil, nginx_request.explain(value) or value
  end
  if value or problem == nil then
    return value
  elseif core.is_error(problem) then
    return nil, true, http.problem(ctx, problem, without_entries)
  end
  local words = core.mask(without_entries(tostring(problem)), ctx.secrets())
  ctx.warn(("the token store is not used: %s: %s"):format(name, words))
  return nil, true
end

local function same(a, b)
  return b ~= nil and a.token == b.token and a.ak == b.ak and a.security_token == b.security_token
end

--- The stored credential if it may be used: readable, not due for renewal, not the refused one.
local function read(ctx, key)
  local text, broken, err = ask(ctx, "get", key)
  local entry = text and core.decode(text)
  if type(entry) ~= "table" or type(entry.auth) ~= "table" then
    return nil, broken, err
  end
  local found = credential.read(entry.auth)
  ctx.hide(found or {})
  local now = core.time()
  if
    not found
    or type(entry.expires) ~= "number"
    or type(entry.renew) ~= "number"
    or entry.renew <= now
    or entry.expires <= now
    or entry.expires - now > LONGEST_LIFE
    or same(found, ctx.refused)
  then
    return nil
  end
  found.expires_in, found.renew_in = entry.expires - now, entry.renew - now
  return found
end

local function write(ctx, key, found)
  ctx.hide(found)
  local now = core.time()
  local text = core.encode {
    auth = credential.for_core(found),
    expires = now + found.expires_in,
    renew = now + life.until_renewal(found),
  }
  local _, _, err = ask(ctx, "set", key, text, found.expires_in)
  return err
end

--- Notes that a lock is held here, until it is let go of.
local function noted(key, unlock)
  held[key] = true
  return function()
    held[key] = nil
    unlock()
  end
end

--- Waits for the lock, or for what its owner fetches meanwhile.
---@return table? found
---@return function? unlock
---@return table? err
local function lock(ctx, key)
  local pause, began = FIRST_LOOK, core.now()
  while true do
    local found, broken, err = read(ctx, key)
    if found or err then
      return found, nil, err
    end
    local unlock
    if not broken then
      unlock, broken, err = ask(ctx, "lock", key, LOCK_LIFE)
    end
    if unlock or broken then
      return nil, unlock and noted(key, unlock), err
    elseif core.now() - began >= (held[key] and OWN_PATIENCE or LOCK_LIFE) then
      ctx.warn "somebody else has held the token store's lock for too long; going on without it"
      return nil
    end
    local slept
    slept, err = ctx.await(ctx.client:sleep(pause))
    if not slept then
      return nil, nil, err
    end
    pause = math.min(pause * 1.5, LONGEST_LOOK)
  end
end

--- Lets go of the lock that a fetch has taken; also of one that was broken off.
---@param state table of the sign-in
function M.let_go(state)
  local unlock = state.unlock
  state.unlock = nil
  if unlock then
    pcall(unlock)
  end
end

--- Answers the stored credential, or fetches one and stores it.
---@param ctx table
---@param key string
---@param fetch fun(): table?, table? answers a credential with expires_in
---@return table? credential
---@return table? err
function M.fetch(ctx, key, fetch)
  local found, unlock, err = lock(ctx, key)
  if found or err then
    return found, err
  end
  if not unlock then
    return fetch()
  end
  ctx.state.unlock = unlock
  local _
  found, _, err = read(ctx, key) -- it may have come between the look and the lock
  if not found and not err then
    found, err = fetch()
    local problem = found and write(ctx, key, found)
    if problem then
      found, err = nil, problem
    end
  end
  M.let_go(ctx.state)
  return found, err
end

return M
