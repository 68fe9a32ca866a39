-- Clients in nginx workers.

local host = require("spec.support.host")
local missing = host.missing("ls /usr/lib/nginx/modules/ngx_http_lua_module.so")
if missing then
  pending("clients in nginx workers: " .. missing)
  return
end
local certs = require "spec.support.certs"
local curl = require "spec.support.curl"
local net = require "spec.support.net"
local nginx = require("spec.support.nginx")
local read_file = require "spec.support.read_file"
local socket = require("socket")
local server = require("spec.support.server").start()

-- One worker's client in every phase.
local APP = [[
local resty = require "codearts.build.resty"
local notes = ngx.shared.notes
local M = { job = { job_id = ("a"):rep(32) } }

local function options(more)
  local all = { endpoint = os.getenv "ENDPOINT", auth = "a-fake-token", proxy = false }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

function M.new(more)
  return resty.new(options(more))
end

function M.client()
  M.shared = M.shared or M.new()
  return M.shared
end

function M.note(name, ...)
  local texts = {}
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    texts[i] = type(value) == "table" and value.octopus_job_name or tostring(value)
  end
  notes:set(name, table.concat(texts, " "))
end

-- How a usage error looks in a note.
function M.problem(ok, err)
  return ok, err.kind, err.outcome
end

function M.run()
  local result, err = M.client():try_run(M.job)
  return result and result.octopus_job_name or tostring(err)
end

-- Places within a request where Lua cannot yield: a C function is on the way.
local PLACES = {
  require = function(f)
    package.loaded.waits, package.preload.waits = nil, f
    require "waits"
  end,
  sort = function(f)
    table.sort({ 2, 1 }, function(a, b)
      f()
      return a < b
    end)
  end,
  gsub = function(f)
    string.gsub("x", "x", function()
      f()
    end)
  end,
  finalizer = function(f)
    getmetatable(newproxy(true)).__gc = f
    collectgarbage()
    collectgarbage()
  end,
}

local function ways_to_wait()
  local client = M.client()
  local build = client:build(M.job.job_id, 20)
  local call = client:sleep(600) -- not over before it is waited for
  local _, lost = client:try_run(M.job)
  return {
    reconcile = { lost.reconcile, lost },
    run = { client.run, client, M.job },
    try_run = { client.try_run, client, M.job },
    run_all = { client.run_all, client, { M.job } },
    call = { client.call, client, "ExecuteJob", M.job },
    history = { client.history, client, M.job.job_id },
    status = { build.status, build },
    wait = { build.wait, build },
    log = { build.log, build },
    stop = { build.stop, build },
    ["call:wait"] = { call.wait, call },
    ["call:wait with a limit"] = { call.wait, call, 0.01 },
    ["call:try_wait"] = { call.try_wait, call, 10 },
  },
    call
end

-- Waits in every way in every place; a line for each tells how that ended.
function M.try_places()
  for place, call_in in pairs(PLACES) do
    local ways, call = ways_to_wait()
    for way, f in pairs(ways) do
      for _ = 1, 2 do
        local told = "nothing"
        call_in(function()
          local ok, result, err = pcall(unpack(f))
          local problem = err or result
          if not err and ok then
            told = "waited"
          elseif type(problem) == "table" then
            told = problem.kind .. " " .. tostring(problem.outcome)
          else
            told = tostring(problem)
          end
        end)
        ngx.say(place, ", ", way, ": ", told)
      end
    end
    call:cancel()
  end
end

return M
]]

