--- When each step of a build ran, from what the service tells. Pure.
local labels = require "codearts.build.cli.entry"
local times = require "codearts.build.lifecycle.times"

local spans = {}

---@class codearts.build.cli.Span
---@field name string
---@field status string
---@field start number? seconds after the first step began; nil: it did not run, or nobody knows when
---@field stop number? seconds

--- Seconds since 1970 of a time as the service prints it.
---@param value any
---@return number?
function spans.time(value)
  return (times.parse(value))
end

--- Steps that tell only how long they took, one after the other.
---@param steps codearts.build.Step[]
---@return codearts.build.cli.Span[]
function spans.of_steps(steps)
  local list, at = {}, 0
  for index, step in ipairs(steps) do
    local span = { name = step.name, status = step.status }
    if step.time and step.status ~= "" then
      span.start, span.stop = at, at + step.time
      at = span.stop
    end
    list[index] = span
  end
  return list
end

--- When a stage ended; one that was broken off may tell only how long it took, in milliseconds.
local function stop_of(stage, start)
  local took = type(stage.duration) == "number" and stage.duration or 0
  return spans.time(stage.finish_time)
    or took > 0 and took < math.huge and start + took / 1000
    or nil
end

--- Stages, which tell when they began and ended (API reference 7.4, ShowBuildRecordFullStages).
---@param build_stages any
---@return codearts.build.cli.Span[]? spans nil if no times can be read
---@return number? first when the first one began, seconds since 1970
function spans.of_stages(build_stages)
  if type(build_stages) ~= "table" then
    return nil
  end
  local list, first = {}, nil
  for key, stage in pairs(build_stages) do
    if type(stage) == "table" then
      local start = spans.time(stage.start_time)
      local stop = start and stop_of(stage, start)
      local order = tonumber(stage.sequence) -- some take "nan" for a number, which cannot be sorted
      local name = type(stage.display_name) == "string"
        and stage.display_name ~= ""
        and stage.display_name
      list[#list + 1] = {
        name = name or tostring(key),
        status = type(stage.status) == "string" and stage.status or "",
        start = start,
        stop = stop and math.max(start, stop),
        order = order == order and order or math.huge,
        key = tostring(key),
      }
      if start and (not first or start < first) then
        first = start
      end
    end
  end
  if not first then
    return nil
  end
  table.sort(list, function(a, b)
    if a.order ~= b.order then
      return a.order < b.order
    end
    return a.key < b.key
  end)
  for _, span in ipairs(list) do
    span.start = span.stop and span.start - first or nil
    span.stop = span.start and span.stop - first or nil
    span.order, span.key = nil, nil
  end
  return list, first
end

--- Builds that are over, on the scale of the service's clock.
---@param entries codearts.build.cli.Entry[]
---@return codearts.build.cli.Span[]
function spans.of_builds(entries)
  local list, first = {}, nil
  for _, entry in ipairs(entries) do
    if entry.record then
      local start, stop = spans.time(entry.record.start_time), spans.time(entry.record.finish_time)
      local status = type(entry.record.status) == "string" and entry.record.status or ""
      list[#list + 1] = {
        name = ("%s #%s"):format(labels.label(entry), entry.build_no or "?"),
        status = status,
        start = stop and start,
        stop = start and stop and math.max(start, stop),
      }
      first = start and stop and math.min(start, first or start) or first
    end
  end
  for _, span in ipairs(list) do
    span.start, span.stop = span.start and span.start - first, span.stop and span.stop - first
  end
  return list
end

return spans
