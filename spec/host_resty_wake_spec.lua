-- How a worker of nginx is woken: by a thread, or, where the system grants none, not at all.

local host = require("spec.support.host")
local missing = host.missing("ls /usr/lib/nginx/modules/ngx_http_lua_module.so")
if missing then
  pending("how a worker of nginx is woken: " .. missing)
  return
end
local native = require("spec.support.native")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server").start()
local socket = require("socket")

local APP = [[
local resty = require "codearts.build.resty"
local M = { job = { job_id = ("a"):rep(32) } }
local steps = 0

function M.new(more)
  local options = { endpoint = os.getenv "ENDPOINT", auth = "a-fake-token", proxy = false }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  local client = resty.new(options)
  local step = client.step
  client.step = function(...)
    steps = steps + 1
    return step(...)
  end
  return client
end

function M.client()
  M.shared = M.shared or M.new()
  return M.shared
end

function M.run(client)
  local result, err = (client or M.client()):try_run(M.job)
  return result and result.octopus_job_name or tostring(err)
end

-- How many steps the clients of this worker make while f runs.
function M.steps_of(f)
  local before = steps
  f()
  return steps - before
end

return M
]]

-- The same with another patience: constants of hosts/MODULE.lua, NAME = seconds.
local function patient(module, constants)
  local changes = {}
  for name, seconds in pairs(constants) do
    changes[#changes + 1] = ('text = change(text, "%s = %%d+", "%s = %s")'):format(
      name,
      name,
      seconds
    )
  end
  return [[
    local path = "codearts.build.hosts.]] .. module .. [["
    package.preload[path] = function()
      local file = assert(io.open(assert(package.searchpath(path, package.path))))
      local text = file:read "*a"
      file:close()
      local function change(...)
        local changed, count = string.gsub(...)
        assert(count == 1)
        return changed
      end
      ]] .. table.concat(changes, "\n") .. [[
      return assert(loadstring(text))()
    end
  ]] .. APP
end

