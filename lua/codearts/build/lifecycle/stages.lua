--- The stages of a build as the service tells them (API reference 7.4, ShowBuildRecordFullStages), in their order. Pure.
local record = require "codearts.build.lifecycle.record"

---@class codearts.build.ToldStage
---@field key string
---@field name string
---@field status string
---@field told table as it came

--- A key to sort by: "stage2" comes before "stage10".
local function sortable(key)
  return (key:gsub("%d+", function(digits)
    return ("0"):rep(20 - #digits) .. digits
  end))
end

---@param build_stages any
---@return codearts.build.ToldStage[]? stages nil: there is no object of them
return function(build_stages)
  if type(build_stages) ~= "table" then
    return nil
  end
  local list, order = {}, {}
  for name, told in pairs(build_stages) do
    if type(told) == "table" then
      local key = tostring(name)
      local stage = {
        key = key,
        name = record.text(told.display_name) or key,
        status = record.text(told.status) or "",
        told = told,
      }
      list[#list + 1] = stage
      order[stage] = { record.number(told.sequence) or math.huge, sortable(key) }
    end
  end
  table.sort(list, function(one, other)
    local a, b = order[one], order[other]
    if a[1] ~= b[1] then
      return a[1] < b[1]
    end
    return a[2] < b[2]
  end)
  return list
end
