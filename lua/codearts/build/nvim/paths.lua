--- Files of the machine that builds, found here. Pure but for `exists`.
local ascii = require "codearts.build.ascii"

local MOST_FOLDERS = 40 -- of a name, that are looked for without the first ones

local paths = {}

local function join(folder, rest)
  return folder:gsub("/+$", "") .. (rest:sub(1, 1) == "/" and "" or "/") .. rest
end

--- Whether an editor takes it for a file: one with a scheme is run, fetched or looked up.
local function is_plain(file)
  return not file:find "^[A-Za-z][A-Za-z0-9+.-]*:" and not file:find("[" .. ascii.CONTROLS .. "]")
end

--- Without ".", ".." and empty parts; nil for one that leaves where it begins.
local function inside(file)
  local parts = {}
  for part in file:gmatch "[^/]+" do
    if part == ".." then
      if not parts[1] then
        return nil
      end
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return parts[1] and table.concat(parts, "/")
end

--- What stays of a file behind a folder.
local function behind(folder, file)
  local prefix = folder:gsub("/+$", "")
  local fits = file:sub(1, #prefix) == prefix and file:sub(#prefix + 1, #prefix + 1) == "/"
  return fits and file:sub(#prefix + 2) or nil, #prefix
end

--- In the folders that the user named, the longest that fits first.
local function mapped(map, file)
  local here, rest
  local longest = -1
  for there in pairs(map) do
    local found, length = behind(there, file)
    if found and length > longest then
      here, rest, longest = map[there], found, length
    end
  end
  rest = rest and inside(rest)
  return rest and join(here, rest)
end

--- Without its first folders, one after the other, until something is there: the workspace of a build is a checkout of what is here.
local function suffix(file, exists)
  local rest = inside(file)
  for _ = 1, MOST_FOLDERS do
    rest = rest and rest:match "^[^/]*/(.+)$"
    if not rest then
      return nil
    elseif is_plain(rest) and exists(rest) then
      return rest
    end
  end
end

--- The file in the current folder.
local function relative(file, folder)
  local rest = file
  if file:sub(1, 1) == "/" then
    rest = behind(folder, file)
  end
  rest = rest and inside(rest)
  return rest and is_plain(rest) and rest or nil
end

--- Makes a function that answers the file here for one there: below the current folder or one that the user named, else nil, for
--- whoever writes a log must not choose what the editor opens.
---@param map table<string, string> folders there -> folders here
---@param exists fun(path: string): boolean relative to the current folder
---@param folder string the current one
---@return fun(file: string): string?
function paths.finder(map, exists, folder)
  local known = {}
  return function(file)
    if known[file] == nil then
      local found
      if is_plain(file) then
        local near = relative(file, folder)
        found = mapped(map, file) or near and exists(near) and near or suffix(file, exists) or near
      end
      known[file] = found or false
    end
    return known[file] or nil
  end
end

return paths
