-- The service that the bench talks to: one nginx with one worker on loopback, each kind of answer on a free port of its own.
-- Everything it needs (configuration, certificate, log) lies in one temporary directory that `stop` removes.
--
--   http, https, h2     answer RunJob at once (`return`: nginx reads the body and drops it)
--   slow, slow_h2       answer it after 50 ms
--   echo                answers with what the request looked like on the wire, to compare clients
--   each of them        GET .../download-log is a log of 1 GiB (a sparse file)
--
-- By hand: lua5.4 bench/server.lua [seconds], which prints the addresses and serves that long.

local socket = require "socket"

local M = {}

M.ANSWER = '{"octopus_job_name":"j_Oaqg3PCN","actual_build_number":"20","daily_build_number":"20200612.20"}'
M.LOG_BYTES = 1024 * 1024 * 1024

local KINDS = { "http", "https", "h2", "slow", "slow_h2", "echo" }
local TLS = { https = "ssl", h2 = "ssl http2", slow_h2 = "ssl http2" }

local NOW = "location / { return 200 '" .. M.ANSWER .. "'; }"
local SLOW = [[location / { content_by_lua_block {
      ngx.req.read_body() ngx.sleep(0.05) ngx.print(']] .. M.ANSWER .. [[')
    } }]]
local ECHO = [[location / { content_by_lua_block {
      ngx.req.read_body()
      ngx.print('{"octopus_job_name":"', ngx.var.request_length,
        '","actual_build_number":"', #(ngx.req.get_body_data() or ""), '","daily_build_number":"',
        (ngx.req.raw_header():gsub("%s*\r\n", "|"):gsub('["\\]', "'"):gsub("AAAA+", "...")), '"}')
    } }]]
local ANSWERS = { slow = SLOW, slow_h2 = SLOW, echo = ECHO }

---The first line that a shell command prints.
local function line_of(command)
  local pipe = assert(io.popen(command, "r"))
  local line = pipe:read("*l")
  pipe:close()
  return line
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

---Free ports, all held at the same time so that none comes twice.
local function free_ports()
  local ports, held = {}, {}
  for _, kind in ipairs(KINDS) do
    local listener = assert(socket.bind("127.0.0.1", 0))
    held[#held + 1] = listener
    local _, port = listener:getsockname()
    ports[kind] = tonumber(port)
  end
  for _, listener in ipairs(held) do
    listener:close()
  end
  return ports
end

local function configuration(dir, ports)
  local parts = {
    "load_module /usr/lib/nginx/modules/ndk_http_module.so;",
    "load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;",
    "daemon off; worker_processes 1;",
    "user " .. line_of("id -un") .. " " .. line_of("id -gn") .. ";",
    "pid " .. dir .. "/pid; error_log " .. dir .. "/error.log warn;",
    "events { worker_connections 14000; }",
    "http {",
    "  access_log off; server_tokens off; default_type 'application/json;charset=UTF-8';",
    "  keepalive_timeout 300s; keepalive_requests 1000000000; large_client_header_buffers 4 64k;",
    "  http2_max_concurrent_streams 128; sendfile on; tcp_nodelay on;",
    "  client_body_temp_path " .. dir .. "; proxy_temp_path " .. dir .. "; fastcgi_temp_path " .. dir .. ";",
    "  uwsgi_temp_path " .. dir .. "; scgi_temp_path " .. dir .. "; lua_socket_log_errors off;",
    "  ssl_certificate " .. dir .. "/cert.pem; ssl_certificate_key " .. dir .. "/key.pem;",
    "  ssl_session_cache shared:s:1m;",
  }
  for _, kind in ipairs(KINDS) do
    parts[#parts + 1] = table.concat {
      "  server { listen 127.0.0.1:", ports[kind], " backlog=4096 ", TLS[kind] or "", ";\n    ",
      ANSWERS[kind] or NOW, "\n    location ~ /download-log$ { root ", dir, "; rewrite ^ /log break; }\n  }",
    }
  end
  parts[#parts + 1] = "}\n"
  return table.concat(parts, "\n")
end

---Starts the server. Blocks until it answers connections.
---@param cpu? integer the CPU it is pinned to
---@return table server one URL per kind (`server.http` …), `ca` (a PEM file), `dir`, `pid`, `stop()`
function M.start(cpu)
  local dir = assert(line_of("mktemp -d"), "mktemp failed")
  local server = { dir = dir, ca = dir .. "/cert.pem" }
  local made = line_of("cd " .. dir .. " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
    .. "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
    .. "-keyout key.pem -out cert.pem 2>openssl.log && truncate -s " .. M.LOG_BYTES .. " log && echo made")
  assert(made == "made", "no certificate could be made, see " .. dir)
  local ports = free_ports()
  write(dir .. "/nginx.conf", configuration(dir, ports))
  local pin = cpu and ("taskset -c " .. cpu .. " ") or ""
  server.pid = assert(line_of("(ulimit -n $(ulimit -Hn); exec " .. pin .. "timeout 3600 nginx -p " .. dir .. " -c nginx.conf) >"
    .. dir .. "/nginx.log 2>&1 </dev/null & echo $!"))

  function server.stop()
    if server.pid then
      os.execute("kill " .. server.pid .. " 2>/dev/null")
      os.execute("rm -rf " .. dir)
      server.pid = nil
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
  local log = line_of("cat " .. dir .. "/nginx.log " .. dir .. "/error.log")
  server.stop()
  error("nginx did not start: " .. tostring(log))
end

if arg and arg[0] and arg[0]:match("server%.lua$") then
  local server = M.start()
  for _, kind in ipairs(KINDS) do
    print(kind, server[kind])
  end
  print("ca", server.ca)
  print("pid", server.pid)
  io.stdout:flush()
  socket.sleep(tonumber(arg[1]) or 60)
  server.stop()
end

return M
