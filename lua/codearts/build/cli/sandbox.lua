--- codearts-build sandbox: runs the local build service in this process until it is told to end.
local exit_status = require "codearts.build.cli.exit_status"
local kinds = require "codearts.build.cli.kinds"

-- A variable of its own: the sandbox prints its token, so it must not be the one that real credentials are kept in.
local function token_from_environment()
  local token = os.getenv "CODEARTS_BUILD_SANDBOX_TOKEN"
  return token ~= "" and token or nil
end

---@param values table
---@return integer exit status
local function run(values)
  local ok, problem = pcall(require("codearts.build.sandbox").serve, {
    jobs = values.jobs,
    host = values.host,
    port = values.port,
    token = values.token or token_from_environment(),
    folder = values.folder,
    max_builds = values.max_builds,
    signature_age = values.signature_age,
    clock_ahead = values.clock_ahead,
    list_after = values.list_after,
    lose_answers = values.lose_answers,
  })
  if not ok then
    io.stderr:write(tostring(problem), "\n")
    return exit_status.usage
  end
  return exit_status.success
end

return {
  summary = "Run a local build service for development and tests.",
  examples = {
    "codearts-build sandbox --jobs jobs.lua",
  },
  rows = {
    {
      name = "--jobs",
      file = true,
      word = "FILE",
      help = "File that describes the jobs.",
      kind = kinds.text,
    },
    {
      name = "--host",
      word = "ADDRESS",
      help = "Address to listen on; it runs commands, so keep it on loopback.",
      kind = kinds.text,
    },
    {
      name = "--port",
      word = "N",
      help = "Port to listen on (default: any free one).",
      kind = kinds.integer(0),
    },
    {
      name = "--token",
      word = "TEXT",
      help = "Token to accept (default: CODEARTS_BUILD_SANDBOX_TOKEN, else a random one). Others on this machine can read it here.",
      kind = kinds.text,
    },
    {
      name = "--folder",
      file = true,
      word = "DIR",
      help = "Where builds work and stay (default: a temporary one).",
      kind = kinds.text,
    },
    {
      name = "--max-builds",
      word = "N",
      help = "Builds at once; the others wait (default 2).",
      kind = kinds.integer(1),
    },
    {
      name = "--signature-age",
      word = "TIME",
      help = "How old a signature may be (default 15m).",
      kind = kinds.duration,
    },
    {
      name = "--clock-ahead",
      word = "TIME",
      help = "How much its clock is ahead of this machine's.",
      kind = kinds.duration,
    },
    {
      name = "--list-after",
      word = "TIME",
      help = "How long after its start a build is listed.",
      kind = kinds.duration,
    },
    {
      name = "--lose-answers",
      word = "N",
      help = "Start so many builds without an answer.",
      kind = kinds.integer(0),
    },
  },
  run = run,
}
