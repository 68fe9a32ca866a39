--- The process behind gate.lua.

local condition = require("cqueues.condition")
local cqueues = require("cqueues")
local service = require("spec.support.service")
local socket = require("cqueues.socket")

local M = {}

local NOWHERE = {
  write = function()
    return true
  end,
}

--- Copies what `from` sends to `to`, at most `limit` bytes. Answers whether the limit was met.
local function copy(from, to, limit)
  local copied = 0
  while copied < limit do
    local bytes = from:read(-math.min(16384, limit - copied))
    if not bytes or not to:write(bytes) then
      return false
    end
    copied = copied + #bytes
  end
  return true
end

--- Relays both ways until one side ends or a limit is met; `hangs`: then nothing more moves, but
--- the connections stay until the client has had enough.
local function relay(gate, connection, limits, hangs, how)
  local front = connection.socket
  local behind = socket.connect { host = "127.0.0.1", port = gate.options.port, nodelay = true }
  behind:setmode("b", "bn")
  behind:onerror(function(_, _, code)
    return code
  end)
  local moving, over = 2, condition.new()
  local function move(from, to, limit)
    if copy(from, to, limit) and hangs then
      copy(front, NOWHERE, math.huge)
    end
    -- Not closed yet: the other direction still waits on these sockets.
    behind:shutdown "rw"
    front:shutdown "r"
    moving = moving - 1
    over:signal()
  end
  cqueues.running():wrap(function()
    move(front, behind, limits.request or math.huge)
  end)
  cqueues.running():wrap(function()
    move(behind, front, limits.answer or math.huge)
  end)
  while moving > 0 do
    over:wait()
  end
  behind:close()
  connection[how](connection)
end

-- What the gate can do, by name; see gate.lua.
local BEHAVIOURS = {
  relay = function(gate, connection)
    relay(gate, connection, {}, false, "close")
  end,
}

for _, part in ipairs { "request", "answer" } do
  BEHAVIOURS["cut_" .. part] = function(gate, connection, args)
    relay(gate, connection, { [part] = args.bytes }, false, args.how or "close")
  end
  BEHAVIOURS["hang_" .. part] = function(gate, connection, args)
    relay(gate, connection, { [part] = args.bytes }, true, "close")
  end
end

function M.start(options, failures)
  local by_name = {}
  for name, run in pairs(BEHAVIOURS) do
    by_name[name] = { name = name, run = run }
  end
  by_name.ok = by_name.relay
  local gate = service.new(by_name, options, failures)
  local port = gate:listen(function(connection, drawn)
    drawn.row.run(gate, connection, drawn.args)
  end, true)
  return gate, { port = port }
end

return M