local SERVER = [[
location = /note { content_by_lua_block { ngx.print(ngx.shared.notes:get(ngx.var.arg_name) or "") } }
location = /content { content_by_lua_block { ngx.print(require("app").run()) } }
location = /access {
  access_by_lua_block { ngx.ctx.name = require("app").run() }
  content_by_lua_block { ngx.print(ngx.ctx.name) }
}
location = /rewrite {
  rewrite_by_lua_block { ngx.ctx.name = require("app").run() }
  content_by_lua_block { ngx.print(ngx.ctx.name) }
}
location = /threads {
  content_by_lua_block {
    local app = require "app"
    local first, second = ngx.thread.spawn(app.run), ngx.thread.spawn(app.run)
    ngx.print(select(2, ngx.thread.wait(first)), " ", select(2, ngx.thread.wait(second)))
  }
}
location = /coroutine {
  content_by_lua_block {
    local app = require "app"
    ngx.print(select(2, coroutine.resume(coroutine.create(app.run))))
  }
}
location = /timer {
  content_by_lua_block {
    ngx.timer.at(0, function()
      local app = require "app"
      app.note("timer", app.run())
    end)
  }
}
location = /header_filter {
  header_filter_by_lua_block {
    local app = require "app"
    app.note("wait", app.problem(pcall(app.client().run, app.client(), app.job)))
    app.client():start(app.job):on_done(function(result)
      app.note("header_filter", result)
    end)
  }
  content_by_lua_block { ngx.print("page") }
}
location = /log {
  log_by_lua_block {
    local app = require "app"
    app.client():start(app.job):on_done(function(result)
      app.note("log", result)
    end)
  }
  content_by_lua_block { ngx.print("page") }
}
location = /cannot_yield {
  content_by_lua_block { require("app").try_places() }
}
location = /run_all {
  content_by_lua_block {
    local app = require "app"
    local items = app.client():run_all({ app.job, { job_id = "bad" }, app.job }, { max_in_flight = 2 })
    ngx.print(items[1].result.octopus_job_name, " ", items[2].error.kind, " ",
      items[3].result.octopus_job_name)
  }
}
location = /wait {
  content_by_lua_block {
    local app = require "app"
    local call = app.client():start(app.job)
    local ok, err = pcall(call.wait, call, 0.05)
    ngx.print(err.reason)
    call:cancel()
  }
}
location = /sign_in {
  content_by_lua_block {
    local app = require "app"
    local client = app.new { auth = function() return "another-fake-token" end }
    ngx.print(client:run(app.job).octopus_job_name)
    client:close()
  }
}
location = /errors {
  content_by_lua_block {
    local app = require "app"
    local calls = {}
    for i = 1, 3 do
      calls[i] = app.client():start(app.job):on_done(function()
        error("in callback " .. i)
      end)
    end
    for i = 1, 3 do
      ngx.print(calls[i]:wait().octopus_job_name, " ")
    end
  }
}
location = /callback {
  content_by_lua_block {
    local app = require "app"
    local call = app.client():sleep(0)
    call:on_done(function()
      app.note("callback", app.problem(pcall(app.client().run, app.client(), app.job)))
    end)
    call:wait()
  }
}
location = /close {
  content_by_lua_block {
    local app = require "app"
    local client = app.new()
    local waiter = ngx.thread.spawn(function()
      return select(2, client:try_run(app.job))
    end)
    ngx.sleep(0.05)
    client:close()
    client:close()
    ngx.print(select(2, ngx.thread.wait(waiter)).kind)
  }
}
location = /mute {
  content_by_lua_block {
    local app = require "app"
    local client = app.new { timeout = 2, retry = false }
    local step, steps = client.step, 0
    client.step = function(...)
      steps = steps + 1
      return step(...)
    end
    local _, err = client:try_run(app.job)
    ngx.sleep(0.05) -- behind the step in which it ended there may be one that finds nothing more to do
    local stepped = steps
    ngx.sleep(0.1)
    ngx.print(err.kind, " ", stepped, " ", steps - stepped)
    client:close()
  }
}
location = /again {
  content_by_lua_block {
    local app = require "app"
    ngx.print(app.problem(pcall(require("codearts.build.resty").attach, app.client())))
  }
}
]]

local one

local function note(name)
  for _ = 1, 6000 do
    local _, text = one:get("/note?name=" .. name)
    if text ~= "" then
      return text
    end
    socket.sleep(0.01)
  end
end

setup(function()
  one = nginx.start({ app = APP, server = SERVER, endpoint = server.url })
end)

teardown(function()
  if one then
    one:stop()
  end
  server:stop()
end)

before_each(function()
  server:reset()
end)

