--- What is true of a history (history.lua), found in the slow way: by trying every moment that the clocks leave open.

local M = {}

-- What can be known of a build by everything that the service shows of it.
local function knowledge(build)
  local answered, failed, sight = false, false, nil
  for source = 1, 3 do
    local shows = build.shows[source]
    answered = answered or shows ~= "gone" and shows ~= "fail"
    failed = failed or shows == "fail"
    if shows == "value" and build.value then
      local legible = build.legible == "always"
        or (build.legible == "if not secret" and source == 3)
      sight = sight or (legible and (build.mine and "own" or "other")) or nil
    end
  end
  return sight or (answered and not failed and "hidden") or "untold"
end

-- What is right to say of the builds that began at `since` or later, or tell no time and are listed at
-- `untimed_since` or later.
local function expected(h, since, untimed_since)
  local count = { own = 0, other = 0, hidden = 0, untold = 0 }
  local own = {}
  for _, build in ipairs(h.builds) do
    local began = build.began
    if began and began >= since or not began and build.listed_at >= untimed_since then
      local sight = knowledge(build)
      count[sight] = count[sight] + 1
      if sight == "own" then
        own[#own + 1] = build.number
      end
    end
  end
  if own[1] then
    return "started", own
  elseif count.hidden + count.untold == 0 then
    return "none_found", own
  elseif count.untold == 0 and count.other == 0 then
    return "candidates", own
  end
  return "unknown", own
end

--- Whether the list can be read to its end for sure.
local function is_readable(h)
  local untold = h.totals == "none" or h.totals == "nonsense"
  if #h.builds <= h.size then
    return not (h.repeats and untold)
  end
  untold = untold or h.totals == "pages" or h.totals == "page"
  return not h.repeats and not untold and h.order ~= "restless"
end

-- The verdicts that are right, as a set, and the own builds that all of them tell. More than one where the clocks
-- leave open which builds began before the call, or where the list may be more than can be read.
local function right_verdicts(h)
  local since = h.dates and h.start - 15 * 3600 or -math.huge
  local verdict, own = expected(h, since, -math.huge)
  local right, times, untimed = { [verdict] = true }, { since }, { -math.huge }
  for _, build in ipairs(h.dates and h.builds or {}) do
    if h.loose and build.began and build.began < since then
      times[#times + 1] = build.began
    elseif not build.began and build.listed_at < h.start - 15 * 3600 then
      untimed[#untimed + 1] = build.listed_at + 1 -- whether it is listed depends on the service's zone
    end
  end
  for _, time in ipairs(times) do
    for _, created in ipairs(untimed) do
      right[expected(h, time, created)] = true
    end
  end
  if not is_readable(h) then
    right.unknown, own = true, {}
  end
  return right, own
end

local function unsound(h, verdict, tick)
  local by_number, open = {}, {}
  for _, number in ipairs(verdict.open) do
    open[number] = true
  end
  for _, build in ipairs(h.builds) do
    by_number[build.number] = build
    if build.mine and build.from <= tick then
      if verdict.verdict == "none_found" then
        return "none_found, but there is " .. build.number
      elseif verdict.verdict == "candidates" and not open[build.number] then
        return "no candidate: " .. build.number
      end
    end
  end
  local last = 0
  for _, number in ipairs(verdict.own) do
    if not by_number[number].mine or number <= last then
      return "told as started: " .. number
    end
    last = number
  end
  if (verdict.verdict == "started") ~= (verdict.own[1] ~= nil) then
    return verdict.verdict .. " with " .. #verdict.own
  end
end

--- What is wrong with a verdict on a history; nil: nothing is.
---@param h spec.History
---@param verdict { verdict: string, own: integer[], open: integer[] }
---@param tick integer of the first answer with builds
---@return string?
function M.fault(h, verdict, tick)
  local fault = unsound(h, verdict, tick)
  if fault or not h.quiet then
    return fault
  end
  -- Nothing moved and nothing failed: then not to know is a fault, too.
  local right, own = right_verdicts(h)
  if not right[verdict.verdict] then
    return ("%s is not right"):format(verdict.verdict)
  end
  for i, number in ipairs(own) do
    if verdict.own[i] ~= number then
      return "not told: " .. number
    end
  end
end

return M
