-- Starting, queueing and stopping builds over HTTP.

local client = require("spec.support.sandbox_client")
local json = require("codearts.build.sandbox.json")

local PRINTER, WAITER = "printer0000000000000000000000001", "waiter00000000000000000000000001"

-- WAITER's builds say that they run and go on when their FIFO is written to.
local JOBS = [==[
job {
  id = "printer0000000000000000000000001",
  name = "printer",
  parameters = { codeBranch = "master", GREETING = "hello", KEY = { default = "k", secret = true } },
  steps = {
    step { name = "Print", run = [[
      printf 'greeting=<%s>\n' "$GREETING"
      echo "key=$KEY branch=$codeBranch number=$INCREASENUM day=$BUILDNUMBER project=$PROJECT_ID"
      echo "commit=${COMMIT_ID-unset} short=${COMMIT_ID_SHORTER-unset} tag=${GIT_TAG-unset} unknown=${UNKNOWN-unset}"
      test "$PWD" = "$WORKSPACE" && echo "stamp=$TIMESTAMP leaked=${LUA-no}${LUA_PATH-no}"
      ls -A | wc -l | tr -d ' '
    ]] },
    step { name = "Open line", run = "printf 'no end of line'" },
    step { name = "Errors too", run = "echo to stderr >&2; cat; sleep 600 & echo left $!" },
  },
}
job {
  id = "waiter00000000000000000000000001",
  name = "waiter",
  parameters = { GATE = "" },
  steps = {
    step { name = "Wait", run = "echo waiting; read -r line <\"$GATE\"; echo \"got $line\"" },
  },
}
job {
  id = "failer00000000000000000000000001",
  name = "failer",
  steps = {
    step { name = "Good", run = "true" },
    step { name = "Bad", run = "echo before\n(exit 7)\necho after" },
    step { name = "Never", run = "echo never" },
  },
}
job {
  id = "flooder0000000000000000000000001",
  name = "flooder",
  steps = { step { name = "Flood", run = "yes" } },
}
]==]

