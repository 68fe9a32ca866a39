--- The process behind dns.lua: a UDP socket on port 53 of an address of its own.

local condition = require("cqueues.condition")
local cqueues = require("cqueues")
local socket = require("socket")

local M = {}

-- Every 127.x.y.z is loopback: servers of specs that run side by side do not meet.
local function bind()
  local udp = assert(socket.udp())
  for last = 2, 254 do
    local address = ("127.53.53.%d"):format(last)
    if udp:setsockname(address, 53) then
      udp:settimeout(0)
      return udp, address
    end
  end
  error("cannot bind port 53 of loopback: this needs root")
end

-- The question, marked as an answer that says there is no such name.
local function no_such_name(question)
  return question:sub(1, 2) .. "\129\131" .. question:sub(5, 6) .. ("\0"):rep(6) .. question:sub(13)
end

function M.start(options)
  local udp, address = bind()
  local queries, changed = 0, condition.new()
  cqueues.running():wrap(function()
    while true do
      cqueues.poll({ pollfd = udp:getfd(), events = "r" })
      local question, host, port = udp:receivefrom()
      if question then
        queries = queries + 1
        changed:signal()
        if options.answer == "nxdomain" then
          udp:sendto(no_such_name(question), host, port)
        end
      end
    end
  end)

  local pipe = io.popen("mktemp", "r")
  local path = pipe:read("*l")
  pipe:close()
  local file = assert(io.open(path, "w"))
  file:write("nameserver ", address, "\noptions timeout:30 attempts:1\n")
  file:close()

  local role = {}
  function role.finish()
    os.remove(path)
  end
  function role.wait_for(_, n, seconds)
    local limit = cqueues.monotime() + seconds
    while queries < n and cqueues.monotime() < limit do
      changed:wait(limit - cqueues.monotime())
    end
    return queries
  end
  return role, { address = address, resolv_conf = path }
end

return M
