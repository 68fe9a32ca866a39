-- JSON for the sandbox: read by a private lua-cjson instance, written here, because only the writer of an answer knows whether an
-- empty table is a list, and because sorted members make answers easy to compare.

local cjson = require "cjson"
local utf8 = require "codearts.build.sandbox.utf8"

local M = {}

local reader = cjson.new()
reader.decode_invalid_numbers(false)
reader.decode_max_depth(64)

M.null = cjson.null

local LIST = {}

---Marks a table as a JSON array, empty or not.
---@param items table
---@return table items the same table
function M.list(items)
  return setmetatable(items, LIST)
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text)
  return '"'
    .. text:gsub('[%z\1-\31\127"\\]', function(c)
      return ESCAPES[c] or string.format("\\u%04x", c:byte())
    end)
    .. '"'
end

local write

local function write_list(items)
  local out = {}
  for i, item in ipairs(items) do
    out[i] = write(item)
  end
  return "[" .. table.concat(out, ",") .. "]"
end

local function write_object(members)
  local names, out = {}, {}
  for name in pairs(members) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    out[i] = quote(name) .. ":" .. write(members[name])
  end
  return "{" .. table.concat(out, ",") .. "}"
end

function write(value)
  local kind = type(value)
  if value == M.null then
    return "null"
  elseif kind == "string" then
    return quote(value)
  elseif kind == "number" then
    local text = string.format(value == math.floor(value) and "%.0f" or "%.14g", value)
    return (text:gsub("[^%de+-]+", ".")) -- some locales write a comma
  elseif kind == "boolean" then
    return tostring(value)
  elseif getmetatable(value) == LIST then
    return write_list(value)
  end
  return write_object(value)
end

---@param value any strings (UTF-8), finite numbers, booleans, `null`, tables (an object unless marked by `list`)
---@return string json
M.encode = write

---@param text string
---@return any|nil value
---@return string|nil message why the text is not JSON
function M.decode(text)
  if not utf8.count(text) then
    return nil, "the text is not UTF-8"
  end
  local ok, value = pcall(reader.decode, text)
  if not ok then
    return nil, (tostring(value):gsub("^.-:%d+: ", ""))
  end
  return value
end

return M
