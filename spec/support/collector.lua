--- Sets how the collector paces itself, which Lua 5.5 spells in its own way.
---@param pause integer
---@param stepmul integer
return function(pause, stepmul)
  if pcall(collectgarbage, "setpause", pause) then
    collectgarbage("setstepmul", stepmul)
  else
    collectgarbage("param", "pause", pause)
    collectgarbage("param", "stepmul", stepmul)
  end
end
