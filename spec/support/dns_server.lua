--- The process behind dns.lua: a UDP socket on port 53 in namespaces of its own.

local condition = require("cqueues.condition")
local cqueues = require("cqueues")
local native = require("spec.support.native")
local socket = require("socket")

local M = {}

local ADDRESS = "127.0.0.1"

-- What the C library of this namespace reads to find out whom to ask: nobody but this server.
local FILES = {
  ["/etc/resolv.conf"] = "nameserver " .. ADDRESS .. "\noptions timeout:30 attempts:2\n",
  ["/etc/nsswitch.conf"] = "hosts: files dns\n",
}

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

-- Answers the options by which nsenter(1) follows.
local function enter()
  local namespaces = native.module("namespaces")
  local options = assert(namespaces.enter())
  for path, text in pairs(FILES) do
    -- Not every system has the second; one without the first cannot be helped.
    if exists(path) or path == "/etc/resolv.conf" then
      local name = os.tmpname()
      local file = assert(io.open(name, "w"))
      file:write(text)
      file:close()
      assert(namespaces.cover(path, name))
      os.remove(name)
    end
  end
  return options
end

local function bind()
  local udp = assert(socket.udp())
  assert(udp:setsockname(ADDRESS, 53))
  udp:settimeout(0)
  return udp
end

-- The question, marked as an answer that says there is no such name.
local function no_such_name(question)
  return question:sub(1, 2) .. "\129\131" .. question:sub(5, 6) .. ("\0"):rep(6) .. question:sub(13)
end

-- The name that a question asks for.
local function name_in(question)
  local labels, at = {}, 13
  while at <= #question and question:byte(at) > 0 do
    labels[#labels + 1] = question:sub(at + 1, at + question:byte(at))
    at = at + question:byte(at) + 1
  end
  return table.concat(labels, ".")
end

function M.start(options)
  local way_in = enter()
  local udp = bind()
  local queries, names, changed = 0, {}, condition.new()
  cqueues.running():wrap(function()
    while true do
      cqueues.poll({ pollfd = udp:getfd(), events = "r" })
      local question, host, port = udp:receivefrom()
      if question then
        queries = queries + 1
        names[queries] = name_in(question)
        changed:signal()
        if options.answer == "nxdomain" then
          udp:sendto(no_such_name(question), host, port)
        end
      end
    end
  end)

  local role = {}
  function role.finish() end
  function role.wait_for(_, n, seconds)
    local limit = cqueues.monotime() + seconds
    while queries < n and cqueues.monotime() < limit do
      changed:wait(limit - cqueues.monotime())
    end
    return queries
  end
  function role.names()
    return names
  end
  return role, { enter = way_in }
end

return M
