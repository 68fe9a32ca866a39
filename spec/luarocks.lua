-- What `luarocks test [-- SPEC…]` runs: make test, with the Lua that runs this and the rocks that it finds.

local quote = dofile("spec/support/quote.lua")

local first = 0
while arg[first - 1] do
  first = first - 1
end
local folder, name = arg[first]:match("^(.*)/([^/]+)$")
local status = os.execute(
  ("PATH=%s:$PATH LUA_PATH=%s LUA_CPATH=%s make -s test DEPS=skip BUILD=build/luarocks-test LUA=%s SPEC=%s"):format(
    quote(folder or "."),
    quote(package.path),
    quote(package.cpath),
    quote(name or arg[first]),
    quote(#arg > 0 and table.concat(arg, " ") or "spec")
  )
)
os.exit((status == true or status == 0) and 0 or 1)
