-- UTF-8 as JSON needs it: what a client sends is checked, what a build writes is repaired.

local M = {}

local function continues(byte)
  return byte ~= nil and byte >= 0x80 and byte <= 0xBF
end

-- The bytes that may follow a lead byte where it is not simply any continuation byte (no overlong forms, no surrogates).
local SECOND = {
  [0xE0] = { 0xA0, 0xBF },
  [0xED] = { 0x80, 0x9F },
  [0xF0] = { 0x90, 0xBF },
  [0xF4] = { 0x80, 0x8F },
}

---@param text string
---@param at integer
---@return integer|nil length of the character that starts at this byte; nil when none does
function M.character(text, at)
  local lead, second, third, fourth = text:byte(at, at + 3)
  if lead < 0x80 then
    return 1
  elseif lead < 0xC2 or lead > 0xF4 or not continues(second) then
    return nil
  end
  local range = SECOND[lead]
  if range and (second < range[1] or second > range[2]) then
    return nil
  elseif lead < 0xE0 then
    return 2
  elseif lead < 0xF0 then
    return continues(third) and 3 or nil
  end
  return continues(third) and continues(fourth) and 4 or nil
end

---@param text string
---@return integer|nil characters nil when the text is not UTF-8
function M.count(text)
  if not text:find("[\128-\255]") then
    return #text
  end
  local at, count = 1, 0
  while at <= #text do
    local length = M.character(text, at)
    if not length then
      return nil
    end
    at, count = at + length, count + 1
  end
  return count
end

---@param text string any bytes
---@return string text the same with U+FFFD for every byte that belongs to no character
function M.repair(text)
  if M.count(text) then
    return text
  end
  local out, at = {}, 1
  while at <= #text do
    local length = M.character(text, at)
    out[#out + 1] = length and text:sub(at, at + length - 1) or "\239\191\189"
    at = at + (length or 1)
  end
  return table.concat(out)
end

return M
