--- A file that holds nothing but one secret line.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local shown = require "codearts.build.shown"

---@param path string
---@return string? text without the white space around it
---@return string? problem names the file if it is one, never its content
local function read(path)
  local text, reason = core.file.read(path)
  if not text then
    return nil, ("%s: %s"):format(shown.path(path), reason)
  end
  text = ascii.trim(text)
  if text == "" then
    return nil, path .. " is empty"
  elseif text:find "[^\33-\126]" then
    return nil, path .. " holds more than one word, or characters that no header may hold"
  end
  return text
end

return { read = read }
