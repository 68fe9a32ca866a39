--- Colours and the like in a stranger's text (the terminal sequence SGR): what may stay of one. Pure.
local unicode = require "codearts.build.unicode"

local sgr = {}

local LONGEST = 64 -- bytes of parameters; no honest one comes near
local CONCEAL = "8"

--- How many parameters belong to a colour that is given by number or by red, green and blue: 38;5;N and 38;2;R;G;B.
local function arguments(list, at)
  local takes = list[at] == "38" or list[at] == "48" or list[at] == "58"
  return takes and (list[at + 1] == "5" and 2 or list[at + 1] == "2" and 4) or 0
end

--- A text in the colour of its ground is as good as concealed.
local function hides(fore, ground)
  local basic = fore
    and ground
    and fore:match "^[39]%d$"
    and tonumber(ground) == tonumber(fore) + 10
  return basic or fore and ground and #fore > 2 and fore:sub(3) == ground:sub(3)
end

local function allowed(sequence)
  local parameters = sequence:sub(3, -2)
  if #parameters > LONGEST then
    return ""
  end
  local list, kept, at = {}, {}, 1
  for parameter in (parameters .. ";"):gmatch "([^;]*);" do
    list[#list + 1] = parameter
  end
  local fore, ground
  while at <= #list do
    local last = math.min(at + arguments(list, at), #list)
    local code = table.concat(list, ";", at, last)
    local number = code:gsub("^0+(%d)", "%1")
    if number:find "^[39]%d" then
      fore = number
    elseif number:find "^4%d" or number:find "^10%d" then
      ground = number
    end
    if number ~= CONCEAL then
      kept[#kept + 1] = code
    end
    at = last + 1
  end
  if #kept == 0 or hides(fore, ground) then
    return ""
  end
  return "\27[" .. table.concat(kept, ";") .. "m"
end

--- By sequence ("\27[31m"): the same as it may stay; "" if nothing of it may.
---@type table<string, string>
sgr.allowed = unicode.memory(LONGEST, allowed)

--- Whether the last sequence of a line leaves everything as the line began.
---@param parameters string
---@return boolean
function sgr.is_reset(parameters)
  return parameters:find "^[0;]*$" ~= nil
end

return sgr
