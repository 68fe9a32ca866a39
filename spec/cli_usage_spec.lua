-- Bad input: a usage error, exit status 2, and a word on what was expected; and neither core nor libcurl loaded for it.

local command = require "spec.support.command"
local core = require "codearts.build.core"

local JOB = "f9d6c8466d614a9788e9a0acf6c15f46"

-- The core can be loaded from nowhere, so what works does not need it.
local NO_CORE = { LUA_CPATH = "/nonexistent/?.so" }
for _, version in ipairs { "5_2", "5_3", "5_4", "5_5" } do
  NO_CORE["LUA_CPATH_" .. version] = NO_CORE.LUA_CPATH
end

local function run(arguments)
  return command.run(arguments, NO_CORE)
end

describe("the command line", function()
  setup(function()
    NO_CORE.TREE = command.unbuilt_tree()
  end)

  teardown(function()
    os.execute("rm -r " .. NO_CORE.TREE)
  end)

  it("tells its version without the core", function()
    local result = run "--version"
    assert.are.equal(0, result.status)
    assert.are.equal("codearts-build " .. require "codearts.build.version" .. "\n", result.out)
    assert.are.equal("", result.err)
  end)

  it("tells what it can do, with examples and exit statuses", function()
    local result = run "--help"
    assert.are.equal(0, result.status)
    for _, word in ipairs {
      "run",
      "wait",
      "status",
      "log",
      "stop",
      "history",
      "jobs",
      "call",
      "doctor",
      "sandbox",
      "124",
    } do
      assert.is_truthy(result.out:find("%f[%w]" .. word .. "%f[%W]"), word)
    end
  end)

  it("is made of what each command says of itself", function()
    local arguments = require "codearts.build.cli.arguments"
    for _, name in ipairs(arguments.commands) do
      local described = arguments.command(name)
      local help = run(name .. " --help").out
      assert.is_function(described.run, name)
      for _, row in ipairs(described.rows) do
        assert.is_truthy(help:find(row.word or row.name, 1, true), name .. ": " .. row.name)
        local first = row.help:match "%S+"
        assert.is_truthy(help:find(first, 1, true), name .. ": " .. first)
      end
    end
  end)

  it("loads the one command that is meant", function()
    local arguments = require "codearts.build.cli.arguments"
    for _, name in ipairs(arguments.commands) do
      package.loaded["codearts.build.cli." .. name] = nil
    end
    assert.is_truthy((arguments.parse { "stop", JOB, "20" }))
    for _, name in ipairs(arguments.commands) do
      local is_loaded = package.loaded["codearts.build.cli." .. name] ~= nil
      assert.are.equal(name == "stop", is_loaded, name)
    end
  end)

  it("has help with an example for every command", function()
    for _, name in ipairs(require("codearts.build.cli.arguments").commands) do
      local result = run(name .. " --help")
      assert.are.equal(0, result.status, name)
      assert.is_truthy(result.out:find "Examples?:", name)
      assert.is_truthy(result.out:find("codearts-build " .. name, 1, true), name)
    end
  end)

  it("shows a job file that the sandbox can read", function()
    local help = run("sandbox --help").out
    local job_file = help:match "\n(  job {.-\n)\n"
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(job_file)
    file:close()
    local jobs = assert(require("codearts.build.sandbox.jobs").load(path))
    os.remove(path)
    assert.are.equal(1, #jobs)
  end)

  local build = JOB .. " 20"
  local cases = {
    { "", "a command is required" },
    { "rnu", "Did you mean 'run'?" },
    { "--verison", "--version" },
    { "run", "missing argument" },
    { "run short", "JOB: 'short' is no job id (32 letters and digits) and no address" },
    {
      "run " .. JOB .. " 'a b'",
      "to find it by its name give --project or set CODEARTS_BUILD_PROJECT",
    },
    { "run ''", "JOB: expected a job id, an address or a name" },
    { "status name:", "JOB: expected a job id, an address or a name" },
    { "stop short 3", "JOB: 'short' is no job id" },
    { "history short", "JOB: 'short' is no job id" },
    { "run short --project x", "--project: expected a project id" },
    { "log short --project ''", "--project: expected a project id" },
    { "run https://example.com/x", "holds no job id" },
    { "run STAGE=beta", "JOB: a parameter is given by --param NAME=VALUE" },
    { "run " .. JOB .. " --param x", "--param: expected NAME=VALUE or NAME=@FILE" },
    { "run " .. JOB .. " --param =x", "--param: expected NAME=VALUE" },
    { "run " .. JOB .. " --param x=@", "--param: expected a file after the @" },
    { "run " .. JOB .. " --param-env ''", "--param-env: expected NAME or NAME=VARIABLE" },
    { "run " .. JOB .. " --param-env =x", "--param-env: expected NAME or NAME=VARIABLE" },
    { "run " .. JOB .. " --param-env x=", "--param-env: expected NAME or NAME=VARIABLE" },
    { "run " .. JOB .. " --run-id ''", "--run-id: expected a text" },
    { "run " .. JOB .. " --param", "option '--param' requires an argument" },
    { "run " .. JOB .. " --tag ''", "--tag: expected a text" },
    { "run " .. JOB .. " --commit ''", "--commit: expected a text" },
    { "run " .. JOB .. " --branch ''", "--branch: expected a text" },
    {
      "run " .. JOB .. " --wait --timeout soon",
      "--timeout: expected a duration such as 90s, 30m or 1h30m, got 'soon'",
    },
    { "run " .. JOB .. " --timeout 30m", "--timeout needs --wait or --follow" },
    { "run " .. JOB .. " --on-interrupt stop", "--on-interrupt needs --wait or --follow" },
    {
      "run " .. JOB .. " --wait --on-interrupt kill",
      "--on-interrupt: expected one of stop, detach, got 'kill'",
    },
    { "wait " .. JOB .. " 1 --on-interrupt ''", "--on-interrupt: expected one of stop, detach" },
    {
      "run " .. JOB .. " --output yaml",
      "--output: expected one of text, json, ndjson, got 'yaml'",
    },
    { "run " .. JOB .. " --output json --json", "can not be used together" },
    {
      "run " .. JOB .. " --progress loud",
      "--progress: expected one of auto, plain, none, got 'loud'",
    },
    { "run " .. JOB .. " --region ''", "--region: expected a text" },
    { "run " .. JOB .. " --endpoint ''", "--endpoint: expected a text" },
    { "run " .. JOB .. " --wiat", "Did you mean '--wait'?" },
    { "wait", "missing argument" },
    { "wait " .. JOB .. " 0", "NUMBER: expected an integer of 1 or more, got '0'" },
    { "wait " .. JOB .. " x", "NUMBER: expected an integer" },
    { "wait " .. build .. " --timeout 0", "--timeout: expected a duration" },
    { "status " .. JOB .. " 99999999999", "NUMBER: expected an integer" },
    { "status " .. build .. " --follow", "unknown option '--follow'" },
    { "log " .. build .. " --step ''", "--step: expected a text" },
    { "log " .. build .. " --step a --follow", "can not be used together" },
    { "log " .. build .. " --failed --follow", "can not be used together" },
    { "log " .. build .. " --failed --step a", "can not be used together" },
    { "log " .. build .. " --tail 3 --follow", "can not be used together" },
    { "log " .. build .. " --tail 0", "--tail: expected an integer from 1 to 1000000, got '0'" },
    { "log " .. build .. " --tail x", "--tail: expected an integer from 1 to 1000000, got 'x'" },
    { "artifacts", "missing argument" },
    { "artifacts " .. JOB .. " x", "NUMBER: expected an integer" },
    { "stop " .. JOB .. " 1.5", "NUMBER: expected an integer" },
    { "history " .. JOB .. " --days x", "--days: expected an integer from 0 to 30, got 'x'" },
    { "history " .. JOB .. " --days 31", "--days: expected an integer from 0 to 30, got '31'" },
    { "history " .. JOB .. " --limit 0", "--limit: expected an integer from 1 to 100" },
    { "history " .. JOB .. " --limit 101", "--limit: expected an integer from 1 to 100" },
    { "history " .. JOB .. " --page -1", "--page" },
    {
      "history " .. JOB .. " --from 1.5.2024 --to x",
      "--from: expected a day such as 2024-05-31, got '1.5.2024'",
    },
    {
      "history " .. JOB .. " --from 2023-02-29 --to 2023-03-01",
      "--from: expected a day such as 2024-05-31, got '2023-02-29'",
    },
    {
      "history " .. JOB .. " --from 2024-05-02 --to 2024-05-01",
      "--to: 2024-05-01 is before 2024-05-02",
    },
    {
      "history " .. JOB .. " --from 2024-02-01 --to 2024-03-03",
      "--to: 2024-03-03 is more than 30 days after 2024-02-01",
    },
    { "history " .. JOB .. " --from 2024-05-01", "--from and --to come together" },
    { "history " .. JOB .. " --from 2024-05-01 --to 2024-05-02 --days 3", "exclude each other" },
    { "jobs", "missing argument" },
    { "jobs x", "PROJECT: expected a project id" },
    { "jobs " .. JOB .. " --limit x", "--limit: expected an integer" },
    { "jobs " .. JOB .. " --limit 101", "--limit: expected an integer from 1 to 100" },
    { "jobs " .. JOB .. " --page x", "--page: expected an integer" },
    { "call", "missing argument 'operation'" },
    {
      "call ShowJobStatus job_id",
      "ARGUMENT: expected NAME=VALUE, NAME:=JSON or NAME=@FILE",
    },
    { "call ShowJobStatus job_id=@", "ARGUMENT: expected a file after the @" },
    { "call ShowJobStatus --param-env a=b=c", "--param-env: expected NAME or NAME=VARIABLE" },
    { "call ShowJobStatus --to ''", "--to: expected a text" },
    { "doctor --job x", "JOB: 'x' is no job id" },
    { "doctor --job ''", "--job: expected a job id" },
    { "sandbox --port x", "--port: expected an integer" },
    { "sandbox --jobs ''", "--jobs: expected a text" },
    { "sandbox --host ''", "--host: expected a text" },
    { "sandbox --token ''", "--token: expected a text" },
    { "sandbox --folder ''", "--folder: expected a text" },
    { "sandbox --max-builds 0", "--max-builds: expected an integer" },
    { "completion tcsh", "SHELL: expected one of bash, zsh, fish, got 'tcsh'" },
  }
  for _, case in ipairs(cases) do
    it(("refuses `%s`"):format(case[1]), function()
      local result = run(case[1])
      assert.are.equal(2, result.status)
      assert.are.equal(case[1]:find("--json", 1, true) ~= nil, result.out ~= "")
      assert.is_truthy(result.err:find(case[2], 1, true), result.err)
      assert.is_truthy(result.err:find("Usage: codearts-build", 1, true), result.err)
    end)
  end

  it("refuses a project of the environment that cannot be", function()
    local secret = "SkSecret1234567890abcdefghijklmnopqrstuv"
    for value, told in pairs {
      short = "expected a project id (32 letters and digits) or an address in the console, got short",
      [secret] = "in the console, got a value of 40 bytes",
      [secret .. "/"] = "the address holds no project id",
    } do
      NO_CORE.CODEARTS_BUILD_PROJECT = value
      local result = run("history " .. JOB)
      NO_CORE.CODEARTS_BUILD_PROJECT = nil
      assert.are.equal(2, result.status)
      assert.is_truthy(result.err:find("CODEARTS_BUILD_PROJECT: ", 1, true), result.err)
      assert.is_truthy(result.err:find(told, 1, true), result.err)
      assert.is_nil(result.err:find(secret, 1, true), result.err)
    end
  end)

  it("says what to install without argparse", function()
    local result = command.run("run " .. JOB, {
      TREE = NO_CORE.TREE,
      LUA_PATH = "lua/?.lua",
      LUA_PATH_5_2 = "lua/?.lua",
      LUA_PATH_5_3 = "lua/?.lua",
      LUA_PATH_5_4 = "lua/?.lua",
      LUA_PATH_5_5 = "lua/?.lua",
    })
    assert.are.equal(2, result.status)
    assert.is_truthy(result.err:find("lua-argparse", 1, true))
  end)

  it("says as JSON that the core does not load", function()
    local result = run("run " .. JOB .. " --json")
    assert.are.equal(2, result.status)
    local err = assert(core.decode(result.out)).error
    assert.are.equal("config", err.kind)
    assert.is_truthy(err.message:find("the library cannot be loaded", 1, true))
    assert.is_truthy(result.err:find("doctor", 1, true))
    result = run("run " .. JOB .. " --output ndjson")
    assert.are.equal("error", core.decode(result.out).event)
    result = run "doctor --json"
    assert.are.equal(2, result.status)
    local found = assert(core.decode(result.out))
    assert.is_false(found.ok)
    assert.are.equal("library", found.checks[2].name)
    assert.are.equal("fail", found.checks[2].state)
  end)

  it("tells programs of words that it cannot read, too", function()
    for _, arguments in ipairs { "status x --json", "run --json", "run --bogus --output=ndjson" } do
      local result = run(arguments)
      assert.are.equal(2, result.status)
      local told = assert(core.decode(result.out), result.out)
      assert.are.equal("usage", told.error.kind)
      assert.are.equal(arguments:find "ndjson" and "error" or nil, told.event)
      assert.is_truthy(result.err:find(told.error.message, 1, true), result.err)
    end
    assert.are.equal("", run("run --param A=--json").out)
  end)

  it("is an error of its own if nothing can be printed", function()
    for _, arguments in ipairs { "--version", "completion bash", "doctor", "doctor --json" } do
      local result = command.run(arguments, NO_CORE, ">/dev/full")
      assert.is_truthy(result.status == 6 or arguments:find "doctor" and result.status == 2)
      assert.is_truthy(result.err:find("standard output cannot be written to: No space", 1, true))
    end
  end)

  it("says what to do when the core does not load", function()
    local result = run("run " .. JOB)
    assert.are.equal(2, result.status)
    assert.is_truthy(result.err:find("the library cannot be loaded", 1, true))
    assert.is_truthy(result.err:find("doctor", 1, true))
  end)
end)
