--- Standard output. The first write that fails is remembered, and nothing is written after it: commands look at `problem`
-- where going on would be of no use, and cli.main makes a message and an exit status of it.
local output = {}

---@type string? why standard output cannot be written to
output.problem = nil
---@type boolean? it is a pipe whose reader has gone, which is no fault: `| head` ends so
output.nobody_reads = nil

local BROKEN_PIPE = 32 -- EPIPE, the same on every system

--- Writes and flushes, so that a full disk shows here and not after the exit status is fixed.
---@param ... string
function output.write(...)
  if output.problem then
    return
  end
  local ok, reason, code = io.stdout:write(...)
  if ok then
    ok, reason, code = io.stdout:flush()
  end
  if not ok then
    output.problem, output.nobody_reads = tostring(reason), code == BROKEN_PIPE
  end
end

local BAD_FILE_NUMBER = 9 -- EBADF, the same on every system

local function is_closed(file)
  local _, _, code = file:seek()
  return code == BAD_FILE_NUMBER
end

-- Kept open to the end of the process.
local fillers = {}

--- Sees to it that no connection gets the number of a standard stream that was closed: what we print would go into it.
-- A closed standard output is a problem at once.
function output.check_streams()
  for _, file in ipairs { io.stdin, io.stdout, io.stderr } do
    if is_closed(file) then
      fillers[#fillers + 1] = io.open("/dev/null", "r+") -- the system gives it the lowest free number
      if file == io.stdout then
        output.problem = "it is closed"
      end
    end
  end
end

return output
