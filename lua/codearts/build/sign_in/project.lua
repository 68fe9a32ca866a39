--- The project id that a region stands for, asked with an access key (API reference 2.3).
local core = require "codearts.build.core"
local credential = require "codearts.build.sign_in.credential"
local http = require "codearts.build.sign_in.http"

local M = {}

--- Completes a key with the id of the region's project. Asked once for each key and region.
---@param ctx table
---@param key table credential of kind key without project_id
---@return table? credential the same with project_id
---@return table? err
function M.complete(ctx, key)
  local who = http.iam(ctx)
  local known = ctx.state.projects or {}
  ctx.state.projects = known
  local name = key.ak .. " " .. ctx.region
  if not known[name] then
    local body, answer = http.json(ctx, who, {
      operation = "KeystoneListProjects",
      method = "GET",
      url = http.url(ctx.iam_endpoint, "/v3/projects"),
      query = { { "name", ctx.region } },
      auth = credential.for_core(key),
      read_only = true,
    })
    if not body then
      return nil, answer
    end
    local ids = {}
    for _, project in ipairs(type(body.projects) == "table" and body.projects or {}) do
      ids[#ids + 1] = type(project) == "table" and tostring(project.id) or nil
    end
    if #ids ~= 1 then
      local found = #ids == 0 and "none" or http.short(ctx, table.concat(ids, ", "), answer)
      return nil,
        core.error {
          kind = "config",
          field = "auth.project_id",
          message = ("project_id is not given, and %s knows for region %s not one project but %s"):format(
            who,
            ctx.region,
            found
          ),
        }
    end
    known[name] = ids[1]
  end
  key.project_id = known[name]
  return key
end

return M
