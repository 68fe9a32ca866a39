--- Runs f when the collector comes by, once.
---@param f fun()
return function(f)
  local proxy = rawget(_G, "newproxy")
  if proxy then
    getmetatable(proxy(true)).__gc = f
  else
    setmetatable({}, { __gc = f })
  end
end
