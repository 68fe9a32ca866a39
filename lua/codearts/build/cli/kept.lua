--- That a cache on the way has kept an answer, which may have changed since: "a cache on the way has kept the answer for 45 s".
---@param answer any
---@return string?
return function(answer)
  local told = require("codearts.build").meta(answer)
  return told and told.age and ("a cache on the way has kept the answer for %d s"):format(told.age)
end
