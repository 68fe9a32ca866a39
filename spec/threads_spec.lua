-- Several Lua states in several threads of one process.

local host = require("spec.support.host")
local native = require("spec.support.native")

describe("threads", function()
  for _, tls in ipairs({ false, true }) do
    it(tls and "do not disturb each other over TLS" or "do not disturb each other", function()
      local server = require("spec.support.server").start({ tls = tls })
      local program = native.program("threads")
      local output = host.run(
        ("CA_FILE=%s %s spec/support/threads.lua 4 5 %s"):format(
          host.quote(server.ca_file or ""),
          program,
          server.url
        )
      )
      os.remove(program)
      -- 4 threads, 5 rounds, 2 clients, 6 calls, and a seventh that may get there.
      local processed = server:stats().processed
      server:stop()
      assert.equal("4 threads, 0 failed\n", output)
      assert.is_true(processed >= 240 and processed <= 280, processed)
    end)
  end
end)
