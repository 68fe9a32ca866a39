--- How texts repeat what should be the path of a file: whoever sets it may have put there what the file should hold.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"

local LONGEST = 255 -- bytes; keys and many tokens are longer

local function exists(path)
  return not select(3, core.file.read(path)) -- whether it can be read or not
end

local function is_path(value)
  if value == "" or #value > LONGEST or value:find("[" .. ascii.CONTROLS .. "]") then
    return false
  end
  -- Not `/` alone: it is a letter of base64.
  local folder = value:match "^(%.?%.?/.+)/[^/]*$" or value:match "^(%.%.?)/[^/]*$"
  return exists(value) or folder ~= nil and exists(folder)
end

---@param value string
---@return string text the path, where such a file or its folder exists
return function(value)
  return is_path(value) and value or "a value that is no path"
end
