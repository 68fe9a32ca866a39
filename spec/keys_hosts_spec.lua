-- Keys in event loops: records in etcd serve everywhere, files not where a worker must not wait for a disk.

local build = require "codearts.build"
local caller = require "spec.support.caller"
local etcds = require "spec.support.etcd"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local servers = require "spec.support.server"

local NO_BUILDS = '{"result":{"job_build_states":[],"total_page":"0","total_record":"0"}}'

-- In a process of its own: a loop without anything to wait for spins, and no timer of this one would end that.
it(
  "a key in luv, outside of coroutines, starts its build though another question comes first",
  function()
    local server, folder = servers.start(), host.folder()
    server:script({ { "answer", body = NO_BUILDS } }, "ok")
    local told = caller.elsewhere(
      ([[
      local client = require("codearts.build.luv").new {
        endpoint = %q, auth = "a-fake-token", proxy = false,
        key_store = require("codearts.build.key_store").file(%q),
      }
      local opts = { key = "k", run_id = { parameter = "RUN_ID" } }
      local result, err = client:try_run({ job_id = ("a"):rep(32) }, opts)
      io.write(tostring(result and result.octopus_job_name or err))
    ]]):format(server.url, folder),
      function(command)
        return "timeout 30 " .. command
      end
    )
    server:stop()
    host.remove(folder)
    assert.equal(host.NAME, told)
  end
)

local missing = etcds.missing()
if missing then
  pending("keys in event loops: " .. missing)
  return
end

describe("a key in an event loop", function()
  local server, etcd
  setup(function()
    server = servers.start()
    etcd = etcds.start()
  end)
  teardown(function()
    etcd:stop()
    server:stop()
  end)
  before_each(function()
    server:reset()
  end)

  it("of luv is looked up while the loop runs", function()
    local uv = require "luv"
    local client = require("codearts.build.luv").new {
      endpoint = server.url,
      auth = "a-token",
      key_store = key_store.etcd { endpoint = etcd.endpoint },
    }
    local ticks, done, replayed = 0, 0, 0
    local timer = uv.new_timer()
    timer:start(0, 1, function()
      ticks = ticks + 1
    end)
    for _ = 1, 5 do
      coroutine.wrap(function()
        local result = client:run(host.JOB, { key = "luv", key_wait = 20 })
        replayed = replayed + (build.meta(result).replayed and 1 or 0)
        done = done + 1
        if done == 5 then
          timer:close()
          client:close()
        end
      end)()
    end
    uv.run()
    assert.same({ 5, 4 }, { done, replayed })
    assert.is_true(ticks > 5)
    assert.equal(1, server:stats().processed)
  end)

  it("of nginx is in etcd, and not in files", function()
    local lacking = host.missing "ls /usr/lib/nginx/modules/ngx_http_lua_module.so"
    if lacking then
      pending(lacking)
      return
    end
    local folder = host.folder()
    local one = require("spec.support.nginx").start {
      endpoint = server.url,
      server = ([[
location = /files {
  content_by_lua_block {
    local client = require("codearts.build.resty").new {
      endpoint = os.getenv "ENDPOINT", auth = "t", proxy = false,
      key_store = require("codearts.build.key_store").file(%q),
    }
    local _, err = client:try_run({ job_id = ("a"):rep(32) }, { key = "k" })
    ngx.print(err.kind, " ", err.reason, " ", err.outcome, " ", err.message)
    client:close()
  }
}
location = /etcd {
  content_by_lua_block {
    local build = require "codearts.build"
    local client = require("codearts.build.resty").new {
      endpoint = os.getenv "ENDPOINT", auth = "t", proxy = false,
      key_store = require("codearts.build.key_store").etcd { endpoint = %q },
    }
    for _ = 1, 2 do
      local result = client:run({ job_id = ("a"):rep(32) }, { key = "nginx" })
      ngx.print(result.actual_build_number, " ", tostring(build.meta(result).replayed), " ")
    end
    client:close()
  }
}]]):format(folder, etcd.endpoint),
    }
    local status, text = one:get "/files"
    assert.equal(200, status)
    assert.truthy(text:find("^key store not_started"), text)
    assert.truthy(text:find("key_store.etcd", 1, true))
    assert.equal(0, server:stats().heads)
    assert.same({ 200, "20 nil 20 true " }, { one:get "/etcd" })
    assert.equal(1, server:stats().processed)
    one:stop()
    host.remove(folder)
  end)

  --- Two workers that start a build with a key, in etcd.
  local function two_workers()
    return require("spec.support.nginx").start {
      workers = 2,
      endpoint = server.url,
      server = ([[
location = /run {
  content_by_lua_block {
    local client = require("codearts.build.resty").new {
      endpoint = os.getenv "ENDPOINT", auth = "t", proxy = false,
      key_store = require("codearts.build.key_store").etcd { endpoint = %q },
    }
    local result, err = client:try_run({ job_id = ("a"):rep(32) }, { key = ngx.var.arg_key, key_wait = 0 })
    ngx.print(ngx.worker.pid(), " ", result and result.actual_build_number or err.reason .. " " .. err.outcome)
    client:close()
  }
}]]):format(etcd.endpoint),
    }
  end

  local ENDS = {
    ["is reloaded"] = { signal = "HUP", told = "20", again = "20" },
    ["crashes"] = { told = nil, again = "in_doubt unknown" },
  }
  for what, case in pairs(ENDS) do
    it("has one build when nginx " .. what .. " while it is under way", function()
      local lacking = host.missing "ls /usr/lib/nginx/modules/ngx_http_lua_module.so"
      if lacking then
        pending(lacking)
        return
      end
      local one = two_workers()
      local workers = one:workers()
      server:script { "ok_on_release" }
      local request = one:send("/run?key=" .. what:sub(-6))
      server:wait_for(1, "waiting")
      if case.signal then
        one:signal(case.signal)
      else
        for _, pid in ipairs(workers) do
          os.execute("kill -9 " .. pid)
        end
      end
      server:release()
      local _, told = request.read()
      assert.equal(case.told, told and told:match " (.*)$")
      if case.signal then
        for _, pid in ipairs(workers) do
          assert.is_true(require("spec.support.nginx").wait_for_end(pid))
        end
      end
      for _ = 1, 4 do
        local _, again = one:get("/run?key=" .. what:sub(-6))
        assert.equal(case.again, again:match " (.*)$")
      end
      assert.equal(1, server:stats().processed)
      one:stop()
    end)
  end
end)
