--- One look at a job's builds: whether one of them is the call's own. It reads, the judge judges.
---
--- Time is the service's, as its answers' `Date` tells it. Ours only guesses what to ask for first; if
--- the guess was wrong, the list is asked for again. A service that tells no Date is asked for all builds.
local calendar = require "codearts.build.calendar"
local core = require "codearts.build.core"
local judge = require "codearts.build.reconcile.judge"
local listing = require "codearts.build.reconcile.listing"
local meta = require "codearts.build.meta"
local note_unlisted = require "codearts.build.reconcile.unlisted"
local places = require "codearts.build.reconcile.places"
local record = require "codearts.build.lifecycle.record"

local look = {}

local DAY = 86400
-- The zone that the list is asked in is not documented, and its own times may be told as those of another (see the
-- judge): two days more at both ends cover the two, 29 hours, and of these days the clocks may take the rest.
local MARGIN = 2 * DAY
local SLACK = 19 * 3600
local LONGEST_SPAN = 30 * DAY -- of other lists (API reference 7.8)
local LAST_DAY = calendar.days(2999, 12, 31) * DAY
-- Seconds for one question that is asked anyway, however little or long is left.
local SHORTEST_ASK, LONGEST_ASK = 0.001, DAY

look.LEAST = 5 -- seconds that all questions of a look may take though nothing more is waited for

---@alias codearts.build.Ask fun(operation: string, args: table): any, codearts.build.Error?, number?, integer?, string?
--- an operation's answer, or nil and the error; the service's clock, if the answer tells it; which of the client's
--- endpoints told it, 0: it is not known; and why it is not what the service says now: a cache on the way has kept it,
--- or there was none

---@class codearts.build.LookSpec
---@field job_id string
---@field run_id? string nil: no build can be proved to be the call's own
---@field parameter? string its name
---@field started_at? number|fun(date: number): number when the call began, by the service's clock; nil: any build
--- that is listed may be its own
---@field newest? integer look at so many of the newest alone: what is not found among them is `unknown`
---@field clock? number our time of day in UTC: for the first guess, and how far the list is read at least
---@field endpoint? integer|false where the start went to: what another endpoint answers proves no absence; false: that
--- is not settled yet, so that nothing does
---@field builds? table<integer, number|false> what earlier looks at the same have listed, and this one adds to: see
--- codearts.build.List

--- Seconds for a look to ask for beyond what it needs, of its own: a list that nobody else asks for with these very
--- times is in no cache on the way. Times are whole seconds, in which several look at one job.
local function margins()
  local id = core.uuid()
  return { before = tonumber(id:sub(1, 3), 16), after = tonumber(id:sub(4, 7), 16) }
end

--- When the call began, and what to ask the list for.
---@param date number? the service's clock
---@param more { before: integer, after: integer } see margins
local function span_of(spec, date, more)
  local started_at = spec.started_at
  if type(started_at) == "function" then
    started_at = date and started_at(date)
  end
  local from = 0
  if started_at then
    from = started_at - MARGIN - more.before
  elseif spec.newest and date then
    from = date + MARGIN + more.after - LONGEST_SPAN
  end
  local to = date
  if to and started_at then
    -- A Date from before the builds, of a front end whose clock is wrong, must not leave them out.
    to = math.max(to, spec.clock or core.time())
  end
  return { from = math.max(from, 0), to = (to and to + MARGIN or LAST_DAY) + more.after },
    started_at
end

--- Begins to read the list. Answers its first page, and what to ask for; or nil and the error. `date` is
--- what the first answer with builds told.
local function open_list(ask, spec)
  local more = margins()
  local guess = span_of(spec, spec.clock or core.time(), more)
  local page, err, date = listing.page(ask, spec.job_id, guess, 0)
  if err and err.kind == "cancelled" then
    return nil, nil, err
  end
  local span, started_at = span_of(spec, date, more)
  local list =
    { job_id = spec.job_id, span = guess, builds = spec.builds or {}, started_at = started_at }
  list.date = page and date or nil
  if guess.from > span.from + SLACK or guess.to < span.to - SLACK then
    list.span = span
    page, err, date = listing.page(ask, spec.job_id, span, 0)
    list.date = list.date or page and date or nil
  end
  return list, page, err
