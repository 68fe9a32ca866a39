-- Runs shell commands one after the other and sums what they tested: lua spec/run.lua "command" …
--
-- The last line is `N passed, N failed`, the exit status is 1 unless something passed and nothing
-- failed. A command's numbers are its last such line, or busted's summary; a command that prints
-- neither is one check that passed or failed by its exit status. A pending spec counts as failed:
-- what is not tested must not look green.

local function read_all(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

-- Runs one command, its output shown as it comes. Answers its exit status and its output.
local function run(command)
  local log = os.tmpname()
  local status = log .. ".status"
  -- `tee` would hide the command's exit status, so that one goes through a file.
  os.execute(("{ { %s\n}; echo $? >%s; } 2>&1 | tee %s"):format(command, status, log))
  -- No status was written when the shell itself was killed.
  local file = io.open(status)
  local code = file and file:read "*n" or 255
  if file then
    file:close()
  end
  local output = read_all(log)
  os.remove(log)
  os.remove(status)
  return code, output
end

-- Answers passed, failed as the output tells them, or nil.
local function numbers(output)
  local passed, failed
  for line in output:gmatch "[^\n]+" do
    local p, f = line:match "^(%d+) passed, (%d+) failed$"
    if not p then
      local s, fl, e, pending =
        line:match "^(%d+) success%a* / (%d+) failures? / (%d+) errors? / (%d+) pending"
      if s then
        p, f = s, fl + e + pending
      end
    end
    if p then
      passed, failed = tonumber(p), tonumber(f)
    end
  end
  return passed, failed
end

local passed, failed = 0, 0
for _, command in ipairs(arg) do
  if #arg > 1 then
    print("== " .. command)
  end
  io.stdout:flush()
  local code, output = run(command)
  local p, f = numbers(output)
  if not p then
    p, f = (code == 0 and 1 or 0), 0
  end
  if code ~= 0 and f == 0 then
    f = 1
  end
  if f > 0 then
    print(("FAILED (exit status %d): %s"):format(code, command))
  end
  passed, failed = passed + p, failed + f
end

print(("%d passed, %d failed"):format(passed, failed))
os.exit(passed > 0 and failed == 0 and 0 or 1)
