--- Which step of a build is meant: a step is a place, and a name only a way to find it.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local record = require "codearts.build.lifecycle.record"

local steps = {}

---@class codearts.build.Place
---@field key string stage key, as the log of one step is asked for (API reference 7.6)
---@field name string

--- The stages in their order; nil if the service does not tell them.
local function stages(await, target, record_id)
  local result =
    record.fetch_result(await, target, "ShowBuildRecordFullStages", { record_id = record_id })
  if not result or type(result.build_stages) ~= "table" then
    return nil
  end
  local list = {}
  for key, stage in pairs(result.build_stages) do
    if type(stage) == "table" then
      list[#list + 1] = {
        key = tostring(key),
        name = record.text(stage.display_name) or tostring(key),
        order = record.number(stage.sequence) or math.huge,
      }
    end
  end
  table.sort(list, function(a, b)
    if a.order ~= b.order then
      return a.order < b.order
    end
    return a.key < b.key
  end)
  return core.came_with(list, result)
end

--- The steps as the page of the build lists them, in the same form.
local function listed(await, target)
  local found, err = record.steps(await, target)
  if not found then
    return nil, err
  end
  local list = {}
  for index, step in ipairs(found) do
    list[index] = { key = "stage" .. index, name = step.name }
  end
  return core.came_with(list, found)
end

local function add(index, name, place)
  index[name] = index[name] or {}
  local places = index[name]
  if places[#places] ~= place then
    places[#places + 1] = place
  end
end

--- The places by their names and keys: exactly, and without regard to case.
---@param list codearts.build.Place[]
---@return { list: codearts.build.Place[], exact: table, loose: table }
local function indexed(list)
  local exact, loose = {}, {}
  for _, place in ipairs(list) do
    for _, name in ipairs { place.name, place.key } do
      add(exact, name, place)
      add(loose, ascii.lower(name), place)
    end
  end
  return { list = list, exact = exact, loose = loose }
end

local function matches(index, text)
  return index.exact[text] or index.loose[ascii.lower(text)] or {}
end

local function names(list)
  local texts = {}
  for index, place in ipairs(list) do
    texts[index] = place.name
  end
  return table.concat(texts, ", ")
end

local function ambiguous(target, text, list, all)
  local texts = {}
  for index, place in ipairs(list) do
    local number = place.key:match "^stage(%d+)$"
    texts[index] = ("%s (%s)"):format(number or place.key, place.name)
  end
  return target.client:problem({
    kind = "usage",
    field = "step",
    message = ("several steps are called %q: %s; give the number of the one that is meant"):format(
      text,
      table.concat(texts, ", ")
    ),
  }, all, target.result)
end

---@class codearts.build.KnownSteps what was learned of a build's steps: many can be looked for without asking again
---@field record_id? string
---@field stages? table
---@field listed? table

--- The stage key of a step that is given by its number or its name.
---@param await function
---@param target table
---@param step string|integer
---@param known codearts.build.KnownSteps with its record_id
---@return string? key
---@return table? err
function steps.key(await, target, step, known)
  if type(step) == "number" then
    return ("stage%d"):format(step)
  end
  -- The service's own stages know the keys best.
  known.stages = known.stages or indexed(stages(await, target, known.record_id) or {})
  local among = known.stages
  local found = matches(among, step)
  if #found == 0 then
    if not known.listed then
      local list, err = listed(await, target)
      if not list then
        return nil, err
      end
      known.listed = indexed(list)
    end
    among = known.listed
    found = matches(among, step)
  end
  if #found == 1 then
    return found[1].key
  elseif #found > 1 then
    return nil, ambiguous(target, step, found, among.list)
  end
  return nil,
    target.client:problem({
      kind = "usage",
      field = "step",
      message = ("the build has no step %q; its steps are: %s"):format(step, names(among.list)),
    }, among.list, target.result)
end

return steps
