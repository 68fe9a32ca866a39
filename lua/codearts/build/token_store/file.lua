--- Tokens in a private file: {"codearts_build_tokens": {key: {text, expires}}}.
local core = require "codearts.build.core"
local shown = require "codearts.build.shown"

local M = {}

local MARK = "codearts_build_tokens"

local function refuse(path, why)
  return core.error {
    kind = "config",
    field = "token_store",
    message = ("token store %s %s"):format(shown.path(path), why),
  }
end

-- Any bit of group and others.
local function is_private(about)
  return about.mine and about.mode % 64 == 0
end

--- Reads all entries; none for a file that does not exist. Refuses a file that others can read or
--- write, and one that something else wrote.
local function read_all(path)
  local text, about, missing = core.file.read(path)
  if not text then
    if missing then
      return {}
    end
    return nil, ("token store %s: %s"):format(shown.path(path), about)
  elseif not is_private(about) then
    return nil, refuse(path, "must belong to this user, and nobody else may touch it (chmod 600)")
  elseif text == "" then
    return {}
  end
  local content = core.decode(text)
  local entries = type(content) == "table" and content[MARK]
  if type(entries) ~= "table" then
    return nil, refuse(path, "is a file of another kind")
  end
  return entries
end

--- A copy without the entries that are over.
local function living(entries)
  local now, copy = core.time(), {}
  for key, entry in pairs(entries) do
    if type(entry) == "table" and type(entry.expires) == "number" and entry.expires > now then
      copy[key] = { text = entry.text, expires = entry.expires }
    end
  end
  return copy
end

--- A store in a file that the processes of one user share. Reads and writes nothing yet.
---@param path string
---@return codearts.build.TokenStore
function M.new(path)
  if type(path) ~= "string" or path == "" or path:find("\0", 1, true) then
    error(
      core.error {
        kind = "config",
        field = "token_store",
        message = "the token store wants the path of a file",
      },
      0
    )
  end
  local store = {}

  function store.get(key)
    local entries, problem = read_all(path)
    if not entries then
      return nil, problem
    end
    local entry = living(entries)[key]
    return entry and type(entry.text) == "string" and entry.text or nil
  end

  -- Called with the lock held, so nothing is lost between reading and writing.
  function store.set(key, text, life)
    local entries, problem = read_all(path)
    if not entries then
      return nil, problem
    end
    entries = living(entries)
    entries[key] = { text = text, expires = core.time() + life }
    local ok
    ok, problem = core.file.replace(path, core.encode { [MARK] = entries })
    if not ok then
      return nil, ("token store %s: %s"):format(shown.path(path), problem)
    end
    return true
  end

  -- One lock for all keys: they share the file. The system drops it when the process ends.
  function store.lock()
    local lock, problem = core.file.lock(path .. ".lock")
    if lock then
      return function()
        lock:release()
      end
    end
    return nil, problem and ("token store %s.lock: %s"):format(shown.path(path), problem)
  end

  return store
end

return M
