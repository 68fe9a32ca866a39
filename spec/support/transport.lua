--- One accepted connection, plain or TLS, with the ways to end it that a fault needs.

local condition = require("cqueues.condition")
local cqueues = require("cqueues")
local luasocket = require("socket")

local CHUNK = 16384
local PATIENCE = 60 -- seconds without a byte until a connection is given up
local DRAIN = 5 -- seconds for the peer to close after we did

local M = {}

---@class spec.Connection
---@field number integer counts from 1 in the order of accepting
---@field buffer string bytes read and not yet taken
---@field open boolean
---@field protocol string|nil what ALPN chose
---@field how "close"|"reset"|nil how it is to end, once it is doomed
local Connection = {}
Connection.__index = Connection

---@param socket table accepted cqueues socket
---@param number integer
---@param count function(what, n) adds to a counter of the server
---@return spec.Connection
function M.wrap(socket, number, count)
  socket:setmode("b", "bn")
  socket:onerror(function(_, _, code)
    return code
  end)
  socket:settimeout(PATIENCE)
  return setmetatable({
    socket = socket,
    number = number,
    count = count,
    buffer = "",
    open = true,
    written = condition.new(),
  }, Connection)
end

-- LuaSocket acts on the descriptor where cqueues cannot: SO_LINGER, and reading past TLS. Only an
-- object that was connected once has all its methods.
local borrowed
do
  local listener = assert(luasocket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  borrowed = assert(luasocket.connect("127.0.0.1", port))
  borrowed:close()
  borrowed:settimeout(0)
  listener:close()
end

local function on_descriptor(self, method, ...)
  borrowed:setfd(self.socket:pollfd())
  local result, why = borrowed[method](borrowed, ...)
  borrowed:setfd(-1)
  return result, why
end

--- Does the TLS handshake as server.
---@return boolean
function Connection:handshake(context)
  if not self.socket:starttls(context, PATIENCE) then
    return false
  end
  self.protocol = self.socket:checktls():getAlpnSelected()
  return true
end

--- Reads some bytes behind those in the buffer.
---@return boolean more false at the end of the stream, after an error or a long silence
function Connection:fill()
  local bytes = self.open and self:read_some()
  if not bytes then
    return false
  end
  self.count("bytes", #bytes)
  self.buffer = self.buffer .. bytes
  return true
end

--- Reads what there is. Asked for more than a byte, cqueues reads on until nothing comes, and
--- forgets an error that it meets behind bytes: RST would look like FIN.
---@return string|nil bytes nil at the end
---@return integer|nil error nil after FIN
function Connection:read_some()
  local byte, why = self.socket:read(-1)
  local more = byte and self.socket:pending() or 0
  if more == 0 then
    return byte, why
  end
  return byte .. self.socket:read(-more)
end

---@param length integer
---@return string|nil bytes exactly as many, nil if the stream ended before
function Connection:take(length)
  local parts, have = { self.buffer }, #self.buffer
  while have < length do
    self.buffer = ""
    if not self:fill() then
      return nil
    end
    parts[#parts + 1] = self.buffer
    have = have + #self.buffer
  end
  local all = table.concat(parts)
  self.buffer = all:sub(length + 1)
  return all:sub(1, length)
end

---@param ending string plain text
---@param limit integer most bytes to look through
---@return string|nil bytes up to the ending and with it
function Connection:take_until(ending, limit)
  while true do
    local _, last = self.buffer:find(ending, 1, true)
    if last then
      return self:take(last)
    end
    if #self.buffer > limit or not self:fill() then
      return nil
    end
  end
end

--- Writes all bytes; concurrent writers take turns.
---@return boolean sent false once the peer is gone
function Connection:send(bytes)
  while self.writing do
    self.written:wait()
  end
  self.writing = true
  local sent = self.open and self.socket:write(bytes) and true or false
  self.writing = false
  self.written:signal(1)
  return sent
end

-- Takes in what still comes, past TLS, so that the kernel has no reason to send RST after our
-- FIN: RST could overtake the last bytes, a TLS alert for one.
local function drain(self)
  local limit = cqueues.monotime() + DRAIN
  local readable = { pollfd = self.socket:pollfd(), events = "r" }
  while cqueues.monotime() < limit do
    cqueues.poll(readable, limit - cqueues.monotime())
    local bytes, why = on_descriptor(self, "receive", CHUNK)
    if not bytes and why ~= "timeout" then
      break
    end
  end
end

local function luaossl()
  return require("spec.support.native").module("luaossl", "$(pkg-config --libs libssl)")
end

local function forget(self)
  self.open = false
  self.socket:close()
  self.count("closed", 1)
end

--- Makes the coroutine that reads from the connection end it.
---@param how "close"|"reset"
function Connection:doom(how)
  self.how = how
  on_descriptor(self, "shutdown", "receive")
end

--- Ends a connection whose peer has ended, or that is doomed, in the way it is to be ended.
function Connection:finish()
  self[self.how or "close"](self)
end

--- FIN. Over TLS without a goodbye before it: cqueues has none, and libcurl asks for none.
function Connection:close()
  if self.open then
    self.open = false
    self.socket:shutdown("w")
    self.count("ended", 1)
    drain(self)
    forget(self)
  end
end

--- Over TLS: says that nothing more will come. (cqueues cannot.)
function Connection:goodbye()
  local tls = self.socket:checktls()
  if tls then
    luaossl().goodbye(tls)
  end
end

--- Over TLS 1.3: asks for a certificate of the client's; whoever reads then ends the connection if none comes.
function Connection:ask()
  assert(luaossl().ask(self.socket:checktls()))
end

--- RST.
function Connection:reset()
  if self.open then
    on_descriptor(self, "setoption", "linger", { on = true, timeout = 0 })
    forget(self)
  end
end

--- Stays silent and takes everything in until the peer is gone.
function Connection:ignore()
  while self.open do
    self.buffer = ""
    if not self:fill() then
      self:finish()
    end
  end
end

--- Stays silent and reads nothing. The end of the peer cannot be seen that way.
function Connection.freeze()
  cqueues.sleep(PATIENCE)
end

return M
