--- Records in files: one for each key, held by the system's own lock while a call has it.
local core = require "codearts.build.core"
local pause = require "codearts.build.client.pause"

local M = {}

local function config_error(message)
  return core.error { kind = "config", field = "key_store", message = message }
end

local function store_error(message)
  return core.error {
    kind = "key",
    reason = "store",
    field = "key_store",
    message = "key store: " .. message,
    retryable = false,
  }
end

--- A worker of nginx must not wait for a disk, and what it writes is no other machine's.
local function refusal_in_nginx()
  local ngx = rawget(_G, "ngx")
  return type(ngx) == "table"
      and ngx.get_phase
      and store_error "files would block a worker of nginx: use key_store.etcd there"
    or nil
end

local function default_folder(getenv)
  local state, home = getenv "XDG_STATE_HOME", getenv "HOME"
  if state and state:sub(1, 1) == "/" then
    return state .. "/codearts-build/keys"
  elseif home and home:sub(1, 1) == "/" then
    return home .. "/.local/state/codearts-build/keys"
  end
  error(config_error "the key store needs a folder, XDG_STATE_HOME or HOME", 0)
end

---@class codearts.build.FileStore
---@field folder string
---@field given boolean the folder was named, so it may vanish
---@field journals table<string, userdata> key -> journal that is held
---@field store codearts.build.KeyStore
---@field warned table<string, boolean>
---@field written fun(list?: table) looks at how a record was written
local File = {}
File.__index = File

--- Tells the next call's listeners, once for each reason.
function File:warn(reason, text, ...)
  if not self.warned[reason] then
    self.warned[reason] = true
    self.store.warnings = self.store.warnings or {}
    table.insert(self.store.warnings, text:format(...))
  end
end

--- Who may let go of a journal keeps it: what is collected with a client in the middle of a start is closed
--- with it, and its key is free.
local function weak_values()
  return setmetatable({}, { __mode = "v" })
end

local function name_of(key)
  return core.sha256(key):sub(1, 40) .. ".key"
end

function File:open(name)
  return core.journal.open(self.folder, name, self.given)
end

function File:peek(name)
  return core.journal.peek(self.folder, name, self.given)
end

--- The journal of a key that a call of this process holds. What was held when a child was forked is its
--- parent's: the child opens its own.
function File:held(key)
  local journal = self.journals[key]
  return journal and journal:is_own() and journal or nil
end

--- See codearts.build.KeyStore.
function File:hold(key)
  local nginx = refusal_in_nginx()
  if nginx then
    return nil, nginx
  end
  local journal, err = self:open(name_of(key))
  if not journal then
    return nil, err
  end
  self.journals[key] = journal
  local system = journal:vanishes()
  if system then
    self:warn("vanishes", "the key store %s is on %s, which vanishes", self.folder, system)
  end
  return function()
    if self.journals[key] == journal then
      self.journals[key] = nil
    end
    journal:close()
  end
end

--- See codearts.build.KeyStore.
function File:holder(key)
  local process = core.process()
  if not self:held(key) then
    process.pid = core.journal.holder(self.folder, name_of(key))
  end
  return process.pid and process
end

--- See codearts.build.KeyStore.
function File:get(key)
  local held = self:held(key)
  if held then
    return held:read()
  end
  return self:peek(name_of(key))
end

--- Adds the record if it follows the one of that version. Answers the work, which answers the new version, or with `now`
--- that version; or what put answers when it cannot be.
local function append(journal, text, version, now)
  local done, err = journal:append(text, version, now)
  if done or err then
    return done, err
  end
  local line, there = journal:read()
  return nil, line, there
end

--- See codearts.build.KeyStore. Writes under the lock of who holds the key, else under one of its own; in a thread, but
--- for who waits for that alone, outside of steps.
function File:put(key, text, version, client, waits)
  local held, own = self:held(key), nil
  if not held then
    local err
    own, err = self:open(name_of(key))
    if not own then
      return nil, err or store_error "the key is held by another process"
    end
  end
  local now = waits and client.core:is_still()
  local work, line, there = append(held or own, text, version, now)
  if own then
    own:close() -- when the work is done
  end
  if now or not work then
    return work, line, there
  end
  local open, call = pcall(client.perform, client, work)
  if not open and core.is_error(call) then -- the client was closed: what it did not send is to be known all the same
    return work:run()
  elseif not open then
    error(call, 0)
  end
  return call:on_done(self.written)
end

--- The texts of all records; `go_on` is called before each, and may answer nil and why there is no going on.
local function read_all(self, names, go_on)
  local texts = {}
  for _, name in ipairs(names) do
    if name:find "%.key$" then
      local ok, problem = go_on()
      if not ok then
        return nil, problem
      end
      local text, err = self:peek(name)
      if core.is_error(err) then
        return nil, err
      end
      texts[#texts + 1] = text
    end
  end
  return texts
end

--- See codearts.build.KeyStore. Without their locks: what is there now. Over several steps of a client, which others share;
--- without one at once.
function File:list(client)
  local names, problem, missing = core.file.names(self.folder)
  if not names and not missing then
    return nil, store_error(self.folder .. ": " .. problem)
  elseif not names or not client then
    return read_all(self, names or {}, function()
      return true
    end)
  end
  return client:task(function(await)
    local texts, err = read_all(self, names, pause(await, client))
    return texts and { texts }, err
  end)
end

--- The folder and how many keys it holds, if it can be trusted; makes nothing.
function File:check()
  local _, err = self:peek "check.key"
  if core.is_error(err) then
    return nil, err
  end
  local names, problem, missing = core.file.names(self.folder)
  if missing then
    return self.folder .. ", not made yet"
  elseif not names then
    return nil, store_error(self.folder .. ": " .. problem)
  end
  local keys = 0
  for _, name in ipairs(names) do
    keys = keys + (name:find "%.key$" and 1 or 0)
  end
  _, err = core.journal.peek(self.folder, "check.key", false)
  local vanishing = core.is_error(err) and ", which vanishes with its container or the next boot"
    or ""
  return ("%s, %d keys%s"):format(self.folder, keys, vanishing)
end

--- A store in a folder. Reads and writes nothing yet. A folder that is given may be on a file system
--- that vanishes with its container or the next boot; the default one may not.
---@param folder? string
---@param getenv? fun(name: string): string? default os.getenv
---@return codearts.build.KeyStore
function M.new(folder, getenv)
  local given = folder ~= nil
  if given and (type(folder) ~= "string" or folder:find("\0", 1, true)) then
    error(config_error "the key store wants the path of a folder", 0)
  elseif given and folder:sub(1, 1) ~= "/" then
    error(
      config_error "the path of the key store must begin with /: any other names a folder for each place that a program is started from",
      0
    )
  end
  folder = folder or default_folder(getenv or os.getenv)
  local store = { folder = folder, never_yields = true }
  local self = setmetatable(
    { folder = folder, given = given, journals = weak_values(), store = store, warned = {} },
    File
  )
  function self.written(list)
    if list and list[2] == "blocked" then
      self:warn("blocked", "no thread can be made: each record is written while all else waits")
    end
  end
  for _, name in ipairs { "hold", "holder", "get", "put", "list", "check" } do
    local method = self[name]
    store[name] = function(key, text, version, client, waits)
      return method(self, key, text, version, client, waits)
    end
  end
  return store
end

return M