describe("nginx", function()
  it("waits in the phases that can", function()
    for _, path in ipairs({ "content", "access", "rewrite", "coroutine" }) do
      assert.same({ 200, host.NAME }, { one:get("/" .. path) }, path)
    end
    assert.same({ 200, host.NAME .. " " .. host.NAME }, { one:get("/threads") })
    one:get("/timer")
    assert.equal(host.NAME, note("timer"))
  end)

  it("starts calls in the others, and refuses to wait there before anything is sent", function()
    one:get("/header_filter")
    assert.equal("false usage not_started", note("wait"))
    assert.equal(host.NAME, note("header_filter"))
    one:get("/log")
    assert.equal(host.NAME, note("log"))
    assert.equal(2, server:stats().processed)
  end)

  it("refuses to wait where a C function is on the way, before anything is sent", function()
    server:behave("error_500")
    local worker = one:workers()[1]
    local status, text = one:get("/cannot_yield")
    assert.equal(200, status)
    local told = 0
    for line in text:gmatch("[^\n]+") do
      local place, way, how = line:match("^(.-), (.-): (.*)$")
      local starts = ({ run = true, try_run = true, run_all = true, call = true })[way]
      assert.equal(starts and "usage not_started" or "usage nil", how, place .. ", " .. way)
      told = told + 1
    end
    assert.equal(4 * 13 * 2, told)
    assert.equal(4, server:stats().processed) -- what is reconciled in each place
    server:reset()
    assert.same({ 200, host.NAME }, { one:get("/content") })
    assert.equal(worker, one:workers()[1])
  end)

  it("has no clients in the init phases", function()
    local other = nginx.start({
      app = APP,
      endpoint = server.url,
      http = [[
        init_by_lua_block {
          local app = require "app"
          app.note("init", app.problem(pcall(app.new)))
        }
        init_worker_by_lua_block {
          local app = require "app"
          app.note("init_worker", app.problem(pcall(app.new)))
          ngx.timer.at(0, function()
            app.note("timer", app.run())
          end)
        }]],
      server = SERVER,
    })
    local first = one
    one = other
    local notes = { note("init"), note("init_worker"), note("timer") }
    one = first
    other:stop()
    assert.same({ "false usage nil", "false usage nil", host.NAME }, notes)
  end)

  it("has plain clients in a thread of its own", function()
    local worker = nginx.start({
      main = "thread_pool threads threads=1;",
      endpoint = server.url,
      app = [[
        return {
          run = function()
            local client = require("codearts.build").new { endpoint = os.getenv "ENDPOINT", auth = "a-fake-token" }
            local ok, err = pcall(require("codearts.build.resty").attach, client)
            local result = client:run { job_id = ("a"):rep(32) }
            client:close()
            return ("%s %s %s"):format(tostring(ok), err.kind, result.octopus_job_name)
          end,
        }
      ]],
      server = [[
        location = /thread {
          content_by_lua_block { ngx.print(select(2, ngx.run_worker_thread("threads", "app", "run"))) }
        }
      ]],
    })
    assert.same({ 200, "false usage " .. host.NAME }, { worker:get("/thread") })
    worker:stop()
  end)

  it("answers others while 50 requests wait for builds", function()
    server:behave("ok_on_release")
    local requests = {}
    for i = 1, 50 do
      requests[i] = one:send("/content")
    end
    server:wait_for(50, "waiting")
    for _ = 1, 20 do
      assert.same({ 200, "hello\n" }, { one:get("/hello") })
    end
    assert.equal(50, server:stats().waiting)
    server:release()
    for i = 1, 50 do
      assert.same({ 200, host.NAME }, { requests[i]:read() })
    end
  end)

  it("runs tasks, lists and limits", function()
    assert.same({ 200, host.NAME .. " usage " .. host.NAME }, { one:get("/run_all") })
    assert.same({ 200, host.NAME }, { one:get("/sign_in") })
    server:behave("never_answer")
    assert.same({ 200, "wait" }, { one:get("/wait") })
  end)

  it("logs what callbacks raise; the others run", function()
    assert.same({ 200, (host.NAME .. " "):rep(3) }, { one:get("/errors") })
    assert.is_true(one:wait_for_log("in callback"))
    assert.is_true(one:wait_for_log("stack traceback"))
    one:get("/callback")
    assert.equal("false usage not_started", note("callback"))
  end)

  it("wakes who waits when the client closes", function()
    server:behave("never_answer")
    assert.same({ 200, "cancelled" }, { one:get("/close") })
  end)

  it("steps seldom while a server is mute for 2 s, and not at all afterwards", function()
    server:behave("never_answer")
    local _, text = one:get("/mute")
    local kind, steps, later = text:match("^(%S+) (%d+) (%d+)$")
    assert.equal("timeout", kind, text)
    -- 2 s / 20 ms, and the shorter pauses of the beginning.
    assert.is_true(tonumber(steps) < 250, steps)
    assert.equal("0", later)
  end)

  it("adapts a client once", function()
    assert.same({ 200, "falseusagenil" }, { one:get("/again") })
  end)

  it("goes on when a client of its own goes away", function()
    server:behave("ok_on_release")
    local other = nginx.start({
      app = APP,
      endpoint = server.url,
      server = "lua_check_client_abort on;\n" .. SERVER,
    })
    other:send("/content"):close()
    server:wait_for(1, "waiting")
    assert.equal(200, (other:get("/hello")))
    server:release()
    server:script({}, "ok")
    assert.same({ 200, host.NAME }, { other:get("/content") })
    assert.equal(2, server:stats().processed)
    other:stop()
  end)

  it("goes on when all its timers are taken", function()
    local other = nginx.start({
      app = APP,
      endpoint = server.url,
      http = "lua_max_running_timers 1;",
      server = SERVER .. [[
        location = /occupy {
          content_by_lua_block {
            ngx.timer.at(0, function()
              ngx.sleep(0.3)
            end)
          }
        }]],
    })
    other:get("/occupy")
    assert.same({ 200, host.NAME }, { other:get("/content") })
    assert.is_true(other:wait_for_log("lua_max_running_timers are not enough"))
    other:stop()
  end)

  -- nginx runs them all when connections are scarce.
  it("asks anew for timers that came early", function()
    local other = nginx.start({
      app = "local at = ngx.timer.at\nngx.timer.at = function(after, ...) return at(after / 16, ...) end\n"
        .. APP,
      endpoint = server.url,
      server = SERVER .. [[
        location = /pending {
          content_by_lua_block {
            ngx.sleep(ngx.var.arg_after)
            ngx.print(ngx.timer.pending_count())
          }
        }]],
    })
    for _ = 1, 2 do
      assert.same({ 200, host.NAME }, { other:get("/content") })
      assert.is_true(tonumber(select(2, other:get("/pending?after=0.6"))) > 0)
      assert.same({ 200, "0" }, { other:get("/pending?after=2.5") })
    end
    other:stop()
  end)

  it("shares one sign-in among all workers", function()
    local iam = require("spec.support.server").start()
    iam:behave("answer", {
      status = 201,
      headers = { { "X-Subject-Token", "a-shared-fake-token" } },
      body = os.date('!{"token":{"expires_at":"%Y-%m-%dT%H:%M:%S.000000Z"}}', os.time() + 86400),
    })
    local other = nginx.start({
      app = APP,
      endpoint = server.url,
      workers = 2,
      server = ([[
        location = /workers {
          content_by_lua_block {
            local app = require "app"
            app.shared = app.shared or app.new {
              auth = { user = "u", password = "a-fake-password", domain = "d", project = "p" },
              iam_endpoint = "%s",
              token_store = require("codearts.build.token_store").shared_dict(ngx.shared.notes),
            }
            local result, err = app.shared:try_run(app.job)
            ngx.print(err and tostring(err) or ngx.worker.id())
            ngx.sleep(0.05)
          }
        }]]):format(iam.url),
    })
    local seen = {}
    for _ = 1, 10 do
      local requests = {}
      for i = 1, 20 do
        requests[i] = other:send("/workers")
      end
      for i = 1, 20 do
        local _, body = requests[i]:read()
        assert.truthy(body:find("^%d+$"), body)
        seen[body] = true
      end
      if seen["0"] and seen["1"] then
        break
      end
    end
    assert.same({ ["0"] = true, ["1"] = true }, seen)
    assert.equal(1, iam:stats().processed)
    assert.equal("a-shared-fake-token", server:stats().requests[1].headers["x-auth-token"])
    other:stop()
    iam:stop()
  end)
end)

