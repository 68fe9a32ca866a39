-- Four nginx on loopback: a build service that answers after a delay, and three with one worker each
-- that call it, one by codearts.build.resty, one by a bare cosocket, one by the least that wakes a
-- worker for libcurl.

local nginx = require "spec.support.nginx"
local socket = require "socket"

local SERVICE = [[
  listen 127.0.0.1:%d;
  keepalive_requests 10000000;
  location = /v3/jobs/build {
    content_by_lua_block {
      ngx.req.read_body()
      -- The floor in C asks with a text.
      local delay = tonumber(ngx.req.get_body_data():match '"value":"([^"]*)"') or 0.1
      if delay > 0 then
        ngx.sleep(delay)
      end
      ngx.print('{"octopus_job_name":"j","actual_build_number":"1","daily_build_number":"1.1"}')
    }
  }]]

-- Runs `calls` calls, `at_once` at a time, and prints the microseconds that each took.
local WORKER = [[
  location = /measure {
    content_by_lua_block {
      local call, now = require("app").call, require("codearts.build.core").now
      local delay, calls, at_once = ngx.var.arg_delay, ngx.var.arg_calls, ngx.var.arg_at_once
      local took = {}
      local function run()
        for _ = 1, calls / at_once do
          local started = now()
          call(delay)
          took[#took + 1] = ("%.0f"):format((now() - started) * 1e6)
        end
      end
      local threads = {}
      for i = 1, at_once do
        threads[i] = ngx.thread.spawn(run)
      end
      for i = 1, at_once do
        assert(ngx.thread.wait(threads[i]))
      end
      ngx.print(table.concat(took, " "))
    }
  }]]

local OURS = [[
  local client
  return {
    call = function(delay)
      client = client or require("codearts.build.resty").new {
        endpoint = "http://127.0.0.1:%d", auth = "a-fake-token", proxy = false,
      }
      client:run { job_id = ("a"):rep(32), parameter = { codeBranch = delay } }
    end,
  }]]

-- The core, stepped by who waits: no client, no light thread, no semaphore. One call at a time.
local LEAST = [[
  local core = require "codearts.build.core"
  local client = core.new { endpoint = "http://127.0.0.1:%d", auth = "a-fake-token", proxy = false }
  local waker = assert(core.waker())
  local function listen()
    local socket = ngx.socket.udp()
    assert(socket:setpeername("127.0.0.1", waker:port()))
    assert(socket:send(waker:nonce()))
    assert(waker:accept())
    assert(socket:receive(128))
    return socket
  end
  return {
    call = function(delay)
      ngx.ctx.socket = ngx.ctx.socket or listen()
      local call = client:start { job_id = ("a"):rep(32), parameter = { codeBranch = delay } }
      client:step(0)
      while not call:done() do
        waker:arm(client, 1)
        assert(ngx.ctx.socket:receive(128))
        client:step(0)
      end
      assert(call:try_wait())
    end,
  }]]

-- What one would write by hand for this one request.
local BARE = [[
  local cjson = require "cjson"
  local agent = "codearts-build/" .. require("codearts.build.core")._VERSION
  return {
    call = function(delay)
      local body = cjson.encode {
        job_id = ("a"):rep(32),
        parameter = { { name = "codeBranch", value = delay } },
      }
      local connection = ngx.socket.tcp()
      assert(connection:connect("127.0.0.1", %d))
      assert(connection:send {
        "POST /v3/jobs/build HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Auth-Token: a-fake-token\r\n",
        "Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: ", agent,
        "\r\nContent-Length: ", #body, "\r\n\r\n", body,
      })
      local status = assert(connection:receive "*l")
      assert(status:find "^HTTP/1.1 200 ", status)
      local length
      repeat
        local line = assert(connection:receive "*l")
        local name, value = line:match "^([^:]+): *(.*)$"
        if name and name:lower() == "transfer-encoding" then
          length = "chunked"
        elseif name and name:lower() == "content-length" then
          length = tonumber(value)
        end
      until line == ""
      local text = ""
      if length == "chunked" then
        repeat
          local size = tonumber(assert(connection:receive "*l"), 16)
          text = text .. assert(connection:receive(size))
          assert(connection:receive(2))
        until size == 0
      else
        text = assert(connection:receive(length))
      end
      assert(cjson.decode(text).octopus_job_name == "j")
      assert(connection:setkeepalive(60000, 100))
    end,
  }]]

local M = {}

---@class bench.Nginx
---@field ours spec.Nginx
---@field bare spec.Nginx
---@field least spec.Nginx
---@field url string of the service
local Bench = {}
Bench.__index = Bench

local function free_port()
  local bound = assert(socket.bind("127.0.0.1", 0))
  local _, port = bound:getsockname()
  bound:close()
  return tonumber(port)
end

---@return bench.Nginx
function M.start()
  local port = free_port()
  local self = setmetatable({ url = "http://127.0.0.1:" .. port }, Bench)
  self.service = nginx.start { server = SERVICE:format(port) }
  self.ours = nginx.start { app = OURS:format(port), server = WORKER }
  self.bare = nginx.start { app = BARE:format(port, port), server = WORKER }
  self.least = nginx.start { app = LEAST:format(port), server = WORKER }
  return self
end

function Bench:stop()
  for _, name in ipairs { "ours", "bare", "least", "service" } do
    if self[name] then
      self[name]:stop()
    end
  end
end

--- Starts calls; `read` of the answer tells the seconds that each took.
---@param side "ours"|"bare"|"least"
---@param delay number seconds
---@param calls integer
---@param at_once integer
function Bench:send(side, delay, calls, at_once)
  local path = "/measure?delay=%s&calls=%d&at_once=%d"
  local request = self[side]:send(path:format(delay, calls, at_once))
  return {
    read = function()
      local status, text = request:read()
      assert(status == 200, self[side]:read "error.log")
      local seconds = {}
      for microseconds in text:gmatch "%d+" do
        seconds[#seconds + 1] = tonumber(microseconds) / 1e6
      end
      return seconds
    end,
  }
end

-- Adds up what `read` finds in a file of each thread of a side's worker.
local function of_threads(self, side, name, pattern)
  local pid = self[side]:workers()[1]
  local sum = 0
  local pipe = assert(io.popen(("cat /proc/%d/task/*/%s"):format(pid, name)))
  for line in pipe:lines() do
    sum = sum + (tonumber(line:match(pattern)) or 0)
  end
  pipe:close()
  return sum
end

--- Processor seconds of a side's worker so far, all its threads.
function Bench:cpu(side)
  return of_threads(self, side, "schedstat", "^(%d+) ") / 1e9
end

--- How often its threads have gone to sleep so far.
function Bench:sleeps(side)
  return of_threads(self, side, "status", "^voluntary_ctxt_switches:%s*(%d+)")
end

return M
