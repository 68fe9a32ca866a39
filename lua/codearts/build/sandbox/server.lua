-- The sandbox as a process: listens, says so, serves until a signal or the end of its input, and takes its builds with it.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local http_server = require "http.server"
local signal = require "cqueues.signal"
local socket = require "cqueues.socket"
local builds = require "codearts.build.sandbox.builds"
local clock = require "codearts.build.sandbox.clock"
local gateway = require "codearts.build.sandbox.gateway"
local http = require "codearts.build.sandbox.http"
local identities = require "codearts.build.sandbox.identities"
local random = require "codearts.build.sandbox.random"
local reaper = require "codearts.build.sandbox.reaper"

local M = {}

local MAX_LINE = 128 * 1024 -- longest header; a token may have 100,000 characters, API reference 1.1
local STOP_TIMEOUT = 6 -- seconds for the builds to end; the reaper kills what is left then

---@class codearts.build.sandbox.Sandbox
---@field options codearts.build.sandbox.Options
---@field endpoint string
---@field job_list codearts.build.sandbox.Job[]
---@field jobs table<string, codearts.build.sandbox.Job> by id
---@field builds codearts.build.sandbox.Builds
---@field identities codearts.build.sandbox.Identities
---@field gateway codearts.build.sandbox.Gateway
---@field metadata_token { id: string, expires: number }|nil the one that was issued last
---@field private operations table<string, integer>
local Sandbox = {}
Sandbox.__index = Sandbox

function Sandbox:count(operation)
  self.operations[operation] = (self.operations[operation] or 0) + 1
end

---What GET /__sandbox/stats answers.
function Sandbox:stats()
  local operations = {}
  for name, count in pairs(self.operations) do
    operations[name] = count
  end
  return {
    operations = operations,
    builds_started = self.builds.started,
    builds_running = self.builds.running,
    builds_queued = self.builds.queued,
  }
end

local function line_of(command)
  local pipe = assert(io.popen(command, "r"))
  local line = pipe:read("*l")
  pipe:close()
  return line
end

-- Where the builds work: the user's folder, which stays; and where their scripts lie, which the reaper removes. It is the same one
-- where the user names none.
local function make_folders(folder)
  local given
  if folder then
    local quoted = reaper.quote(folder)
    given = assert(
      line_of(("mkdir -p -- %s && cd -- %s && pwd"):format(quoted, quoted)),
      "the folder cannot be made: " .. folder
    )
  end
  local private = assert(line_of("umask 077 && mktemp -d"), "no temporary folder can be made")
  return given or private, private
end

local function endpoint_of(host, port)
  return ("http://%s:%d"):format(host:find(":", 1, true) and "[" .. host .. "]" or host, port)
end

-- Connections that break are the clients' affair.
local function listen(sandbox, cq)
  socket.setmaxline(MAX_LINE) -- the default of the sockets to come; lua-http knows no option for it
  local server, message = http_server.listen {
    host = sandbox.options.host,
    port = ("%d"):format(sandbox.options.port),
    tls = false,
    cq = cq,
    intra_stream_timeout = 120,
    max_concurrent = 512,
    reuseaddr = true,
    onerror = function() end,
    onstream = function(_, stream)
      http.serve(sandbox, stream)
    end,
  }
  local ok = server ~= nil
  if server then
    ok, message = server:listen()
  end
  if not ok then
    return nil,
      ("cannot listen on %s port %d: %s"):format(
        sandbox.options.host,
        sandbox.options.port,
        tostring(message)
      )
  end
  local _, _, port = server:localname()
  sandbox.endpoint = endpoint_of(sandbox.options.host, port)
  return server
end

local function wait_for_signal(ended)
  local listener = signal.listen(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
  listener:wait()
  ended()
end

local function wait_for_end_of_input(ended)
  local input = assert(socket.dup(io.stdin))
  input:setmode("bn", "bn")
  while input:read(-1) do
    cqueues.sleep(0)
  end
  ended()
end

-- Steps the loop until `done()`. A coroutine that fails is named and gone; the others go on.
local function loop_until(cq, done, deadline)
  while not done() and cqueues.monotime() < deadline do
    local ok, message = cq:step(math.min(deadline - cqueues.monotime(), 3600))
    if not ok then
      io.stderr:write("codearts-build sandbox: ", tostring(message), "\n")
    end
  end
end

local function new_sandbox(options, job_list)
  clock.move(options.clock_ahead)
  local sandbox = setmetatable({
    options = options,
    job_list = job_list,
    jobs = {},
    operations = {},
    identities = identities.new(options),
    gateway = gateway.new(options.lose_answers),
  }, Sandbox)
  for _, job in ipairs(job_list) do
    sandbox.jobs[job.id] = job
    job.build_project_id = random.uuid()
  end
  return sandbox
end

---Serves until SIGTERM, SIGINT or SIGHUP, or until the input ends when that is asked for. Blocks.
---@param options codearts.build.sandbox.Options complete
---@param job_list codearts.build.sandbox.Job[]
---@param ready fun(sandbox: codearts.build.sandbox.Sandbox) called when it listens
---@param tied boolean the end of standard input ends it
---@return boolean|nil ok
---@return string|nil message why it could not start
function M.run(options, job_list, ready, tied)
  local sandbox, cq, stopped = new_sandbox(options, job_list), cqueues.new(), false
  local server, message = listen(sandbox, cq)
  if not server then
    return nil, message
  end
  local wake = condition.new()
  local function ended()
    stopped = true
    wake:signal()
  end
  local folder, scripts = make_folders(options.folder)
  local helper = reaper.start(scripts)
  -- A script that starts us with `&` makes us ignore this one; its Ctrl-C is meant for us all the same.
  signal.default(signal.SIGINT)
  signal.block(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
  cq:wrap(wait_for_signal, ended)
  if tied then
    cq:wrap(wait_for_end_of_input, ended)
  end
  sandbox.builds = builds.new {
    cq = cq,
    reaper = helper,
    folder = folder,
    scripts = scripts,
    keep = options.folder ~= nil,
    max_builds = options.max_builds,
    list_after = options.list_after,
    jobs = job_list,
    project_id = options.project_id,
  }
  ready(sandbox)
  loop_until(cq, function()
    return stopped
  end, math.huge)
  server:pause()
  loop_until(cq, function()
    return sandbox.builds:stop_all()
  end, cqueues.monotime() + STOP_TIMEOUT)
  server:close()
  helper:close()
  signal.unblock(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
  return true
end

return M
