-- What people read of builds that are over or run: logs, artifacts, tables, times.

local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local screen = require "spec.support.screen"
local server_process = require "spec.support.server"
local text = require "codearts.build.cli.text"

local GOOD, BAD = cli_sandbox.good, cli_sandbox.bad

describe("codearts-build, to be read", function()
  local box, good, bad

  setup(function()
    box = cli_sandbox.start()
    box.env.TZ = "UTC0"
    local result = command.run(("run %s %s --wait --json"):format(GOOD, BAD), box.env)
    local list = core.decode(result.out)
    good = GOOD .. " " .. list[1].actual_build_number
    bad = BAD .. " " .. list[2].actual_build_number
  end)

  teardown(function()
    box:stop()
  end)

  local function run(...)
    return box:run(...)
  end

  describe("log", function()
    it("of what failed only", function()
      local result = run("log --failed " .. bad)
      assert.are.equal(0, result.status, result.err)
      assert.is_truthy(result.out:find("test 7 failed", 1, true))
      assert.is_nil(result.out:find("fine", 1, true))
      assert.are.equal("codearts-build: step 2, Test:\n", result.err)
      local data = core.decode(run("log --failed --json " .. bad).out)
      assert.are.same(
        { 2, "Test", "error" },
        { data.steps[1].number, data.steps[1].name, data.steps[1].status }
      )
      assert.is_true(#data.steps[1].lines >= 3)
    end)

    it("of a build in which nothing failed", function()
      local result = run("log --failed " .. good)
      assert.are.equal(0, result.status)
      assert.are.equal("", result.out)
      assert.is_truthy(result.err:find("the build succeeded: no step failed", 1, true))
      result = run("log --failed --json " .. good)
      assert.is_truthy(result.out:find('"steps":[]', 1, true), result.out)
      box:close_gate()
      local number = core.decode(
        run(("run %s --json --param GATE=%s"):format(GOOD, command.quote(box.gate))).out
      ).actual_build_number
      result = run(("log --failed %s %s"):format(GOOD, number))
      assert.is_truthy(result.err:find("no step has failed so far", 1, true), result.err)
      box:open_gate()
    end)

    it("of a failed build whose steps say nothing", function()
      local server = server_process.start()
      server:behave("by_path", {
        rows = {
          { path = "record%-info", body = '{"result":{"status":"FAILURE"}}' },
          { path = "history%-details", body = '{"build_steps":[]}' },
          {
            path = "real%-time%-log",
            body = '{"result":{"content":"one\\ntwo\\n","offset":8,"has_more_data":false}}',
          },
        },
      })
      local result = run("log --failed " .. bad, { CODEARTS_BUILD_ENDPOINT = server.url })
      server:stop()
      assert.are.equal(0, result.status, result.err)
      assert.are.equal("one\ntwo\n", result.out)
      assert.is_truthy(result.err:find("the whole log", 1, true))
    end)

    describe("of steps by their stages:", function()
      local server

      before_each(function()
        server = server_process.start()
      end)

      after_each(function()
        server:stop()
      end)

      -- { "name status", … } as members of JSON.
      local function members(list, form)
        local texts = {}
        for index, one in ipairs(list) do
          local name, status = one:match "^(.*) (%a+)$"
          texts[index] = form:gsub("INDEX", index):gsub("NAME", name):gsub("STATUS", status)
        end
        return table.concat(texts, ",")
      end

      -- A failed build: its steps and stages (false: nobody tells them), and what else is answered first.
      local function answers(steps, stages, rows)
        local stage = '"stageINDEX":{"display_name":"NAME","status":"STATUS","sequence":INDEX}'
        local bodies = {
          ["full%-stages"] = '{"result":{"build_stages":{' .. members(stages or {}, stage) .. "}}}",
          ["record%-info"] = '{"result":{"status":"FAILURE","build_record_id":"'
            .. ("r"):rep(36)
            .. '"}}',
          ["history%-details"] = '{"build_steps":['
            .. members(steps, '{"name":"NAME","status":"STATUS"}')
            .. "]}",
          ["real%-time%-log"] = '{"result":{"content":"one\\ntwo\\n","offset":8,"has_more_data":false}}',
        }
        for path, body in pairs(bodies) do
          local status = path:find "stages" and not stages and 404 or 200
          rows[#rows + 1] = { path = path, status = status, body = body }
        end
        server:behave("by_path", { rows = rows })
      end

      local function run_here(arguments)
        return run(arguments .. " " .. bad, { CODEARTS_BUILD_ENDPOINT = server.url })
      end

      it("which many failed steps ask for once", function()
        local MANY = 60
        local steps, stages = {}, {}
        for number = 1, MANY do
          steps[number], stages[number] =
            ("step %d error"):format(number), ("step %d FAILURE"):format(number)
        end
        answers(steps, stages, { { path = "task%-log", body = "a line\n" } })
        local result = run_here "log --failed"
        local asked = { log = 0, rest = 0 }
        for _, request in ipairs(server:stats().requests) do
          local what = request.path:find "task%-log" and "log" or "rest"
          asked[what] = asked[what] + 1
        end
        assert.are.equal(0, result.status, result.err)
        assert.are.equal(("a line\n"):rep(MANY), result.out)
        assert.are.equal(MANY, asked.log)
        assert.is_true(asked.rest < 10, asked.rest .. " requests beside the logs")
      end)

      local SEEN = { "Checkout success", "Shell success", "Shell error" }
      local ALL = { "Checkout SUCCESS", "cache SUCCESS", "Shell SUCCESS", "Shell FAILURE" }

      it("two of one name, behind one that the page does not show", function()
        answers(SEEN, ALL, {
          { path = "task_name=stage3", body = "all is well\n" },
          { path = "task_name=stage4", body = "it is broken\n" },
        })
        local result = run_here "log --failed"
        assert.are.same({ 0, "it is broken\n" }, { result.status, result.out }, result.err)
        assert.are.equal("codearts-build: step 4, Shell:\n", result.err)
        assert.are.equal(result.out, run_here("log --step 4").out)
        assert.are.equal(4, core.decode(run_here("log --failed --json").out).steps[1].number)
        local told = run_here("log --step shell").err
        assert.is_truthy(told:find("3 (Shell), 4 (Shell)", 1, true), told)
        result = run_here "wait"
        assert.is_truthy(
          result.err:find("last lines of Shell:\n  it is broken\n", 1, true),
          result.err
        )
        told = run_here("status").err
        assert.is_truthy(told:find("Shell failed; its log:", 1, true), told)
      end)

      it("the whole log where nothing tells which stage it is", function()
        for _, stages in ipairs { { "Shell FAILURE", "Shell FAILURE" }, false } do
          answers({ "Shell error" }, stages, { { path = "task%-log", body = "not this one\n" } })
          local result = run_here "log --failed"
          assert.are.same({ 0, "one\ntwo\n" }, { result.status, result.out }, result.err)
          assert.is_truthy(
            result.err:find("that of Shell cannot be told; the whole log:", 1, true),
            result.err
          )
          local steps = core.decode(run_here("log --failed --json").out).steps
          assert.are.same(
            { { name = "Shell", status = "error" }, { lines = { "one", "two" } } },
            steps
          )
          result = run_here "wait"
          assert.is_truthy(
            result.err:find("last lines of the log:\n  one\n  two\n", 1, true),
            result.err
          )
        end
      end)

      it("the end of the whole log by that name, where the step's cannot be had", function()
        answers(SEEN, ALL, { { path = "task%-log", status = 404, body = '{"error_code":"X.1"}' } })
        local result = run_here "wait"
        assert.are.equal(1, result.status)
        assert.is_truthy(
          result.err:find("last lines of the log:\n  one\n  two\n", 1, true),
          result.err
        )
        assert.is_truthy(result.err:find("all of it: codearts-build log " .. bad .. "\n", 1, true))
      end)
    end)

    it("of the last lines only", function()
      local all = run("log " .. bad).out
      for count = 1, 3 do
        local last = all:match(("[^\n]*\n"):rep(count) .. "$")
        assert.are.equal(last, run(("log %s --tail %d"):format(bad, count)).out)
      end
      assert.are.equal(all, run(("log %s --tail 1000"):format(bad)).out)
      local step = run("log --failed " .. bad).out
      assert.are.equal(step:match "[^\n]*\n$", run(("log --failed %s --tail 1"):format(bad)).out)
      local data = core.decode(run(("log %s --tail 2 --json"):format(bad)).out)
      assert.are.equal(2, #data.lines)
    end)
  end)

  it("status tells what is left of a build that runs", function()
    local function stamp(ago)
      return os.date("!%Y-%m-%dT%H:%M:%S+00:00", os.time() - ago)
    end
    local records = {}
    for number = 1, 9 do
      local start = 1000 * number
      records[number] = ('{"build_number":%d,"result":"SUCCESS","start_time":"%s","end_time":"%s"}'):format(
        number,
        stamp(start),
        stamp(start - 600)
      )
    end
    local server = server_process.start()
    server:behave("by_path", {
      rows = {
        {
          path = "record%-info",
          body = ('{"result":{"status":"RUNNING","start_time":"%s"}}'):format(stamp(60)),
        },
        {
          path = "/history%?",
          body = ('{"total":9,"history_records":[%s]}'):format(table.concat(records, ",")),
        },
        {
          path = "history%-details",
          body = '{"build_steps":[{"name":"Test","status":"running"}]}',
        },
      },
    })
    local env = { CODEARTS_BUILD_ENDPOINT = server.url }
    local result = run("status " .. GOOD .. " 20", env)
    local data = core.decode(run("status --json " .. GOOD .. " 20", env).out)
    server:stop()
    assert.are.equal(0, result.status, result.err)
    assert.is_truthy(result.out:find "\nleft      about [89] min left\n", result.out)
    assert.is_true(data.eta > 400 and data.eta < 600)
  end)

  describe("the end of a log", function()
    local failed = require "codearts.build.cli.failed"

    it("shows before it what sounds like the cause", function()
      local lines = {}
      for index = 1, 40 do
        lines[index] = "line " .. index
      end
      lines[3], lines[4], lines[20] = "x.c:3: error: y", "2 errors", "Tests FAILED"
      lines[21] = "no terrors here"
      assert.are.same(
        { "x.c:3: error: y", "2 errors", "...", "Tests FAILED", "...", "line 39", "line 40" },
        failed.excerpt(lines, 2, 5)
      )
      assert.are.same({ "a", "error" }, failed.excerpt({ "a", "error" }, 5, 5))
      assert.are.same({}, failed.excerpt({}, 5, 5))
      for index = 1, 40 do
        lines[index] = "error " .. index
      end
      assert.is_true(#failed.excerpt(lines, 10, 5) <= 21)
    end)
  end)

  describe("artifacts", function()
    it("are what the build has made", function()
      local number = good:match "%d+$"
      local result = run("artifacts " .. good)
      assert.are.equal(0, result.status, result.err)
      assert.is_truthy(
        result.out:find(
          ("^NAME +VERSION +TYPE +ADDRESS\nout%%-%s%%.txt +%%d+%%.%s +generic +%%-\n$"):format(
            number,
            number
          )
        ),
        result.out
      )
      local data = core.decode(run("artifacts --json " .. good).out)
      assert.are.equal(1, #data.artifacts)
      assert.are.equal("out-" .. number .. ".txt", data.artifacts[1].name)
      result = run("artifacts " .. bad)
      assert.are.equal(0, result.status)
      assert.are.equal("", result.out)
      assert.is_truthy(result.err:find("has made no packages and no images", 1, true))
      assert.is_truthy(run("artifacts --json " .. bad).out:find('"artifacts":[]', 1, true))
    end)

    it("may come in any of three members, and in none", function()
      local server = server_process.start()
      local env = { CODEARTS_BUILD_ENDPOINT = server.url }
      local one = '{"name":"a.tgz","version":"1","package_type":"generic","uri":"https://x/a.tgz"}'
      for _, case in ipairs {
        { 1, ('{"package_info":%s,"package_infos":null,"image_infos":null}'):format(one) },
        { 1, ('{"package_info":%s,"package_infos":{"a":%s}}'):format(one, one) },
        { 1, ('{"image_infos":{"a":%s}}'):format(one) },
        { 2, ('{"package_infos":{"a":%s,"b":{"name":"b"}}}'):format(one) },
        { 0, "{}" },
        { 0, '{"package_info":null,"package_infos":[],"image_infos":"x"}' },
      } do
        server:script({}, { "answer", body = ('{"result":%s}'):format(case[2]) })
        local result = run("artifacts --json " .. good, env)
        assert.are.equal(0, result.status, result.err)
        assert.are.equal(case[1], #core.decode(result.out).artifacts, case[2])
        assert.are.equal(0, run("artifacts " .. good, env).status)
      end
      for _, body in ipairs { "{}", "[]", '{"result":"no"}', '{"result":{"error":"no"}}', "true" } do
        server:script({}, { "answer", body = body })
        local result = run("artifacts --json " .. good, env)
        assert.are.equal(6, result.status, body)
        assert.are.equal("bad_answer", core.decode(result.out).error.reason)
      end
      server:script({}, {
        "answer",
        body = '{"result":{"package_info":{"name":"a\\u001b[2J","uri":"https://'
          .. ("x"):rep(100)
          .. '"}}}',
      })
      local _, bytes = command.run_on_terminal("artifacts " .. good, {
        CODEARTS_BUILD_ENDPOINT = server.url,
        CODEARTS_BUILD_TOKEN = "a-token",
      }, 120)
      server:stop()
      assert.is_nil(bytes:find("\27[2J", 1, true))
      assert.is_truthy(bytes:find("\n  https://" .. ("x"):rep(100), 1, true), bytes)
    end)
  end)

  describe("times", function()
    it("are in the one zone of the user", function()
      local stamp = "%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d "
      for zone, offset in pairs { UTC0 = "%+0000", ["<+0530>-5:30"] = "%+0530", EST5 = "%-0500" } do
        local env = { TZ = zone }
        local shown = run("status " .. bad, env).out
        assert.is_truthy(shown:find("\nstarted   " .. stamp .. offset .. "\n"), shown)
        assert.is_truthy(shown:find("\nfinished  " .. stamp .. offset .. "\n"), shown)
        local listed = run("history " .. BAD, env).out
        assert.is_truthy(
          listed:find(("  %s%s  %s%s  "):format(stamp, offset, stamp, offset)),
          listed
        )
        local started = shown:match("started   (" .. stamp .. ")")
        assert.are.equal(started, listed:match("  (" .. stamp .. ")"))
        local jobs = run("jobs " .. box.project, env).out
        assert.is_truthy(jobs:find(stamp .. offset), jobs)
      end
    end)

    it("that make no sense are told as they came", function()
      local zone = require "codearts.build.cli.zone"
      for _, case in ipairs {
        { "soon", "soon" },
        { "2024-05-31 12:00:00", "2024-05-31 12:00:00" },
        { "", "-" },
        { nil, "-" },
        { 0, "-" },
        { {}, "-" },
      } do
        assert.are.equal(case[2], zone(case[1]))
      end
      assert.are.equal("-", zone(1e17))
      assert.are.equal("9999-99-99T00:00:00+99:99", zone "9999-99-99T00:00:00+99:99")
      assert.is_truthy(zone "2040-07-01T00:00:00Z":find "^2040%-0[67]%-")
      assert.is_truthy(zone(1609320791250):find "^2020%-12%-30 ")
      assert.are.equal(zone "2020-12-30T09:33:11Z", zone "2020-12-30T17:33:11+08:00")
    end)
  end)

  describe("on a terminal", function()
    it("tables fit the width, and keep ids whole", function()
      for _, columns in ipairs { 50, 60, 80, 200 } do
        for _, arguments in ipairs { "history " .. BAD, "jobs " .. box.project } do
          local status, bytes = command.run_on_terminal(arguments, box.env, columns)
          assert.are.equal(0, status)
          for line in bytes:gmatch "[^\r\n]+" do
            assert.is_true(text.width(line) <= columns, line)
          end
          if arguments:find "jobs" then
            assert.is_truthy(bytes:find(GOOD, 1, true), bytes)
          end
        end
      end
    end)

    it("the status of a finished build is a picture", function()
      local status, bytes = command.run_on_terminal("status " .. bad, box.env)
      assert.are.equal(1, status)
      local page = screen.new(80):feed(bytes):text()
      assert.is_truthy(page:find("\n✗ Test ", 1, true), page)
      assert.is_truthy(page:find("█", 1, true), page)
      assert.is_truthy(page:find("Test failed; its log:", 1, true), page)
      assert.is_truthy(page:find("codearts-build log " .. bad .. " --failed", 1, true), page)
    end)

    it("several builds end in one picture", function()
      local status, bytes = command.run_on_terminal(("run %s %s --wait"):format(GOOD, BAD), box.env)
      assert.are.equal(1, status)
      local page = screen.new(80):feed(bytes):text()
      assert.is_truthy(page:find "\n✓ goodjob0 #%d+ +%*? *│", page)
      assert.is_truthy(page:find "\n✗ badjob00 #%d+ +%*? *│", page)
    end)
  end)
end)
