--- HTTP/2 as the fault server speaks it: frames by hand. Request headers are passed over, so
--- recorded requests have a body and a stream number, but no path.

local cqueues = require("cqueues")

local DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION =
  0, 1, 3, 4, 6, 7, 8, 9
local END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
local MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
local WINDOW = 1073741824
local FRAME = 16384
local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

local M = {}

M.codes = {
  NO_ERROR = 0,
  PROTOCOL_ERROR = 1,
  INTERNAL_ERROR = 2,
  REFUSED_STREAM = 7,
  CANCEL = 8,
  ENHANCE_YOUR_CALM = 11,
  HTTP_1_1_REQUIRED = 13,
}

local function bytes(value, width)
  local out = ""
  for _ = 1, width do
    out = string.char(value % 256) .. out
    value = math.floor(value / 256)
  end
  return out
end

local function number(text)
  local value = 0
  for i = 1, #text do
    value = value * 256 + text:byte(i)
  end
  return value
end

local function has(flags, flag)
  return flags % (2 * flag) >= flag
end

local function frame(kind, flags, stream, payload)
  return bytes(#payload, 3) .. bytes(kind, 1) .. bytes(flags, 1) .. bytes(stream, 4) .. payload
end

-- HPACK: a string as it is, its length with a prefix of 7 bits.
local function text(value)
  local length = #value
  if length < 127 then
    return string.char(length) .. value
  end
  local out = string.char(127)
  length = length - 127
  while length >= 128 do
    out = out .. string.char(length % 128 + 128)
    length = math.floor(length / 128)
  end
  return out .. string.char(length) .. value
end

-- HPACK: literals without indexing; entry 8 of the static table is ":status", 0x88 says 200.
local function header_block(status, headers)
  local out = { status == 200 and "\136" or "\8" .. text(("%d"):format(status)) }
  for _, pair in ipairs(headers) do
    out[#out + 1] = "\0" .. text(pair[1]:lower()) .. text(pair[2])
  end
  return table.concat(out)
end

--- The methods of http1.lua's Exchange, for one stream.
---@class spec.Stream : spec.Exchange
---@field id integer
local Stream = {}
Stream.__index = Stream

local function send(self, ...)
  return self.connection:send(frame(...))
end

function Stream:reply(status, body, headers, kind)
  local all = { { "content-type", kind or "application/json;charset=UTF-8" } }
  for _, pair in ipairs(headers or {}) do
    all[#all + 1] = pair
  end
  local frames = { frame(HEADERS, END_HEADERS, self.id, header_block(status, all)) }
  for from = 1, #body, FRAME do
    frames[#frames + 1] = frame(DATA, 0, self.id, body:sub(from, from + FRAME - 1))
  end
  frames[#frames + 1] = frame(DATA, END_STREAM, self.id, "")
  return self.connection:send(table.concat(frames))
end

function Stream:half_head()
  local whole = frame(HEADERS, END_HEADERS, self.id, header_block(200, {}) .. ("\0"):rep(99))
  return self.connection:send(whole:sub(1, 12))
end

function Stream:half_body(body)
  send(self, HEADERS, END_HEADERS, self.id, header_block(200, {}))
  return send(self, DATA, 0, self.id, body:sub(1, math.floor(#body / 2)))
end

---@param code string|nil a key of `codes`; nil: as if nothing were missing
function Stream:break_off(code)
  return code and self:reset_stream(code) or send(self, DATA, END_STREAM, self.id, "")
end

-- The session's coroutine reads from the connection: it is the one to end it.
function Stream:finish(how)
  self.connection:doom(how)
end

-- The session goes on with the other streams.
function Stream.ignore() end

---@param code string a key of `codes`
function Stream:reset_stream(code)
  return send(self, RST_STREAM, 0, self.id, bytes(M.codes[code], 4))
end

function Stream:limit_streams(most)
  return send(self, SETTINGS, 0, 0, bytes(MAX_CONCURRENT_STREAMS, 2) .. bytes(most, 4))
end

---@param last integer last stream that the server says it has processed or will process
---@param code string|nil a key of `codes`
function Stream:goaway(last, code)
  return send(
    self,
    GOAWAY,
    0,
    0,
    bytes(math.max(last, 0), 4) .. bytes(M.codes[code or "NO_ERROR"], 4)
  )
end

local function begin(session, id)
  local server = session.server
  server:count("heads", 1)
  local drawn = session.drawn or server:draw("h2")
  session.drawn = nil
  local stream = setmetatable({
    id = id,
    connection = session.connection,
    server = server,
    request = {
      http = "2",
      stream = id,
      headers = {},
      behaviour = drawn.row.name,
      connection = session.connection.number,
    },
    parts = {},
    drawn = drawn,
  }, Stream)
  session.streams[id] = stream
  return stream
end

-- Each behaviour has a coroutine of its own: one that stays silent holds nobody up.
local function act(session, stream)
  session.streams[stream.id] = nil
  cqueues.running():wrap(function()
    stream.drawn.row.run(stream, stream.drawn.args)
  end)
end

local function finish_request(session, stream)
  session.server:record(stream.request, table.concat(stream.parts))
  act(session, stream)
end

local function without_padding(flags, payload)
  if has(flags, PADDED) then
    return payload:sub(2, #payload - payload:byte(1))
  end
  return payload
end

local ON = {}

ON[HEADERS] = function(session, flags, id)
  session.expecting = not has(flags, END_HEADERS) and { id = id, flags = flags } or nil
  if session.expecting then
    return
  end
  local stream = session.streams[id]
  if not stream then
    if id <= session.last then
      return -- trailers of a request whose behaviour did not wait for them
    end
    session.last = id
    stream = begin(session, id)
    local at = stream.drawn.row.at
    if at == "start" or at == "bytes" then
      -- Here, not in a coroutine: nothing more is read before it is over.
      return stream.drawn.row.run(stream, stream.drawn.args)
    elseif at == "head" then
      return act(session, stream)
    end
  end
  if has(flags, END_STREAM) then
    finish_request(session, stream)
  end
end

ON[CONTINUATION] = function(session, flags)
  local first = session.expecting
  if first and has(flags, END_HEADERS) then
    ON[HEADERS](session, first.flags + END_HEADERS, first.id)
  end
end

ON[DATA] = function(session, flags, id, payload)
  local stream = session.streams[id]
  if stream then
    stream.parts[#stream.parts + 1] = without_padding(flags, payload)
    if has(flags, END_STREAM) then
      finish_request(session, stream)
    end
  end
end

ON[RST_STREAM] = function(session, _, id)
  session.server:count("cancelled", 1)
  session.streams[id] = nil
end

ON[SETTINGS] = function(session, flags)
  if not has(flags, ACK) then
    session.connection:send(frame(SETTINGS, ACK, 0, ""))
  end
end

ON[PING] = function(session, flags, _, payload)
  if not has(flags, ACK) then
    session.connection:send(frame(PING, ACK, 0, payload))
  end
end

--- Serves a connection until its end.
---@param connection spec.Connection
---@param server spec.Service
---@param drawn table the behaviour drawn for the first request
function M.serve(connection, server, drawn)
  local session =
    { connection = connection, server = server, drawn = drawn, streams = {}, last = 0 }
  local early = setmetatable({ id = 0, connection = connection, server = server }, Stream)
  if drawn.row.at == "start" then
    drawn.row.run(early, drawn.args)
    return connection:finish()
  end
  if connection:take(#PREFACE) ~= PREFACE then
    server:give_back(drawn)
    return connection:finish()
  end
  local streams = bytes(MAX_CONCURRENT_STREAMS, 2) .. bytes(server.options.max_streams or 128, 4)
  local window = bytes(INITIAL_WINDOW_SIZE, 2) .. bytes(WINDOW, 4)
  connection:send(
    frame(SETTINGS, 0, 0, streams .. window) .. frame(WINDOW_UPDATE, 0, 0, bytes(WINDOW, 4))
  )
  while connection.open and not connection.how do
    local head = connection:take(9)
    local length = head and number(head:sub(1, 3))
    local payload = head and connection:take(length)
    if not payload then
      break
    end
    local handler = ON[head:byte(4)]
    if handler then
      handler(session, head:byte(5), number(head:sub(6)), payload)
    end
  end
  if session.drawn then
    server:give_back(drawn)
  end
  connection:finish()
end

return M
