--- How the builds stand that this editor waits for, in few words for a statusline.
local watches = require "codearts.build.nvim.watch"

--- Does no I/O. The one that runs, or how many run; else the one that ended last.
---@return string
return function()
  local running = watches.running
  if #running > 1 then
    local names = {}
    for index, watch in ipairs(running) do
      names[index] = watch:name()
    end
    return ("%d builds: %s"):format(#running, table.concat(names, ", "))
  elseif running[1] then
    return ("%s: %s"):format(running[1]:name(), running[1]:brief())
  elseif watches.last then
    return ("%s: %s"):format(watches.last:name(), watches.last.entry.status or "?")
  end
  return ""
end
