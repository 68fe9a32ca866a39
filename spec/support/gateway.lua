--- Real gateways between a client and a server: those of Debian, each as a process of its own with few
--- lines of configuration and its defaults for all else, limits of time aside.

local host = require("spec.support.host")
local socket = require("socket")

local M = {}

---@class spec.GatewayKind
---@field file string the name of its configuration
---@field text string its configuration; FOLDER, PORT and TARGET (the server's port) are filled in, and for
---  "# MORE" what a spec adds
---@field command string

---@type table<string, spec.GatewayKind>
M.kinds = {
  haproxy = {
    file = "haproxy.cfg",
    text = [[
defaults
    mode http
    # MORE
    timeout connect 5s
    timeout client 10s
    timeout server 200ms
frontend front
    bind 127.0.0.1:PORT
    default_backend back
backend back
    http-reuse always
    server one 127.0.0.1:TARGET
]],
    command = "haproxy -db -f FOLDER/haproxy.cfg",
  },
  varnish = {
    file = "default.vcl",
    text = [[
vcl 4.0;
backend one {
    .host = "127.0.0.1";
    .port = "TARGET";
    .first_byte_timeout = 200ms;
    .between_bytes_timeout = 200ms;
}
# MORE
]],
    command = "varnishd -j none -F -n FOLDER/state -a 127.0.0.1:PORT -f FOLDER/default.vcl -s malloc,8m",
  },
  squid = {
    file = "squid.conf",
    text = [[
http_port 127.0.0.1:PORT accel defaultsite=localhost no-vhost
cache_peer 127.0.0.1 parent TARGET 0 no-query no-digest originserver
# MORE
http_access allow all
cache deny all
access_log none
cache_log FOLDER/cache.log
pid_filename none
coredump_dir FOLDER
visible_hostname localhost
read_timeout 1 seconds
shutdown_lifetime 0 seconds
]],
    -- Its name is what its shared memory is called, whose rest would be in the way of the next.
    command = "squid -N -n codeartsPORT -f FOLDER/squid.conf",
  },
  apache = {
    file = "apache.conf",
    text = [[
ServerName localhost
ServerRoot FOLDER
PidFile FOLDER/apache.pid
ErrorLog FOLDER/error.log
DefaultRuntimeDir FOLDER
Listen 127.0.0.1:PORT
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
ProxyTimeout 1
ProxyPass / http://127.0.0.1:TARGET/
]],
    command = "apache2 -DFOREGROUND -f FOLDER/apache.conf",
  },
  nginx = {
    file = "nginx.conf",
    text = [[
pid nginx.pid;
error_log error.log;
daemon off;
worker_processes 1;
events {
}
http {
    access_log off;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    upstream back {
        server 127.0.0.1:TARGET max_fails=0;
        server localhost:TARGET max_fails=0;
        keepalive 4;
    }
    server {
        listen 127.0.0.1:PORT;
        location / {
            proxy_pass http://back;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout 200ms;
            # MORE
        }
    }
}
]],
    command = "nginx -p FOLDER -c nginx.conf",
  },
  lighttpd = {
    file = "lighttpd.conf",
    text = [[
server.modules = ( "mod_proxy" )
server.document-root = "FOLDER"
server.errorlog = "FOLDER/error.log"
server.bind = "127.0.0.1"
server.port = PORT
proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => TARGET, "read-timeout" => 1 ) ) )
]],
    command = "lighttpd -D -f FOLDER/lighttpd.conf",
  },
}

-- A port that is free now, and below those that the system hands out to the servers of specs beside this one.
-- Which, the random name of the folder tells. Another gateway may take it first; then another is tried.
local function free_port(folder)
  local port = 0
  for byte in folder:gmatch "." do
    port = (port * 31 + byte:byte()) % 12000
  end
  while true do
    local bound = socket.bind("127.0.0.1", 20000 + port)
    if bound then
      bound:close()
      return 20000 + port
    end
    port = (port + 1) % 12000
  end
end

local PATH = "PATH=$PATH:/usr/sbin" -- not every user's

--- Answers why a gateway cannot be had here, or nil: they come with `make check`.
---@param name string of `kinds`
---@return string?
function M.missing(name)
  local program = M.kinds[name].command:match("%S+")
  local pipe = assert(io.popen(("%s; command -v %s"):format(PATH, program)))
  local found = pipe:read("*l")
  pipe:close()
  return not found and name .. " is not installed" or nil
end

---@class spec.Gateway
---@field url string
---@field folder string
local Gateway = {}
Gateway.__index = Gateway

local function listens(port)
  local connection = socket.tcp()
  local ok = connection:connect("127.0.0.1", port)
  connection:close()
  return ok
end

local function has_ended(folder)
  local file = io.open(folder .. "/ended")
  if file then
    file:close()
  end
  return file ~= nil
end

local function read(path)
  local file = io.open(path)
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

local function launch(kind, target, more)
  local folder = host.folder()
  local port = free_port(folder)
  local fill = { FOLDER = folder, PORT = tostring(port), TARGET = tostring(target) }
  local file = assert(io.open(folder .. "/" .. kind.file, "w"))
  file:write((kind.text:gsub("# MORE", more or ""):gsub("%u+", fill)))
  file:close()
  os.execute("chmod 777 " .. folder) -- some serve as another user
  -- It ends when the pipe does: nothing stays behind when a spec dies.
  local pipe = assert(io.popen(
    ([[
cd %s
%s; LD_PRELOAD=; export PATH LD_PRELOAD
{ %s </dev/null >output 2>&1 & echo $! >pid; wait $!; touch ended; } 2>/dev/null &
read _
until [ -e ended ]; do # nginx forgets what comes before it waits for signals
  kill -TERM $(cat pid) 2>/dev/null
  sleep 0.05
done
wait
rm -rf %s]]):format(folder, PATH, kind.command:gsub("%u+", fill), folder),
    "w"
  ))
  for _ = 1, 2000 do
    if listens(port) and not has_ended(folder) then
      return setmetatable({
        pipe = pipe,
        folder = folder,
        url = ("http://127.0.0.1:%d"):format(port),
      }, Gateway)
    elseif has_ended(folder) then
      break
    end
    socket.sleep(0.01)
  end
  local told = read(folder .. "/output") .. read(folder .. "/error.log")
  pipe:close()
  return nil, told
end

--- Starts a gateway before a server.
---@param name string of `kinds`
---@param target integer the server's port
---@param more? string lines of configuration for it
---@return spec.Gateway
function M.start(name, target, more)
  local gateway, told
  for _ = 1, 3 do
    gateway, told = launch(M.kinds[name], target, more)
    if gateway then
      return gateway
    end
  end
  error(name .. " did not start: " .. told)
end

--- Ends it and removes its folder. Twice is fine.
function Gateway:stop()
  if self.pipe then
    self.pipe:close()
    self.pipe = nil
  end
end

return M
