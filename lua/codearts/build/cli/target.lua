--- Which job and which build a command is about: ids as they are, names and the latest build by asking the service.
local ascii = require "codearts.build.ascii"
local names = require "codearts.build.cli.names"
local text = require "codearts.build.cli.text"

local target = {}

local PAGE = 100 -- the most that the service lists at once (API reference 7.8)
local NAMED = 5 -- how many other names are told

local function usage(app, field, message)
  error(app:client():problem { kind = "usage", field = field, message = text.clean(message) }, 0)
end

-- Not before it is needed: a usage error does without the core.
local function lifecycle_record()
  return require "codearts.build.lifecycle.record"
end

--- All jobs of a project. `search` leaves to the service what is like a name.
local function list_jobs(app, project, search)
  local client = app:client()
  local list = app:await(client:task(function(await)
    return require "codearts.build.cli.job_list"(await, client, project, search)
  end))
  if list.endless then
    local message =
      "the project %s lists %d jobs and more, which is too many to look for a name in: give the id"
    usage(app, "JOB", message:format(project, list.count))
  end
  return list
end

--- The ids of the jobs of that name, and what may be told of each.
local function called(list, name)
  local ids, told = {}, {}
  for index, id in ipairs(list.ids) do
    if list.called[index] == name and type(id) == "string" then
      ids[#ids + 1], told[#told + 1] = id, list.jobs[index].id
    end
  end
  return ids, told
end

--- Names that were probably meant: those that hold the text, and the one with the fewest slips.
local function similar(list, name)
  local all, found, seen = {}, {}, {}
  for _, job in ipairs(list.jobs) do
    if type(job.job_name) == "string" then
      all[#all + 1] = job.job_name
    end
  end
  local function add(other)
    if other and not seen[other] and #found < NAMED then
      found[#found + 1], seen[other] = other, true
    end
  end
  add(require("codearts.build.core").nearest(name, all))
  for _, other in ipairs(all) do
    if ascii.lower(other):find(ascii.lower(name), 1, true) then
      add(other)
    end
  end
  return found
end

--- What a name was meant for that no job has.
local function advice(list, name)
  local others = similar(list, name)
  return #others > 0 and "; there are: " .. table.concat(others, ", ") or ""
end

--- The id of the one job of that name.
local function find(app, name, project)
  local ids, told = called(list_jobs(app, project, name), name)
  if #ids == 0 then
    -- What the service finds like a name is not documented, so a list of all has the last word.
    local all = list_jobs(app, project)
    ids, told = called(all, name)
    if #ids == 0 then
      usage(
        app,
        "JOB",
        ("no job of the project %s is called '%s'%s%s"):format(
          project,
          name,
          all.whole and "" or (", as far as its list goes: %d of %d"):format(all.count, all.total),
          advice(all, name)
        )
      )
    end
  end
  if #ids > 1 then
    usage(
      app,
      "JOB",
      ("%d jobs are called '%s', so give the id: %s"):format(#ids, name, table.concat(told, ", "))
    )
  end
  if app:client():mask(told[1]) ~= ids[1] then -- it would go into requests, and be told
    usage(app, "JOB", ("the id that the service lists for '%s' holds a credential"):format(name))
  end
  return ids[1]
end

--- The id of a job, and its name where it is known.
---@param app { core: table, client: function, await: function }
---@param reference codearts.build.cli.JobReference
---@param project string?
---@return string job_id
---@return string? name
function target.job(app, reference, project)
  if reference.id then
    return reference.id, names.of(reference.id)
  end
  return find(app, reference.name, project), reference.name
end

--- An answer that a cache on the way has kept tells what was the latest build, not what is.
local function refuse_kept(operation, answer)
  local words = require("codearts.build.meta").kept(answer)
  local why = ", so it does not tell the latest build: give its number"
  return words and lifecycle_record().protocol_error(operation, words .. why)
end

--- The number of the last build, as the service calls it.
local function last_number(await, place)
  local args = { job_id = place.job_id }
  local result, err, answer =
    lifecycle_record().fetch_result(await, place, "ShowRunningStatus", args)
  return result and lifecycle_record().integer(result.last_build_no) or 0,
    err or refuse_kept("ShowRunningStatus", answer)
end

--- The number of the newest build that a history lists.
local function newest_listed(await, history)
  local listed, err = await(history)
  local number = 0
  for _, item in ipairs(listed and listed.records or {}) do
    number = math.max(number, item.build_number or 0)
  end
  return number, err or refuse_kept("ShowListHistory", listed)
end

--- The number of the newest build of a job, by both, for neither alone is documented to know a build that waits, or one of an
-- earlier month. Where one cannot be asked, which will not pass, the other's is told, and that it may not be the newest.
---@return integer newest
---@return table? doubt why there may be a newer one
local function latest(app, job_id)
  local client = app:client()
  local found = app:await(client:task(function(await)
    local history = client:history(job_id, { limit = PAGE, days = 30, async = true }) -- beside the other
    local last, problem = last_number(await, { client = client, job_id = job_id })
    local listed, trouble = newest_listed(await, history)
    local doubt = problem or trouble
    if doubt and (doubt.retryable or math.max(last, listed) < 1 or problem and trouble) then
      return nil, trouble or doubt
    end
    return { number = math.max(last, listed), doubt = doubt }
  end))
  if found.number < 1 then
    usage(
      app,
      "NUMBER",
      ("the job %s has no build in the last 30 days: give a number"):format(job_id)
    )
  end
  return found.number, found.doubt
end

--- The job and the build that the arguments name; a number that was left out is that of the latest build, and told.
---@param app codearts.build.cli.App
---@param values table parsed arguments
---@return string job_id
---@return integer build_no
---@return string? name of the job, where it is known
---@return table? doubt why a later build may be the latest
function target.build(app, values)
  local job_id, name = target.job(app, values.job, values.project)
  local doubt
  local number = values.build_no
    or values.key and require("codearts.build.cli.key_records").build(app, job_id, values.key)
  if not number then
    number, doubt = latest(app, job_id)
    app:warn(
      text.clean(
        ("build %d is the latest of %s%s"):format(
          number,
          name or job_id,
          doubt and " that is known; there may be a later one: " .. tostring(doubt) or ""
        )
      )
    )
  end
  return job_id, number, name, doubt
end

return target
