--- Histories of a job whose service has habits: what it shows of the builds, request by request. For specs of
--- reconcile, which must find the truth in it or say that it does not know.
---
--- A history is plain data, so that a server process can answer by it (behaviour "history").

local calendar = require("codearts.build.calendar")

local M = {}

local DAY = 86400
local NAME = "RUN_ID"
local NEVER = 1e9 -- a tick; goes over the wire, as infinity does not

---@class spec.History
---@field now number the service's clock at its first answer
---@field step number seconds from one answer to the next
---@field date number|nil what each Date says, if not what the service's clock does
---@field cache table|nil what a cache on the way has kept, by what was asked; for ever, and it does not say so
---@field ages table<string, integer>|nil by operation: how long a cache says that it has kept the answer
---@field beyond { body: table?, status: integer? }|nil what there is in place of an empty page after the last one
---@field tells_last boolean whether there is a place that tells the last build, listed or not
---@field names_builds boolean whether a record tells the number of its build
---@field answers_of integer|nil the build that answers say they are about
---@field tick integer answers given
---@field zone integer hours of the times that the list is asked for
---@field slip number hours that the list's own times are off, as those read as times of another zone are
---@field by_told boolean whether it is the times so told that the list is asked for
---@field unflagged boolean whether nothing says of a masked value that it is secret
---@field worded boolean whether ShowHistoryDetails, which has no flag for it, says by a word that a value is secret
---@field builds spec.HistoryBuild[]
---@field began { steady: number, utc: number } the caller's clocks when the call began
---@field at { steady: number, utc: number } and now

---@class spec.HistoryBuild
---@field number integer
---@field created number
---@field told integer|nil its start_time in the list
---@field began number|nil the same in seconds, if it is a time
---@field listed_at number the time by which the list is asked for it
---@field moment string the same, in the list's zone
---@field from integer first tick at which it is listed
---@field to integer first tick at which it is not any more
---@field mine boolean whether it carries the run id
---@field value string|nil
---@field legible "always"|"if not secret"|"never" whether that value can be told from a masked id
---@field shows string[] what each of the three sources shows: value, missing, masked, another, fail

