--- Credentials from environment variables (API reference 4.3).
local ascii = require "codearts.build.ascii"
local credential = require "codearts.build.sign_in.credential"
local pair = require "codearts.build.sign_in.pair"
local shown = require "codearts.build.shown"

local M = {}

local function variable(key)
  return "HUAWEICLOUD_SDK_" .. ascii.upper(key)
end

--- The variable that holds a ready token.
---@param ctx table
---@return table? credential of kind token
---@return string? problem
---@return boolean? absent
function M.token(ctx)
  local value = ctx.getenv "CODEARTS_BUILD_TOKEN"
  if value == nil then
    return nil, "not set", true
  end
  local found, problem = credential.read { token = value }
  return found, problem
end

--- The official variables.
---@param ctx table
---@return table? credential of kind key or id_token
---@return string? problem
---@return boolean? absent
---@return string? path of the file that the variables name, as texts repeat it
function M.official(ctx)
  local found, problem, absent = pair.pick(function(key)
    return ctx.getenv(variable(key))
  end, variable)
  local file = found and found.id_token_file
  return found, problem, absent, file and shown.path(file)
end

return M
