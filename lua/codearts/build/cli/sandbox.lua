--- codearts-build sandbox: runs the local build service in this process until it is told to end.
local exit_status = require "codearts.build.cli.exit_status"

---@param values table
---@return integer exit status
return function(values)
  local ok, problem = pcall(require("codearts.build.sandbox").serve, {
    jobs = values.jobs,
    host = values.host,
    port = values.port,
    token = values.token,
    folder = values.folder,
    max_builds = values.max_builds,
  })
  if not ok then
    io.stderr:write(tostring(problem), "\n")
    return exit_status.usage
  end
  return exit_status.success
end
