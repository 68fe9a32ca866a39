-- The command as a process: a one-shot run beside the `curl` program, and what needs no network beside an empty program.

local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"
local socket = require "socket"

local BIN = "bin/codearts-build"
local JOB = "f9d6c8466d614a9788e9a0acf6c15f46"

return function(bench)
  local lua, times = machine.reference, bench.quick and 5 or 20
  local trust = bench.server.trust

  local function ours(kind, ...)
    local command = bench.clients.lua(lua, "")
    local variables = measure.words(
      "env",
      "CODEARTS_BUILD_ENDPOINT=" .. bench.server[kind],
      "CODEARTS_BUILD_TOKEN=" .. ("A"):rep(2560),
      "SSL_CERT_FILE=" .. trust
    )
    return {
      before = command.before .. " " .. variables,
      program = measure.words(lua, BIN, ...),
    }
  end

  local function curl(kind)
    return bench.clients.curl(kind, trust)
  end

  local usage_error = ours("http", "run", "short")
  usage_error.program = usage_error.program .. " 2>/dev/null || true"
  local RUN = { "run", JOB, "--param", "codeBranch=master", "--commit", "build_commit_id" }
  local unpack = table.unpack or unpack
  local list = {
    {
      "an empty Lua program",
      { before = bench.clients.lua(lua, "").before, program = lua .. " /dev/null" },
    },
    { "--version", ours("http", "--version") },
    { "a usage error", usage_error },
    { "curl, https", curl "https" },
    { "run, https", ours("https", unpack(RUN)) },
    { "curl, http", curl "http" },
    { "run, http", ours("http", unpack(RUN)) },
  }
  local runs = {}
  for round = 1, bench.rounds do
    for _, entry in ipairs(list) do
      runs[entry[1]] = runs[entry[1]] or {}
      runs[entry[1]][round] = measure.process(entry[2], times, socket.gettime)
    end
  end
  local rows = {}
  for index, entry in ipairs(list) do
    rows[index] = {
      entry[1],
      string.format("%.2f", measure.least(runs[entry[1]], measure.wall) / 1000),
      string.format("%.2f", measure.median(runs[entry[1]], measure.wall) / 1000),
    }
  end
  report.show("The command, as a whole process", { "process", "ms", "median" }, rows)
  local function ratio(one, other)
    return measure.ratio(runs[one], runs[other], measure.wall)
  end
  report.target("run over https, of the curl program", ratio("run, https", "curl, https"), "<=", 1)
  report.target(
    "--version, of an empty program",
    ratio("--version", "an empty Lua program"),
    "<=",
    3
  )
  report.target(
    "a usage error, of an empty program",
    ratio("a usage error", "an empty Lua program"),
    "<=",
    3
  )
end
