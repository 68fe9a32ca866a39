--- The form of ids. Pure, and without the core.
local ids = {}

--- Whether a value has the form of the id of a job or a project: 32 letters and digits (API reference 7.9; the
--- service's own are in lower case).
---@param value any
---@return boolean
function ids.is_id(value)
  return type(value) == "string" and #value == 32 and value:find "^[0-9A-Za-z]+$" ~= nil
end

return ids
