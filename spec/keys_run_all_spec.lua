-- Many builds at once, with keys: of one for all, and of their own.

local build = require "codearts.build"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local servers = require "spec.support.server"

local function job(letter)
  return letter:rep(32)
end

describe("run_all with keys", function()
  local server, folder, client
  before_each(function()
    server = servers.start()
    folder = host.folder()
    client = build.new {
      endpoint = server.url,
      auth = { ak = "AK", sk = "SK" },
      key_store = key_store.file(folder),
    }
  end)
  after_each(function()
    client:close()
    server:stop()
    host.remove(folder)
  end)

  it("takes the keys of its items, and one for those that have none", function()
    local list = {
      { job_id = job "a", key = "own" },
      { job_id = job "a", key = "own" },
      { job_id = job "a", key = "other" },
      { job_id = job "a" },
      { job_id = job "b" },
      { job_id = job "a", parameter = { x = "1" }, key = "own" },
      { job_id = job "a", key = "" },
    }
    local items = client:run_all(list, { key = "all", key_wait = 20, max_in_flight = 3 })
    assert.equal(4, server:stats().processed)
    for i, key in ipairs { "own", "own", "other", "all", "all" } do
      assert.equal(key, build.meta(items[i].result).key)
    end
    assert.same({ "key", "mismatch" }, { items[6].error.kind, items[6].error.reason })
    assert.same({ "usage", "key", "not_started" }, {
      items[7].error.kind,
      items[7].error.field,
      items[7].error.outcome,
    })
    for _, item in ipairs(client:run_all(list, { key = "all" })) do
      assert.is_true(item.error ~= nil or build.meta(item.result).replayed)
    end
    assert.equal(4, server:stats().processed)
    assert.same({ job_id = job "a", key = "own" }, list[1])
  end)

  it("passes no member over that is wrong, as run does not", function()
    for _, name in ipairs { "job_id", "parameter", "scm" } do
      local item = { job_id = job "a", key = "k" }
      item[name] = false
      local err = client:run_all({ item })[1].error
      assert.same({ "usage", name, "not_started" }, { err.kind, err.field, err.outcome })
    end
    assert.equal(0, server:stats().processed)
  end)

  it("works without any", function()
    local items = client:run_all { { job_id = job "a" }, { job_id = job "a" } }
    assert(items[1].result and items[2].result)
    assert.equal(2, server:stats().processed)
    items = client:run_all({ { job_id = job "a" } }, { run_id = { parameter = "RUN_ID" } })
    assert.equal("string", type(build.meta(items[1].result).run_id))
  end)

  it("takes no other options", function()
    local ok, err = pcall(client.run_all, client, {}, { keys = "k" })
    assert.is_false(ok)
    assert.same({ "usage", "keys" }, { err.kind, err.field })
    local items = client:run_all({ { job_id = job "a", key = "k" } }, { settle = "x" })
    assert.equal("settle", items[1].error.field)
    assert.equal(0, server:stats().processed)
  end)
end)
