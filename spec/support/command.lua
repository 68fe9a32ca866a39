--- Runs bin/codearts-build as a process, with its output in files or in a real pseudo-terminal.

local quote = require("spec.support.quote")
local read_file = require "spec.support.read_file"
local M = {}

local ROOT = debug.getinfo(1, "S").source:match "^@(.*)spec/support/command%.lua$" or ""
local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")

-- A command that hangs is an error, not a reason for the specs to hang. It stands outside of a terminal: inside, it would
-- pass the signal of Ctrl-C on, which has come already.
local PATIENCE = "timeout 300"

M.quote = quote

--- Variables that could reach into a spec from outside are gone; those of `env` are set.
local function environment(env)
  local parts = { "env" }
  for _, name in ipairs {
    "CODEARTS_BUILD_TOKEN",
    "CODEARTS_BUILD_REGION",
    "CODEARTS_BUILD_ENDPOINT",
    "CODEARTS_BUILD_PROJECT",
    "NO_COLOR",
    "LC_ALL",
    "CODEARTS_BUILD_KEY_STORE",
    "CODEARTS_BUILD_ETCD_USER",
    "CODEARTS_BUILD_ETCD_PASSWORD_FILE",
    "CODEARTS_BUILD_ETCD_CA_FILE",
    "XDG_STATE_HOME",
    "COLUMNS",
  } do
    parts[#parts + 1] = "-u " .. name
  end
  parts[#parts + 1] = "HOME=/nonexistent XDG_CACHE_HOME=/dev/null LANG=C.UTF-8 TERM=xterm"
  for name, value in pairs(env or {}) do
    if name ~= "TREE" and name ~= "UNDER" then
      parts[#parts + 1] = name .. "=" .. quote(value)
    end
  end
  return table.concat(parts, " ")
end

--- The shell command that runs codearts-build with these arguments.
---@param arguments string as in a shell
---@param env table<string, string>? TREE: the folder of another tree; UNDER: what runs it, a program with its arguments
---@return string
function M.line(arguments, env)
  local tree = env and env.TREE and env.TREE .. "/" or ROOT
  local under = env and env.UNDER or ""
  return ("%s %s %s %sbin/codearts-build %s"):format(environment(env), under, LUA, tree, arguments)
end

--- Makes a tree in which nothing was built yet.
---@return string folder to be removed
function M.unbuilt_tree()
  local folder = os.tmpname()
  os.remove(folder)
  local here = ROOT == "" and "$PWD" or ROOT
  assert(
    os.execute(
      ("mkdir %s && cp -r %s/bin %s && ln -s %s/lua %s"):format(folder, here, folder, here, folder)
    )
  )
  return folder
end

--- The same by the file itself, which finds its Lua and its modules.
---@param arguments string as in a shell
---@param env table<string, string>?
---@return string
function M.own_line(arguments, env)
  return ("%s LUA=%s %sbin/codearts-build %s"):format(environment(env), LUA, ROOT, arguments)
end

--- What an interactive shell starts with, so that it knows codearts-build as an installed command: the arguments of `env`.
---@param env table<string, string>?
---@return string
function M.shell_environment(env)
  local folder = ROOT == "" and "$PWD/" or ROOT
  return ('%s LUA=%s PATH="%sbin:$PATH"'):format(environment(env):gsub("^env ", ""), LUA, folder)
end

---@class spec.CommandResult
---@field status integer
---@field out string
---@field err string

--- Runs to the end, output not on a terminal.
---@param arguments string
---@param env table<string, string>?
---@param output string? a redirection of standard output, such as ">/dev/full"
---@return spec.CommandResult
function M.run(arguments, env, output)
  local out, err, status = os.tmpname(), os.tmpname(), os.tmpname()
  os.execute(
    ("%s %s >%s 2>%s </dev/null %s; echo $? >%s"):format(
      PATIENCE,
      M.line(arguments, env),
      out,
      err,
      output or "",
      status
    )
  )
  local result = {
    out = read_file(out),
    err = read_file(err),
    status = tonumber((read_file(status):match "%d+")),
  }
  os.remove(out)
  os.remove(err)
  os.remove(status)
  return result
end

---@class spec.Running
---@field private pipe file*
---@field private input file*?
---@field private fifo string?
---@field private status_file string
---@field pid integer? without a terminal: the process
---@field seen string what was read so far
local Running = {}
Running.__index = Running

--- Reads until a text has come; raises if the output ends before.
---@param wanted string
function Running:expect(wanted)
  while not self.seen:find(wanted, 1, true) do
    local byte = self.pipe:read(1)
    assert(byte, ("%q never came; what came: %s"):format(wanted, self.seen))
    self.seen = self.seen .. byte
  end
end

--- Types on the terminal.
---@param keys string
function Running:type(keys)
  self.input:write(keys)
  self.input:flush()
end

--- Sends a signal to the process.
---@param name string
function Running:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

--- Reads to the end.
---@return integer status
---@return string seen everything that came
function Running:finish()
  self.seen = self.seen .. self.pipe:read "*a"
  self.pipe:close()
  if self.input then
    self.input:close()
    os.remove(self.fifo)
  end
  local status = tonumber((read_file(self.status_file):match "%d+"))
  os.remove(self.status_file)
  return status, self.seen
end

--- Starts in a pseudo-terminal of that many columns.
---@param arguments string
---@param env table<string, string>?
---@param columns integer?
---@return spec.Running
function M.start_on_terminal(arguments, env, columns)
  local fifo, status_file = os.tmpname(), os.tmpname()
  os.remove(fifo)
  assert(os.execute("mkfifo " .. fifo))
  local inside = ("stty cols %d rows 40 -echo; exec %s"):format(
    columns or 80,
    M.line(arguments, env)
  )
  -- Not for reading alone: a fifo that has no writer yet would hold the shell.
  local pipe = io.popen(
    ("{ SHELL=/bin/sh %s script -qec %s /dev/null <>%s; echo $? >%s; } 2>&1"):format(
      PATIENCE,
      quote(inside),
      fifo,
      status_file
    ),
    "r"
  )
  local input = assert(io.open(fifo, "r+"))
  return setmetatable(
    { pipe = pipe, input = input, fifo = fifo, status_file = status_file, seen = "" },
    Running
  )
end

--- Runs to the end in a pseudo-terminal.
---@param arguments string
---@param env table<string, string>?
---@param columns integer?
---@return integer status
---@return string seen
function M.run_on_terminal(arguments, env, columns)
  return M.start_on_terminal(arguments, env, columns):finish()
end

--- Starts without a terminal; standard output and error come together.
---@param arguments string
---@param env table<string, string>?
---@return spec.Running
function M.start(arguments, env)
  return M.start_line("exec " .. M.line(arguments, env))
end

--- Starts what a shell makes of a line; a signal goes to that shell, so let it `exec` the command.
---@param line string
---@return spec.Running
function M.start_line(line)
  local status_file = os.tmpname()
  local pipe = io.popen(
    ("{ %s sh -c %s; echo $? >%s; } 2>&1 </dev/null"):format(
      PATIENCE,
      quote("echo $$; " .. line),
      status_file
    ),
    "r"
  )
  local pid = tonumber(pipe:read "*l")
  return setmetatable({ pipe = pipe, status_file = status_file, pid = pid, seen = "" }, Running)
end

return M
