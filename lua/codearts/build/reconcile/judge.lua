--- What the builds of a job prove about a call whose answer was lost. Pure: values in, a verdict out.
---
--- Only the run id, which the call put into a parameter of the job, proves anything. A build is the
--- call's own if it shows that id, and is not if it shows another value; whoever shows neither may be.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"

local judge = {}

-- How far the clocks within the service may differ: more than it tolerates of ours (API reference 3.1).
local CLOCK_SKEW = 3600
-- By how much the list may tell a time too early: whoever takes UTC for the time of a zone, or the other way round, is
-- off by as much as the furthest zone.
local TOO_EARLY = 14 * 3600 + CLOCK_SKEW

--- When a call began, by the service's clock. How much time has passed since is told by ours, and both of
--- ours may have stood still meanwhile, the steady one as long as the machine slept; where the machine
--- itself was frozen, only the time of day that it noted then tells. The earliest is safe: a build that
--- is looked at in vain costs a request, one that is not looked at may be the call's own.
---@param date number the service's clock
---@param began { steady: number, utc: number } our clocks when the call began
---@param now { steady: number, utc: number }
---@return number
function judge.started_at(date, began, now)
  local passed = math.max(now.steady - began.steady, now.utc - began.utc, 0)
  return math.min(date - passed, began.utc)
end

local function may_be_since(began, started_at, early)
  return not (started_at and began) or began >= started_at - early
end

--- Whether a build may have begun since the call.
---@param began number|false|nil by the list, or its record
---@param started_at? number when the call began, by the service's clock
---@return boolean
function judge.may_be_since(began, started_at)
  return may_be_since(began, started_at, TOO_EARLY)
end

