--- The server process behind server.lua: listens, draws a behaviour for each request, counts.

local behaviours = require("spec.support.behaviours")
local condition = require("cqueues.condition")
local cqueues = require("cqueues")
local http1 = require("spec.support.http1")
local http2 = require("spec.support.http2")
local socket = require("cqueues.socket")
local transport = require("spec.support.transport")

local BODY_KEPT = 65536 -- longest body that a record keeps

local M = {}

local server = {}
local failures

local function fresh_counters()
  return {
    connections = 0,
    tls_handshakes = 0,
    bytes = 0, -- read, after decryption
    heads = 0, -- requests whose head was read
    processed = 0, -- requests read to their end
    cancelled = 0, -- RST_STREAM from the client
    closed = 0, -- connections that have ended, on whichever side
    drawn = 0, -- behaviours taken from the script, or the default one
  }
end

local function fail(message)
  failures[#failures + 1] = message
end

function server:count(what, n)
  self.counters[what] = self.counters[what] + n
  self.changed:signal()
end

--- Notes a complete request.
function server:record(request, body)
  request.index = #self.requests + 1
  request.body_length = #body
  request.body = #body <= BODY_KEPT and body or nil
  self.requests[request.index] = request
  self:count("processed", 1)
end

--- The behaviour for the next request.
---@param reused "h1"|"h2"|nil the connection is not fresh, and speaks this
function server:draw(reused)
  self:count("drawn", 1)
  local drawn = table.remove(self.script, 1) or self.default
  local row = drawn.row
  if reused and (row.at == "accept" or row.over and row.over ~= reused) then
    fail(("behaviour %s drawn on a connection in use (%s)"):format(row.name, reused))
    drawn = { row = behaviours.by_name.reset_on_bytes, args = {} }
  end
  return drawn
end

--- Takes back what was drawn for a connection that ended without a request.
function server:give_back(drawn)
  if drawn ~= self.default then
    table.insert(self.script, 1, drawn)
  end
  self:count("drawn", -1)
end

function server:wait_release()
  self.waiting = self.waiting + 1
  self.changed:signal()
  local turn = self.released_until
  while self.released_until == turn do
    self.release:wait()
  end
end

-- Contexts are made once each.
local function context(name)
  local tls = require("spec.support.tls")
  local protocols = server.options.http2 and { "h2", "http/1.1" } or { "http/1.1" }
  server.contexts[name] = server.contexts[name]
    or tls.context(name, server.options.certs, protocols)
  return server.contexts[name]
end

local function serve(connection)
  local drawn = server:draw()
  local row = drawn.row
  if row.at == "accept" and not row.context then
    local exchange = setmetatable({ connection = connection, server = server }, http1.Exchange)
    row.run(exchange, drawn.args)
    return connection:finish()
  end
  local version = "h1"
  if server.options.tls then
    if not connection:handshake(context(row.context or server.options.tls)) then
      if row.at ~= "accept" then
        server:give_back(drawn)
      end
      return connection:reset()
    end
    server:count("tls_handshakes", 1)
    version = connection.protocol == "h2" and "h2" or "h1"
  end
  if row.over and row.over ~= version then
    fail(("behaviour %s drawn on a connection that speaks %s"):format(row.name, version))
    return connection:reset()
  end
  local protocol = version == "h2" and http2 or http1
  protocol.serve(connection, server, drawn)
end

local function listen()
  local listener = socket.listen({ host = "127.0.0.1", port = 0 })
  assert(listener:listen())
  cqueues.running():wrap(function()
    while true do
      local accepted = listener:accept()
      if accepted then
        server:count("connections", 1)
        local connection = transport.wrap(accepted, server.counters.connections, function(what, n)
          server:count(what, n)
        end)
        server.connections[connection.number] = connection
        cqueues.running():wrap(function()
          serve(connection)
          server.connections[connection.number] = nil
        end)
      end
    end
  end)
  local _, _, port = listener:localname()
  return port
end

local function resolve(entry)
  if type(entry) == "string" then
    entry = { entry }
  end
  local row = behaviours.by_name[entry[1]]
  return row and { row = row, args = entry } or nil, entry[1]
end

function M.start(options, failed)
  failures = failed
  server.options = options
  server.contexts = {}
  server.connections = {}
  server.changed = condition.new()
  server.release = condition.new()
  server.released_until = 0
  M.reset()
  return { port = listen() }
end

function M.finish() end

function M.reset()
  server.counters = fresh_counters()
  server.requests = {}
  server.script = {}
  server.default = resolve("ok")
  server.waiting = 0
end

function M.script(list, default)
  local script = {}
  for i, entry in ipairs(list) do
    local drawn, name = resolve(entry)
    if not drawn then
      return { unknown = name }
    end
    script[i] = drawn
  end
  local drawn, name = resolve(default or "ok")
  if not drawn then
    return { unknown = name }
  end
  server.script = script
  server.default = drawn
end

function M.stats()
  local stats = { requests = server.requests, waiting = server.waiting }
  for what, n in pairs(server.counters) do
    stats[what] = n
  end
  return stats
end

function M.wait_for(what, n, seconds)
  local function value()
    return what == "waiting" and server.waiting or server.counters[what]
  end
  local limit = cqueues.monotime() + seconds
  while value() < n do
    local left = limit - cqueues.monotime()
    if left <= 0 then
      break
    end
    server.changed:wait(left)
  end
  return value()
end

function M.release()
  server.released_until = server.released_until + 1
  server.waiting = 0
  server.release:signal()
end

function M.drop(how)
  for _, connection in pairs(server.connections) do
    if connection.open then
      connection:doom(how)
    end
  end
end

return M
