-- What signing adds to a call, against a call whose token makes the same number of bytes on the wire.

local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

return function(bench)
  local function signed(n)
    return bench.clients.ours(machine.reference, "sequential", "http", n, "signed")
  end
  local function bytes_of(token)
    return bench.request_bytes(
      bench.clients.ours(machine.reference, "sequential", "echo", 1, token)
    )
  end
  local token = 100
  token = token + bytes_of "signed" - bytes_of(token)
  local with = measure.cost(signed, bench.counted, bench.tries).instructions
  local without = measure.cost(function(n)
    return bench.clients.ours(machine.reference, "sequential", "http", n, token)
  end, bench.counted, bench.tries).instructions
  local hash = measure.library_instructions(signed, bench.counted, "libcrypto")
  report.out(
    "\nSigning adds %s instructions to a call, %s of them inside libcrypto.",
    report.thousands(with - without),
    report.thousands(hash)
  )
  local added = with - without - hash
  report.target("signing: instructions added outside libcrypto", added, "<=", 12000, "n")
end
