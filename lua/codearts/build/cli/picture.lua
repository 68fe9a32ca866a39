--- When each step of a build ran, for its picture: the stages know best, else the steps.
local record = require "codearts.build.lifecycle.record"
local spans = require "codearts.build.cli.spans"

---@param await function
---@param app codearts.build.cli.App
---@param detail table record of the build
---@param steps codearts.build.Step[]
---@return codearts.build.cli.Span[]
return function(await, app, detail, steps)
  local record_id = record.text(detail.build_record_id)
  local body = record_id
    and await(
      app:client():call("ShowBuildRecordFullStages", { record_id = record_id }, { async = true })
    )
  local result = type(body) == "table" and app:client():mask(body.result, body)
  return spans.of_stages(type(result) == "table" and result.build_stages) or spans.of_steps(steps)
end
