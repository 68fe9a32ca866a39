--- When each step of a build ran, from what the service tells. Pure.
local labels = require "codearts.build.cli.entry"
local stages_of = require "codearts.build.lifecycle.stages"
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

--- On a scale that begins with `first`.
local function on_scale(list, first)
  for _, span in ipairs(list) do
    span.start, span.stop = span.start and span.start - first, span.stop and span.stop - first
  end
  return list
end

--- Stages, which tell when they began and ended (API reference 7.4, ShowBuildRecordFullStages).
---@param build_stages any
---@return codearts.build.cli.Span[]? spans nil if no times can be read
---@return number? first when the first one began, seconds since 1970
function spans.of_stages(build_stages)
  local list, first = {}, nil
  for index, stage in ipairs(stages_of(build_stages) or {}) do
    local start = spans.time(stage.told.start_time)
    local stop = start and stop_of(stage.told, start)
    list[index] = {
      name = stage.name,
      status = stage.status,
      start = stop and start,
      stop = stop and math.max(start, stop),
    }
    first = start and math.min(start, first or start) or first
  end
  if not first then
    return nil
  end
  return on_scale(list, first), first
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
  return on_scale(list, first)
end

return spans
