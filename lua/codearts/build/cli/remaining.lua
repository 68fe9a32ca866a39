--- How long a build still takes, by what earlier builds of its job took: in words, and as a bar. Pure.
local duration = require "codearts.build.cli.duration"

local remaining = {}

local CLOSE_TO_FULL = 0.99 -- of the bar: the rest is for the end itself

--- Takes in what a look has shown.
---@param entry codearts.build.cli.Entry
---@param progress codearts.build.Progress
---@param now number
function remaining.note(entry, progress, now)
  entry.running, entry.eta, entry.usual = progress.running, progress.eta, progress.usual
  entry.looked_at = now
  if entry.running and (entry.eta or entry.usual) then
    -- An estimate that grows must not take back what the bar has shown.
    local total = entry.running + (entry.eta or 0)
    local fraction = total > 0 and math.min(entry.running / total, CLOSE_TO_FULL) or 0
    entry.fraction = math.max(entry.fraction or 0, fraction)
    entry.fraction_at = entry.fraction
  end
end

--- Seconds that the build has run, as far as is known: it may have begun long before we waited for it.
---@param entry codearts.build.cli.Entry
---@param now number
---@return number
function remaining.elapsed(entry, now)
  now = entry.ended or now
  local waited = now - entry.began
  return entry.running and math.max(waited, entry.running + now - entry.looked_at) or waited
end

--- Seconds left, in words that do not change with every second: nobody knows better.
local function in_words(seconds)
  if seconds <= 0 then
    return "due now"
  elseif seconds < 10 then
    return "a few seconds left"
  elseif seconds < 55 then
    return ("about %d s left"):format(math.floor(seconds / 10 + 0.5) * 10)
  elseif seconds < 3570 then
    return ("about %d min left"):format(math.floor(seconds / 60 + 0.5))
  end
  local minutes = math.floor(seconds / 600 + 0.5) * 10
  return ("about %d h %02d min left"):format(math.floor(minutes / 60), minutes % 60)
end

--- "about 2 min left"; nil if the job has no history, or the build does not run.
---@param entry codearts.build.cli.Entry
---@param now number
---@return string?
function remaining.words(entry, now)
  if entry.ended or not entry.running or not entry.usual then
    return nil
  elseif not entry.eta then
    return ("longer than usual (%s)"):format(duration.format(entry.usual))
  end
  return in_words(entry.eta - (now - entry.looked_at))
end

--- The part of the build that lies behind, from 0 to 1.
local function fraction(entry, now)
  if not entry.eta or entry.eta <= 0 then
    return entry.fraction
  end
  local part = math.min((now - entry.looked_at) / entry.eta, 1)
  local grown = entry.fraction_at + (1 - entry.fraction_at) * part
  entry.fraction = math.max(entry.fraction, math.min(grown, CLOSE_TO_FULL))
  return entry.fraction
end

--- The bar and the words, in at most that many columns; nil as above.
---@param entry codearts.build.cli.Entry
---@param now number
---@param columns integer
---@param unicode boolean
---@return string?
function remaining.line(entry, now, columns, unicode)
  local words = remaining.words(entry, now)
  if not words then
    return nil
  end
  local room = math.min(columns - #words - 6, 40)
  if room < 5 then
    return "  " .. words
  end
  local full = math.floor(fraction(entry, now) * room + 0.5)
  local bar = unicode and ("█"):rep(full) .. ("░"):rep(room - full)
    or "[" .. ("#"):rep(full) .. ("."):rep(room - full) .. "]"
  return ("  %s  %s"):format(bar, words)
end

return remaining
