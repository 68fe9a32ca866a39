-- Rooms of the core that need no socket, by tables in C: each program names the rows that are wrong.

local native = require "spec.support.native"

-- Program of spec/units -> what it is linked with, of csrc/cab.
local UNITS = {
  classify = "classify error locale",
  retry = "retry",
  timers = "timers",
  list = "",
  journal = "journal buf error held_signal locale",
  sockets = "sockets",
  texts = "buf",
  curl_error = "curl_error error",
  pem = "pem",
  grams = "grams secret pieces escape buf endpoint error locale url",
  pieces = "pieces grams escape buf",
  secret = "secret pieces grams escape buf endpoint error locale url",
}
-- Those that count the work of their rooms.
local COUNTED = { grams = true, secret = true }

for name, rooms in pairs(UNITS) do
  it("unit " .. name, function()
    local compile = COUNTED[name] and native.counted_unit or native.unit
    local program = compile(name, (rooms:gsub("%w[%w_]*", "csrc/cab/%0.c")))
    local pipe = assert(io.popen(program .. " 2>&1 && echo done"))
    local told = pipe:read "*a"
    pipe:close()
    os.remove(program)
    assert.equal("done\n", told)
  end)
end

it("each program of spec/units is run", function()
  local pipe = assert(io.popen "ls spec/units/*.c")
  for path in pipe:lines() do
    assert.truthy(UNITS[path:match "([%w_]+)%.c$"], path)
  end
  pipe:close()
end)
