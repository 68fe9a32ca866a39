--- What the fault server can do with a request: one row each.
---
--- A row acts at one moment:
---   accept  before the TLS handshake
---   start   before anything is read; on a reused connection when the first bytes come
---   bytes   when the first bytes have come, before they are looked at
---   head    when the head of the request is read, its body is not
---   body    when the request is read to its end and recorded; only then does it count as processed
--- It gets an exchange (http1.lua, http2.lua) and the arguments that the script gives beside its
--- name. `over` is there if it can act over one protocol version only.

local clock = require("codearts.build.sandbox.clock")
local cqueues = require("cqueues")
local list = require("spec.support.behaviours.list")

local FLOOD = 67108864 -- bytes after which a server without shame stops

local RESULT, failure = list.RESULT, list.failure
local rows, row, answer = list.new()

-- Sends a piece again and again until the client is gone or had enough.
local function flood(c, piece)
  local sent = 0
  while sent < FLOOD and c:send(piece) do
    sent = sent + #piece
  end
  c:finish("reset")
end

local function gzip(source)
  local pipe = assert(io.popen(source .. " | gzip -c", "r"))
  local bytes = pipe:read("*a")
  pipe:close()
  return bytes
end

-- Answers ---------------------------------------------------------------------------------------

answer("ok", "200 with the three members", 200, RESULT)
answer("answer", "whatever the arguments say: status, body, headers, kind", 200, "")

row(
  "by_path",
  "body",
  "what the first of `rows` answers whose pattern the path has; without a body nothing",
  function(c, args)
    for _, item in ipairs(args.rows or {}) do
      if c.request.path:find(item.path) then
        if not item.body then
          return c:ignore()
        end
        return c:reply(item.status or 200, item.body, item.headers)
      end
    end
    c:reply(404, failure("CB.1", "no"))
  end
)

