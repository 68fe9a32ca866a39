--- A name server for specs that never answers, and a way to run a program that is to ask it.
---
---     local dns = require("spec.support.dns").start()
---     os.execute(dns:command("lua5.4 program.lua"))
---
--- The program runs in a mount namespace of its own, where /etc/resolv.conf names the server; this
--- needs root. Names in /etc/hosts are still found there, and so is every server of the specs.

local process = require("spec.support.process")

local M = {}

---@class spec.Dns
local Dns = {}
Dns.__index = Dns

---@param answer "nxdomain"|nil no such name; without it the server is mute
---@return spec.Dns
function M.start(answer)
  local child, started = process.start("dns_server", { answer = answer })
  return setmetatable({ process = child, resolv_conf = started.resolv_conf }, Dns)
end

--- The shell command that runs a shell command with this server as resolver.
---@param command string
---@return string
function Dns:command(command)
  local inner = ("mount --bind %s /etc/resolv.conf && %s"):format(self.resolv_conf, command)
  return "unshare -m sh -c '" .. inner:gsub("'", "'\\''") .. "'"
end

--- Blocks until the server was asked n times; raises if it is not within 10 seconds.
---@param n integer
function Dns:wait_for(n)
  local queries = self.process:ask("wait_for", n, 10)
  if queries < n then
    error(("waited for %d queries, there were %d"):format(n, queries), 2)
  end
end

--- Ends the server. Stopping twice is fine.
function Dns:stop()
  self.process:stop()
end

return M
