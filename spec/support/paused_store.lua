--- A key store in memory that answers by call objects, and pauses where a spec wants it to.
---
---     local store = paused_stores.new(true)
---     store:pause("put", 2)               -- the second swap from now on
---     … until store.gate …                -- it is reached
---     store.gate:cancel()                 -- goes on, as when the call or the client ends

local core = require "codearts.build.core"

local M = {}

---@class spec.PausedStore
---@field gate? codearts.build.Call ends the pause
---@field held integer how often the key is held now
local Store = {}
Store.__index = Store

--- Pauses one function, when it is called for the n-th time from now on. `lost`: its answer is lost then.
function Store:pause(name, nth, lost)
  self.at, self.left, self.lost, self.gate = name, nth, lost, nil
end

--- Has the answer of the n-th call from now on lost, without a pause.
function Store:lose(name, nth)
  self.losing, self.loses_in = name, nth
end

--- What it holds for the key.
function Store:state()
  return self.text and core.decode(self.text).state
end

local function is_due(name, at, left)
  return name == at and left == 1
end

function Store:answer(name, client, f)
  local pauses = is_due(name, self.at, self.left)
  local loses = is_due(name, self.losing, self.loses_in) or pauses and self.lost
  self.left = self.at == name and self.left - 1 or self.left
  self.loses_in = self.losing == name and self.loses_in - 1 or self.loses_in
  return client:task(function(await)
    if pauses then
      self.gate = client:sleep(3600)
      await(self.gate)
    end
    local list = not (loses and name == "hold") and f()
    if loses then
      return nil, core.error { kind = "transport", message = "lost" }
    end
    return list
  end)
end

---@param hold? boolean
---@return spec.PausedStore
function M.new(hold)
  local self = setmetatable({ version = 0, held = 0 }, Store)
  function self.get(_, client)
    return self:answer("get", client, function()
      return { self.text, self.text and self.version }
    end)
  end
  function self.put(_, text, expected, client)
    return self:answer("put", client, function()
      if expected ~= (self.text and self.version or nil) then
        return { nil, self.text, self.version }
      end
      self.text, self.version = text, self.version + 1
      return { self.version }
    end)
  end
  self.hold = hold
      and function(_, client)
        return self:answer("hold", client, function()
          if self.held > 0 then
            return {}
          end
          self.held = self.held + 1
          return {
            function()
              self.held = self.held - 1
            end,
          }
        end)
      end
    or nil
  return self
end

return M
