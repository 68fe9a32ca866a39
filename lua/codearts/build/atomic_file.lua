--- A file that appears whole or not at all: written beside its final name, then renamed over it.
local core = require "codearts.build.core"

---@class codearts.build.AtomicFile
local AtomicFile = {}
AtomicFile.__index = AtomicFile

local function failure(path, reason)
  return core.error {
    kind = "usage",
    field = "to",
    message = ("cannot write %s: %s"):format(path, reason),
  }
end

--- Opens the unfinished file.
---@param path string final name; the folder must exist
---@return codearts.build.AtomicFile? file
---@return table? err kind "usage", field "to"
function AtomicFile.open(path)
  local part = ("%s.%s.part"):format(path, core.uuid())
  local file, reason = io.open(part, "wb")
  if not file then
    return nil, failure(path, reason)
  end
  return setmetatable({ path = path, part = part, file = file, bytes = 0 }, AtomicFile)
end

--- Appends bytes.
---@param chunk string
---@return boolean? ok
---@return table? err
function AtomicFile:write(chunk)
  local ok, reason = self.file:write(chunk)
  if not ok then
    self:discard()
    return nil, failure(self.path, reason)
  end
  self.bytes = self.bytes + #chunk
  return true
end

--- Closes the file and gives it its name; an older file of that name is replaced in the same moment.
---@return integer? bytes written
---@return table? err
function AtomicFile:commit()
  local ok, reason = self.file:close()
  self.file = nil
  if ok then
    ok, reason = os.rename(self.part, self.path)
  end
  if not ok then
    self:discard()
    return nil, failure(self.path, reason)
  end
  self.part = nil
  return self.bytes
end

--- Removes what was written so far; harmless after commit.
function AtomicFile:discard()
  if self.file then
    self.file:close()
    self.file = nil
  end
  if self.part then
    os.remove(self.part)
    self.part = nil
  end
end

return AtomicFile
