-- Functions of the user in nginx workers, which must not wait: told, and the worker goes on.

local host = require("spec.support.host")
local missing = host.missing("ls /usr/lib/nginx/modules/ngx_http_lua_module.so")
if missing then
  pending("functions that wait in nginx workers: " .. missing)
  return
end
local nginx = require("spec.support.nginx")
local server = require("spec.support.server").start()

local APP = [[
local resume = coroutine.resume -- as a program has it that asks for the library later
local resty = require "codearts.build.resty"
local M = { job = { job_id = ("a"):rep(32) } }
local host, port = os.getenv("ENDPOINT"):match "//(.-):(%d+)"

local function options(more)
  local all = { endpoint = os.getenv "ENDPOINT", auth = "a-fake-token", proxy = false, retry = false }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

local function new(more)
  return resty.new(options(more))
end

function M.client()
  M.shared = M.shared or new()
  return M.shared
end

function M.run()
  local result, err = M.client():try_run(M.job)
  return result and result.octopus_job_name or tostring(err)
end

-- What may not be done.
M.waits = {
  sleep = function()
    ngx.sleep(0.001)
  end,
  connect = function()
    local socket = ngx.socket.tcp()
    socket:connect(host, tonumber(port))
    socket:send "GET / HTTP/1.0\r\n\r\n"
    socket:receive "*l"
  end,
  receive = function()
    M.socket:receive "*l"
  end,
  datagram = function()
    local socket = ngx.socket.udp()
    socket:setpeername("127.0.0.1", 9)
    socket:receive()
  end,
  semaphore = function()
    require("ngx.semaphore").new(0):wait(0.001)
  end,
  capture = function()
    ngx.location.capture "/hello"
  end,
  thread = function()
    ngx.thread.spawn(function()
      ngx.sleep(0.001)
    end)
  end,
  exit = function()
    ngx.exit(502)
  end,
  yield = function()
    coroutine.yield()
  end,
  coroutine = function()
    coroutine.wrap(function()
      ngx.sleep(0.001)
    end)()
  end,
  resume = function() -- what the request has made
    resume(M.made)
  end,
  resume_compiled = function()
    resume_compiled(M.made)
  end,
  call_wrapped = function()
    M.wrapped()
  end,
  resume_main = function() -- what the request runs in
    assert(resume(M.main))
  end,
}

-- What may.
M.goes = {
  timer = function()
    ngx.timer.at(0, function()
      ngx.sleep(0.001)
      ngx.log(ngx.WARN, "the timer ran")
    end)
  end,
  coroutine = function()
    local two = coroutine.wrap(function()
      coroutine.yield(1)
      return 2
    end)
    assert(two() == 1 and two() == 2)
  end,
  call = function()
    M.client():start(M.job)
  end,
  client = function()
    new():close()
  end,
}

-- Where it is done: each answers what was told, if that is anybody's but the log's.
M.places = {
  on_done = function(f)
    local call = M.client():sleep(0):on_done(f)
    call:wait()
  end,
  on_event = function(f)
    local client = new { on_event = f }
    client:try_run(M.job)
    client:close()
  end,
  on_progress = function(f)
    local build = M.client():build(M.job.job_id, 20)
    return select(2, pcall(build.wait, build, { on_progress = f }))
  end,
  on_line = function(f)
    local build = M.client():build(M.job.job_id, 20)
    return select(2, pcall(build.log, build, { on_line = f }))
  end,
  auth = function(f)
    local client = new {
      auth = function()
        f()
        return "another-fake-token"
      end,
    }
    local _, err = client:try_run(M.job)
    client:close()
    return err
  end,
  token_store = function(f)
    local client
    client = new {
      auth = { user = "u", password = "a-fake-password", domain = "d", project = "p" },
      iam_endpoint = os.getenv "ENDPOINT",
      token_store = {
        get = f,
        set = f,
        lock = function()
          f()
          return f
        end,
      },
      on_event = function(event)
        if event.type == "warning" then
          f() -- outside of calls, too
        end
      end,
    }
    client:try_run(M.job)
    client:close()
  end,
  key_store = function(f)
    local client = new { key_store = { get = f, put = f, list = f } }
    local _, err = client:try_run(M.job, { key = "release" })
    client:close()
    return err
  end,
  close = function(f)
    local client = new()
    client:start(M.job):on_done(f)
    client:close()
  end,
  closed = function(f)
    local client = new()
    local call = client:start(M.job)
    client:close()
    call:on_done(f)
  end,
  closed_task = function(f)
    local client = new()
    local task = client:build(M.job.job_id, 20):status { async = true }
    client:close()
    task:on_done(f)
  end,
  bad_item = function(f)
    return M.client():run_all({ {} }, { on_progress = f })
  end,
  blocking = function(f) -- a client without a host
    local client = require("codearts.build").new(options { on_event = f })
    client:try_run(M.job)
    client:close()
  end,
  error_text = function(f)
    local object = setmetatable({}, {
      __tostring = function()
        f()
        return "the text of an error"
      end,
    })
    M.client():sleep(0):on_done(function()
      error(object, 0)
    end):wait()
    M.client():sleep(0):wait()
  end,
}

-- Does each thing in each place, twice.
function M.try(things)
  M.socket = ngx.socket.tcp()
  M.socket:connect(host, tonumber(port))
  local function wait()
    coroutine.yield()
    ngx.sleep(0.001)
    return "waited"
  end
  M.main, M.made, M.wrapped = coroutine.running(), coroutine.create(wait), coroutine.wrap(wait)
  coroutine.resume(M.made)
  M.wrapped()
  for place, visit in pairs(M.places) do
    for name, thing in pairs(things) do
      for _ = 1, 2 do
        local ran, raised = 0, nil
        local function f()
          ran = ran + 1
          local ok, problem = pcall(thing)
          if not ok then
            raised = problem
            error(problem, 0)
          end
        end
        local ok, told = pcall(visit, f)
        told = ok and told or not ok and told
        ngx.say(
          ("%s, %s: %s, %s, %s"):format(
            place,
            name,
            ran > 0 and "ran" or "not run",
            not raised and "went" or raised:find("no request", 1, true) and "was refused" or "raised",
            type(told) == "table" and tostring(told.kind) or type(told)
          )
        )
      end
    end
  end
  -- The request itself goes on with what is its own.
  ngx.say("at last: ", select(2, coroutine.resume(M.made)), ", ", M.wrapped())
end

return M
]]

