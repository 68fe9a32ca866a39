-- What a stranger's text may do to a terminal: nothing that outlives its line. The service here is a server that says exactly
-- what the spec lets it say, the terminal a real one. The cases are inputs from reports about tools that show remote logs.

local command = require "spec.support.command"
local core = require "codearts.build.core"
local screen = require "spec.support.screen"
local server_process = require "spec.support.server"

local JOB = "f9d6c8466d614a9788e9a0acf6c15f46"
local RECORD = "0123456789abcdef0123456789abcdef0123"

describe("a stranger's text", function()
  local server, env

  setup(function()
    server = server_process.start()
    env = { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = "a-token" }
  end)

  teardown(function()
    server:stop()
  end)

  local function answers(list, default)
    local script = {}
    for index, body in ipairs(list) do
      script[index] = type(body) == "table" and body or { "answer", body = body }
    end
    server:script(
      script,
      { "answer", status = 404, body = default or '{"error_msg":"the script is used up"}' }
    )
  end

  local function page(content)
    return ('{"status":"success","result":{"content":%s,"offset":%d,"has_more_data":false}}'):format(
      core.encode(content),
      #content
    )
  end

  local function record(status)
    return ('{"status":"success","result":{"build_no":20,"build_record_id":"%s","status":"%s",'):format(
      RECORD,
      status
    ) .. '"start_time":"2022-10-11T08:27:02.000+00:00","finish_time":"2022-10-11T08:28:42.000+00:00"}}'
  end

  --- Runs on a terminal; the page refuses sequences that the command has no business to write.
  local function on_page(arguments, columns)
    local status, bytes = command.run_on_terminal(arguments, env, columns or 200)
    return screen.new(columns or 200):feed(bytes):text(), bytes, status
  end

  local HOSTILE = {
    { "a title", "start \27]2;HACKED_BY_LOGS\7 message", "start  message" },
    { "a link", "see \27]8;;http://evil.example\27\\here\27]8;;\27\\!", "see here!" },
    { "a cleared page", "gone\27[2J\27[1;1Hnot gone", "gonenot gone" },
    { "another screen", "\27[?1049h\27[?25lhello", "hello" },
    { "keys changed", "\27[>4;2m\27=\27(0hello", "hello" },
    { "a question to the terminal", "\27[6n\27[c\27P$qm\27\\hello", "hello" },
    { "C1", "a\194\155" .. "2Jb\194\157" .. "0;x\194\156c", "a 2Jb 0;x c" },
    { "bytes that are no text", "a\27[", "a[" },
    {
      "tqdm",
      "  0%|      | 0/10\r 50%|███   | 5/10\r100%|██████| 10/10",
      "100%|██████| 10/10",
    },
  }

  it("cannot move, hide or ask anything through a log", function()
    local lines, expected = {}, {}
    for index, case in ipairs(HOSTILE) do
      lines[index], expected[index] = case[2], case[3]
    end
    local log = table.concat(lines, "\n") .. "\n"
    answers { page(log) }
    local seen = on_page(("log %s 20"):format(JOB))
    assert.are.equal(table.concat(expected, "\n") .. "\n", seen)
    answers { page(log) }
    assert.are.equal(log, command.run(("log %s 20"):format(JOB), env).out, "a pipe gets the bytes")
  end)

  it("cannot colour what comes after its line", function()
    answers { page "\27[31mred for ever\n\27[8mconcealed\nplain\n" }
    local _, bytes = on_page(("log %s 20"):format(JOB))
    assert.are.equal("\27[31mred for ever\27[0m\r\nconcealed\r\nplain\r\n", bytes)
  end)

  it("cannot colour the verdict through the last lines of what failed", function()
    answers {
      record "FAILURE",
      '{"build_steps":[{"name":"\\u001b[31mTest","status":"error","build_time":5}]}',
    }
    local seen, bytes, status = on_page(("wait %s 20 --progress plain"):format(JOB))
    assert.are.equal(1, status)
    assert.is_truthy(seen:find(": FAILURE, took 1m 40s", 1, true), seen)
    assert.is_nil(bytes:find("\27[31m", 1, true))
  end)

  it("is escaped in JSON on a terminal, and as it came in a pipe", function()
    local body = '{"total":1,"jobs":[{"id":"x","job_name":"a\194\155'
      .. "31mb\226\128\174c\127"
      .. '"}]}'
    for _, arguments in ipairs {
      "jobs " .. JOB .. " --json",
      "call ShowJobListByProjectId page_index=0 page_size=10 project_id=" .. JOB,
    } do
      answers { body }
      local seen = on_page(arguments)
      assert.is_truthy(seen:find([[a\u009b31mb\u202ec\u007f]], 1, true), seen)
      answers { body }
      local piped = command.run(arguments, env)
      assert.is_truthy(piped.out:find("a\194\155" .. "31mb\226\128\174c\127", 1, true), piped.out)
    end
    answers { '{"total":1,"jobs":[{"id":"x","job_name":"\\u001b]0;x\\u0007"}]}' }
    local seen = on_page("jobs " .. JOB .. " --json")
    assert.is_truthy(seen:find([[\u001b]0;x\u0007]], 1, true), seen)
  end)

  it("is harmless in bytes on a terminal, and as it came in a pipe", function()
    local body = "one \27[2Jline\n\27[31mred\nlast \155\27]0;x\7."
    answers { body }
    local _, bytes = on_page("call DownloadBuildLog record_id=" .. RECORD)
    assert.are.equal("one line\r\n\27[31mred\27[0m\r\nlast ?.\r\n", bytes)
    answers { body }
    assert.are.equal(body, command.run("call DownloadBuildLog record_id=" .. RECORD, env).out)
  end)

  it("is harmless in errors", function()
    for _, form in ipairs { "", " --json" } do
      answers({}, '{"error_code":"X.1","error_msg":"a\\u001b[2Jb\\u009b31mc\\u202ed"}')
      local seen, bytes, status = on_page(("status %s 20%s"):format(JOB, form), 400)
      assert.are.equal(6, status)
      assert.is_truthy(seen:find("X.1", 1, true), seen)
      assert.is_nil(bytes:find "\27")
      assert.is_nil(bytes:find("\194\155", 1, true))
      assert.is_nil(bytes:find("\226\128\174", 1, true))
    end
  end)

  it("may be a mebibyte of one progress bar", function()
    local bar = "\27[32m########\27[0m \27[1m%d%%\27[0m\r"
    local parts = {}
    for index = 1, math.floor(1048576 / #bar) do
      parts[index] = bar:format(index % 100)
    end
    parts[#parts + 1] = "100%"
    answers {
      record "FAILURE",
      '{"build_steps":[{"name":"Test","status":"error","build_time":5}]}',
      '{"status":"success","result":{"build_stages":{"stage1":{"display_name":"Test"}}}}',
      table.concat(parts),
    }
    local seen, _, status = on_page(("wait %s 20 --progress plain"):format(JOB))
    assert.are.equal(1, status)
    assert.is_truthy(seen:find("last lines of Test:\n  100%\n", 1, true), seen:sub(1, 2000))
  end)
end)
