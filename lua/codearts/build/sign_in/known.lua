--- The credentials that a client's sign-in has come to know, the newest few: whoever is asked for more may repeat them.
local known = {}

local MOST = 8

---@param state table of the sign-in
---@param found? table a credential
function known.note(state, found)
  if not found then
    return
  end
  state.known = state.known or {}
  for _, each in ipairs(state.known) do
    if each.token == found.token and each.sk == found.sk then
      return
    end
  end
  table.insert(state.known, 1, found)
  state.known[MOST + 1] = nil
end

--- What of them must not be shown.
---@param state table of the sign-in
---@return string[]
function known.secrets(state)
  local secrets = {}
  for _, each in ipairs(state.known or {}) do
    for _, name in ipairs { "token", "password", "sk", "security_token" } do
      secrets[#secrets + 1] = each[name]
    end
  end
  return secrets
end

return known
