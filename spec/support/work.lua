--- Counts the work of a function on text, so that a spec can tell linear from quadratic without a clock: the bytes that the
-- string functions look at, a call of one of them, and the instructions of Lua between them.

local M = {}

local STEP = 100 -- instructions between two looks at the counter

--- Bytes that a search looked at: up to its end, or all that were left; an anchored one that fails is one look.
local function looked_at(str, pattern, init, first, last)
  local from = init or 1
  if last then
    return last - from + 1
  elseif first then
    return 1
  elseif pattern:sub(1, 1) == "^" then
    return 1
  end
  return #str - from + 1
end

---@param f function
---@param ... any its arguments
---@return integer
function M.of(f, ...)
  local total, real, counting = 0, {}, {}
  for name, func in pairs(string) do
    real[name] = func
  end
  counting.find = function(str, pattern, init, plain)
    local results = { real.find(str, pattern, init, plain) }
    total = total + 1 + looked_at(str, pattern, init, results[1], results[2])
    return (table.unpack or unpack)(results)
  end
  counting.match = function(str, pattern, init)
    total = total + 1 + #str - (init or 1) + 1
    return real.match(str, pattern, init)
  end
  counting.gsub = function(str, ...)
    total = total + 1 + #str
    local result, count = real.gsub(str, ...)
    total = total + count
    return result, count
  end
  counting.sub = function(str, ...)
    local result = real.sub(str, ...)
    total = total + 1 + #result
    return result
  end
  for name, func in pairs(counting) do
    rawset(string, name, func)
  end
  if jit then
    jit.off() -- the counter sees no compiled code
    jit.flush()
  end
  debug.sethook(function()
    total = total + STEP
  end, "", STEP)
  local ok, err = pcall(f, ...)
  debug.sethook()
  if jit then
    jit.on()
  end
  for name, func in pairs(real) do
    rawset(string, name, func)
  end
  assert(ok, err)
  return total
end

return M
