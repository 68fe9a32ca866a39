-- The options of a sandbox: one row each.

local random = require "codearts.build.sandbox.random"

local M = {}

---@class codearts.build.sandbox.Options
---@field host? string the address to listen on; default 127.0.0.1. Any other one lets others run the jobs
---@field port? integer 0 (the default) takes a free one
---@field token? string the token that is accepted; default a random one
---@field jobs? string the job file; without one there is the sample job
---@field folder? string where builds work and stay; default a temporary folder that is removed at the end
---@field max_builds? integer how many run at once, the others wait; default 2
---@field project_id? string 32 characters
---@field project_name? string what IAM password tokens are asked for; default cn-north-4
---@field domain? string account name of `user`; default sandbox
---@field user? string with `password`: IAM password tokens are given to this user
---@field password? string
---@field token_life? number seconds that an IAM token is good for; default 86400
---@field ak? string with `sk`: requests signed by this key are accepted
---@field sk? string
---@field metadata? boolean play the metadata service, which hands temporary keys to everybody who can connect; default false
---@field pod_token? string play pod identity for whoever sends this
---@field pod_identity? boolean the same for whoever sends `token`; default false
---@field idp_id? string with `id_token`: exchange this id token of this identity provider
---@field id_token? string
---@field key_life? number seconds that a temporary key is good for; default 21600
---@field signature_age? number seconds that the date of a signature may differ from the sandbox's clock; default 900
---@field clock_ahead? number seconds that its clock is ahead of the machine's; default 0
---@field list_after? number seconds until a build that was started is in the lists of builds, and told as the last one; default 0
---@field lose_answers? integer so many starts are done without an answer; default 0

local function text(value)
  return type(value) == "string" and value ~= "" and not value:find("[%z\1-\31\127]")
end

local function integer(from, to)
  return function(value)
    return type(value) == "number" and value >= from and value <= to and value == math.floor(value)
  end
end

local function seconds(value)
  return type(value) == "number" and value > 0 and value < 1e9
end

local function shift(value)
  return type(value) == "number" and math.abs(value) <= 2e9
end

local function delay(value)
  return type(value) == "number" and value >= 0 and value < 1e9
end

local function flag(value)
  return type(value) == "boolean"
end

local function project_id(value)
  return type(value) == "string" and #value == 32 and value:find("^[0-9a-z]+$") ~= nil
end

local SECONDS = "a number of seconds above 0"
local TEXT = "a text without control characters"

local ROWS = {
  host = { text, TEXT, "127.0.0.1" },
  port = { integer(0, 65535), "an integer from 0 to 65535", 0 },
  token = { text, TEXT },
  jobs = { text, TEXT },
  folder = { text, TEXT },
  max_builds = { integer(1, 64), "an integer from 1 to 64", 2 },
  project_id = {
    project_id,
    "32 digits and lower-case letters",
    "sandboxproject000000000000000001",
  },
  project_name = { text, TEXT, "cn-north-4" },
  domain = { text, TEXT, "sandbox" },
  user = { text, TEXT },
  password = { text, TEXT },
  token_life = { seconds, SECONDS, 86400 },
  ak = { text, TEXT },
  sk = { text, TEXT },
  metadata = { flag, "true or false", false },
  pod_token = { text, TEXT },
  pod_identity = { flag, "true or false", false },
  idp_id = { text, TEXT },
  id_token = { text, TEXT },
  key_life = { seconds, SECONDS, 21600 },
  signature_age = { seconds, SECONDS, 900 },
  clock_ahead = { shift, "a number of seconds", 0 },
  list_after = { delay, "a number of seconds, 0 or more", 0 },
  lose_answers = { integer(0, 1000000), "an integer from 0 to 1000000", 0 },
}

local PAIRS = { { "user", "password" }, { "ak", "sk" }, { "idp_id", "id_token" } }

---Checks options and fills in the defaults.
---@param given codearts.build.sandbox.Options|nil
---@return codearts.build.sandbox.Options|nil options a new table
---@return string|nil message names the option and what it must be
function M.complete(given)
  given = given or {}
  local complete = {}
  for name, value in pairs(given) do
    local row = ROWS[name]
    if not row then
      return nil, ("the sandbox has no option '%s'"):format(tostring(name))
    elseif not row[1](value) then
      return nil, ("the sandbox's option %s must be %s"):format(name, row[2])
    end
  end
  for name, row in pairs(ROWS) do
    complete[name] = given[name]
    if complete[name] == nil then
      complete[name] = row[3]
    end
  end
  for _, pair in ipairs(PAIRS) do
    if (complete[pair[1]] == nil) ~= (complete[pair[2]] == nil) then
      return nil, ("the sandbox's options %s and %s go together"):format(pair[1], pair[2])
    end
  end
  complete.token = complete.token or "sandbox-" .. random.hex(40)
  complete.pod_token = complete.pod_token or complete.pod_identity and complete.token or nil
  return complete
end

return M
