-- The process behind process.lua: lua run.lua ROOT

local root = arg[1] or ""
package.path = root .. "?.lua;" .. package.path

-- A descriptor inherited from the spec would keep its connections open after the spec closed them.
local luasocket = require("socket")
for descriptor = 3, 255 do
  local inherited = luasocket.tcp()
  inherited:setfd(descriptor)
  inherited:close()
end

local cqueues = require("cqueues")
local socket = require("cqueues.socket")
local wire = require("spec.support.wire")

local PATIENCE = 60 -- seconds for the spec to connect

local loop = cqueues.new()
local failures = {} -- what broke in this process, for the spec to see

local listener = socket.listen({ host = "127.0.0.1", port = 0, nodelay = true })
assert(listener:listen())
local _, _, port = listener:localname()
io.stdout:write(("%d\n"):format(port))
io.stdout:flush()

local function control()
  local connection = listener:accept({ nodelay = true }, PATIENCE)
  if not connection then
    os.exit(1)
  end
  listener:close()
  connection:setmode("b", "bn")
  connection:onerror(function(_, _, code)
    return code
  end)
  local role -- the module's object; its methods are the operations
  while true do
    local length = connection:read("*l")
    local text = length and connection:read(tonumber(length))
    local request = text and wire.unpack(text)
    if not request or request[1] == "quit" then
      if role then
        role:finish()
      end
      os.exit(0)
    end
    local answer = {}
    if request[1] == "start" then
      role, answer.value = require("spec.support." .. request[2]).start(request[3], failures)
    elseif role[request[1]] then
      answer.value = role[request[1]](role, request[2], request[3], request[4])
    else
      answer.error = "the process has no operation " .. tostring(request[1])
    end
    if failures[1] then
      answer.error = table.concat(failures, "\n")
    end
    connection:write(wire.pack(answer))
  end
end

local controller = coroutine.create(control)
loop:attach(controller)
while true do
  local ok, why, _, thread = loop:step()
  if not ok then
    failures[#failures + 1] = tostring(why)
    if thread == controller then
      io.stderr:write("support process: ", tostring(why), "\n")
      os.exit(1)
    end
  end
end
