--- Reads the INI dialect of the official credentials file (API reference 4.4). Pure: text in, tables
--- out. Messages name the line and never repeat it, for it may hold a secret key.
local ascii = require "codearts.build.ascii"
local M = {}

-- Every section has what stands in this one, unless it says otherwise itself.
local DEFAULTS = "DEFAULT"

-- White space as the official reader sees it. A no-break space that was copied along with a key is
-- invisible to people.
local BLANKS = {}
for code = 0, 10 do
  BLANKS["\226\128" .. string.char(128 + code)] = true -- U+2000 to U+200A
end
for _, blank in ipairs {
  " ",
  "\t",
  "\v",
  "\f",
  "\28",
  "\29",
  "\30",
  "\31",
  "\194\133", -- U+0085
  "\194\160", -- U+00A0, the no-break space
  "\225\154\128", -- U+1680
  "\226\128\168", -- U+2028
  "\226\128\169", -- U+2029
  "\226\128\175", -- U+202F, the narrow no-break space
  "\226\129\159", -- U+205F
  "\227\128\128", -- U+3000
} do
  BLANKS[blank] = true
end

-- The text without the blanks around it, and how many stood before it.
local function trim(text)
  local first, last, before = 1, #text, -1
  local size
  repeat
    before, size = before + 1, nil
    for long = 1, 3 do
      size = size or BLANKS[text:sub(first, first + long - 1)] and long
    end
    first = first + (size or 0)
  until not size
  repeat
    size = nil
    for long = 1, math.min(3, last - first + 1) do
      size = size or BLANKS[text:sub(last - long + 1, last)] and long
    end
    last = last - (size or 0)
  until not size
  return text:sub(first, last), before
end

local function fail(number, what)
  return nil, ("line %d: %s"):format(number, what)
end

-- "%%" stands for a percent sign; the official reader refuses every other use of it.
local function unescape(value)
  local plain = value:gsub("%%%%", "")
  if plain:find("%", 1, true) then
    return nil
  end
  return (value:gsub("%%%%", "%%"))
end

--- Splits the text into sections. Names of sections count case, names of keys do not (they come out
--- in lower case). What stands in [DEFAULT], which may come more than once, is in every section that
--- has no such key itself. Whole lines that begin with # or ; are comments. A line that is indented
--- more deeply than its key would continue the value, which no credential wants: it is refused.
---@param text string
---@return table<string, table<string, string>>? sections
---@return string? problem with its line
function M.parse(text)
  local sections, defaults = {}, {}
  local section, indent, number = nil, nil, 0
  if text:find("\0", 1, true) then
    return nil, "not a text file"
  end
  text = text:gsub("^\239\187\191", ""):gsub("\r\n?", "\n") -- every end of line that the official reader knows
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local content, blanks = trim(line)
    local name = content:match "^%[(.+)%]$"
    if content == "" or content:find "^[#;]" then -- luacheck: ignore 542
    elseif indent and blanks > indent then
      return fail(number, "indented, so it continues the value above it")
    elseif name then
      if sections[name] then
        return fail(number, "a section that was there before")
      end
      section, indent = name == DEFAULTS and defaults or {}, nil
      sections[name] = section ~= defaults and section or nil
    else
      local key, value = content:match "^([^=:]*)[=:](.*)$"
      if not section then
        return fail(number, "something before the first [section]")
      elseif not key or key == "" then
        return fail(number, "neither a [section] nor key = value")
      end
      key, value, indent = ascii.lower((trim(key))), unescape((trim(value))), blanks
      if section[key] then
        return fail(number, "a key that was there before")
      elseif not value then
        return fail(number, "a percent sign, which must be doubled")
      end
      section[key] = value
    end
  end
  for _, one in pairs(sections) do
    for key, value in pairs(defaults) do
      one[key] = one[key] or value
    end
  end
  return sections
end

return M
