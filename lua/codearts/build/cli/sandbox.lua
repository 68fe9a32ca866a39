--- codearts-build sandbox: runs the local build service in this process until it is told to end.
local exit_status = require "codearts.build.cli.exit_status"

-- A variable of its own: the sandbox prints its token, so it must not be the one that real credentials are kept in.
local function token_from_environment()
  local token = os.getenv "CODEARTS_BUILD_SANDBOX_TOKEN"
  return token ~= "" and token or nil
end

---@param values table
---@return integer exit status
return function(values)
  local ok, problem = pcall(require("codearts.build.sandbox").serve, {
    jobs = values.jobs,
    host = values.host,
    port = values.port,
    token = values.token or token_from_environment(),
    folder = values.folder,
    max_builds = values.max_builds,
  })
  if not ok then
    io.stderr:write(tostring(problem), "\n")
    return exit_status.usage
  end
  return exit_status.success
end
