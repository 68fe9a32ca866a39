--- How the builds stand that this editor waits for, in few words for a statusline.
local text = require "codearts.build.cli.text"
local watches = require "codearts.build.nvim.watch"

local function words()
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
    return ("%s: %s"):format(watches.last:name(), watches.last:end_in_short())
  end
  return ""
end

--- Does no I/O. The one that runs, or how many run; else the one that ended last. A statusline may take it for a format, where a
--- step could be called %{…}, so no % is in it.
---@return string
return function()
  return (text.clean(words()):gsub("%%", "％"))
end
