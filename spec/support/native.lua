--- Compiles C files of spec/support for the Lua that runs: modules, and programs that embed it.

local M = {}

local LUA = os.getenv("LUA")
  or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d%.%d"))

--- A warning of the compiler is an error where make takes it for one.
M.werror = os.getenv("WERROR") == "1" and "-Werror" or ""

local function sh(command)
  local pipe = assert(io.popen(("{ %s\n} 2>&1 && echo done"):format(command)))
  local output = pipe:read("*a")
  pipe:close()
  local text = output:match("^(.*)done\n$")
  return assert(text, output)
end

--- The runtime that the core is built with (a sanitizer's, or that of `make coverage`), as a compiler
--- flag: a program that links or loads it needs it.
---@return string
function M.runtime()
  local symbols = sh("nm '" .. M.core_path() .. "'")
  return symbols:find("__asan_init", 1, true) and "-fsanitize=address,undefined"
    or symbols:find("__tsan_init", 1, true) and "-fsanitize=thread"
    or symbols:find("__gcov_", 1, true) and "-lgcov"
    or ""
end

--- The file of the core that `require` finds.
---@return string
function M.core_path()
  for template in package.cpath:gmatch("[^;]+") do
    local path = template:gsub("%?", "codearts/build/core")
    local file = io.open(path)
    if file then
      file:close()
      return path
    end
  end
  error("the core is not built")
end

-- The flags of pkg-config, unless others were named for the core, too.
local function flags(which, variable)
  return ("${%s:-$(pkg-config %s $(.ci/lua-headers %s))}"):format(variable, which, LUA)
end

local function compile(path, more)
  local target = os.tmpname()
  sh(
    ("cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra %s -Icsrc %s -o %s %s %s"):format(
      M.werror,
      flags("--cflags", "LUA_CFLAGS"),
      target,
      path,
      more
    )
  )
  return target
end

local function support(name)
  return ("spec/support/%s.c"):format(name)
end

--- Loads spec/support/NAME.c, a module whose entry point is luaopen_NAME.
---@param name string
---@param libraries string|nil flags of the linker
---@return any module
function M.module(name, libraries)
  local target = compile(support(name), "-shared -fPIC " .. (libraries or ""))
  local open = assert(package.loadlib(target, "luaopen_" .. name))
  os.remove(target)
  return open()
end

--- Compiles spec/support/NAME.c to a library for LD_PRELOAD.
---@param name string
---@param libraries string|nil flags of the linker: what it looks beyond itself for
---@return string path to be removed by the caller
function M.library(name, libraries)
  return compile(support(name), "-shared -fPIC -ldl " .. (libraries or ""))
end

--- Compiles spec/support/NAME.c to a program that embeds Lua.
---@param name string
---@param libraries string|nil flags of the linker
---@return string path to be removed by the caller
function M.program(name, libraries)
  return compile(
    support(name),
    ("%s %s -pthread %s"):format(libraries or "", flags("--libs", "LUA_LIBS"), M.runtime())
  )
end

--- Compiles spec/units/NAME.c to a program that knows no Lua.
---@param name string
---@param sources string C files of the core that it needs
---@return string path to be removed by the caller
function M.unit(name, sources)
  local libraries = "$(pkg-config --cflags --libs libcurl libcrypto) -lm -pthread"
  return compile(("spec/units/%s.c"):format(name), sources .. " " .. libraries)
end

--- The same, with the rooms of the core compiled so that each basic block of theirs calls
--- __sanitizer_cov_trace_pc of the program: work is counted, whatever the time.
---@param name string
---@param sources string
---@return string path to be removed by the caller
function M.counted_unit(name, sources)
  local rooms = os.tmpname()
  sh(
    ("cc -std=c11 -D_GNU_SOURCE -O1 -Icsrc -fsanitize-coverage=trace-pc -r -nostdlib -o %s %s $(pkg-config --cflags libcurl)"):format(
      rooms,
      sources
    )
  )
  local program = M.unit(name, rooms)
  os.remove(rooms)
  return program
end

--- What links the core into a program.
---@return string
function M.core_flags()
  local archive = M.core_path():gsub("codearts/build/core%.so$", "libcodearts_build.a")
  return "'" .. archive .. "' $(pkg-config --libs libcurl libcrypto) -lm -ldl"
end

return M
