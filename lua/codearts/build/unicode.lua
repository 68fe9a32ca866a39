--- UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing above U+10FFFF. Pure.
local ascii = require "codearts.build.ascii"

local unicode = {}

-- By first byte: length of the sequence, bits to keep, least code point.
local function sequence_of(byte)
  if byte < 0x80 then
    return 1, byte, 0
  elseif byte >= 0xC2 and byte < 0xE0 then
    return 2, byte - 0xC0, 0x80
  elseif byte >= 0xE0 and byte < 0xF0 then
    return 3, byte - 0xE0, 0x800
  elseif byte >= 0xF0 and byte < 0xF5 then
    return 4, byte - 0xF0, 0x10000
  end
  return nil
end

--- Code point at byte `at`, and where the next one begins; nil for a byte that begins none.
---@param str string
---@param at integer
---@return integer? point
---@return integer after
function unicode.decode(str, at)
  local length, point, least = sequence_of(str:byte(at))
  if not length then
    return nil, at + 1
  end
  for index = at + 1, at + length - 1 do
    local byte = str:byte(index)
    if not byte or byte < 0x80 or byte > 0xBF then
      return nil, at + 1
    end
    point = point * 64 + byte - 0x80
  end
  if point < least or point > 0x10FFFF or point >= 0xD800 and point <= 0xDFFF then
    return nil, at + 1
  end
  return point, at + length
end

local MOST_KNOWN = 16384 -- a text has fewer distinct characters, as a rule

--- Makes a table that answers for pieces of a text, as gsub takes it, and remembers what it has answered: a pattern and a table
-- do the work, because a text may be a mebibyte of anything, and no byte of it may cost a loop of ours.
---@param longest integer bytes of the pieces that are remembered
---@param compute fun(piece: string): string|false, boolean? false: it stays; true: it is not worth remembering
---@return table<string, string|false>
function unicode.memory(longest, compute)
  local count = 0
  return setmetatable({}, {
    __index = function(known, piece)
      local result, rare = compute(piece)
      if #piece <= longest and not rare then
        if count == MOST_KNOWN then
          for key in pairs(known) do
            known[key] = nil
          end
          count = 0
        end
        known[piece], count = result, count + 1
      end
      return result
    end,
  })
end

--- Makes a function that replaces characters.
---@param replace fun(char: string, point: integer?): string|false for one character (false: it stays) or a byte that begins none
---@param controls? boolean controls below U+0080 too, not only what is beyond it
---@return fun(str: string): string
function unicode.replacer(replace, controls)
  local broken = replace("\128", nil)
  local known = unicode.memory(4, function(piece)
    local lead = piece:byte()
    if lead >= 0x80 and lead < 0xC2 or lead > 0xF4 then
      return broken:rep(#piece), #piece > 2
    end
    local point, after = unicode.decode(piece, 1)
    local char = piece:sub(1, after - 1)
    local rest = #piece - #char -- bytes that continue nothing
    local result = replace(char, point)
    return rest == 0 and result or (result or char) .. broken:rep(rest)
  end)
  local pattern = controls and "[" .. ascii.CONTROLS .. "\128-\255][\128-\191]*"
    or "[\128-\255][\128-\191]*"
  return function(str)
    return (str:gsub(pattern, known))
  end
end

return unicode
