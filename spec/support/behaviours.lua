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

local RESULT = '{"octopus_job_name":"j_Oaqg3PCN","actual_build_number":"20",'
  .. '"daily_build_number":"20200612.20"}'
local FLOOD = 67108864 -- bytes after which a server without shame stops

local rows = {}

---@class spec.Behaviour
---@field name string
---@field at "accept"|"start"|"bytes"|"head"|"body"
---@field about string
---@field run function(exchange, args)
---@field over "h1"|"h2"|nil
---@field context string|nil TLS context of the connection
local function row(name, at, about, run, over)
  rows[#rows + 1] = { name = name, at = at, about = about, run = run, over = over }
end

local function answer(name, about, status, body, headers, kind)
  row(name, "body", about, function(c, args)
    c:reply(args.status or status, args.body or body, args.headers or headers, args.kind or kind)
  end)
end

local function failure(code, message)
  return ('{"error_code":"%s","error_msg":"%s","request_id":"0f3c"}'):format(code, message)
end

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

-- Redirects -------------------------------------------------------------------------------------

local function redirect(name, about, location)
  row(name, "body", about, function(c, args)
    c:reply(args.status or 307, "", { { "Location", args.location or location } })
  end)
end

redirect(
  "redirect",
  "307 to another host (`status`, `location`)",
  "https://other.test/v3/jobs/build"
)
redirect("redirect_plain", "307 to plain http", "http://127.0.0.1:9/v3/jobs/build")
answer("see_other", "303 to the build that it started", 303, "", { { "Location", "/v3/1" } })

-- Refusals --------------------------------------------------------------------------------------

answer(
  "unauthorized",
  "401",
  401,
  failure("APIGW.0301", "Incorrect IAM authentication information: decrypt token fail")
)
answer("forbidden", "403", 403, failure("APIGW.0302", "the user may not call this API"))
answer("not_found", "404", 404, failure("CB.00060214", "no such URL"))

-- Retry-After: absent, seconds, a date, and what no client should believe.
for _, refusal in ipairs({
  { "throttled", 429, "APIGW.0308" },
  { "unavailable", 503, "APIGW.0613" },
}) do
  local name, status, code = refusal[1], refusal[2], refusal[3]
  local function retry(suffix, about, value)
    row(name .. suffix, "body", ("%d, Retry-After %s"):format(status, about), function(c, args)
      local after = value(args)
      local headers = after and { { "Retry-After", after } }
      c:reply(status, failure(code, "try again later"), headers)
    end)
  end
  retry("", "absent", function() end)
  retry("_seconds", "in seconds (`seconds`, 1)", function(args)
    return ("%d"):format(args.seconds or 1)
  end)
  retry("_date", "as a date, `seconds` from now (1)", function(args)
    return clock.http(os.time() + (args.seconds or 1))
  end)
  retry("_absurd", "beyond every number", function()
    return ("9"):rep(40)
  end)
  retry("_unparsable", "neither number nor date", function()
    return "soon"
  end)
end

local BUSY = failure("CB.00060211", "too many requests, try again later")
answer("busy_400", "the service's own too many requests, with 400", 400, BUSY)
answer("busy_500", "the service's own too many requests, with 500", 500, BUSY)

answer("error_500", "500 with JSON", 500, failure("CB.00060101", "internal error"))
answer(
  "error_502",
  "502 with an HTML page",
  502,
  "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
  nil,
  "text/html"
)
answer("error_503", "503 without a word", 503, "")
answer("error_504", "504", 504, failure("APIGW.0201", "backend timed out"))

-- What gateways say after they have passed a request on and lost the answer (third party) -----------

answer(
  "gateway_envoy",
  "503 as Envoy says it",
  503,
  "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
  nil,
  "text/plain"
)
answer(
  "gateway_varnish",
  "503 as Varnish says it",
  503,
  "<!DOCTYPE html><html><head><title>503 Backend fetch failed</title></head></html>",
  { { "Retry-After", "5" } },
  "text/html; charset=utf-8"
)
answer("gateway_client_gone", "499", 499, "")
answer("gateway_timeout", "408", 408, "")

-- Error bodies, in the order of API reference 6.1 -------------------------------------------------

local SHAPES = {
  { "pair", '{"error_code":"CB.00060200","error_msg":"bad parameter"}' },
  { "camel", '{"errorCode":"CB.00060200","errorMsg":"bad parameter"}' },
  { "code", '{"code":"CB.00060200","message":"bad parameter"}' },
  { "nested", '{"error":{"code":"CB.00060200","message":"bad parameter"}}' },
  {
    "nested_deeper",
    '{"trace":"t","a":{"b":{"error_code":"CB.00060200","error_msg":"bad parameter"}}}',
  },
  {
    "nested_twice",
    '{"a":{"code":"CB.1","message":"first"},"b":{"code":"CB.00060200","message":"bad parameter"}}',
  },
  { "code_alone", '{"error_code":"CB.00060200"}' },
  { "message_alone", '{"error_msg":"bad parameter"}' },
  { "in_array", '[{"error_code":"CB.00060200","error_msg":"bad parameter"}]' },
  { "details", '{"details":[{"error_code":"CB.00060200","error_msg":"bad parameter"}]}' },
  { "number", '{"error_code":400,"error_msg":"bad parameter"}' },
  {
    "encoded",
    '{"error_code":"PAP5.0013","error_msg":"no permission",'
      .. '"encoded_authorization_message":"bm90IGZvciB5b3U="}',
  },
  { "null", '{"error_code":null,"error_msg":null}' },
  { "text", "bad parameter" },
  { "json_text", '"bad parameter"' },
  { "empty", "" },
}
for _, shape in ipairs(SHAPES) do
  answer("error_" .. shape[1], "400 (`status`), error body: " .. shape[2], 400, shape[2])
end

-- 200 that makes no sense -------------------------------------------------------------------------

answer("ok_empty", "200 without a body", 200, "")
answer("ok_not_json", "200 with a page", 200, "<html><body>Log in</body></html>", nil, "text/html")
answer("ok_cut", "200 with half of the JSON", 200, FIRST)
answer("ok_array", "200 with an array", 200, "[" .. RESULT .. "]")
answer("ok_null", "200 with null", 200, "null")
answer(
  "ok_deep",
  "200, 20,000 arrays deep",
  200,
  '{"octopus_job_name":"j_1","more":' .. ("["):rep(20000) .. ("]"):rep(20000) .. "}"
)
answer("ok_nan", "200 with NaN", 200, '{"octopus_job_name":"j_1","actual_build_number":NaN}')
answer("ok_bad_utf8", "200 with bad UTF-8", 200, '{"octopus_job_name":"j_\255\254"}')
answer("ok_without_members", "200 without the three members", 200, '{"hello":"world"}')
answer(
  "ok_nested",
  "200, nested under result",
  200,
  '{"status":"success","result":' .. RESULT .. "}"
)
answer(
  "ok_fail",
  "200 that tells a failure",
  200,
  '{"status":"fail","error":{"code":"CB.00060101","message":"internal error"},"result":null}'
)
answer(
  "ok_numbers",
  "200 with numbers where texts belong",
  200,
  '{"octopus_job_name":"j_Oaqg3PCN","actual_build_number":20,"daily_build_number":20200612.25}'
)
answer("ok_large", "200 with 9 MiB of JSON", 200, nil)
rows[#rows].run = function(c)
  c:reply(200, '{"octopus_job_name":"j_1","more":"' .. ("x"):rep(9437184) .. '"}')
end

-- Echoes of secrets -------------------------------------------------------------------------------

local function echo(name, about, message)
  row(name, "body", about, function(c, args)
    local text = message(c.request, c):gsub('[\\"]', "\\%0")
    c:reply(args.status or 401, failure("APIGW.0301", text))
  end, "h1")
end

echo("echo_token", "401 with the token in its message", function(request)
  return "decrypt token fail: " .. tostring(request.headers["x-auth-token"])
end)
echo("echo_authorization", "401 with the Authorization header in its message", function(request)
  return "verify aksk signature fail: " .. tostring(request.headers["authorization"])
end)
echo("echo_first", "401 with what signed the first request in its message", function(_, c)
  return "verify aksk signature fail: " .. tostring(c.server.requests[1].headers["authorization"])
end)
echo("echo_canonical", "401 with a canonical request, lines parted by |", function(request)
  local signed = tostring(request.headers["authorization"]):match("SignedHeaders=([^,]*)") or ""
  local lines = {}
  for name in signed:gmatch("[^;]+") do
    lines[#lines + 1] = name .. ":" .. tostring(request.headers[name])
  end
  return ("verify aksk signature fail, (canonicalRequest:%s|%s||%s||%s|)"):format(
    request.method,
    request.path,
    table.concat(lines, "|"),
    signed
  )
end)
echo("echo_body", "401 with the whole request in its message", function(request)
  return (request.head:gsub("[\r\n]+", "|")) .. (request.body or "")
end)

row(
  "echo_anywhere",
  "body",
  "401, or as for `answer`, with what signed the request for each @",
  function(c, args)
    local sent = c.request.headers
    local said = tostring(sent["authorization"]) .. " " .. tostring(sent["x-security-token"])
    local function fill(text)
      return text and (text:gsub("@", (said:gsub("%%", "%%%%"))))
    end
    local headers = {}
    for i, pair in ipairs(args.headers or {}) do
      headers[i] = { pair[1], fill(pair[2]) }
    end
    local body = args.body or failure("APIGW.0301", "verify aksk signature fail: @")
    c:reply(args.status or 401, fill(body), headers, fill(args.kind))
  end,
  "h1"
)

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