describe("the sandbox runs builds:", function()
  local c, jobs, gates

  setup(function()
    jobs = client.write_file(JOBS)
    c = client.start({ jobs = jobs, max_builds = 1 })
  end)

  teardown(function()
    c.box.stop()
    os.remove(jobs)
  end)

  before_each(function()
    gates = {}
  end)

  after_each(function()
    for _, gate in ipairs(gates) do
      os.remove(gate)
    end
  end)

  local function new_gate()
    local gate = os.tmpname()
    os.remove(gate)
    assert(client.output_of("mkfifo " .. gate) == "")
    gates[#gates + 1] = gate
    return gate
  end

  --- Its build is to read it, else this would wait for ever.
  local function open_gate(gate)
    assert.equal(
      "",
      client.output_of(("timeout 60 sh -c 'echo go >%s' || echo not read"):format(gate))
    )
  end

  it("answers three texts, and numbers builds", function()
    for _, target in ipairs({ "/v3/jobs/build", "/v1/job/execute" }) do
      local before = c:get("/__sandbox/stats").json.builds_started
      local answer = c:post(target, { job_id = PRINTER })
      assert.equal(200, answer.status)
      assert.matches("^j_%w%w%w%w%w%w%w%w$", answer.json.octopus_job_name)
      assert.matches("^%d+$", answer.json.actual_build_number)
      assert.matches("^%d%d%d%d%d%d%d%d%.%d+$", answer.json.daily_build_number)
      assert.equal("application/json;charset=UTF-8", answer.headers["content-type"])
      c:finished(PRINTER, tonumber(answer.json.actual_build_number))
      assert.equal(before + 1, c:get("/__sandbox/stats").json.builds_started)
    end
    local first, second = c:run(PRINTER), c:run(PRINTER)
    assert.equal(first + 1, second)
    c:finished(PRINTER, second)
  end)

  it(
    "gives steps their parameters, the commit, the tag and nothing of its own environment",
    function()
      local value = "a 'quoted' \"$HOME\" `x`\n\195\164"
      local number = c:run(
        PRINTER,
        { GREETING = value, KEY = "s", UNKNOWN = "x" },
        { build_commit_id = "b6192120acc67074", build_tag = "v1.0", branch = "topic" }
      )
      local record = c:finished(PRINTER, number)
      assert.equal("SUCCESS", record.status)
      local log = c:log(PRINTER, number)
      assert.truthy(log:find("greeting=<" .. value .. ">", 1, true))
      assert.truthy(
        log:find(
          ("key=s branch=topic number=%d day=%s project="):format(number, record.daily_build_num),
          1,
          true
        )
      )
      assert.truthy(
        log:find("commit=b6192120acc67074 short=b6192120 tag=v1.0 unknown=unset", 1, true)
      )
      assert.matches("stamp=%d%d%d%d%d%d%d%d%d%d%d%d%d%d leaked=nono\n0\n", log)
      assert.truthy(
        log:find("[WARN] The job does not declare the parameter UNKNOWN; it is ignored\n", 1, true)
      )
      assert.equal("topic", record.branch)
      assert.equal("v1.0", record.tag)
      assert.equal("b6192120acc67074", record.commit)
    end
  )

  it("uses the defaults, and a null is no value", function()
    local number = c:run(PRINTER, nil, { build_tag = json.null, build_commit_id = json.null })
    local record = c:finished(PRINTER, number)
    local log = c:log(PRINTER, number)
    assert.truthy(log:find("greeting=<hello>\nkey=k branch=master", 1, true))
    assert.truthy(log:find("commit=unset short=unset tag=unset", 1, true))
    assert.equal(json.null, record.tag)
    assert.equal(json.null, record.commit)
  end)

  it("keeps both outputs, step by step, and ends what a step left behind", function()
    local number = c:run(PRINTER)
    local record = c:finished(PRINTER, number)
    assert.equal("SUCCESS", record.status)
    local log = c:log(PRINTER, number)
    assert.truthy(
      log:find("Open line\nno end of line\n[INFO] Step 3 of 3: Errors too\nto stderr\n", 1, true)
    )
    local left = log:match("left (%d+)\n")
    client.eventually(function()
      return not client.is_alive(left)
    end)
  end)

  it("stops at the first command that fails", function()
    local id = "failer00000000000000000000000001"
    local number = c:run(id)
    assert.equal("FAILURE", c:finished(id, number).status)
    local log = c:log(id, number)
    assert.truthy(
      log:find(
        "before\n[ERROR] The step failed with exit status 7\n[INFO] Build 1 ended: FAILURE\n",
        1,
        true
      )
    )
    local steps = c:get(("/v3/jobs/%s/%d/history-details"):format(id, number)).json.build_steps
    assert.same({ "success", "error", "" }, { steps[1].status, steps[2].status, steps[3].status })
  end)

  it("runs as many at once as it may, the others wait", function()
    local gate = new_gate()
    local first, second = c:run(WAITER, { GATE = gate }), c:run(WAITER, { GATE = gate })
    c:logged(WAITER, first, "waiting")
    assert.equal("RUNNING", c:record(WAITER, first).status)
    assert.equal("QUEUED", c:record(WAITER, second).status)
    assert.equal("", c:record(WAITER, second).start_time)
    local stats = c:get("/__sandbox/stats").json
    assert.same({ 1, 1 }, { stats.builds_running, stats.builds_queued })
    assert.is_true(c:get("/v3/jobs/" .. WAITER .. "/status").json.result)
    open_gate(gate)
    assert.equal("SUCCESS", c:finished(WAITER, first).status)
    c:logged(WAITER, second, "waiting")
    open_gate(gate)
    assert.equal("SUCCESS", c:finished(WAITER, second).status)
    assert.truthy(c:log(WAITER, second):find("got go\n", 1, true))
    assert.is_false(c:get("/v3/jobs/" .. WAITER .. "/status").json.result)
  end)

  it("stops a running and a waiting build, three ways", function()
    local gate = new_gate()
    local ways = {
      function(number)
        local answer = c:post(("/v3/jobs/%s/%d/stop"):format(WAITER, number))
        assert.same({ success = true, result = "" }, answer.json)
      end,
      function(number)
        local answer = c:post(("/v1/job/%s/stop?build_no=%d"):format(WAITER, number))
        assert.same({ status = "success" }, answer.json)
      end,
      function(number)
        local answer = c:post("/v3/jobs/stop", { job_id = WAITER, build_no = tostring(number) })
        assert.same({ result = true }, answer.json)
      end,
    }
    for _, stop in ipairs(ways) do
      local running = c:run(WAITER, { GATE = gate })
      c:logged(WAITER, running, "waiting")
      local waiting = c:run(WAITER, { GATE = gate })
      stop(waiting)
      assert.equal("ABORTED", c:finished(WAITER, waiting).status)
      assert.equal("RUNNING", c:record(WAITER, running).status)
      stop(running)
      assert.equal("ABORTED", c:finished(WAITER, running).status)
      local steps =
        c:get(("/v3/jobs/%s/%d/history-details"):format(WAITER, running)).json.build_steps
      assert.equal("error", steps[1].status)
    end
    assert.equal(0, c:get("/__sandbox/stats").json.builds_running)
  end)

  it("stops the newest build when none is named", function()
    local gate = new_gate()
    local number = c:run(WAITER, { GATE = gate })
    c:logged(WAITER, number, "waiting")
    assert.same({ status = "success" }, c:post(("/v1/job/%s/stop"):format(WAITER)).json)
    assert.equal("ABORTED", c:finished(WAITER, number).status)
  end)

  it("says no when a build has ended", function()
    local number = c:run(PRINTER)
    c:finished(PRINTER, number)
    local answer = c:post(("/v3/jobs/%s/%d/stop"):format(PRINTER, number))
    assert.equal(200, answer.status)
    assert.same({ success = false, result = "The build is not running" }, answer.json)
    assert.same(
      { status = "fail" },
      c:post(("/v1/job/%s/stop?build_no=%d"):format(PRINTER, number)).json
    )
  end)

  it("goes on answering while a build floods it", function()
    local id = "flooder0000000000000000000000001"
    local number = c:run(id)
    c:logged(id, number, "Flood")
    assert.is_true(c:get("/v3/jobs/" .. id .. "/status").json.result)
    c:post(("/v3/jobs/%s/%d/stop"):format(id, number))
    assert.equal("ABORTED", c:finished(id, number).status)
  end)
end)

describe("the sandbox refuses", function()
  local c
  local GOOD = client.SAMPLE

  setup(function()
    c = client.start()
  end)

  teardown(function()
    assert.equal(0, c:get("/__sandbox/stats").json.builds_started)
    c.box.stop()
  end)

  local function with(members)
    members.job_id = members.job_id or GOOD
    return json.encode(members)
  end

  local function parameter(name, value)
    return with({ parameter = json.list({ { name = name, value = value } }) })
  end

  local CASES = {
    { "no body", "", 400, "CB.00060200", "the body must be a JSON object" },
    { "cut-off JSON", '{"job_id":"', 400, "CB.00060200", "the body must be a JSON object: " },
    {
      "bytes that are not UTF-8",
      '{"job_id":"\255"}',
      400,
      "CB.00060200",
      "the text is not UTF%-8",
    },
    { "a text", '"x"', 400, "CB.00060200", "the body must be a JSON object" },
    { "no job id", "{}", 400, "CB.00060201", "it must be the 32%-character id" },
    { "a null job id", '{"job_id":null}', 400, "CB.00060201", "" },
    { "a number as job id", '{"job_id":12}', 400, "CB.00060201", "" },
    { "a short job id", '{"job_id":"abc"}', 400, "CB.00060201", "" },
    { "capital letters", with({ job_id = GOOD:upper() }), 400, "CB.00060201", "" },
    {
      "an unknown job",
      with({ job_id = ("0"):rep(32) }),
      404,
      "CB.00060214",
      "the build task 0+ does not exist",
    },
    {
      "an object as parameter",
      with({ parameter = { a = "b" } }),
      400,
      "CB.00060200",
      "parameter must be an array",
    },
    {
      "a text as parameter",
      with({ parameter = "a" }),
      400,
      "CB.00060200",
      "parameter must be an array",
    },
    {
      "a text in parameter",
      with({ parameter = json.list({ "a" }) }),
      400,
      "CB.00060200",
      "parameter%[1%]: it must be",
    },
    {
      "a parameter without name",
      parameter(nil, "v"),
      400,
      "CB.00060200",
      "parameter%[1%]: the name must be a string",
    },
    { "a bad name", parameter("a-b", "v"), 400, "CB.00060200", "letters, digits or underscores" },
    { "an empty name", parameter("", "v"), 400, "CB.00060200", "1 to 128" },
    { "a long name", parameter(("a"):rep(129), "v"), 400, "CB.00060200", "1 to 128" },
    {
      "a forbidden name",
      parameter("LD_PRELOAD", "v"),
      400,
      "CB.00060200",
      "the name LD_PRELOAD is not allowed",
    },
    {
      "another forbidden name",
      parameter("path", "v"),
      400,
      "CB.00060200",
      "the name path is not allowed",
    },
    { "a number as value", parameter("A", 1), 400, "CB.00060200", "the value must be a string" },
    { "a null value", parameter("A", json.null), 400, "CB.00060200", "the value must be a string" },
    {
      "a long value",
      parameter("A", ("\195\164"):rep(8193)),
      400,
      "CB.00060200",
      "at most 8192 characters",
    },
    { "a NUL", parameter("A", "a\0b"), 400, "CB.00060200", "without NUL" },
    {
      "a list as scm",
      with({ scm = json.list({ 1 }) }),
      400,
      "CB.00060200",
      "scm must be an object",
    },
    {
      "a number as tag",
      with({ scm = { build_tag = 1 } }),
      400,
      "CB.00060200",
      "scm.build_tag: the value must be a string",
    },
  }
  for _, case in ipairs(CASES) do
    it(case[1], function()
      local answer = c:post("/v3/jobs/build", case[2])
      assert.equal(case[3], answer.status)
      assert.equal(case[4], answer.json.error_code)
      assert.matches(case[5], answer.json.error_msg)
      assert.matches("^%x+$", answer.headers["x-request-id"])
    end)
  end

  it("a body over 12 MB", function()
    local answer = c:post("/v3/jobs/build", (" "):rep(12 * 1024 * 1024 + 1))
    assert.equal(413, answer.status)
    assert.equal("APIGW.0201", answer.json.error_code)
  end)

  it("what is no operation, with a gateway's answer", function()
    for _, row in ipairs({
      { "GET", "/" },
      { "GET", "/v3/jobs/build" },
      { "DELETE", "/v3/jobs/build" },
      { "POST", "/v3/nothing" },
    }) do
      local answer = c:request(row[1], row[2], { body = "" })
      assert.equal(404, answer.status)
      assert.equal("APIGW.0101", answer.json.error_code)
      assert.equal(answer.headers["x-request-id"], answer.json.request_id)
    end
  end)

  it("counts every one of these as processed", function()
    assert.is_true(c:get("/__sandbox/stats").json.operations.RunJob >= #CASES)
  end)
end)

describe("the sandbox accepts", function()
  it("the longest name and value, and members that it does not know", function()
    local c = client.start()
    local answer = c:post("/v3/jobs/build", {
      job_id = client.SAMPLE,
      extra = true,
      parameter = json.list({
        { name = ("a"):rep(128), value = ("\195\164"):rep(8192), extra = 1 },
      }),
      scm = {
        extra = "x",
        build_type = "branch",
        repo_id = "1",
        repo_name = "r",
        scm_type = "codehub",
        url = "u",
      },
    })
    assert.equal(200, answer.status)
    local record = c:finished(client.SAMPLE, 1)
    assert.equal("r", record.repo_name)
    assert.equal("SUCCESS", record.status)
    c.box.stop()
  end)
end)

describe("the demo", function()
  it("compiles, tests and packs, and fails when its code is broken", function()
    local id = "demojob0000000000000000000000001"
    local c = client.start({ jobs = "examples/demo/jobs.lua" })
    local good, bad = c:run(id, { NUMBER = "1999" }), c:run(id, { DEFECT = "yes" })
    assert.equal("SUCCESS", c:finished(id, good).status)
    local log = c:log(id, good)
    assert.truthy(log:find("all tests passed\n", 1, true))
    assert.truthy(log:find("1999 = MCMXCIX\n", 1, true))
    assert.equal("FAILURE", c:finished(id, bad).status)
    assert.truthy(c:log(id, bad):find("tests failed\n", 1, true))
    c.box.stop()
  end)
end)
