--- An HTTP proxy for specs, in a process of its own: CONNECT and plain forwarding.
---
---     local proxy = require("spec.support.proxy").start({ user = "u", password = "p" })
---     … a client with proxy = proxy.url_with_credentials …
---     assert.equal("CONNECT", proxy:stats().requests[1].method)
---
--- It has the methods of a server (script, behave, reset, stats, wait_for, drop, stop). What it can
--- do with a request: `ok` forward it, or answer 407 without the right credentials (`joins`: in a tunnel the server's end of a
--- handshake of TLS 1.2 goes with what it says next); `answer_twice`, a good answer of `body`, which when it is released comes with
--- the answer of `bytes` behind it; `refuse` it
--- (argument `status`, 403); `flood`, a `head` and then a `piece` again and again, for so many `bytes`
--- (stats().flooded tells how many were taken); `hang`; `close`; `reset`; `half_head`, an answer cut off in its head;
--- `established_then_close`, a tunnel that ends before it began.

local certs = require("spec.support.certs")
local server = require("spec.support.server")

local M = {}

---@class spec.ProxyOptions
---@field tls boolean|string|nil an https proxy; a string names its context in tls.lua
---@field user string|nil asks for Basic credentials
---@field password string|nil

---@param options spec.ProxyOptions|nil
---@return spec.Server proxy with `url_with_credentials` beside `url`
function M.start(options)
  options = options or {}
  local proxy = server.launch("proxy_server", {
    tls = options.tls == true and "good" or options.tls or nil,
    user = options.user,
    password = options.password,
    certs = options.tls and certs.shared() or nil,
  })
  proxy.url_with_credentials = options.user
    and (
      proxy.url:gsub("://", function()
        return ("://%s:%s@"):format(options.user, options.password)
      end)
    )
  return proxy
end

return M
