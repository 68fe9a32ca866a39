-- The log of one build: lines with the time in front, in a file, read in pages. Positions are bytes of that file; it is UTF-8
-- throughout, because pages travel as JSON.

local clock = require "codearts.build.sandbox.clock"
local quote = require("codearts.build.sandbox.reaper").quote
local utf8 = require "codearts.build.sandbox.utf8"

local M = {}

local MAX_LINE = 65536
local MAX_BYTES = 64 * 1024 * 1024

---@class codearts.build.sandbox.Log
---@field path string
---@field size integer bytes written
---@field private full boolean|nil nothing more is written
---@field private rest string the start of a line whose end has not come yet
---@field private unwritten string what came when no descriptor was left
local Log = {}
Log.__index = Log

-- A build may print the value of any parameter, and the folder may be one where others read: made by a shell, as Lua cannot say who may.
local function make_private(path)
  local pipe = assert(io.popen(("umask 077; set -C; : >%s && echo made"):format(quote(path)), "r"))
  local made = pipe:read "*l"
  pipe:close()
  assert(made, "the log cannot be made: " .. path)
end

---@param path string of a file that does not exist yet
---@return codearts.build.sandbox.Log
function M.new(path)
  make_private(path)
  return setmetatable({ path = path, size = 0, rest = "", unwritten = "" }, Log)
end

local function stamped(line)
  return "[" .. clock.log(clock.now()) .. "] " .. utf8.repair(line) .. "\n"
end

---@private
-- Opened for each write: an open file would be inherited by the builds that start meanwhile.
function Log:write(text)
  text = self.unwritten .. text
  local handle = text ~= "" and io.open(self.path, "ab")
  self.unwritten = handle and "" or text
  if handle then
    handle:write(text)
    handle:close()
    self.size = self.size + #text
  end
end

---@private
function Log:append(text)
  if self.full or text == "" then
    return
  elseif self.size + #text > MAX_BYTES then
    text = stamped("The log has reached its limit; the rest is dropped.")
    self.full = true
  end
  self:write(text)
end

---How long it is. Writes what came when no descriptor was left, if there is one now.
---@return integer bytes
function Log:length()
  self:write ""
  return self.size
end

---One line of the sandbox's own.
---@param text string
function Log:line(text)
  self:finish_line()
  self:append(stamped(text))
end

---What a build wrote: any bytes, lines in any pieces.
---@param text string
function Log:output(text)
  local out = {}
  text = self.rest .. text
  local from = 1
  while true do
    local to = text:find("\n", from, true)
    if to then
      out[#out + 1] = stamped(text:sub(from, to - 1))
      from = to + 1
    elseif #text - from + 1 > MAX_LINE then
      out[#out + 1] = stamped(text:sub(from, from + MAX_LINE - 1))
      from = from + MAX_LINE
    else
      break
    end
  end
  self.rest = text:sub(from)
  self:append(table.concat(out))
end

---Ends a line that the build left open.
function Log:finish_line()
  if self.rest ~= "" then
    self:output("\n")
  end
end

---@param from integer
---@param to integer
---@return string bytes from the first position up to, not including, the second
function Log:read(from, to)
  local handle = to > from and io.open(self.path, "rb")
  if not handle then
    return ""
  end
  handle:seek("set", from)
  local bytes = handle:read(to - from) or ""
  handle:close()
  return bytes
end

---A page of about `length` bytes: a character that begins in it is in it whole.
---@param from integer
---@param length integer
---@return string content
---@return integer next where the next page begins
function Log:page(from, length)
  local to = math.min(self:length(), from + length + 3)
  local bytes = self:read(from, to)
  local last = math.min(length, #bytes)
  while last < #bytes and bytes:byte(last + 1) >= 0x80 and bytes:byte(last + 1) <= 0xBF do
    last = last + 1
  end
  return utf8.repair(bytes:sub(1, last)), from + last
end

return M
