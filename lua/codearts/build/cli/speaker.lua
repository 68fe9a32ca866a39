--- Who says what an error tells, by the form of its code: what an answer shows depends on that, as in the core. Pure.

---@param err table structured error
---@return "service"|"gateway"|"iam"|"sign_in"|nil who nil: none of them, but something on the way, or nobody. "sign_in" is who was
--- asked for credentials, whom the message names
---@return string? number of a code of the gateway's, whose prefix differs between documents (API reference 6.4)
return function(err)
  local code = err.error_code
  if err.status and tostring(err.message):find " answered %d%d%d" then
    return "sign_in"
  elseif type(code) ~= "string" then
    return nil
  elseif code:find "^APIG" then
    return "gateway", code:match "^APIG[A-Z]*%.(%d%d%d%d)$"
  elseif code:find "^IAM" then
    return "iam"
  end
  return code:find "^[A-Z][A-Z0-9]*[._-][A-Za-z0-9._-]*%d$" and "service" or nil
end
