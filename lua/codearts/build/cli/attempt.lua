--- Calls a function that may fail, as pcall does, but lets Ctrl-C through: before the core catches signals, an interpreter
-- raises "interrupted!" wherever it is, and that says nothing about what was tried.
---@param f function
---@param ... any
---@return boolean ok
---@return any result or problem
return function(f, ...)
  local ok, result = pcall(f, ...)
  if not ok and tostring(result):find("interrupted!", 1, true) then
    error(result, 0)
  end
  return ok, result
end
