--- A file that appears whole or not at all. Bytes gather in a nameless temporary file, which the system removes however
-- the process ends; only when all are there they go beside the final name, and a rename makes them the file.
local core = require "codearts.build.core"

local BLOCK = 65536

---@class codearts.build.AtomicFile
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
  local part = ("%s.%s.part"):format(path, core.uuid())
  local probe, reason = io.open(part, "wb")
  if not probe then
    return nil, failure(path, reason)
  end
  probe:close()
  os.remove(part)
  local spool
  spool, reason = io.tmpfile()
  if not spool then
    return nil, failure(path, reason)
  end
  return setmetatable({ path = path, part = part, spool = spool, bytes = 0 }, AtomicFile)
end

--- Appends bytes.
---@param chunk string
---@return boolean? ok
---@return table? err
function AtomicFile:write(chunk)
  local ok, reason = self.spool:write(chunk)
  if not ok then
    return nil, failure(self.path, reason)
  end
  self.bytes = self.bytes + #chunk
  return true
end

local function copy(from, to)
  local ok, reason = from:seek("set", 0)
  while ok do
    local block = from:read(BLOCK)
    if not block then
      return true
    end
    ok, reason = to:write(block)
  end
  return nil, reason
end

--- Makes the bytes the file; an older file of that name is replaced in the same moment.
---@return integer? bytes
---@return table? err
function AtomicFile:commit()
  local file, reason = io.open(self.part, "wb")
  local ok = file ~= nil
  if file then
    ok, reason = copy(self.spool, file)
    local closed, problem = file:close()
    if ok and not closed then
      ok, reason = nil, problem
    end
  end
  if ok then
    ok, reason = os.rename(self.part, self.path)
  end
  self:discard()
  if not ok then
    os.remove(self.part)
    return nil, failure(self.path, reason)
  end
  return self.bytes
end

--- Forgets what was written; harmless after commit.
function AtomicFile:discard()
  if self.spool then
    self.spool:close()
    self.spool = nil
  end
end

return AtomicFile
