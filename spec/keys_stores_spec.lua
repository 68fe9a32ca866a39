-- Stores by their addresses, what they list, and file stores in bad places: nothing is sent then, and what
-- is there stays as it is.

local build = require "codearts.build"
local core = require "codearts.build.core"
local address = require "codearts.build.key_store.address"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local namespaces = require "spec.support.namespaces"
local read_file = require "spec.support.read_file"
local servers = require "spec.support.server"

local JOB = "samplejob00000000000000000000001"
local ARGS = { job_id = JOB }
local SECRET = "store-password-hidden"

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

describe("the address of a key store", function()
  local function environment(variables)
    return function(name)
      return variables and variables[name]
    end
  end

  it("names a folder", function()
    assert.equal("/tmp/keys", address.open("file:/tmp/keys", environment()).folder)
  end)

  it("names a cluster of etcd, whose login comes from the environment", function()
    local file = os.tmpname()
    write(file, SECRET .. "\n")
    for _, text in ipairs { "etcd://127.0.0.1:2379", "etcds://a:1,b:2/team/keys" } do
      local store = address.open(
        text,
        environment {
          CODEARTS_BUILD_ETCD_USER = "me",
          CODEARTS_BUILD_ETCD_PASSWORD_FILE = file,
        }
      )
      assert.equal("function", type(store.put))
      for name, member in pairs(store) do
        assert.equal("function", type(member), name)
      end
    end
    os.remove(file)
  end)

  it("is refused when it is none, and never repeated", function()
    local empty = os.tmpname()
    local bad = {
      { "" },
      { "keys" },
      { "file:" },
      { "redis://127.0.0.1" },
      { "etcd:127.0.0.1:2379" },
      { "etcd://" },
      { "etcd:///prefix" },
      { "etcds://SkSecret/1234567890/" .. SECRET },
      { "etcd://a:1,SkSecret/" .. SECRET },
      { "etcd://" .. SECRET .. ":x@127.0.0.1:1" },
      { "etcd://127.0.0.1:1/p?user=" .. SECRET },
      { "etcd://127.0.0.1:1", { CODEARTS_BUILD_ETCD_USER = "me" } },
      { "etcd://127.0.0.1:1", { CODEARTS_BUILD_ETCD_PASSWORD_FILE = empty } },
      {
        "etcd://127.0.0.1:1",
        { CODEARTS_BUILD_ETCD_USER = "me", CODEARTS_BUILD_ETCD_PASSWORD_FILE = empty },
      },
      {
        "etcd://127.0.0.1:1",
        { CODEARTS_BUILD_ETCD_USER = "me", CODEARTS_BUILD_ETCD_PASSWORD_FILE = "/nonexistent" },
      },
      {
        "etcd://127.0.0.1:1",
        { CODEARTS_BUILD_ETCD_USER = "me", CODEARTS_BUILD_ETCD_PASSWORD_FILE = SECRET },
      },
      {
        "etcd://example.com:1",
        { CODEARTS_BUILD_ETCD_USER = "me", CODEARTS_BUILD_ETCD_PASSWORD_FILE = "/etc/hostname" },
      },
    }
    for _, case in ipairs(bad) do
      local ok, err = pcall(address.open, case[1], environment(case[2]))
      assert.is_false(ok, case[1])
      assert.equal("config", err.kind)
      assert.truthy(err.field:find "^key_store")
      assert.is_nil(tostring(err):find(SECRET, 1, true))
      assert.is_nil(tostring(err):find("SkSecret", 1, true))
    end
    os.remove(empty)
  end)

  it("serves the default client", function()
    local server = servers.start()
    local folder = host.folder()
    local code = [[
      local build = require "codearts.build"
      local function run()
        local result, err = build.try_run({ job_id = os.getenv "JOB_ID" }, { key = "k" })
        print(result and tostring(build.meta(result).replayed) or err.kind .. " " .. err.field .. " " .. err.outcome)
      end
      run() run()
    ]]
    local function with(store)
      return host.run(
        ("CODEARTS_BUILD_KEY_STORE=%s %s%s"):format(
          host.quote(store),
          host.service(server.url),
          host.lua(code)
        )
      )
    end
    assert.equal("nil\ntrue\n", with("file:" .. folder))
    assert.equal(1, server:stats().processed)
    assert.equal("config key_store not_started\nconfig key_store not_started\n", with "nowhere")
    assert.equal(1, server:stats().processed)
    host.remove(folder)
    server:stop()
  end)
end)

