--- Sorts lists that are long, a bit at a time: table.sort lets nothing else go on until it is done. Pure.

--- Equal items stay in their order.
---@generic T
---@param list T[] may be changed
---@param is_before fun(a: T, b: T): boolean
---@param pause fun() called after each bit
---@return T[]
return function(list, is_before, pause)
  local from, to, count, width = list, {}, #list, 1
  while width < count do
    for first = 1, count, 2 * width do
      local left, middle = first, math.min(first + width, count + 1)
      local right, stop = middle, math.min(middle + width, count + 1)
      for at = first, stop - 1 do
        if left < middle and (right == stop or not is_before(from[right], from[left])) then
          to[at], left = from[left], left + 1
        else
          to[at], right = from[right], right + 1
        end
        pause()
      end
    end
    from, to, width = to, from, 2 * width
  end
  return from
end
