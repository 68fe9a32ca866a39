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

-- The first-level caches of a machine of now, for valgrind to simulate: 32 KiB each.
local CACHES = "--cache-sim=yes --I1=32768,8,64 --D1=32768,8,64 --LL=8388608,16,64"

---What a whole process costs, in user mode: its instructions, and how often an access to data or an
---instruction was not in the first-level cache. Counted by valgrind, so no neighbour changes it.
---@return { instructions: number, data: number, code: number }
function M.process_cost(command)
  local run = ("{ %s valgrind --tool=cachegrind --cachegrind-out-file=/dev/null %s %s; } 2>&1; echo status=$?"):format(
    command.before,
    CACHES,
    command.program
  )
  local text = read(run)
  local function count(what)
    local digits = text:match("== " .. what .. ": +([%d,]+)")
    if not digits or not text:match "status=0\n$" then
      failed(command, text)
    end
    return tonumber((digits:gsub(",", "")))
  end
  return {
    instructions = count "I +refs",
    data = count "D1 +misses",
    code = count "I1 +misses",
  }
end

-- Calls that go before the counted ones. A process that makes no more costs the start and, on LuaJIT,
-- most of the compiling; what it costs is taken off.
local WARM = 100

-- The least of `tries`: addresses and seeds differ from one process to the next, and with them the work
-- of malloc and of hash tables.
local function least_cost(command, tries)
  local least = M.process_cost(command)
  for _ = 2, tries do
    for name, count in pairs(M.process_cost(command)) do
      least[name] = math.min(least[name], count)
    end
  end
  return least
end

---The same of one call, over `n` of them.
---@param command_of fun(calls: integer): table
---@param first? integer calls that go before (100)
---@return { instructions: number, data: number, code: number }
function M.cost(command_of, n, tries, first)
  first = first or WARM
  local warm, all = least_cost(command_of(first), tries), least_cost(command_of(first + n), tries)
  for name, count in pairs(warm) do
    all[name] = (all[name] - count) / n
  end
  return all
end

---Instructions of one call that the code of one shared library takes.
function M.library_instructions(command_of, n, library)
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
