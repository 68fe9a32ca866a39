--- Base64 (RFC 4648, 4), for the JSON of gateways that carry bytes in it.
local M = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local DIGITS, VALUES = {}, {}
for i = 1, #ALPHABET do
  local digit = ALPHABET:sub(i, i)
  DIGITS[i - 1], VALUES[digit] = digit, i - 1
end

local function group(a, b, c)
  local n = a * 65536 + (b or 0) * 256 + (c or 0)
  return DIGITS[math.floor(n / 262144)]
    .. DIGITS[math.floor(n / 4096) % 64]
    .. (b and DIGITS[math.floor(n / 64) % 64] or "=")
    .. (c and DIGITS[n % 64] or "=")
end

---@param bytes string
---@return string
function M.encode(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    out[#out + 1] = group(bytes:byte(i, i + 2))
  end
  return table.concat(out)
end

--- nil for what is no base64.
---@param text string
---@return string?
function M.decode(text)
  local digits = text:match "^([A-Za-z0-9+/]*)=?=?$"
  if not digits or #text % 4 ~= 0 then
    return nil
  end
  local out = {}
  for i = 1, #digits, 4 do
    local a, b = digits:sub(i, i), digits:sub(i + 1, i + 1)
    local c, d = digits:sub(i + 2, i + 2), digits:sub(i + 3, i + 3)
    if b == "" then
      return nil
    end
    local n = VALUES[a] * 262144 + VALUES[b] * 4096 + (VALUES[c] or 0) * 64 + (VALUES[d] or 0)
    local bytes = string.char(math.floor(n / 65536), math.floor(n / 256) % 256, n % 256)
    out[#out + 1] = bytes:sub(1, d ~= "" and 3 or c ~= "" and 2 or 1)
  end
  return table.concat(out)
end

return M
