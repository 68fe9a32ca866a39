---A local build service with the API of CodeArts Build, for developing and testing without an account. It runs the commands of a job
---file as real processes. `doc/sandbox.md` tells what it does; it needs lua-http, and `setsid` of util-linux.
---@class codearts.build.sandbox
local M = {}

local READY = "codearts-build sandbox ready endpoint=%s token=%s project_id=%s\n"

local function fail(message)
  error("codearts-build sandbox: " .. message, 0)
end

local function run(given, tied, told)
  local ok, message = require("codearts.build.sandbox.luahttp").prepare()
  if not ok then
    fail(message)
  end
  local options, jobs
  options, message = require("codearts.build.sandbox.options").complete(given)
  if options then
    jobs, message = require("codearts.build.sandbox.jobs").load(options.jobs)
  end
  if not jobs then
    fail(message)
  end
  ok, message = require("codearts.build.sandbox.server").run(options, jobs, function(sandbox)
    io.stdout:write(READY:format(sandbox.endpoint, options.token, options.project_id))
    io.stdout:flush()
    if told then
      told(sandbox.endpoint, options.token, options.project_id)
    end
  end, tied)
  if not ok then
    fail(message)
  end
end

---Serves in this process until SIGTERM, SIGINT or SIGHUP, and ends every build before it returns. Blocks. When it listens it prints one
---line on standard output: `codearts-build sandbox ready endpoint=http://127.0.0.1:PORT token=… project_id=…`.
---Raises a string for a bad option or job file (`file:line: …`), and when it cannot listen.
---@param options? codearts.build.sandbox.Options
---@param told? fun(endpoint: string, token: string, project_id: string) what the command does behind that line
function M.serve(options, told)
  run(options, false, told)
end

---What `start` runs in the new process, whose input's end then ends the sandbox.
---@param file string holds the options as JSON
function M.serve_child(file)
  local ok, message = pcall(function()
    local handle = assert(io.open(file, "rb"))
    local options = require("codearts.build.sandbox.json").decode(handle:read("*a"))
    handle:close()
    run(options, true)
  end)
  if not ok then
    message = tostring(message):gsub("^codearts%-build sandbox: ", ""):gsub("\n", " ")
    io.stdout:write("codearts-build sandbox failed ", message, "\n")
    os.exit(1)
  end
end

---@class codearts.build.sandbox.Handle
---@field endpoint string `http://127.0.0.1:PORT`
---@field token string a token that it accepts
---@field project_id string
---@field stop fun() ends it with its builds and waits for that; more than once does nothing. The end of this process ends it, too

---Starts a sandbox as a process of its own and waits until it listens (some 0.1 s; blocks).
---Raises a string for a bad option or job file (`file:line: …`), and when it cannot start.
---@param options? codearts.build.sandbox.Options
---@return codearts.build.sandbox.Handle
function M.start(options)
  local handle, message = require("codearts.build.sandbox.launch").start(options or {})
  if not handle then
    fail(message)
  end
  return handle
end

return M
