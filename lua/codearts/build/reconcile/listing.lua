--- The job's builds of some time, with the proof that none was left out (API reference 7.8).
---
--- The list comes in pages, of a size that the service chooses, in an order that it does not document, and
--- builds come and go while it is read. One page with as many builds as `total_record` says is a whole
--- list. Several are if they have as many builds as it says, and each of these is there still when the
--- list is read again: then none went meanwhile, and there were no others. What it says may be that of a
--- page: only where absence is to be proved is the page after the last one asked for, too.
local calendar = require "codearts.build.calendar"
local core = require "codearts.build.core"
local record = require "codearts.build.lifecycle.record"
local times = require "codearts.build.lifecycle.times"

local listing = {}

local PAGE = 100
local MOST_BUILDS, MOST_PAGES, MOST_PASSES = 2000, 200, 4

listing.MOST_BUILDS = MOST_BUILDS

local function problem(reason, message)
  return core.error {
    kind = "protocol",
    reason = reason,
    operation = "ListBuildInfoRecord",
    message = message,
    retryable = true,
  }
end

function listing.too_many()
  return problem("too_large", "there are too many builds to look through")
end

--- A count, as a number or a text. Digits alone: what else a text may hold is read by the locale's rules.
local function count(value)
  local digits = type(value) == "number" or type(value) == "string" and value:find "^[0-9]+$"
  local number = digits and tonumber(value)
  return number and number >= 0 and number == math.floor(number) and number or nil
end

--- The number of a build, or nil.
function listing.build_number(value)
  local number = count(value)
  return number and number >= 1 and number <= 2147483647 and number or nil
end

local function number_of(row)
  return type(row) == "table" and listing.build_number(row.number) or nil
end

---@class codearts.build.ListPage
---@field rows table[] of BuildInfoRecord
---@field total? integer builds that the list has
---@field pages? integer

--- One page. The service's clock comes with a refusal, too.
---@param ask codearts.build.Ask
---@param job_id string
---@param span { from: number, to: number } seconds since 1970, in UTC
---@param index integer from 0
---@return codearts.build.ListPage? page
---@return codearts.build.Error? err
---@return number? date
function listing.page(ask, job_id, span, index)
  local answer, err, date = ask("ListBuildInfoRecord", {
    job_id = job_id,
    start_time = calendar.moment(span.from),
    end_time = calendar.moment(span.to),
    page_index = index,
    page_size = PAGE,
  })
  local result = not err and type(answer) == "table" and answer.result
  if type(result) ~= "table" then
    return nil, err or problem("bad_answer", "the list of builds has no builds"), date
  end
  local page = { total = count(result.total_record), pages = count(result.total_page) }
  local states = result.job_build_states
  if states == core.null and page.total and (page.total == 0 or index > 0) then
    states = {}
  elseif type(states) ~= "table" then
    return nil, problem("bad_answer", "the list of builds has no builds"), date
  end
  page.rows = record.list(states, "number")
  if page.rows[1] == nil and next(page.rows) ~= nil then
    return nil, problem("bad_answer", "the list of builds is no list"), date
  end
  if page.pages == 0 and page.rows[1] then
    page.pages = nil -- nonsense
  end
  return page, nil, date
end

--- Notes the builds of a page; answers how many were not noted before, and whether a row is none. Of a page that alone
--- has too many the rest is left: whoever notes too many has proved nothing.
local function take(rows, seen, builds)
  local new, odd = 0, false
  for _, row in ipairs(rows) do
    if new > MOST_BUILDS then
      break
    end
    local number = number_of(row)
    if not number then
      odd = true
    elseif not seen[number] then
      new, seen[number] = new + 1, true
      builds[number] = times.parse(row.start_time) or false
    end
  end
  return new, odd
end

--- Whether the newest come first, as far as a page tells.
local function is_falling(rows)
  for i = 2, #rows do
    if (number_of(rows[i]) or 0) >= (number_of(rows[i - 1]) or 0) then
      return false
    end
  end
  return true
end

--- Whether a reading of the list ends with this page.
local function is_last(page, had, index)
  local total, pages = page.total, page.pages
  if #page.rows == 0 then
    return true
  end
  return (total or pages) and had >= (total or 0) and index >= (pages or 0)
end

