-- codearts-build doctor, against a sandbox and against what is broken.

local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local server_process = require "spec.support.server"

local GOOD = cli_sandbox.good

describe("codearts-build", function()
  local box, folder

  setup(function()
    box = cli_sandbox.start()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
  end)

  teardown(function()
    box:stop()
    os.execute("rm -r " .. folder)
  end)

  before_each(function()
    box:close_gate()
  end)

  local function run(...)
    return box:run(...)
  end

  describe("doctor", function()
    it("finds everything in order", function()
      local result = run("doctor --job " .. GOOD)
      assert.are.equal(0, result.status, result.out)
      for _, name in ipairs {
        "lua",
        "library",
        "region",
        "endpoint",
        "proxy",
        "connection",
        "clock",
        "credentials",
        "job",
      } do
        assert.is_truthy(
          result.out:find("\nok    " .. name) or result.out:find("^ok    " .. name),
          name
        )
      end
      assert.is_nil(result.out:find(box.env.CODEARTS_BUILD_TOKEN, 1, true))
      assert.is_true(core.decode(run("doctor --json").out).ok)
    end)

    it("names the source, its file and the algorithm, and where the endpoint came from", function()
      local home = os.tmpname()
      os.remove(home)
      os.execute(("mkdir -p %s/.huaweicloud"):format(home))
      local function write(name, text)
        local file = assert(io.open(home .. "/.huaweicloud/" .. name, "w"))
        file:write(text)
        file:close()
      end
      local keyed = command.start(
        "sandbox",
        { CODEARTS_BUILD_SANDBOX_AK = "OURKEY", CODEARTS_BUILD_SANDBOX_SK = "our-secret" }
      )
      keyed:expect "\n"
      local endpoint = keyed.seen:match "endpoint=(%S+)"
      write("credentials", "[DEFAULT]\nsk = our-secret\n[basic]\nak = OURKEY\nproject_id =\n")
      write(
        "regions.yaml",
        "CodeArtsBuild:\n  - id: xx-private-1\n    endpoint: " .. endpoint .. "\n"
      )
      local variables = { HOME = home, HUAWEICLOUD_SDK_IAM_ENDPOINT = endpoint }
      local function line(name, arguments)
        local told = command.run("doctor " .. arguments, variables)
        assert.is_nil((told.out .. told.err):find("our-secret", 1, true))
        return told.out:match("ok    " .. name .. " +([^\n]*)\n"), told
      end
      assert.are.equal(
        ("from credentials file %s/.huaweicloud/credentials, signed by SDK-HMAC-SHA256, accepted"):format(
          home
        ),
        (line("credentials", "--endpoint " .. endpoint))
      )
      assert.are.equal(
        ("%s (regions file %s/.huaweicloud/regions.yaml, line 3)"):format(endpoint, home),
        (line("endpoint", "--region xx-private-1"))
      )
      variables.HUAWEICLOUD_SDK_AK, variables.HUAWEICLOUD_SDK_SK = "OURKEY", "our-secret"
      assert.are.equal(
        "from environment, signed by SDK-HMAC-SHA256, accepted",
        (line("credentials", "--endpoint " .. endpoint))
      )
      variables.CODEARTS_BUILD_TOKEN = keyed.seen:match "token=(%S+)"
      assert.are.equal(
        "from CODEARTS_BUILD_TOKEN, accepted",
        (line("credentials", "--endpoint " .. endpoint))
      )
      keyed:signal "TERM"
      keyed:finish()
      os.execute("rm -r " .. home)
    end)

    it("asks for no credentials where IAM does not answer for those that are there", function()
      local iam = server_process.start()
      iam:behave("by_path", {
        rows = {
          { path = "^/$", status = 404, body = "{}" },
          { path = "/v3/projects", status = 503, body = "{}" },
        },
      })
      local result = command.run("doctor --region cn-north-4", {
        HOME = folder,
        HUAWEICLOUD_SDK_AK = "OURKEY",
        HUAWEICLOUD_SDK_SK = "our-secret",
        HUAWEICLOUD_SDK_IAM_ENDPOINT = iam.url,
        HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = iam.url,
        CODEARTS_BUILD_METADATA_ENDPOINT = iam.url,
      })
      local asked = iam:stats().processed
      iam:stop()
      assert.are.equal(6, result.status, result.out)
      assert.are.equal(2, asked)
      assert.is_truthy(result.out:find("WARN  credentials   not signed in; ", 1, true), result.out)
      local told = ("503 environment: IAM at %s answered 503\n"):format(iam.url)
      assert.is_truthy(result.out:find(told, 1, true), result.out)
    end)

    it("says what to do", function()
      local unbuilt = command.unbuilt_tree()
      local cases = {
        { { CODEARTS_BUILD_TOKEN = "wrong" }, "", 4, "get a new one" },
        { { CODEARTS_BUILD_TOKEN = "" }, "", 4, "CODEARTS_BUILD_TOKEN" },
        {
          { CODEARTS_BUILD_ENDPOINT = "" },
          "",
          2,
          "set CODEARTS_BUILD_REGION or CODEARTS_BUILD_ENDPOINT",
        },
        { {}, "--endpoint http://127.0.0.1:1", 6, "nothing accepts connections there" },
        { {}, "--region nowhere-1", 2, "nowhere-1 is not known" }, -- goes before the environment
        { {}, "--job " .. ("0"):rep(32), 6, "FAIL  job" },
        {
          {
            TREE = unbuilt,
            LUA_CPATH = "/x/?.so",
            LUA_CPATH_5_2 = "/x/?.so",
            LUA_CPATH_5_3 = "/x/?.so",
            LUA_CPATH_5_4 = "/x/?.so",
          },
          "",
          2,
          "FAIL  library",
        },
      }
      for _, case in ipairs(cases) do
        local result = run("doctor " .. case[2], case[1])
        assert.are.equal(case[3], result.status, result.out)
        assert.is_truthy(result.out:find(case[4], 1, true), result.out)
      end
      os.execute("rm -r " .. unbuilt)
    end)

    it("says that credentials are accepted only where somebody has looked at them", function()
      local server = server_process.start()
      local function told(status, body, arguments)
        server:script({}, { "answer", status = status, body = body })
        return run("doctor --endpoint " .. server.url .. (arguments or ""))
      end
      for body, status in pairs {
        ["<html>404</html>"] = 404,
        ["<html>405</html>"] = 405,
        ["<html>407</html>"] = 407,
        ["<html>welcome</html>"] = 200,
        ["slow down"] = 429,
        ["<html>502</html>"] = 502,
        ["{}"] = 200,
        ['{"code":404,"message":"page not found"}'] = 404,
        ['{"error_code":"APIGW.0101","error_msg":"no such API"}'] = 404,
        ['{"error_code":"APIG.0308","error_msg":"throttled"}'] = 429,
      } do
        for _, arguments in ipairs { "", " --job " .. GOOD } do
          local result = told(status, body, arguments)
          assert.are.equal(6, result.status, body .. result.out)
          assert.is_nil(result.out:find("accepted", 1, true), body .. result.out)
          assert.is_truthy(result.out:find("WARN  credentials", 1, true), result.out)
          assert.is_truthy(result.out:find("FAIL  service ", 1, true), result.out)
        end
      end
      for body, status in pairs {
        ['{"error_code":"CB.00060201","error_msg":"invalid task id"}'] = 400,
        ['{"error_code":"DEV.CB.0100001","error_msg":"no such task"}'] = 404,
        ['{"result":false}'] = 200,
      } do
        local result = told(status, body)
        assert.are.equal(0, result.status, body .. result.out)
        assert.is_truthy(result.out:find("CODEARTS_BUILD_TOKEN, accepted", 1, true), result.out)
      end
      local busy = told(500, '{"error_code":"CB.00060100","error_msg":"network busy"}')
      server:stop()
      assert.are.equal(6, busy.status)
      assert.is_truthy(busy.out:find("CODEARTS_BUILD_TOKEN, accepted", 1, true), busy.out)
    end)

    it("blames the credentials for what is said by whom has looked at them", function()
      local server = server_process.start()
      -- By status and body: how the line of the credentials begins, what fails, and words of the advice.
      for _, case in ipairs {
        { 403, '{"error_code":"APIGW.0402"}', "WARN", "service", "this machine's address" },
        { 403, '{"error_code":"APIG.0401"}', "WARN", "service", "this machine's address" },
        { 403, '{"error_code":"APIGW.0304"}', "WARN", "service", "the administrator" },
        { 403, '{"error_code":"APIGW.0306"}', "WARN", "service", "the administrator" },
        { 403, '{"error_code":"APIGW.0404"}', "WARN", "service", "may not pass calls on" },
        { 403, "<html>blocked by your company</html>", "WARN", "service", "on the way: check" },
        {
          401,
          "<html>sign in to the guests' network</html>",
          "WARN",
          "service",
          "on the way: check",
        },
        { 403, '{"error_code":"APIGW.0302"}', "FAIL", "credentials", "may not call this API" },
        { 401, '{"error_code":"APIGW.0303"}', "FAIL", "credentials", "check key and secret" },
        { 401, '{"error_code":"DEV.CB.1"}', "FAIL", "credentials", "check key and secret" },
        { 403, '{"error_code":"DEV.CB.1"}', "ok  ", "job", "ask for execute permission" },
      } do
        server:script({}, {
          "answer",
          status = case[1],
          body = case[2]:gsub("}", ',"error_msg":"no"}'),
        })
        local result = run("doctor --endpoint " .. server.url .. " --job " .. GOOD)
        assert.are.equal(4, result.status, result.out)
        assert.is_truthy(result.out:find(case[3] .. "  credentials", 1, true), result.out)
        assert.is_truthy(result.out:find("FAIL  " .. case[4], 1, true), result.out)
        assert.is_truthy(result.out:find(case[5], 1, true), result.out)
        local permission = result.out:find("the credentials are good", 1, true)
        assert.are.equal(case[4] == "job", permission ~= nil, result.out)
      end
      -- Of a job that is nobody's nothing else was to be expected.
      local result = run("doctor --endpoint " .. server.url)
      server:stop()
      assert.are.equal(0, result.status, result.out)
      assert.is_truthy(result.out:find("CODEARTS_BUILD_TOKEN, accepted", 1, true), result.out)
    end)

    it("advises by who says it", function()
      local advice = require "codearts.build.cli.advice"
      local function of(message, status, code)
        return advice(core.error {
          kind = status < 500 and "auth" or "api",
          message = message,
          status = status,
          error_code = code,
        })
      end
      assert.is_truthy(of("IAM answered 401: no", 401):find("user, password and project", 1, true))
      assert.is_truthy(of("no", 401, "CB.1"):find("get a new token", 1, true))
      assert.is_truthy(of("token expires soon", 502):find("something on the way", 1, true))
      assert.is_truthy(of("no", 502, "APIGW.0201"):find("the service has trouble", 1, true))
      assert.is_truthy(of("no", 500, "CB.1"):find("the service has trouble", 1, true))
      -- Where a build may have been started nobody is told to try again.
      for outcome, tells in pairs { unknown = false, started = false, not_started = true } do
        for _, reason in ipairs { "timeout", "deadline" } do
          local err = { kind = "timeout", reason = reason, message = "no", outcome = outcome }
          assert.are.equal(tells, advice(core.error(err)) ~= nil)
        end
      end
    end)

    it("advises to look at the proxy where that is what fails", function()
      for proxy, advice in pairs {
        ["http://proxy.invalid:1"] = "it is the proxy that fails",
        ["foo://127.0.0.1:1"] = "it is the proxy that fails",
        ["http://127.0.0.1:1"] = "that of the proxy",
      } do
        local result = run(
          "doctor --endpoint https://service.invalid",
          { https_proxy = proxy, no_proxy = "", CODEARTS_BUILD_TOKEN = "t-t-t-t" }
        )
        assert.are.equal(6, result.status, result.out)
        assert.is_truthy(result.out:find(advice, 1, true), result.out)
      end
    end)

    it("advises by what is wrong with a certificate", function()
      for name, advice in pairs {
        expired = "check this machine's clock",
        not_yet_valid = "check this machine's clock",
        wrong_host = "whoever answers there is somebody else",
        untrusted = "the certificate is not trusted",
      } do
        local server = server_process.start { tls = true }
        server:behave("cert_" .. name)
        local result = run("doctor --endpoint " .. server.url, {
          SSL_CERT_FILE = server.ca_file,
          CODEARTS_BUILD_TOKEN = "t-t-t-t",
        })
        server:stop()
        assert.are.equal(6, result.status, result.out)
        assert.is_truthy(result.out:find(advice, 1, true), result.out)
      end
    end)

    it("advises what an editor can do, too", function()
      local told = require "codearts.build.cli.advice"(core.error {
        kind = "config",
        field = "region",
        message = "no",
      })
      assert.is_falsy(told:find("--", 1, true), told)
    end)

    it("hides the password of a proxy", function()
      for proxy, shown in pairs {
        ["http://me:Pr0xy-Pass@127.0.0.1:1"] = "http://...@127.0.0.1:1",
        ["me:Pr0xy-Pass@127.0.0.1:1"] = "...@127.0.0.1:1",
        ["http://me:x@Pr0xy-Pass@127.0.0.1:1"] = "%40",
        ["http://me:x/Pr0xy-Pass@127.0.0.1:1"] = "%2F",
        ["http://me:x#Pr0xy-Pass@[::1]:1"] = "%23",
        ["me://Pr0xy-Pass@127.0.0.1:1"] = "%3F",
        ["http://me:Pr0xy-Pass"] = "set to what is no address",
        ["Pr0xy-Pass@[::1"] = "set to what is no address",
        ["http://127.0.0.1:1/?Pr0xy-Pass"] = "set to what is no address",
        ["socks5h://127.0.0.1:1"] = "socks5h://127.0.0.1:1",
        ["proxy_1.invalid"] = "proxy_1.invalid",
        ["http://proxy/"] = "http://proxy/",
        ["glpat-Pr0xy-Pass_0123456789"] = "set to what is no address",
        ["socks5h://glpat-Pr0xy-Pass_0123456789"] = "set to what is no address",
      } do
        for _, form in ipairs { "", " --json" } do
          local result = run(
            "doctor --endpoint https://service.invalid" .. form,
            { https_proxy = proxy, no_proxy = "", CODEARTS_BUILD_TOKEN = "t-t-t-t" }
          )
          assert.are.equal(shown:find "^%%" and 2 or 6, result.status, result.out)
          assert.is_nil((result.out .. result.err):find("Pass", 1, true), result.out)
          assert.is_truthy(result.out:find(shown, 1, true), result.out)
        end
      end
    end)

    it("hides what an endpoint holds by mistake", function()
      for endpoint, status in pairs {
        ["me:Endp-Pass@127.0.0.1:1"] = 2,
        ["https://me:Endp-Pass@127.0.0.1:1"] = 2,
        ["https://127.0.0.1:1/?token=Endp-Pass"] = 2,
        ["https://127.0.0.1:1/#Endp-Pass"] = 2,
        ["https://127.0.0.1:1/er:Endp-Pass@h"] = 2,
        ["https://127.0.0.1:1/er:Endp-,Pass/@h"] = 2,
      } do
        local result = run("doctor", { CODEARTS_BUILD_ENDPOINT = endpoint })
        assert.are.equal(status, result.status, endpoint .. result.out)
        assert.is_nil((result.out .. result.err):find("Pass", 1, true), result.out)
      end
    end)

    it("takes no clock for wrong by an answer that was kept", function()
      local server = server_process.start()
      local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() - 7200)
      server:script({
        { "answer", status = 404, body = "{}", headers = { { "Date", date }, { "Age", "7200" } } },
      }, { "answer", body = '{"result":false}' })
      local result = run("doctor --endpoint " .. server.url)
      server:stop()
      assert.is_truthy(result.out:find("ok    clock", 1, true), result.out)
      assert.are.equal(0, result.status, result.out)
    end)

    it("sees a clock that is wrong and a certificate that is not trusted", function()
      local server = server_process.start()
      server:script({}, {
        "answer",
        status = 404,
        body = "{}",
        headers = { { "Date", "Tue, 01 Feb 2000 00:00:00 GMT" } },
      })
      local result = run("doctor --endpoint " .. server.url)
      server:stop()
      assert.is_truthy(result.out:find("FAIL  clock", 1, true), result.out)
      assert.are.equal(2, result.status)
      server = server_process.start { tls = true }
      server:script({}, { "answer", body = '{"result":false}' })
      result = run("doctor --endpoint " .. server.url)
      local trusting = run("doctor --endpoint " .. server.url, { SSL_CERT_FILE = server.ca_file })
      server:stop()
      assert.are.equal(6, result.status)
      assert.is_truthy(result.out:find("the certificate is not trusted", 1, true), result.out)
      assert.are.equal(0, trusting.status, trusting.out)
    end)
  end)
end)
