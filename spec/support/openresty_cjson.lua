--- lua-cjson as OpenResty's variant behaves, made of the packaged one, where the difference could
--- reach us: integers stay integers from Lua 5.3 on, exact up to 64 bits, and there are more settings.

local cjson = require("cjson")

local INTEGER = "\1integer:"
local to_integer = math.tointeger -- nil before 5.3

-- Puts each integer of a JSON text into quotes, marked.
local function mark(text)
  local parts, at = {}, 1
  while at <= #text do
    local quote = text:find('"', at, true) or #text + 1
    local outside = text:sub(at, quote - 1)
    parts[#parts + 1] = outside:gsub("%f[%w.+-](%-?%d+)%f[^%w.+-]()", function(number, behind)
      local is_value = not number:find("^%-?0%d") and not outside:find("^%s*:", behind)
      return is_value and ('"\\u0001integer:%s"'):format(number) or nil
    end)
    local stop = quote
    repeat
      stop = text:find('["\\]', stop + 1)
      local escaped = stop and text:byte(stop) == 92
      stop = stop and (escaped and stop + 1 or stop)
    until not escaped
    stop = stop or #text
    parts[#parts + 1] = text:sub(quote, stop)
    at = stop + 1
  end
  return table.concat(parts)
end

local function number_of(text)
  local value = tonumber(text)
  if to_integer and not to_integer(text) and math.type(value) == "float" then
    -- What strtoll makes of digits beyond 64 bits.
    return text:sub(1, 1) == "-" and math.mininteger or math.maxinteger
  end
  return value
end

local function unmark(value)
  if type(value) == "string" and value:sub(1, #INTEGER) == INTEGER then
    return number_of(value:sub(#INTEGER + 1))
  elseif type(value) == "table" then
    for key, member in pairs(value) do
      value[key] = unmark(member)
    end
  end
  return value
end

local M = {}

local function setting()
  return function(value)
    return value
  end
end

function M.new()
  local real = cjson.new()
  local instance = {
    new = M.new,
    null = cjson.null,
    _NAME = "cjson",
    _VERSION = "2.1.0.17",
    encode = real.encode,
    empty_array = cjson.null,
    empty_array_mt = {},
    array_mt = {},
    decode = function(text)
      real.decode(text) -- raises at once where `mark` would go through megabytes
      return unmark(real.decode(mark(text)))
    end,
  }
  for name, f in pairs(real) do
    if name:find("^[de][en]code_") then
      instance[name] = f
    end
  end
  for _, name in ipairs({
    "decode_array_with_array_mt",
    "decode_allow_comment",
    "encode_empty_table_as_object",
    "encode_escape_forward_slash",
    "encode_indent",
    "encode_skip_unsupported_value_types",
  }) do
    instance[name] = setting()
  end
  return instance
end

for name, value in pairs(M.new()) do
  M[name] = value
end

return M