describe("a worker of nginx that leaves", function()
  local leaving

  before_each(function()
    leaving = nginx.start({
      app = APP,
      endpoint = server.url,
      server = SERVER .. [[
        location = /start {
          content_by_lua_block {
            local app = require "app"
            app.client():start(app.job):on_done(function(_, err)
              ngx.log(ngx.WARN, "told: ", err and err.kind)
            end)
          }
        }]],
    })
  end)

  after_each(function()
    leaving:stop()
  end)

  it("finishes what requests wait for, when the configuration is loaded again", function()
    server:behave("ok_on_release")
    local old = leaving:workers()[1]
    local request = leaving:send("/content")
    server:wait_for(1, "waiting")
    leaving:signal("HUP")
    assert.is_true(leaving:wait_for_log("gracefully shutting down"))
    assert.same({ 200, "hello\n" }, { leaving:get("/hello") })
    server:release()
    assert.same({ 200, host.NAME }, { request:read() })
    assert.is_true(nginx.wait_for_end(old))
    server:script({}, "ok")
    assert.same({ 200, host.NAME }, { leaving:get("/content") })
  end)

  it("does not hang on calls that nobody waits for", function()
    server:behave("never_answer")
    local old = leaving:workers()[1]
    leaving:get("/start")
    server:wait_for(1)
    leaving:signal("HUP")
    assert.is_true(nginx.wait_for_end(old))
    assert.is_true(leaving:wait_for_log("told: cancelled"))
  end)

  it("ends at once when it is told so", function()
    server:behave("never_answer")
    leaving:get("/start")
    leaving:send("/content")
    server:wait_for(2)
    leaving:signal("TERM")
    assert.is_true(nginx.wait_for_end(leaving.pid))
    assert.falsy(leaving:read("error.log"):find("exited on signal", 1, true))
  end)
end)

