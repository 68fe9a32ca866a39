-- lua-http and lua-cjson, one connection kept alive: calls warm url token-bytes http-version agent ca

local calls, warm, url, token_bytes, version, agent, ca = ...
local bench = require "bench.client"
local cjson = require "cjson"
local cqueues = require "cqueues"
local http_client = require "http.client"
local http_headers = require "http.headers"

calls = tonumber(calls)
local scheme, host, port = url:match "^(%w+)://([%w.]+):(%d+)"
local path = url:match "^%w+://[^/]+(.*)$"
local token = string.rep("A", tonumber(token_bytes))

local context
if scheme == "https" then
  context = require("http.tls").new_client_context()
  local store = require("openssl.x509.store").new()
  store:add(ca)
  context:setStore(store)
end

local connection = assert(http_client.connect({
  host = host,
  port = tonumber(port),
  tls = scheme == "https",
  ctx = context,
  sendname = false,
  version = tonumber(version),
}, 10))

local function call()
  local body = cjson.encode(bench.args(cjson.null))
  local headers = http_headers.new()
  headers:append(":method", "POST")
  headers:append(":scheme", scheme)
  headers:append(":authority", host .. ":" .. port)
  headers:append(":path", path)
  headers:append("user-agent", agent)
  headers:append("content-type", "application/json")
  headers:append("content-length", string.format("%d", #body))
  headers:append("x-auth-token", token, true)
  local stream = assert(connection:new_stream())
  assert(stream:write_headers(headers, false, 10))
  assert(stream:write_body_from_string(body, 10))
  local head = assert(stream:get_headers(10))
  assert(head:get ":status" == "200", "status")
  bench.verify(cjson.decode(assert(stream:get_body_as_string(10))))
end

bench.sequential(calls, tonumber(warm), cqueues.monotime, call)
connection:close()
