-- Requests that end too early, at every byte: the sandbox answers others as before.

local sandbox = require "codearts.build.sandbox"
local socket = require "socket"

describe("the sandbox", function()
  it("goes on after a request cut off at any byte", function()
    local box = sandbox.start {}
    local port = tonumber(box.endpoint:match ":(%d+)$")
    local request = "POST /v3/jobs/build HTTP/1.1\r\nHost: x\r\nX-Auth-Token: "
      .. box.token
      .. '\r\nContent-Length: 20\r\n\r\n{"job_id":'
    for n = 1, #request do
      local cut = assert(socket.connect("127.0.0.1", port))
      cut:send(request:sub(1, n))
      cut:close()
      local other = assert(socket.connect("127.0.0.1", port))
      other:settimeout(10)
      other:send "GET /__sandbox/stats HTTP/1.0\r\n\r\n"
      local answer = other:receive "*a"
      other:close()
      assert(answer, "stuck after " .. n .. " bytes")
      assert.is_nil(answer:find("RunJob", 1, true))
    end
    box.stop()
  end)
end)
