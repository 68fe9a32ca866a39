-- LuaSocket (or LuaSec) and lua-cjson as their manuals show them, which opens a connection per call:
-- calls warm url token-bytes http-version agent ca

local calls, warm, url, token_bytes, _, agent, ca = ...
local bench = require "bench.client"
local cjson = require "cjson"
local ltn12 = require "ltn12"
local socket = require "socket"

calls = tonumber(calls)
local token = string.rep("A", tonumber(token_bytes))
local secure = url:match "^https:" ~= nil
local request = secure and require("ssl.https").request or require("socket.http").request

local function call()
  local body = cjson.encode(bench.args(cjson.null))
  local pieces = {}
  local options = {
    url = url,
    method = "POST",
    headers = {
      ["User-Agent"] = agent,
      ["Content-Type"] = "application/json",
      ["Content-Length"] = #body,
      ["X-Auth-Token"] = token,
    },
    source = ltn12.source.string(body),
    sink = ltn12.sink.table(pieces),
  }
  if secure then
    options.cafile, options.verify = ca, "peer"
  end
  local _, status = request(options)
  assert(status == 200, status)
  bench.verify(cjson.decode(table.concat(pieces)))
end

bench.sequential(calls, tonumber(warm), socket.gettime, call)
