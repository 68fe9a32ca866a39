--- A sandbox for specs of the command line: its jobs, and the environment in which the command finds it.

local command = require "spec.support.command"
local sandbox = require "codearts.build.sandbox"

-- GATE names a file that a step waits for, so that a spec decides when the build goes on.
local JOBS = [==[
local wait_for_gate = [[
  echo waiting
  while [ -n "$GATE" ] && [ ! -e "$GATE" ]; do sleep 0.02; done
  echo going on
]]

job {
  id = "goodjob0000000000000000000000001",
  name = "good",
  parameters = { GATE = "", codeBranch = "main", WORD = "" },
  packages = { "out-$INCREASENUM.txt" },
  steps = {
    step {
      name = "Prepare",
      run = "echo branch $codeBranch word $WORD tag ${GIT_TAG:-none} commit ${COMMIT_ID:-none}",
    },
    step { name = "编译程序", run = wait_for_gate },
    step {
      name = "Pack",
      run = "printf 'a line \\033[31mred\\033[0m\\n'; echo x >out-$INCREASENUM.txt",
    },
  },
}

job {
  id = "badjob00000000000000000000000001",
  name = "bad",
  parameters = { GATE = "" },
  steps = {
    step { name = "Prepare", run = "echo fine; sleep 0.05" }, -- long enough to be seen in a picture
    step { name = "Test", run = wait_for_gate .. "echo 'test 7 failed'; exit 3" },
    step { name = "Pack", run = "echo never" },
  },
}
]==]

local M = {
  good = "goodjob0000000000000000000000001",
  bad = "badjob00000000000000000000000001",
}

---@class spec.CliSandbox
---@field env table<string, string>
---@field project string
---@field gate string a file that does not exist until `open_gate` makes it
---@field gates string[] this one and those before it
local CliSandbox = {}
CliSandbox.__index = CliSandbox

---@param more string? jobs beside these
---@return spec.CliSandbox
function M.start(more)
  local jobs = os.tmpname()
  local file = assert(io.open(jobs, "w"))
  file:write(JOBS, more or "")
  file:close()
  local box = sandbox.start { jobs = jobs, token = "a-token-of-the-spec", max_builds = 4 }
  local self = {
    box = box,
    jobs = jobs,
    project = box.project_id,
    gates = {},
    env = { CODEARTS_BUILD_ENDPOINT = box.endpoint, CODEARTS_BUILD_TOKEN = box.token },
  }
  setmetatable(self, CliSandbox)
  self:close_gate()
  return self
end

--- A client for it, apart from the library's own.
---@return spec.SandboxClient
function CliSandbox:client()
  return require("spec.support.sandbox_client").of(self.box)
end

--- Its variables and others.
---@param more? table<string, string>
---@return table<string, string>
function CliSandbox:environment(more)
  local env = {}
  for _, list in ipairs { self.env, more or {} } do
    for name, value in pairs(list) do
      env[name] = value
    end
  end
  return env
end

--- Runs the command to its end; see command.run.
---@param arguments string
---@param more? table<string, string> variables
---@return spec.CommandResult
function CliSandbox:run(arguments, more)
  return command.run(arguments, self:environment(more))
end

--- What an editor gets that works with its project.
---@param more? table<string, string>
---@return table<string, string>
function CliSandbox:variables(more)
  local variables = self:environment(more)
  variables.CODEARTS_BUILD_PROJECT = variables.CODEARTS_BUILD_PROJECT or self.project
  return variables
end

--- Lets steps go on that wait for the gate.
function CliSandbox:open_gate()
  assert(io.open(self.gate, "w")):close()
end

--- Makes the next steps wait, at a gate of their own: what still waits at the one before goes on, however late it looks.
function CliSandbox:close_gate()
  if self.gate then
    self:open_gate()
  end
  self.gate = os.tmpname()
  self.gates[#self.gates + 1] = self.gate
  os.remove(self.gate)
end

--- Has the sandbox do something that only tests ask for.
---@param target string
function CliSandbox:post(target)
  self:client():post(target)
end

--- Waits for the end of a build.
---@param job_id string
---@param number integer|string
function CliSandbox:finished(job_id, number)
  self:client():finished(job_id, tonumber(number))
end

function CliSandbox:stop()
  self.box.stop()
  os.remove(self.jobs)
  for _, gate in ipairs(self.gates) do
    os.remove(gate)
  end
end

return M
