--- Wakes what steps the clients of an nginx worker: nginx waits for its own sockets only, so a thread
--- of the core watches those of the clients and sends datagrams to one of nginx's, on loopback. One
--- thread, one socket and one light thread that listens serve all clients of a worker.
---
--- What is lost costs time, not more: who steps looks once a second, too. Where the system grants no
--- thread or socket, `join` answers nil, tells that once in the error log, and tries again a minute
--- later.
local core = require "codearts.build.core"

local M = {}

local MOST = 65535 -- ids have two bytes
local BYTES = 128 -- of a datagram
local LIFE = 60 -- seconds without a datagram after which the listener ends; nginx logs that
local BEAT = 20 -- seconds after which one is sent to keep it alive
local RETRY = 60 -- seconds after which a system that refused is asked again
local TRY = 0.2 -- seconds that a datagram may take on loopback, where it takes none

local waker
local connecting, listening, heard_at = false, false, 0
local tell, joined = {}, 0 -- id -> what to call when that client wants a step; how many
local told, refused_till = false, 0

local function refused(problem)
  refused_till = core.now() + RETRY
  if not told then
    told = true
    ngx.log(
      ngx.WARN,
      "codearts.build: nginx pauses between looks instead of being woken: ",
      problem
    )
  end
end

--- Runs as a light thread while somebody has joined.
local function listen(socket)
  while joined > 0 do
    local ids, problem = socket:receive(BYTES)
    if not ids then
      refused(problem)
      break
    end
    heard_at = core.now()
    for at = 1, #ids - 1, 2 do
      local high, low = ids:byte(at, at + 1)
      local wants_step = tell[high * 256 + low]
      if wants_step then
        wants_step()
      end
    end
  end
  listening = false
  socket:close()
end

--- A socket of nginx's that the thread sends to, both ways tried.
local function connect()
  local socket = ngx.socket.udp()
  socket:settimeout(TRY * 1000)
  local ok, problem = socket:setpeername("127.0.0.1", waker:port())
  if ok then
    ok, problem = socket:send(waker:nonce())
  end
  if ok then
    ok = waker:accept() and socket:receive(BYTES) == waker:nonce()
    problem = "datagrams on 127.0.0.1 get lost"
  end
  if ok then
    socket:settimeout(LIFE * 1000)
    return socket
  end
  socket:close()
  return nil, problem
end

local function start()
  local problem
  if not waker then
    waker, problem = core.waker()
  end
  local socket
  if waker then
    connecting = true
    socket, problem = connect()
    connecting = false
  end
  if not socket then
    return refused(problem)
  end
  listening, heard_at = true, core.now()
  ngx.thread.spawn(listen, socket)
end

local function free_id()
  for id = 1, MOST do
    if not tell[id] then
      return id
    end
  end
end

--- Takes part, until `leave`. To be called where a light thread may be spawned and go on.
---@param wants_step fun() called when the client that was armed with the id wants a step
---@return integer? id nil: this worker pauses
function M.join(wants_step)
  local may_listen = listening or (not connecting and core.now() >= refused_till)
  local id = may_listen and free_id()
  if not id then
    return nil
  end
  tell[id], joined = wants_step, joined + 1
  if not listening then
    start()
  end
  if listening then
    return id
  end
  tell[id], joined = nil, joined - 1
  return nil
end

--- Whether those who joined are still told; else nothing that was armed is, and they have to leave. To be called once a second
--- or so, for it keeps the listener alive.
---@return boolean
function M.keep()
  if listening and core.now() - heard_at > BEAT then
    heard_at = core.now()
    waker:poke()
  end
  return listening
end

--- Has the next thing that happens to the client's connections told.
---@param id integer of `join`
---@param client codearts.build.Client
---@return boolean armed
function M.arm(id, client)
  return listening and waker:arm(client.core, id)
end

--- To be called before the client is closed.
---@param client codearts.build.Client
function M.disarm(client)
  if waker then
    waker:disarm(client.core)
  end
end

---@param id integer of `join`
function M.leave(id)
  tell[id], joined = nil, joined - 1
  if joined == 0 and listening then
    waker:poke() -- the listener looks, and ends
  end
end

return M
