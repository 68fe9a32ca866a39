--- Arguments that an operation takes, made from its row.

local operation_request = require "codearts.build.operations.request"
local rows = require "codearts.build.operations.rows"

--- A value of a type of the rows, small but not empty.
local function sample(kind, depth)
  depth = depth or 0
  local element = kind:match "^array<(.*)>$"
  if element then
    return depth > 3 and {} or { sample(element, depth + 1) }
  end
  element = kind:match "^map<string,(.*)>$"
  if element then
    return { key = sample(element, depth + 1) }
  end
  local plain = {
    string = "text/ä",
    integer = 7,
    number = 1.5,
    boolean = true,
    object = { free = "form" },
    file = "\0\255",
  }
  if plain[kind] ~= nil then
    return plain[kind]
  end
  local value = {}
  for _, field in ipairs(rows.models[kind]) do
    if depth < 4 or field[3] then
      value[field[1]] = sample(field[2], depth + 1)
    end
  end
  return value
end

--- Arguments for an operation: each that its row knows.
---@param row table of the operations
---@return table
return function(row)
  local args = {}
  for name, kind in pairs(operation_request.argument_types(row)) do
    args[name] = sample(kind)
  end
  return args
end
