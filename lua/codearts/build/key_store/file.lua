--- Records in files: one for each key, held by the system's own lock while a call has it.
local core = require "codearts.build.core"

local M = {}

local function config_error(message)
  return core.error { kind = "config", field = "key_store", message = message }
end

local function warn(store, text)
  store.warnings = store.warnings or {}
  table.insert(store.warnings, text)
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
  local ngx = _G.ngx -- luacheck: ignore
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

--- A store in a folder. Reads and writes nothing yet. A folder that is given may be on a file system
--- that vanishes with its container or the next boot; the default one may not.
---@param folder? string
---@param getenv? fun(name: string): string? default os.getenv
---@return codearts.build.KeyStore
function M.new(folder, getenv)
  local given = folder ~= nil
  if given and (type(folder) ~= "string" or folder == "" or folder:find("\0", 1, true)) then
    error(config_error "the key store wants the path of a folder", 0)
  end
  folder = folder or default_folder(getenv or os.getenv)
  local journals = {} -- name -> journal that is held
  local blocked, vanishes = false, false -- what was warned of
  local store = { folder = folder }

  local function name_of(key)
    return core.sha256(key):sub(1, 40) .. ".key"
  end

  function store.hold(key)
    local nginx = refusal_in_nginx()
    if nginx then
      return nil, nginx
    end
    local name = name_of(key)
    local journal, err = core.journal.open(folder, name, given)
    if not journal then
      return nil, err
    end
    journals[name] = journal
    local system = journal:vanishes()
    if system and not vanishes then
      vanishes = true
      warn(store, ("the key store %s is on %s, which vanishes"):format(folder, system))
    end
    return function()
      if journals[name] == journal then
        journals[name] = nil
      end
      journal:close()
    end
  end

  function store.get(key)
    local name = name_of(key)
    if journals[name] then
      return journals[name]:read()
    end
    return core.journal.peek(folder, name, given)
  end

  --- Writes under the lock of who holds the key, else under one of its own.
  function store.put(key, text, version, client)
    local name = name_of(key)
    local journal, own = journals[name], nil
    if not journal then
      local err
      own, err = core.journal.open(folder, name, given)
      if not own then
        return nil,
          err or core.error {
            kind = "key",
            reason = "store",
            field = "key_store",
            message = "the key is held by another process",
          }
      end
      journal = own
    end
    local line, there = journal:read()
    if there ~= (version or 0) then
      if own then
        own:close()
      end
      if core.is_error(there) then
        return nil, there
      end
      return nil, line, there
    end
    local work, err = journal:append(text)
    if own then
      own:close() -- when the work is done
    end
    if not work then
      return nil, err
    end
    local call = client:perform(work)
    return client:task(function(await)
      local done, problem = await(call)
      if problem then
        return nil, problem
      elseif done == "blocked" and not blocked then
        blocked = true
        warn(store, "no thread can be made: each record is written while all else waits")
      end
      return { there + #text + 1 }
    end)
  end

  --- Without their locks: what is there now.
  function store.list()
    local names, problem, missing = core.file.names(folder)
    local texts = {}
    if not names and not missing then
      return nil, store_error(folder .. ": " .. problem)
    end
    for _, name in ipairs(names or {}) do
      if name:find "%.key$" then
        local text, err = core.journal.peek(folder, name, given)
        if core.is_error(err) then
          return nil, err
        end
        texts[#texts + 1] = text
      end
    end
    return texts
  end

  --- The folder and how many keys it holds, if it can be trusted; makes nothing.
  function store.check()
    local _, err = core.journal.peek(folder, "check.key", given)
    if core.is_error(err) then
      return nil, err
    end
    local names, problem, missing = core.file.names(folder)
    if missing then
      return folder .. ", not made yet"
    elseif not names then
      return nil, store_error(folder .. ": " .. problem)
    end
    _, err = core.journal.peek(folder, "check.key", false)
    local keys = 0
    for _, name in ipairs(names) do
      keys = keys + (name:find "%.key$" and 1 or 0)
    end
    local vanishes = core.is_error(err) and ", which vanishes with its container or the next boot"
      or ""
    return ("%s, %d keys%s"):format(folder, keys, vanishes)
  end

  return store
end

return M
