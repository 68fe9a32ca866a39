--- Ids as people have them at hand: bare, or in the address of a page of the console. Pure.
local ascii = require "codearts.build.ascii"
local reference = {}

--- The 32-character parts of an address, each with the part before it.
local function ids_of(address)
  local found, before = {}, ""
  for part in address:gmatch("[^/?&#=]+") do
    if #part == 32 and part:find("^[A-Za-z0-9]+$") then
      found[#found + 1] = { id = part, before = ascii.lower(before) }
    end
    before = part
  end
  return found
end

local function is_address(str)
  return str:find("://", 1, true) or str:find("/", 1, true)
end

--- The id of a build task: it is the tail of the address while the task is edited (API reference 1.2).
---@param str string
---@return string? job_id
---@return string? problem
function reference.job(str)
  if not is_address(str) then
    if #str == 32 and str:find("^[A-Za-z0-9]+$") then
      return str
    end
    return nil,
      ("expected a job id (32 letters and digits) or the address of its page in the console, got '%s'"):format(
        str
      )
  end
  local ids = ids_of(str)
  for index = #ids, 1, -1 do
    if not ids[index].before:find("project") then
      return ids[index].id
    end
  end
  return nil, ("the address '%s' holds no job id (32 letters and digits)"):format(str)
end

--- The id of a project: the part after "project" in an address, else its first id.
---@param str string
---@return string? project_id
---@return string? problem
function reference.project(str)
  if not is_address(str) then
    if #str == 32 and str:find("^[A-Za-z0-9]+$") then
      return str
    end
    return nil,
      ("expected a project id (32 letters and digits) or an address in the console, got '%s'"):format(
        str
      )
  end
  local ids = ids_of(str)
  for _, found in ipairs(ids) do
    if found.before:find("project") then
      return found.id
    end
  end
  if ids[1] then
    return ids[1].id
  end
  return nil, ("the address '%s' holds no project id (32 letters and digits)"):format(str)
end

return reference
