--- Ids as people have them at hand: bare, or in the address of a page of the console. Pure.
local ascii = require "codearts.build.ascii"
local is_id = require("codearts.build.ids").is_id
local shown = require "codearts.build.shown"

local reference = {}

-- Members of a query or a fragment that hold an id, in small letters.
local ID_NAMES = {
  id = true,
  job = true,
  jobid = true,
  job_id = true,
  project = true,
  projectid = true,
  project_id = true,
}

--- The 32-character parts of an address, each with the part before it. What a query or a fragment holds beside them may be a
-- ticket: there a name has to say that it is one of ours.
local function ids_of(address)
  local found = {}
  local path, query, fragment = address:match "^([^?#]*)([^#]*)(.*)$"
  for _, text in ipairs { path, query, fragment } do
    local before = ""
    for sign, part in text:gmatch "([/?&#=]?)([^/?&#=]+)" do
      local name = ascii.lower(before)
      if is_id(part) and (sign == "=" and ID_NAMES[name] or sign ~= "=" and text ~= query) then
        found[#found + 1] = { id = part, before = name }
      end
      before = part
    end
  end
  return found
end

--- An address as messages repeat it: what is behind the host may be a ticket, and before an @ there is a login, which may
-- hold what ends a host.
local function address_told(text)
  local origin = text:match "^(https?://[A-Za-z0-9.-]+:?%d*)"
    or text:match "^(https?://%[[0-9A-Fa-f:.]+%]:?%d*)"
  local rest = text:sub(#(origin or "") + 1)
  if not origin or not rest:find "^[/?#]" or rest:find "@" or rest:find "%%40" then
    return "the address"
  end
  return ("the address '%s/…'"):format(origin)
end

---@class codearts.build.cli.JobReference
---@field id string?
---@field name string? where there is no id

--- A build task: its id, an address that holds it (it is the tail of the address while the task is edited, API
-- reference 1.2), or a name. 32 letters and digits are an id, and `name:TEXT` is a name.
---@param str string
---@return codearts.build.cli.JobReference?
---@return string? problem
function reference.job(str)
  local name = str:match "^name:(.*)$"
  if name == "" or str == "" then
    return nil, "expected a job id, an address or a name that is not empty"
  elseif name then
    return { name = name }
  elseif is_id(str) then
    return { id = str }
  elseif str:find "^[^/]*=" then -- what stands behind it may be a secret: neither repeated nor asked for
    return nil, "a parameter is given by --param NAME=VALUE; a job whose name holds = is name:NAME"
  elseif str:find("/", 1, true) then
    local ids = ids_of(str)
    for index = #ids, 1, -1 do
      if not ids[index].before:find("project") then
        return { id = ids[index].id }
      end
    end
    if str:find("://", 1, true) then
      return nil, ("%s holds no job id (32 letters and digits)"):format(address_told(str))
    end
  end
  return { name = str }
end

--- The name of a job as it has to be typed: some would be an option, a parameter, an id or an address.
---@param name string
---@return string
function reference.word(name)
  local found = reference.job(name)
  local plain = found and found.name == name and not name:find "^%-" and not name:find("=", 1, true)
  return plain and name or "name:" .. name
end

--- The id of a project: the part after "project" in an address, else its first id.
---@param str string
---@return string? project_id
---@return string? problem
function reference.project(str)
  if is_id(str) then
    return str
  elseif not str:find("/", 1, true) then
    return nil,
      ("expected a project id (32 letters and digits) or an address in the console, got %s"):format(
        shown.name(str)
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
  return nil, ("%s holds no project id (32 letters and digits)"):format(address_told(str))
end

return reference
