-- Errors that are made in Lua of what the service said, and what is kept of that for others, show no secret either.
local build = require "codearts.build"
local command = require "spec.support.command"
local key_store = require "codearts.build.key_store"
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local shown = require "spec.support.shown"

local FORMS, TOKEN, check, json = shown.FORMS, shown.TOKEN, shown.check, shown.json

describe("what is told in Lua of the service's words", function()
  local server, folder
  setup(function()
    server = servers.start()
    folder = os.tmpname()
    os.remove(folder)
  end)
  teardown(function()
    server:stop()
    os.execute("rm -rf " .. folder)
  end)
  before_each(function()
    server:reset()
  end)

  local function env(more)
    local all = {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = TOKEN,
      CODEARTS_BUILD_KEY_STORE = "file:" .. folder,
    }
    for name, value in pairs(more or {}) do
      all[name] = value
    end
    return all
  end

  it("is masked in the errors of the command call", function()
    for name, form in pairs(FORMS) do
      local text = json(form(TOKEN))
      local body = ('{"error_code":"CB.1 %s","error_msg":"bad token %s"}'):format(text, text)
      server:script({}, { "answer", body = body })
      local result =
        command.run("call StopBuildJob --json build_no=1 job_id=" .. run_job.JOB_ID, env())
      assert.equal(6, result.status, result.err)
      check({ result.out, result.err }, { TOKEN }, name)
      assert.truthy(
        result.err:find("bad token ***", 1, true) or name == "without its beginning",
        result.err
      )
    end
  end)

  describe("by a command", function()
    local cache
    local body = [[{
        "octopus_job_name":"job @","actual_build_number":"20","daily_build_number":"@",
        "result":{"status":"FAILURE","err_msg":"bad @","daily_build_num":"@","execution_id":"job @","build_record_id":"r1",
          "build_stages":{"s":{"display_name":"stage @","start_time":1,"end_time":2}},
          "content":"the log has @\n","offset":9,"has_more_data":false,
          "package_infos":[{"name":"p @","version":"@","uri":"https://x/@"}]},
        "history_records":[{"build_number":20,"result":"@","build_time":"@"}],
        "jobs":[{"id":"]] .. run_job.JOB_ID .. [[","job_name":"called @","last_build_status":"@"}],
        "total":1,
        "build_steps":[{"name":"step @","status":"FAILURE"}]}]]
    before_each(function()
      cache = os.tmpname()
      os.remove(cache)
      server:script({}, { "answer", body = (body:gsub("@", (json(TOKEN):gsub("%%", "%%%%")))) })
    end)
    after_each(function()
      os.execute("rm -rf " .. cache)
    end)

    local JOB = run_job.JOB_ID
    local COMMANDS = {
      "run %s",
      "run %s --json --wait --progress none",
      "wait %s 20 --progress none",
      "status %s 20",
      "status %s 20 --json",
      "history %s",
      "history %s --json",
      "jobs %s",
      "jobs %s --json",
      "artifacts %s 20",
      "artifacts %s 20 --json",
    }
    for _, arguments in ipairs(COMMANDS) do
      it("is masked in what it prints: " .. arguments:format "JOB", function()
        local result = command.run(arguments:format(JOB), env { XDG_CACHE_HOME = cache })
        assert.is_true(result.status < 2, result.err)
        check({ result.out, result.err }, { TOKEN }, arguments)
        assert.truthy(result.out:find("***", 1, true), result.out)
      end)
    end

    --- Runs a command that signs its requests, whose signatures the service repeats; answers what it prints, and these.
    local function signing(arguments, other_body, status)
      server:script({}, { "echo_anywhere", status = 200, body = other_body or body })
      local before = #server:stats().requests
      local signed = env {
        XDG_CACHE_HOME = cache,
        HUAWEICLOUD_SDK_AK = "AKEXAMPLE1234567",
        HUAWEICLOUD_SDK_SK = "Sk-secret-123456789",
        HUAWEICLOUD_SDK_PROJECT_ID = "p",
      }
      signed.CODEARTS_BUILD_TOKEN = nil
      local result = command.run(arguments, signed)
      local sent, signatures = server:stats().requests, {}
      for i = before + 1, #sent do
        signatures[#signatures + 1] = sent[i].headers.authorization:match "Signature=(%x+)"
      end
      assert.truthy(#signatures > 0)
      assert.is_true(result.status < 2 or result.status == status, result.err)
      check({ result.out, result.err }, signatures, arguments)
      return result, signatures
    end

    local function content_of(path)
      local pipe = io.popen("cat " .. path)
      local kept = pipe:read "*a"
      pipe:close()
      return kept
    end

    for _, arguments in ipairs(COMMANDS) do
      it("is masked there if it is a request's signature: " .. arguments:format "JOB", function()
        local result, signatures = signing(arguments:format(JOB))
        assert.truthy(result.out:find("***", 1, true), result.out)
        check(content_of(cache .. "/*/* 2>&1"), signatures, "the names")
      end)
    end

    it("is masked in what is told of the latest build of a job whose name was listed", function()
      signing("jobs " .. JOB)
      local result = signing("status " .. JOB)
      assert.truthy(result.err:find("build 20 is the latest of called ", 1, true), result.err)
    end)

    it("is masked in a list of builds, whose records are asked for", function()
      local result = signing(
        "history --json " .. JOB,
        [[{"history_records":[{"build_number":20,"result":"ODD","start_time":"2020-06-12 10:00:00",
            "end_time":"2020-06-12 10:00:05"}],"total":1,
          "result":{"status":"ODD @","start_time":"2020-06-12T10:00:00Z","finish_time":"2020-06-12T10:00:05Z @",
            "building":false}}]]
      )
      assert.matches("ODD SDK.*Signature=%*%*%*", result.out)
      assert.matches("10:00:05Z SDK.*Signature=%*%*%*", result.out)
    end)

    it("is masked in the ids of jobs that share a name", function()
      local jobs =
        [[{"jobs":[{"id":"1@","job_name":"twin"},{"id":"2@","job_name":"%s"}],"total":2}]]
      for name, told in pairs {
        twin = "2 jobs are called 'twin', so give the id: 1SDK.*Signature=%*%*%* nil, 2SDK.*Signature=%*%*%* nil",
        other = "the id that the service lists for 'twin' holds a credential",
      } do
        local run = "run twin --project " .. ("p"):rep(32)
        assert.matches(told, signing(run, jobs:format(name), 2).err)
      end
    end)

    it("is masked in what a build's record tells of a start with a key", function()
      server:script({}, { "answer", body = '{"actual_build_number":"20"}' })
      local first = command.run("run --key told " .. JOB, env())
      assert.equal(0, first.status, first.err)
      for _, arguments in ipairs { "run --key told ", "run --key told --json " } do
        local result = signing(
          arguments .. JOB,
          [[{"result":{"build_no":20,"daily_build_num":"daily @","execution_id":"job @"}}]]
        )
        assert.matches("daily SDK.*Signature=%*%*%*", result.out)
        assert.matches("job SDK.*Signature=%*%*%*", result.out)
      end
    end)

    it("is masked in the record of a key that a person resolves", function()
      server:script(
        {},
        { "answer", status = 500, body = '{"error_code":"CB.9","error_msg":"lost"}' }
      )
      local lost = command.run("run --key person " .. JOB, env())
      assert.equal(5, lost.status, lost.err)
      local _, signatures = signing(("key resolve %s person --build 20"):format(JOB))
      local kept = content_of(folder .. "/*.key")
      assert.truthy(kept:find("job ", 1, true), kept)
      check(kept, signatures, "the store")
    end)

    it("is masked in the names that are kept", function()
      command.run("jobs " .. JOB, env { XDG_CACHE_HOME = cache })
      local names = content_of(cache .. "/codearts-build/jobs")
      assert.truthy(names:find("called ***", 1, true), names)
      check(names, { TOKEN }, "the names")
    end)

    it("is masked beside a log, and a log is as it came", function()
      for _, arguments in ipairs { "log %s 20", "log %s 20 --failed" } do
        local result = command.run(arguments:format(JOB), env { XDG_CACHE_HOME = cache })
        assert.equal(0, result.status, result.err)
        assert.truthy(result.out:find(TOKEN, 1, true), result.out)
        check(result.err, { TOKEN }, arguments)
        assert.equal(arguments:find "failed" ~= nil, result.err:find("step ***", 1, true) ~= nil)
      end
    end)
  end)

  it("is masked in what is read in spite of broken characters", function()
    local client = build.new { endpoint = server.url, auth = TOKEN, retry = false, proxy = false }
    local own = { auth = "MIIFown-0123456789abcdef", headers = { Cookie = "session=MIIFcookie" } }
    local secrets = { TOKEN, own.auth, own.headers.Cookie }
    for secret, opts in pairs { [TOKEN] = {}, [own.auth] = own, [own.headers.Cookie] = own } do
      server:script({}, {
        "answer",
        body = ('{"status":"fail","message":"bad token %s \255"}'):format(json(secret)),
      })
      local ok, err = pcall(client.call, client, "ShowJobStatus", { job_id = run_job.JOB_ID }, opts)
      assert.is_false(ok)
      assert.equal("api", err.kind)
      assert.truthy(err.message:find("bad token ***", 1, true), err.message)
      check(err, secrets, "the error")
    end
    client:close()
  end)

  it("is masked in the record of a key, which others read", function()
    local client = build.new {
      endpoint = server.url,
      auth = run_job.TOKEN,
      key_store = key_store.file(folder),
      proxy = false,
    }
    local count = 0
    for name, form in pairs(FORMS) do
      count = count + 1
      local key = "k" .. count
      server:script({}, {
        "answer",
        body = ('{"octopus_job_name":"job for %s"}'):format(json(form(TOKEN))),
      })
      client:run({ job_id = run_job.JOB_ID }, { key = key, auth = TOKEN })
      local told = {}
      for index, arguments in ipairs {
        ("key show %s %s --json"):format(run_job.JOB_ID, key),
        ("status %s --key %s --json"):format(run_job.JOB_ID, key),
      } do
        local result = command.run(arguments, env { CODEARTS_BUILD_TOKEN = "another-token" })
        told[index] = result.out .. result.err
        assert.truthy(told[index]:find("job for", 1, true), told[index])
      end
      check(told, { TOKEN }, name)
    end
    client:close()
    local pipe = io.popen("cat " .. folder .. "/*.key")
    local kept = pipe:read "*a"
    pipe:close()
    assert.truthy(kept:find("job for", 1, true))
    check(kept, { TOKEN }, "the store")
  end)

  it("is masked there whatever the call alone was sent with", function()
    local SESSION, GATE = "session=MIIFcookie", "gate-9876543210"
    local cases = {
      { auth = TOKEN, opts = { headers = { Cookie = SESSION, ["X-Gate-Token"] = GATE } } },
      { auth = { ak = "AK", sk = "SK-0123456789" } },
      { auth = TOKEN, opts = { auth = { ak = "AK", sk = "SK-0123456789" } } },
    }
    local text = "job for @ " .. SESSION .. " " .. GATE
    server:script({}, {
      "echo_anywhere",
      status = 200,
      body = ([[{"octopus_job_name":"%s","daily_build_number":"%s"}]]):format(text, text),
    })
    for i, case in ipairs(cases) do
      local own = folder .. "/own" .. i
      local client = build.new {
        endpoint = server.url,
        auth = case.auth,
        key_store = key_store.file(own),
        proxy = false,
      }
      local opts = case.opts or {}
      opts.key = "own"
      client:run({ job_id = run_job.JOB_ID }, opts)
      client:close()
      local sent = server:stats().requests
      local signature = (sent[#sent].headers.authorization or ""):match "Signature=(%x+)"
      assert.equal(i > 1, signature ~= nil)
      local pipe = io.popen("cat " .. own .. "/*.key")
      local kept = pipe:read "*a"
      pipe:close()
      assert.truthy(kept:find("job for", 1, true))
      check(kept, i == 1 and { SESSION, GATE } or { signature, "SK-0123456789" }, "the store")
    end
  end)

  it("keeps the numbers of a build in it, whatever the token is", function()
    local client = build.new {
      endpoint = server.url,
      auth = "20",
      key_store = key_store.file(folder),
      proxy = false,
    }
    local result = client:run({ job_id = run_job.JOB_ID }, { key = "numbers" })
    assert.equal("20", result.actual_build_number)
    result = client:run({ job_id = run_job.JOB_ID }, { key = "numbers" })
    assert.is_true(build.meta(result).replayed)
    assert.equal("20", result.actual_build_number)
    client:close()
  end)

  it("is masked where the auth function fails and names what it answered before", function()
    for name, failure in pairs {
      ["with a text"] = function()
        return nil, "cannot renew " .. TOKEN
      end,
      ["with an error"] = function()
        return nil, require("codearts.build.core").error { kind = "auth", message = "no " .. TOKEN }
      end,
      ["by raising"] = function()
        error("cannot renew " .. TOKEN)
      end,
    } do
      local events, asked = {}, 0
      local client = build.new {
        endpoint = server.url,
        auth = function()
          asked = asked + 1
          if asked == 1 then
            return TOKEN
          end
          return failure()
        end,
        proxy = false,
        on_event = function(event)
          events[#events + 1] = event
        end,
      }
      server:script({}, { "answer", status = 401, body = "{}" })
      local _, err = client:try_run { job_id = run_job.JOB_ID }
      client:close()
      assert.equal("auth", err.kind)
      assert.equal(2, asked)
      assert.truthy(err.message:find("***", 1, true), err.message)
      check(err, { TOKEN }, name)
      check(events, { TOKEN }, name)
      assert.equal("sign_in", events[#events].type)
    end
  end)

  it("is masked where the auth function fails and names what it answered before that", function()
    local tokens, asked = { TOKEN, "another-token-0123456789" }, 0
    local client = build.new {
      endpoint = server.url,
      auth = function()
        asked = asked + 1
        return tokens[asked], "revoked: " .. table.concat(tokens, " and ")
      end,
      proxy = false,
    }
    server:script({}, { "answer", status = 401, body = "{}" })
    client:try_run { job_id = run_job.JOB_ID }
    local _, err = client:try_run { job_id = run_job.JOB_ID }
    client:close()
    assert.equal(3, asked)
    assert.truthy(err.message:find("revoked: ", 1, true), err.message)
    check(err, tokens, "both")
  end)

  describe("where the auth function answers a password", function()
    local client, events
    before_each(function()
      local asked = 0
      events = {}
      client = build.new {
        endpoint = server.url,
        iam_endpoint = server.url,
        auth = function()
          asked = asked + 1
          if asked == 1 then
            return { user = "ci", password = TOKEN, domain = "d", project = "p" }
          end
          return nil, "no luck with " .. TOKEN
        end,
        retry = false,
        proxy = false,
        on_event = function(event)
          events[#events + 1] = event
        end,
      }
    end)
    after_each(function()
      client:close()
    end)

    for name, form in pairs(FORMS) do
      it("is masked in what IAM says to it, " .. name, function()
        local said = json(form(TOKEN))
        local body = '{"error":{"code":401,"message":"wrong password %s","title":"%s"}}'
        server:script({}, { "answer", status = 401, body = body:format(said, said) })
        local _, err = client:try_run { job_id = run_job.JOB_ID }
        assert.equal("auth", err.kind)
        assert.truthy(err.message:find("wrong password", 1, true), err.message)
        check({ err, events }, { TOKEN }, name)
      end)
    end

    it("is masked in what the function says when it fails afterwards", function()
      server:script {
        {
          "answer",
          status = 201,
          headers = { { "X-Subject-Token", "a-fake-token" } },
          body = os.date('!{"token":{"expires_at":"%Y-%m-%dT%H:%M:%SZ"}}', os.time() + 86400),
        },
        { "answer", status = 401, body = "{}" },
      }
      local _, err = client:try_run { job_id = run_job.JOB_ID }
      assert.truthy(err.message:find("no luck with ***", 1, true), err.message)
      check({ err, events }, { TOKEN }, "the error")
    end)
  end)

  it("hides what is too long for an access key where one should be", function()
    local AK, SK = "HPUAEXAMPLE1234567ZZ", "w8sQ3rTz7YkLm2Vn5Bx9Hd4Gf6Jc1PaUe0RiOtKs"
    for _, pair in ipairs {
      { AK, SK, AK },
      { SK, AK, "***" },
      { AK .. ":" .. SK, "another-one", "***" },
    } do
      local given = { ak = pair[1], sk = pair[2], project_id = "p" }
      for _, auth in ipairs {
        given,
        function()
          return given
        end,
      } do
        local client = build.new { endpoint = server.url, auth = auth, proxy = false }
        server:script({}, {
          "answer",
          status = 401,
          body = ('{"error_code":"APIGW.0301","error_msg":"ak:%s,err:ak not exist"}'):format(
            pair[1]
          ),
        })
        local _, err = client:try_run { job_id = run_job.JOB_ID }
        assert.equal(("ak:%s,err:ak not exist"):format(pair[3]), err.error_msg)
        check(err, { SK }, "the error")
        client:close()
      end
    end
  end)

  it("hides what is too long for a project's id where one should be", function()
    local SK, PROJECT = "w8sQ3rTz7YkLm2Vn5Bx9Hd4Gf6Jc1PaUe0RiOtKs", ("0123456789abcdef"):rep(2)
    for sk, project_id in pairs { [PROJECT] = SK, [SK] = PROJECT } do
      local client = build.new {
        endpoint = server.url,
        auth = { ak = "HPUAEXAMPLE1234567ZZ", sk = sk, project_id = project_id },
        proxy = false,
      }
      local body = '{"error_code":"APIGW.0301","error_msg":"x-project-id:%s"}'
      server:script({}, { "answer", status = 401, body = body:format(project_id) })
      local _, err = client:try_run { job_id = run_job.JOB_ID }
      check(err, { SK }, "the error")
      assert.equal("x-project-id:" .. (sk == SK and PROJECT or "***"), err.error_msg)
      client:close()
    end
  end)

  it("hides everything once its client is closed", function()
    local client = build.new { endpoint = server.url, auth = TOKEN, proxy = false }
    assert.equal("a *** end", client:mask("a " .. TOKEN .. " end"))
    client:close()
    assert.equal("***", client:mask("a " .. TOKEN .. " end"))
  end)
end)
