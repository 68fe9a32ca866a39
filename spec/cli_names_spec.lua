-- Jobs by their names, the latest build, and what is kept of listings.

local build = require "codearts.build"
local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local names = require "codearts.build.cli.names"
local server_process = require "spec.support.server"

local GOOD, BAD = cli_sandbox.good, cli_sandbox.bad
local PROJECT = "54bc5ae8ca3e43e19d3ba0f7dc9e2a3c"

describe("codearts-build, given a name", function()
  local box, cache

  setup(function()
    box = cli_sandbox.start()
    cache = os.tmpname()
    os.remove(cache)
    box.env.XDG_CACHE_HOME = cache
    box.env.CODEARTS_BUILD_PROJECT = box.project
  end)

  teardown(function()
    box:stop()
    os.execute("rm -r " .. cache)
  end)

  local function run(arguments)
    return command.run(arguments, box.env)
  end

  it("finds the job in every command", function()
    local result = run "run good --json --wait"
    assert.are.equal(0, result.status, result.err)
    local data = core.decode(result.out)
    local number = data.actual_build_number
    assert.are.equal(GOOD, data.job_id)
    for _, arguments in ipairs {
      "wait good " .. number,
      "status good " .. number,
      "log good " .. number,
      "history good",
      "doctor --job good",
      "run good name:good " .. GOOD,
      "stop good " .. number,
    } do
      result = run(arguments)
      assert.are.equal(arguments:find "stop" and 6 or 0, result.status, arguments .. result.err)
    end
    result = command.run("history good --project " .. box.project, {
      CODEARTS_BUILD_ENDPOINT = box.env.CODEARTS_BUILD_ENDPOINT,
      CODEARTS_BUILD_TOKEN = box.env.CODEARTS_BUILD_TOKEN,
    })
    assert.are.equal(0, result.status, result.err)
  end)

  it("says which names there are", function()
    for _, case in ipairs {
      { "run goood", "no job of the project .* is called 'goood'; there are: good\n" },
      { "history GOOD", "is called 'GOOD'; there are: good\n" },
      { "history oo", "is called 'oo'; there are: good\n" },
      { "status '编译程序的名字'", "is called '编译程序的名字'\n" },
      { "doctor --job baad", "is called 'baad'; there are: bad" },
    } do
      local result = run(case[1])
      assert.are.equal(2, result.status, case[1])
      assert.is_truthy((result.out .. result.err):find(case[2]), result.out .. result.err)
    end
  end)

  it("takes the latest build where no number is given, and tells it", function()
    local last = core.decode(run("run good --json").out).actual_build_number
    local waited = run "wait good"
    assert.are.equal(0, waited.status, waited.err)
    assert.is_truthy(waited.out:find(("build %s of %s: SUCCESS"):format(last, GOOD), 1, true))
    for _, arguments in ipairs { "status good", "log good", "stop " .. GOOD, "wait " .. GOOD } do
      local result = run(arguments)
      assert.is_truthy(result.err:find(("build %s is the latest of good"):format(last), 1, true))
    end
    local result = command.run("status " .. BAD, box.env)
    assert.are.equal(2, result.status, result.err)
    assert.is_truthy(result.err:find("has no build in the last 30 days", 1, true), result.err)
  end)

  describe("of a service that", function()
    local server, env

    before_each(function()
      server = server_process.start()
      env = {
        CODEARTS_BUILD_ENDPOINT = server.url,
        CODEARTS_BUILD_TOKEN = "a-token",
        CODEARTS_BUILD_PROJECT = PROJECT,
      }
    end)

    after_each(function()
      server:stop()
    end)

    local function jobs(...)
      local list = {}
      for index, pair in ipairs { ... } do
        list[index] = ('{"id":"%s","job_name":"%s"}'):format(pair[1], pair[2])
      end
      local body = ('{"total":%d,"jobs":[%s]}'):format(#list, table.concat(list, ","))
      return { "answer", body = body }
    end

    it("has two jobs of the name", function()
      server:script({}, jobs({ GOOD, "web" }, { BAD, "web" }, { ("x"):rep(32), "web2" }))
      local result = command.run("run web", env)
      assert.are.equal(2, result.status)
      assert.is_truthy(
        result.err:find(
          ("2 jobs are called 'web', so give the id: %s, %s"):format(GOOD, BAD),
          1,
          true
        ),
        result.err
      )
      for _, request in ipairs(server:stats().requests) do
        assert.are.equal("GET", request.method)
      end
    end)

    it("gives a job an id that is the token", function()
      local token = ("0123456789abcdef"):rep(2)
      local mine = {}
      for name, value in pairs(env) do
        mine[name] = value
      end
      mine.CODEARTS_BUILD_TOKEN = token
      server:script({}, jobs { token, "web" })
      local result = command.run("run web --json", mine)
      assert.are.equal(2, result.status)
      assert.is_nil((result.out .. result.err):find(token, 1, true))
      assert.is_truthy(
        result.err:find("the id that the service lists for 'web' holds a credential", 1, true)
      )
      for _, request in ipairs(server:stats().requests) do
        assert.is_nil(request.path:find(token, 1, true))
      end
    end)

    it("finds something else than was asked for", function()
      server:script({ jobs({ BAD, "webserver" }) }, jobs({ GOOD, "web" }))
      server:script(
        { jobs { BAD, "webserver" }, jobs { GOOD, "web" } },
        { "answer", body = '{"total":0,"history_records":[]}' }
      )
      local result = command.run("history web --json", env)
      assert.are.equal(0, result.status, result.err)
      local requests = server:stats().requests
      assert.is_truthy(requests[1].path:find("search=web", 1, true))
      assert.is_nil(requests[2].path:find("search", 1, true))
      assert.is_truthy(requests[3].path:find(GOOD, 1, true))
    end)

    it("lists fewer at once than were asked for, or the same page again and again", function()
      local first = '{"total":%s,"jobs":[{"id":"' .. BAD .. '","job_name":"webserver"}]}'
      local second = '{"total":2,"jobs":[{"id":"' .. GOOD .. '","job_name":"web"}]}'
      local history = { "answer", body = '{"total":0,"history_records":[]}' }
      server:script({ { "answer", body = first:format(2) }, { "answer", body = second } }, history)
      local result = command.run("history web --json", env)
      assert.are.equal(0, result.status, result.err)
      for _, total in ipairs { "null", "1000" } do
        server:script({}, { "answer", body = first:format(total) })
        result = command.run("run web", env)
        assert.are.equal(2, result.status, result.err)
        assert.is_truthy(result.err:find("there are: webserver", 1, true), result.err)
        local part = result.err:find("as far as its list goes: 1 of 1000; there", 1, true)
        assert.are.equal(total == "1000", part ~= nil, result.err)
      end
    end)

    it("lists jobs without an end", function()
      local pages = {}
      for number = 1, 230 do
        pages[number] = {
          "answer",
          body = ('{"total":1000000,"jobs":[{"id":"%032d","job_name":"n%d"}]}'):format(
            number,
            number
          ),
        }
      end
      server:script(pages)
      local result = command.run("run web", env)
      assert.are.equal(2, result.status, result.err)
      assert.is_truthy(
        result.err:find("too many to look for a name in: give the id", 1, true),
        result.err
      )
      assert.are.equal(200, #server:stats().requests)
    end)

    it("lists nonsense", function()
      for _, body in ipairs { "{}", "[]", '{"error":"no"}', '{"jobs":"no"}' } do
        server:script({}, { "answer", body = body })
        local result = command.run("run web --json", env)
        assert.are.equal(6, result.status, body .. result.err)
        assert.are.equal("bad_answer", core.decode(result.out).error.reason)
      end
      for _, body in ipairs {
        '{"total":0}',
        '{"jobs":null}',
        '{"jobs":[{"id":1,"job_name":"web"},{"job_name":2},{}]}',
        '{"jobs":[{"id":"' .. GOOD .. '","job_name":"\\u001b[31mweb\\n"}]}',
      } do
        server:script({}, { "answer", body = body })
        local result = command.run("run web", env)
        assert.are.equal(2, result.status, body .. result.err)
        assert.is_truthy(result.err:find("is called 'web'", 1, true), result.err)
        assert.is_nil(result.err:find "\27", result.err)
      end
    end)

    it("may not be asked", function()
      server:script({}, { "answer", status = 403, body = '{"error_code":"APIGW.0302"}' })
      assert.are.equal(4, command.run("run web", env).status)
    end)

    it("knows only one of the two places of a latest build", function()
      local status = { body = '{"result":{"last_build_no":"12","is_running":true}}' }
      local odd = { body = '{"result":{"last_build_no":"x"}}' }
      local listed = { body = '{"total":1,"history_records":[{"build_number":11}]}' }
      local refusal = { status = 400, body = '{"error_code":"X"}' }
      for _, case in ipairs {
        { 12, status, listed },
        { 12, status, refusal },
        { 11, refusal, listed },
        { 11, odd, listed },
      } do
        case[2].path, case[3].path = "/running%-status", "/history%?"
        server:behave("by_path", { rows = { case[2], case[3] } })
        local result = command.run("stop " .. GOOD, env)
        assert.is_truthy(
          result.err:find(("build %d is the latest"):format(case[1]), 1, true),
          result.err
        )
        local doubts = result.err:find("there may be a later one", 1, true) ~= nil
        assert.are.equal(case[2] == refusal or case[3] == refusal, doubts, result.err)
      end
    end)

    it("is told by a cache on the way", function()
      local status = { path = "/running%-status", body = '{"result":{"last_build_no":"12"}}' }
      local listed = { path = "/history%?", body = '{"history_records":[{"build_number":11}]}' }
      for _, kept in ipairs { status, listed } do
        status.headers, listed.headers = { { "Age", "0" } }, nil
        kept.headers = { { "Age", "45" } }
        server:behave("by_path", { rows = { status, listed } })
        for _, arguments in ipairs { "stop ", "wait " } do
          local result = command.run(arguments .. GOOD, env)
          assert.are.equal(6, result.status, result.err)
          assert.is_truthy(result.err:find("has kept the answer for 45 s", 1, true), result.err)
        end
      end
      for _, request in ipairs(server:stats().requests) do
        assert.are.equal("GET", request.method)
      end
    end)

    it("fails to tell one of the two for now", function()
      local status = { path = "/running%-status", body = '{"result":{"last_build_no":"12"}}' }
      local listed = { path = "/history%?", body = '{"history_records":[{"build_number":11}]}' }
      local function down(row)
        return { path = row.path, status = 500, body = '{"error_code":"X"}' }
      end
      local function odd(row)
        return { path = row.path, body = "{}" }
      end
      for _, rows in ipairs {
        { status, down(listed) },
        { status, odd(listed) },
        { down(status), listed },
        { odd(status), listed },
        {
          { path = status.path, status = 400, body = "{}" },
          { path = listed.path, body = '{"total":0}' },
        },
      } do
        server:behave("by_path", { rows = rows })
        for _, arguments in ipairs { "stop ", "wait " } do
          local result = command.run(arguments .. GOOD, env)
          assert.are.equal(6, result.status, result.err)
          assert.is_nil(result.err:find("is the latest", 1, true), result.err)
        end
      end
      for _, request in ipairs(server:stats().requests) do
        assert.are.equal("GET", request.method)
      end
    end)
  end)

  describe("keeps a listing", function()
    local function getenv(name)
      return ({ XDG_CACHE_HOME = cache })[name]
    end

    local function ids()
      local list = {}
      for index, job in ipairs(names.all(getenv)) do
        list[index] = job.id .. "=" .. job.name
      end
      return table.concat(list, " ")
    end

    before_each(function()
      os.execute("rm -rf " .. cache)
    end)

    it("and forgets what a complete one does not have any more", function()
      names.remember(
        "p",
        { { id = "a", job_name = "A" }, { id = "b", job_name = "B" } },
        true,
        getenv
      )
      names.remember("q", { { id = "c", job_name = "C" } }, false, getenv)
      names.remember("p", { { id = "b", job_name = "B2" } }, false, getenv)
      assert.are.equal("b=B2 c=C a=A", ids())
      names.remember("p", { { id = "d", job_name = "D" } }, true, getenv)
      assert.are.equal("d=D c=C", ids())
    end)

    it("of clean names only, and reads what somebody else wrote there", function()
      names.remember("p", {
        { id = "a", job_name = "A\tB\nC\27[31m" },
        { id = "../x", job_name = "X" },
        { id = 1, job_name = "Y" },
        { id = "b" },
      }, true, getenv)
      assert.are.equal("a=A B C [31m", ids())
      local file = assert(io.open(cache .. "/codearts-build/jobs", "wb"))
      file:write("\0\0\nno tabs here\np\ta\tname\np\tb\tcut off")
      file:close()
      assert.are.equal("a=name", ids())
    end)

    it("and nothing else beside it", function()
      names.remember("p", { { id = "a", job_name = "A" } }, true, getenv)
      names.remember("p", { { id = "b", job_name = "B" } }, true, getenv)
      local pipe = io.popen("ls -A " .. cache .. "/codearts-build")
      assert.are.equal("jobs\n", pipe:read "*a")
      pipe:close()
    end)

    -- Counted by the clock that the steps go by, as in frames_spec.lua.
    it("over several steps of a client", function()
      local server, list = server_process.start(), {}
      for index = 1, 20 do
        list[index] = ('{"id":"j%d","job_name":"J"}'):format(index)
      end
      server:script(
        {},
        { "answer", body = ('{"jobs":[%s],"total":20}'):format(table.concat(list, ",")) }
      )
      local client = build.new { endpoint = server.url, auth = "t" }
      local remember, now, most, total = names.remember, 0, 0, 0
      function names.remember(project, jobs, complete, _, pause)
        remember(project, jobs, complete, getenv, function()
          now, total = now + 1, total + 1
          most = math.max(most, now)
          local till = core.now() + 0.0005
          while core.now() < till do
          end
          pause()
        end)
      end
      finally(function()
        names.remember = remember
        client:close()
        server:stop()
      end)
      local listing = client:task(function(await)
        return require "codearts.build.cli.job_list"(await, client, PROJECT)
      end)
      while not listing:done() do
        now = 0
        client:step(0.01)
      end
      assert.equal(20, #listing:wait().jobs)
      assert.equal(20, #names.all(getenv))
      assert.is_true(total >= 40 and most <= 4, most)
    end)

    it("unless there is no place for it", function()
      names.remember("p", { { id = "a", job_name = "A" } }, true, function() end)
      assert.are.same({}, names.all(function() end))
      names.remember("p", { { id = "a", job_name = "A" } }, true, function()
        return "/proc/nothing"
      end)
    end)

    it("for labels", function()
      assert.are.equal(0, run("jobs").status)
      local result = run(("run %s %s --follow --progress none"):format(GOOD, BAD))
      assert.is_truthy(result.out:find "\ngood #%d+ | ", result.out)
      assert.is_truthy(result.out:find "\nbad #%d+ | ", result.out)
    end)
  end)
end)
