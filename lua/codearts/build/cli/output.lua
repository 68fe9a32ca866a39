--- Standard output and standard error. The first write to standard output that fails is remembered, and nothing is written
-- after it: commands look at `problem` where going on would be of no use, and cli.main makes a message and an exit status of it.
local exit_status = require "codearts.build.cli.exit_status"

local output = {}

---@type string? why standard output cannot be written to
output.problem = nil
---@type boolean? it is a pipe that nobody reads (any more), which is no fault: `| head` ends so
output.nobody_reads = nil

local BROKEN_PIPE = 32 -- EPIPE, the same on every system

local the_core

--- Leaves writing to the core, and the signals that end us. A file of Lua's would lose what a signal, or a neighbour who has
-- made a pipe non-blocking, keeps it from writing; and LuaJIT flushes once more where that failed, which then succeeds.
---@param core table
function output.use(core)
  the_core = core
  -- An interpreter hides with a handler of its own that SIGINT was ignored; bin/codearts-build looks before.
  core.catch_endings(os.getenv "CODEARTS_BUILD_SIGINT" == "ignored")
end

--- The exit status of the signal that ends us.
---@return integer?
function output.ending()
  return the_core and exit_status.of_ending[the_core.ending()]
end

local FILES = { io.stdout, io.stderr } -- by their descriptors

local function write(fd, ...)
  if the_core then
    return the_core.write(fd, table.concat { ... })
  end
  local ok, reason, code = FILES[fd]:write(...)
  if ok then
    ok, reason, code = FILES[fd]:flush() -- so that a full disk shows here, and not after the exit status is fixed
  end
  return ok, reason, code
end

--- To standard output.
---@param ... string
function output.write(...)
  if output.problem then
    return
  end
  local ok, reason, code = write(1, ...)
  if not ok then
    output.problem, output.nobody_reads = tostring(reason), code == BROKEN_PIPE
  end
end

local unheard

--- To standard error. What cannot be written there is lost.
---@param ... string
function output.say(...)
  if not unheard then
    local _, _, code = write(2, ...)
    unheard = code == BROKEN_PIPE
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