describe("a store of files", function()
  local server, folder
  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    folder = host.folder()
  end)
  after_each(function()
    host.remove(folder)
  end)

  local function run(key)
    local client = build.new {
      endpoint = server.url,
      auth = "a-token",
      key_store = key_store.file(folder),
    }
    local result, err = client:try_run(ARGS, { key = key or "k", key_wait = 0.1 })
    client:close()
    return result, err
  end

  local function refused()
    local result, err = run()
    assert.is_nil(result)
    assert.same(
      { "key", "store", "not_started", "key_store" },
      { err.kind, err.reason, err.outcome, err.field }
    )
    assert.equal(0, server:stats().heads)
    return err.message
  end

  local function path_of(key)
    local scope = require("codearts.build.keys.record").scope(server.url, JOB, key)
    return ("%s/%s.key"):format(folder, core.sha256(scope):sub(1, 40))
  end

  it("lists its records", function()
    assert.same({}, key_store.file(folder .. "/none").list())
    for i = 1, 3 do
      assert(run("k" .. i))
    end
    write(folder .. "/notes.txt", "mine")
    local keys = {}
    for i, text in ipairs(key_store.file(folder).list()) do
      keys[i] = core.decode(text).key
    end
    table.sort(keys)
    assert.same({ "k1", "k2", "k3" }, keys)
  end)

  -- Counted by the clock that the steps go by, as in frames_spec.lua.
  it("lists its records over several steps of a client", function()
    for i = 1, 12 do
      assert(run("k" .. i))
    end
    local client = build.new { endpoint = server.url, auth = "t" }
    local peek, now, most = core.journal.peek, 0, 0
    core.journal.peek = function(...)
      now = now + 1
      most = math.max(most, now)
      local till = core.now() + 0.0005
      while core.now() < till do
      end
      return peek(...)
    end
    finally(function()
      core.journal.peek = peek
      client:close()
    end)
    local listing = key_store.file(folder).list(client)
    while not listing:done() do
      now = 0
      client:step(0.01)
    end
    assert.equal(12, #listing:wait()[1])
    assert.is_true(most <= 4, most)
    local given_up = key_store.file(folder).list(client)
    given_up:cancel()
    assert.equal("cancelled", select(2, given_up:try_wait(5)).kind)
  end)

  it("refuses a record of another version, and somebody else's file, and leaves them", function()
    assert(run "other")
    assert(run "k")
    local other = read_file(path_of "other")
    local beyond = read_file(path_of "k"):gsub('"pid":%d+', '"pid":1e999') -- what no number can hold
    server:reset()
    for _, text in ipairs { '{"v":2}\n', "mine\n", other, "\n", '{"v":1}\n', "\0\n", beyond } do
      write(path_of "k", text)
      os.execute("chmod 600 " .. path_of "k")
      refused()
      assert.equal(text, read_file(path_of "k"))
    end
  end)

  it("refuses a folder that others may write to, and one that is none", function()
    os.execute("chmod 777 " .. folder)
    assert.truthy(refused():find("chmod 700", 1, true))
    host.remove(folder)
    write(folder, "a file")
    refused()
    assert.equal("a file", read_file(folder))
  end)

  it("is not asked for ever when it tells of others and shows none", function()
    for _, hold in ipairs { false, true } do
      local store = {
        get = function() end,
        put = function() end,
        hold = hold and function()
          return print
        end or nil,
      }
      local client = build.new { endpoint = server.url, auth = "a-token", key_store = store }
      local result, err = client:try_run(ARGS, { key = "k" })
      assert.is_nil(result)
      assert.same({ "key", "store", "not_started" }, { err.kind, err.reason, err.outcome })
      client:close()
    end
    assert.equal(0, server:stats().heads)
  end)

  it("refuses a file that others may write to", function()
    assert(run())
    server:reset()
    local text = read_file(path_of "k")
    os.execute("chmod 666 " .. path_of "k")
    refused()
    assert.equal(text, read_file(path_of "k"))
  end)

  local missing = namespaces.missing()

  --- Runs a build in a mount namespace where `mount` was done; answers what it printed.
  local function behind(mount)
    local code = ([[
      local build = require "codearts.build"
      local client = build.new { endpoint = %q, auth = "t",
        key_store = require("codearts.build.key_store").file(%q) }
      local result, err = client:try_run({ job_id = %q }, { key = "k", key_wait = 0.1 })
      print(result and "started" or table.concat({ err.kind, err.reason, err.outcome }, " "))
    ]]):format(server.url, folder, JOB)
    return host.run(
      "sh -c "
        .. host.quote(namespaces.command(mount:gsub("FOLDER", folder) .. " && " .. host.lua(code)))
    )
  end

  local function mounted(name, mount)
    it("refuses " .. name, function()
      if missing then
        pending(missing)
        return
      end
      assert.equal("key store not_started\n", behind(mount))
      assert.equal(0, server:stats().heads)
    end)
  end

  mounted(
    "a full disk",
    ("mount -t tmpfs -o size=4k,mode=700 none %s && (cat /dev/zero >%s/all 2>/dev/null; true)"):format(
      "FOLDER",
      "FOLDER"
    )
  )
  mounted("a disk that can only be read", "mount -t tmpfs -o ro,mode=700 none FOLDER")
  mounted("a file system that it does not know", "mount -t devpts none FOLDER")
end)

