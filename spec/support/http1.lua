--- HTTP/1.x as the fault server speaks it: reads requests, hands each to its behaviour.

local REASONS = {
  [100] = "Continue",
  [200] = "OK",
  [204] = "No Content",
  [301] = "Moved Permanently",
  [302] = "Found",
  [307] = "Temporary Redirect",
  [308] = "Permanent Redirect",
  [400] = "Bad Request",
  [401] = "Unauthorized",
  [403] = "Forbidden",
  [404] = "Not Found",
  [429] = "Too Many Requests",
  [500] = "Internal Server Error",
  [502] = "Bad Gateway",
  [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
}
local HEAD_LIMIT = 1048576

local M = {}

--- What a behaviour acts on: one request over one connection. http2.lua has the same methods,
--- but for `send`.
---@class spec.Exchange
---@field request table|nil what was read of the request
---@field connection spec.Connection
local Exchange = {}
Exchange.__index = Exchange

local function head_of(status, headers)
  local lines = { ("HTTP/1.1 %d %s\r\n"):format(status, REASONS[status] or "Unknown") }
  for _, pair in ipairs(headers) do
    lines[#lines + 1] = pair[1] .. ": " .. pair[2] .. "\r\n"
  end
  return table.concat(lines) .. "\r\n"
end

---@param connection spec.Connection
---@param server spec.Service
---@return spec.Exchange
function M.exchange(connection, server)
  return setmetatable({ connection = connection, server = server }, Exchange)
end

--- Sends bytes as they are.
function Exchange:send(bytes)
  return self.connection:send(bytes)
end

--- Ends the connection.
---@param how "close"|"reset" FIN or RST
function Exchange:finish(how)
  self.connection[how](self.connection)
end

--- Stays silent and takes everything in until the client is gone.
function Exchange:ignore()
  self.connection:ignore()
end

--- A whole answer in one write.
---@param status integer
---@param body string
---@param headers string[][]|nil { name, value } pairs beside Content-Type and Content-Length
---@param kind string|nil media type
function Exchange:reply(status, body, headers, kind)
  local all = {
    { "Content-Type", kind or "application/json;charset=UTF-8" },
    { "Content-Length", ("%d"):format(#body) },
  }
  for _, pair in ipairs(headers or {}) do
    all[#all + 1] = pair
  end
  return self:send(head_of(status, all) .. body)
end

--- The first half of an answer's head.
function Exchange:half_head()
  return self:send("HTTP/1.1 200 OK\r\nContent-Type: applica")
end

--- The whole head of an answer, and the first half of its body.
function Exchange:half_body(body)
  local head = head_of(200, { { "Content-Length", ("%d"):format(#body) } })
  return self:send(head .. body:sub(1, math.floor(#body / 2)))
end

--- What half_body has begun is not carried on.
function Exchange:break_off()
  self:finish("close")
end

local function read_headers(head)
  local headers, count = {}, 0
  for name, value in head:gmatch("\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    local key = name:lower()
    headers[key] = headers[key] and headers[key] .. ", " .. value or value
    count = count + 1
  end
  return headers, count
end

---@param connection spec.Connection
---@return table|nil request without its body
function M.read_head(connection)
  local head = connection:take_until("\r\n\r\n", HEAD_LIMIT)
  local method, target, version = (head or ""):match("^(%S+) (%S+) HTTP/(%d%.%d)\r\n")
  if not method then
    return nil
  end
  local headers, count = read_headers(head)
  return {
    method = method,
    path = target,
    http = version,
    headers = headers,
    header_count = count,
    head = head,
    connection = connection.number,
  }
end

local function read_chunks(connection)
  local parts = {}
  while true do
    local line = connection:take_until("\r\n", HEAD_LIMIT)
    local length = tonumber((line or ""):match("^%x+") or "", 16)
    local chunk = length and connection:take(length + 2)
    if not chunk then
      return nil
    elseif length == 0 then
      return table.concat(parts)
    end
    parts[#parts + 1] = chunk:sub(1, -3)
  end
end

---@param connection spec.Connection
---@param request table of read_head
---@return string|nil body nil if the connection ended before
function M.read_body(connection, request)
  if (request.headers["expect"] or ""):lower() == "100-continue" then
    connection:send(head_of(100, {}))
  end
  if (request.headers["transfer-encoding"] or ""):lower() == "chunked" then
    return read_chunks(connection)
  end
  return connection:take(tonumber(request.headers["content-length"]) or 0)
end

-- One request. True: the connection is good for another.
local function serve_one(connection, server, drawn)
  local self = M.exchange(connection, server)
  local row = drawn.row
  local function act()
    row.run(self, drawn.args)
  end
  if row.at == "start" then
    return act()
  end
  if connection.buffer == "" and not connection:fill() then
    server:give_back(drawn)
    return
  end
  if row.at == "bytes" then
    return act()
  end
  self.request = M.read_head(connection)
  if not self.request then
    return
  end
  server:count("heads", 1)
  self.request.behaviour = row.name
  if row.at == "head" then
    return act()
  end
  local body = M.read_body(connection, self.request)
  if not body then
    return
  end
  server:record(self.request, body)
  act()
  local asked = (self.request.headers["connection"] or ""):lower()
  return asked ~= "close" and self.request.http ~= "1.0"
end

--- Serves a connection until its end.
---@param connection spec.Connection
---@param server spec.Service
---@param drawn table the behaviour drawn for the first request
function M.serve(connection, server, drawn)
  while serve_one(connection, server, drawn) and connection.open do
    -- The next behaviour belongs to whatever request comes first, on this connection or another.
    if connection.buffer == "" and not connection:fill() then
      break
    end
    drawn = server:draw("h1")
  end
  connection:finish()
end

return M