--- The builds that may be the call's own.
---@param builds table<integer, number|false> number -> when it began
---@param started_at? number when the call began, by the service's clock
---@param newest? integer at most so many
---@return integer[] numbers newest first
function judge.suspects(builds, started_at, newest)
  local numbers = {}
  for number, began in next, builds do
    if judge.may_be_since(began, started_at) then
      numbers[#numbers + 1] = number
    end
  end
  table.sort(numbers, function(a, b)
    return a > b
  end)
  while newest and #numbers > newest do
    numbers[#numbers] = nil
  end
  return numbers
end

--- Them in the order to ask in: those that began since by a list that tells its times right, the oldest first; then
--- the others, which are many where a job is built often.
---@param suspects integer[] newest first
---@param builds table<integer, number|false> see judge.suspects
---@param started_at? number
---@return integer[] numbers
function judge.likely_first(suspects, builds, started_at)
  local order = {}
  for i = #suspects, 1, -1 do
    if may_be_since(builds[suspects[i]], started_at, CLOCK_SKEW) then
      order[#order + 1] = suspects[i]
    end
  end
  for _, number in ipairs(suspects) do
    if not may_be_since(builds[number], started_at, CLOCK_SKEW) then
      order[#order + 1] = number
    end
  end
  return order
end

--- When a build that shows the id, too, is told to have begun at the earliest, once one is found: that one has begun by
--- now, so that no time of the list is further off than its time is from now.
---@param began number what the list tells of the one that was found
---@param started_at number
---@param date number the service's clock now
---@return number
function judge.first_of_several(began, started_at, date)
  return started_at - CLOCK_SKEW - math.max(date - began, 0)
end

local function compact(text)
  return (text:gsub("[^0-9A-Za-z]+", ""))
end

--- Whether a text may be what somebody made of the id for display: written without its hyphens, or shortened. Of that
--- its beginning is left, its end, both, or some of its middle; what has fewer than four letters and digits is that only
--- as a beginning, for a default such as "0" is in most ids.
local function may_be_made_of(text, run_id)
  local piece, whole = compact(text), compact(run_id)
  local at = whole:find(piece, 1, true)
  if at == 1 or at and #piece >= 4 or piece:find(whole, 1, true) then
    return true
  elseif #piece < 4 then
    return false
  end
  for length = 1, #piece - 1 do
    if whole:sub(1, length) ~= piece:sub(1, length) then
      return false
    elseif whole:sub(length - #piece) == piece:sub(length + 1) then
      return true
    end
  end
  return false
end

local function is_one_sign(text)
  return #text >= 3 and text == text:sub(1, 1):rep(#text)
end

--- Whether a text has four or more of one sign in a row that is no digit of a UUID: there are UUIDs with such.
local function has_run(text)
  local last, count
  for sign in text:gmatch "[^\128-\191][\128-\191]*" do
    last, count = sign, sign == last and count + 1 or 1
    if count == 4 and not sign:find "[0-9a-f]" then
      return true
    end
  end
  return false
end

local BRACKETS = { ["[]"] = true, ["<>"] = true, ["()"] = true }

-- What is written in the place of a value, or behind the beginning of one.
local STAND_INS = {
  masked = true,
  hidden = true,
  redacted = true,
  protected = true,
  secret = true,
  secure = true,
  secured = true,
  encrypted = true,
  censored = true,
  truncated = true,
  more = true,
  unresolved = true,
  undefined = true,
  null = true,
}

local function has_stand_in(text)
  for word in text:gmatch "[a-z]+" do
    if STAND_INS[word] then
      return true
    end
  end
  return false
end

--- Whether a text may stand for one that is not shown, or not all of it, though nothing says so: "550e...",
--- "[REDACTED]", "masked", "xxxx1a2b", "00000000-0000-0000-0000-000000000000", "${RUN_ID}".
local function may_stand_for(text)
  return text:find("...", 1, true)
    or text:find("…", 1, true)
    or text:find("{", 1, true)
    or BRACKETS[text:sub(1, 1) .. text:sub(-1)]
    or is_one_sign(compact(text))
    or has_run(text)
    or has_stand_in(text)
end

--- Anything but "no" and nothing; JSON's null is nothing.
local function is_secret(secret)
  return secret ~= nil and secret ~= false and type(secret) ~= "userdata"
end

--- What one value says: "own", "other", "hidden" if it is a secret or may stand for one, has the id in it, with escapes
--- perhaps, or may be made of it; nil if it says nothing. Secret ones are shown as asterisks (API reference 7.4), and
--- nobody knows what else a secret may be shown as: one without a letter or digit, the empty one among them, counts only
--- if the service says that it is no secret.
local function sight_of_value(value, secret, run_id)
  if type(value) == "number" or type(value) == "boolean" then
    value = tostring(value)
  end
  local text = type(value) == "string" and ascii.lower(ascii.trim(value))
  if text == ascii.lower(run_id) then
    return "own"
  elseif is_secret(secret) or text and text:find("*", 1, true) then
    return "hidden"
  elseif not text then
    return nil
  elseif may_stand_for(text) then
    return "hidden"
  elseif not text:find "[0-9a-z]" then
    return secret == false and "other" or nil
  end
  local id = ascii.lower(run_id)
  local shows = core.mask(text, { id }, true) ~= text -- what finds secrets knows the escapes
  return (shows or may_be_made_of(text, id)) and "hidden" or "other"
end

--- What the parameters of a build say, in any of the service's three lists of them.
---@param parameters { name: any, value: any, secret: any }[]
---@param name string the parameter that holds the run id
---@param run_id string
---@return "own"|"other"|"hidden"|nil sight hidden: whatever the other lists show, it is not legible; nil: it is not
--- among them, or says nothing
function judge.sight(parameters, name, run_id)
  local sight, silent = nil, false
  for _, each in ipairs(parameters) do
    if type(each) == "table" and each.name == name then
      local one = sight_of_value(each.value, each.secret, run_id)
      if one == "own" then
        return "own"
      end
      sight, silent = sight == "hidden" and sight or one, silent or one == nil
    end
  end
  return (sight == "hidden" or not silent) and sight or nil
end

---@class codearts.build.LookFacts
---@field suspects integer[] newest first
---@field sights table<integer, "own"|"other"|"hidden"|nil> hidden: it shows no legible id; nil: it was not told
---@field whole boolean the list was read to its end
---@field run_id? string
---@field elsewhere? boolean some of it was not told where the start went to, or the start may go out yet
---@field doubtful? boolean some of it is not what the service says now

---@class codearts.build.LookVerdict
---@field verdict "started"|"none_found"|"candidates"|"unknown"
---@field own integer[] numbers of the builds that show the id, lowest first
---@field open integer[] those that may be the call's own still, newest first
---@field doubt "list"|"untold"|"hidden"|"elsewhere"|"doubtful"|nil what keeps it from being known: the list was not read to its
--- end, a build was not told about, one shows no legible id, or see above

--- The verdict (see codearts.build.reconcile).
---@param facts codearts.build.LookFacts
---@return codearts.build.LookVerdict
function judge.verdict(facts)
  local own, open, others, untold = {}, {}, 0, false
  for _, number in ipairs(facts.suspects) do
    local sight = facts.sights[number]
    if sight == "own" then
      table.insert(own, 1, number)
    elseif sight == "other" then
      others = others + 1
    else
      open[#open + 1] = number
      untold = untold or sight == nil
    end
  end
  local doubt = not facts.whole and "list"
    or facts.run_id and (untold and "untold" or open[1] and "hidden")
    or nil
  local verdict = "unknown"
  if own[1] then
    verdict = "started"
  elseif not facts.run_id and not doubt or doubt == "hidden" and others == 0 then
    verdict = "candidates"
  elseif not doubt then
    doubt = facts.elsewhere and "elsewhere" or facts.doubtful and "doubtful" or nil
    verdict = doubt and "unknown" or "none_found"
  end
  return { verdict = verdict, own = own, open = open, doubt = doubt }
end

return judge
