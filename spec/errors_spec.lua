-- Structured errors: every documented status, every shape of an error body, request ids, and what
-- is shown of them (API reference 1.4, 6).
local behaviours = require "spec.support.behaviours"
local build = require "codearts.build"
local core = require "codearts.build.core"
local net = require "spec.support.net"
local run_job = require "spec.support.run_job"

local JOB = { job_id = run_job.JOB_ID }
local math_type = math.type or type

describe("an error answer", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  local function error_of(body, status, headers, kind)
    return bench:failure {
      "answer",
      body = body,
      status = status or 400,
      headers = headers,
      kind = kind,
    }
  end

  local PAIR = '{"error_code":"CB.00060200","error_msg":"bad parameter"}'

  local numbers =
    '{"octopus_job_name":"o","actual_build_number":"1","daily_build_number":"20240531.1"}'

  it("of a good status is one that a cache has kept: it may be another start's", function()
    local err = error_of(numbers, 200, { { "Age", "3" } })
    assert.same({ "protocol", "bad_answer", "unknown" }, { err.kind, err.reason, err.outcome })
    assert.is_false(err.retryable)
    assert.is_truthy(err.message:find("a cache has kept the answer for 3 s", 1, true), err.message)
    for _, age in ipairs { "0", "1" } do
      bench.server:script { { "answer", body = numbers, headers = { { "Age", age } } } }
      assert.equal("1", bench.client:run(JOB).actual_build_number)
    end
  end)

  it("is none that a cache has kept for no longer than the answer took", function()
    -- Apache Traffic Server counts from the answer's date on, and adds an age to all that it passes on.
    bench.server:script { { "ok_on_release", body = numbers, headers = { { "Age", "2" } } } }
    local call = bench.client:start(JOB)
    bench.client:sleep(1.1):wait()
    bench.server:release()
    assert.equal("1", call:wait().actual_build_number)
  end)

  -- status, kind, outcome, retryable
  local STATUSES = {
    { 400, "api", "not_started", false },
    { 401, "auth", "not_started", false },
    { 402, "api", "not_started", false },
    { 403, "auth", "not_started", false },
    { 404, "api", "not_started", false },
    { 405, "api", "not_started", false },
    { 408, "api", "unknown", false },
    { 409, "api", "not_started", false },
    { 410, "api", "not_started", false },
    { 413, "api", "not_started", false },
    { 414, "api", "not_started", false },
    { 418, "api", "not_started", false },
    { 429, "api", "not_started", true },
    { 451, "api", "not_started", false },
    { 494, "api", "not_started", false },
    { 460, "api", "unknown", false },
    { 499, "api", "unknown", false },
    { 500, "api", "unknown", false },
    { 501, "api", "unknown", false },
    { 502, "api", "unknown", false },
    { 503, "api", "unknown", false },
    { 504, "api", "unknown", false },
    { 505, "api", "unknown", false },
    { 599, "api", "unknown", false },
  }
  for _, case in ipairs(STATUSES) do
    it(("with status %d is kind %s, outcome %s"):format(case[1], case[2], case[3]), function()
      for _, body in ipairs { PAIR, "", "<html></html>" } do
        local err = error_of(body, case[1])
        assert.equal(case[2], err.kind)
        assert.equal(case[3], err.outcome)
        assert.equal(case[4], err.retryable)
        assert.equal(case[1], err.status)
        assert.equal(math_type(1), math_type(err.status))
        assert.equal("RunJob", err.operation)
        assert.equal(1, err.attempts)
        assert.is_nil(err.reason)
        assert.is_nil(err.field)
        assert.equal(body == PAIR and "CB.00060200" or nil, err.error_code)
        assert.equal(#bench.server:stats().requests, 1)
      end
    end)
  end

  it("that is a redirect is kind protocol, and is not followed", function()
    for _, status in ipairs { 300, 301, 302, 303, 304, 307, 308 } do
      local location = bench.server.url .. "/elsewhere"
      local err = error_of("", status, { { "Location", location } })
      assert.equal("protocol", err.kind)
      assert.equal("redirect", err.reason)
      assert.equal(status >= 307 and "not_started" or "unknown", err.outcome)
      assert.equal(status, err.status)
      assert.is_false(err.retryable)
      assert.equal(1, bench.server:stats().processed)
    end
  end)

  it("of a status beyond all is kind protocol, and a build may have been started", function()
    for _, status in ipairs { 600, 700, 999 } do
      local err = error_of(PAIR, status)
      assert.equal("protocol", err.kind)
      assert.equal("bad_http", err.reason)
      assert.equal("unknown", err.outcome)
    end
  end)

  it("with the service's too many requests says so before any status", function()
    local body = '{"error_code":"CB.00060211","error_msg":"try again later"}'
    for _, status in ipairs { 400, 401, 404, 429, 500, 502, 504 } do
      local err = error_of(body, status)
      assert.equal("not_started", err.outcome, status)
      assert.is_true(err.retryable, status)
      assert.equal("CB.00060211", err.error_code)
    end
  end)

  -- body, error_code, error_msg ("raw": the body itself), in the order of API reference 6.1
  local RAW = {}
  local SHAPES = {
    { PAIR, "CB.00060200", "bad parameter" },
    { '{"errorCode":"A.1","errorMsg":"m"}', "A.1", "m" },
    { '{"code":"A.1","message":"m"}', "A.1", "m" },
    { '{"error_code":"A.1","error_msg":"m","code":"B","message":"n"}', "A.1", "m" },
    { '{"errorCode":"A.1","errorMsg":"m","code":"B","message":"n"}', "A.1", "m" },
    { '{"error_code":"A.1","errorMsg":"m","code":"B","message":"n"}', "B", "n" },
    { '{"error":{"code":401,"message":"m","title":"Unauthorized"}}', "401", "m" },
    { '{"error":{"error_code":"A.1","error_msg":"m"}}', "A.1", "m" },
    { '{"a":{"b":{"c":{"code":"A.1","message":"m"}}}}', "A.1", "m" },
    { '{"a":{"code":"A.1","message":"m"},"b":{"code":"B.1","message":"n"}}', "B.1", "n" },
    { '{"a":{"code":"A.1","message":"m"},"b":{"x":1}}', "A.1", "m" },
    { '{"a":{"code":"A.1","message":"m","b":{"code":"B.1","message":"n"}}}', "A.1", "m" },
    { '{"error_code":400,"error_msg":"m"}', "400", "m" },
    { '{"error_code":4.5,"error_msg":7}', "4.5", "7" },
    { '{"error_code":"","error_msg":""}', "", "" },
    { '{"error_code":"A.1","error_msg":"m","encoded_authorization_message":"x"}', "A.1", "m" },
    { '{"error_code":"A.1"}', nil, RAW },
    { '{"error_msg":"m"}', nil, RAW },
    { '{"code":"A.1","error_msg":"m"}', nil, RAW },
    { '{"error_code":null,"error_msg":"m"}', nil, RAW },
    { '{"error_code":true,"error_msg":"m"}', nil, RAW },
    { '{"error_code":["A.1"],"error_msg":"m"}', nil, RAW },
    { '{"hello":"world"}', nil, RAW },
    { "{}", nil, RAW },
    { '[{"error_code":"A.1","error_msg":"m"}]', nil, RAW },
    { '{"details":[{"error_code":"A.1","error_msg":"m"}]}', nil, RAW },
    { '{"details":[{"error":{"code":"A.1","message":"m"}}]}', nil, RAW },
    { "[]", nil, RAW },
    { '"a text"', nil, RAW },
    { "42", nil, RAW },
    { "null", nil, RAW },
    { "false", nil, RAW },
    { "plain text", nil, RAW },
    { "<html><body><h1>502 Bad Gateway</h1></body></html>", nil, RAW },
    { '{"error_code":"A.1","error_msg":"cut', nil, RAW },
    { "", nil, nil },
  }
  for i, case in ipairs(SHAPES) do
    it(("is read in shape %d: %s"):format(i, case[1]), function()
      local err = error_of(case[1])
      local said = case[3] == RAW and case[1] or case[3]
      assert.equal(case[2], err.error_code)
      assert.equal(said, err.error_msg)
      assert.equal("string", type(err.message))
      if said and said ~= "" then
        assert.truthy(err.message:find(said, 1, true))
      else
        assert.truthy(err.message:find("400", 1, true))
      end
      assert.equal("api", err.kind)
    end)
  end

  it("in the server's own examples never lacks a message", function()
    for _, row in ipairs(behaviours.rows) do
      if row.name:find "^error_" then
        local err = bench:failure(row.name)
        assert.is_true(#err.message > 0, row.name)
        assert.is_true(#tostring(err) > 0, row.name)
      end
    end
  end)

  it("is searched in depth without trouble", function()
    local deep = ('{"a":'):rep(60) .. '{"code":"A.1","message":"m"}' .. ("}"):rep(60)
    assert.equal("A.1", error_of(deep).error_code)
    local err = error_of(('{"a":'):rep(200) .. "1" .. ("}"):rep(200))
    assert.is_nil(err.error_code)
    local wide = {}
    for n = 1, 400 do
      wide[n] = ('"m%d":{"x":{}}'):format(n)
    end
    err = error_of("{" .. table.concat(wide, ",") .. ',"z":{"code":"A.1","message":"m"}}')
    assert.equal("A.1", err.error_code)
  end)

  describe("has its request id", function()
    local with_id = '{"error_code":"A.1","error_msg":"m","request_id":"of-the-body"}'
    for name, case in pairs {
      ["from the header"] = { PAIR, { { "X-Request-Id", "abc" } }, "abc" },
      ["from the header in any case"] = { PAIR, { { "x-REQUEST-id", "abc" } }, "abc" },
      ["from the header rather than the body"] = { with_id, { { "X-Request-Id", "abc" } }, "abc" },
      ["from IAM's header"] = { PAIR, { { "X-IAM-Trace-Id", "trace" } }, "trace" },
      ["from the service's header rather than IAM's"] = {
        PAIR,
        { { "X-IAM-Trace-Id", "trace" }, { "X-Request-Id", "abc" } },
        "abc",
      },
      ["from the body"] = { with_id, nil, "of-the-body" },
      ["from the body when the header is empty"] = {
        with_id,
        { { "X-Request-Id", "" } },
        "of-the-body",
      },
      ["without the blanks around it"] = { PAIR, { { "X-Request-Id", " \t abc \t " } }, "abc" },
      ["nowhere"] = { PAIR, nil, nil },
      ["nowhere, when it is no text"] = {
        '{"error_code":"A.1","error_msg":"m","request_id":{}}',
        nil,
        nil,
      },
    } do
      it(name, function()
        local err = error_of(case[1], 400, case[2])
        assert.equal(case[3], err.request_id)
        local told = tostring(err):find("request id " .. tostring(case[3]), 1, true)
        assert.equal(case[3] ~= nil, told ~= nil)
      end)
    end

    it("from a page, too", function()
      local err = error_of("<html></html>", 502, { { "X-Request-Id", "abc" } }, "text/html")
      assert.equal("abc", err.request_id)
    end)
  end)

  describe("is told in one line", function()
    local function check_line(err, limit)
      local line = tostring(err)
      assert.is_nil(line:find "[%z\1-\31\127]", line) -- not %c, which a locale may widen
      assert.is_nil(line:find("\194[\128-\159]"), line)
      assert.is_nil(line:find("\226\128[\168\169\174]"), line)
      assert.is_true(#line <= (limit or 3000), #line)
      return line
    end

    it("that begins with what failed and whether a build was started", function()
      assert.equal(
        "RunJob: api error: no build was started: 400 CB.00060200 bad parameter (request id abc)",
        tostring(error_of(PAIR, 400, { { "X-Request-Id", "abc" } }))
      )
      assert.truthy(
        tostring(error_of(PAIR, 500)):find "^RunJob: api error: a build may have been started: 500 CB%.00060200 "
      )
      assert.truthy(
        tostring(error_of(PAIR, 401)):find "^RunJob: auth error: no build was started: 401 "
      )
    end)

    it("whatever the service writes", function()
      for _, body in ipairs {
        "line one\nline two\r\n\tthree",
        "\27[31mred\27[0m \7 \8 \127",
        "\194\155 31m \194\133 \226\128\168 \226\128\169 \226\128\174",
        '{"error_code":"A\\n1","error_msg":"x\\u0000y\\u001b[2Jz\\u0085\\u2028"}',
        ("\255"):rep(5000),
        ("\195\164"):rep(3000),
        ("x"):rep(100000),
      } do
        local err = error_of(body)
        check_line(err)
        assert.is_true(#err.message <= 1600)
      end
    end)

    it("also when the service is long-winded", function()
      local long = ("x"):rep(30000)
      local err = error_of(
        ('{"error_code":"%s","error_msg":"%s","request_id":"%s"}'):format(long, long, long)
      )
      check_line(err)
      assert.is_true(#err.error_code <= 128 and #err.request_id <= 128)
      assert.equal(long:sub(1, 8189) .. "…", err.error_msg)
    end)

    it("by its beginning alone where it is no error but a flood", function()
      for _, body in ipairs {
        '{"error_code":"APIGW.0101","error_msg":"' .. ("x"):rep(4194304) .. '"}',
        '{"list":[' .. ("{},"):rep(1000000) .. '{}],"error_code":"A.1","error_msg":"m"}',
      } do
        local err = error_of(body)
        check_line(err)
        assert.is_nil(err.error_code)
        assert.equal(body:sub(1, 1021) .. "…", err.error_msg)
        assert.equal(err.error_msg, err.message)
      end
    end)

    -- Members of members around an error; the answer is longer than the beginning that is told.
    local function crowd(count, code)
      local members = {}
      for i = 1, count do
        members[i] = ('"m%d":{}'):format(i)
      end
      return ('{%s,"z":{"error_code":"%s","error_msg":"m"}}'):format(
        table.concat(members, ","),
        code
      )
    end

    it("by its beginning alone where it is no error but a crowd", function()
      assert.equal("A.1", error_of(crowd(900, "A.1")).error_code)
      for _, count in ipairs { 1100, 3000 } do
        local body = crowd(count, "A.1")
        local err = error_of(body)
        check_line(err)
        assert.is_nil(err.error_code)
        assert.equal(body:sub(1, 1021) .. "…", err.error_msg)
      end
    end)

    it("and a code in a crowd proves nothing", function()
      for status, kind in pairs { [200] = "api", [503] = "api" } do
        for count, outcome in pairs { [900] = "not_started", [1100] = "unknown", [3000] = "unknown" } do
          local body = crowd(count, "CB.00060211"):gsub("^{", '{"status":"fail",')
          local err = error_of(body, status)
          assert.same({ kind, outcome }, { err.kind, err.outcome })
        end
      end
    end)

    it("by its beginning alone where it has more values than an error", function()
      local list = ("1,"):rep(5000)
      for _, body in ipairs {
        ('{"error_code":"A.1","error_msg":"m","list":[%s1]}'):format(list),
        ('{"list":[%s{}],"error_code":"A.1","error_msg":"m"}'):format(("{},"):rep(5000)),
      } do
        local err = error_of(body)
        assert.is_nil(err.error_code)
        assert.equal(body:sub(1, 1021) .. "…", err.error_msg)
      end
    end)

    it("cut between characters", function()
      local err = error_of("x" .. ("\195\164"):rep(3000))
      assert.is_nil(err.message:find("?", 1, true))
      assert.is_nil(err.error_msg:find("?", 1, true))
      assert.truthy(err.message:find "\195\164…$")
    end)

    it("in valid UTF-8", function()
      assert.equal("a?b", error_of("a\255b").error_msg)
      assert.equal("a?b", error_of('{"code":"x","message":"a\\u0000b"}').error_msg)
    end)
  end)

  it("comes the same way by every method", function()
    bench.server:script({}, { "answer", status = 404, body = PAIR })
    local _, returned = bench.client:try_run(JOB)
    local ok, raised = pcall(bench.client.run, bench.client, JOB)
    assert.is_false(ok)
    local call = bench.client:start(JOB)
    local told
    call:on_done(function(result, err)
      told = { result, err }
    end)
    local waited_ok, waited = pcall(call.wait, call)
    assert.is_false(waited_ok)
    local _, tried = call:try_wait()
    assert.equal(waited, tried)
    bench.client:step(0)
    assert.is_nil(told[1])
    assert.equal(waited, told[2])
    for _, err in ipairs { returned, raised, waited } do
      assert.is_true(build.is_error(err))
      assert.equal(tostring(returned), tostring(err))
      for _, name in ipairs {
        "kind",
        "outcome",
        "status",
        "error_code",
        "error_msg",
        "attempts",
        "retryable",
      } do
        assert.equal(returned[name], err[name], name)
      end
    end
  end)

  it("is a new table each time", function()
    local one, two = error_of(PAIR), error_of(PAIR)
    assert.are_not.equal(one, two)
    one.kind = "changed"
    assert.equal("api", two.kind)
  end)
end)

describe("a build that could not be asked for", function()
  local function failure(options)
    local all = { auth = run_job.TOKEN, retry = false, proxy = false }
    for name, value in pairs(options) do
      all[name] = value
    end
    local client = build.new(all)
    local result, err = client:try_run(JOB)
    client:close()
    assert.is_nil(result)
    return err
  end

  it("for nobody listens, is kind transport, reason connect", function()
    local port = net.refused()
    local err = failure { endpoint = port.url }
    port.close()
    assert.equal("transport", err.kind)
    assert.equal("connect", err.reason)
    assert.equal("not_started", err.outcome)
    assert.is_true(err.retryable)
    assert.equal(1, err.attempts)
    assert.equal("RunJob", err.operation)
    assert.is_nil(err.status)
    assert.is_nil(err.error_code)
    assert.truthy(tostring(err):find "^RunJob: transport error: no build was started: ")
  end)
end)

describe("error objects", function()
  it("are known by build.is_error", function()
    local _, err = build.new({ endpoint = "http://127.0.0.1:9", auth = "x" }):try_run {}
    assert.is_true(build.is_error(err))
    assert.equal("table", type(err))
    local copy = {}
    for name, value in pairs(err) do
      copy[name] = value
    end
    for _, value in ipairs { copy, {}, "x", 1, true, print, build.null, io.stdout } do
      assert.is_false(build.is_error(value))
    end
    assert.is_false(build.is_error(nil))
  end)

  it("hide their metatable", function()
    assert.is_false(getmetatable(core.error { kind = "usage", message = "m" }))
  end)

  it("can be told whatever became of their members", function()
    for _, members in ipairs {
      {},
      { kind = false },
      { kind = "api", message = {} },
      { kind = "api", message = 12, status = "x", outcome = 7, operation = true },
      { kind = ("x"):rep(10000), message = "\0\n\r", error_code = 1.5, request_id = "a\nb" },
    } do
      local line = tostring(core.error(members))
      assert.equal("string", type(line))
      assert.is_nil(line:find "%c")
    end
  end)

  it("tell nothing by other means than their members", function()
    local err = core.error { kind = "usage", message = "m", field = "f" }
    local names = {}
    for name in pairs(err) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({ "field", "kind", "message" }, names)
    assert.is_nil(err.no_such_member)
  end)
end)

describe("examples/errors.lua", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  local function run(behaviour, job)
    bench.server:script({}, behaviour)
    local lua = os.getenv "LUA"
      or (rawget(_G, "jit") and "luajit")
      or "lua" .. _VERSION:match "%d%.%d"
    local pipe = assert(
      io.popen(
        ("env CODEARTS_BUILD_ENDPOINT=%s CODEARTS_BUILD_TOKEN=not-a-token %s examples/errors.lua %s 2>&1"):format(
          bench.server.url,
          lua,
          job or run_job.JOB_ID
        )
      )
    )
    local text = pipe:read "*a"
    pipe:close()
    return text
  end

  it("shows what to do about each kind", function()
    assert.truthy(run("ok"):find("build 20 was started", 1, true))
    assert.truthy(run("unauthorized"):find("sign in", 1, true))
    assert.truthy(run("error_pair"):find("CB.00060200", 1, true))
    assert.truthy(run("error_500"):find("may have been started", 1, true))
    assert.truthy(run("ok", "not-a-job"):find("job_id", 1, true))
  end)
end)

describe("what makes an error a text", function()
  it("bears being called with anything else", function()
    local tostring_of = debug.getmetatable(core.error { kind = "usage", message = "x" }).__tostring
    for _, value in ipairs { 1, "x", {}, print } do
      assert.equal("codearts.build.error", tostring_of(value))
    end
  end)
end)

describe("the service's own too many requests", function()
  local server, client

  setup(function()
    server = require("spec.support.server").start {}
    client = build.new {
      endpoint = server.url,
      auth = "fake-token-of-errors",
      retry = { max_attempts = 2, base_delay = 0.001 },
    }
  end)
  teardown(function()
    client:close()
    server:stop()
  end)

  for _, body in ipairs {
    '{"error_code":"CB.00060211","error_msg":"too many"}',
    '{"status":"fail","error":{"code":"CB.00060211","message":"too many"}}',
  } do
    it("goes before the status, a 200 too: " .. body, function()
      server:reset()
      server:script({}, { "answer", status = 200, body = body })
      local _, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
      assert.equal("api", err.kind)
      assert.equal("not_started", err.outcome)
      assert.is_true(err.retryable)
      assert.equal(2, err.attempts)
      assert.equal(2, server:stats().processed)
    end)
  end

  it("is no reason to start on a closed client, and that is said", function()
    local closed = build.new { endpoint = server.url, auth = "fake-token-of-errors" }
    closed:close()
    local _, err = closed:try_run { job_id = ("0f1e2d3c"):rep(4) }
    assert.equal("usage", err.kind)
    assert.equal("not_started", err.outcome)
  end)
end)
