-- What a start alone was sent with is hidden wherever its build is asked about: errors of all methods, and a build that was found again.
local build = require "codearts.build"
local core = require "codearts.build.core"
local follow = require "codearts.build.lifecycle.follow"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local lifecycle = require "codearts.build.lifecycle"
local read_log = require "codearts.build.lifecycle.log"
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local check = require("spec.support.shown").check

local GATE = "gate-MIIFfirst-0123456789abcdef"

describe("a build whose start was sent with a header of its own", function()
  local server, client
  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    client = build.new {
      endpoint = server.url,
      auth = { ak = "AK", sk = "Sk-qwertzuiop" },
      retry = false,
      proxy = false,
    }
  end)
  after_each(function()
    client:close()
  end)

  local function options(more)
    local opts = { headers = { ["X-Gate-Token"] = GATE } }
    for name, value in pairs(more or {}) do
      opts[name] = value
    end
    return opts
  end

  --- The signature of the last start, and the parameter that it sent.
  local function last_start()
    local found
    for _, request in ipairs(server:stats().requests) do
      found = request.path:find "jobs/build$" and request or found
    end
    local sent = found and core.decode(found.body).parameter
    return found and found.headers.authorization:match "Signature=(%x+)", sent and sent[1].value
  end

  --- What the methods of a build raise where the service repeats these.
  local function check_methods(this, secrets)
    server:script({}, {
      "answer",
      status = 400,
      body = core.encode { error_code = "X", error_msg = table.concat(secrets, " is ") },
    })
    for name, opts in pairs {
      status = {},
      log = {},
      stop = {},
      wait = { timeout = 1 },
    } do
      local ok, err = pcall(this[name], this, opts)
      assert.is_false(ok)
      check(err, secrets, name)
      assert.truthy(err.message:find("*** is ***", 1, true), err.message)
    end
    -- As the command and the editor do.
    local target = lifecycle.handle(this)
    local reading = target.client:task(read_log(target, {}))
    local _, err = pcall(reading.wait, reading)
    assert.equal("api", err.kind)
    check(err, secrets, "a log that is followed")
    local follower = follow(this, function() end)
    repeat
      target.client:step(0.05)
    until follower.watch.trouble
    err = target.client
      :task(function(await)
        return follower:finish(await, true, 0.01)
      end)
      :wait()
    assert.equal("api", err.kind)
    check(err, secrets, "a log whose end does not come in time")
    server:behave("answer", {
      body = core.encode {
        result = { build_no = 7, status = "FAILURE", err_msg = table.concat(secrets, " is ") },
      },
    })
    _, err = pcall(this.wait, this)
    assert.equal("build", err.kind)
    check(err, secrets, "the record")
  end

  it("shows neither that nor its signature in an error", function()
    server:script { { "answer", body = '{"actual_build_number":"7"}' } }
    local result = client:run({ job_id = run_job.JOB_ID }, options())
    check_methods(result, { GATE, (last_start()) })
  end)

  it("is told of as ever where its client is closed", function()
    server:script({ { "answer", body = '{"actual_build_number":"7"}' } }, "never_answer")
    local result = client:run({ job_id = run_job.JOB_ID }, options())
    for _, name in ipairs { "status", "log", "stop", "wait" } do
      local call = result[name](result, { async = true })
      call:cancel()
      local _, err = pcall(call.wait, call)
      assert.equal("cancelled", err.kind)
      assert.truthy(err.message:find "%a", err.message)
    end
    local call = result:wait { async = true }
    client:close()
    local _, err = pcall(call.wait, call)
    assert.equal("cancelled", err.kind)
    assert.truthy(err.message:find "%a", err.message)
  end)

  --- What the service shows of the build that a lost start has started.
  local function show_build(id)
    id = id or select(2, last_start())
    server:behave("by_path", {
      rows = {
        {
          path = "build%-info%-records",
          body = core.encode {
            result = {
              total_record = 1,
              total_page = 1,
              job_build_states = { { number = 7, start_time = math.floor(core.time() * 1000) } },
            },
          },
        },
        { path = "record%-info", body = '{"result":{"build_no":7,"status":"BUILDING"}}' },
        {
          path = "history%-details",
          body = core.encode { build_number = 7, parameters = { RUN_ID = id } },
        },
      },
    })
  end

  it("nor when its answer was lost, and it was found by its run id", function()
    server:script { "close_after_body" }
    local opts = options { run_id = { parameter = "RUN_ID" } }
    local _, err = client:try_run({ job_id = run_job.JOB_ID }, opts)
    assert.equal("unknown", err.outcome)
    show_build()
    local found = err:reconcile { timeout = 10 }
    assert.equal("started", found.verdict)
    check_methods(found.result, { GATE, (last_start()) })
  end)

  it("nor that of the question what the found build is called", function()
    server:script { "close_after_body" }
    local opts = options { run_id = { parameter = "RUN_ID" } }
    local _, err = client:try_run({ job_id = run_job.JOB_ID }, opts)
    server:behave("echo_anywhere", {
      status = 200,
      body = core.encode {
        build_number = 7,
        parameters = { RUN_ID = select(2, last_start()) },
        result = {
          total_record = 1,
          job_build_states = { { number = 7, start_time = math.floor(core.time() * 1000) } },
          build_no = 7,
          daily_build_num = "daily @",
          execution_id = "job @",
        },
      },
    })
    local result = err:reconcile({ timeout = 10 }).result
    local told = client:mask({ result.daily_build_number, result.octopus_job_name }, result)
    assert.matches("daily .*Signature=%*%*%*", told[1])
    assert.matches("job .*Signature=%*%*%*", told[2])
    for _, request in ipairs(server:stats().requests) do
      check(told, { request.headers.authorization:match "Signature=(%x+)" }, "its names")
    end
  end)

  it("nor when nobody waited for its answer", function()
    server:script { "never_answer" }
    local call =
      client:start({ job_id = run_job.JOB_ID }, options { run_id = { parameter = "RUN_ID" } })
    repeat
      client:step(0.05)
    until server:stats().processed > 0
    local _, err = pcall(call.wait, call, 0)
    assert.equal("wait", err.reason)
    show_build()
    local found = err:reconcile { timeout = 10 }
    assert.equal("started", found.verdict)
    check_methods(found.result, { GATE, (last_start()) })
  end)

  it("nor when its key found it", function()
    local folder = host.folder()
    local keyed = build.new {
      endpoint = server.url,
      auth = { ak = "AK", sk = "Sk-qwertzuiop" },
      retry = false,
      proxy = false,
      key_store = key_store.file(folder),
    }
    server:behave "close_after_body"
    local opts = options { run_id = { parameter = "RUN_ID" }, key = "k", key_wait = 5 }
    local call = keyed:start({ job_id = run_job.JOB_ID }, opts)
    repeat
      keyed:step(0.05)
    until last_start()
    show_build()
    local result = call:wait()
    assert.is_true(build.meta(result).reconciled)
    check_methods(result, { GATE, (last_start()) })
    keyed:close()
    host.remove(folder)
  end)

  it("nor as the run id of a record, by which a build is found all the same", function()
    local token, text, version = "fake-token-qwertzuiop", nil, nil
    local keyed = build.new {
      endpoint = server.url,
      auth = token,
      retry = false,
      proxy = false,
      key_store = {
        get = function()
          return text, version
        end,
        put = function(_, new, since)
          if since ~= version then
            return nil, text, version
          end
          text, version = new, (version or 0) + 1
          return version
        end,
      },
    }
    local function in_doubt()
      local opts = { run_id = { parameter = "RUN_ID" }, key = "k", key_wait = 0 }
      local _, err = keyed:try_run({ job_id = run_job.JOB_ID }, opts)
      assert.equal("unknown", err.outcome)
      return build.meta(err), err
    end
    server:behave "close_after_body"
    local id = in_doubt().run_id
    text = text:gsub(id:gsub("%-", "%%-"), token) -- a store may repeat what it was sent
    local meta, err = in_doubt()
    assert.same({ "***", "RUN_ID" }, { meta.run_id, meta.run_id_parameter })
    check(meta, { token }, "what is told of the error")
    show_build(token)
    local found = err:reconcile { timeout = 10 }
    assert.equal("started", found.verdict)
    keyed:close()
  end)

  it("nor when its key tells of it later, to a call that sends nothing", function()
    local folder = host.folder()
    local function run()
      local keyed = build.new {
        endpoint = server.url,
        auth = { ak = "AK", sk = "Sk-qwertzuiop" },
        retry = false,
        proxy = false,
        key_store = key_store.file(folder),
      }
      local opts = options { auth = "call-MIIFsecond-0123456789", key = "k" }
      return keyed:run({ job_id = run_job.JOB_ID }, opts), keyed
    end
    server:behave("answer", {
      body = '{"actual_build_number":"7","daily_build_number":"d","octopus_job_name":"o"}',
    })
    local _, first = run()
    first:close()
    local result, second = run()
    assert.is_true(build.meta(result).replayed)
    check_methods(result, { GATE, "call-MIIFsecond-0123456789" })
    second:close()
    host.remove(folder)
  end)
