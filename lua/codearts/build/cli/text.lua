--- Text on a terminal: how wide it is, how to cut and pad it, how to make a stranger's text harmless. Pure.
local ascii = require "codearts.build.ascii"
local sgr = require "codearts.build.cli.sgr"
local unicode = require "codearts.build.unicode"

local text = {}

local NOT_PLAIN = "[" .. ascii.CONTROLS .. "\128-\255]"

-- First and last code points that take two columns (Unicode's wide and full-width ones, as terminals draw them).
local WIDE = {
  0x1100,
  0x115F,
  0x231A,
  0x231B,
  0x2329,
  0x232A,
  0x23E9,
  0x23EC,
  0x25FD,
  0x25FE,
  0x2614,
  0x2615,
  0x2648,
  0x2653,
  0x26AA,
  0x26AB,
  0x26BD,
  0x26BE,
  0x2705,
  0x2705,
  0x270A,
  0x270B,
  0x2728,
  0x2728,
  0x274C,
  0x274C,
  0x2753,
  0x2755,
  0x2795,
  0x2797,
  0x2B1B,
  0x2B1C,
  0x2B50,
  0x2B50,
  0x2B55,
  0x2B55,
  0x2E80,
  0x303E,
  0x3041,
  0xA4CF,
  0xA960,
  0xA97C,
  0xAC00,
  0xD7A3,
  0xF900,
  0xFAFF,
  0xFE10,
  0xFE19,
  0xFE30,
  0xFE6F,
  0xFF01,
  0xFF60,
  0xFFE0,
  0xFFE6,
  0x1F004,
  0x1F004,
  0x1F0CF,
  0x1F0CF,
  0x1F18E,
  0x1F18E,
  0x1F191,
  0x1F19A,
  0x1F200,
  0x1F320,
  0x1F32D,
  0x1F335,
  0x1F337,
  0x1F37C,
  0x1F37E,
  0x1F393,
  0x1F3A0,
  0x1F3CA,
  0x1F3CF,
  0x1F3D3,
  0x1F3E0,
  0x1F3F0,
  0x1F3F4,
  0x1F3F4,
  0x1F3F8,
  0x1F43E,
  0x1F440,
  0x1F440,
  0x1F442,
  0x1F4FC,
  0x1F4FF,
  0x1F53D,
  0x1F54B,
  0x1F54E,
  0x1F550,
  0x1F567,
  0x1F57A,
  0x1F57A,
  0x1F595,
  0x1F596,
  0x1F5A4,
  0x1F5A4,
  0x1F5FB,
  0x1F64F,
  0x1F680,
  0x1F6C5,
  0x1F6CC,
  0x1F6CC,
  0x1F6D0,
  0x1F6D2,
  0x1F6EB,
  0x1F6EC,
  0x1F6F4,
  0x1F6FC,
  0x1F7E0,
  0x1F7EB,
  0x1F90C,
  0x1F9FF,
  0x1FA70,
  0x1FAFF,
  0x20000,
  0x3FFFD,
}

-- Those that take none: combining marks, joiners, variation selectors.
local ZERO = {
  0x0300,
  0x036F,
  0x0483,
  0x0489,
  0x0591,
  0x05BD,
  0x0610,
  0x061A,
  0x064B,
  0x065F,
  0x0E31,
  0x0E31,
  0x0E34,
  0x0E3A,
  0x0E47,
  0x0E4E,
  0x1AB0,
  0x1AFF,
  0x1DC0,
  0x1DFF,
  0x200B,
  0x200F,
  0x202A,
  0x202E,
  0x2060,
  0x2064,
  0x2066,
  0x206F,
  0x20D0,
  0x20FF,
  0x302A,
  0x302D,
  0x3099,
  0x309A,
  0xFE00,
  0xFE0F,
  0xFE20,
  0xFE2F,
  0xFEFF,
  0xFEFF,
  0xE0020,
  0xE007F,
  0xE0100,
  0xE01EF,
}

local function holds(ranges, point)
  for index = 1, #ranges, 2 do
    if point < ranges[index] then
      return false
    elseif point <= ranges[index + 1] then
      return true
    end
  end
  return false
end

local function point_width(point)
  if point < 0x300 then
    return 1
  elseif holds(ZERO, point) then
    return 0
  end
  return holds(WIDE, point) and 2 or 1
end

-- Code points beyond ASCII that a terminal obeys instead of drawing them: C1 controls, line and paragraph separators, and
-- those that turn the direction of the text around them.
local OBEYED = { 0x80, 0x9F, 0x061C, 0x061C, 0x200E, 0x200F, 0x2028, 0x202E, 0x2066, 0x2069 }

local function is_control(point)
  return point < 0x20 or point == 0x7F or point >= 0x80 and holds(OBEYED, point)
end

local harmless = unicode.replacer(function(_, point)
  if not point then
    return "?"
  end
  return is_control(point) and " "
end, true)

--- Text that draws as it reads: control characters become blanks, bytes that are no UTF-8 become "?".
---@param str string
---@return string
function text.clean(str)
  return str:find(NOT_PLAIN) and harmless(str) or str
end

local escaped = unicode.replacer(function(char, point)
  if not point then
    return "\\ufffd"
  elseif char == "\r" then
    return " " -- white space there
  end
  return is_control(point) and char ~= "\n" and char ~= "\t" and ("\\u%04x"):format(point)
end, true)

--- JSON for a terminal: the same value, with escapes instead of the characters that a terminal obeys. A line feed between two
-- members stays.
---@param str string
---@return string
function text.json(str)
  return str:find(NOT_PLAIN) and escaped(str) or str
end

--- Text with every character beyond ASCII replaced, for terminals that know no other.
---@param str string
---@return string
function text.ascii(str)
  return (str:gsub("[\194-\244][\128-\191]*", "?"))
end

--- What a terminal shows of a line that was written again and again over itself: its last state.
local function last_state(line)
  if not line:find("\r", 1, true) then
    return line
  end
  local stop = #line
  while line:byte(stop) == 13 do
    stop = stop - 1
  end
  line = line:sub(1, stop)
  return line:sub(line:match "^.*\r()" or 1)
end

--- What stays of a piece of text that begins with ESC and holds no other: of the sequence a colour at most, the rest as it is.
local function without_sequence(piece, plain)
  local sequence, rest = piece:match "^(\27%[[%d;:]*m)(.*)$"
  if sequence then
    return (plain and "" or sgr.allowed[sequence]) .. rest
  end
  return piece:match "^\27[%]PX^_][^\7]*\7?(.*)$" -- to the terminal itself: OSC and its kin, up to their end
    or piece:match "^\27%[[0-?]*[ -/]*[@-~](.*)$" -- to cursor and screen: CSI
    or piece:match "^\27[ -/]+[0-~](.*)$" -- which letters it has, and the like
    or piece:match "^\27[ -/]*[0-OQ-WYZ\\`-~]?(.*)$" -- all others, whole or not
end

local COLOURED = unicode.memory(32, function(piece)
  return without_sequence(piece, false)
end)
local PLAIN = unicode.memory(32, function(piece)
  return without_sequence(piece, true)
end)

local harmless_but_colours = unicode.replacer(function(char, point)
  if not point then
    return "?"
  elseif char == "\t" then
    return "    "
  end
  return is_control(point) and char ~= "\27" and " "
end, true)

--- A line of a log for a terminal: colours stay (or go, if `plain`) and end with it, everything else that moves, hides or
-- speaks to the terminal is dropped. Takes time in proportion to the line, whatever is in it.
---@param line string
---@param plain boolean
---@return string
function text.log_line(line, plain)
  if not line:find(NOT_PLAIN) then
    return line
  end
  line = last_state(line)
  if line:find("\27", 1, true) then
    line = line:gsub("\27[^\27]*", plain and PLAIN or COLOURED) -- no ESC is left but ours
  elseif line:find("\8", 1, true) then
    line = line:gsub("[^\8\128-\193\245-\255][\128-\191]*\8", "") -- a wheel that turns, letters struck twice
  end
  line = harmless_but_colours(line)
  if plain or not line:find("\27", 1, true) then
    return line
  end
  local last = line:match "^.*\27%[([%d;:]*)m"
  return sgr.is_reset(last) and line or line .. "\27[0m"
end

local VS16 = "\239\184\143" -- U+FE0F: the character before it is to be drawn as an emoji, and those are two columns wide

--- Whether a character has an emoji form that it does not take by itself: keycaps, (c), (r), and most symbols.
local function has_emoji_form(point)
  return point >= 0x203C
    or point >= 0x30 and point <= 0x39
    or point == 0x23
    or point == 0x2A
    or point == 0xA9
    or point == 0xAE
end

--- Columns of the character at byte `at`, and where the next one begins.
local function step(str, at)
  local point, after = unicode.decode(str, at)
  local width = point and point_width(point) or 1
  if width == 1 and point and str:sub(after, after + 2) == VS16 and has_emoji_form(point) then
    return 2, after + 3
  end
  return width, after
end

--- Columns that clean text takes.
---@param str string
---@return integer
function text.width(str)
  if not str:find("[\128-\255]") then
    return #str
  end
  local width, at = 0, 1
  while at <= #str do
    local columns
    columns, at = step(str, at)
    width = width + columns
  end
  return width
end

--- Clean text in at most `columns`; what is cut shows as a mark at the end.
---@param str string
---@param columns integer
---@param mark? string default "..."
---@return string
function text.fit(str, columns, mark)
  if text.width(str) <= columns then
    return str
  end
  mark = mark or "..."
  if columns < text.width(mark) + 1 then
    mark = ""
  end
  local room, at = columns - text.width(mark), 1
  while at <= #str do
    local width, after = step(str, at)
    if width > room then
      break
    end
    room, at = room - width, after
  end
  return str:sub(1, at - 1) .. mark
end

--- Clean text in exactly `columns`: cut or filled with blanks.
---@param str string
---@param columns integer
---@param mark? string
---@return string
function text.pad(str, columns, mark)
  local fitted = text.fit(str, columns, mark)
  return fitted .. (" "):rep(columns - text.width(fitted))
end

return text
