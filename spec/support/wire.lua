--- Lua values as bytes, for the control channel between a spec and its servers.
--- Tables may hold strings, numbers, booleans and such tables; strings may hold any byte.

local M = {}

local function encode(value, out)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = "s" .. #value .. ":" .. value
  elseif kind == "number" then
    local text = value % 1 == 0 and ("%.0f"):format(value) or ("%.17g"):format(value)
    text = text:gsub(",", ".") -- a spec may run in another locale than its server
    out[#out + 1] = "n" .. #text .. ":" .. text
  elseif kind == "boolean" then
    out[#out + 1] = value and "t" or "f"
  elseif kind == "table" then
    out[#out + 1] = "{"
    for key, member in pairs(value) do
      encode(key, out)
      encode(member, out)
    end
    out[#out + 1] = "}"
  elseif kind == "nil" then
    out[#out + 1] = "-"
  else
    error("cannot send a " .. kind)
  end
end

local function decode(text, at)
  local tag = text:sub(at, at)
  if tag == "s" or tag == "n" then
    local length, start = text:match("^(%d+):()", at + 1)
    local bytes = text:sub(start, start + length - 1)
    if tag == "n" then
      bytes = tonumber(bytes) or tonumber((bytes:gsub("%.", ",")))
    end
    return bytes, start + length
  elseif tag == "{" then
    local result = {}
    at = at + 1
    while text:sub(at, at) ~= "}" do
      local key, member
      key, at = decode(text, at)
      member, at = decode(text, at)
      result[key] = member
    end
    return result, at + 1
  end
  if tag == "-" then
    return nil, at + 1
  end
  return tag == "t", at + 1
end

---@param value any
---@return string message a line that holds the length, then the value
function M.pack(value)
  local out = {}
  encode(value, out)
  local text = table.concat(out)
  return #text .. "\n" .. text
end

---@param text string what follows the length line
---@return any
function M.unpack(text)
  return (decode(text, 1))
end

return M
