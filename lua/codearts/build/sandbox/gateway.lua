-- The gateway before the service, as far as it refuses requests when a test wants that (API reference 6.4).

local ask = require "codearts.build.sandbox.ask"
local clock = require "codearts.build.sandbox.clock"
local fault = require "codearts.build.sandbox.fault"

local M = {}

-- Both are said before anything is passed on to the service.
local REFUSALS = {
  [429] = { "APIGW.0308", "The throttling threshold has been reached: try again later" },
  [503] = { "APIGW.0613", "IAM is unavailable: try again later" },
}

---@class codearts.build.sandbox.Gateway
---@field private left integer how many requests are still to be refused
---@field private to_lose integer how many answers to starts are still to be lost
---@field private status 429|503
---@field private operation string|nil only requests of this one
---@field private headers table<string, string>|nil
local Gateway = {}
Gateway.__index = Gateway

---@param to_lose integer
---@return codearts.build.sandbox.Gateway
function M.new(to_lose)
  return setmetatable({ left = 0, to_lose = to_lose }, Gateway)
end

---Raises a refusal if one is due. What the sandbox answers for itself is never refused.
---@param route codearts.build.sandbox.Route
function Gateway:pass(route)
  local ours = route.path:find("/__sandbox/", 1, true) == 1
  if self.left == 0 or ours or (self.operation and self.operation ~= route.operation) then
    return
  end
  self.left = self.left - 1
  local refusal = REFUSALS[self.status]
  fault.raise(self.status, refusal[1], refusal[2], self.headers)
end

---POST /__sandbox/lose?times=1: the next starts of a build are done, and their connections closed without an answer.
function M.lose(sandbox, request)
  sandbox.gateway.to_lose = ask.integer(request, "times", 0, 1000000, 1)
  return { status = 200, json = {} }
end

---Whether the answer to a start that was done is to be lost.
---@return boolean
function Gateway:loses()
  local loses = self.to_lose > 0
  self.to_lose = self.to_lose - (loses and 1 or 0)
  return loses
end

---POST /__sandbox/clock?ahead=1020: moves the clock of the sandbox.
function M.move_clock(_, request)
  local ahead = (request.query.ahead or ""):match "^%-?%d%d?%d?%d?%d?%d?%d?%d?%d?$"
  if not ahead then
    fault.invalid "ahead must be a number of seconds"
  end
  clock.move(tonumber(ahead))
  return { status = 200, json = {} }
end

---POST /__sandbox/refuse?status=429&times=2&operation=RunJob&retry_after=1. Replaces what was asked before.
function M.refuse(sandbox, request)
  local status = ask.integer(request, "status", 0, 999, 429)
  if not REFUSALS[status] then
    fault.invalid "status must be 429 or 503"
  end
  local gateway = sandbox.gateway
  gateway.left = ask.integer(request, "times", 0, 1000000, 1)
  gateway.status = status
  gateway.operation = request.query.operation
  local after = request.query.retry_after and ask.integer(request, "retry_after", 0, 86400)
  gateway.headers = after and { ["retry-after"] = ("%d"):format(after) }
  return { status = 200, json = {} }
end

return M
