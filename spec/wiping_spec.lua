-- Buffers that held secrets are wiped when they are released: a program without Lua looks through its
-- own memory. What libcurl and libcrypto keep is not ours to wipe.

local native = require "spec.support.native"
local servers = require "spec.support.server"

describe("secrets in memory", function()
  local server, program
  setup(function()
    server = servers.start()
    program = native.program("wiped", native.core_flags())
  end)
  teardown(function()
    server:stop()
    os.remove(program)
  end)

  it("are gone when what they were for is", function()
    -- Everything that was sent comes back.
    server:behave "echo_body"
    local pipe = assert(io.popen(("timeout 300 %s %s 2>&1"):format(program, server.url), "r"))
    local told = pipe:read "*a"
    pipe:close()
    assert.equal(
      [[
a client: key
status 401, with a body
a call with a token: key
status 401, with a body
a call with a key: key
status 401, with a body
a large call: key
nothing:
]],
      told
    )
    -- It did send them.
    local request = server:stats().requests[2]
    assert.equal(3, server:stats().processed)
    assert.is_true(request.body_length >= 1000)
    assert.is_truthy(request.headers["x-security-token"]:find "^%l+$")
  end)
end)
