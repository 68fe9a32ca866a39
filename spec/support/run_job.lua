--- A fault server and a client that talks to it, for specs about starting builds.

local build = require "codearts.build"
local servers = require "spec.support.server"

local M = {}

M.JOB_ID = "f9d6c8466d614a9788e9a0acf6c15f46"
M.TOKEN = "MIIFxwYJKoZIhvcNAQcCoIIFuDCCBbQCAQExDTALBglghkgBZQMEAgEwgg"

---@class spec.RunJob
---@field server spec.Server
---@field client codearts.build.Client
local Bench = {}
Bench.__index = Bench

---@param options table|nil options of the client beside endpoint; auth and retry have defaults
---@return spec.RunJob
function M.start(options)
  local server = servers.start()
  local self = setmetatable({ server = server }, Bench)
  self.client = self:new_client(options)
  return self
end

--- One more client of the same server.
---@param options table|nil
---@return codearts.build.Client
function Bench:new_client(options)
  local all = { endpoint = self.server.url, auth = M.TOKEN, retry = false, proxy = false }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return build.new(all)
end

--- Runs it and answers the request as it arrived: the only one since the last look.
---@return table request
---@return codearts.build.Result result
function Bench:sent(args, opts)
  self.server:reset()
  local result = self.client:run(args, opts)
  local requests = self.server:stats().requests
  assert(#requests == 1, "one request was expected, not " .. #requests)
  return requests[1], result
end

--- The error that a server's behaviour leads to.
---@param behaviour string|table name, or { name, argument = … }
---@return codearts.build.Error
function Bench:failure(behaviour, opts)
  self.server:reset()
  self.server:script { behaviour }
  local result, err = self.client:try_run({ job_id = M.JOB_ID }, opts)
  assert(result == nil and err, "an error was expected")
  return err
end

--- The result that an answer leads to.
---@return codearts.build.Result
function Bench:result(behaviour)
  self.server:reset()
  self.server:script { behaviour }
  return self.client:run { job_id = M.JOB_ID }
end

function Bench:stop()
  self.client:close()
  self.server:stop()
end

return M
