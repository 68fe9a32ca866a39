--- A gate between a client and a server, in a process of its own: relays bytes until it does not.
---
---     local gate = require("spec.support.gate").start(box.endpoint)
---     gate:script { { "cut_answer", bytes = 0 } } -- the next connection; "relay" after that
---
--- It has the methods of a server (script, behave, reset, stats, drop, stop). What it can do with a
--- connection: `relay` it; `cut_request` after `bytes` of what the client sends; `cut_answer` after
--- `bytes` of what the server sends; `hang_request` and `hang_answer`, the same without an end;
--- `how` is "close" or "reset".

local server = require("spec.support.server")

local M = {}

---@param endpoint string "http://127.0.0.1:port" of the server behind
---@return spec.Server gate
function M.start(endpoint)
  return server.launch("gate_server", { port = tonumber(endpoint:match ":(%d+)$") })
end

return M
