--- How results and errors came to be: what the core knows of a call, and what keys add.
local core = require "codearts.build.core"

local M = {}

local added = setmetatable({}, { __mode = "k" })

--- Adds members for a result or error; they go before the core's.
---@param value table
---@param members table
function M.add(value, members)
  added[value] = members
end

--- See build.meta.
---@param value any
---@return codearts.build.Meta?
function M.of(value)
  local meta, more = core.meta(value), value ~= nil and added[value] or nil
  if not more then
    return meta
  end
  meta = meta or {}
  for name, member in next, more do
    meta[name] = member
  end
  return meta
end

return M
