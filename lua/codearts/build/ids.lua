--- The form of ids and numbers. Pure, and without the core.
local ascii = require "codearts.build.ascii"

local ids = {}

--- Whether a value has the form of the id of a job or a project: 32 letters and digits (API reference 7.9; the
--- service's own are in lower case).
---@param value any
---@return boolean
function ids.is_id(value)
  return type(value) == "string" and #value == 32 and value:find "^[0-9A-Za-z]+$" ~= nil
end

--- A build number, which older editions of the service write as a text; nil for what cannot be one.
---@param value any
---@return integer?
function ids.build_number(value)
  local number = type(value) == "number" and value
    or type(value) == "string" and ascii.number(value)
    or 0
  local fits = number >= 1 and number <= 2147483647 and number == math.floor(number)
  return fits and math.floor(number) or nil
end

return ids
