--- Clients for specs about faults: quick retries, no proxy, a token that must never be shown.

local build = require "codearts.build"

local M = {}

M.JOB = { job_id = ("0f1e2d3c"):rep(4) }
M.TOKEN = "fake-token-that-nobody-may-see"
M.RETRY = { max_attempts = 2, base_delay = 0.001, max_delay = 0.002 }

---@param options table of build.new; `endpoint` may be a server of server.lua
---@return codearts.build.Client
function M.new(options)
  local all = { auth = M.TOKEN, retry = M.RETRY, proxy = false }
  for name, value in pairs(options) do
    all[name] = value
  end
  if type(all.endpoint) == "table" then
    local server = all.endpoint
    all.endpoint = server.url
    if server.ca_file and all.tls == nil then
      all.tls = { ca_file = server.ca_file }
    end
  end
  return build.new(all)
end

--- Starts one build with a client of its own.
---@return codearts.build.Result? result
---@return codearts.build.Error? err
function M.run(options, opts)
  local client = M.new(options)
  local result, err = client:try_run(M.JOB, opts)
  client:close()
  return result, err
end

--- Steps until a call has ended; raises after 20 seconds.
---@return any result
---@return codearts.build.Error? err
function M.wait(client, call)
  client:wait_for(call, 20)
  assert(call:done(), "the call did not end")
  return call:try_wait()
end

M.LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")

--- Runs a program in an interpreter of its own, at most 30 seconds, and answers what it printed.
---@param program string Lua text
---@param wrap (fun(command: string): string)? turns the shell command into another
---@return string
function M.elsewhere(program, wrap)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(program)
  file:close()
  local command = ("timeout 300 %s %s"):format(M.LUA, path)
  local pipe = assert(io.popen((wrap and wrap(command) or command) .. " 2>&1", "r"))
  local told = pipe:read "*a"
  pipe:close()
  os.remove(path)
  return told
end

--- Everything that an error says, to be searched for secrets.
---@param err any
---@return string
function M.all_text(err)
  local parts = { tostring(err) }
  for name, value in pairs(type(err) == "table" and err or {}) do
    parts[#parts + 1] = ("%s=%s"):format(tostring(name), tostring(value))
  end
  return table.concat(parts, "\n")
end

--- Raises unless the error has these members, and shows no token.
---@param expected table false stands for nil
---@param err codearts.build.Error?
function M.check(expected, err)
  assert(build.is_error(err), "an error was expected, not " .. tostring(err))
  for name, value in pairs(expected) do
    if err[name] ~= (value or nil) and err[name] ~= value then
      error(
        ("%s is %s, not %s: %s"):format(name, tostring(err[name]), tostring(value), tostring(err)),
        2
      )
    end
  end
  if M.all_text(err):find(M.TOKEN, 1, true) then
    error("the token is shown: " .. M.all_text(err), 2)
  end
end

return M
