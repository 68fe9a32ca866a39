--- Reads JSON in which characters are broken: halves of a surrogate pair, as services write them that cut a text by its
-- UTF-16 (a page of a log, the title of a commit), and bytes that are no UTF-8. No parser takes them, and everything else in
-- the answer would be lost with one of them. Pure.
local core = require "codearts.build.core"
local unicode = require "codearts.build.unicode"

local mend = {}

-- In the JSON each broken thing is replaced by a private character of its own (the last ones that there are), so that a parser
-- takes it and the text is known again behind it: U+10F780 to U+10F7FF for the bytes, U+10F800 to U+10FFFF for the halves.
local MARK = "\244\143([\158-\191])([\128-\191])"
local BYTES, HALVES = 0x10F700, 0x10F800

local function mark_of_byte(char)
  local offset = BYTES - 0x10F000 + char:byte()
  return "\244\143" .. string.char(128 + math.floor(offset / 64), 128 + offset % 64)
end

local function mark_bytes(json)
  return (
    json:gsub("[\128-\255][\128-\191]*", function(piece)
      local point, after = unicode.decode(piece, 1)
      local good = point and after - 1 or 0
      return good < #piece
          and piece:sub(1, good) .. piece:sub(good + 1):gsub("[\128-\255]", mark_of_byte)
        or nil
    end)
  )
end

--- The escape of the private character that stands for half a pair.
local function escape_of(half)
  local point = HALVES + half - 0xD800 - 0x10000
  return ("\\u%04x\\u%04x"):format(0xD800 + math.floor(point / 1024), 0xDC00 + point % 1024)
end

local function half_at(json, at, low)
  local half = tonumber(json:match("^\\u(%x%x%x%x)", at) or "", 16)
  if half and half >= (low and 0xDC00 or 0xD800) and half <= 0xDFFF then
    return half
  end
  return nil
end

local function mark_halves(json)
  local parts, from, at = {}, 1, 1
  while true do
    at = json:find("\\", at, true)
    if not at then
      break
    end
    local half = half_at(json, at)
    if half and half < 0xDC00 and half_at(json, at + 6, true) then
      at = at + 12
    elseif half then
      parts[#parts + 1] = json:sub(from, at - 1) .. escape_of(half)
      at = at + 6
      from = at
    else
      at = at + 2
    end
  end
  parts[#parts + 1] = json:sub(from)
  return table.concat(parts)
end

--- A marked text as it was meant: its broken bytes, and halves in three bytes each, as UTF-8 would have them if it had them.
local function unmark(text)
  return (
    text:gsub(MARK, function(third, fourth)
      local offset = (third:byte() - 128) * 64 + fourth:byte() - 128
      if offset < HALVES - 0x10F000 then
        return string.char(offset - (BYTES - 0x10F000))
      end
      local half = 0xD800 + offset - (HALVES - 0x10F000)
      return string.char(0xED, 128 + math.floor(half / 64) % 64, 128 + half % 64)
    end)
  )
end

--- What is still broken becomes U+FFFD.
---@param text string
---@return string
function mend.replace(text)
  return unicode.repair((text:gsub("\237[\160-\191][\128-\191]", unicode.REPLACEMENT)))
end

local function each_text(value, change)
  if type(value) == "string" then
    return change(value)
  elseif type(value) ~= "table" then
    return value
  end
  local changed = {}
  for key, item in pairs(value) do
    changed[change(key)] = each_text(item, change)
  end
  return changed
end

--- Decodes JSON whose characters may be broken.
---@param json string
---@param keep? boolean leave broken characters in the texts, for `mend.joiner`; else they become U+FFFD
---@return any value nil if it is no JSON even so
function mend.decode(json, keep)
  local value = core.decode(mark_halves(mark_bytes(json)))
  return each_text(value, function(text)
    if type(text) ~= "string" or not text:find("\244\143", 1, true) then
      return text
    end
    text = unmark(text)
    return keep and text or mend.replace(text)
  end)
end

--- The beginning of a character at the end of a text, whose rest may come with the next one.
local function unfinished(text)
  local last = text:sub(-3)
  local half = last:match "\237[\160-\175][\128-\191]$"
  local bytes = last:match "[\194-\244][\128-\191]*$"
  if half or not bytes then
    return half
  end
  local lead = bytes:byte()
  local length = lead < 0xE0 and 2 or lead < 0xF0 and 3 or 4
  return #bytes < length and bytes or nil
end

--- The character of two halves.
local function character(a, b, c, d)
  local high = (a:byte() - 0xA0) * 64 + b:byte() - 128
  local low = (c:byte() - 0xB0) * 64 + d:byte() - 128
  local point = 0x10000 + high * 1024 + low
  return string.char(
    0xF0 + math.floor(point / 262144),
    128 + math.floor(point / 4096) % 64,
    128 + math.floor(point / 64) % 64,
    128 + point % 64
  )
end

--- Joins texts that come one after the other and may be cut within a character.
---@return { add: (fun(text: string): string), finish: (fun(): string) }
function mend.joiner()
  local held = ""
  return {
    add = function(text)
      text = held .. text
      held = unfinished(text) or ""
      text = text:sub(1, #text - #held)
      if not text:find "[\128-\255]" then
        return text
      end
      return mend.replace(
        (text:gsub("\237([\160-\175])([\128-\191])\237([\176-\191])([\128-\191])", character))
      )
    end,
    finish = function()
      local rest = held
      held = ""
      return rest ~= "" and unicode.REPLACEMENT or ""
    end,
  }
end

return mend
