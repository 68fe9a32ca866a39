--- Tokens in a shared dictionary of nginx. `add` is atomic there, so it serves as the lock; a lock
--- whose worker died goes away with its time.
local core = require "codearts.build.core"

local M = {}

local PREFIX = "codearts.build "

--- A store in a dictionary that the workers of one nginx share.
---@param dict table ngx.shared.NAME
---@return codearts.build.TokenStore
function M.new(dict)
  if (type(dict) ~= "table" and type(dict) ~= "userdata") or not dict.add then
    error(
      core.error {
        kind = "config",
        field = "token_store",
        message = "the token store wants a shared dictionary: lua_shared_dict NAME 1m, then ngx.shared.NAME",
      },
      0
    )
  end
  return {
    get = function(key)
      return dict:get(PREFIX .. key)
    end,
    set = function(key, text, life)
      local ok, problem = dict:set(PREFIX .. key, text, life)
      return ok or nil, problem
    end,
    lock = function(key, life)
      local name = PREFIX .. "lock " .. key
      local ok, problem = dict:add(name, true, life)
      if ok then
        return function()
          dict:delete(name)
        end
      end
      return nil, problem ~= "exists" and problem or nil
    end,
  }
end

return M
