-- client:call: arguments to requests, answers to values, for every operation.

local build = require "codearts.build"
local operation_request = require "codearts.build.operations.request"
local read_file = require "spec.support.read_file"
local rows = require "codearts.build.operations.rows"
local sample_args = require "spec.support.sample_args"
local server_process = require "spec.support.server"
local service = require "spec.support.lifecycle"

local failure_of = service.failure_of

describe("operation requests", function()
  it("can be made for every operation, with every argument", function()
    for name, row in pairs(rows.operations) do
      local spec = operation_request.prepare(name, sample_args(row))
      assert.are.equal(row.method, spec.method)
      assert.is_nil(spec.path:find "[{}]", name)
      assert.are.equal(#(row.in_query or {}), #spec.query)
      assert.are.equal(row.in_body ~= nil or row.body_list ~= nil, spec.body ~= nil, name)
      if spec.body and not row.multipart then
        assert.is_truthy(spec.body:find "^[{%[]")
      end
    end
  end)

  it("need every required argument and no unknown one", function()
    for name, row in pairs(rows.operations) do
      for _, list in ipairs { row.in_path or {}, row.in_query or {}, row.in_body or {} } do
        for _, field in ipairs(list) do
          if field[3] then
            local args = sample_args(row)
            args[field[1]] = nil
            local err = failure_of(operation_request.prepare, name, args)
            assert.are.equal("usage", err.kind)
            assert.are.equal(field[1], err.field)
          end
        end
      end
      local args = sample_args(row)
      args.no_such_argument = 1
      assert.are.equal("no_such_argument", failure_of(operation_request.prepare, name, args).field)
    end
  end)

  it("name the nearest operation and the nearest argument", function()
    local err = failure_of(operation_request.prepare, "ShowRecordDetial", {})
    assert.are.equal("operation", err.field)
    assert.is_truthy(err.message:find('did you mean "ShowRecordDetail"', 1, true))
    err = failure_of(operation_request.prepare, "ShowJobStatus", { jobid = "x" })
    assert.are.equal("jobid", err.field)
    assert.is_truthy(err.message:find('did you mean "job_id"', 1, true))
    assert.are.equal("operation", failure_of(operation_request.prepare, 7).field)
  end)

  it("check types, and say what was expected", function()
    local cases = {
      { "ShowJobStatus", { job_id = 7 }, "job_id", "must be a string, not a number" },
      { "ShowJobStatus", { job_id = build.null }, "job_id", "must be a string, not null" },
      { "ShowJobStatus", { job_id = "" }, "job_id", "must not be" },
      { "ShowJobStatus", { job_id = ".." }, "job_id", "must not be" },
      { "ShowJobStatus", { job_id = "\255" }, "job_id", "UTF-8" },
      { "ShowJobStatus", "x", "args", "must be a table" },
      {
        "ShowRecordDetail",
        { job_id = "x", build_no = 1.5 },
        "build_no",
        "must be an integer, not 1.5",
      },
      { "ShowRecordDetail", { job_id = "x", build_no = "1e3" }, "build_no", "must be an integer" },
      { "ShowRecordDetail", { job_id = "x", build_no = 0 / 0 }, "build_no", "must be an integer" },
      {
        "ListRecords",
        { build_project_id = "x", tags = { "a", 1 } },
        "tags[2]",
        "must be a string",
      },
      { "ListRecords", { build_project_id = "x", tags = { a = "b" } }, "tags", "must be a list" },
      {
        "RunJob",
        { job_id = "x", parameter = { { name = "a" } } },
        "parameter[1].value",
        "is required",
      },
      {
        "RunJob",
        { job_id = "x", scm = { build_tga = "x" } },
        "scm.build_tga",
        'did you mean "build_tag"',
      },
      { "BatchDeleteBuildJobs", { job_ids = "x" }, "job_ids", "must be a list" },
      { "ListBriefRecord", { limit = 1 }, "body", "needs the argument body" },
      {
        "UploadKeystore",
        { file = { name = "a/b", content = "" }, privacy = "0" },
        "file.name",
        "plain file name",
      },
      { "UploadKeystore", { file = 1, privacy = "0" }, "file", "must be a string of bytes" },
    }
    for _, case in ipairs(cases) do
      local err = failure_of(operation_request.prepare, case[1], case[2])
      assert.are.equal("usage", err.kind)
      assert.are.equal(case[3], err.field)
      assert.is_truthy(err.message:find(case[4], 1, true), err.message)
    end
  end)

  it("refuse arguments without end", function()
    local loop = {}
    loop.again = loop
    local args = sample_args(rows.operations.CreateBuildJob)
    args.steps = { { module_id = "m", name = "n", properties = loop } }
    assert.are.equal("usage", failure_of(operation_request.prepare, "CreateBuildJob", args).kind)
  end)

  it("encode the path, keep the order of the row, and repeat the keys of lists", function()
    local spec = operation_request.prepare("ShowJobStatus", { job_id = "a b/ä%" })
    assert.are.equal("/v3/jobs/a%20b%2F%C3%A4%25/status", spec.path)
    spec = operation_request.prepare(
      "ListRecords",
      { build_project_id = "p", tags = { "b", "a" }, page = 2, limit = "5" }
    )
    assert.are.same(
      { { "page", "2" }, { "limit", "5" }, { "tags", "b" }, { "tags", "a" } },
      spec.query
    )
    spec =
      operation_request.prepare("ShowBuildRecordFullStages", { record_id = "r", cascade = false })
    assert.are.same({ { "cascade", "false" } }, spec.query)
  end)

  it("write the body in the order of the row", function()
    local spec = operation_request.prepare("RunJob", {
      scm = { build_commit_id = "c", build_tag = build.null },
      parameter = { { value = "master", name = "codeBranch" } },
      job_id = "f9d6c8466d614a9788e9a0acf6c15f46",
    })
    assert.are.equal(
      '{"job_id":"f9d6c8466d614a9788e9a0acf6c15f46","parameter":[{"name":"codeBranch","value":"master"}],'
        .. '"scm":{"build_tag":null,"build_commit_id":"c"}}',
      spec.body
    )
    spec = operation_request.prepare("RunJob", { job_id = "x", parameter = {} })
    assert.are.equal('{"job_id":"x","parameter":[]}', spec.body)
    spec = operation_request.prepare("ListBriefRecord", { limit = 1, body = { "a", "b" } })
    assert.are.equal('["a","b"]', spec.body)
    spec = operation_request.prepare(
      "UpdateKeystore",
      { id = "k", share = 1, description = "d", keystore_name = "n" }
    )
    assert.are.equal("/v2/keystore/update/k", spec.path)
    assert.is_truthy(spec.body:find('"id":"k"', 1, true))
  end)

  it("write free-form values by their shape, members sorted", function()
    local args = sample_args(rows.operations.CreateBuildJob)
    args.steps = {
      {
        module_id = "m",
        name = "n",
        properties = { list = { 1, { b = build.null, a = true } }, empty = {}, text = "t" },
      },
    }
    local spec = operation_request.prepare("CreateBuildJob", args)
    assert.is_truthy(
      spec.body:find('"properties":{"empty":{},"list":[1,{"a":true,"b":null}],"text":"t"}', 1, true)
    )
  end)

  it("write a form with its file", function()
    local spec = operation_request.prepare("UploadKeystore", {
      file = { name = "k.jks", content = "\0\1\r\n--x\255" },
      privacy = "0",
    })
    local boundary = spec.headers["Content-Type"]:match "^multipart/form%-data; boundary=([%w-]+)$"
    assert.are.equal(
      ("--%s\r\n"):format(boundary)
        .. 'Content-Disposition: form-data; name="file"; filename="k.jks"\r\n'
        .. "Content-Type: application/octet-stream\r\n\r\n\0\1\r\n--x\255\r\n"
        .. ("--%s\r\n"):format(boundary)
        .. 'Content-Disposition: form-data; name="privacy"\r\n\r\n0\r\n'
        .. ("--%s--\r\n"):format(boundary),
      spec.body
    )
  end)

  it("change nothing of the caller's", function()
    local args = setmetatable({ job_id = "x", scm = {} }, { __newindex = error })
    operation_request.prepare("RunJob", args)
    assert.are.equal("x", args.job_id)
    assert.are.same({}, args.scm)
  end)
end)

describe("client:call", function()
  local server, client, folder

  setup(function()
    server = server_process.start()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
  end)

  teardown(function()
    server:stop()
    os.execute("rm -r " .. folder)
  end)

  before_each(function()
    server:reset()
    client = build.new {
      endpoint = server.url,
      auth = "a-token",
      retry = { base_delay = 0.001 },
      timeout = 10,
    }
  end)

  after_each(function()
    client:close()
  end)

  local function files()
    local pipe = io.popen("ls -A " .. folder)
    local text = pipe:read "*a"
    pipe:close()
    return text
  end

  it("answers the decoded body as it came", function()
    server:script { { "answer", body = '{"result":true,"n":9007199254740992,"none":null}' } }
    local answer = client:call("ShowJobStatus", { job_id = "x" })
    assert.is_true(answer.result)
    assert.are.equal(build.null, answer.none)
    assert.are.equal("9007199254740992", ("%d"):format(answer.n))
    local request = server:stats().requests[1]
    assert.are.equal("GET", request.method)
    assert.are.equal("a-token", request.headers["x-auth-token"])
  end)

  it("sends what it prepared", function()
    server:script({}, { "answer", body = "{}" })
    for _, name in ipairs {
      "BatchDeleteBuildJobs",
      "UpdateJobGroup",
      "ListBriefRecord",
      "UploadKeystore",
    } do
      local row = rows.operations[name]
      local args = sample_args(row)
      pcall(client.call, client, name, args)
      local requests = server:stats().requests
      local request = requests[#requests]
      assert.are.equal(row.method, request.method)
      if row.multipart then
        assert.is_truthy(request.headers["content-type"]:find("^multipart/form%-data; boundary="))
      else
        assert.are.equal(operation_request.prepare(name, args).body, request.body)
      end
    end
  end)

  it("sends a read again after trouble, and nothing else", function()
    server:script({ { "answer", status = 500, body = "" }, { "answer", body = "{}" } })
    client:call("ShowJobStatus", { job_id = "x" })
    assert.are.equal(2, server:stats().processed)
    server:reset()
    server:script({ { "answer", status = 500, body = "" }, { "answer", body = "{}" } })
    assert.are.equal(
      500,
      failure_of(client.call, client, "DisableBuildJob", { job_id = "x" }).status
    )
    assert.are.equal(1, server:stats().processed)
  end)

  it("starts builds as client:run does, by either operation", function()
    local paths = { RunJob = "/v3/jobs/build", ExecuteJob = "/v1/job/execute" }
    local args =
      { job_id = "f9d6c8466d614a9788e9a0acf6c15f46", parameter = { codeBranch = "master" } }
    local run_id = { parameter = "RUN_ID" }
    for name, path in pairs(paths) do
      for _, async in ipairs { true, false } do
        server:reset()
        local answer = client:call(name, args, { run_id = run_id, async = async })
        local result = async and answer:wait() or answer
        local requests, meta = server:stats().requests, build.meta(result)
        assert.are.equal(1, #requests)
        assert.are.equal(path, requests[1].path)
        local sent = require("codearts.build.core").decode(requests[1].body)
        assert.are.equal(meta.run_id, sent.parameter[2].value)
        assert.are.equal("RUN_ID", sent.parameter[2].name)
        assert.are.equal(args.job_id, meta.job_id)
        assert.are.equal("20", result.actual_build_number)
        server:script { { "answer", body = '{"result":{"status":"SUCCESS"},"status":"success"}' } }
        assert.are.equal("SUCCESS", result:status().status)
      end
    end
    server:reset()
    server:script { "reset_after_body" }
    local err = failure_of(client.call, client, "RunJob", args, { run_id = run_id })
    assert.are.equal("unknown", err.outcome)
    assert.is_function(err.reconcile)
    err = failure_of(client.call, client, "RunJob", { job_id = "short" })
    assert.are.equal("usage", err.kind)
    assert.are.equal("job_id", err.field)
    assert.are.equal("not_started", err.outcome)
    err = failure_of(client.call, client, "ExecuteJob", args, { to = "x" })
    assert.are.equal("to", err.field)
    err = failure_of(client.run, client, args, {}, "StopBuildJob")
    assert.are.equal("operation", err.field)
  end)

  it("says what is known of a build that was asked for", function()
    server:script { "reset_after_body" }
    local err =
      failure_of(client.call, client, "ExecuteJob", { job_id = "f9d6c8466d614a9788e9a0acf6c15f46" })
    assert.are.equal("unknown", err.outcome)
    server:script {
      { "answer", status = 400, body = '{"error_code":"CB.00060201","error_msg":"bad id"}' },
    }
    err =
      failure_of(client.call, client, "ExecuteJob", { job_id = "f9d6c8466d614a9788e9a0acf6c15f46" })
    assert.are.equal("not_started", err.outcome)
    assert.are.equal("CB.00060201", err.error_code)
  end)

  it("takes a failure inside status 200 for one", function()
    local bodies = {
      '{"status":"fail","error":{"code":"CB.9","message":"no"},"result":null}',
      '{"success":false,"message":"no","err_code":"CB.9","result":null}',
      '{"success":"false","message":"no","err_code":"CB.9","result":null}',
      '{"status":"FAIL","error":{"error_code":"CB.9","error_msg":"no"}}',
      '{"error_code":"CB.9","error_msg":"no","request_id":"r-1","result":null}',
    }
    for _, body in ipairs(bodies) do
      server:script { { "answer", body = body } }
      local err =
        failure_of(client.call, client, "ShowRecordDetail", { job_id = "x", build_no = 1 })
      assert.are.equal("api", err.kind)
      assert.are.equal("CB.9", err.error_code)
      assert.are.equal("no", err.error_msg)
      assert.are.equal(200, err.status)
    end
  end)

  it("answers bytes as they are", function()
    server:script {
      {
        "answer",
        body = "\0\255 no JSON",
        headers = { ["Content-Type"] = "application/octet-stream" },
      },
    }
    assert.are.equal("\0\255 no JSON", client:call("DownloadBuildLog", { record_id = "r" }))
  end)

  it("hands bytes to a function", function()
    server:script { { "answer", body = ("x"):rep(100000) } }
    local parts = {}
    assert.are.equal(
      100000,
      client:call("DownloadBuildLog", { record_id = "r" }, {
        to = function(chunk)
          parts[#parts + 1] = chunk
        end,
      })
    )
    assert.are.equal(100000, #table.concat(parts))
  end)

  it("writes bytes to a file, whole or not at all", function()
    local path = folder .. "/build.log"
    server:script { { "answer", body = "the log\n" } }
    assert.are.equal(8, client:call("DownloadBuildLog", { record_id = "r" }, { to = path }))
    assert.are.equal("the log\n", read_file(path))
    assert.are.equal("build.log\n", files())
    server:script({}, "close_in_body")
    failure_of(client.call, client, "DownloadBuildLog", { record_id = "r" }, { to = path })
    server:script({}, { "answer", status = 404, body = '{"error_code":"X","error_msg":"y"}' })
    assert.are.equal(
      404,
      failure_of(client.call, client, "DownloadBuildLog", { record_id = "r" }, { to = path }).status
    )
    assert.are.equal("the log\n", read_file(path))
    assert.are.equal("build.log\n", files())
  end)

  describe("takes nothing else for bytes:", function()
    local path, told

    before_each(function()
      path, told = folder .. "/other.log", {}
    end)

    local function take(chunk)
      told[#told + 1] = chunk
    end

    local function download(options)
      return client:call("DownloadBuildLog", { record_id = "r" }, options)
    end

    --- Whoever asks for bytes is told the error, and given nothing; `check` gets it.
    local function refused(answer, check)
      answer[1] = "answer"
      for _, options in ipairs { {}, { to = path }, { to = take } } do
        server:script({}, answer)
        check(failure_of(download, options))
        assert.are.same({}, told)
        assert.is_nil(files():find("other.log", 1, true))
      end
      server:script({ { "answer", body = service.record "FAILURE" } }, answer)
      check(failure_of(function()
        client:build(service.JOB, 20):log { step = 1, on_line = take }
      end))
      assert.are.same({}, told)
    end

    it("no web page", function()
      local page = "<html>Sign in to Guest-WiFi</html>"
      for _, kind in ipairs { "Text/HTML; charset=utf-8", "application/xhtml+xml" } do
        refused({ body = page, kind = kind }, function(err)
          assert.are.same({ "protocol", "bad_answer", 200 }, { err.kind, err.reason, err.status })
        end)
      end
      server:script { { "answer", body = page, kind = "text/html", status = 404 } }
      local err = failure_of(download)
      assert.are.same({ "api", page }, { err.kind, err.message })
    end)

    it("no part that nobody asked for", function()
      refused({ body = "line 1\nlin", status = 206 }, function(err)
        assert.are.same({ "protocol", "bad_answer", 206 }, { err.kind, err.reason, err.status })
      end)
      server:script { { "answer", body = "line", status = 206 } }
      assert.are.equal("line", download { headers = { Range = "bytes=0-3" } })
    end)

    it("no failure of the service", function()
      for _, body in ipairs {
        '{"status":"fail","error":{"code":"CB.9","message":"log expired"},"result":null}',
        '{"error_code":"CB.9","error_msg":"log expired"}',
      } do
        refused({ body = body, kind = "application/octet-stream" }, function(err)
          assert.are.same(
            { "api", "CB.9", "log expired", 200 },
            { err.kind, err.error_code, err.error_msg, err.status }
          )
        end)
      end
    end)

    it("but bytes that begin alike", function()
      for _, body in ipairs {
        "{",
        '{"status":"success"}',
        "{" .. (" "):rep(40000) .. '"status":"fail"}',
        '{"status":"fail"}\n[2023/12/21 15:44:18.743 GMT+08:00] more',
        '[2023/12/21 15:44:18.743 GMT+08:00] {"status":"fail"}',
      } do
        server:script({}, { "answer", body = body })
        told = {}
        assert.are.equal(body, download())
        assert.are.equal(#body, download { to = take })
        assert.are.equal(body, table.concat(told))
        download { to = path }
        assert.are.equal(body, read_file(path))
      end
      os.remove(path)
    end)
  end)

  it("says when a file cannot be written", function()
    server:script({}, { "answer", body = "x" })
    local err = failure_of(
      client.call,
      client,
      "DownloadBuildLog",
      { record_id = "r" },
      { to = folder .. "/no/such" }
    )
    assert.are.equal("usage", err.kind)
    assert.are.equal("to", err.field)
  end)

  it("refuses a target for JSON, and options that there are not", function()
    assert.are.equal(
      "to",
      failure_of(client.call, client, "ShowJobStatus", { job_id = "x" }, { to = "f" }).field
    )
    assert.are.equal(
      "to",
      failure_of(client.call, client, "DownloadBuildLog", { record_id = "x" }, { to = 7 }).field
    )
    assert.are.equal(
      "usage",
      failure_of(client.call, client, "ShowJobStatus", { job_id = "x" }, { tmeout = 7 }).kind
    )
    assert.are.equal(0, server:stats().processed)
  end)

  it("tells of options that are none that no build was started", function()
    for _, name in ipairs { "RunJob", "ExecuteJob" } do
      local err = failure_of(client.call, client, name, { job_id = ("a"):rep(32) }, 5)
      assert.are.same({ "usage", "opts", "not_started" }, { err.kind, err.field, err.outcome })
    end
    assert.is_nil(failure_of(client.call, client, "ShowJobStatus", { job_id = "x" }, 5).outcome)
    assert.are.equal(0, server:stats().processed)
  end)

  it("has an asynchronous form, which raises usage errors at once", function()
    server:script { { "answer", body = '{"result":false}' } }
    local call = client:call("ShowJobStatus", { job_id = "x" }, { async = true })
    assert.is_false(call:wait().result)
    assert.are.equal(
      "job_id",
      failure_of(client.call, client, "ShowJobStatus", {}, { async = true }).field
    )
  end)
end)
