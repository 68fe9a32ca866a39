-- Runs shell commands and sums what they tested: lua spec/run.lua [-j N] "command" …
--
-- One after the other with their output as it comes, or N at a time, each output whole at its end.
-- The last line is `N passed, N failed`, the exit status is 1 unless something passed and nothing
-- failed. A command's numbers are its last such line, or busted's summary; a command that prints
-- neither is one check that passed or failed by its exit status. A pending spec counts as failed:
-- what is not tested must not look green.

local unpack = table.unpack or unpack

local function read_all(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Runs the commands, `jobs` at a time. Answers a list of { command =, status =, output = }.
local function run(commands, jobs)
  local results, lines = {}, {}
  for i, command in ipairs(commands) do
    local log = os.tmpname()
    results[i] = { command = command, log = log }
    local head = #commands > 1 and "echo == " .. quote(command) .. "; " or ""
    -- `tee` would hide the command's exit status, so that one goes through a file.
    lines[i] = ("%s{ (%s\n); echo $? >%s.status; } 2>&1 | tee %s"):format(head, command, log, log)
  end
  if jobs == 1 then
    for _, line in ipairs(lines) do
      os.execute(line)
    end
  else
    local xargs = assert(io.popen(("xargs -0 -n 1 -P %d sh -c"):format(jobs), "w"))
    for i, line in ipairs(lines) do
      local whole = results[i].log .. ".whole"
      xargs:write(("{ %s; } >%s; cat %s; rm %s"):format(line, whole, whole, whole), "\0")
    end
    xargs:close()
  end
  for _, result in ipairs(results) do
    result.output = read_all(result.log)
    -- There is no status when the shell itself was killed.
    local file = io.open(result.log .. ".status")
    result.status = file and file:read("*n") or 255
    if file then
      file:close()
    end
    os.remove(result.log)
    os.remove(result.log .. ".status")
  end
  return results
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

local commands, jobs = { unpack(arg) }, 1
if commands[1] == "-j" then
  jobs = tonumber(commands[2])
  commands = { unpack(commands, 3) }
end
local passed, failed, broken = 0, 0, {}
for _, result in ipairs(run(commands, jobs)) do
  local p, f = numbers(result.output)
  if not p then
    p, f = (result.status == 0 and 1 or 0), 0
  end
  if result.status ~= 0 and f == 0 then
    f = 1
  end
  if f > 0 then
    broken[#broken + 1] = ("FAILED (exit status %d): %s"):format(result.status, result.command)
  end
  passed, failed = passed + p, failed + f
end

for _, line in ipairs(broken) do
  print(line)
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(passed > 0 and failed == 0 and 0 or 1)
