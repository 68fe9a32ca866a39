--- A server for specs about transport faults, in a process of its own.
---
---     local server = require("spec.support.server").start({ tls = true })
---     server:script({ "ok", "close_after_body", { "throttled_seconds", seconds = 2 } })
---     … talk to server.url …
---     server:wait_for(2)
---     assert.equal(2, server:stats().processed)
---     server:stop()
---
--- Each request takes the next behaviour of the script (behaviours.lua), and the default once
--- the script is used up. A fresh connection takes its first at once, because some behaviours
--- act before a request is read, and gives it back if it ends without a byte; a kept connection
--- takes one when the next request begins to come.

local certs = require("spec.support.certs")
local process = require("spec.support.process")

local M = {}

---@class spec.Server
---@field port integer
---@field url string "http://127.0.0.1:port" or "https://…"
---@field ca_file string|nil what a client is to trust
---@field certs table<string, string>|nil all certificates, see certs.lua
local Server = {}
Server.__index = Server

---@class spec.ServerOptions
---@field tls boolean|string|nil true, or the name of a context in tls.lua ("expired", …)
---@field http2 boolean|nil offer h2 beside http/1.1; asks for TLS
---@field http1_at integer|nil but on the first, second, … connection
---@field max_streams integer|nil concurrent streams of an HTTP/2 connection (128)

--- Starts a process that is a service (service.lua).
---@param role string
---@param options table with `tls` and `certs`
---@return spec.Server
function M.launch(role, options)
  local child, answer = process.start(role, options)
  return setmetatable({
    process = child,
    port = answer.port,
    url = ("%s://127.0.0.1:%d"):format(options.tls and "https" or "http", answer.port),
    ca_file = options.certs and options.certs.ca,
    certs = options.certs,
  }, Server)
end

---@param options spec.ServerOptions|nil
---@return spec.Server
function M.start(options)
  options = options or {}
  local tls = options.tls or options.http2
  return M.launch("fault_server", {
    tls = tls and (type(options.tls) == "string" and options.tls or "good") or nil,
    http2 = options.http2,
    http1_at = options.http1_at,
    max_streams = options.max_streams,
    certs = tls and certs.shared() or nil,
  })
end

--- What the next requests get, in their order: names of behaviours, or tables of a name and its
--- arguments. Replaces what was left of the last script.
---@param list (string|table)[]
---@param default string|table|nil what all further requests get ("ok")
function Server:script(list, default)
  local answer = self.process:ask("script", list, default or "ok")
  if answer then
    error("no such behaviour: " .. tostring(answer.unknown), 2)
  end
end

--- What every request gets from now on.
---@param name string
---@param args table|nil
function Server:behave(name, args)
  local entry = { name }
  for key, value in pairs(args or {}) do
    entry[key] = value
  end
  self:script({}, entry)
end

--- Forgets counters, requests and script; connections stay.
function Server:reset()
  self.process:ask("reset")
end

---@class spec.Stats
---@field connections integer accepted
---@field tls_handshakes integer finished
---@field bytes integer read of requests, after decryption
---@field heads integer requests whose head was read
---@field processed integer requests that were read to their end and recorded
---@field cancelled integer RST_STREAM frames of the client
---@field ended integer connections whose server has sent FIN
---@field closed integer connections that have ended on both sides
---@field unasked integer times that something was sent without a request
---@field waiting integer requests that wait for `release`
---@field requests table[] the processed ones: method, path, http, headers (lower-case names), head,
---  body (nil beyond 64 KiB), body_length, connection (a number), stream (HTTP/2), behaviour, index;
---  HTTP/2 requests have no method, path, headers or head

---@return spec.Stats
function Server:stats()
  return self.process:ask("stats")
end

--- Blocks until a counter of the stats has come to n; raises if it does not within a minute.
---@param n integer
---@param what string|nil name of the counter ("processed")
function Server:wait_for(n, what)
  what = what or "processed"
  local value = self.process:ask("wait_for", what, n, 60)
  if value < n then
    error(("waited for %s to come to %d, it is %d"):format(what, n, value), 2)
  end
end

--- Lets requests go on that wait for it (behaviours `ok_on_release` and `ok_then_reset`).
function Server:release()
  self.process:ask("release")
end

--- Ends all connections now, each once what is in its server's hands is done.
---@param how "close"|"reset" FIN or RST
function Server:drop(how)
  self.process:ask("drop", how)
end

--- Ends the process. Stopping twice is fine.
function Server:stop()
  self.process:stop()
end

return M
