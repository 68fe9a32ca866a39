-- Keys on the command line: one build whoever runs it again, and a person's word where nobody else can tell.

local base64 = require "codearts.build.base64"
local boxes = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local gates = require "spec.support.gate"
local host = require "spec.support.host"
local records = require "codearts.build.keys.record"
local servers = require "spec.support.server"
local check_shown = require("spec.support.shown").check
local strace = require "spec.support.strace"

describe("codearts-build with a key", function()
  local box, folder, env
  setup(function()
    box = boxes.start()
  end)
  teardown(function()
    box:stop()
  end)
  before_each(function()
    folder = host.folder()
    env = { CODEARTS_BUILD_KEY_STORE = "file:" .. folder }
    for name, value in pairs(box.env) do
      env[name] = value
    end
  end)
  after_each(function()
    host.remove(folder)
  end)

  local function run(arguments, status)
    local told = command.run(arguments, env)
    assert.equal(status or 0, told.status, told.out .. told.err)
    return told
  end

  local function json(arguments, status)
    return assert(core.decode(run(arguments .. " --json", status).out))
  end

  it("starts one build, and tells it again", function()
    local key = core.uuid()
    local first = json(("run %s --key %s"):format(boxes.good, key))
    local again = json(("run %s --key %s"):format(boxes.good, key))
    assert.is_nil(first.replayed)
    assert.is_true(again.replayed)
    assert.equal(key, again.key)
    assert.equal(first.actual_build_number, again.actual_build_number)
    local told = run(("run %s --key %s --wait"):format(boxes.good, key))
    assert.truthy(told.out:find("started earlier", 1, true))
    for _, name in ipairs { "wait", "status", "log" } do
      run(("%s %s --key %s"):format(name, boxes.good, key))
    end
    assert.truthy(run(("stop %s --key %s"):format(boxes.good, key), 6).err:find "not running")
    local mismatch = json(("run %s --key %s --param WORD=x"):format(boxes.good, key), 2)
    assert.equal("mismatch", mismatch.error.reason)
  end)

  it("refuses what makes no sense, before anything is sent", function()
    local bad = {
      ("run %s --key 'a b'"):format(boxes.good),
      ("run %s --key-wait 5s"):format(boxes.good),
      ("run %s --key k --when-lost resend"):format(boxes.good),
      ("run %s --key k --key-store redis://x"):format(boxes.good),
      ("status %s 1 --key k"):format(boxes.good),
      ("status %s --key never"):format(boxes.good),
      "key show",
      "key list x y",
      ("key resolve %s k"):format(boxes.good),
      ("key resolve %s k --build 1 --none"):format(boxes.good),
      ("key show %s never"):format(boxes.good),
      ("key resolve %s never --none"):format(boxes.good),
    }
    for _, arguments in ipairs(bad) do
      run(arguments, 2)
    end
    local pipe = io.popen("ls " .. folder)
    assert.equal("", pipe:read "*a")
    pipe:close()
  end)

  it("lists and shows", function()
    json(("run %s --key one"):format(boxes.good))
    json(("run %s --key two"):format(boxes.good))
    local list = json "key list"
    assert.equal(2, #list.keys)
    assert.same({ "one", "done", boxes.good }, {
      list.keys[1].key,
      list.keys[1].state,
      list.keys[1].job_id,
    })
    assert.equal(0, #json(("key list %s"):format(boxes.bad)).keys)
    assert.truthy(run("key list").out:find "two +done")
    local shown = run(("key show %s two"):format(boxes.good)).out
    assert.truthy(shown:find("its build was started", 1, true))
    assert.equal("done", json(("key show %s two"):format(boxes.good)).state)
  end)

  it("lists what it can read, and tells how much it cannot", function()
    json(("run %s --key one"):format(boxes.good))
    json(("run %s --key two"):format(boxes.good))
    local pipe = io.popen(('grep -l \'"key":"two"\' %s/*.key'):format(folder))
    local path = pipe:read "*l"
    pipe:close()
    for _, damage in ipairs { { "signed_at", 1e300 }, { "attempt", 0.5 }, { "owner", {} } } do
      local last = io.popen("tail -n 1 " .. path)
      local whole = last:read "*l"
      last:close()
      local record = core.decode(whole)
      record[damage[1]] = damage[2]
      local file = assert(io.open(path, "a"))
      file:write(core.encode(record), "\n")
      file:close()
      local list = json "key list"
      assert.same({ 1, 1 }, { #list.keys, list.unread })
      assert.truthy(run("key list").err:find("1 records cannot be read", 1, true))
      local told = json(("key show %s two"):format(boxes.good), 6)
      assert.equal("store", told.error.reason)
      file = assert(io.open(path, "a"))
      file:write(whole, "\n")
      file:close()
    end
  end)

  it("fails with the store, and sends nothing", function()
    os.execute("chmod 777 " .. folder)
    local failed = json(("run %s --key k"):format(boxes.good), 6)
    assert.same({ "store", "not_started" }, { failed.error.reason, failed.error.outcome })
  end)

  it("takes a person's word for what is in doubt", function()
    local gate = gates.start(box.box.endpoint)
    env.CODEARTS_BUILD_ENDPOINT = gate.url
    local function lose(key)
      gate:reset()
      gate:script { { "cut_answer", bytes = 0 } }
      local lost = json(("run %s --key %s --key-wait 0"):format(boxes.good, key), 5)
      assert.same({ "key", "in_doubt" }, { lost.error.kind, lost.error.reason })
      gate:reset()
    end
    lose "a"
    run(("status %s --key a"):format(boxes.good), 5)
    assert.equal("open", json(("key show %s a"):format(boxes.good)).state)
    -- Without a signature nothing proves that it can be accepted no more.
    local refused = json(("key resolve %s a --none"):format(boxes.good), 5)
    assert.same({ "no_fence", false }, { refused.error.reason, refused.error.retryable })
    assert.is_nil(run(("key show %s a"):format(boxes.good)).out:find("\nsigned", 1, true))
    local freed = run(("key resolve %s a --none --force"):format(boxes.good))
    assert.truthy(freed.err:find("second build may start", 1, true))
    local result = json(("run %s --key a"):format(boxes.good))
    assert.is_nil(result.replayed)
    local number = result.actual_build_number
    lose "b"
    run(("key resolve %s b --build 99999"):format(boxes.good), 6)
    assert.equal("done", json(("key resolve %s b --build %s"):format(boxes.good, number)).state)
    local again = json(("run %s --key b"):format(boxes.good))
    assert.same({ true, number }, { again.replayed, again.actual_build_number })
    run(("key resolve %s b --none"):format(boxes.good), 2)
    gate:stop()
  end)

  it("keeps no secret in the record of a build that a person names", function()
    local server = servers.start()
    env.CODEARTS_BUILD_ENDPOINT, env.CODEARTS_BUILD_TOKEN =
      server.url, "SECRETTOKEN0123456789abcdef"
    server:script { "close_after_body" }
    json(("run %s --key k --key-wait 0"):format(boxes.good), 5)
    local echo = ("x %s y"):format(env.CODEARTS_BUILD_TOKEN)
    local detail = { build_no = 7, status = "SUCCESS", daily_build_num = echo, execution_id = echo }
    local rows = { { path = "record%-info", body = core.encode { result = detail } } }
    server:behave("by_path", { rows = rows })
    assert.equal("done", json(("key resolve %s k --build 7"):format(boxes.good)).state)
    local pipe = io.popen(("tail -n 1 %s/*.key"):format(folder))
    local kept = core.decode(pipe:read "*a").build
    pipe:close()
    assert.same({
      actual_build_number = "7",
      daily_build_number = "x *** y",
      octopus_job_name = "x *** y",
    }, kept)
    server:stop()
  end)

  -- As an etcd that answers everything, and puts what it was sent into the record.
  local function echo(server, change, token)
    local kept = {
      v = 1,
      scope = records.scope(env.CODEARTS_BUILD_ENDPOINT, boxes.good, "k"),
      key = "k",
      state = "open",
      attempt = 1,
      nonce = core.uuid(),
      fingerprint = { salt = "s", parameter = {}, scm = {} },
      owner = { host = "h", pid = 1 },
    }
    for name, value in pairs(change) do
      kept[name] = value
    end
    local kvs = { { key = "", value = base64.encode(core.encode(kept)), mod_revision = "3" } }
    server:behave("answer", {
      body = core.encode {
        header = {},
        token = token,
        kvs = kvs,
        responses = { { response_range = { kvs = kvs } } },
      },
    })
  end

  it("shows nothing of what it signs in to the store with, which repeats it in a record", function()
    local password, token = "fake-Pa55word-of-keys", "login-token-qwertzuiop"
    local said = ("%s and %s"):format(password, token)
    local server = servers.start()
    env.CODEARTS_BUILD_KEY_STORE = server.url:gsub("^http", "etcd")
    env.CODEARTS_BUILD_ETCD_USER = "builder"
    env.CODEARTS_BUILD_ETCD_PASSWORD_FILE = folder .. "/password"
    local file = assert(io.open(env.CODEARTS_BUILD_ETCD_PASSWORD_FILE, "w"))
    file:write(password, "\n")
    file:close()
    for _, change in ipairs {
      { v = said },
      { owner = { host = said, pid = 1 } },
      { state = "done", build = { actual_build_number = "7", octopus_job_name = said } },
      { state = "done", build = { daily_build_number = said } },
      { run_id = said, run_id_parameter = token },
      { fingerprint = { salt = "s", parameter = { [said] = "" }, scm = {} } },
    } do
      echo(server, change, token)
      for _, words in ipairs {
        "key list",
        "key show %s k",
        "key resolve %s k --none --force",
        "run %s --key k --key-wait 0",
        "status %s --key k",
      } do
        for _, form in ipairs { "", " --json" } do
          local told = command.run(words:format(boxes.good) .. form, env)
          check_shown({ told.out, told.err }, { password, token }, words .. form)
        end
      end
    end
    server:stop()
  end)

  it("believes nobody but the service what time it is", function()
    local server = servers.start()
    env.CODEARTS_BUILD_ENDPOINT, env.CODEARTS_BUILD_TOKEN = server.url, nil
    env.HUAWEICLOUD_SDK_AK, env.HUAWEICLOUD_SDK_SK = "AK", "SK"
    server:script { "close_after_body" }
    json(("run %s --key k --key-wait 0"):format(boxes.good), 5)
    local empty = '{"status":"success","result":{"total_record":"0","job_build_states":[]}}'
    local function at(seconds, status, body)
      local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + seconds)
      server:behave("answer", { status = status, body = body, headers = { { "Date", date } } })
    end
    local resolve = ("key resolve %s k --none"):format(boxes.good)
    at(7200, 404, "no such page, says a proxy")
    run(resolve, 6)
    at(7200, 200, "<html>a proxy's page</html>")
    run(resolve, 6)
    at(0, 200, empty)
    assert.equal("early", json(resolve, 5).error.reason)
    assert.equal("open", json(("key show %s k"):format(boxes.good)).state)
    at(7200, 200, empty)
    local late = run(resolve .. " --settle " .. ("9"):rep(60) .. "h", 5).err
    assert.truthy(late:find("not before never", 1, true), late)
    assert.equal("free", json(resolve).state)
    server:stop()
    -- What the store has never seen may have been started with another one.
    for key, text in pairs { k = "no build of .* was started", other = "has no record" } do
      local told = run(("wait %s --key %s"):format(boxes.good, key), 2)
      assert.matches(text, told.err)
    end
  end)

  it("tells that a build was started whose number nobody told", function()
    local server = servers.start()
    server:script { { "answer", status = 200, body = '{"octopus_job_name":"j"}' } }
    env.CODEARTS_BUILD_ENDPOINT = server.url
    for _, replayed in ipairs { false, true } do
      local told = json(("run %s --key k --wait"):format(boxes.good), 6)
      assert.same(
        { "j", "k", "protocol", "started" },
        { told.octopus_job_name, told.key, told.error.kind, told.error.outcome }
      )
      assert.equal(replayed, told.replayed == true)
    end
    for _, name in ipairs { "status", "wait", "log", "stop" } do
      local told = run(("%s %s --key k"):format(name, boxes.good), 6)
      assert.truthy(told.err:find("was started with the key k (j)", 1, true), told.err)
    end
    local told = json(("status %s --key k"):format(boxes.good), 6)
    assert.same({ "protocol", "started" }, { told.error.kind, told.error.outcome })
    assert.equal(1, server:stats().processed)
    server:stop()
  end)

  it("is free after a signal that came before anything was sent", function()
    local missing = strace.missing()
    if missing then
      pending(missing)
    end
    local line = command.line(("run %s --key k"):format(boxes.good), env)
    -- What is written comes to the disk late, and meanwhile we are told to end.
    local running = command.start_line(
      "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec strace -D -f -qq -o /dev/null -e trace=fdatasync"
        .. " -e inject=fdatasync:delay_enter=2000000:when=1 "
        .. line
    )
    local function states()
      local pipe = io.popen(("cat %s/*.key 2>/dev/null"):format(folder))
      local list = {}
      for each in pipe:lines() do
        list[#list + 1] = core.decode(each).state
      end
      pipe:close()
      return list
    end
    while not states()[1] do
      os.execute "sleep 0.01"
    end
    running:signal "INT"
    local status, seen = running:finish()
    assert.equal(130, status, seen)
    assert.is_nil(seen:find("history", 1, true), seen)
    assert.same({ "open", "free" }, states())
    assert.is_nil(json(("run %s --key k"):format(boxes.good)).replayed)
  end)

  it("is looked at by doctor", function()
    json(("run %s --key k"):format(boxes.good))
    local seen
    for _, check in ipairs(json("doctor").checks) do
      seen = check.name == "key store" and check or seen
    end
    assert.equal("ok", seen.state)
    assert.truthy(seen.detail:find(folder .. ", 1 keys", 1, true))
    os.execute("chmod 777 " .. folder)
    run("doctor", 6)
    run("doctor --key-store nowhere", 2)
  end)
end)
