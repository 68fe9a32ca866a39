-- Values that are not on the command line, and parameters that the job does not know.

local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local server_process = require "spec.support.server"
local strace = require "spec.support.strace"

local GOOD, BAD = cli_sandbox.good, cli_sandbox.bad
local SECRET = "s3cret value\nof two lines: @ü"

describe("codearts-build, given a value", function()
  local box, server, folder, env

  setup(function()
    box = cli_sandbox.start()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    local file = assert(io.open(folder .. "/value", "wb"))
    file:write(SECRET, "\n")
    file:close()
  end)

  teardown(function()
    box:stop()
    os.execute("rm -r " .. folder)
  end)

  before_each(function()
    server = server_process.start()
    server:behave("answer", {
      body = '{"octopus_job_name":"j_x","actual_build_number":"7","daily_build_number":"1.7"}',
    })
    env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      WORD = SECRET,
      OTHER = SECRET,
      EMPTY = "",
    }
  end)

  after_each(function()
    server:stop()
  end)

  --- The parameters that the server was sent.
  local function sent(options, input)
    local line = input and ("<%s"):format(input)
    local result = command.run(("run %s --json %s"):format(GOOD, options), env, line)
    assert.are.equal(0, result.status, result.err)
    local found
    for _, request in ipairs(server:stats().requests) do
      if request.method == "POST" then
        found = core.decode(request.body).parameter
      end
    end
    return found
  end

  it("sends what stands in a file, on standard input, in the environment", function()
    for _, case in ipairs {
      { "--param WORD=@" .. folder .. "/value" },
      { "--param WORD=@-", folder .. "/value" },
      { "--param-env WORD" },
      { "--param-env WORD=OTHER" },
    } do
      assert.are.same({ { name = "WORD", value = SECRET } }, sent(case[1], case[2]), case[1])
      server:reset()
      server:behave("answer", { body = '{"actual_build_number":"7"}' })
    end
  end)

  it("sends a literal @, an empty value, and several in their order", function()
    assert.are.same({
      { name = "A", value = "@x" },
      { name = "B", value = "@" },
      { name = "C", value = "a=@b" },
      { name = "D", value = "" },
      { name = "E", value = "" },
    }, sent "--param A=@@x --param B=@@ --param C=a=@b --param D= --param-env E=EMPTY")
  end)

  it("takes the same in a call", function()
    for _, argument in ipairs { "job_id=@" .. folder .. "/id", "job_id=@-", "--param-env job_id=ID" } do
      os.execute(("printf '%s\\n' >%s/id"):format(GOOD, folder))
      local more = { ID = GOOD }
      for name, value in pairs(box.env) do
        more[name] = value
      end
      local result = command.run("call ShowJobStatus " .. argument, more, ("<%s/id"):format(folder))
      assert.are.equal(0, result.status, argument .. result.out .. result.err)
      assert.is_truthy(result.out:find('"result":', 1, true))
    end
    local result = command.run("call ShowJobStatus job_id=@@x", box.env)
    assert.is_truthy(result.err:find("32", 1, true), result.err)
  end)

  it("keeps values out of what it says", function()
    env.CODEARTS_BUILD_ENDPOINT = "http://127.0.0.1:1"
    for _, options in ipairs {
      "--param A=@" .. folder .. "/value --param A=@" .. folder .. "/value",
      "--param A=@" .. folder .. "/value",
      "--param-env WORD --json",
    } do
      local result = command.run(("run %s %s"):format(GOOD, options), env)
      assert.is_true(result.status ~= 0)
      assert.is_nil((result.out .. result.err):find("s3cret", 1, true))
    end
  end)

  it("and takes none of its own words for one", function()
    for _, word in ipairs { "not_started", "usage error", "transport", "RunJob call" } do
      local result = command.run(("run %s --param-env WORD --json"):format(GOOD), {
        CODEARTS_BUILD_ENDPOINT = "http://127.0.0.1:9",
        CODEARTS_BUILD_TOKEN = "a-token",
        WORD = word,
      })
      local err = require("codearts.build.core").decode(result.out).error
      assert.same(
        { "transport", "not_started", "RunJob" },
        { err.kind, err.outcome, err.operation },
        word
      )
    end
  end)

  it("keeps values out of the reason that a failed build is told with", function()
    server:behave("answer", {
      body = core.encode {
        actual_build_number = "7",
        result = { build_no = 7, status = "FAILURE", err_msg = "cannot sign: " .. SECRET },
      },
    })
    local result = command.run(("run %s --param-env WORD --wait"):format(GOOD), env)
    local said = result.out .. result.err
    assert.are.equal(1, result.status, said)
    assert.is_nil(said:find("s3cret", 1, true) or said:find("two lines", 1, true), said)
    assert.is_truthy(said:find("cannot sign: ***", 1, true), said)
  end)

  it("keeps all lines of a value out of what it repeats, whatever became of their ends", function()
    local key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nx7Qm9zKpWvYt3nLd\n-----END KEY-----"
    for _, value in ipairs { key, (key:gsub("\n", "\r\n")), "a\n" .. key, "a\tb\194\133" .. key } do
      for _, between in ipairs { "%0", " ", "", "<br>", "\\n", "\r\n" } do
        if between == "%0" or value:sub(1, 1) == "-" then
          server:behave("answer", {
            status = 400,
            body = core.encode {
              error_code = "A.1",
              error_msg = "no such thing: " .. value:gsub("\r?\n", between),
            },
          })
          env.KEY = value
          for _, form in ipairs { "text", "json", "ndjson" } do
            local result =
              command.run(("run %s --param-env KEY --output %s"):format(GOOD, form), env)
            local said = result.out .. result.err
            assert.is_nil(said:find("MIIEp", 1, true) or said:find("x7Qm9", 1, true), said)
            assert.is_truthy(said:find(value:sub(1, 1) == "-" and ": ***" or "***", 1, true), said)
          end
        end
      end
    end
  end)

  it("keeps values out of what it repeats of the service", function()
    server:behave("answer", {
      status = 400,
      body = core.encode { error_code = "A.1", error_msg = "no such thing: " .. SECRET },
    })
    env.SHORT = "such"
    for _, arguments in ipairs {
      "run " .. GOOD .. " --param A=@" .. folder .. "/value",
      "run " .. GOOD .. " --param-env WORD --param-env SHORT --json",
      "run " .. GOOD .. " --param-env WORD --output ndjson",
      "call ShowJobStatus job_id=@" .. folder .. "/value",
      "call ShowJobStatus --param-env job_id=WORD --json",
    } do
      local result = command.run(arguments, env)
      local said = result.out .. result.err
      assert.is_nil(said:find("s3cret", 1, true), said)
      assert.is_truthy(said:find("A.1", 1, true), said)
      assert.is_truthy(said:find("no such thing: ***", 1, true), said)
    end
  end)

  it("takes nothing that comes before an error, nor behind it, for the whole", function()
    local missing = strace.missing()
    if missing then
      pending(missing)
      return
    end
    local path = folder .. "/large"
    local file = assert(io.open(path, "w"))
    file:write(("x"):rep(100000))
    file:close()
    env.ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0"
    local under =
      "strace -D -f -qq -o /dev/null -P %s -e trace=read -e inject=read:error=%s:when=%d"
    for _, name in ipairs { "EAGAIN", "EIO", "EINTR" } do -- of a pipe that does not wait, a disk, a signal
      for number = 1, 2 do
        env.UNDER = under:format(path, name, number)
        local result = command.run(("run %s --param A=@%s"):format(GOOD, path), env)
        assert.are.equal(2, result.status, result.err)
        assert.is_truthy(result.err:find("is not a file that can be read: ", 1, true), result.err)
      end
    end
    assert.are.equal(0, server:stats().processed)
  end)

  it("says what is wrong with it, and sends nothing", function()
    os.execute(("printf 'a\\377' >%s/bytes"):format(folder))
    for _, case in ipairs {
      {
        "--param A=@/no/such/file",
        "A: cannot read the file after the @: No such file or directory (@@ is a literal @)",
      },
      { "--param A=@" .. folder, "A: " .. folder .. " is not a file" },
      { "--param A=@/dev/zero", "A: /dev/zero is larger than" },
      { "--param A=@- --param B=@-", "B: standard input is the value of A already" },
      {
        "--param-env WORD --param-env NO_SUCH_VARIABLE",
        "--param-env: the environment has no variable of the name in number 2",
      },
      {
        "--param-env A=NO_SUCH_VARIABLE",
        "A: the environment has no variable of the name that stands after the =",
      },
      { "--param A=@" .. folder .. "/bytes", "parameter[1].value" },
      { "--param A=1 --param-env A=WORD", "parameter[2].name" },
      { "--param A=1 --run-id A", "run_id.parameter" },
    } do
      local result = command.run(("run %s %s"):format(GOOD, case[1]), env)
      assert.are.equal(2, result.status, case[1])
      assert.is_truthy(result.err:find(case[2], 1, true), result.err)
    end
    assert.are.equal(0, server:stats().processed)
  end)

  it("does not repeat a value that stands where its name or file should", function()
    for _, arguments in ipairs {
      "run JOB --param-env TOKEN=Winter4711-Sekret",
      "run JOB --param-env TOKEN=Winter4711",
      "run JOB --param-env Winter4711 --json",
      "run JOB --param-env TOKEN=Winter4711==",
      "run JOB --param Winter4711",
      "run JOB --param =Winter4711",
      "run JOB --param PW=@Winter4711",
      "run JOB --param PW=@/Winter4711:4711 --json",
      "run JOB --param PW=@" .. ("Winter4711"):rep(50),
      "call ShowJobStatus job_id=@Winter4711",
      "call ShowJobStatus job-id=Winter4711",
      "call ShowJobStatus --param-env job_id=Winter4711",
    } do
      local result = command.run((arguments:gsub("JOB", GOOD)), env)
      assert.equal(2, result.status, arguments)
      local said = result.out .. result.err
      assert.is_nil(said:find("4711", 1, true), said)
    end
  end)

  describe("for a parameter", function()
    it("warns if the job does not declare it, with the nearest name", function()
      local result =
        command.run(("run %s --param codeBrnach=x --param WORD=y"):format(GOOD), box.env)
      assert.are.equal(0, result.status)
      assert.is_truthy(
        result.err:find(
          "does not declare the parameter codeBrnach; did you mean codeBranch?",
          1,
          true
        ),
        result.err
      )
      local _, count = result.err:gsub("\n", "")
      assert.are.equal(1, count, result.err)
      result = command.run(("run %s %s --param qqqqqqqq=1"):format(GOOD, GOOD), box.env)
      assert.is_truthy(result.err:find("does not declare the parameter qqqqqqqq\n", 1, true))
      _, count = result.err:gsub("\n", "")
      assert.are.equal(1, count, "once for a job")
      result = command.run(("run %s --run-id RUNID --output ndjson"):format(BAD), box.env)
      assert.is_truthy(result.err:find("parameter RUNID", 1, true))
      local event = core.decode(result.out:match '{[^\n]*"event":"warning"[^\n]*}')
      assert.are.equal("RUNID", event.parameter)
    end)

    it("is silent where the definition cannot be read or makes no sense", function()
      for _, body in ipairs {
        "{}",
        "[]",
        "<html>",
        '{"result":{"parameters":[{"name":"A"}]}}',
        '{"result":{"parameters":[{"name":"A","params":[{"name":"name","value":1}]}]}}',
        '{"result":{"parameters":null}}',
      } do
        server:reset()
        server:behave("answer", { body = body })
        server:script({ { "answer", body = '{"actual_build_number":"7"}' } }, {
          "answer",
          body = body,
        })
        local result = command.run(("run %s --param A=1"):format(GOOD), env)
        assert.is_nil(result.err:find("does not declare", 1, true), body)
      end
    end)

    it("does not wait for ever to know", function()
      server:script({ "ok" }, "never_answer")
      local result = command.run(("run %s --param A=1"):format(GOOD), env)
      assert.are.equal(0, result.status, result.err)
    end)
  end)

  it("puts a run id into a parameter", function()
    local parameter = sent "--run-id RUN_ID --param A=1"
    assert.are.equal("RUN_ID", parameter[2].name)
    assert.is_truthy(parameter[2].value:find "^%x+%-%x+%-%x+%-%x+%-%x+$")
    local result = command.run(("run %s --run-id RUN_ID --json"):format(GOOD), env)
    assert.is_truthy(core.decode(result.out).run_id:find "^%x+%-")
    server:script({}, "reset_after_body")
    result = command.run(("run %s --run-id RUN_ID"):format(GOOD), env)
    assert.are.equal(5, result.status)
    assert.is_truthy(result.err:find "its run id is: +%x+%-%x+")
  end)
end)