end

--- Adds to a result what it lacks and the record of its build tells.
---@param result table
---@param detail? table see places.detail
function look.complete(result, detail)
  if not detail then
    return
  elseif type(detail.daily_build_num) == "string" then
    result.daily_build_number = result.daily_build_number or detail.daily_build_num
  end
  if type(detail.execution_id) == "string" then
    result.octopus_job_name = result.octopus_job_name or detail.execution_id
  end
  core.came_with(result, detail)
end

--- Asks about each build that may be the call's own and was not asked about, until one is found and none is left that may
--- show the id, too. Notes what they show, and the own ones' parameters; answers the first problem.
local function ask_about(ask, spec, list, suspects, sights, shown)
  local problem, first = nil, -math.huge
  for _, number in ipairs(judge.likely_first(suspects, list.builds, list.started_at)) do
    local began = list.builds[number]
    if not sights[number] and (not began or began >= first) then
      local sight, err, parameters = places.sight(ask, spec, number)
      sights[number], shown[number] = sight, parameters
      problem = problem or err
      if err and err.kind == "cancelled" then
        break
      elseif sight == "own" and began and list.started_at and list.date then
        first = math.max(first, judge.first_of_several(began, list.started_at, list.date))
      end
    end
  end
  return problem
end

--- A problem for those who are told that nothing is known.
local function hidden(spec, open)
  return core.error {
    kind = "protocol",
    reason = "bad_answer",
    message = ("%d of the builds that may be the call's own do not show %s legibly: the job does not "):format(
      #open,
      spec.parameter
    ) .. "declare it, or as a secret",
    retryable = false,
  }
end

--- For who asks about a start with a key.
---@return codearts.build.Error
function look.another()
  return core.error {
    kind = "key",
    reason = "in_doubt",
    message = "another start with this key may be under way, or was, since the error was made",
    retryable = true,
  }
end

local function elsewhere(spec)
  return core.error {
    kind = "protocol",
    reason = "bad_answer",
    message = spec.endpoint
        and "what was asked was another endpoint than that of the start, which proves nothing"
      or "the start had not ended when its error was made: it may start a build later",
    retryable = true,
  }
end

--- The same way to ask, and functions that answer which endpoint told all of it, false: there were several; and what
--- keeps some of it from proving an absence.
local function watched(ask)
  local at, problem
  return function(operation, args)
    local answer, err, date, endpoint, doubt = ask(operation, args)
    at = (at == nil or at == endpoint) and endpoint
    if doubt then
      problem = problem or record.protocol_error(operation, doubt .. ", which proves no absence")
    end
    return answer, err, date
  end, function()
    return at
  end, function()
    return problem
  end
end

---@class codearts.build.Look
---@field verdict "started"|"none_found"|"candidates"|"unknown" see codearts.build.reconcile
---@field date? number the service's clock when the look began: the `Date` of its first 2xx answer
---@field builds { number: integer, parameters: { name: any, value: any, secret: any }[] }[] those that show the id,
--- lowest first, with their parameters as one of the service's lists shows them
---@field open integer[] numbers of those that may be the call's own still, newest first
---@field endpoint? integer|false which of the client's told all of it; 0 or false: none alone
---@field error? codearts.build.Error what keeps it from being known; beside `started`: whether these are all

