--- Calls with credentials of their own, which have to be looked at or fetched first.
local core = require "codearts.build.core"

--- A copy of a call's options with credentials that the core takes, and a function to be called when
--- the call has ended, or nil.
local function with_auth(self, opts)
  local copy = {}
  for name, value in next, opts do
    copy[name] = value
  end
  local pump
  copy.auth, pump = self:source_of(opts.auth)
  return copy,
    pump and function()
      for i, other in ipairs(self.sources) do
        if other == pump then
          table.remove(self.sources, i)
          break
        end
      end
    end
end

--- The core's call for what is to be sent.
---@param self codearts.build.Client
---@param method "begin"|"start"|"request" of the core's client
---@param args table
---@param opts table whose `auth` the core does not take as it is
---@return userdata call
return function(self, method, args, opts)
  local engine = self.core
  local ok, copy, ended = pcall(with_auth, self, opts)
  if not ok then
    if core.is_error(copy) then
      copy.kind = "usage" -- an argument here, not configuration
      local starts = method ~= "request" or type(args) == "table" and rawget(args, "starts_build")
      copy.outcome = starts and "not_started" or nil
    end
    error(copy, 0)
  end
  local begun, call = pcall(engine[method], engine, args, copy)
  if not begun then
    if ended then
      ended()
    end
    error(call, 0)
  elseif ended then
    call:on_done(ended)
  end
  return call
end
