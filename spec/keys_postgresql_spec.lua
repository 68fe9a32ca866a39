-- The example of a key store of one's own, in a real PostgreSQL.

local build = require "codearts.build"
local host = require "spec.support.host"
local servers = require "spec.support.server"

local has_luasql = pcall(require, "luasql.postgres")
local function output(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end
local programs =
  output 'dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb | tail -n 1)"'
local as_user = output "id -u" == "0" and "runuser -u postgres -- " or ""
if has_luasql then
  describe("the example of a key store in PostgreSQL without one", function()
    for _, source in ipairs {
      "host=127.0.0.1 port=1 user=u password=Winter 4711Holiday dbname=x",
      "host=127.0.0.1 port=4711Holiday",
      "postgres://u:Winter4711/Holiday@127.0.0.1:1/x",
      "postgres://u:4711@127.0.0.1:1/x",
    } do
      it("tells no piece of " .. source, function()
        local store = dofile "examples/key_store_postgresql.lua"(source)
        local ok, err = pcall(store.get, "k")
        assert.is_false(ok)
        assert.matches("^PostgreSQL: no connection", err)
        assert.is_nil(err:find("4711", 1, true) or err:find("127", 1, true), err)
      end)
    end
  end)
end
if not has_luasql or programs == "" then
  pending "a key store in PostgreSQL: it, or LuaSQL for it, is not installed"
  return
end

local ARGS = { job_id = ("a"):rep(32), parameter = { note = "it's 100 % \\ fine" } }

describe("the example of a key store in PostgreSQL", function()
  local folder, server, client
  local function database(command)
    local told = host.run(
      -- From where that user may be, which it says otherwise.
      ("env --chdir=%s %s%s/pg_ctl -D %s/data -s -w -l %s/log -o '-k %s -h \"\"' %s"):format(
        folder,
        as_user,
        programs,
        folder,
        folder,
        folder,
        command
      )
    )
    assert.equal("", told)
  end
  local function new_client()
    local store = dofile "examples/key_store_postgresql.lua"(
      ("host=%s dbname=postgres user=builder"):format(folder)
    )
    return build.new { endpoint = server.url, auth = { ak = "AK", sk = "SK" }, key_store = store }
  end
  setup(function()
    server = servers.start()
    folder = host.folder()
    if as_user ~= "" then
      os.execute("chown postgres " .. folder)
    end
    host.run(("%s%s/initdb -D %s/data -U builder -A trust"):format(as_user, programs, folder))
    database "start"
    client = new_client()
  end)
  teardown(function()
    database "-m immediate stop"
    client:close()
    host.remove(folder)
    server:stop()
  end)

  it("starts one build for two clients, and keeps its word when the database is killed", function()
    local first = client:run(ARGS, { key = "k" })
    local other = new_client()
    assert.is_true(build.meta(other:run(ARGS, { key = "k" })).replayed)
    database "-m immediate stop"
    local result, err = client:try_run(ARGS, { key = "k" })
    assert.is_nil(result)
    assert.same({ "key", "store" }, { err.kind, err.reason })
    database "start"
    local again = client:run(ARGS, { key = "k" })
    assert.equal(first.actual_build_number, again.actual_build_number)
    assert.equal(1, server:stats().processed)
    other:close()
  end)

  it("takes turns", function()
    local calls = {}
    for i = 1, 20 do
      calls[i] = client:start(ARGS, { key = "turns", key_wait = 20 })
    end
    local before = server:stats().processed
    for _, call in ipairs(calls) do
      assert.equal("20", call:wait(60).actual_build_number)
    end
    assert.truthy(server:stats().processed - before <= 1)
    assert.equal(2, server:stats().processed)
  end)
end)
