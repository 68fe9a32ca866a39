--- Programs that see other files in the place of the system's, by mount namespaces: those of root, or
--- those that Linux gives everybody inside a user namespace. Some systems, and most containers, give
--- neither; what needs one is pending there:
---
---     local missing = namespaces.missing()
---     if missing then
---       pending(missing)
---     end

local M = {}

local function works(command)
  local status = os.execute(command .. " 2>/dev/null")
  return status == true or status == 0
end

-- Looked for once.
local unshare = false

local function find()
  for _, command in ipairs({ "unshare -m", "unshare -U -r -m" }) do
    if works(command .. " mount -t tmpfs none /mnt") then
      return command
    end
  end
end

--- Answers why there are none to be had, or nil where there are.
---@return string?
function M.missing()
  if unshare == false then
    unshare = find()
  end
  return unshare == nil and "this system gives no mount namespace to this user" or nil
end

--- The shell command that runs a shell command in a mount namespace of its own, as root of it.
---@param command string
---@return string
function M.command(command)
  assert(not M.missing(), M.missing())
  return ("%s sh -c '%s'"):format(unshare, (command:gsub("'", "'\\''")))
end

return M
