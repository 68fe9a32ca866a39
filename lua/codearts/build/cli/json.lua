--- JSON as the command prints it: one line, members sorted by name, so that the same answer is the same text.
local ascii = require "codearts.build.ascii"
local attempt = require "codearts.build.cli.attempt"
local given = require "codearts.build.cli.given"

local json = {}

--- A number beyond all doubles, which JSON can write and no parser keeps: the service may send one anywhere, and what it said
-- beside that has to be told.
local function is_beyond(value)
  return type(value) == "number" and not (value > -math.huge and value < math.huge)
end

--- A value that is no table. What --json says about a core that cannot be loaded has to do without it, so the little that is
-- needed of its encoder is here too: text without control characters.
local function encode_scalar(value)
  if is_beyond(value) then
    return "null"
  end
  local ok, core = attempt(require, "codearts.build.core")
  if ok then
    -- A log in another encoding is no reason to say nothing.
    return core.encode(type(value) == "string" and core.repair(value) or value)
  elseif type(value) == "string" then
    local escaped = value:gsub('["\\' .. ascii.CONTROLS .. "]", function(character)
      return ("\\u%04x"):format(character:byte())
    end)
    return '"' .. escaped .. '"'
  end
  return tostring(value)
end

local ARRAY = {}

--- Marks a table as an array, which an empty one does not show by itself.
---@param list table
---@return table list
function json.array(list)
  return setmetatable(list, ARRAY)
end

local encode

local function encode_members(value)
  local keys, parts = {}, {}
  for key in next, value do
    keys[#keys + 1] = tostring(key)
  end
  table.sort(keys)
  for index, key in ipairs(keys) do
    parts[index] = encode_scalar(key) .. ":" .. encode(value[key])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  if type(value) ~= "table" then
    return encode_scalar(value)
  elseif getmetatable(value) == ARRAY or rawget(value, 1) ~= nil then
    local parts = {}
    for index = 1, #value do
      parts[index] = encode(value[index])
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  return encode_members(value)
end

---@param value any what JSON can hold; functions and the like are an error of ours
---@return string
json.encode = encode

local ERROR_MEMBERS = {
  "kind",
  "message",
  "outcome",
  "operation",
  "status",
  "error_code",
  "error_msg",
  "request_id",
  "attempts",
  "retryable",
  "field",
  "reason",
  "build_status",
  "fence_at",
  "owner",
}

-- Words of this library's own.
local OURS = { kind = true, reason = true, operation = true, outcome = true }

--- A structured error as plain data.
---@param err table
---@return table
function json.of_error(err)
  local data = {}
  for _, name in ipairs(ERROR_MEMBERS) do
    local value = err[name]
    data[name] = type(value) == "string" and not OURS[name] and given.masked(value) or value
  end
  return data
end

return json
