--- Files of the machine that builds, found here. Pure but for `exists`.
local paths = {}

local function join(folder, rest)
  return folder:gsub("/+$", "") .. (rest:sub(1, 1) == "/" and "" or "/") .. rest
end

--- The folders that the user named, the longest that fits first.
local function mapped(map, file)
  local best
  for there in pairs(map) do
    local prefix = there:gsub("/+$", "")
    local fits = file:sub(1, #prefix) == prefix
      and (file:sub(#prefix + 1, #prefix + 1) == "/" or file == prefix)
    if fits and (not best or #prefix > #best.prefix) then
      best = { prefix = prefix, here = map[there] }
    end
  end
  return best and join(best.here, file:sub(#best.prefix + 1)) or nil
end

--- Without its first folders, one after the other, until something is there: the workspace of a build is a checkout of what is here.
local function suffix(file, exists)
  local rest = file:gsub("^%./", "")
  while rest do
    rest = rest:match "^[^/]*/+(.+)$"
    if rest and exists(rest) then
      return rest
    end
  end
end

--- Makes a function that answers the file here for one there, or the same where none is found.
---@param map table<string, string> folders there -> folders here
---@param exists fun(path: string): boolean relative to the current folder
---@return fun(file: string): string
function paths.finder(map, exists)
  local known = {}
  return function(file)
    if known[file] == nil then
      local relative = file:gsub("^%./", "")
      known[file] = mapped(map, file)
        or exists(relative) and relative
        or suffix(file, exists)
        or file
    end
    return known[file]
  end
end

return paths
