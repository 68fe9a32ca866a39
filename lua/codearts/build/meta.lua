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

--- All of it, as it is: for this library's own modules.
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

--- See build.meta. `shown` of what was added stands for members that must not be told as they are.
---@param value any
---@return codearts.build.Meta?
function M.told(value)
  local meta = M.of(value)
  local shown = meta and meta.shown
  for name, member in next, shown or {} do
    meta[name] = member
  end
  if meta then
    meta.shown, meta.under_way = nil, nil
  end
  return meta
end

--- That a cache on the way has kept an answer, which may have changed since: "a cache on the way has kept the answer for 45 s".
---@param value any the answer, or its error
---@param operation? string which answered
---@return string? words nil: none has, as far as is known
function M.kept(value, operation)
  local age = (M.of(value) or {}).age
  local of = operation and " of " .. operation or ""
  return age and ("a cache on the way has kept the answer%s for %d s"):format(of, age)
end

return M
