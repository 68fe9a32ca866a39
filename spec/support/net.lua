--- Ports of loopback where nobody answers.

local socket = require("socket")

local M = {}

---@class spec.Port
---@field port integer
---@field url string "http://127.0.0.1:port"
---@field close fun() gives the port back

local function hold(sockets)
  local _, port = sockets[1]:getsockname()
  port = tonumber(port)
  local function close()
    for _, each in ipairs(sockets) do
      each:close()
    end
  end
  return { port = port, url = ("http://127.0.0.1:%d"):format(port), close = close }
end

--- A port that refuses connections. It stays bound, so that nobody else can get it.
---@return spec.Port
function M.refused()
  local bound = assert(socket.tcp4())
  assert(bound:bind("127.0.0.1", 0))
  return hold({ bound })
end

--- A port where connecting hangs: its queue is full, and nobody accepts.
---@return spec.Port
function M.blackhole()
  local listener = assert(socket.tcp4())
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(0))
  local sockets = { listener }
  local _, port = listener:getsockname()
  for _ = 1, 16 do
    local filler = assert(socket.tcp4())
    filler:settimeout(0)
    filler:connect("127.0.0.1", port)
    sockets[#sockets + 1] = filler
    -- Connecting over loopback is over at once, unless the queue is full.
    local _, writable = socket.select(nil, { filler }, 0)
    if not writable[1] then
      return hold(sockets)
    end
  end
  error("this system's listen queue does not fill up")
end

return M
