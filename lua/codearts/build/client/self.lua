--- Which values are clients: a method that is called without its colon gets another one.
local problems = require "codearts.build.problem"

local M = {}

-- All there are: asked in every call, where getmetatable would look for __metatable first.
local clients = setmetatable({}, { __mode = "k" })

---@param client codearts.build.Client a new one
function M.add(client)
  clients[client] = true
end

--- Raises a usage error if it is none.
---@param self any
---@param outcome? "not_started" for the error
function M.check(self, outcome)
  if not clients[self] then
    local why = "self: must be a client; call its methods with a colon"
    error(problems.usage("self", why, outcome), 0)
  end
end

return M
