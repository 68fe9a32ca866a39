--- Joins texts in which characters are broken: halves of a surrogate pair, as services write them that cut a text by its
-- UTF-16 (a page of a log, the title of a commit), in three bytes each, as UTF-8 would have them if it had them; and bytes that
-- are no UTF-8. Pure.
local unicode = require "codearts.build.unicode"

local characters = {}

--- What is still broken becomes U+FFFD.
---@param text string
---@return string
function characters.replace(text)
  return unicode.repair((text:gsub("\237[\160-\191][\128-\191]", unicode.REPLACEMENT)))
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
function characters.joiner()
  local held = ""
  return {
    add = function(text)
      text = held .. text
      held = unfinished(text) or ""
      text = text:sub(1, #text - #held)
      if not text:find "[\128-\255]" then
        return text
      end
      return characters.replace(
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

return characters
