--- An nginx of its own for a spec, with the Lua module and the library, on a socket in a folder.

local host = require("spec.support.host")
local socket = require("socket")
local unix = require("socket.unix")

local M = {}

local CONFIGURATION = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
%s
pid nginx.pid;
error_log error.log notice;
worker_processes %d;
env ENDPOINT;
env REFUSE;
%s
events {
}
http {
    access_log off;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    lua_shared_dict notes 1m;
    lua_package_path '$prefix/?.lua;$prefix/lua/?.lua;$prefix/lua/?/init.lua;;';
    lua_package_cpath '$prefix/?.so;;';
%s
    server {
        listen unix:%s;
        location = /hello {
            return 200 "hello\n";
        }
%s
    }
}
]]

---@class spec.Nginx
---@field folder string
local Nginx = {}
Nginx.__index = Nginx

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

function Nginx:read(name)
  local file = io.open(self.folder .. "/" .. name)
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

---@class spec.NginxOptions
---@field server string directives of the server
---@field http string|nil directives outside of it
---@field workers integer|nil (1)
---@field main string|nil directives outside of that
---@field user string|nil the workers' ("root"); any other gets a copy of the library that it can read
---@field preload string|nil a library that nginx loads first
---@field app string|nil the module `app` that they require
---@field endpoint string|nil variable ENDPOINT
---@field configuration string|nil all of it instead of these, with "unix:SOCKET" to listen on
---@field service string|nil variables as a prefix for the command

-- Only root can choose; from others nginx takes it for a mistake.
local function user_line(user)
  local pipe = assert(io.popen("id -u"))
  local is_root = pipe:read("*n") == 0
  pipe:close()
  return is_root and ("user %s;"):format(user or "root") or ""
end

---@param options spec.NginxOptions
---@return spec.Nginx
function M.start(options)
  local folder = host.folder()
  local self = setmetatable({ folder = folder, socket = folder .. "/socket" }, Nginx)
  local text = options.configuration and options.configuration:gsub("SOCKET", self.socket)
    or CONFIGURATION:format(
      user_line(options.user),
      options.workers or 1,
      options.main or "",
      options.http or "",
      self.socket,
      options.server
    )
  write(folder .. "/nginx.conf", text)
  write(folder .. "/app.lua", options.app or "")
  if options.user then
    local core = host.for_luajit():match("LUA_CPATH='([^;]*)%?%.so")
    os.execute(("cp -r lua %s/codearts %s && chmod -R a+rX %s"):format(core, folder, folder))
  end
  -- nginx ends when the pipe does: nothing stays behind when a spec dies. /usr/sbin is not in every user's PATH.
  self.pipe = assert(io.popen(
    ("PATH=$PATH:/usr/sbin; %s%s %s ENDPOINT=%s nginx -p %s -c nginx.conf -g 'daemon off; %s' </dev/null >%s/output 2>&1 & "):format(
      options.service or "",
      host.for_luajit(),
      options.preload and "LD_PRELOAD=" .. options.preload or "",
      host.quote(options.endpoint or ""),
      folder,
      options.configuration and "user root;" or "",
      folder
    )
      .. "pid=$!; echo $pid >"
      .. folder
      -- It forgets what comes before it waits for signals.
      .. "/pid; read _; while kill -TERM $pid 2>/dev/null; do sleep 0.1; done & wait $pid; wait",
    "w"
  ))
  for _ = 1, 1000 do
    local connection = (unix.stream or unix)()
    local listens = connection:connect(self.socket)
    connection:close()
    if listens then
      self.pid = tonumber(self:read("pid"))
      self:get("/hello") -- it listens before it has workers
      return self
    end
    socket.sleep(0.01)
  end
  error("nginx did not start: " .. self:read("output") .. self:read("error.log"))
end

--- Sends a request and answers at once; `read` waits for the answer.
---@param path string
---@return table request
function Nginx:send(path)
  local connection = assert((unix.stream or unix)())
  assert(connection:connect(self.socket))
  connection:settimeout(30)
  assert(connection:send(("GET %s HTTP/1.0\r\n\r\n"):format(path)))
  return {
    --- Status and body.
    read = function()
      local answer, why, part = connection:receive("*a")
      answer = answer or part
      assert(why ~= "timeout", "nginx does not answer")
      connection:close()
      return tonumber(answer:match("^HTTP/%S+ (%d+)")), answer:match("\r\n\r\n(.*)$")
    end,
    close = function()
      connection:close()
    end,
  }
end

--- Status and body.
---@param path string
---@return integer, string
function Nginx:get(path)
  return self:send(path):read()
end

---@param name "HUP"|"QUIT"|"TERM"|"USR1"
function Nginx:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

--- The workers' process ids.
---@return integer[]
function Nginx:workers()
  local pipe = assert(io.popen("ps -o pid= --ppid " .. self.pid))
  local pids = {}
  for pid in pipe:read("*a"):gmatch("%d+") do
    pids[#pids + 1] = tonumber(pid)
  end
  pipe:close()
  return pids
end

local function ended(pid)
  -- 0: true on Lua 5.1 only; a process that has ended and waits for its parent counts, too.
  local file = io.open(("/proc/%d/stat"):format(pid))
  local stat = file and file:read("*l")
  if file then
    file:close()
  end
  return not stat or stat:match("%) (%a)") == "Z"
end

--- Waits until a process has ended; answers whether it has within 30 s.
---@param pid integer
---@return boolean
function M.wait_for_end(pid)
  for _ = 1, 3000 do
    if ended(pid) then
      return true
    end
    socket.sleep(0.01)
  end
  return false
end

--- Waits until the error log holds a text; answers whether it does within a minute.
---@param text string
---@return boolean
function Nginx:wait_for_log(text)
  for _ = 1, 6000 do
    if self:read("error.log"):find(text, 1, true) then
      return true
    end
    socket.sleep(0.01)
  end
  return false
end

--- Ends it and removes its folder. Twice is fine.
function Nginx:stop()
  if self.pid then
    self.pipe:close()
    host.remove(self.folder)
    self.pid = nil
  end
end

return M
