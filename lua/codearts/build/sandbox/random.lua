-- Identifiers and secrets from the system's random numbers (luaossl comes with lua-http).

local rand = require "openssl.rand"

local M = {}

---@param count integer how many characters
---@return string text of 0-9 and a-f
function M.hex(count)
  return (rand.bytes(math.ceil(count / 2)):gsub(".", function(c)
    return string.format("%02x", c:byte())
  end)):sub(1, count)
end

---@return string id 36 characters, the form of a record id (API reference 7.1)
function M.uuid()
  local h = M.hex(32)
  return table.concat(
    { h:sub(1, 8), h:sub(9, 12), "4" .. h:sub(14, 16), "a" .. h:sub(18, 20), h:sub(21) },
    "-"
  )
end

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

---@param count integer how many characters
---@return string text of letters and digits
function M.word(count)
  return (
    rand.bytes(count):gsub(".", function(c)
      local at = c:byte() % #LETTERS + 1
      return LETTERS:sub(at, at)
    end)
  )
end

return M