--- Reads the list once. Answers what it had, "whole" if that was all of it in one answer, "pages" if it was as
--- many builds as there are, nil if not; or nil and the problem.
local function pass(ask, list, first, enough)
  local seen, had, odd, index, page = {}, 0, false, 0, first
  while true do
    local err
    if not page then
      page, err = listing.page(ask, list.job_id, list.span, index)
    end
    if not page then
      return nil, err
    end
    local new, strange = take(page.rows, seen, list.builds)
    had, odd, index = had + new, odd or strange, index + 1
    if enough and had >= enough and is_falling(page.rows) then
      return seen
    elseif had > MOST_BUILDS then
      return nil, listing.too_many()
    elseif is_last(page, had, index) then
      list.last = { index = index - 1, rows = page.rows }
      local told = page.total or page.pages
      -- Without a total, pages that are put together may lack builds: equals have no order.
      local all = page.total == had
        or not page.total and (index == 1 or index == 2 and #page.rows == 0)
      return seen, all and not odd and (index == 1 and told and "whole" or "pages") or nil
    elseif index >= MOST_PAGES then
      return nil, problem("too_large", "the list of builds has too many pages")
    elseif new == 0 then
      return nil, problem("bad_answer", "the list of builds repeats itself")
    end
    page = nil
  end
end

---@class codearts.build.List
---@field job_id string
---@field span { from: number, to: number } see listing.page
---@field builds table<integer, number|false>
---@field last? { index: integer, rows: table[] } the page with which its last reading ended

local function strike_out(pending, seen)
  for number in next, seen do
    pending[number] = nil
  end
  return next(pending) == nil
end

--- Reads the list to its end. `list.builds` becomes number -> when it began, or false. Each pass asks for a
--- second more, so that no cache on the way answers with what an earlier one got.
---@param ask codearts.build.Ask
---@param list codearts.build.List
---@param first codearts.build.ListPage its first page
---@param enough? integer read no further than to so many of the newest; then it is not whole
---@return boolean whole
---@return codearts.build.Error? err why not, if not because of `enough`
function listing.read(ask, list, first, enough)
  local pending
  for _ = 1, MOST_PASSES do
    local seen, found = pass(ask, list, first, enough)
    if not seen then
      return false, found
    elseif enough then
      return false
    elseif found == "whole" or (pending and strike_out(pending, seen)) then
      return true
    end
    pending = found and seen or pending
    list.span, first = { from = list.span.from, to = list.span.to + 1 }, nil
  end
  return false,
    problem("bad_answer", "the list of builds does not come to rest, or does not tell its length")
end

--- Whether pages show the same builds.
local function is_same(rows, others)
  local numbers = {}
  for _, row in ipairs(others) do
    numbers[number_of(row) or 0] = true
  end
  for _, row in ipairs(rows) do
    if not numbers[number_of(row) or 0] then
      return false
    end
  end
  return #rows == #others
end

--- Whether a list that was read to what it says is its end does end there: services that give fewer builds a page than
--- they are asked for may tell those of a page as those of the list, or a page too few. No page is after the last one, or
--- one without builds, or that one again and again, where the index is not heeded so far. What else comes is noted in `list.builds`.
---@param ask codearts.build.Ask
---@param list codearts.build.List
---@return boolean ends
---@return codearts.build.Error? err why not
function listing.ends(ask, list)
  local last, seen, had = list.last, {}, 0
  if #last.rows == 0 then
    return true
  end
  for number in next, list.builds do
    seen[number], had = true, had + 1
  end
  local index = last.index + 1
  local page, err = listing.page(ask, list.job_id, list.span, index)
  if page and #page.rows > 0 and is_same(page.rows, last.rows) then
    index = index + 1 -- some take page 0 for page 1
    page, err = listing.page(ask, list.job_id, list.span, index)
  end
  if page and (#page.rows == 0 or is_same(page.rows, last.rows)) then
    return true
  elseif err and (err.status == 400 or err.status == 404) then
    return true
  end
  while page do
    local new = take(page.rows, seen, list.builds)
    had, index = had + new, index + 1
    if new == 0 or had > MOST_BUILDS or index >= MOST_PAGES then
      break
    end
    page, err = listing.page(ask, list.job_id, list.span, index)
  end
  if err then
    return false, err
  end
  return false, problem("bad_answer", "the list of builds goes on after what it says is its end")
end

return listing