row(
  "history",
  "body",
  "what the service of the argument `history` shows (history.lua); `last`: on this connection",
  function(c, args)
    local histories = require("spec.support.history")
    local operation, asked = histories.route(c.request.path)
    local body, status, date, age = histories.answer(args.history, operation, asked)
    local headers = { date and { "Date", clock.http(date) } or nil }
    headers[#headers + 1] = age and { "Age", tostring(age) } or nil
    headers[#headers + 1] = args.last and { "Connection", "close" } or nil
    c:reply(status, body and require("cjson").encode(body) or failure("CB.1", "no"), headers)
  end
)

row("ok_then_close", "body", "a good answer, then FIN: the kept connection is stale", function(c)
  c:reply(200, RESULT)
  c:finish("close")
end)

row("ok_then_reset", "body", "a good answer and, once it is read, RST", function(c)
  c:reply(200, RESULT)
  c.server:wait_release()
  c:finish("reset")
end)

-- TLS wraps what one call sends into one record.
row(
  "answer_twice",
  "body",
  "a good answer, whose body comes with the answer of `bytes` behind it",
  function(c, args)
    c:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#RESULT))
    if args.bytes then
      c.server:wait_release() -- the head is read by then
      c.server:count("unasked", 1)
    end
    c:send(RESULT .. (args.bytes or ""))
    c:ignore()
  end,
  "h1"
)

row(
  "send_on_release",
  "body",
  "a good answer, then `bytes`, then FIN unless `keep`",
  function(c, args)
    c:reply(200, RESULT)
    c.server:wait_release() -- once it is read
    c:send(args.bytes)
    if args.keep then
      c.server:count("unasked", 1)
      c:ignore()
    else
      c:finish("close")
    end
  end,
  "h1"
)

row("answer_unasked", "start", "`bytes`, before anything is read", function(c, args)
  c:send(args.bytes)
  c:ignore()
end, "h1")

row(
  "goodbye_on_release",
  "body",
  "a good answer, then the goodbye of TLS, then FIN unless `keep`",
  function(c, args)
    c:reply(200, RESULT)
    c.server:wait_release()
    c.connection:goodbye()
    if args.keep then
      c.server:count("unasked", 1)
      c:ignore()
    else
      c:finish("close")
    end
  end,
  "h1"
)

row(
  "asks_afterwards",
  "body",
  "over TLS 1.3 asks for a certificate once the request is read, and ends when there is none",
  function(c)
    if c.connection.protocol then
      c.connection:ask()
    end
    c:ignore()
  end,
  "h1"
)

row(
  "ok_on_release",
  "body",
  "a good answer, or that of the arguments, when the spec has released it `times`",
  function(c, args)
    for _ = 1, args.times or 1 do
      c.server:wait_release()
    end
    c:reply(args.status or 200, args.body or RESULT, args.headers)
    c.server:count("let_go", 1)
  end
)

row(
  "raw",
  "body",
  "the argument `bytes`, then FIN (over TLS after a goodbye where there is `goodbye`), or with `keep` nothing more",
  function(c, args)
    c:send(args.bytes)
    if args.goodbye then
      c.connection:goodbye()
    end
    if not args.keep then
      c:finish("close")
    end
  end,
  "h1"
)

-- The connection ends ---------------------------------------------------------------------------

local MOMENTS = {
  { "before_reading", "start", "before anything is read" },
  {
    "on_bytes",
    "bytes",
    "when the first bytes of a request come: the race with a stale connection",
  },
  { "after_head", "head", "when the head is read and the body is not" },
  { "after_body", "body", "when the request is processed, without an answer" },
}

for _, how in ipairs({ "close", "reset" }) do
  for _, moment in ipairs(MOMENTS) do
    row(how .. "_" .. moment[1], moment[2], how .. " " .. moment[3], function(c)
      c:finish(how)
    end)
  end
  row(how .. "_in_head", "body", how .. " in the middle of the answer's head", function(c)
    c:half_head()
    c:finish(how)
  end)
  row(how .. "_in_body", "body", how .. " in the middle of the answer's body", function(c)
    c:half_body(RESULT)
    c:finish(how)
  end)
end

for _, how in ipairs({ "close", "reset" }) do
  row(how .. "_within_body", "head", how .. " when half of the request's body is read", function(c)
    c.connection:take(math.floor(tonumber(c.request.headers["content-length"]) / 2))
    c:finish(how)
  end, "h1")
end

row("early_refusal", "head", "413 before the body is read, then FIN", function(c)
  c:reply(413, failure("APIGW.0201", "request entity too large"))
  c:finish("close")
end, "h1")

-- Silence and slowness --------------------------------------------------------------------------

row("never_read", "start", "accepts and never reads", function(c)
  c.connection:freeze()
end)

row("never_answer", "body", "processes and never answers", function(c)
  c:ignore()
end)

row("stall_in_body", "body", "half of the answer's body, then silence", function(c)
  c:half_body(RESULT)
  c:ignore()
end)

row(
  "broken_off",
  "body",
  "half of `body`, then over HTTP/2 its end, or RST_STREAM with `code`, and FIN over HTTP/1.1",
  function(c, args)
    c:half_body(args.body or RESULT)
    c:break_off(args.code)
  end
)

row("slow", "body", "one byte of `body` each `interval` seconds (1)", function(c, args)
  local body = args.body or RESULT
  local whole = ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)
  for i = 1, #whole do
    if not c:send(whole:sub(i, i)) then
      return c:finish("close")
    end
    cqueues.sleep(args.interval or 1)
  end
end, "h1")

-- Framing ---------------------------------------------------------------------------------------

-- An answer by its bytes. `finish` ends the connection, without it the connection goes on.
local function bytes(name, about, text, finish)
  row(name, "body", about, function(c)
    c:send(text)
    if finish then
      c:finish(finish)
    end
  end, "h1")
end

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
local CHUNKED = HEAD .. "Transfer-Encoding: chunked\r\n\r\n"
local FIRST, REST = RESULT:sub(1, 16), RESULT:sub(17)

local function chunk(text)
  return ("%x\r\n%s\r\n"):format(#text, text)
end

bytes(
  "truncated",
  "Content-Length is larger than what comes before FIN",
  HEAD .. ("Content-Length: %d\r\n\r\n"):format(#RESULT + 10) .. RESULT,
  "close"
)
bytes("chunked", "a good answer in chunks", CHUNKED .. chunk(FIRST) .. chunk(REST) .. "0\r\n\r\n")
bytes(
  "chunked_badly",
  "the second chunk's size is no number",
  CHUNKED .. chunk(FIRST) .. "zz\r\n" .. REST .. "\r\n0\r\n\r\n",
  "close"
)
bytes("chunked_cut", "FIN before the last chunk", CHUNKED .. chunk(FIRST) .. chunk(REST), "close")
bytes(
  "interim",
  "100 and 103 before a good answer",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    .. HEAD
    .. ("Content-Length: %d\r\n\r\n"):format(#RESULT)
    .. RESULT
)
bytes("http_1_0", "HTTP/1.0 without a length", "HTTP/1.0 200 OK\r\n\r\n" .. RESULT, "close")
bytes(
  "two_lengths",
  "two Content-Lengths that differ",
  HEAD .. ("Content-Length: 5\r\nContent-Length: %d\r\n\r\n"):format(#RESULT) .. RESULT,
  "close"
)
bytes("not_http", "bytes that are no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "close")

row("interim_flood", "body", "1xx without end", function(c)
  flood(c, ("HTTP/1.1 100 Continue\r\n\r\n"):rep(500))
end, "h1")

row("header_flood", "body", "a head without end", function(c)
  c:send(HEAD)
  flood(c, ("X-Flood: " .. ("x"):rep(100) .. "\r\n"):rep(100))
end, "h1")

row("header_line_flood", "body", "one header line without end", function(c)
  c:send(HEAD .. "X-Flood: ")
  flood(c, ("x"):rep(16384))
end, "h1")

row("body_flood", "body", "a body without length and without end", function(c)
  c:send(HEAD .. "Connection: close\r\n\r\n")
  flood(c, (" "):rep(16384))
end, "h1")

row("chunk_flood", "body", "a body in chunks without end", function(c)
  c:send(CHUNKED)
  flood(c, chunk((" "):rep(16384)))
end, "h1")

row("gzip", "body", "a good answer, compressed though nobody asked for it", function(c)
  c:reply(200, gzip("printf %s '" .. RESULT .. "'"), { { "Content-Encoding", "gzip" } })
end)

row("gzip_bomb", "body", "a few KiB that unpack to 10 MiB", function(c)
  c:reply(200, gzip("head -c 10485760 /dev/zero"), { { "Content-Encoding", "gzip" } })
end)

-- Answers that are no good ones -------------------------------------------------------------------

for _, each in ipairs(require("spec.support.behaviours.replies")) do
  rows[#rows + 1] = each
end

-- TLS ---------------------------------------------------------------------------------------------

local function handshake(name, about, run)
  row(name, "accept", about, run)
end

handshake("tls_hang", "the handshake never begins", function(c)
  c.connection:ignore()
end)
handshake("tls_stall", "the handshake stops within the server's first message", function(c)
  c.connection:fill()
  c:send("\22\3\3\0\122\2\0\0\118\3\3")
  c.connection:ignore()
end)
handshake("tls_garbage", "the handshake is answered in plain HTTP", function(c)
  c.connection:fill()
  c:send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
  c:finish("close")
end)
handshake("tls_close", "FIN in the handshake", function(c)
  c.connection:fill()
  c:finish("close")
end)
handshake("tls_reset", "RST in the handshake", function(c)
  c.connection:fill()
  c:finish("reset")
end)
handshake("tls_alert", "the alert handshake_failure", function(c)
  c.connection:fill()
  c:send("\21\3\3\0\2\2\40")
  c:finish("close")
end)

-- A connection whose handshake uses another context (tls.lua); requests get good answers.
for _, context in ipairs({
  { "cert_expired", "expired" },
  { "cert_not_yet_valid", "not_yet_valid" },
  { "cert_wrong_host", "wrong_host" },
  { "cert_untrusted", "untrusted" },
  { "cert_self_signed", "self_signed" },
  { "cert_sha1", "sha1" },
  { "tls_1_0", "tls_1_0" },
  { "tls_1_1", "tls_1_1" },
  { "tls_1_2", "tls_1_2" },
  { "client_certificate", "client_certificate" },
}) do
  handshake(context[1], "TLS context " .. context[2], rows[1].run)
  rows[#rows].context = context[2]
end

-- HTTP/2 ------------------------------------------------------------------------------------------

local function stream(name, at, about, run)
  row(name, at, about, run, "h2")
end

for _, moment in ipairs({ { "_before", "head" }, { "_after", "body" } }) do
  local suffix, at = moment[1], moment[2]
  local when = at == "head" and "with the body unread" or "though the request is processed"
  stream("goaway" .. suffix, at, "GOAWAY that leaves the stream out, " .. when, function(c)
    c:goaway(c.id - 2)
  end)
  for _, code in ipairs({ "REFUSED_STREAM", "HTTP_1_1_REQUIRED", "CANCEL", "INTERNAL_ERROR" }) do
    local name = code:lower() .. suffix
    -- `late`: on release, and with no more than one stream at a time from then on; `last`: behind GOAWAY, as nginx ends a
    -- connection that has had its number of requests.
    stream(name, at, "RST_STREAM " .. code .. ", " .. when, function(c, args)
      if args.late then
        c.server:wait_release()
        c:limit_streams(1)
      end
      if args.last then
        c:goaway(c.id)
      end
      c:reset_stream(code)
    end)
  end
end
stream(
  "goaway_close",
  "body",
  "GOAWAY that covers the stream, then FIN without an answer",
  function(c)
    c:goaway(c.id)
    c:finish("close")
  end
)
stream("goaway_error", "body", "GOAWAY INTERNAL_ERROR that covers the stream, then FIN", function(c)
  c:goaway(c.id, "INTERNAL_ERROR")
  c:finish("close")
end)
stream("goaway_ok", "body", "GOAWAY that covers the stream, then a good answer", function(c)
  c:goaway(c.id)
  c:reply(200, RESULT)
end)
stream(
  "ok_goaway",
  "body",
  "a good answer, then GOAWAY: the connection is not to be used again",
  function(c)
    c:reply(200, RESULT)
    c:goaway(c.id)
  end
)
stream("reset_stream_in_body", "body", "half of the answer's body, then RST_STREAM", function(c)
  c:half_body(RESULT)
  c:reset_stream("INTERNAL_ERROR")
end)

local by_name = {}
for _, each in ipairs(rows) do
  assert(not by_name[each.name], each.name)
  by_name[each.name] = each
end

return { rows = rows, by_name = by_name, RESULT = RESULT }
