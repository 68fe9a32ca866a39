--- Credentials from the official credentials file (API reference 4.4).
local core = require "codearts.build.core"
local ini = require "codearts.build.ini"
local pair = require "codearts.build.sign_in.pair"
local shown = require "codearts.build.shown"

local M = {}

local VARIABLE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
-- The second is what the official SDK's implicit chain asks for.
local SECTIONS = { "basic", "basiccredentials" }

local function find_path(getenv)
  local path, home = getenv(VARIABLE), getenv "HOME"
  if path and path ~= "" then
    return path, true
  elseif home and home ~= "" then
    return home .. "/.huaweicloud/credentials", false
  end
end

-- The read bits of group and others: 040 and 004.
local function others_may_read(mode)
  return math.floor(mode / 32) % 2 == 1 or math.floor(mode / 4) % 2 == 1
end

--- Reads the file.
---@param ctx table
---@return table? credential of kind key or id_token; iam_endpoint where the file names one
---@return string? problem
---@return boolean? absent
---@return string? path of the file that served
function M.read(ctx)
  local path, named = find_path(ctx.getenv)
  if not path then
    return nil, VARIABLE .. " and HOME are not set", true
  end
  local text, about, missing = core.file.read(path)
  if not text then
    return nil, ("%s: %s"):format(named and shown.path(path) or path, about), missing and not named
  end
  if others_may_read(about.mode) then
    ctx.warn(("credentials file %s may be read by others; chmod 600 would end that"):format(path))
  end
  local sections, problem = ini.parse(text)
  if not sections then
    return nil, ("%s: %s"):format(path, problem)
  end
  local section = sections[SECTIONS[1]] or sections[SECTIONS[2]]
  if not section then
    return nil, path .. " has no section [basic]"
  end
  local found
  found, problem = pair.pick(function(key)
    return section[key]
  end, function(key)
    return "key " .. key
  end)
  if not found then
    return nil, ("%s: %s"):format(path, problem)
  end
  found.iam_endpoint = section.iam_endpoint ~= "" and section.iam_endpoint or nil
  return found, nil, nil, path
end

return M
