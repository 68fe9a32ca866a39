--- Calls with credentials of their own, which have to be looked at or fetched first.
local core = require "codearts.build.core"

--- A copy of a call's options with credentials that the core takes, and a function to be called when
--- the call has ended. Raises kind "usage" for credentials that cannot be right.
---@param self codearts.build.Client
---@param opts table whose `auth` the core does not take as it is
---@param outcome? "not_started" for the error
---@return table core_opts
---@return fun() ended
return function(self, opts, outcome)
  local ok, value, remove = pcall(self.source_of, self, opts.auth)
  if not ok then
    if core.is_error(value) then
      value.kind = "usage" -- an argument here, not configuration
      value.outcome = outcome
    end
    error(value, 0)
  end
  local copy = {}
  for name, option in next, opts do
    copy[name] = option
  end
  copy.auth = value
  return copy, remove or function() end
end
