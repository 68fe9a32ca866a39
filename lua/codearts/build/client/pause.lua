--- For flows that have much to do: they let go of a step when they have had their part of it.
local core = require "codearts.build.core"

local PART = 0.001 -- seconds, of the two that a step has

--- Makes a function for the flow to call between two bits of its work.
---@param await codearts.build.Await
---@param client codearts.build.Client
---@return fun(): true?, codearts.build.Error? pause answers nil and why where there is no going on
return function(await, client)
  local till = core.now() + PART
  return function()
    if core.now() < till then
      return true
    end
    local ok, err = await(client:sleep(0))
    till = core.now() + PART
    return ok, err
  end
end
