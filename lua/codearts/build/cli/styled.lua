--- A line of a log as text and the stretches of it that have colours: for who draws by other means than a terminal's. Pure.
local text = require "codearts.build.cli.text"
local unicode = require "codearts.build.unicode"

---@class codearts.build.cli.Look
---@field fg? integer|string number of a terminal's colour, or "#rrggbb"
---@field bg? integer|string
---@field bold? boolean
---@field italic? boolean
---@field underline? boolean
---@field reverse? boolean
---@field strikethrough? boolean

local FLAGS = {
  [1] = { "bold", true },
  [3] = { "italic", true },
  [4] = { "underline", true },
  [7] = { "reverse", true },
  [9] = { "strikethrough", true },
  [22] = { "bold", nil },
  [23] = { "italic", nil },
  [24] = { "underline", nil },
  [27] = { "reverse", nil },
  [29] = { "strikethrough", nil },
  [39] = { "fg", nil },
  [49] = { "bg", nil },
}

--- A colour that is given by number or by red, green and blue, and how many parameters that took.
local function extended(codes, at)
  if codes[at + 1] == 5 then
    local number = codes[at + 2]
    return number and number < 256 and number or nil, 2
  elseif codes[at + 1] == 2 then
    local red, green, blue = codes[at + 2], codes[at + 3], codes[at + 4]
    local good = blue and red < 256 and green < 256 and blue < 256
    return good and ("#%02x%02x%02x"):format(red, green, blue) or nil, 4
  end
  return nil, 0
end

local function basic(look, code)
  local flag = FLAGS[code]
  if code == 0 then
    for name in pairs(look) do
      look[name] = nil
    end
  elseif flag then
    look[flag[1]] = flag[2]
  elseif code >= 30 and code <= 37 then
    look.fg = code - 30
  elseif code >= 40 and code <= 47 then
    look.bg = code - 40
  elseif code >= 90 and code <= 97 then
    look.fg = code - 82
  elseif code >= 100 and code <= 107 then
    look.bg = code - 92
  end
end

local function apply(look, parameters)
  local codes, at = {}, 1
  for code in (parameters:gsub(":", ";") .. ";"):gmatch "(%d*);" do
    codes[#codes + 1] = tonumber(code) or 0
  end
  while at <= #codes do
    local code = codes[at]
    if code == 38 or code == 48 then
      local colour, taken = extended(codes, at)
      look[code == 38 and "fg" or "bg"] = colour
      at = at + taken
    else
      basic(look, code)
    end
    at = at + 1
  end
end

local NAMES = { "fg", "bg", "bold", "italic", "underline", "reverse", "strikethrough" }

--- The look as a text that is the same for the same looks; "" for none.
local function key_of(look)
  local parts = {}
  for _, name in ipairs(NAMES) do
    if look[name] ~= nil then
      parts[#parts + 1] = look[name] == true and name or ("%s=%s"):format(name, look[name])
    end
  end
  return table.concat(parts, ",")
end

local styled = {}

--- The look behind such a text.
---@param key string
---@return codearts.build.cli.Look
function styled.look(key)
  local look = {}
  for part in key:gmatch "[^,]+" do
    local name, value = part:match "^(.-)=(.*)$"
    look[name or part] = name == nil or tonumber(value) or value
  end
  return look
end

-- What a sequence makes of a look, both as texts: "fg=1\0271;4" is "fg=1,bold,underline". A log has few of them, many times.
local after = unicode.memory(64, function(both)
  local key, sequence = both:match "^(.-)\27(.*)$"
  local look = styled.look(key)
  apply(look, sequence)
  return key_of(look)
end)

--- Cleans a line and cuts it at its colours.
---@param line string as the service sent it
---@return string plain
---@return { [1]: integer, [2]: integer, [3]: string }[]? spans first byte from 0, the one behind the last, and its look as a text
function styled.line(line)
  local clean = text.log_line(line, false)
  if not clean:find("\27", 1, true) then
    return clean
  end
  local parts, spans, key, length = {}, {}, "", 0
  for sequence, piece in ("\27[m" .. clean):gmatch "\27%[([%d;:]*)m([^\27]*)" do
    key = after[key .. "\27" .. sequence]
    if key ~= "" and piece ~= "" then
      spans[#spans + 1] = { length, length + #piece, key }
    end
    parts[#parts + 1], length = piece, length + #piece
  end
  return table.concat(parts), spans[1] and spans or nil
end

return styled
