-- Values of parameters from files and the environment: what a service repeats of them is hidden in all that the command prints.
local boxes = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local host = require "spec.support.host"
local servers = require "spec.support.server"

local GOOD = boxes.good
local PROJECT = ("p"):rep(32)
local SECRET = "hunter2-Pa55word-secret"

describe("codearts-build and a service that repeats a parameter's value", function()
  local server, env, folder
  setup(function()
    server = servers.start()
    folder = host.folder()
  end)
  teardown(function()
    server:stop()
    host.remove(folder)
  end)
  before_each(function()
    server:reset()
    env = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      CODEARTS_BUILD_PROJECT = PROJECT,
      WORD = SECRET,
    }
  end)

  local function encode(value)
    return (core.encode(value))
  end

  --- A build that failed, and that says this wherever it can.
  local function say(text, more)
    local record = {
      build_no = 7,
      status = "FAILURE",
      err_msg = "ERR " .. text,
      start_time = "2026-11-27 10:00:00",
      finish_time = "2026-11-27 10:01:00",
      build_record_id = "r1",
      branch = text,
      numbers = { 12345678, true },
      ["name " .. text] = text,
    }
    for name, value in pairs(more or {}) do
      record[name] = value
    end
    server:behave("by_path", {
      rows = {
        {
          path = "history%-details",
          body = encode {
            build_number = 7,
            build_steps = {
              { name = "STEP " .. text, status = "SUCCESS" },
              { name = "LAST " .. text, status = "FAILURE" },
            },
          },
        },
        { path = "record%-info", body = encode { result = record } },
        { path = "config", body = encode { result = { parameters = {} } } },
        { path = "running%-status", body = encode { result = { is_running = false } } },
        {
          path = "jobs/build$",
          body = encode {
            octopus_job_name = "o " .. text,
            actual_build_number = "7",
            daily_build_number = "d " .. text,
            ["more " .. text] = { text },
            wait = "w " .. text,
          },
        },
      },
    })
  end

  local function run(arguments, status)
    local told = command.run(arguments, env)
    assert.equal(status, told.status, told.out .. told.err)
    return told
  end

  local FORMS = { "", "--json", "--output ndjson" }

  it("hides it in text, documents and events", function()
    say(SECRET)
    for _, form in ipairs(FORMS) do
      local told = run(("run %s --param-env WORD --wait %s"):format(GOOD, form), 1)
      local said = told.out .. told.err
      assert.is_nil(said:find("hunter2", 1, true), said)
      assert.truthy(said:find("ERR ***", 1, true), said)
    end
  end)

  it("leaves numbers, times, names and verdicts", function()
    say(SECRET)
    local data = core.decode(run(("run %s --param-env WORD --wait --json"):format(GOOD), 1).out)
    assert.same({
      build_no = 7,
      status = "FAILURE",
      err_msg = "ERR ***",
      start_time = "2026-11-27 10:00:00",
      finish_time = "2026-11-27 10:01:00",
      build_record_id = "r1",
      branch = "***",
      numbers = { 12345678, true },
      ["name ***"] = "***",
    }, data.record)
    assert.same({ "STEP ***", "LAST ***" }, { data.steps[1].name, data.steps[2].name })
    assert.same(
      { "7", "d ***", "o ***", "w ***" },
      { data.actual_build_number, data.daily_build_number, data.octopus_job_name, data.wait }
    )
    assert.same({ "***" }, data["more ***"])
    assert.same({ "failure", "build" }, { data.verdict, data.error.kind })
  end)

  it("is not misled by a value that is one of the words that it reads", function()
    for _, case in ipairs {
      { "CANCELED", 3, { status = "CANCELED" } },
      { "SUCCESSFUL", 0, { status = "SUCCESS" } },
      { "status12", 1 },
      { "2026-11-27", 1 },
    } do
      say("nothing", case[3])
      env.WORD = case[1]
      local data =
        core.decode(run(("run %s --param-env WORD --wait --json"):format(GOOD), case[2]).out)
      assert.equal(case[3] and case[3].status or "FAILURE", data.status)
      assert.equal(data.status, data.record.status)
      assert.equal(data.error and data.status, data.error and data.error.build_status)
      assert.equal("2026-11-27 10:00:00", data.record.start_time, case[1])
      assert.equal("o nothing", data.octopus_job_name)
    end
  end)

  it("finds a job whose name is the value, and keeps that name", function()
    env.WORD, env.XDG_CACHE_HOME = "nightly-build", folder
    server:behave("by_path", {
      rows = {
        {
          path = PROJECT,
          body = encode { jobs = { { id = GOOD, job_name = "nightly-build" } }, total = 1 },
        },
        { path = "config", body = encode { result = { parameters = {} } } },
        { path = "jobs/build$", body = encode { actual_build_number = "7" } },
      },
    })
    local told = run("run nightly-build --param-env WORD --json", 0)
    assert.equal(GOOD, core.decode(told.out).job_id)
    local file = assert(io.open(folder .. "/codearts-build/jobs"))
    assert.truthy(file:read("*a"):find("\tnightly-build\n", 1, true))
    file:close()
  end)

  it("keeps it out of a key's record", function()
    say(SECRET)
    env.CODEARTS_BUILD_KEY_STORE = "file:" .. folder
    run(("run %s --param-env WORD --key k"):format(GOOD), 0)
    local pipe = io.popen(("cat %s/*.key"):format(folder))
    local kept = pipe:read "*a"
    pipe:close()
    assert.truthy(kept:find("o ***", 1, true), kept)
    assert.is_nil(kept:find("hunter2", 1, true), kept)
  end)

  --- A build that failed, with this log.
  local function log(text)
    local function page(content)
      return encode {
        result = {
          build_no = 7,
          status = "FAILURE",
          content = content,
          offset = #text,
          has_more_data = false,
        },
      }
    end
    server:behave("by_path", {
      rows = {
        { path = "jobs/build$", body = encode { actual_build_number = "7" } },
        { path = "history%-details", body = encode { build_number = 7, build_steps = {} } },
        { path = "offset=0", body = (page(text):gsub("HALF", "\\ud83d")) },
        { path = "", body = page "" },
      },
    })
  end

  it("hides it in the log that it shows beside, and nothing that only begins so", function()
    log(("a '%s' b\nc hunter2-Pa55word d\ne \0 f\n"):format(SECRET))
    for _, options in ipairs { "--wait", "--follow", "--follow --output ndjson" } do
      local told = run(("run %s --param-env WORD %s"):format(GOOD, options), 1)
      local said = told.out .. told.err
      assert.truthy(said:find("a '***' b", 1, true), said)
      assert.truthy(said:find("c hunter2-Pa55word d", 1, true), said)
      assert.is_nil(said:find(SECRET, 1, true), said)
      assert.truthy(options ~= "--follow" or said:find("e \0 f", 1, true), "as it came")
    end
    local shown = run(("log %s 7"):format(GOOD), 0)
    assert.truthy(shown.out:find(SECRET, 1, true))
  end)

  it("hides the beginning of it where the log cannot be read on", function()
    for _, cut in ipairs { "", "HALF", "\27[01;3", "\27[m" } do -- within a character, within a colour and behind it
      log("a b\nc hunter2-Pa55word" .. cut)
      local told = run(("run %s --param-env WORD --follow"):format(GOOD), 1)
      local said = told.out .. told.err
      assert.is_nil(said:find("hunter2", 1, true), said)
      assert.truthy(said:find("a b\nc ***\n", 1, true), said)
    end
  end)

  it("hides it in a log where a wheel turns within it", function()
    log(("a hunter2-P%sa55word-secret b\n\8 c\8\n"):format(("|\8/\8"):rep(100)))
    local told = run(("run %s --param-env WORD --follow"):format(GOOD), 1)
    assert.truthy(told.out:find("a *** b\n\8 c\8\n", 1, true), told.out)
  end)

  it("hides it where it has what is drawn as a blank, such as the bell of a shell", function()
    for _, control in ipairs { "\7", "\f", "\127", "\194\133", "\226\128\168" } do
      local value = (SECRET:gsub("55", control .. "%0"))
      log(("$ curl -u %s\nthe end\n"):format(value))
      for _, options in ipairs { "--wait", "--follow" } do
        local told = run(("run %s --param-env WORD %s"):format(GOOD, options), 1)
        assert.truthy((told.out .. told.err):find("$ curl -u ***\n", 1, true), told.err)
      end
      say(value)
      local told = run(("run %s --param-env WORD --wait"):format(GOOD), 1)
      assert.truthy(told.out:find("ERR ***", 1, true), told.out)
      assert.is_nil((told.out .. told.err):find("55word", 1, true), told.out .. told.err)
    end
    say "my\27_secret-9x-and\7"
    env.WORD = "my_secret-9x-and"
    local told = run(("run %s --param-env WORD --wait"):format(GOOD), 1)
    assert.is_nil((told.out .. told.err):find("secret", 1, true), told.out .. told.err)
  end)

  it("hides it in a log whose colours cut it", function()
    local box = boxes.start [==[
      job {
        id = "colours0000000000000000000000001",
        name = "colours",
        parameters = { WORD = { default = "", secret = true } },
        steps = {
          step {
            name = "Grep",
            run = [[
              printf 'plain=%s\n' "$WORD" | sed 's/Pa55/\x1b[01;31m\x1b[K&\x1b[m\x1b[K/'
              printf 'struck=%s\n' "$WORD" | sed 's/./&\x08&/g'
              printf 'erased=%s\n' "$WORD" | sed 's/55/x\x08 \x08&/'
              printf 'erased=%s\n' "$WORD" | sed 's/55/xy\x08 \x08\x08 \x08&/'
              printf 'erased=%s\n' "$WORD" | sed 's/55/xy\x08\x1b[K\x08\x1b[K&/'
              printf '\033[31mred\033[m\n'
              echo 'error: it failed'
              exit 1
            ]],
          },
        },
      }
    ]==]
    env.CODEARTS_BUILD_ENDPOINT = box.env.CODEARTS_BUILD_ENDPOINT
    env.CODEARTS_BUILD_TOKEN = box.env.CODEARTS_BUILD_TOKEN
    env.CODEARTS_BUILD_PROJECT = nil
    local said = {}
    for _, options in ipairs { "", "--follow", "--follow --output ndjson" } do
      local arguments = "run colours0000000000000000000000001 --param-env WORD --wait " .. options
      said[options] = run(arguments, 1)
    end
    box:stop()
    for options, told in pairs(said) do
      assert.truthy(
        told.out:find("plain=***", 1, true) or told.err:find("plain=***", 1, true),
        options
      )
      assert.is_nil((told.out .. told.err):find "Pa[xy \8]*55", options)
      assert.is_nil((told.out .. told.err):find "P.*a.*5.*5.*w.*o.*r.*d.*secret", options)
    end
    assert.truthy(said["--follow"].out:find("plain=***\n", 1, true), "no colour is left open")
    assert.truthy(said["--follow"].out:find("\27[31mred\27[m", 1, true), "others are left alone")
  end)

  local KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nx7Qm9zKpWvYt3nLd\n-----END KEY-----"

  it("hides what a service makes of it: trimmed, a line", function()
    for _, case in ipairs {
      { "  \t" .. SECRET .. " ", SECRET },
      { "\239\187\191" .. SECRET, SECRET },
      { "\239\187\191 two words\nof a secret \n", "two words of a secret" },
      { KEY, "x7Qm9zKpWvYt3nLd" },
      { "  key: " .. KEY:gsub("\n", "\r\n  "), "MIIEpAIBAAKCAQEA" },
      { ('{"private_key":"%s","type":"x"}'):format((KEY:gsub("\n", "\\n"))), "x7Qm9zKpWvYt3nLd" },
      { encode(encode { private_key = KEY }), "x7Qm9zKpWvYt3nLd" },
    } do
      env.WORD = case[1]
      say(case[2])
      local told = run(("run %s --param-env WORD --wait --json"):format(GOOD), 1)
      assert.is_nil((told.out .. told.err):find(case[2], 1, true), told.out .. told.err)
      assert.matches("^ERR %*%*%*", core.decode(told.out).record.err_msg)
      server:behave("answer", {
        status = 400,
        body = encode { error_code = "A.1", error_msg = "bad: " .. case[2] },
      })
      told = run(("run %s --param-env WORD --json"):format(GOOD), 6)
      assert.is_nil((told.out .. told.err):find(case[2], 1, true), told.out .. told.err)
    end
  end)

  --- A refusal in these words.
  local function refused(words, arguments)
    server:behave("answer", {
      status = 400,
      headers = { ["X-Request-Id"] = "req-1" },
      body = encode { error_code = "A.1", error_msg = words },
    })
    local told = run(("run %s --json %s"):format(GOOD, arguments), 6)
    return core.decode(told.out).error.error_msg, told.out .. told.err
  end

  it("hides a line as the text of an error has it", function()
    local lines = { "machine\tone\tpassword\tone-Pa55word", "a\194\133two\27[1m-Pa55word" }
    env.WORD = table.concat(lines, "\n")
    for _, line in ipairs(lines) do
      local message, all = refused("line: " .. line .. " is bad", "--param-env WORD")
      assert.equal("line: *** is bad", message)
      assert.is_nil(all:find("Pa55", 1, true), all)
    end
  end)

  it("hides a value of digits that comes back as a number", function()
    for word, told in pairs { ["9021012345"] = "***", ["902101234"] = 9021012345 } do
      env.WORD = word
      say("nothing", { parameters = { { value = 9021012345 }, { value = 9021012346 } } })
      local arguments = ("run %s --param-env WORD --wait --json"):format(GOOD)
      local record = core.decode(run(arguments, 1).out).record
      assert.same({ { value = told }, { value = 9021012346 } }, record.parameters)
      assert.same({ 12345678, true }, record.numbers)
    end
  end)

  it("hides two values that a text joins", function()
    env.WORD, env.OTHER = "https://hooks.example.com/", "/services/T0001/hunter2-Pa55word"
    for _, words in ipairs {
      "https://hooks.example.com/services/T0001/hunter2-Pa55word",
      "https://hooks.example.com%2Fservices%2FT0001%2Fhunter2-Pa55word",
      "https://hooks.example.com/services/T0001/\n  hunter2-Pa55word",
    } do
      local message = refused("to " .. words .. " it", "--param-env WORD --param-env OTHER")
      assert.equal("to *** it", message)
    end
  end)

  it("hides it where a refusal repeats it with colours, and so a token", function()
    env.CODEARTS_BUILD_TOKEN = "tok-abcd1234efgh"
    for value, repeated in pairs {
      [SECRET] = SECRET:gsub("Pa55", "\27[01;31m\27[K%0\27[m\27[K"),
      ["\27[1mhunter2-\tPa55word"] = "\27[1mhunter2-\tPa55word",
      word = (env.CODEARTS_BUILD_TOKEN:gsub("1234", "\27]8;;https://example.com\7%0\27]8;;\7")),
    } do
      env.WORD = value
      local _, all = refused("bad: " .. repeated .. " it is", "--param-env WORD")
      local _, count = all:gsub("bad: %*%*%* it is", "")
      assert.equal(3, count, all)
    end
  end)

  it("hides digits that are neither a day nor a moment", function()
    for word, shown in pairs {
      ["2099887766554433"] = false,
      ["20240815-1234567890"] = false,
      ["20240815.12345"] = false,
      ["2077123456"] = false,
      ["20240230"] = false,
      ["20240815991234"] = false,
      ["2024-08-15 10:60"] = false,
      ["2024-08-15T10:00:00+081530"] = false,
      ["20240229"] = true,
      ["2024-08-15"] = true,
      ["20240815.3"] = true,
      ["20240815103000"] = true,
      ["20240815T103000Z"] = true,
      ["2024-08-15 10:30"] = true,
      ["2024-08-15T10:30:00.000+08:00"] = true,
      ["2024-08-15T10:30:00.701000Z"] = true,
    } do
      env.WORD = word
      local message = refused("bad: " .. word, "--param-env WORD")
      assert.equal("bad: " .. (shown and word or "***"), message)
    end
  end)

  it("hides a value that holds a NUL, and each of its pieces", function()
    local path = folder .. "/nul"
    local file = assert(io.open(path, "wb"))
    file:write "id\0Winter4711\0Holiday2099"
    file:close()
    local message = refused("bad: id\0Winter4711\0Holiday2099, id", "--param NOTE=@" .. path)
    assert.equal("bad: ***, id", message)
    message = refused("bad: Winter4711, Holiday2099", "--param NOTE=@" .. path)
    assert.equal("bad: ***, ***", message)
  end)

  it("hides the beginning of a value where a message was cut off within an escape", function()
    env.WORD = "aZ3k9Lq2+Vx8/Wm4&Tn6"
    for length = 1013, 1020 do
      local words = ("n"):rep(length - 16) .. ",aZ3k9Lq2+Vx8/Wm4&amp;Tn6 is not valid"
      local _, all = refused(words, "--param-env WORD")
      assert.is_nil(all:find("aZ3k9Lq2", 1, true), all)
      assert.truthy(all:find("nn,***…", 1, true), all)
    end
  end)

  it("hides a value that holds a credential as a whole", function()
    env.WORD = ('{"token":"%s","password":"hunter2-Pa55word"}'):format "another-token"
    env.CODEARTS_BUILD_TOKEN = "another-token"
    local message, all = refused("bad: " .. env.WORD .. " it is", "--param-env WORD")
    assert.equal("bad: *** it is", message)
    assert.is_nil(all:find("hunter2", 1, true), all)
  end)

  it("hides two values that begin in the same way", function()
    env.WORD, env.OTHER =
      "OTHER=ghp_A1" .. ("a"):rep(34), "ghp_B7kQ2mZx9LwT4vNc8RjY6pHs3DfGa1Ue5oXi"
    local words = ("bad: OTHER=%s."):format(env.OTHER)
    local message, all = refused(words, "--param-env WORD --param-env OTHER")
    assert.equal("bad: OTHER=***.", message)
    assert.is_nil(all:find("B7kQ2m", 1, true), all)
  end)

  it("hides a value that holds another one as a whole, however many there are", function()
    local lines = { "hunter2-Pa55word" }
    for number = 2, 99 do
      lines[number] = ("line number %d"):format(number)
    end
    env.WORD = table.concat(lines, "\n")
    env.MORE = env.WORD:gsub("line", "row")
    env.OTHER = '{"user":"ci","password":"hunter2-Pa55word","pin":"12345678"}'
    local arguments = "--param-env WORD --param-env MORE --param-env OTHER"
    local message, all = refused(("bad: %s."):format(env.OTHER), arguments)
    assert.equal("bad: ***.", message)
    assert.is_nil(all:find("12345678", 1, true), all)
  end)

  it("hides a value that is longer than what is told of a text", function()
    for _, length in ipairs { 400, 1468, 8000, 20000 } do
      local value = ("MIIKx7Qm9zKpWvYt"):rep(math.floor(length / 16))
      env.WORD = value
      local _, all = refused("is invalid: " .. value .. " it is", "--param-env WORD")
      assert.is_nil(all:find("MIIK", 1, true), length)
      say(value)
      local told = run(("run %s --param-env WORD --wait --json"):format(GOOD), 1)
      assert.is_nil((told.out .. told.err):find("MIIK", 1, true), length)
    end
  end)

  it("looks for credentials in no more of a value than is told of a text", function()
    local name, bytes = "codearts.build.cli.given", 0
    local others = package.loaded[name]
    package.loaded[name] = nil
    local given = require(name)
    package.loaded[name] = others
    local path = folder .. "/large"
    local file = assert(io.open(path, "w"))
    file:write(("a line of a large value\n"):rep(50000))
    file:close()
    given.value({ core = core }, "P", "@" .. path)
    given.hide_in {
      core = {
        mask = function(_, text)
          bytes = bytes + #text
          return text
        end,
      },
    }
    given.masked "a text with *** in it"
    assert.is_true(bytes < 2 ^ 16, bytes)
  end)

  it("hides no words that only begin as a value does, and no number of the day", function()
    env.WORD, env.DATE = "https://git.example.com/app.git", "20261128"
    server:behave("answer", {
      body = encode {
        actual_build_number = "7",
        daily_build_number = "20261128.3",
        octopus_job_name = "https://git.example.com/other",
      },
    })
    local told = run(("run %s --param-env WORD --param-env DATE"):format(GOOD), 0)
    assert.truthy(told.out:find("(20261128.3, https://git.example.com/other)", 1, true), told.out)
  end)

  it("leaves the command to type next as it is, whatever a value is", function()
    env.WORD = server.url
    server:behave("raw", { bytes = "" })
    local told = run(("run %s --param-env WORD --endpoint %s"):format(GOOD, server.url), 5)
    assert.truthy(told.err:find("--endpoint " .. server.url, 1, true), told.err)
  end)
end)