describe("a list of records in etcd", function()
  it("ends where a page shows nothing further", function()
    local server = servers.start()
    local client = build.new { endpoint = server.url, auth = "a-token", proxy = false }
    local base64 = require "codearts.build.base64"
    local function page(key, more)
      return {
        "answer",
        body = core.encode {
          header = { revision = "9" },
          kvs = {
            { key = base64.encode(key), value = base64.encode "{}", mod_revision = "7" },
          },
          more = more,
        },
      }
    end
    local store = key_store.etcd { endpoint = server.url, prefix = "p" }
    local function list()
      return client
        :task(function(await)
          return await(store.list(client))
        end)
        :try_wait(10)
    end
    server:script({ page("p/a", true), page("p/b", true), page("p/c") }, page "p/d")
    local listed = list()
    assert.equal(3, #listed[1])
    for _, key in ipairs { "p/b", "p/a", "o" } do
      server:script({ page("p/b", true), page(key, true), page(key, true) }, page "p/z")
      local none, err = list()
      assert.is_nil(none)
      assert.same({ "key", "store" }, { err.kind, err.reason })
    end
    client:close()
    server:stop()
  end)
end)

describe("the check of a store in etcd", function()
  it("tells the version and nothing else that stands in its place", function()
    local server = servers.start()
    local client = build.new { endpoint = server.url, auth = "unused" }
    local token = "etcd-token-hidden.1"
    for said, told in pairs {
      ["3.5.9"] = "3.5.9",
      ["3.6.0-rc.1+dirty"] = "3.6.0-rc.1+dirty",
      ["3.5 Bearer " .. token .. " " .. SECRET] = "3.5",
      [token] = "?",
      [SECRET] = "?",
      ["3.5\27[2J"] = "3.5",
      [("9"):rep(500)] = ("9"):rep(32),
      ["\226\128\174"] = "?",
    } do
      local body = core.encode { header = { revision = "1" }, token = token, version = said }
      server:behave("answer", { body = body })
      local store =
        key_store.etcd { endpoint = server.url, prefix = "p", user = "me", password = SECRET }
      local answer = client
        :task(function(await)
          return await(store.check(client))
        end)
        :try_wait(10)
      assert.equal(told, answer[1]:match "^etcd (.*), read in %d+ ms$")
    end
    client:close()
    server:stop()
  end)
end)
