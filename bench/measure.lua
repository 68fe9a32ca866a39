-- Runs client programs and reads what they tell: time, memory, instructions.
--
-- A command is `{ before = "variables and wrappers", program = "the program and its arguments" }`,
-- both as the shell reads them; a counter of instructions goes between the two.

local M = {}

local function read(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

---What a shell command prints, without the newline at its end.
function M.output(command)
  return (read(command):gsub("\n$", ""))
end

---Shell words that stand for these texts as they are.
function M.words(...)
  local quoted = { ... }
  for i, word in ipairs(quoted) do
    quoted[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
  end
  return table.concat(quoted, " ")
end

local function failed(command, text)
  local shown = (command.program .. "\n" .. text):gsub("A+", "A")
  error("the bench cannot go on: " .. shown, 0)
end

---Runs a client and reads its line `calls=… seconds=… …`.
---@return table<string, number>
function M.run(command)
  local text = read(command.before .. " " .. command.program)
  local fields = {}
  for name, value in text:gmatch "([%w_]+)=(%-?[%d.]+)" do
    fields[name] = tonumber(value)
  end
  if not fields.calls then
    failed(command, text)
  end
  return fields
end

---Runs every client `rounds` times, taking turns, so that a neighbour's load meets all of them.
---@param commands table<string, table> commands by name
---@param rounds integer
---@param before? fun(round: integer) called before each round
---@return table<string, table<string, number>[]> runs by name
function M.rounds(commands, rounds, before)
  local names, all = {}, {}
  for name in pairs(commands) do
    names[#names + 1] = name
    all[name] = {}
  end
  table.sort(names)
  for round = 1, rounds do
    if before then
      before(round)
    end
    for i = 1, #names do
      local name = names[(i + round) % #names + 1] -- nobody is always the first
      all[name][round] = M.run(commands[name])
    end
  end
  return all
end

local function sorted(runs, pick)
  local list = {}
  for i, run in ipairs(runs) do
    list[i] = pick(run)
  end
  table.sort(list)
  return list
end

---The least value over runs. A neighbour can only add, so this is the one to compare.
function M.least(runs, pick)
  return sorted(runs, pick)[1]
end

function M.median(runs, pick)
  local list = sorted(runs, pick)
  return (list[math.floor((#list + 1) / 2)] + list[math.ceil((#list + 1) / 2)]) / 2
end

---The middle of what `one` took in each round over what `other` took in the same round. A machine that
---is slower for some rounds is so for both.
function M.ratio(one, other, pick)
  local ratios = {}
  for round = 1, #one do
    ratios[round] = pick(one[round]) / pick(other[round])
  end
  return M.median(ratios, function(ratio)
    return ratio
  end)
end

---Microseconds of a call by the clock.
function M.wall(run)
  return run.seconds / run.calls * 1e6
end

---Microseconds of the client's CPU for a call.
function M.cpu(run)
  return run.cpu / run.calls * 1e6
end

function M.peak(run)
  return run.peak_kib
end

local counter

-- How the user-mode instructions of a process are counted here.
local function counter_here()
  if counter then
    return counter
  end
  if read("perf stat -x, -e instructions:u true 2>&1"):match "^%d" then
    counter =
      { name = "perf", tool = "perf stat -x, -e instructions:u", found = "(%d+),[^\n]*instr" }
  else
    counter = {
      name = "callgrind",
      tool = "valgrind --tool=callgrind --callgrind-out-file=/dev/null",
      found = "Collected : (%d+)",
    }
  end
  return counter
end

---@return string "perf" or "callgrind"
function M.counter()
  return counter_here().name
end

---Instructions of a whole process.
function M.process_instructions(command)
  local how = counter_here()
  local run = ("{ %s %s %s; } 2>&1; echo status=$?"):format(
    command.before,
    how.tool,
    command.program
  )
  local text = read(run)
  local count = text:match "status=0\n$" and text:match(how.found)
  if not count then
    failed(command, text)
  end
  return tonumber(count)
end

-- Calls that go before the counted ones. A process that makes no more costs the start and, on LuaJIT,
-- most of the compiling; what it costs is taken off.
local WARM = 100

---Instructions of one call, over `n` of them. Of each process the least of `tries`: addresses and seeds
---differ from one to the next, and with them the work of malloc and of hash tables.
---@param command_of fun(calls: integer): table
function M.instructions(command_of, n, tries)
  local warm, all = math.huge, math.huge
  for _ = 1, tries do
    warm = math.min(warm, M.process_instructions(command_of(WARM)))
    all = math.min(all, M.process_instructions(command_of(WARM + n)))
  end
  return (all - warm) / n
end

---Instructions of one call that the code of one shared library takes (callgrind only, else nil).
function M.library_instructions(command_of, n, library)
  if M.counter() ~= "callgrind" then
    return nil
  end
  local function count(command)
    local file = os.tmpname()
    local tool = "valgrind --tool=callgrind --callgrind-out-file=" .. file .. " "
    read(command.before .. " " .. tool .. command.program .. " 2>/dev/null")
    local total = 0
    for cost, object in
      read("callgrind_annotate --threshold=100 " .. file .. " 2>/dev/null"):gmatch "\n *([%d,]+) [^\n]*%[([^\n%]]+)%]"
    do
      if object:find(library, 1, true) then
        total = total + tonumber((cost:gsub(",", "")))
      end
    end
    os.remove(file)
    return total
  end
  return (count(command_of(WARM + n)) - count(command_of(WARM))) / n
end

---Runs of a process from start to end, as `rounds` answers them: each starts it `times` times.
---@param now fun(): number
function M.process(command, times, now)
  local loop = "i=0; while [ $i -lt %d ]; do %s %s >/dev/null || exit 1; i=$((i+1)); done"
  local start = now()
  local ok = os.execute(loop:format(times, command.before, command.program))
  if ok ~= 0 and ok ~= true then
    failed(command, "")
  end
  return { calls = times, seconds = now() - start }
end

return M
