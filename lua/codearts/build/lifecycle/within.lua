--- Awaits what may hang and is not worth to be waited for: after some seconds it is cancelled.
---@param await codearts.build.Await
---@param client codearts.build.Client
---@param call codearts.build.Call
---@param seconds number
---@return any result
---@return codearts.build.Error? err
---@return boolean late it was cancelled
return function(await, client, call, seconds)
  local late = false
  local guard = client:sleep(seconds)
  guard:on_done(function(_, err)
    if not err then
      late = true
      call:cancel()
    end
  end)
  local result, problem = await(call)
  guard:cancel()
  return result, problem, late
end
