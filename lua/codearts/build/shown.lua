--- How texts repeat what should be the path of a file, an id or an address: whoever sets it may have put there what the file should
--- hold, or another secret.
local ascii = require "codearts.build.ascii"

local M = {}

-- Bytes; keys and many tokens are longer. The second is CAB_LONGEST_WORD: usage errors, which do without the core, need it, too.
local LONGEST_PATH, LONGEST_WORD = 255, 24

local function exists(path)
  -- Whether it can be read or not. The command's usage errors do without the core.
  return not select(3, require("codearts.build.core").file.read(path))
end

local function is_path(value)
  if value == "" or #value > LONGEST_PATH or value:find("[" .. ascii.CONTROLS .. "]") then
    return false
  end
  -- Not `/` alone: it is a letter of base64.
  local folder = value:match "^(%.?%.?/.+)/[^/]*$" or value:match "^(%.%.?)/[^/]*$"
  return exists(value) or folder ~= nil and exists(folder)
end

local function is_name(value)
  return #value <= LONGEST_WORD and value:find "^[A-Za-z0-9._-]+$" ~= nil
end

---@param value string
---@return string text the path, where such a file or its folder exists
function M.path(value)
  return is_path(value) and value or "a value that is no path"
end

---@param value string
---@return string text the name, if it is a short one
function M.name(value)
  return is_name(value) and value or ("a value of %d bytes"):format(#value)
end

--- Whether no name server is to be asked for what should be an address: keys have slashes, and no dots. endpoint.c knows it, too.
---@param address string before a scheme is put there
---@return boolean
function M.is_word_with_slash(address)
  return address:find "^[^/.:%[]*/" ~= nil
end

--- Whether an address is one, rather than a secret that stands in its place: keys are long words, or have slashes and no dots.
---@param address string
---@return boolean
function M.is_address(address)
  local host = address:gsub("^[A-Za-z][A-Za-z0-9+.-]*://", ""):match "^[^/:?#]*"
  return host:find "[.%[]" ~= nil or is_name(host) and not M.is_word_with_slash(address)
end

---@param value string which requests are sent to; or several, separated by commas
---@return string text the same, but for those whose host is a long name without a dot, of which libcurl's words are cut, too, or a word
--- before a slash
function M.address(value)
  return (
    value:gsub("[^, ]+", function(each)
      return not M.is_address(each) and "a value that is no address" or nil
    end)
  )
end

return M
