-- The service that the bench talks to: one nginx with one worker on loopback, each kind of answer on
-- a free port of its own. All it needs (configuration, certificate, log) lies in one temporary
-- directory. Both go with `stop`, or with the program that started them.
--
--   http, https, h2   answer RunJob at once (`return`: nginx reads the body and drops it)
--   traced            the same with an X-Request-Id, as each answer of the service has one
--   slow, slow_h2     answer it after 50 ms
--   mute              answer it after a minute
--   brief             as https, and each answer ends its connection
--   echo              answers at once and writes `bytes of the request|User-Agent` to `dir/echo.log`
--   each of them      GET …/download-log is a log of zeros (a sparse file)
--
-- By hand: lua5.4 bench/server.lua [seconds] prints the addresses and serves that long.

local socket = require "socket"

local M = {}

local KINDS = { "http", "traced", "https", "h2", "slow", "slow_h2", "mute", "brief", "echo" }
local TLS = { https = "ssl", brief = "ssl", h2 = "ssl http2", slow_h2 = "ssl http2" }
local ANSWER = '{"octopus_job_name":"j_Oaqg3PCN","actual_build_number":"20",'
  .. '"daily_build_number":"20200612.20"}'

local function now()
  return "return 200 '" .. ANSWER .. "';"
end

local function after(seconds)
  return "content_by_lua_block { ngx.req.read_body() ngx.sleep("
    .. seconds
    .. ") ngx.print('"
    .. ANSWER
    .. "') }"
end

-- More directives.
local OWN = {
  echo = "access_log @DIR@/echo.log echo;",
  brief = "keepalive_timeout 0;",
  traced = "add_header X-Request-Id 0a1b2c3d4e5f60718293a4b5c6d7e8f9;",
}
local ANSWERS = { slow = after(0.05), slow_h2 = after(0.05), mute = after(60) }

-- The first line that a shell command prints.
local function line_of(command)
  local pipe = assert(io.popen(command, "r"))
  local line = pipe:read("*l")
  pipe:close()
  return line
end

-- Free ports, all held at the same time so that none comes twice.
local function free_ports()
  local ports, held = {}, {}
  for _, kind in ipairs(KINDS) do
    local listener = assert(socket.bind("127.0.0.1", 0))
    held[#held + 1] = listener
    local _, port = listener:getsockname()
    ports[kind] = math.floor(tonumber(port))
  end
  for _, listener in ipairs(held) do
    listener:close()
  end
  return ports
end

local HEAD = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
worker_processes 1;
user @USER@;
pid @DIR@/pid;
error_log @DIR@/error.log warn;
events { worker_connections 14000; }
http {
  log_format echo '$request_length|$http_user_agent';
  access_log off;
  default_type 'application/json;charset=UTF-8';
  sendfile on;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  large_client_header_buffers 4 64k;
  client_body_buffer_size 64k;
  client_body_temp_path @DIR@/body;
  proxy_temp_path @DIR@/proxy;
  fastcgi_temp_path @DIR@/fastcgi;
  uwsgi_temp_path @DIR@/uwsgi;
  scgi_temp_path @DIR@/scgi;
  ssl_certificate @DIR@/cert.pem;
  ssl_certificate_key @DIR@/key.pem;
]]

local SERVER = [[
  server {
    listen 127.0.0.1:@PORT@ backlog=4096 @TLS@;
    @OWN@
    location / { @ANSWER@ }
    @MORE@
    location ~ /download-log$ { root @DIR@; rewrite ^ /log break; }
  }
]]

local function fill(template, values)
  return (template:gsub("@(%u+)@", values))
end

