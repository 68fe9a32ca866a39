--- The server process behind server.lua.

local behaviours = require("spec.support.behaviours")
local http1 = require("spec.support.http1")
local http2 = require("spec.support.http2")
local service = require("spec.support.service")

local M = {}

local connections = 0 -- over TLS so far

local function serve(server, connection, drawn)
  local row = drawn.row
  if row.at == "accept" and not row.context then
    row.run(http1.exchange(connection, server), drawn.args)
    return connection:finish()
  end
  local version = "h1"
  if server.options.tls then
    connections = connections + 1
    local is_http1 = connections == server.options.http1_at
    local context = row.context or is_http1 and "http1" or server.options.tls
    if not connection:handshake(server:context(context)) then
      if row.at ~= "accept" then
        server:give_back(drawn)
      end
      return connection:close()
    end
    server:count("tls_handshakes", 1)
    version = connection.protocol == "h2" and "h2" or "h1"
  end
  if row.over and row.over ~= version then
    server:fail(("behaviour %s drawn on a connection that speaks %s"):format(row.name, version))
    return connection:reset()
  end
  local protocol = version == "h2" and http2 or http1
  protocol.serve(connection, server, drawn)
end

function M.start(options, failures)
  local server = service.new(behaviours.by_name, options, failures)
  local port = server:listen(function(connection, drawn)
    serve(server, connection, drawn)
  end, true)
  return server, { port = port }
end

return M
