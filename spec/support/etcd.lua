--- A real etcd for a spec, of one member or several, on loopback and in a folder of its own.
---
---     local etcd = require("spec.support.etcd").start { members = 3 }
---     etcd:kill(1); etcd:start(1)
---
--- Its members end when the spec does.

local host = require("spec.support.host")
local socket = require("socket")

local M = {}

---@class spec.Etcd
---@field urls string[] of the members
---@field endpoint string all of them, with commas
local Etcd = {}
Etcd.__index = Etcd

--- Ports that are free now, for as many listeners.
local function ports(n)
  local bound, list = {}, {}
  for i = 1, n do
    bound[i] = assert(socket.bind("127.0.0.1", 0))
    list[i] = select(2, bound[i]:getsockname())
  end
  for _, each in ipairs(bound) do
    each:close()
  end
  return list
end

--- What is missing to run the specs that want one, or nil.
---@return string?
function M.missing()
  return os.execute("command -v etcd >/dev/null && command -v etcdctl >/dev/null") ~= 0
      and os.execute("command -v etcd >/dev/null && command -v etcdctl >/dev/null") ~= true
      and "etcd-server and etcd-client are not installed"
    or nil
end

local function output(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- The options that make a member what it is.
function Etcd:command(i)
  local tls = self.certs
  local scheme = tls and "https" or "http"
  local client = ("%s://127.0.0.1:%d"):format(scheme, self.client_ports[i])
  local cluster = {}
  for j, port in ipairs(self.peer_ports) do
    cluster[j] = ("m%d=http://127.0.0.1:%d"):format(j, port)
  end
  local peer = ("http://127.0.0.1:%d"):format(self.peer_ports[i])
  local words = {
    "exec etcd",
    ("--name m%d --data-dir %s/m%d"):format(i, self.folder, i),
    ("--listen-client-urls %s --advertise-client-urls %s"):format(client, client),
    ("--listen-peer-urls %s --initial-advertise-peer-urls %s"):format(peer, peer),
    "--initial-cluster " .. table.concat(cluster, ","),
    "--heartbeat-interval 50 --election-timeout 500 --logger zap --log-level error",
    tls and ("--cert-file %s/good.pem --key-file %s/good.key"):format(tls.folder, tls.folder) or "",
  }
  return table.concat(words, " ")
end

--- A letter for what a process does (proc(5)); nil: it is gone.
local function state_of(pid)
  return output(("cat /proc/%d/stat"):format(pid)):match "%) (%a) "
end

--- Whether a member listens, as soon as it does or has ended: somebody else may have its port, for as long as a
--- connection lasts.
local function listens(pid, port)
  repeat
    local tcp = socket.tcp()
    local connected = tcp:connect("127.0.0.1", port)
    tcp:close()
    local state = state_of(pid)
    if state == nil or state == "Z" then
      return false
    end
    socket.sleep(0.02)
  until connected
  return true
end

--- Starts a member, again if need be.
---@param i integer
function Etcd:start(i)
  repeat
    self:launch(i)
  until listens(self.pids[i], self.client_ports[i])
end

---@private
function Etcd:launch(i)
  local pid_file = ("%s/pid%d"):format(self.folder, i)
  os.remove(pid_file)
  self.pipes[i] = assert(
    io.popen(
      (
        "LD_PRELOAD= sh -c %s </dev/null >>%s/log%d 2>&1 & pid=$!; "
        .. "echo $pid >%s.new; mv %s.new %s; read _; kill -9 $pid 2>/dev/null"
      ):format(host.quote(self:command(i)), self.folder, i, pid_file, pid_file, pid_file),
      "w"
    )
  )
  local file
  repeat
    file = io.open(pid_file)
  until file
  self.pids[i] = file:read("*n")
  file:close()
end

---@param i integer
function Etcd:kill(i)
  os.execute(("kill -9 %d"):format(self.pids[i]))
  self.pipes[i]:close()
  self.pipes[i] = nil
end

---@param i integer
---@param name "STOP"|"CONT"
function Etcd:signal(i, name)
  local pid = self.pids[i]
  os.execute(("kill -%s %d"):format(name, pid))
  while name == "STOP" and ("RSD"):find(state_of(pid) or "-", 1, true) do
    socket.sleep(0.01)
  end
end

--- etcdctl for all members, or for one.
---@param arguments string
---@param i integer|nil
---@return string
function Etcd:ctl(arguments, i)
  local tls = self.certs and ("--cacert %s/ca.pem"):format(self.certs.folder) or ""
  return output(
    ("ETCDCTL_API=3 timeout 60 etcdctl --command-timeout 10s --endpoints %s %s %s"):format(
      i and self.urls[i] or self.endpoint,
      tls,
      arguments
    )
  )
end

--- Waits until all members serve.
function Etcd:wait()
  for _ = 1, 600 do
    local told = self:ctl((self.login or "") .. " endpoint health")
    local _, healthy = told:gsub("is healthy", "")
    if healthy == #self.urls then
      return
    end
    socket.sleep(0.05)
  end
  error("etcd does not serve: " .. self:ctl("endpoint health"))
end

--- The number of the member that leads.
---@return integer
function Etcd:leader()
  for i, url in ipairs(self.urls) do
    local line = self:ctl("endpoint status -w simple", i)
    if line:find(url, 1, true) and line:match(", (%a+), %a+, %d+, %d+, %d+,") == "true" then
      return i
    end
  end
  error("nobody leads: " .. self:ctl("endpoint status -w simple"))
end

--- Asks for a login from now on; user root has the password "root-password".
function Etcd:enable_auth()
  self:ctl("user add root:root-password")
  self:ctl("user grant-role root root")
  local told = self:ctl("auth enable")
  assert(told:find("Enabled"), told)
  self.login = "--user root:root-password"
end

--- Begins with the data of a snapshot, which `ctl("snapshot save FILE", 1)` made.
---@param file string
function Etcd:restore(file)
  self:kill(1)
  os.execute(("rm -rf %s/m1"):format(self.folder))
  local told = output(
    (
      "ETCDCTL_API=3 etcdctl snapshot restore %s --name m1 --data-dir %s/m1 "
      .. "--initial-cluster m1=http://127.0.0.1:%d --initial-advertise-peer-urls http://127.0.0.1:%d"
    ):format(file, self.folder, self.peer_ports[1], self.peer_ports[1])
  )
  self:start(1)
  assert(self.pids[1], told)
  self:wait()
end

function Etcd:stop()
  for i in pairs(self.pipes) do
    self:kill(i)
  end
  host.remove(self.folder)
end

---@param options { members: integer?, certs: table? }|nil
---@return spec.Etcd
function M.start(options)
  options = options or {}
  local n = options.members or 1
  local list = ports(2 * n)
  local self = setmetatable({
    certs = options.certs,
    folder = host.folder(),
    client_ports = {},
    peer_ports = {},
    urls = {},
    pipes = {},
    pids = {},
  }, Etcd)
  for i = 1, n do
    self.client_ports[i], self.peer_ports[i] = list[i], list[n + i]
    self.urls[i] = ("%s://127.0.0.1:%d"):format(options.certs and "https" or "http", list[i])
  end
  self.endpoint = table.concat(self.urls, ",")
  for i = 1, n do
    self:start(i)
  end
  self:wait()
  return self
end

return M
