--- Reads the INI dialect of the official credentials file (API reference 4.4). Pure: text in, tables
--- out. Messages name the line and never repeat it, for it may hold a secret key.
local ascii = require "codearts.build.ascii"
local M = {}

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
--- in lower case). Whole lines that begin with # or ; are comments. A line that is indented more
--- deeply than its key would continue the value, which no credential wants: it is refused.
---@param text string
---@return table<string, table<string, string>>? sections
---@return string? problem with its line
function M.parse(text)
  local sections, section, indent, number = {}, nil, nil, 0
  if text:find("\0", 1, true) then
    return nil, "not a text file"
  end
  text = text:gsub("^\239\187\191", ""):gsub("\r\n?", "\n") -- every end of line that the official reader knows
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local blanks, content = line:match "^([ \t]*)(.-)[ \t]*$"
    local name = content:match "^%[(.+)%]$"
    if content == "" or content:find "^[#;]" then -- luacheck: ignore 542
    elseif indent and #blanks > #indent then
      return fail(number, "indented, so it continues the value above it")
    elseif name then
      if sections[name] then
        return fail(number, "a section that was there before")
      end
      section, indent = {}, nil
      sections[name] = section
    else
      local key, value = content:match "^([^=:]-)[ \t]*[=:][ \t]*(.*)$"
      if not section then
        return fail(number, "something before the first [section]")
      elseif not key or key == "" then
        return fail(number, "neither a [section] nor key = value")
      end
      key, value, indent = ascii.lower(key), unescape(value), blanks
      if section[key] then
        return fail(number, "a key that was there before")
      elseif not value then
        return fail(number, "a percent sign, which must be doubled")
      end
      section[key] = value
    end
  end
  return sections
end

return M
