-- Makes lua-http loadable. Debian packages its Lua files for 5.1 to 5.3 only, and on 5.3 not all of what it needs; they run on later
-- ones as well, so the 5.1 folders are searched after the version's own. The order matters: halves of C modules must be this version's.

local M = {}

---@return boolean ok
---@return string|nil message what is missing
function M.prepare()
  if pcall(require, "http.server") then
    return true
  end
  local added = {}
  for template in package.path:gmatch("[^;]+") do
    local older, count = template:gsub("/lua/5%.[345]/", "/lua/5.1/")
    if count > 0 then
      added[#added + 1] = older
    end
  end
  package.path = package.path .. ";" .. table.concat(added, ";")
  local ok, message = pcall(require, "http.server")
  if ok then
    return true
  end
  return false,
    "the sandbox needs lua-http (package lua-http, or the rock http): " .. tostring(message):match(
      "[^\n]*"
    )
end

return M
