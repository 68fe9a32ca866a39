-- Runs shell commands and sums what they tested: lua spec/run.lua [-j N] "command" …
--
-- One after the other with their output as it comes, or N at a time, each output whole at its end.
-- The last line is `N passed, N failed`, the exit status is 1 unless something passed and nothing
-- failed. A command's numbers are its last such line, or busted's summary; a command that prints
-- neither is one check that passed or failed by its exit status. What is not tested must not look
-- green: pending specs are named, and the last line ends in `, N skipped`. With NO_SKIPS=1, for
-- systems where everything can be tested, they count as failed.

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
    local head, foot = "", ""
    if #commands > 1 then
      head = "echo == " .. quote(command) .. "; "
      foot = "; echo == $((`date +%s` - began)) s"
    end
    local work = ("began=`date +%%s`; { (%s\n); echo $? >%s.status; }"):format(command, log)
    if jobs == 1 then
      lines[i] = head .. work .. " 2>&1 | tee " .. log .. foot
    else
      -- A pipe would last as long as whatever a command leaves behind.
      lines[i] = ("%s >%s 2>&1; { %scat %s%s; } >%s.whole; cat %s.whole; rm %s.whole"):format(
        work,
        log,
        head,
        log,
        foot,
        log,
        log,
        log
      )
    end
  end
  if jobs == 1 then
    for _, line in ipairs(lines) do
      os.execute(line)
    end
  else
    local xargs = assert(io.popen(("xargs -0 -n 1 -P %d sh -c"):format(jobs), "w"))
    xargs:write(table.concat(lines, "\0"))
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

-- Answers passed, failed, skipped as the output tells them, or nil.
local function numbers(output)
  local passed, failed, skipped
  for line in output:gmatch "[^\n]+" do
    local p, f, more = line:match "^(%d+) passed, (%d+) failed(.*)$"
    local s = p and (more == "" and 0 or more:match "^, (%d+) skipped$")
    if not p then
      local errors
      p, f, errors, s =
        line:match "^(%d+) success%a* / (%d+) failures? / (%d+) errors? / (%d+) pending"
      f = p and f + errors
    end
    if s then
      passed, failed, skipped = tonumber(p), tonumber(f), tonumber(s)
    end
  end
  return passed, failed, skipped
end

-- What busted calls pending: a line of where, one of the name, and one of why unless the whole block is.
local function tell_skipped(output)
  for name, why in (output .. "\n\n"):gmatch "\nPending %-> [^\n]+\n([^\n]+)\n([^\n]*)" do
    print("SKIPPED: " .. name .. why:gsub("^.-:%d+", ""))
  end
end

-- Once more at the end, since what failed may be far above: busted's with its reason, and what says FAILED itself.
local function tell_failed(output)
  for line in output:gmatch "[^\n]+" do
    if line:find "^FAILED: " then
      print(line)
    end
  end
  for kind, place, name, at in output:gmatch "\n(%a+) %-> ([^\n]+)\n([^\n]+)()" do
    if kind == "Failure" or kind == "Error" then
      local reason = output:sub(at):match "^\n(.-)\n\n" or output:sub(at + 1)
      print(("FAILED: %s: %s: %s"):format(place, name, reason:gsub("%s+", " "):sub(1, 500)))
    end
  end
end

local commands, jobs = { unpack(arg) }, 1
if commands[1] == "-j" then
  jobs = tonumber(commands[2])
  commands = { unpack(commands, 3) }
end
local passed, failed, skipped, broken = 0, 0, 0, {}
for _, result in ipairs(run(commands, math.min(jobs, #commands))) do
  local p, f, s = numbers(result.output)
  if not p then
    p, f, s = (result.status == 0 and 1 or 0), 0, 0
  end
  if s > 0 then
    tell_skipped(result.output)
  end
  if os.getenv "NO_SKIPS" == "1" then
    f, s = f + s, 0
  end
  if result.status ~= 0 and f == 0 then
    f = 1
  end
  if f > 0 then
    tell_failed(result.output)
    broken[#broken + 1] = ("FAILED (exit status %d): %s"):format(result.status, result.command)
  end
  passed, failed, skipped = passed + p, failed + f, skipped + s
end

for _, line in ipairs(broken) do
  print(line)
end
print(
  ("%d passed, %d failed"):format(passed, failed)
    .. (skipped > 0 and (", %d skipped"):format(skipped) or "")
)
os.exit(passed > 0 and failed == 0 and 0 or 1)