-- Numbers that are the same on every Lua.
local function dice(seed)
  local state = seed * 7919 % 2147483646 + 1
  local function roll(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end
  for _ = 1, 3 do
    roll(1)
  end
  return roll,
    function(percent)
      return roll(100) <= percent
    end,
    function(list)
      return list[roll(#list)]
    end
end

local function other_uuid(roll)
  return ("%08x-0000-4000-8000-%012x"):format(roll(2147483646), roll(2147483646))
end

-- What stands for an id where nothing else says that it is hidden, or is another way to write it.
local UNFLAGGED = {
  function()
    return "[REDACTED]"
  end,
  function()
    return "masked"
  end,
  function()
    return "${RUN_ID}"
  end,
  function(run_id)
    return "xxxx" .. run_id:sub(-4)
  end,
  function(run_id)
    return run_id:sub(1, 18) .. "... [truncated]"
  end,
  function(run_id)
    return (run_id:gsub("-", "\\u002D"))
  end,
  function(run_id)
    return (run_id:gsub("-", "&#45;"))
  end,
}

-- Times -------------------------------------------------------------------------------------------

-- The clocks of the caller: how much of the gap each counted, and how wrong it was.
local function clocks(h, roll, chance, pick)
  local gap = pick { 1, 60, 3600, 3 * DAY }
  local skew = pick { 0, 0, 0, 600, 7200, 200 * DAY, -600, -7200, -40 * DAY }
  local steady, utc = gap, gap
  if chance(15) then
    steady = gap / roll(20) -- the machine slept
  elseif chance(10) then
    steady, utc, skew = gap / 10, gap / 10, math.min(skew, 0) -- it was frozen; its clock was right
  elseif chance(15) then
    utc = gap - pick { 7200, -7200, 5 * DAY } -- somebody set the clock
  end
  h.gap, h.start = gap, h.now - gap
  h.loose = skew < 0 or math.max(steady, utc) > gap
  h.began = { steady = 5000, utc = h.start + skew }
  h.at = { steady = 5000 + steady, utc = h.start + skew + utc }
end

-- Builds ------------------------------------------------------------------------------------------

local function foreign_value(run_id, roll)
  local kind = roll(12)
  if kind <= 6 then
    return other_uuid(roll), "always"
  elseif kind <= 8 then
    return "release-" .. roll(99), "always"
  elseif kind == 9 then
    return "", "if not secret"
  elseif kind == 10 then
    local length = roll(20)
    local pieces = {
      run_id:sub(1, length) .. "...",
      "..." .. run_id:sub(-length - 4),
      run_id:sub(1, length) .. "..." .. run_id:sub(-length),
      (run_id:gsub("-", "")),
    }
    return pieces[length % 4 + 1], "never"
  elseif kind == 11 then
    return "again:" .. run_id, "never"
  end
  return "*" .. roll(99) .. "*", "never"
end

-- Before the call, in its second, while it was looked for, or without a time.
local function foreign_time(h, roll)
  local kind = roll(10)
  if kind <= 3 then
    return h.start - 2 * DAY - roll(30 * DAY)
  elseif kind <= 5 then
    return h.start - roll(2 * DAY)
  elseif kind <= 7 then
    return h.start
  end
  return h.start + roll(math.max(h.gap, 2)) - 1
end

local function add(h, build)
  build.from, build.to = build.from or 0, build.to or NEVER
  build.legible = build.legible or "always"
  h.builds[#h.builds + 1] = build
  return build
end

local function finish(h, build)
  build.began = build.told and build.told ~= 0 and build.told / 1000 or nil
  build.listed_at = build.created + (h.by_told and h.slip * 3600 or 0)
  build.moment = calendar.moment(build.listed_at + h.zone * 3600)
end

local function shown_as(h, build, chance, pick)
  build.shows = {}
  local odd = chance(4) and pick { "masked", "missing" }
  for i = 1, 3 do
    local source = h.sources[i]
    if source ~= "value" then
      build.shows[i] = source
    elseif not h.worded and chance(3) then
      build.shows[i] = "fail"
    elseif not h.declared then
      build.shows[i] = "missing"
    else
      build.shows[i] = (h.secret and "masked") or odd or "value"
    end
  end
end

-- Some come and some go while the lists are read.
local function move(h, roll, chance)
  local share = h.size < 10 and 25 or 10
  for _, build in ipairs(h.builds) do
    if chance(share) then
      build.from = roll(h.size < 10 and 3 or 8)
    elseif chance(share) and not build.mine then
      build.to = roll(h.size < 10 and 3 or 8)
    end
  end
end

local function populate(h, run_id, roll, chance, pick)
  for _ = 1, pick { 0, 1, 3, 8, 20, pick { 8, 8, 130 } } do
    local build = add(h, { created = foreign_time(h, roll) })
    build.value, build.legible = foreign_value(run_id, roll)
  end
  if #h.builds > 30 then
    h.size = math.max(h.size, 25) -- the spec's time is limited
  end
  if chance(60) then
    add(h, { created = h.start + roll(4) - 1, value = run_id, mine = true })
    for _ = 1, pick { 0, 0, 0, 1, 2 } do
      add(h, { created = h.start + h.gap / 2 + roll(9), value = run_id, mine = true })
    end
  end
  if not h.quiet and chance(60) then
    move(h, roll, chance)
  end
  table.sort(h.builds, function(a, b)
    if a.created ~= b.created then
      return a.created < b.created
    end
    return (a.value or "") < (b.value or "")
  end)
  local number = roll(1000)
  for _, build in ipairs(h.builds) do
    build.number, number = number, number + roll(3)
    local told = build.created + pick { 0, 0, 5, 300, -300 } + h.slip * 3600
    build.told = chance(90) and math.floor(told * 1000) or (chance(50) and 0 or nil)
    finish(h, build)
    shown_as(h, build, chance, pick)
  end
end

--- A history without builds, whose service does everything right; `habits` change that.
---@param run_id string
---@param now number the service's clock when the look begins
---@param habits table|nil
---@return spec.History
function M.plain(run_id, now, habits)
  local h = {
    run_id = run_id,
    now = now,
    start = now,
    gap = 1,
    tick = 0,
    quiet = true,
    loose = false,
    step = 0,
    zone = 8,
    slip = 0,
    dates = true,
    order = "falling",
    size = 100,
    totals = "texts",
    repeats = false,
    declared = true,
    secret = false,
    sources = { "value", "value", "value" },
    masks = { "******", "******", "******" },
    unflagged = false,
    tells_last = false,
    names_builds = true,
    builds = {},
  }
  for name, value in pairs(habits or {}) do
    h[name] = value
  end
  return h
end

--- Adds a build that every source shows, as far as `what` does not say otherwise.
---@param h spec.History
---@param what table number, and what else is to be said
function M.add(h, what)
  local build = {
    created = h.start,
    value = what.mine and h.run_id or "of somebody else",
    shows = h.sources,
  }
  for name, value in pairs(what) do
    build[name] = value
  end
  build.told = build.told or math.floor(build.created * 1000)
  finish(h, add(h, build))
end

--- A history, the same for the same seed. A quiet one does not move, and its service has no bad moments.
---@param seed integer
---@param run_id string
---@param now number the service's clock when the look begins
---@param skew number|nil how far the caller's clock is ahead; given, the call began just now
---@return spec.History
function M.make(seed, run_id, now, skew)
  local roll, chance, pick = dice(seed)
  local h = M.plain(run_id, now, {
    quiet = chance(50),
    step = pick { 0, 0.01, 1 },
    zone = pick { 0, 8, -12, 14 },
    slip = pick { 0, 0, 0, -5.5, -8, -14, 12 },
    dates = chance(85),
    order = pick { "falling", "falling", "rising", "shuffled", "restless" },
    size = pick { 100, 100, 100, 50, 10, 5, 3, 2 },
    totals = pick { "texts", "texts", "numbers", "records", "pages", "none", "nonsense", "page" },
    repeats = chance(3),
    declared = chance(85),
    secret = chance(12),
    masks = {
      pick { "******", "", "***" },
      pick { "******", "••••" },
      pick { "******", "", "-" },
    },
    sources = {},
  })
  for i = 1, 3 do
    h.sources[i] = pick { "value", "value", "value", "missing", "gone" }
  end
  if not h.quiet and h.size < 10 and chance(60) then -- all is legible: only what is not listed can be missed
    h.declared, h.secret, h.dates, h.totals = true, false, true, "texts"
  end
  if h.totals == "page" then -- what else it does wrong would leave nothing to see that by
    h.repeats, h.order = false, h.order == "restless" and "shuffled" or h.order
  end
  h.by_told = h.slip > 0 or chance(50)
  h.worded = h.sources[3] == "value" and chance(40)
  h.masks[2] = h.worded and "[MASKED]" or h.masks[2]
  if not h.worded and chance(30) then
    local mask = pick(UNFLAGGED)(run_id)
    h.unflagged, h.masks = true, { mask, mask, mask }
  end
  if skew then
    h.loose = skew < 0
  else
    clocks(h, roll, chance, pick)
  end
  populate(h, run_id, roll, chance, pick)
  h.failing = not h.quiet and not h.worded and chance(10) and roll(6) or nil
  h.tells_last = chance(50)
  h.names_builds = chance(50)
  return h
end

-- Answers -----------------------------------------------------------------------------------------

local function listed(h, tick, from, to)
  local list = {}
  for _, build in ipairs(h.builds) do
    local is_there = build.from <= tick and tick < build.to
    if is_there and build.moment >= from and build.moment <= to then
      list[#list + 1] = build
    end
  end
  local salt = h.order == "restless" and tick * 104729 or 0
  local function rank(build)
    if h.order == "falling" or h.order == "rising" then
      return h.order == "rising" and build.number or -build.number
    end
    return (build.number * 7919 + salt * build.number) % 10007 + build.number / 65536
  end
  table.sort(list, function(a, b)
    return rank(a) < rank(b)
  end)
  return list
end

local function list_page(h, args)
  local list = listed(h, h.tick, args.start_time, args.end_time)
  local size = math.min(h.size, tonumber(args.page_size))
  local index = h.repeats and 0 or math.max(tonumber(args.page_index) - (h.from_one and 1 or 0), 0)
  local rows = {}
  for i = index * size + 1, math.min(#list, (index + 1) * size) do
    rows[#rows + 1] = { number = list[i].number, start_time = list[i].told }
  end
  local pages, total = math.ceil(#list / size), #list
  if h.beyond and #rows == 0 and index > 0 then
    return h.beyond.body, h.beyond.status
  end
  local result = { job_build_states = rows }
  if h.totals == "texts" or h.totals == "numbers" then
    result.total_page, result.total_record = pages, total
  elseif h.totals == "records" then
    result.total_record = total
  elseif h.totals == "pages" then
    result.total_page = pages
  elseif h.totals == "page" then
    result.total_page, result.total_record = pages > 0 and 1 or 0, #rows
  elseif h.totals == "nonsense" then
    result.total_page, result.total_record = -1, "many"
  end
  if h.totals ~= "numbers" then
    for _, name in ipairs { "total_page", "total_record" } do
      local value = result[name]
      result[name] = type(value) == "number" and ("%d"):format(value) or value
    end
  end
  return { result = result }
end

local function find(h, number)
  for _, build in ipairs(h.builds) do
    if build.number == tonumber(number) then
      return build
    end
  end
end

-- What a source shows of the parameter; or the status of its failure.
local function parameters_of(h, build, source)
  local shows = build and build.shows[source] or "gone"
  if shows == "fail" or shows == "gone" then
    return nil, shows == "fail" and 500 or 404
  end
  local list = { { name = "codeBranch", value = "master", secret = false } }
  if shows == "masked" then
    list[2] = { name = NAME, value = h.masks[source], secret = not h.unflagged }
  elseif shows == "another" then
    list[2] = { name = NAME, value = "7c2d8b41-0a3f-4e72-9d4c-8f1b5a0e3d22", secret = false }
  elseif shows == "value" and build.value then
    list[2] = { name = NAME, value = build.value, secret = false }
  end
  return list
end

local SHOW = {
  ListBuildInfoRecord = function(h, args)
    return list_page(h, args)
  end,
  ListBuildParameter = function(h, args)
    local list, status = parameters_of(h, find(h, args.build_no), 1)
    for _, each in ipairs(list or {}) do
      each.secret = nil
    end
    return list and { result = list }, status
  end,
  ShowHistoryDetails = function(h, args)
    local list, status = parameters_of(h, find(h, args.build_number), 2)
    local map = {}
    for _, each in ipairs(list or {}) do
      map[each.name] = each.value
    end
    return list and { build_number = h.answers_of, parameters = map }, status
  end,
  ShowRecordDetail = function(h, args)
    local build = find(h, args.build_no)
    if not build then
      return nil, 404
    end
    local id = ("00000000-0000-4000-8000-%012d"):format(build.number)
    return {
      result = {
        build_no = h.answers_of or h.names_builds and build.number or nil,
        build_record_id = id,
        daily_build_num = "20261127.1",
        execution_id = "j_1",
        create_time = calendar.moment(build.created + h.slip * 3600),
        start_time = "1970-01-01 00:00:00",
      },
    }
  end,
  ShowRunningStatus = function(h)
    if type(h.tells_last) == "number" then
      return nil, h.tells_last
    elseif not h.tells_last then
      return nil, 404
    end
    local is_running, last = h.tells_last == "ended", 0
    for _, build in ipairs(h.builds) do
      if not is_running or build.from <= h.tick then
        last = math.max(last, build.number)
      end
    end
    return { result = { last_build_no = ("%d"):format(last), is_running = is_running } }
  end,
  ShowBuildRecord = function(h, args)
    local list, status = parameters_of(h, find(h, args.record_id:match "(%d+)$"), 3)
    return list and { result = { parameters = list } }, status
  end,
}

local function url_of(operation, args)
  local words = { operation }
  for name, value in pairs(args) do
    words[#words + 1] = name .. "=" .. tostring(value)
  end
  table.sort(words)
  return table.concat(words, "&")
end

--- What the service answers next, or a cache on the way.
---@param h spec.History
---@param operation string
---@param args table
---@return table? body
---@return integer status
---@return number? date
---@return integer? age
function M.answer(h, operation, args)
  local url = h.cache and url_of(operation, args)
  local kept = url and h.cache[url]
  if kept then
    return kept.body, 200, kept.date
  end
  local body, status = SHOW[operation](h, args)
  if h.failing == h.tick then
    body, status = nil, 500
  end
  local date = h.dates and math.floor(h.date or h.now + h.tick * h.step) or nil
  h.tick = h.tick + 1
  if url and body then
    h.cache[url] = { body = body, date = date }
  end
  return body, body and 200 or status, date, h.ages and h.ages[operation]
end

local ROUTES = {
  { "^/v3/jobs/%w+/build%-info%-records$", "ListBuildInfoRecord" },
  { "^/v1/job/%w+/(%d+)/history%-parameters$", "ListBuildParameter", "build_no" },
  { "^/v3/jobs/%w+/(%d+)/history%-details$", "ShowHistoryDetails", "build_number" },
  { "^/v4/jobs/%w+/(%d+)/record%-info$", "ShowRecordDetail", "build_no" },
  { "^/v1/record/([%w%-]+)/info$", "ShowBuildRecord", "record_id" },
  { "^/v1/job/%w+/running%-status$", "ShowRunningStatus" },
}

--- The operation and the arguments of a request's target.
function M.route(target)
  local path, query = target:match "^/?%l-(/v%d[^?]*)%??(.*)$" -- behind the path of an endpoint, too
  local args = {}
  for name, value in query:gmatch "([^&=]+)=([^&]*)" do
    args[name] = value:gsub("%+", " "):gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
  end
  for _, route in ipairs(ROUTES) do
    local found = path:match(route[1])
    if found then
      if route[3] then
        args[route[3]] = found
      end
      return route[2], args
    end
  end
end

return M
