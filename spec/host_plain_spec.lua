-- Scripts, games and cqueues: hosts that need no adapter.

local build = require("codearts.build")
local cqueues = require("cqueues")
local host = require("spec.support.host")
local server = require("spec.support.server").start()

local JOB, NAME = host.JOB, host.NAME

local function new(more)
  local all = { endpoint = server.url, auth = host.TOKEN, proxy = false }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return build.new(all)
end

before_each(function()
  server:reset()
end)

teardown(function()
  server:stop()
end)

describe("a script", function()
  it("runs the example", function()
    local output = host.example("examples/script.lua", server.url)
    assert.equal("started build 20\n1 of 3\n2 of 3\n3 of 3\n1\t20\n2\t20\n3\t20\n", output)
    assert.equal(4, server:stats().processed)
  end)

  it("sees the example fail with the error's line", function()
    server:behave("forbidden")
    local output = host.example("examples/script.lua", server.url)
    assert.truthy(output:find("403", 1, true))
    assert.truthy(output:find("^[^\n]+\n$"))
  end)
end)

describe("a game", function()
  it("never blocks: frames go on while the server is mute", function()
    server:behave("ok_on_release")
    local client = new()
    local name
    client:start(JOB):on_done(function(result)
      name = result.octopus_job_name
    end)
    local frames = 0
    repeat
      client:step(0)
      frames = frames + 1
      if frames % 100 == 0 and server:stats().waiting == 1 then
        server:release()
      end
    until name
    assert.equal(NAME, name)
    assert.is_true(frames > 100)
    client:close()
  end)

  it("runs the example", function()
    local output = host.example("examples/game.lua", server.url)
    assert.truthy(output:find("^started build 20\tafter %d+ frames\n$"), output)
  end)
end)

describe("cqueues", function()
  it("runs the example", function()
    local output = host.example("examples/cqueues.lua", server.url)
    local lines = {}
    for line in output:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    table.sort(lines)
    assert.same({ "1\tstarted build 20", "2\tstarted build 20", "3\tstarted build 20" }, lines)
  end)

  it("wakes up when a call starts while it polls", function()
    local client = new()
    local names = {}
    local function note(result)
      names[#names + 1] = result.octopus_job_name
    end
    server:behave("ok_on_release")
    client:start(JOB):on_done(note)
    local loop = cqueues.new()
    loop:wrap(function()
      while client:step(0) > 0 do
        cqueues.poll(client)
      end
    end)
    loop:wrap(function()
      while server:stats().waiting < 1 do
        cqueues.sleep(0.001)
      end
      client:start(JOB):on_done(note)
      while server:stats().waiting < 2 do
        cqueues.sleep(0.001)
      end
      server:release()
    end)
    assert(loop:loop(20))
    assert.same({ NAME, NAME }, names)
    cqueues.cancel(client:pollfd())
    client:close()
  end)

  it("wakes up a few times only while a server is mute for 2 s", function()
    server:behave("never_answer")
    local client = new({ timeout = 2, retry = false })
    local call = client:start(JOB)
    local steps = 0
    local loop = cqueues.new()
    loop:wrap(function()
      repeat
        steps = steps + 1
        local remaining = client:step(0)
        if remaining > 0 then
          cqueues.poll(client)
        end
      until remaining == 0
    end)
    assert(loop:loop(20))
    assert.equal("timeout", select(2, call:try_wait()).kind)
    assert.is_true(steps < 20, steps)
    cqueues.cancel(client:pollfd())
    client:close()
  end)

  it("is told that a client is closed", function()
    local client = new()
    client:close()
    local loop = cqueues.new()
    loop:wrap(function()
      cqueues.poll(client)
    end)
    local ok, err, _, _, culprit = loop:loop(20)
    assert.is_false(ok)
    assert.truthy(err:find("pollfd", 1, true)) -- cqueues keeps texts only, and ours is an object
    assert.equal(client, culprit)
  end)
end)
