-- What a build parameter may be (API reference 1.2), for job files and for requests.

local utf8 = require "codearts.build.sandbox.utf8"

local M = {}

local FORBIDDEN = {
  LD_PRELOAD = true,
  LD_LIBRARY_PATH = true,
  PATH = true,
  BASH_ENV = true,
  GIT_SSH_COMMAND = true,
  path = true,
}

---@param name any
---@return string|nil complaint nil when it is a good name
function M.bad_name(name)
  if type(name) ~= "string" then
    return "the name must be a string"
  elseif #name > 128 or not name:find("^[A-Za-z0-9_]+$") then
    return "the name must be 1 to 128 letters, digits or underscores"
  elseif FORBIDDEN[name] then
    return "the name " .. name .. " is not allowed"
  end
end

---@param value any
---@return string|nil complaint nil when it is a good value
function M.bad_value(value)
  if type(value) ~= "string" then
    return "the value must be a string"
  end
  local count = utf8.count(value)
  if not count or value:find("\0", 1, true) then
    return "the value must be UTF-8 without NUL"
  elseif count > 8192 then
    return "the value must have at most 8192 characters"
  end
end

return M
