--- Reads JSON and keeps the order of object members, which lua-cjson loses and the operation rows need.
-- An array becomes a list; an object becomes a list of { key, value } pairs that is also indexed by key.
-- JSON null becomes `ordered_json.null`. Raises a string with the byte position on malformed text.
local ordered_json =
  { null = setmetatable({}, {
    __tostring = function()
      return "null"
    end,
  }) }

local ESCAPES = {
  b = "\b",
  f = "\f",
  n = "\n",
  r = "\r",
  t = "\t",
  ['"'] = '"',
  ["\\"] = "\\",
  ["/"] = "/",
}

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function fail(at, what)
  error(("JSON: %s expected at byte %d"):format(what, at), 0)
end

local function read_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('["\\]', at) or fail(at, "end of string")
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    local mark = text:sub(stop + 1, stop + 1)
    parts[#parts + 1] = ESCAPES[mark] or fail(stop, "known escape")
    at = stop + 2
  end
end

local read_value

local function read_members(text, at, close, read_member)
  at = skip(text, at + 1)
  if text:sub(at, at) == close then
    return at + 1
  end
  while true do
    at = skip(text, read_member(at))
    local mark = text:sub(at, at)
    if mark == close then
      return at + 1
    end
    if mark ~= "," then
      fail(at, "comma")
    end
    at = skip(text, at + 1)
  end
end

local function read_array(text, at)
  local list = {}
  local stop = read_members(text, at, "]", function(from)
    local value, after = read_value(text, from)
    list[#list + 1] = value
    return after
  end)
  return list, stop
end

local function read_object(text, at)
  local object = {}
  local stop = read_members(text, at, "}", function(from)
    local key, colon = read_string(text, from)
    colon = skip(text, colon)
    if text:sub(colon, colon) ~= ":" then
      fail(colon, "colon")
    end
    local value, after = read_value(text, skip(text, colon + 1))
    object[#object + 1] = { key, value }
    object[key] = value
    return after
  end)
  return object, stop
end

local WORDS = { ["true"] = true, ["false"] = false, null = ordered_json.null }

function read_value(text, at)
  local mark = text:sub(at, at)
  if mark == '"' then
    return read_string(text, at)
  elseif mark == "{" then
    return read_object(text, at)
  elseif mark == "[" then
    return read_array(text, at)
  end
  local word = text:match("^%a+", at)
  if word and WORDS[word] ~= nil then
    return WORDS[word], at + #word
  end
  local number = text:match("^%-?%d+%.?%d*[eE]?[+-]?%d*", at) or fail(at, "value")
  return tonumber(number), at + #number
end

---@param text string
---@return any
function ordered_json.decode(text)
  local value, after = read_value(text, skip(text, 1))
  if skip(text, after) <= #text then
    fail(after, "end of text")
  end
  return value
end

return ordered_json
