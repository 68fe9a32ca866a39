-- What there is on this machine: interpreters, modules, a CPU to stay on.

local measure = require "bench.measure"

local M = {}

---Whether this machine has an interpreter that loads a module.
---@param module? string
function M.has(lua, module)
  local code = module and ("require '" .. module .. "'") or ""
  local test = "command -v %s >/dev/null && %s -e %s 2>/dev/null && echo yes"
  return measure.output(test:format(lua, lua, measure.words(code))) == "yes"
end

-- A command prefix that keeps a program on one CPU, the last; empty where that cannot be done.
M.pin = measure.output "command -v taskset >/dev/null && echo taskset -c $(($(nproc) - 1))"

---The interpreters that are measured; the first is the one for what needs no two.
M.luas = {}
for _, lua in ipairs { "lua5.4", "luajit" } do
  if M.has(lua) then
    M.luas[#M.luas + 1] = lua
  end
end
M.reference = M.luas[1]

return M
