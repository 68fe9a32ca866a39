--- Calls that specs start, step and look at themselves, and what they raise.

local build = require "codearts.build"

local M = {}

M.JOB = { job_id = ("a"):rep(32) }
M.NAME = "j_Oaqg3PCN" -- what the fault server's builds are called

--- Options of a client for a server.
---@param server table
---@param more? table
---@return table
function M.options(server, more)
  local all = { endpoint = server.url, auth = "a-fake-token", proxy = false }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

--- What a case raised, which must raise.
---@return any
function M.raised(f, ...)
  local ok, err = pcall(f, ...)
  assert(not ok, "an error was expected")
  return err
end

--- Raises unless it is a usage error.
---@param err any
---@return codearts.build.Error err
function M.assert_usage(err)
  assert(build.is_error(err) and err.kind == "usage", tostring(err))
  return err
end

--- Steps until it is so.
---@param client codearts.build.Client
---@param done fun(): boolean
function M.step_until(client, done)
  for _ = 1, 10000 do
    if done() then
      return
    end
    client:step(1)
  end
  error "nothing happened"
end

return M
