--- What every server process has: a listener, a script of behaviours, counters, records, and the
--- operations by which a spec asks for them.

local condition = require("cqueues.condition")
local cqueues = require("cqueues")
local socket = require("cqueues.socket")
local transport = require("spec.support.transport")

local BODY_KEPT = 65536 -- longest body that a record keeps

---@class spec.Service
---@field options table
local Service = {}
Service.__index = Service

local M = {}

---@param by_name table<string, table> the behaviours, by name
---@param options table from the spec
---@param failures string[] what went wrong here; the spec's next question raises it
---@return spec.Service
function M.new(by_name, options, failures)
  local self = setmetatable({
    by_name = by_name,
    options = options,
    failures = failures,
    contexts = {},
    connections = {},
    changed = condition.new(),
    released = condition.new(),
    turn = 0,
  }, Service)
  self:reset()
  return self
end

function Service:reset()
  self.counters = {
    connections = 0,
    tls_handshakes = 0,
    bytes = 0,
    heads = 0,
    processed = 0,
    cancelled = 0,
    ended = 0,
    closed = 0,
    unasked = 0,
    drawn = 0,
    waiting = 0,
    let_go = 0,
  }
  self.requests = {}
  self.lines = {}
  self.default = { row = self.by_name.ok, args = {} }
end

function Service:fail(message)
  self.failures[#self.failures + 1] = message
end

function Service:count(what, n)
  self.counters[what] = self.counters[what] + n
  self.changed:signal()
end

--- Notes a complete request.
function Service:record(request, body)
  request.index = #self.requests + 1
  request.body_length = #body
  request.body = #body <= BODY_KEPT and body or nil
  self.requests[request.index] = request
  self:count("processed", 1)
end

--- The behaviour for the next request.
---@param in_use "h1"|"h2"|nil what the connection speaks, if it is not fresh
---@return table drawn { row =, args = }
function Service:draw(in_use)
  self:count("drawn", 1)
  local drawn = table.remove(self.lines, 1) or self.default
  local row = drawn.row
  if in_use and (row.at == "accept" or row.over and row.over ~= in_use) then
    self:fail(("behaviour %s drawn on a connection in use (%s)"):format(row.name, in_use))
    drawn = { row = self.by_name.reset_on_bytes, args = {} }
  end
  return drawn
end

--- Takes back what was drawn for a connection that ended without a request.
function Service:give_back(drawn)
  if drawn ~= self.default then
    table.insert(self.lines, 1, drawn)
  end
  self:count("drawn", -1)
end

function Service:wait_release()
  self:count("waiting", 1)
  local turn = self.turn
  while self.turn == turn do
    self.released:wait()
  end
end

--- A TLS context of tls.lua; each is made once.
function Service:context(name)
  if not self.contexts[name] then
    local protocols = self.options.http2 and { "h2", "http/1.1" } or { "http/1.1" }
    self.contexts[name] = require("spec.support.tls").context(name, self.options.certs, protocols)
  end
  return self.contexts[name]
end

--- Listens on loopback and serves each connection in a coroutine.
---@param serve function(connection, drawn)
---@param draw boolean draw a behaviour for each connection; here, because coroutines may begin in
---  another order than connections came
---@return integer port
function Service:listen(serve, draw)
  local listener = socket.listen({ host = "127.0.0.1", port = 0, nodelay = true })
  assert(listener:listen())
  self.listener = listener
  cqueues.running():wrap(function()
    while true do
      local accepted = listener:accept({ nodelay = true })
      if accepted then
        self:count("connections", 1)
        local number = self.counters.connections
        local counters = self.counters
        local connection = transport.wrap(accepted, number, function(what, n)
          -- The end of a connection of the spec's last test is not an event of this one.
          if (what ~= "closed" and what ~= "ended") or counters == self.counters then
            self:count(what, n)
          end
        end)
        self.connections[connection] = true
        local drawn = draw and self:draw() or nil
        cqueues.running():wrap(function()
          serve(connection, drawn)
          self.connections[connection] = nil
        end)
      end
    end
  end)
  local _, _, port = listener:localname()
  return port
end

-- Operations --------------------------------------------------------------------------------------

local function resolve(self, entry)
  local row = self.by_name[entry[1] or entry]
  return row and { row = row, args = type(entry) == "table" and entry or {} }
end

function Service:script(list, default)
  local lines = {}
  for i, entry in ipairs(list) do
    lines[i] = resolve(self, entry)
    if not lines[i] then
      return { unknown = entry[1] or entry }
    end
  end
  local fallback = resolve(self, default)
  if not fallback then
    return { unknown = default[1] or default }
  end
  self.lines = lines
  self.default = fallback
end

function Service:stats()
  local stats = { requests = self.requests }
  for what, n in pairs(self.counters) do
    stats[what] = n
  end
  return stats
end

function Service:wait_for(what, n, seconds)
  local limit = cqueues.monotime() + seconds
  while self.counters[what] < n do
    local left = limit - cqueues.monotime()
    if left <= 0 then
      break
    end
    self.changed:wait(left)
  end
  return self.counters[what]
end

function Service:release()
  self.turn = self.turn + 1
  self.counters.waiting = 0
  self.released:signal()
end

function Service:drop(how)
  for connection in pairs(self.connections) do
    if connection.open then
      connection:doom(how)
    end
  end
end

--- Nobody gets in any more, not even in the moment that the process takes to end.
function Service:finish()
  self.listener:close()
end

return M
