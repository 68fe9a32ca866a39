--- The proxy process behind proxy.lua. Wherever a client wants to go, the proxy dials 127.0.0.1
--- at that port: names need no DNS, and nothing leaves the machine.

local cqueues = require("cqueues")
local http1 = require("spec.support.http1")
local mime = require("mime")
local service = require("spec.support.service")
local socket = require("cqueues.socket")
local transport = require("spec.support.transport")

local HEAD_LIMIT = 1048576

local M = {}

local function uncounted() end

local function dial(authority)
  local port = tonumber(authority:match(":(%d+)$")) or 80
  local upstream = socket.connect({ host = "127.0.0.1", port = port, nodelay = true })
  upstream:onerror(function(_, _, code)
    return code
  end)
  if not upstream:connect(5) then
    upstream:close()
    return nil
  end
  return transport.wrap(upstream, 0, uncounted)
end

-- Whether a server of TLS 1.2 has said this at the end of a handshake, and nothing more.
local function ends_handshake(bytes)
  local high, low = bytes:byte(10, 11) -- the length of what is behind ChangeCipherSpec
  return bytes:byte() == 20 and low and #bytes == 11 + high * 256 + low
end

-- Moves bytes until `from` ends, then ends `to` the same way. What is still read by somebody is
-- not closed, but told to end. `joins`: the end of a handshake goes with what comes next.
local function pump(from, to, joins)
  local bytes, why = from.buffer, nil
  while bytes do
    if joins and ends_handshake(bytes) then
      bytes = bytes .. (from:read_some() or "")
    end
    if bytes ~= "" and not to.socket:write(bytes) then
      return from:doom("reset")
    end
    bytes, why = from:read_some()
  end
  if why then
    to:doom("reset")
  elseif not to.how then
    to.socket:shutdown("w")
  end
end

local function tunnel(c, args)
  local upstream = dial(c.request.path)
  if not upstream then
    return c:reply(502, "")
  end
  c:send("HTTP/1.1 200 Connection established\r\n\r\n")
  local finished
  local loop = cqueues.running()
  local other = coroutine.create(function()
    pump(upstream, c.connection, args.joins)
    finished = true
    c.server.changed:signal()
  end)
  loop:attach(other)
  pump(c.connection, upstream)
  while not finished do
    c.server.changed:wait()
  end
  upstream:finish()
  c.connection:finish()
end

-- Hands a plain request on and its answer back. Answers without a length end the connection.
local function forward(c, body)
  local authority, path = c.request.path:match("^http://([^/]+)(.*)$")
  local upstream = authority and dial(authority)
  if not upstream then
    return c:reply(502, "")
  end
  local head = { ("%s %s HTTP/1.1\r\n"):format(c.request.method, path == "" and "/" or path) }
  for name, value in pairs(c.request.headers) do
    if not name:match("^proxy%-") then
      head[#head + 1] = name .. ": " .. value .. "\r\n"
    end
  end
  upstream:send(table.concat(head) .. "\r\n" .. body)
  local answer = upstream:take_until("\r\n\r\n", HEAD_LIMIT)
  local length = tonumber((answer or ""):match("\r\n[Cc]ontent%-[Ll]ength: *(%d+)"))
  if not length then
    c:send(answer or "")
    pump(upstream, c.connection)
    c.connection:finish()
  else
    local rest = upstream:take(length)
    c:send(answer .. (rest or upstream.buffer))
    if not rest then
      c:finish("close")
    end
  end
  upstream:reset()
end

local function authorized(options, request)
  if not options.user then
    return true
  end
  local expected = "Basic " .. mime.b64(options.user .. ":" .. options.password)
  return request.headers["proxy-authorization"] == expected
end

-- What the proxy can do, by name; see proxy.lua.
local BEHAVIOURS = {
  ok = function(c, args, body)
    if not authorized(c.server.options, c.request) then
      local challenge = { { "Proxy-Authenticate", 'Basic realm="spec"' } }
      return c:reply(407, "", challenge)
    end
    if c.request.method == "CONNECT" then
      return tunnel(c, args)
    end
    return forward(c, body)
  end,
  refuse = function(c, args)
    c:reply(args.status or 403, "<html>the proxy says no</html>", args.headers, "text/html")
  end,
  -- TLS wraps what one call sends into one record.
  answer_twice = function(c, args)
    c:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#args.body))
    c.server:wait_release() -- the head is read by then
    c:send(args.body .. args.bytes)
  end,
  -- A head, and the same piece over and over, until the client has had enough.
  flood = function(c, args)
    local more, sent = c:send(args.head), 0
    while more and sent < args.bytes do
      more = c:send(args.piece)
      sent = sent + #args.piece
    end
    c.server.counters.flooded = sent
    c:finish("close")
  end,
  hang = function(c)
    c:ignore()
  end,
  close = function(c)
    c:finish("close")
  end,
  reset = function(c)
    c:finish("reset")
  end,
  half_head = function(c)
    c:half_head()
    c:finish("close")
  end,
  established_then_close = function(c)
    c:send("HTTP/1.1 200 Connection established\r\n\r\n")
    c:finish("close")
  end,
}

local function serve_one(proxy, connection)
  local request = http1.read_head(connection)
  if not request then
    return
  end
  proxy:count("heads", 1)
  local body = ""
  if request.method ~= "CONNECT" then
    body = http1.read_body(connection, request)
    if not body then
      return
    end
  end
  local drawn = proxy:draw()
  request.behaviour = drawn.row.name
  proxy:record(request, body)
  local c = http1.exchange(connection, proxy)
  c.request = request
  drawn.row.run(c, drawn.args, body)
  return connection.open
end

local function serve(proxy, connection)
  if proxy.options.tls then
    if not connection:handshake(proxy:context(proxy.options.tls)) then
      return connection:close()
    end
    proxy:count("tls_handshakes", 1)
  end
  local more
  repeat
    more = serve_one(proxy, connection)
  until not more
  connection:finish()
end

function M.start(options, failures)
  local by_name = {}
  for name, run in pairs(BEHAVIOURS) do
    by_name[name] = { name = name, run = run }
  end
  local proxy = service.new(by_name, options, failures)
  local port = proxy:listen(function(connection)
    serve(proxy, connection)
  end, false)
  return proxy, { port = port }
end

return M