local SERVER = [[
location = /run { content_by_lua_block { ngx.print(require("app").run()) } }
location = /own {
  content_by_lua_block {
    local app = require "app"
    local client = app.new()
    ngx.print(app.run(client))
    if ngx.var.arg_close then
      client:close()
    end
  }
}
location = /mute {
  content_by_lua_block {
    local app = require "app"
    local client = app.new { timeout = 2, retry = false }
    local err
    local during = app.steps_of(function()
      err = select(2, client:try_run(app.job))
    end)
    local after = app.steps_of(function()
      ngx.sleep(2)
    end)
    ngx.print(err.kind, " ", during, " ", after)
    client:close()
  }
}
location = /waits {
  content_by_lua_block {
    local app = require "app"
    local semaphores = require "ngx.semaphore"
    local new, made, told = semaphores.new, 0, {}
    semaphores.new = function(...)
      made = made + 1
      return new(...)
    end
    local function run()
      told[#told + 1] = app.run()
    end
    run()
    local late = app.client():start(app.job, { timeout = 0.3, retry = false })
    told[#told + 1] = select(2, late:try_wait(0.05)).reason
    for _ = 1, 10 do
      run()
    end
    told[#told + 1] = select(2, late:try_wait(5)).reason
    run()
    semaphores.new = new
    ngx.print(made, " ", table.concat(told, " "))
  }
}
location = /many {
  content_by_lua_block {
    local app = require "app"
    local threads, good = {}, 0
    for i = 1, tonumber(ngx.var.arg_n) do
      threads[i] = ngx.thread.spawn(app.run, app.new())
    end
    for _, thread in ipairs(threads) do
      local _, name = ngx.thread.wait(thread)
      good = good + (name == ngx.var.arg_name and 1 or 0)
    end
    ngx.print(good)
  }
}
location = /calls {
  content_by_lua_block {
    local app = require "app"
    local client, failed = app.new(), 0
    for _ = 1, tonumber(ngx.var.arg_n) do
      failed = failed + (app.run(client) == ngx.var.arg_name and 0 or 1)
    end
    ngx.print(failed)
  }
}
location = /chain {
  content_by_lua_block {
    local app = require "app"
    local client, left = app.new(), tonumber(ngx.var.arg_n)
    local done = require("ngx.semaphore").new(0)
    local function again()
      left = left - 1
      if left == 0 then
        done:post(1)
      else
        client:sleep(0):on_done(again)
      end
    end
    again()
    ngx.print((done:wait(20)))
    client:close()
  }
}
location = /list {
  content_by_lua_block {
    local app = require "app"
    app.client():run_all({ app.job, app.job, app.job }, { max_in_flight = 1 })
  }
}
location = /children {
  content_by_lua_block {
    local app = require "app"
    local thread = ngx.thread.spawn(app.run)
    ngx.sleep(0.001)
    local told = {}
    for i = 1, 3 do
      local pipe = io.popen("echo " .. i)
      told[i] = pipe:read "*l"
      pipe:close()
    end
    ngx.print(table.concat(told), " ", select(2, ngx.thread.wait(thread)))
  }
}
location = /occupy {
  content_by_lua_block {
    local app = require "app"
    app.free = require("ngx.semaphore").new(0)
    for _ = 1, 2 do
      ngx.timer.at(0, function()
        app.free:wait(60)
      end)
    end
    ngx.sleep(0)
    ngx.print(ngx.timer.running_count())
  }
}
location = /vacate {
  content_by_lua_block {
    require("app").free:post(2)
    ngx.print("vacated")
  }
}
location = /pend {
  content_by_lua_block {
    for _ = 1, 2 do
      ngx.timer.at(0.5, function() end)
    end
  }
}
location = /timers {
  content_by_lua_block {
    ngx.print(ngx.timer.running_count(), " ", ngx.timer.pending_count())
  }
}
location = /fire {
  content_by_lua_block {
    local app = require "app"
    local ok, err = pcall(function()
      app.client():start(app.job, ngx.var.arg_key and { key = "a-key" })
    end)
    ngx.print(ok and "fired" or tostring(err))
  }
}
location = /clock {
  content_by_lua_block {
    local app = require "app"
    local real, ahead = ngx.now, 0
    ngx.now = function()
      return real() + ahead
    end
    local client = app.new { timeout = 3, retry = false }
    local call = client:start(app.job)
    ngx.timer.at(0.1, function()
      ahead = -3600
    end)
    ngx.print(select(2, call:try_wait(1)).reason)
    client:close()
    ngx.now = real
  }
}
location = /leave {
  content_by_lua_block {
    local app = require "app"
    local client, outcome = app.new { retry = false, timeout = 60 }, nil
    client:start(app.job):on_done(function(_, err)
      outcome = err.kind .. " " .. err.outcome
    end)
    ngx.print(app.run(client))
    while not outcome do
      ngx.sleep(0.01)
    end
    ngx.print(" ", outcome, " ", tostring(ngx.worker.exiting()), " ", app.run(client))
    for _, item in ipairs(client:run_all({ app.job, app.job }, { max_in_flight = 1 })) do
      ngx.print(" ", item.result and item.result.octopus_job_name or tostring(item.error))
    end
    local one, other = client:sleep(0.5), client:sleep(0.6)
    one:wait()
    ngx.print(" ", tostring(other:wait()))
  }
}
location = /again {
  content_by_lua_block {
    local app = require "app"
    local client, other = app.new { retry = false, timeout = 60 }, app.new()
    local function beat()
      client:sleep(60):on_done(beat)
    end
    local function beat_in_timers()
      other:sleep(0.05):on_done(function()
        ngx.timer.at(0, beat_in_timers)
      end)
    end
    local function queue()
      client:start(app.job):on_done(queue)
    end
    beat()
    beat_in_timers()
    queue()
    ngx.timer.at(0, function()
      for i, item in ipairs(client:run_all({ app.job, app.job, app.job }, { max_in_flight = 1 })) do
        ngx.log(ngx.NOTICE, "item ", i, ": ", item.error.kind, " ", item.error.outcome)
      end
    end)
  }
}
location = /no_processes {
  content_by_lua_block {
    local ffi = require "ffi"
    ffi.cdef "int setrlimit(int what, const unsigned long *limits);"
    local RLIMIT_NPROC = 6
    ngx.print(ffi.C.setrlimit(RLIMIT_NPROC, ffi.new("unsigned long[2]", 1, 1)))
  }
}
location = /fill {
  content_by_lua_block {
    local files, file = {}, true
    while file do
      file = io.open "/dev/null"
      files[#files + 1] = file
    end
    for _ = 1, tonumber(ngx.var.arg_leave) do
      table.remove(files):close()
    end
    package.loaded.files = files
    ngx.print(#files > 0)
  }
}
location = /let {
  content_by_lua_block {
    table.remove(package.loaded.files):close()
    ngx.print "one more"
  }
}
location = /free {
  content_by_lua_block {
    for _, file in ipairs(package.loaded.files) do
      file:close()
    end
    ngx.print "freed"
  }
}
]]

local function start(more)
  local options = { app = APP, server = SERVER, endpoint = server.url }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return nginx.start(options)
end

local function entries(pid, kind)
  local pipe = assert(io.popen(("ls /proc/%d/%s | wc -l"):format(pid, kind)))
  local count = tonumber(pipe:read("*a"))
  pipe:close()
  return count
end

-- Waits until a worker has at most so many threads or descriptors; answers how many it has.
local function settle(pid, kind, most)
  local count
  for _ = 1, 500 do
    count = entries(pid, kind)
    if count <= most then
      break
    end
    socket.sleep(0.01)
  end
  return count
end

-- How often a text is in the error log.
local function told(one, text)
  local count, at = 0, 1
  local log = one:read("error.log")
  while at do
    local _, last = log:find(text, at, true)
    at = last and last + 1
    count = count + (at and 1 or 0)
  end
  return count
end

local PAUSES = "nginx pauses between looks instead of being woken"

-- What a spec leaves behind: no complaint, and a worker that could be told to leave.
local function ends_well(one, complaints)
  one:signal("QUIT")
  assert.is_true(nginx.wait_for_end(one.pid))
  local log = one:read("error.log")
  for line in log:gmatch("[^\n]*%[alert%][^\n]*") do -- nginx's own socket may be what there is no room for
    assert.truthy(complaints and line:find("socket() failed (24: ", 1, true), line)
  end
  assert.falsy(log:find("[error]", 1, true) and not complaints, log)
  assert.falsy(log:find("exited on signal", 1, true), log)
  for line in log:gmatch("[^\n]*%[warn%][^\n]*") do
    assert.truthy(line:find(PAUSES, 1, true) or complaints, line)
  end
  one:stop()
end

before_each(function()
  server:reset()
end)

teardown(function()
  server:stop()
end)

describe("a worker of nginx that a thread wakes", function()
  it("steps twice, and once a second, while a server is mute for 2 s; then not at all", function()
    local one = start()
    server:behave("never_answer")
    local _, text = one:get("/mute")
    local kind, during, after = text:match("^(%S+) (%d+) (%d+)$")
    assert.equal("timeout", kind, text)
    assert.is_true(tonumber(during) <= 8, text)
    assert.is_true(tonumber(after) <= 2, text)
    assert.equal(0, told(one, PAUSES))
    ends_well(one)
  end)

  it("hears on while nothing happens for longer than nginx lets a socket be silent", function()
    local one = start({ app = patient("nginx_waker", { LIFE = "1.7", BEAT = "0.5" }) })
    server:behave("never_answer")
    local _, text = one:get("/mute")
    assert.is_true(tonumber(text:match("^timeout (%d+)")) <= 8, text)
    assert.equal(0, told(one, PAUSES))
    ends_well(one)
  end)

  it("pauses when what wakes it is gone, and is woken again later", function()
    local one =
      start({ app = patient("nginx_waker", { LIFE = "0.3", BEAT = "1000", RETRY = "1" }) })
    server:behave("never_answer")
    local _, text = one:get("/mute")
    local steps = tonumber(text:match("^timeout (%d+)"))
    assert.is_true(steps >= 10 and steps <= 200, text)
    assert.equal(1, told(one, PAUSES))
    assert.is_true(told(one, "lua udp socket read timed out") >= 1)
    ends_well(one, true)
  end)

  it("waits as long though somebody sets the clock back", function()
    local one = start()
    server:behave("never_answer")
    assert.same({ 200, "wait" }, { one:get("/clock") })
    ends_well(one)
  end)

  it("keeps what waits need, but for those whose time is over", function()
    local one = start()
    server:script({ "ok", "never_answer" })
    local _, text = one:get("/waits")
    -- One for the client, one for its waits, another when that is taken by the one whose time is over.
    local name = "j_Oaqg3PCN "
    assert.equal("3 " .. name .. "wait " .. name:rep(10) .. "timeout " .. name, text .. " ")
    ends_well(one)
  end)

  it("has one thread for a hundred clients", function()
    local one = start()
    assert.same({ 200, host.NAME }, { one:get("/run") })
    local worker = one:workers()[1]
    assert.equal(2, entries(worker, "task"))
    assert.same({ 200, "100" }, { one:get("/many?n=100&name=" .. host.NAME) })
    assert.equal(100, server:stats().processed - 1)
    assert.equal(2, entries(worker, "task"))
    ends_well(one)
  end)

  it("takes one call after another for one light thread's work", function()
    local one = start({ http = "lua_max_running_timers 2;" })
    assert.same({ 200, "0" }, { one:get("/calls?n=500&name=" .. host.NAME) })
    assert.equal(500, server:stats().processed)
    ends_well(one)
  end)

  for again, dropped in pairs({
    ["by itself"] = 1,
    ["with the next call"] = 2,
    ["by itself, though what tries again is dropped, too"] = 4,
  }) do
    it("makes calls that nobody waits for though nginx drops timers: " .. again, function()
      local one = start({ http = "lua_max_running_timers 2;" })
      assert.same({ 200, "2" }, { one:get("/occupy") })
      assert.same({ 200, "fired" }, { one:get("/fire") })
      for _ = 1, 1000 do
        if told(one, "lua_max_running_timers are not enough") == dropped then
          break
        end
        socket.sleep(0.01)
      end
      assert.same({ 200, "vacated" }, { one:get("/vacate") })
      if again == "with the next call" then
        assert.same({ 200, "fired" }, { one:get("/fire") })
        server:wait_for(2)
      end
      server:wait_for(1)
      one:stop()
    end)
  end

  it("begins no call while nginx refuses timers, and says so", function()
    local one =
      start({ app = patient("nginx", { LAST_TRY = "1" }), http = "lua_max_pending_timers 2;" })
    local told_so =
      "transport error: no build was started: nginx has no timer to step in: too many pending timers"
    assert.same({ 200, host.NAME }, { one:get("/run") })
    repeat -- until the client rests
      local _, timers = one:get("/timers")
    until timers == "0 0"
    one:get("/pend")
    assert.equal(told_so, select(2, one:get("/fire")))
    assert.equal(told_so, select(2, one:get("/run")))
    assert.equal(told_so, select(2, one:get("/fire?key=1")))
    repeat
      local _, timers = one:get("/timers")
    until timers == "0 0"
    assert.same({ 200, "fired" }, { one:get("/fire") })
    server:wait_for(2)
    assert.same({ 200, host.NAME }, { one:get("/run") })
    assert.equal(3, server:stats().processed)
    one:stop()
  end)

  it("begins no call when nginx refuses the timers that try again", function()
    local one = start({ http = "lua_max_running_timers 2; lua_max_pending_timers 3;" })
    assert.same({ 200, "2" }, { one:get("/occupy") })
    one:get("/pend")
    assert.truthy(select(2, one:get("/fire")):find("too many pending timers", 1, true))
    one:get("/vacate")
    one:stop()
  end)

  it("answers others while callbacks always start another call", function()
    local one = start()
    local request = one:send("/chain?n=2000")
    for _ = 1, 20 do
      assert.same({ 200, "hello\n" }, { one:get("/hello") })
    end
    assert.same({ 200, "true" }, { request:read() })
    ends_well(one)
  end)

  it("starts children while a call is in flight", function()
    local one = start()
    for _ = 1, 3 do
      assert.same({ 200, "123 " .. host.NAME }, { one:get("/children") })
    end
    ends_well(one)
  end)

  it("leaves nothing of clients that are closed, and of requests that are cut off", function()
    local one = start({ server = "lua_check_client_abort on;\n" .. SERVER })
    assert.same({ 200, host.NAME }, { one:get("/own?close=1") })
    local worker = one:workers()[1]
    local threads, descriptors = entries(worker, "task"), entries(worker, "fd")
    for _ = 1, 20 do
      assert.same({ 200, host.NAME }, { one:get("/own?close=1") })
    end
    server:behave("ok_on_release")
    for i = 1, 20 do
      local request = one:send("/run")
      server:wait_for(i, "waiting")
      request:close()
    end
    local list = one:send("/list")
    server:wait_for(21, "waiting")
    list:close()
    local processed = server:stats().processed
    server:script({}, "ok")
    server:release()
    server:wait_for(processed + 2) -- the rest of the list
    assert.same({ 200, host.NAME }, { one:get("/run") })
    assert.equal(threads, entries(worker, "task"))
    -- The shared client has its own, and connections that are kept.
    assert.is_true(settle(worker, "fd", descriptors + 25) <= descriptors + 25)
    ends_well(one)
  end)

  it("has a thread for each state of Lua when code is not cached, as long as that lives", function()
    local one = start({ app = patient("nginx", { LAST_TRY = "1" }), http = "lua_code_cache off;" })
    for i = 1, 10 do
      assert.same({ 200, host.NAME }, { one:get(i % 2 == 0 and "/own?close=1" or "/own") })
    end
    assert.equal(1, settle(one:workers()[1], "task", 1))
    ends_well(one, true) -- nginx itself warns
  end)

  it("is followed by another when it crashes", function()
    local one = start()
    server:behave("never_answer")
    local worker = one:workers()[1]
    one:send("/run")
    server:wait_for(1)
    os.execute("kill -KILL " .. worker)
    server:script({}, "ok")
    assert.is_true(nginx.wait_for_end(worker))
    assert.same({ 200, "hello\n" }, { one:get("/hello") })
    assert.same({ 200, host.NAME }, { one:get("/run") })
    one:stop()
  end)

  it("goes when the configuration is loaded again, a second after its last call", function()
    local one = start()
    for _ = 1, 3 do
      assert.same({ 200, host.NAME }, { one:get("/run") })
      local old = one:workers()[1]
      one:signal("HUP")
      assert.is_true(one:wait_for_log("gracefully shutting down"))
      assert.is_true(nginx.wait_for_end(old))
    end
    assert.same({ 200, host.NAME }, { one:get("/run") })
    ends_well(one)
  end)
end)

describe("a worker of nginx that leaves", function()
  it("cancels what nobody waits for, and goes on for its requests", function()
    local one = start({ app = patient("nginx", { GRACE = "0.2" }) })
    server:script({ "never_answer" }, "ok")
    local request = one:send("/leave")
    server:wait_for(2)
    one:signal("HUP")
    local _, told_in = request:read()
    assert.equal(("N cancelled unknown true N N N true"):gsub("N", host.NAME), told_in)
    ends_well(one)
  end)

  it("goes though what ends begins the next", function()
    local one = start({ app = patient("nginx", { GRACE = "0.2" }) })
    server:behave("never_answer")
    local worker = one:workers()[1]
    one:get("/again")
    server:wait_for(2)
    one:signal("HUP")
    assert.is_true(nginx.wait_for_end(worker))
    for _, text in ipairs({
      "nginx has a worker that leaves, where only requests begin calls",
      "item 1: cancelled unknown",
      "item 2: transport not_started",
      "item 3: transport not_started",
    }) do
      assert.is_true(told(one, text) >= 1, text)
    end
    assert.equal(2, server:stats().processed)
    one:stop()
  end)
end)

describe("a worker of nginx that nothing can wake", function()
  local library

  setup(function()
    library = native.library("no_wake")
  end)

  teardown(function()
    os.remove(library)
  end)

  for lacks, expected in pairs({
    thread = "the system does not grant a thread: Resource temporarily unavailable",
    socket = "the system does not grant a socket: Operation not permitted",
    datagram = "datagrams on 127.0.0.1 get lost",
  }) do
    it("pauses and says so once: no " .. lacks, function()
      local one = start({ preload = library, service = "REFUSE=" .. lacks .. " " })
      for _ = 1, 3 do
        assert.same({ 200, host.NAME }, { one:get("/run") })
      end
      assert.same({ 200, "20" }, { one:get("/many?n=20&name=" .. host.NAME) })
      assert.equal(1, told(one, PAUSES))
      assert.equal(1, told(one, expected), one:read("error.log"))
      ends_well(one, lacks == "datagram") -- nginx itself says that one did not come
    end)
  end

  it("pauses where its user may have no more processes", function()
    local one = start({ user = "nobody nogroup" })
    assert.same({ 200, "0" }, { one:get("/no_processes") })
    for _ = 1, 3 do
      assert.same({ 200, host.NAME }, { one:get("/run") })
    end
    assert.equal(1, told(one, PAUSES))
    assert.equal(1, told(one, "a thread: Resource temporarily unavailable"), one:read("error.log"))
    ends_well(one)
  end)

  it("pauses where it has no descriptor left for that", function()
    local one = start({ main = "worker_rlimit_nofile 1024;" })
    assert.same({ 200, "true" }, { one:get("/fill?leave=5") })
    -- How many a call needs is libcurl's to say.
    for _ = 1, 5 do
      local _, answer = one:get("/run")
      if answer == host.NAME then
        break
      end
      assert.truthy(answer:find("no build was started: Failed to connect", 1, true), answer)
      assert.same({ 200, "one more" }, { one:get("/let") })
    end
    assert.same({ 200, host.NAME }, { one:get("/run") })
    assert.equal(1, told(one, PAUSES))
    assert.same({ 200, "freed" }, { one:get("/free") })
    assert.same({ 200, host.NAME }, { one:get("/run") })
    ends_well(one, true)
  end)
end)
