--- Whether a spec can see, or spoil, the system calls of a process by strace.

local M = {}

--- Answers why not, or nil where it can.
---@return string?
function M.missing()
  local status = os.execute "strace -o /dev/null true 2>/dev/null"
  return status ~= true and status ~= 0 and "strace is not installed, or may not trace" or nil
end

return M
