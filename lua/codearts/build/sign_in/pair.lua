--- The rule that the environment and a section of the credentials file share (API reference 4.3):
--- idp_id with id_token_file goes before ak with sk.
local credential = require "codearts.build.sign_in.credential"

local M = {}

local function given(value)
  return value ~= nil and value ~= ""
end

local function optional(value)
  return value ~= "" and value or nil
end

--- Picks the credentials of one source. An empty project_id or security_token counts as none.
---@param get fun(key: string): string?
---@param label fun(key: string): string how messages call a key
---@return table? credential of kind id_token or key
---@return string? problem
---@return boolean? absent true: nothing of it is there
function M.pick(get, label)
  local idp_id, file = get "idp_id", get "id_token_file"
  if given(idp_id) and given(file) then
    if idp_id:find "[^\33-\126]" then
      return nil, label "idp_id" .. " holds blanks or characters that no header may hold"
    end
    return { kind = "id_token", idp_id = idp_id, id_token_file = file }
  end
  local ak, sk = get "ak", get "sk"
  if ak == nil and sk == nil then
    if idp_id == nil and file == nil then
      return nil, ("neither %s nor %s is set"):format(label "ak", label "idp_id"), true
    end
    local have, lack = "idp_id", "id_token_file"
    if not given(idp_id) then
      have, lack = lack, have
    end
    return nil, ("%s goes with %s, which is not set"):format(label(have), label(lack))
  elseif ak == nil or sk == nil then
    local have, lack = "ak", "sk"
    if ak == nil then
      have, lack = lack, have
    end
    return nil, ("%s is set, but %s is not"):format(label(have), label(lack))
  end
  local key, problem, member = credential.read {
    ak = ak,
    sk = sk,
    security_token = optional(get "security_token"),
    project_id = optional(get "project_id"),
  }
  if not key and member then
    problem = label(member) .. problem:sub(#member + 1)
  end
  return key, problem
end

return M
