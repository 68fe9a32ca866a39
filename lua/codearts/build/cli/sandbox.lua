--- codearts-build sandbox: runs the local build service in this process until it is told to end.
local exit_status = require "codearts.build.cli.exit_status"
local kinds = require "codearts.build.cli.kinds"

-- Secrets come from variables, since others can read arguments; from variables of its own, since the
-- sandbox prints its token, so that must not be one that real credentials are kept in.
local function from_environment(name)
  local value = os.getenv("CODEARTS_BUILD_SANDBOX_" .. name)
  return value ~= "" and value or nil
end

-- What is given without the other half that it needs.
local function problem_of_halves(values)
  local ak, sk = from_environment "AK", from_environment "SK"
  if (ak == nil) ~= (sk == nil) then
    return ("CODEARTS_BUILD_SANDBOX_%s needs CODEARTS_BUILD_SANDBOX_%s"):format(
      ak and "AK" or "SK",
      ak and "SK" or "AK"
    )
  elseif (values.user == nil) ~= (from_environment "PASSWORD" == nil) then
    return "--user and the variable CODEARTS_BUILD_SANDBOX_PASSWORD go together"
  end
end

-- For a person who goes on in another shell. Scripts read the line before it.
local function tell_variables(endpoint, token, project_id)
  if require("codearts.build.core").isatty(2) then
    io.stderr:write(
      "In another shell:\n",
      "  export CODEARTS_BUILD_ENDPOINT=" .. endpoint .. "\n",
      "  export CODEARTS_BUILD_TOKEN='" .. token:gsub("'", "'\\''") .. "'\n",
      "  export CODEARTS_BUILD_PROJECT=" .. project_id .. "\n",
      "  codearts-build jobs\n"
    )
  end
end

---@param values table
---@return integer exit status
local function run(values)
  local half = problem_of_halves(values)
  if half then
    io.stderr:write("codearts-build sandbox: ", half, "\n")
    return exit_status.usage
  end
  local ok, problem = pcall(require("codearts.build.sandbox").serve, {
    jobs = values.jobs,
    host = values.host,
    port = values.port,
    token = values.token or from_environment "TOKEN",
    ak = from_environment "AK",
    sk = from_environment "SK",
    user = values.user,
    password = from_environment "PASSWORD",
    domain = values.domain,
    metadata = values.metadata or false,
    pod_identity = values.pod_identity or false,
    project_id = values.project_id,
    folder = values.folder,
    max_builds = values.max_builds,
    signature_age = values.signature_age,
    clock_ahead = values.clock_ahead,
    list_after = values.list_after,
    lose_answers = values.lose_answers,
  }, tell_variables)
  if not ok then
    io.stderr:write(tostring(problem), "\n")
    return exit_status.usage
  end
  return exit_status.success
end

return {
  summary = "Run a local build service for development and tests.",
  about = [[
Once ready it prints endpoint, token and project_id. Other commands take them from CODEARTS_BUILD_ENDPOINT,
CODEARTS_BUILD_TOKEN and CODEARTS_BUILD_PROJECT; on a terminal it prints those lines, too.

The job sample, without --jobs: it fails with --param EXIT_STATUS=3, and lasts longer with --param DELAY=60
(seconds). A job file is Lua; each step runs in a shell, with the parameters as variables:

  job { id = "makejob0000000000000000000000001", name = "make", parameters = { FAIL = "0" },
    steps = { step { name = "Compile", run = "exit $FAIL" } } }

Secrets that it accepts come from the environment: CODEARTS_BUILD_SANDBOX_TOKEN, _AK and _SK, and
_PASSWORD of --user.]],
  examples = {
    "codearts-build sandbox --jobs jobs.lua",
    "codearts-build run sample --param EXIT_STATUS=3 --wait",
    "CODEARTS_BUILD_SANDBOX_PASSWORD=... codearts-build sandbox --user ci --domain acme",
  },
  rows = {
    {
      name = "--jobs",
      file = true,
      word = "FILE",
      help = "File that describes the jobs (default: one job, sample).",
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
      name = "--user",
      word = "NAME",
      help = "IAM user who gets tokens for the password in CODEARTS_BUILD_SANDBOX_PASSWORD.",
      kind = kinds.text,
    },
    {
      name = "--domain",
      word = "NAME",
      help = "Name of the user's account (default: sandbox).",
      kind = kinds.text,
    },
    {
      name = "--metadata",
      help = "Play the metadata service, which gives keys to everybody who can connect.",
    },
    {
      name = "--pod-identity",
      help = "Play pod identity for whoever sends the token.",
    },
    {
      name = "--project-id",
      word = "ID",
      help = "Id of the one project: 32 digits and lower-case letters.",
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
