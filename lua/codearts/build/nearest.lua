--- Finds the known name that a mistyped one was probably meant to be.
local ascii = require "codearts.build.ascii"

--- Edits (insert, delete, replace, swap of neighbours) that turn a into b; case differences count little.
local function distance(a, b)
  local before, last = nil, {}
  for j = 0, #b do
    last[j] = j
  end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local cost = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if before and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        cost = math.min(cost, before[j - 2] + 1)
      end
      row[j] = cost
    end
    before, last = last, row
  end
  return last[#b]
end

---@param name string
---@param known string[] candidates; the first of equally near ones wins
---@return string? nearest nil if nothing is near enough to be worth naming
local function nearest(name, known)
  if #name > 128 then
    return nil
  end
  local best, best_distance = nil, math.huge
  for _, candidate in ipairs(known) do
    local d = distance(ascii.lower(name), ascii.lower(candidate))
    if d < best_distance then
      best, best_distance = candidate, d
    end
  end
  if best and best_distance <= math.max(2, math.floor(#best / 3)) then
    return best
  end
  return nil
end

return nearest
