--- A name server for specs that never answers, and a way to run a program that is to ask it.
---
---     local dns = require("spec.support.dns").start()
---     os.execute(dns:command("lua5.4 program.lua"))
---
--- Server and program are in namespaces of their own, where port 53 can be had and /etc/resolv.conf
--- names the server. Names in /etc/hosts are still found there; the servers of the specs are not.
--- Where namespaces.lua misses them, there is no such server.

local namespaces = require("spec.support.namespaces")
local process = require("spec.support.process")

local M = {}

---@class spec.Dns
local Dns = {}
Dns.__index = Dns

M.missing = namespaces.missing

---@param answer "nxdomain"|nil no such name; without it the server is mute
---@return spec.Dns
function M.start(answer)
  local child, started = process.start("dns_server", { answer = answer })
  return setmetatable({ process = child, enter = started.enter }, Dns)
end

--- The shell command that runs a shell command with this server as resolver.
---@param command string
---@return string
function Dns:command(command)
  return ("nsenter %s sh -c '%s'"):format(self.enter, (command:gsub("'", "'\\''")))
end

--- Blocks until the server was asked n times; raises if it is not within 10 seconds.
---@param n integer
function Dns:wait_for(n)
  local queries = self.process:ask("wait_for", n, 60)
  if queries < n then
    error(("waited for %d queries, there were %d"):format(n, queries), 2)
  end
end

--- What it was asked for so far, each time.
---@return string[]
function Dns:names()
  return self.process:ask "names"
end

--- Ends the server. Stopping twice is fine.
function Dns:stop()
  self.process:stop()
end

return M