--- Looks once. Sends nothing that changes anything.
---@param ask_anyone codearts.build.Ask
---@param spec codearts.build.LookSpec
---@return codearts.build.Look? look nil when it was cancelled
---@return codearts.build.Error? err
function look.at(ask_anyone, spec)
  local ask, endpoint, doubt = watched(ask_anyone)
  local list, page, problem = open_list(ask, spec)
  if not list then
    return nil, problem
  end
  local whole, sights, shown = false, {}, {}
  local function judged_so_far()
    local suspects = judge.suspects(list.builds, list.started_at, spec.newest)
    if spec.run_id and not (problem and problem.kind == "cancelled") then
      local untold = ask_about(ask, spec, list, suspects, sights, shown)
      problem = problem or untold
    end
    local strange = spec.endpoint == false or spec.endpoint and spec.endpoint ~= endpoint() or false
    return judge.verdict {
      suspects = suspects,
      sights = sights,
      whole = whole,
      run_id = spec.run_id,
      elsewhere = strange,
      doubtful = doubt() ~= nil,
    }
  end
  if page then
    whole, problem = listing.read(ask, list, page, spec.newest)
  end
  local judged = judged_so_far()
  for _, is_all in ipairs { listing.ends, note_unlisted } do
    if judged.verdict == "none_found" or judged.verdict == "candidates" then
      whole, problem = is_all(ask, list)
      judged = judged_so_far()
    end
  end
  if problem and problem.kind == "cancelled" then
    return nil, problem
  end
  local builds = {}
  for i, number in ipairs(judged.own) do
    builds[i] = { number = number, parameters = shown[number] }
  end
  if not problem and judged.verdict == "unknown" and judged.open[1] then
    problem = hidden(spec, judged.open)
  elseif judged.doubt == "elsewhere" then
    problem = elsewhere(spec)
  elseif judged.doubt == "doubtful" then
    problem = doubt()
  end
  return {
    verdict = judged.verdict,
    date = list.date,
    builds = builds,
    open = judged.open,
    endpoint = endpoint(),
    error = problem,
  }
end

--- What a call of the client's answered, as a look wants to know it (codearts.build.Ask). What had to be mended before
--- it could be read does not know its endpoint; and whoever refuses need not be the service, whose clock is asked for.
---@param client codearts.build.Client
---@param answer any
---@param err? codearts.build.Error
function look.told(client, answer, err)
  local told = answer == nil and err or answer
  local known = meta.of(told) or {}
  local date = answer ~= nil and known.date or nil
  local endpoint = known.endpoint or client.addresses[2] and 0 or 1
  -- A refusal has a status, but not where it is of those who sign us in.
  local unanswered = err
    and not known.status
    and "a question had no answer: " .. tostring(err.message or err.kind)
  return answer, err, date, endpoint, meta.kept(told) or unanswered or nil
end

--- The deadline of one question of a look.
---@param till number of core.now(): when the look is to be over
---@return number seconds
function look.deadline(till)
  return math.min(math.max(till - core.now(), SHORTEST_ASK), LONGEST_ASK)
end

---@class codearts.build.LookManner
---@field auth? any if not the client's, as `headers`
---@field headers? table
---@field till? number see look.deadline

--- How a flow of the client's asks (codearts.build.client.task).
local function asker(await, client, how)
  how = how or {}
  local late -- what is told of all that could be asked after it
  return function(operation, args)
    if how.till and not record.time_left(how.till) then
      return nil, late or record.no_time(operation)
    end
    local answer, err = await(client:call(operation, args, {
      async = true,
      deadline = how.till and look.deadline(how.till),
      auth = how.auth,
      headers = how.headers,
    }))
    late = how.till and core.is_error(err) and err.kind == "timeout" and err or nil
    return look.told(client, answer, err)
  end
end

--- The record of a build, within a flow: see places.detail.
---@param await fun(call: codearts.build.Call): any, codearts.build.Error?
---@param client codearts.build.Client
---@param job_id string
---@param number integer
---@param how? codearts.build.LookManner
---@return table? detail
function look.record(await, client, job_id, number, how)
  return (places.detail(asker(await, client, how), job_id, number))
end

--- Looks once within a flow.
---@param await fun(call: codearts.build.Call): any, codearts.build.Error?
---@param client codearts.build.Client
---@param spec codearts.build.LookSpec
---@param how? codearts.build.LookManner
---@return codearts.build.Look? look
---@return codearts.build.Error? err
function look.run(await, client, spec, how)
  return look.at(asker(await, client, how), spec)
end

--- The service's clock, within a flow: the `Date` of a list that it answered. Whatever answers anything
--- else need not be the service.
---@param await fun(call: codearts.build.Call): any, codearts.build.Error?
---@param client codearts.build.Client
---@param job_id string
---@return number|false|nil date false: it tells none
---@return codearts.build.Error? err
function look.date(await, client, job_id)
  local now = core.time()
  local span = { from = now - DAY, to = now + DAY }
  local page, err, date = listing.page(asker(await, client), job_id, span, 0)
  if not page then
    return nil, err
  end
  return date or false
end

return look