-- A function that LuaJIT has compiled before there is the library.
local HTTP = [[
init_by_lua_block {
  local resume = coroutine.resume
  local thread = coroutine.create(function()
    while true do
      coroutine.yield()
    end
  end)
  local function again()
    local ok, problem = resume(thread)
    return ok and "" or problem
  end
  string.gsub(("x"):rep(1000), "x", again)
  function resume_compiled(other)
    thread = other
    string.gsub("x", "x", again)
  end
}
]]

local SERVER = [[
location = /run { content_by_lua_block { ngx.print(require("app").run()) } }
location = /waits { content_by_lua_block { require("app").try(require("app").waits) } }
location = /goes { content_by_lua_block { require("app").try(require("app").goes) } }
]]

local RECORD = [[{"result":{"status":"SUCCESS","build_record_id":"r","content":"a line\n","offset":7,
"has_more_data":false},"actual_build_number":"20","daily_build_number":"1","octopus_job_name":"]] .. host.NAME .. '"}'

local PLACES = 13

local one

before_each(function()
  server:behave("answer", { status = 200, body = RECORD })
  one = nginx.start({ app = APP, http = HTTP, server = SERVER, endpoint = server.url })
end)

after_each(function()
  one:stop()
end)

teardown(function()
  server:stop()
end)

-- Tells of each line of an answer: the place, what was done there, and what came of it.
local function each(text)
  local tries = text:match("^(.*\n)at last: waited, waited\n$")
  return assert(tries, text):gmatch("([%w_]+), ([%w_]+): ([^\n]*)")
end

local function goes_on(worker)
  for _ = 1, 3 do
    assert.same({ 200, host.NAME }, { one:get("/run") })
  end
  assert.same({ worker }, one:workers())
  local log = one:read("error.log")
  assert.falsy(log:find("lua user thread aborted", 1, true), log)
  assert.falsy(log:find("exited on signal", 1, true), log)
end

describe("a function that the library calls in nginx", function()
  it("cannot wait, spawn or end a request, which is told; the worker goes on", function()
    local worker = one:workers()[1]
    local status, text = one:get("/waits")
    assert.equal(200, status)
    local count = 0
    local kinds = { on_progress = "usage", on_line = "usage", auth = "config", key_store = "key" }
    for place, thing, came in each(text) do
      count = count + 1
      local told = kinds[place] or came:match("%w+$")
      if thing == "yield" and place ~= "on_done" then
        assert.truthy(came:find("^ran"), place)
      else
        local by_lua = thing == "yield" or (thing == "resume_main" and came:find("raised", 1, true))
        local how = by_lua and "raised" or "was refused"
        assert.equal(("ran, %s, %s"):format(how, told), came, place .. ", " .. thing)
      end
    end
    assert.equal(PLACES * 14 * 2, count, text)
    goes_on(worker)
    assert.truthy(one:read("error.log"):find("must not wait in nginx", 1, true))
  end)

  it("can use timers, coroutines and clients", function()
    local worker = one:workers()[1]
    local status, text = one:get("/goes")
    assert.equal(200, status)
    local count = 0
    for place, thing, came in each(text) do
      count = count + 1
      assert.truthy(came:find("^ran, went"), place .. ", " .. thing .. ": " .. came)
    end
    assert.equal(PLACES * 4 * 2, count, text)
    goes_on(worker)
    assert.is_true(one:wait_for_log("the timer ran"))
    for line in one:read("error.log"):gmatch("[^\n]+") do
      assert.falsy(
        line:find("[error]", 1, true) and not line:find("the text of an error", 1, true),
        line
      )
    end
  end)
end)
