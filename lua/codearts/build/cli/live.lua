--- The live lines of builds that are being waited for. Pure.
local duration = require "codearts.build.cli.duration"
local entries = require "codearts.build.cli.entry"
local remaining = require "codearts.build.cli.remaining"
local text = require "codearts.build.cli.text"
local verdict = require "codearts.build.lifecycle.verdict"

local SIGNS = {
  [true] = { done = "✓", bad = "✗", now = "▸", rest = "·" },
  [false] = { done = "+", bad = "x", now = ">", rest = "." },
}

local LOOKS = {
  good = { "done", "good" },
  bad = { "bad", "bad" },
  rest = { "rest", "dim" },
  now = { "now", nil },
}

--- What a step's status means for its line.
local function step_state(status)
  local look = LOOKS[verdict.of_step(status)]
  return look[1], look[2]
end

local function clean(str, style)
  str = text.clean(str)
  return style.unicode and str or text.ascii(str)
end

local function line(columns, style, colour, str)
  local fitted = text.fit(str, columns, style.unicode and "…" or "...")
  return colour and style.paint(colour, fitted) or fitted
end

local function elapsed(entry, now)
  return duration.format(remaining.elapsed(entry, now))
end

local function status_of(entry, style)
  if entry.status and entry.status ~= "" then
    return clean(entry.status, style)
  end
  return entry.build_no and "waiting" or "starting"
end

local function step_lines(entry, now, columns, style)
  local lines = {}
  for index, step in ipairs(entry.steps or {}) do
    local state, colour = step_state(step.status)
    local since = entry.step_began and entry.step_began[index]
    local time = state == "now" and since and now - since or step.time
    local str = ("  %s %s"):format(SIGNS[style.unicode][state], clean(step.name, style))
    if state ~= "rest" and time then
      str = str .. "  " .. duration.format(time)
    end
    lines[index] = line(columns, style, colour, str)
  end
  return lines
end

--- The step that runs now, and how many are behind it.
local function current_step(entry)
  local done, name = 0, nil
  for _, step in ipairs(entry.steps or {}) do
    local state = step_state(step.status)
    if state == "done" then
      done = done + 1
    elseif state == "now" and not name then
      name = step.name
    end
  end
  return name, done
end

local function one_line(entry, now, columns, style)
  local str = ("%s #%s  %s  %s"):format(
    clean(entries.label(entry), style),
    entry.build_no or "?",
    status_of(entry, style),
    elapsed(entry, now)
  )
  local name, done = current_step(entry)
  if name and not entry.ended then
    str = ("%s  %s (%d/%d)"):format(str, clean(name, style), done + 1, #entry.steps)
  end
  local left = remaining.words(entry, now)
  str = left and str .. "  " .. left or str
  local colour = entry.ended and (entry.err and "bad" or "good") or nil
  return line(columns, style, colour, str)
end

--- The middle of a list that is longer than its room is left out, the parts around `at` stay.
local function window(lines, room, at)
  if #lines <= room then
    return lines
  end
  local first = math.max(1, math.min(at - math.floor(room / 2), #lines - room + 1))
  local shown = {}
  for index = first, first + room - 1 do
    shown[#shown + 1] = lines[index]
  end
  return shown
end

local function first_running(steps)
  for index, step in ipairs(steps or {}) do
    if step_state(step.status) ~= "done" then
      return index
    end
  end
  return steps and #steps or 1
end

-- What is to be seen first where not all builds fit: what went wrong, then what goes on.
local ORDER = { "failed", "running", "waiting", "succeeded" }

local function state_of(entry)
  if entry.err then
    return "failed"
  elseif entry.ended then
    return "succeeded"
  end
  return current_step(entry) and "running" or "waiting"
end

--- Some of the builds, those that matter most, in the order in which they were given; and what is said of the others.
---@return codearts.build.cli.Entry[]
---@return string? others
local function selection(list, room)
  if #list <= room then
    return list
  end
  local states, chosen, left, counts = {}, {}, room - 1, {}
  for index, entry in ipairs(list) do
    states[index] = state_of(entry)
  end
  for _, state in ipairs(ORDER) do
    for index in ipairs(list) do
      if states[index] == state then
        chosen[index], left = left > 0, left - 1
        counts[state] = (counts[state] or 0) + (chosen[index] and 0 or 1)
      end
    end
  end
  local shown, others = {}, {}
  for index, entry in ipairs(list) do
    shown[#shown + 1] = chosen[index] and entry or nil
  end
  for _, state in ipairs(ORDER) do
    if (counts[state] or 0) > 0 then
      others[#others + 1] = ("%d %s"):format(counts[state], state)
    end
  end
  return shown, ("and %d more: %s"):format(#list - #shown, table.concat(others, ", "))
end

--- Lines that fit the page: one build with its steps, or one line for each of several.
---@param list codearts.build.cli.Entry[]
---@param now number
---@param columns integer
---@param rows integer
---@param style codearts.build.cli.Style
---@return string[]
local function live(list, now, columns, rows, style)
  columns, rows = math.max(columns - 1, 1), math.max(rows - 1, 1) -- the last column and row would scroll
  if #list == 1 then
    local entry = list[1]
    local head = ("build %s of %s  %s  %s"):format(
      entry.build_no or "?",
      clean(entry.job_name or entry.job_id, style),
      status_of(entry, style),
      elapsed(entry, now)
    )
    local left = rows > 2 and remaining.line(entry, now, columns, style.unicode)
    local lines = window(
      step_lines(entry, now, columns, style),
      math.max(rows - (left and 2 or 1), 0),
      first_running(entry.steps)
    )
    if left then
      table.insert(lines, 1, line(columns, style, nil, left))
    end
    table.insert(lines, 1, line(columns, style, nil, head))
    return lines
  end
  local shown, others = selection(list, rows)
  local lines = {}
  for index, entry in ipairs(shown) do
    lines[index] = one_line(entry, now, columns, style)
  end
  if others then
    lines[#lines + 1] = line(columns, style, "dim", others)
  end
  return lines
end

return live
