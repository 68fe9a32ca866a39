--- Runs programs that use the library: examples under the Lua of the spec, and hosts that bring a
--- LuaJIT of their own.

local M = {}

M.JOB = { job_id = ("a"):rep(32) }
M.NAME = "j_Oaqg3PCN" -- what the fault server's builds are called
M.TOKEN = "a-fake-token"

local LUA = os.getenv("LUA")
  or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d%.%d"))

---@param text string
M.quote = require("spec.support.quote")

local function read(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- A folder of its own, to be removed with `remove`.
---@return string path
function M.folder()
  return (read("mktemp -d"):gsub("%s+$", ""))
end

---@param path string of `folder`
function M.remove(path)
  os.execute("rm -rf " .. M.quote(path))
end

--- Variables by which the examples find the service, as a prefix for a command.
---@param url string
---@return string
function M.service(url)
  return ("CODEARTS_BUILD_ENDPOINT=%s CODEARTS_BUILD_TOKEN=%s JOB_ID=%s "):format(
    M.quote(url),
    M.TOKEN,
    M.JOB.job_id
  )
end

--- Answers what a host with LuaJIT inside lacks here, or nil: these come with `make check`.
---@param program string what shows that the host is there, as a shell command
---@return string?
function M.missing(program)
  local answer =
    read(program .. " >/dev/null 2>&1 || echo no; pkg-config --exists luajit || echo jit")
  return answer:find("no") and "it is not installed"
    or answer:find("jit") and "LuaJIT's headers are not installed"
    or nil
end

local jit_environment

--- Variables by which a host with LuaJIT inside finds the library, which is built for it if need
--- be, as a prefix for a command.
---@return string
function M.for_luajit()
  if not jit_environment then
    -- One after the other, where the system has flock: spec files run side by side.
    local text = read(
      "mkdir -p build; exec 9>build/luajit.lock; flock 9 2>/dev/null; exec 2>&1; "
        .. "make -s LUA=luajit && make -s env LUA=luajit"
    )
    local path, cpath = text:match("LUA_PATH='(.-)'"), text:match("LUA_CPATH='(.-)'")
    assert(path and cpath, "the library could not be built for LuaJIT: " .. text)
    -- A sanitizer preloaded for the spec watches the spec alone.
    jit_environment = ("LD_PRELOAD= LUA_PATH=%s LUA_CPATH=%s "):format(
      M.quote(path),
      M.quote(cpath)
    )
  end
  return jit_environment
end

--- Starts a command and answers its output as a pipe, standard error included.
---@param command string
---@return file*
function M.open(command)
  return assert(io.popen("exec 2>&1; " .. command))
end

--- Runs a command for at most 60 s; answers all its output.
---@param command string
---@return string
function M.run(command)
  return read("exec 2>&1; timeout 300 env " .. command)
end

--- Runs an example with the Lua of the spec.
---@param file string
---@param url string of the service
---@return string output
function M.example(file, url)
  return M.run(M.service(url) .. LUA .. " " .. file)
end

--- A command that runs a piece of Lua with the Lua of the spec.
---@param code string
---@return string
function M.lua(code)
  return LUA .. " -e " .. M.quote(code)
end

return M