end)

describe("headers of the user's", function()
  it("are masked where their name says that they are secret", function()
    local server = require("spec.support.server").start {}
    local client = build.new {
      endpoint = server.url,
      auth = "fake-token-of-headers",
      headers = {
        ["X-Api-Key"] = "fake-key-of-a-header",
        ["X-My-Credential"] = "fake-credential",
        ["X-Signature"] = "fake-sign",
        ["X-Apig-AppCode"] = "fake-appcode",
        ["X-Source"] = "pipeline",
      },
    }
    local body =
      '{"error_code":"A.1","error_msg":"pipeline fake-key-of-a-header fake-credential fake-cookie fake-sign fake-appcode"}'
    server:script({}, { "answer", status = 400, body = body })
    local _, err = client:try_run(
      { job_id = ("0f1e2d3c"):rep(4) },
      { headers = { Cookie = "fake-cookie" } }
    )
    client:close()
    server:stop()
    assert.equal("pipeline *** *** *** *** ***", err.error_msg)
  end)
end)

describe("what an address is signed with", function()
  local server, client
  setup(function()
    server = servers.start()
    client = build.new { endpoint = server.url, auth = "fake-token-of-the-client", proxy = false }
  end)
  teardown(function()
    client:close()
    server:stop()
  end)

  local SIGNATURE = "c2lnbmF0dXJl/ZSECRET+MTIz="

  local function refused(name, value, said)
    server:reset()
    server:script({}, {
      "answer",
      status = 403,
      headers = { { "X-Request-Id", said } },
      body = ('{"error_code":"A.1","error_msg":"%s"}'):format(said),
    })
    local spec = { path = "/bucket/object", query = { { "max-keys", "100" }, { name, value } } }
    local _, err = client:request(spec):try_wait(20)
    return err
  end

  local NAMES = "Signature X-Obs-Signature X-Amz-Signature X-Amz-Security-Token X-Amz-Credential x-obs-security-token"
    .. " token access_token sig x-sig password client_secret sign x-sign mac digest signature sk"
  for name in NAMES:gmatch "%S+" do
    it("is masked: " .. name, function()
      local escaped = SIGNATURE:gsub("[/+=]", { ["/"] = "%2F", ["+"] = "%2B", ["="] = "%3D" })
      for _, form in ipairs { SIGNATURE, escaped } do
        local err = refused(name, SIGNATURE, ("you asked for 100 by ?%s=%s"):format(name, form))
        assert.equal(("you asked for 100 by ?%s=***"):format(name), err.error_msg)
        check(err, { SIGNATURE }, "the error")
      end
    end)
  end

  for name in ("X-Amz-SignedHeaders Expires x-obs-date offset design machine task"):gmatch "%S+" do
    it("is not what stands beside it: " .. name, function()
      local said = "you asked for host;x-obs-date"
      assert.equal(said, refused(name, "host;x-obs-date", said).error_msg)
    end)
  end
end)
