--- Where fetched tokens are kept, so that many clients, workers or processes share one. A store is
--- any table with these three functions, none of which may block or yield; problems are told as a
--- text (signing in goes on without the store, with a warning) or as a structured error (signing in
--- fails with it):
---
---   get(key) -> text | nil [, problem]
---   set(key, text, life) -> true | nil, problem          life: seconds after which it is of no use
---   lock(key, life) -> unlock function | nil [, problem]  nil alone: somebody else has it
local core = require "codearts.build.core"

local M = {}

---@class codearts.build.TokenStore
---@field get fun(key: string): string?, any
---@field set fun(key: string, text: string, life: number): boolean?, any
---@field lock fun(key: string, life: number): function?, any

--- In this Lua state. Each client has one of its own unless it is given a store.
---@return codearts.build.TokenStore
function M.memory()
  local texts, locks = {}, {}
  return {
    get = function(key)
      return texts[key]
    end,
    set = function(key, text)
      texts[key] = text
      return true
    end,
    lock = function(key, life)
      local now = core.now()
      if locks[key] and locks[key] > now then
        return nil
      end
      local mine = now + life
      locks[key] = mine
      return function()
        if locks[key] == mine then
          locks[key] = nil
        end
      end
    end,
  }
end

--- In a file that only this user may read. Shared by all processes on this machine; the file is
--- replaced atomically, and a lock on `path .. ".lock"` keeps two processes from signing in at once.
---@param path string the folder must exist
---@return codearts.build.TokenStore
function M.file(path)
  return require("codearts.build.token_store.file").new(path)
end

--- In a shared dictionary of nginx, so that all workers share one.
---@param dict table ngx.shared.NAME
---@return codearts.build.TokenStore
function M.shared_dict(dict)
  return require("codearts.build.token_store.shared_dict").new(dict)
end

return M
