-- One HTTP request in, one answer out, over lua-http: body limits, request ids, faults, logs as bodies.

local new_headers = require("http.headers").new
local socket = require "cqueues.socket"
local clock = require "codearts.build.sandbox.clock"
local fault = require "codearts.build.sandbox.fault"
local iam = require "codearts.build.sandbox.iam"
local json = require "codearts.build.sandbox.json"
local quote = require("codearts.build.sandbox.reaper").quote
local random = require "codearts.build.sandbox.random"
local routes = require "codearts.build.sandbox.routes"
local signature = require "codearts.build.sandbox.signature"

local M = {}

local MAX_BODY = 12 * 1024 * 1024 -- API reference 6.4, APIGW.0201 with 413
local TIMEOUT = 30 -- seconds for a client to send or take its next piece
local PIECE = 65536

---@class codearts.build.sandbox.Request
---@field method string
---@field target string path and query as they came
---@field path string percent-decoded
---@field query table<string, string> the last value of each name, decoded
---@field header fun(name: string): string|nil by lower-case name
---@field body string
---@field params table<string, string> from the path
---@field user string who signed in

-- The body; nil when it is too large; nil, true when the client went away before its end.
local function read_body(stream)
  local pieces, size = {}, 0
  while true do
    local piece, broken = stream:get_next_chunk(TIMEOUT)
    if not piece and stream.state == "open" and stream.connection.take_socket then
      -- The body is cut off. In its shutdown lua-http would read for its rest without end: only
      -- without the socket does it let go.
      stream.connection:take_socket():close()
      return nil, true
    elseif not piece then
      return not broken and table.concat(pieces) or nil, broken ~= nil
    end
    size = size + #piece
    if size > MAX_BODY then
      return nil
    end
    pieces[#pieces + 1] = piece
  end
end

local function read_request(stream)
  local headers = stream:get_headers(TIMEOUT)
  if not headers then
    return nil
  end
  if (headers:get("expect") or ""):lower() == "100-continue" then
    stream:write_continue(TIMEOUT)
  end
  local target = headers:get(":path") or "/"
  local path, query = target:match("^([^?]*)%??(.*)$")
  local body, gone = read_body(stream)
  if gone then
    return nil
  end
  local request = {
    method = headers:get(":method"),
    target = target,
    path = signature.decode(path),
    query = {},
    body = body,
  }
  for _, pair in ipairs(signature.query_pairs(query)) do
    request.query[pair[1]] = pair[2]
  end
  function request.header(name)
    return headers:get_comma_separated(name == "host" and ":authority" or name)
  end
  return request
end

-- Nothing in here yields, so that a plain pcall catches it on Lua 5.1, too.
local function handle(sandbox, request)
  if not request.body then
    fault.raise(413, "APIGW.0201", "The request body is larger than 12 MB")
  end
  local route, params = routes.find(request.method, request.path)
  if not route then
    fault.raise(404, "APIGW.0101", "The API does not exist or has not been published")
  end
  sandbox:count(route.operation)
  request.params = params
  sandbox.gateway:pass(route)
  if not route.open then
    request.user = sandbox.identities:check(request)
  end
  local form = request.header "content-type"
  if
    request.method ~= "GET"
    and form
    and not form:lower():find "^%s*application/json%s*%f[;%z]"
  then
    fault.invalid("Content-Type must be application/json, not " .. form)
  end
  return route.handler(sandbox, request)
end

local function answer_of(sandbox, request, id)
  local ok, answer = pcall(handle, sandbox, request)
  if ok then
    return answer
  elseif not fault.is(answer) then
    io.stderr:write("codearts-build sandbox: ", tostring(answer), "\n")
    answer =
      { status = 500, body = { error_code = "CB.00060101", error_msg = "Internal service error" } }
  end
  local body = {}
  for name, value in pairs(answer.body) do
    body[name] = value
  end
  if tostring(body.error_code):find("^APIGW") then
    body.request_id = id
  end
  return { status = answer.status, json = body, headers = answer.headers }
end

local function write_text(stream, headers, text)
  headers:append("content-length", tostring(#text))
  stream:write_headers(headers, text == "", TIMEOUT)
  if text ~= "" then
    stream:write_chunk(text, true, TIMEOUT)
  end
end

local function write_log(stream, headers, answer)
  headers:append("content-length", tostring(answer.to - answer.from))
  stream:write_headers(headers, answer.to == answer.from, TIMEOUT)
  for from = answer.from, answer.to - 1, PIECE do
    local to = math.min(from + PIECE, answer.to)
    if not stream:write_chunk(answer.log:read(from, to), to == answer.to, TIMEOUT) then
      return
    end
  end
end

local function write_gzip(stream, headers, answer)
  local pipe =
    assert(io.popen(("head -c %d %s | gzip -c"):format(answer.to, quote(answer.log.path)), "r"))
  local output = assert(socket.dup(pipe))
  output:setmode("bn", "bn")
  stream:write_headers(headers, false, TIMEOUT)
  local piece = output:read(-PIECE)
  while piece and stream:write_chunk(piece, false, TIMEOUT) do
    piece = output:read(-PIECE)
  end
  stream:write_chunk("", true, TIMEOUT)
  output:close()
  pipe:close()
end

local function write_answer(stream, answer, id, trace)
  local headers = new_headers()
  headers:append(":status", tostring(answer.status))
  headers:append("date", clock.http(clock.now()))
  headers:append("x-request-id", id)
  if trace then
    headers:append("x-iam-trace-id", trace)
  end
  for name, value in pairs(answer.headers or {}) do
    headers:append(name, value)
  end
  if answer.gzip then
    headers:append("content-type", "application/octet-stream")
    write_gzip(stream, headers, answer)
  elseif answer.log then
    headers:append("content-type", "application/octet-stream")
    write_log(stream, headers, answer)
  else
    headers:append("content-type", answer.text and "text/plain" or "application/json;charset=UTF-8")
    write_text(stream, headers, answer.text or json.encode(answer.json))
  end
end

---Answers one request. Called by lua-http in a coroutine of its own.
---@param sandbox codearts.build.sandbox.Sandbox
---@param stream any
function M.serve(sandbox, stream)
  local request = read_request(stream)
  if request then
    local id = random.hex(32)
    local answer = answer_of(sandbox, request, id)
    if answer.lost and stream.connection.take_socket then
      stream.connection:take_socket():close() -- what was asked for was done; nobody is told
      return
    end
    local trace = iam.answers(request.path) and "sandbox-" .. id or nil
    write_answer(stream, answer, id, trace)
  end
end

return M
