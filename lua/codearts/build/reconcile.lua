--- err:reconcile: asks the service whether a call whose outcome is unknown started a build.
---
--- Only identity proves anything: with the call's option `run_id` a fresh UUID went into a parameter
--- of the job, and a build that shows it is the call's own. Without it, all builds that began since
--- are candidates, and nothing more is claimed. One look is codearts.build.reconcile.look; here it is
--- repeated, and told.
local core = require "codearts.build.core"
local judge = require "codearts.build.reconcile.judge"
local problems = require "codearts.build.problem"
local look = require "codearts.build.reconcile.look"

local DEFAULTS = { timeout = 10, interval = 1 } -- seconds

local function usage(field, message)
  problems.refuse(field, field .. ": " .. message)
end

local function read_options(opts)
  local read = { timeout = DEFAULTS.timeout, interval = DEFAULTS.interval }
  if opts ~= nil and type(opts) ~= "table" then
    usage("opts", "must be a table")
  end
  for name, value in next, opts or {} do
    if name == "auth" or name == "async" and type(value) == "boolean" then
      read[name] = value
    elseif not DEFAULTS[name] then
      usage(tostring(name), "unknown name; only timeout, interval, auth and async")
    elseif type(value) ~= "number" or not (value >= 0 and value < math.huge) then
      usage(name, "must be a number of seconds")
    else
      read[name] = value
    end
  end
  return read
end

--- The call's result, as the answer that was lost would have given it.
local function result_of(client, await, job_id, number, how)
  local build = client:build(job_id, number)
  build.actual_build_number = ("%d"):format(number)
  look.complete(build, look.record(await, client, job_id, number, how))
  return build
end

--- What a look says, for the caller.
local function told(client, await, meta, seen, how)
  if seen.verdict == "none_found" then
    local another, err
    if meta.under_way then -- after the look: what was begun by then may have been too late for it
      another, err = meta.under_way(await)
    end
    if err and err.kind == "cancelled" then
      return nil, err
    elseif another then
      return { verdict = "unknown", candidates = {}, error = err or look.another() }
    end
    return { verdict = "none_found" }
  elseif seen.verdict == "started" then
    local results = {}
    how.till = core.now() + look.LEAST
    for i, build in ipairs(seen.builds) do
      results[i] = result_of(client, await, meta.job_id, build.number, how)
    end
    return { verdict = "started", result = results[1], results = results, error = seen.error }
  end
  local candidates = {}
  for i, number in ipairs(seen.open) do
    candidates[i] = client:build(meta.job_id, number)
  end
  return { verdict = seen.verdict, candidates = candidates, error = seen.error }
end

local function clocks()
  return { steady = core.now(), utc = core.time() }
end

local function spec_of(meta)
  return {
    job_id = meta.job_id,
    run_id = meta.run_id,
    parameter = meta.run_id_parameter,
    endpoint = meta.endpoint or false,
    builds = {},
    started_at = function(date)
      return judge.started_at(date, { steady = meta.began, utc = meta.started_at }, clocks())
    end,
  }
end

--- Looks until the verdict is final or the time is over. Each look asks about every build anew: what one showed before,
--- it may not have shown rightly yet; and what was listed once is there, though another replica's list lacks it. So a
--- pause is as long as the look before it, where that took longer: a job with many builds is not asked about them all
--- the time.
local function flow(client, await, meta, opts, how)
  local till, spec, found, took = core.now() + opts.timeout, spec_of(meta), nil, 0
  while true do
    local began = core.now()
    how.till = math.max(till, began + took + look.LEAST)
    local seen, stopped = look.run(await, client, spec, how)
    if not seen then
      return nil, stopped
    end
    found = seen.verdict == "started" and seen or found
    if (found and not found.error) or not meta.run_id or core.now() >= till then
      return told(client, await, meta, found or seen, how)
    end
    local now = core.now()
    took = now - began
    local pause = math.min(math.max(opts.interval, took), math.max(till - now, 0))
    stopped = select(2, await(client:sleep(pause)))
    if stopped then
      return nil, stopped
    end
  end
end

--- Has what the start alone was sent with hidden in all that is told of what was found.
local function hide(client, found, err)
  for _, list in ipairs { found.results or {}, found.candidates or {} } do
    for _, build in ipairs(list) do
      core.came_with(build, err)
    end
  end
  if found.error then
    client:conceal(found.error, err)
  end
  return found
end

--- What became of a call whose error has outcome "unknown".
---
--- Answers a table with a `verdict`:
---
--- - "started": builds show the call's run id. `results`: all of them, lowest number first (more than one if
---   somebody ran the build again with its parameters), `result`: the first. `error`, if not all could be
---   looked at.
--- - "none_found": proved, as of the moment of the look: the list of builds was read to its end, and each that
---   may be the call's own showed another value of the parameter, by no answer that a cache says it has kept;
---   asked again until `timeout`. A service that acts on the request later cannot be excluded.
--- - "candidates": no build shows a run id, because the call had none or the job does not declare the parameter,
---   or as a secret. `candidates`: the builds that may be the call's own, newest first, maybe none: those that began
---   since, or in the 15 hours before by a list that may tell its times too early.
--- - "unknown": neither can be said. `error`: why not; `candidates`: the builds that may be the call's own as far
---   as they are known.
---
--- It asks with the credentials and headers that the start was made with; `auth` goes before these. Blocks like run, for
--- up to `timeout`; a look that has begun has five seconds at least, and so has what is asked about builds that were
--- found. Raises usage errors.
---@param client codearts.build.Client
---@param err codearts.build.Error
---@param opts? { timeout?: number, interval?: number, auth?: any, async?: boolean } seconds; default 10 and 1
---@param own? { auth?: any, headers?: table } of the start, where they are not the client's
---@return { verdict: string, result?: table, results?: table[], candidates?: table[], error?: codearts.build.Error }
return function(client, err, opts, own)
  opts = read_options(opts)
  local meta = require("codearts.build.meta").of(err)
  if not meta or not meta.job_id then
    usage("self", "call this as a method of an error whose outcome is unknown")
  end
  if not opts.async then
    client:check_wait() -- before anything is sent
  end
  local how, ended = client:prepare {
    auth = opts.auth == nil and own and own.auth or opts.auth,
    headers = own and own.headers,
  }
  local task = client:task(function(await)
    local found, stopped = flow(client, await, meta, opts, how)
    return found and hide(client, found, err), stopped
  end)
  if ended then
    task:on_done(ended)
  end
  if opts.async then
    return task
  end
  return task:wait()
end
