--- Options against a second build that a table has not itself, but from its metatable.
---
--- Options are what their table holds: what it only seems to hold is passed over. A key or a store that is passed
--- over is a second build, and without its run id nobody finds the first, so that these are refused.
local problems = require "codearts.build.problem"

local NAMES = { "key", "key_wait", "when_lost", "settle", "run_id", "key_store" }

local inherited = {}

local function get(opts, name)
  return opts[name]
end

--- The first such option that a table inherits.
---@param opts table
---@return string? name
function inherited.name(opts)
  if getmetatable(opts) == nil then
    return nil
  end
  for _, name in ipairs(NAMES) do
    if rawget(opts, name) == nil then
      local ok, value = pcall(get, opts, name)
      if ok and value ~= nil then
        return name
      end
    end
  end
end

--- Whether a start is one of several that share a key; or was meant to be, or to be found again: it is refused then.
---@param opts any
---@return boolean
function inherited.has_key(opts)
  return type(opts) == "table" and (rawget(opts, "key") ~= nil or inherited.name(opts) ~= nil)
end

--- Raises a usage error when there is one.
---@param opts table
function inherited.refuse(opts)
  local name = inherited.name(opts)
  if name then
    problems.refuse(
      name,
      name .. ": must be in the table of options itself, not in its metatable",
      "not_started"
    )
  end
end

return inherited
