--- A file that appears whole or not at all. Its bytes gather in a file without a name in the same folder, which the system
--- removes however the process ends; only when all are there it gets its name. (Where a system has no such files, it
--- has a name ending in ".part" meanwhile.)
local core = require "codearts.build.core"

---@class codearts.build.AtomicFile
---@field spool userdata what a request takes as `stream`
local AtomicFile = {}
AtomicFile.__index = AtomicFile

local function failure(path, reason)
  return core.error {
    kind = "usage",
    field = "to",
    message = ("cannot write %s: %s"):format(path, tostring(reason)),
  }
end

--- Begins a file. A folder that cannot be written to is found out now.
---@param path string final name; the folder must exist
---@return codearts.build.AtomicFile? file
---@return table? err kind "usage", field "to"
function AtomicFile.open(path)
  local ok, spool, reason = pcall(core.file.spool, path)
  if not ok or not spool then
    return nil, failure(path, ok and reason or "it is no file name")
  end
  return setmetatable({ path = path, spool = spool }, AtomicFile)
end

--- Makes the bytes the file; an older file of that name is replaced in the same moment.
---@return integer? bytes
---@return table? err
function AtomicFile:commit()
  local bytes, reason = self.spool:commit()
  if not bytes then
    return nil, failure(self.path, reason)
  end
  return bytes
end

--- Forgets what was written; harmless after commit.
---@return table? err why bytes could not be written, if that happened
function AtomicFile:discard()
  local reason = self.spool:discard()
  return reason and failure(self.path, reason)
end

return AtomicFile