local function configuration(dir, ports, more)
  local user = line_of("id -un") .. " " .. line_of("id -gn")
  local parts = { fill(HEAD, { DIR = dir, USER = user }) }
  for _, kind in ipairs(KINDS) do
    parts[#parts + 1] = fill(SERVER, {
      DIR = dir,
      PORT = tostring(ports[kind]),
      TLS = TLS[kind] or "",
      OWN = fill(OWN[kind] or "", { DIR = dir }),
      ANSWER = ANSWERS[kind] or now(),
      MORE = more or "",
    })
  end
  parts[#parts + 1] = "}\n"
  return table.concat(parts)
end

---Starts the server; blocks until it takes connections.
---@param options? { pin?: string, log_bytes?: integer, locations?: string } `pin`: words before it that
---  choose its CPU; `locations`: more of each kind
---@return table server one URL per kind (`server.http` …), `ca` (a PEM file), `trust` (a file that has
---  the system's certificates, too: what a program reads to talk to the real service), `ca_path` (a
---  hashed folder), `dir`, `renew()`, `stop()`
function M.start(options)
  options = options or {}
  local dir = assert(line_of("mktemp -d"), "mktemp failed")
  local server = {
    dir = dir,
    ca = dir .. "/cert.pem",
    trust = dir .. "/trust.pem",
    ca_path = dir .. "/folder",
  }
  local made = line_of(
    "cd "
      .. dir
      .. " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
      .. " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
      .. " -keyout key.pem -out cert.pem 2>openssl.log && mkdir folder"
      .. " && cp cert.pem folder/$(openssl x509 -hash -noout -in cert.pem).0"
      .. " && cat /etc/ssl/certs/ca-certificates.crt cert.pem >trust.pem && truncate -s "
      .. (options.log_bytes or 0)
      .. " log && echo made"
  )
  assert(made == "made", "no certificate could be made, see " .. dir)
  local ports = free_ports()
  local file = assert(io.open(dir .. "/nginx.conf", "w"))
  file:write(configuration(dir, ports, options.locations))
  file:close()
  -- nginx is held by a shell that reads from us: however we end, it sees the end of its input.
  local command = "trap '' INT; ulimit -n $(ulimit -Hn); @PIN@ nginx -p @DIR@ -c nginx.conf "
    .. ">@DIR@/nginx.log 2>&1 & cat >/dev/null; kill $!; wait; rm -rf @DIR@"
  local keeper = assert(io.popen(fill(command, { PIN = options.pin or "", DIR = dir }), "w"))

  local function workers()
    return line_of("ps -o pid= --ppid $(cat " .. dir .. "/pid) | tr '\\n' ' '")
  end

  ---Has another worker take over. A process is some per cent quicker or slower all its life, by where
  ---its memory happens to lie, and that of the server counts for every client.
  function server.renew()
    local old = workers()
    assert(line_of("kill -HUP $(cat " .. dir .. "/pid) && echo asked") == "asked", "no nginx")
    repeat
      socket.sleep(0.02) -- nginx tells nobody when the old one has gone
      local current = workers()
    until current ~= old and not current:match "%d +%d"
  end

  function server.stop()
    if keeper then
      keeper:close()
      keeper = nil
    end
  end

  for _, kind in ipairs(KINDS) do
    server[kind] = (TLS[kind] and "https" or "http") .. "://127.0.0.1:" .. ports[kind]
  end
  local deadline = socket.gettime() + 10
  repeat
    local probe = socket.connect("127.0.0.1", ports.echo)
    if probe then
      probe:close()
      return server
    end
    socket.sleep(0.01) -- nginx tells nobody when it listens
  until socket.gettime() > deadline
  local why = line_of("cat " .. dir .. "/nginx.log " .. dir .. "/error.log")
  server.stop()
  error("nginx did not start: " .. tostring(why))
end

if arg and arg[0] and arg[0]:match("server%.lua$") then
  local server = M.start { log_bytes = 1024 * 1024 * 1024 }
  for _, kind in ipairs(KINDS) do
    print(kind, server[kind])
  end
  print("ca", server.ca)
  io.stdout:flush()
  socket.sleep(tonumber(arg[1]) or 60)
  server.stop()
end

return M