-- Where nginx and OpenSSL lack OpenResty's changes, as Debian's do, the first of them cannot wait, whatever the module says.
describe("the TLS phases of nginx", function()
  it("wait where they can, and refuse to where some cannot", function()
    local files, ports = certs.shared(), {}
    for i, phase in ipairs { "client_hello", "certificate" } do
      local free = net.refused()
      ports[i] = { number = free.port, phase = phase }
      free.close()
    end
    local http = ("ssl_certificate %s; ssl_certificate_key %s;"):format(files.good, files.good_key)
    for _, port in ipairs(ports) do
      http = http
        .. ([[
server {
  listen 127.0.0.1:%d ssl;
  ssl_%s_by_lua_block {
    local _, err = require("app").client():try_run { job_id = ("a"):rep(32) }
    ngx.log(ngx.NOTICE, "told: ", err and err.kind .. " " .. err.outcome or "started")
  }
  return 200;
}]]):format(port.number, port.phase)
    end
    local tls = nginx.start { app = APP, http = http, server = "", endpoint = server.url }
    for i, told in ipairs { "usage not_started", "started" } do
      curl.run(("-k https://127.0.0.1:%d/"):format(ports[i].number))
      assert.is_true(tls:wait_for_log("told: " .. told))
      assert.equal(i - 1, server:stats().processed)
    end
    tls:stop()
  end)
end)

describe("the example for nginx", function()
  it("runs", function()
    local configuration =
      read_file("examples/openresty/nginx.conf"):gsub("127%.0%.0%.1:8080", "unix:SOCKET")
    local app = read_file "examples/openresty/app.lua"
    local example = nginx.start({
      configuration = configuration,
      app = app,
      service = host.service(server.url),
    })
    local job = "?job=" .. host.JOB.job_id
    assert.same({ 200, "started build 20\n" }, { example:get("/build" .. job) })
    assert.same({ 200, "started build 20\nstarted build 20\n" }, { example:get("/builds" .. job) })
    assert.same({ 200, "hello\n" }, { example:get("/hello") })
    local status, body = example:get("/build?job=bad")
    assert.equal(502, status)
    assert.truthy(body:find("job_id", 1, true))
    example:stop()
  end)
end)
