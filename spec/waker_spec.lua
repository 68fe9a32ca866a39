-- The thread that tells by datagrams which clients want a step, as nginx uses it.

local core = require("codearts.build.core")
local host = require("spec.support.host")
local probe = require("spec.support.probe")
local server = require("spec.support.server").start()
local socket = require("socket")

local function is_linux()
  local file = io.open("/proc/self/task")
  if file then
    file:close()
  end
  return file ~= nil
end

if not is_linux() then
  return describe("a waker", function()
    it("is not to be had, which it says", function()
      local waker, problem = core.waker()
      assert.is_nil(waker)
      assert.equal("string", type(problem))
    end)
  end)
end

local function threads()
  local pipe = assert(io.popen("ls /proc/$PPID/task | wc -l"))
  local count = pipe:read("*n")
  pipe:close()
  return count
end

local function listener(waker)
  local ear = assert(socket.udp())
  assert(ear:setpeername("127.0.0.1", waker:port()))
  ear:settimeout(10)
  return ear
end

-- What is told next, as a number, or nil when nothing comes.
local function id_of(ear)
  local data = ear:receive()
  return data and #data == 2 and data:byte(1) * 256 + data:byte(2) or data
end

local function silent(ear)
  ear:settimeout(0.05)
  local data = ear:receive()
  ear:settimeout(10)
  return data == nil
end

describe("a waker", function()
  local waker, ear, client

  before_each(function()
    server:reset()
    waker = assert(core.waker())
    ear = listener(waker)
    client = core.new({ endpoint = server.url, auth = host.TOKEN })
  end)

  after_each(function()
    client:close()
    ear:close()
    waker:close()
  end)

  local function accept()
    assert(ear:send(waker:nonce()))
    assert.is_true(waker:accept())
    assert.equal(waker:nonce(), ear:receive())
  end

  -- Sends a request, which is answered when the server releases it.
  local function begin()
    server:behave("ok_on_release")
    local call = client:start(host.JOB)
    while server:stats().waiting == 0 do
      client:step(0.001)
    end
    client:step(0)
    return call
  end

  it("tells once, when something happens", function()
    accept()
    local call = begin()
    assert.is_true(waker:arm(client, 1))
    assert.is_true(silent(ear))
    server:release()
    assert.equal(1, id_of(ear))
    assert.is_true(silent(ear)) -- though nobody has stepped
    assert.is_true(waker:arm(client, 65535)) -- it is readable still
    assert.equal(65535, id_of(ear))
    client:step(0)
    assert.is_true(call:done())
  end)

  it("tells which of several, and nothing of one that is disarmed or closed", function()
    accept()
    local others = {}
    for i = 1, 40 do
      others[i] = core.new({ endpoint = server.url, auth = host.TOKEN })
      server:behave("ok_on_release")
      others[i]:start(host.JOB)
      while server:stats().waiting < i do
        others[i]:step(0.001)
      end
      others[i]:step(0)
      assert.is_true(waker:arm(others[i], 1000 + i))
    end
    waker:disarm(others[1])
    others[2]:close()
    server:release()
    local seen, count = {}, 0
    while count < 38 do
      local data = assert(ear:receive())
      for at = 1, #data, 2 do
        local id = data:byte(at) * 256 + data:byte(at + 1)
        assert.is_nil(seen[id])
        seen[id], count = true, count + 1
      end
    end
    assert.is_nil(seen[1001])
    assert.is_nil(seen[1002])
    assert.is_true(silent(ear))
    for _, other in ipairs(others) do
      other:close()
    end
  end)

  it("tells nobody who does not know the nonce", function()
    local stranger = listener(waker)
    stranger:send(("x"):rep(16))
    stranger:send(waker:nonce() .. "x")
    stranger:send("")
    assert.is_false(waker:accept())
    waker:poke()
    assert.is_true(silent(stranger))
    accept()
    stranger:send(("y"):rep(16))
    waker:poke()
    assert.equal(0, id_of(ear))
    assert.is_true(silent(stranger))
    stranger:close()
    assert.equal(16, #waker:nonce())
    local other = assert(core.waker())
    assert.are_not.equal(other:nonce(), waker:nonce())
    other:close()
  end)

  it("tells the newest who knows it", function()
    accept()
    local second = listener(waker)
    second:send(waker:nonce())
    assert.is_true(waker:accept())
    assert.equal(waker:nonce(), second:receive())
    waker:poke()
    assert.equal(0, id_of(second))
    assert.is_true(silent(ear))
    second:close()
  end)

  it("ends its thread when it is closed and when it is collected", function()
    local before = threads()
    local more = {}
    for i = 1, 5 do
      more[i] = assert(core.waker())
    end
    assert.equal(before + 5, threads())
    more[1]:close()
    more[1]:close()
    assert.equal(before + 4, threads())
    local ok, err = pcall(more[1].port, more[1])
    assert.same({ false, "usage" }, { ok, err.kind })
    more = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal(before, threads())
  end)

  it("is let go in a forked child, and goes on in the parent", function()
    accept()
    local call = begin()
    assert.is_true(waker:arm(client, 7))
    local text, status = probe.fork(function()
      local ok = pcall(waker.arm, waker, client, 8)
      waker:disarm(client)
      waker:close()
      client:close()
      return tostring(ok)
    end)
    assert.same({ "false", 0 }, { text, status })
    server:release()
    assert.equal(7, id_of(ear))
    client:step(0)
    assert.is_true(call:done())
  end)

  it("refuses what is no client and no id", function()
    for _, arguments in ipairs({ { client, 0 }, { client, 65536 }, { {}, 1 }, { nil, 1 } }) do
      assert.is_false((pcall(waker.arm, waker, arguments[1], arguments[2])))
    end
    client:close()
    assert.is_false((pcall(waker.arm, waker, client, 1)))
    waker:disarm(client)
  end)
end)
