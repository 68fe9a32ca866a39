--- When each step of a build ran, from what the service tells. Pure.
local ascii = require "codearts.build.ascii"
local spans = {}

---@class codearts.build.cli.Span
---@field name string
---@field status string
---@field start number? seconds after the first step began; nil: it did not run
---@field stop number? seconds

--- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days(year, month, day)
  -- Years run from March, so that the leap day is the last one.
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local era_days = 365 * year
    + math.floor(year / 4)
    - math.floor(year / 100)
    + math.floor(year / 400)
  return era_days + math.floor((153 * (month - 3) + 2) / 5) + day - 1 - 719468
end

--- Seconds since 1970 of a time as the service prints it: `2022-10-11T08:28:42.000+00:00`, or epoch milliseconds.
---@param value any
---@return number?
function spans.time(value)
  if type(value) == "number" then
    return value / 1000
  elseif type(value) ~= "string" then
    return nil
  end
  local y, mo, d, h, mi, s, rest =
    value:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d):(%d%d%.?%d*)(.*)$")
  if not y then
    return nil
  end
  local seconds = days(tonumber(y), tonumber(mo), tonumber(d)) * 86400
    + tonumber(h) * 3600
    + tonumber(mi) * 60
    + ascii.number(s)
  local sign, zone_h, zone_m = rest:match("^([+-])(%d%d):?(%d%d)$")
  if sign then
    seconds = seconds
      - (sign == "+" and 1 or -1) * (tonumber(zone_h) * 3600 + tonumber(zone_m) * 60)
  end
  return seconds
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

--- Stages, which tell when they began and ended (API reference 7.4, ShowBuildRecordFullStages).
---@param build_stages any
---@return codearts.build.cli.Span[]? spans nil if no times can be read
function spans.of_stages(build_stages)
  if type(build_stages) ~= "table" then
    return nil
  end
  local list, first = {}, nil
  for key, stage in pairs(build_stages) do
    if type(stage) == "table" then
      local start, stop = spans.time(stage.start_time), spans.time(stage.finish_time)
      local name = type(stage.display_name) == "string"
        and stage.display_name ~= ""
        and stage.display_name
      list[#list + 1] = {
        name = name or tostring(key),
        status = type(stage.status) == "string" and stage.status or "",
        start = start,
        stop = start and stop and math.max(start, stop),
        order = tonumber(stage.sequence) or math.huge,
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
  return list
end

return spans
