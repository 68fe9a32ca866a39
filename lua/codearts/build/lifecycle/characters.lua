--- Joins texts in which characters are broken: halves of a surrogate pair, as services write them that cut a text by its
-- UTF-16 (a page of a log, the title of a commit), in three bytes each, as UTF-8 would have them if it had them; and bytes that
-- are no UTF-8.
local core = require "codearts.build.core"

local characters = {}

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

--- Joins texts that come one after the other and may be cut within a character.
---@return { add: (fun(text: string): string), finish: (fun(): string) }
function characters.joiner()
  local held = ""
  return {
    add = function(text)
      text = held .. text
      held = unfinished(text) or ""
      return core.repair(text:sub(1, #text - #held))
    end,
    finish = function()
      local rest = held
      held = ""
      return rest ~= "" and "\239\191\189" or "" -- U+FFFD
    end,
  }
end

return characters
