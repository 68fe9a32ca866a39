-- Who may begin: what is within libcurl is counted for each host, and who has to wait does so outside, where its
-- time to answer in does not run. Attempts that have begun are counted by their events.

local caller = require "spec.support.caller"
local servers = require "spec.support.server"
local socket = require "socket"

local LONG = 20

-- A client, and what has become of its calls so far.
local function watched(options)
  local seen = { begun = 0, ended = 0, built = 0 }
  options.retry = false
  options.timeout = options.timeout or LONG
  function options.on_event(event)
    seen.begun = seen.begun + (event.type == "request" and 1 or 0)
  end
  local client = caller.new(options)
  function seen.start(count)
    for _ = 1, count do
      client:start(caller.JOB):on_done(function(result)
        seen.ended = seen.ended + 1
        seen.built = seen.built + (result and 1 or 0)
      end)
    end
  end
  -- A call to another host: `url` may be of any server.
  function seen.ask(url, more)
    local spec = { operation = "Show", method = "GET", url = url, answer = "raw", read_only = true }
    return client:request(spec, more)
  end
  return client, seen
end

-- Steps until that is so. A call that sleeps has steps come back though nothing happens.
local function steps_until(client, is_so)
  local till = socket.gettime() + LONG
  repeat
    client:step(0.01)
    assert(socket.gettime() < till, "it did not come to that")
  until is_so()
end

-- The same, while a server lets go whoever waits there.
local function release_until(client, server, is_so)
  steps_until(client, function()
    if server:stats().waiting > 0 then
      server:release()
    end
    return is_so()
  end)
end

-- Steps for as long as others may begin at once.
local function settle(client)
  repeat
    client:step(0)
  until (client:timeout() or 1) > 0
end

-- A port of https where nobody says a word; `accept` answers a connection that is there.
local function silent()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:settimeout(0)
  return {
    url = ("https://127.0.0.1:%d"):format(port),
    accept = function()
      return listener:accept()
    end,
    close = function()
      listener:close()
    end,
  }
end

describe("calls to a host of HTTP/1.1", function()
  it("wait outside beyond its connections, whatever other hosts speak", function()
    local plain, multiplexed = servers.start { tls = true }, servers.start { http2 = true }
    plain:behave "ok_on_release"
    local client, seen = watched { endpoint = plain, max_connections = 2 }
    assert(seen.ask(multiplexed.url .. "/"):try_wait(LONG))
    assert.equal(1, seen.begun)
    seen.start(5)
    steps_until(client, function()
      return plain:stats().waiting == 2
    end)
    settle(client)
    assert.equal(3, seen.begun)
    release_until(client, plain, function()
      return seen.ended == 5
    end)
    assert.equal(5, seen.built)
    assert.equal(2, plain:stats().connections)
    client:close()
    plain:stop()
    multiplexed:stop()
  end)

  it("go at once where that is known, each over a connection of its own", function()
    local server = servers.start { tls = true }
    server:behave "ok_on_release"
    local client, seen = watched { endpoint = server, max_connections = 8 }
    seen.start(20)
    steps_until(client, function()
      return server:stats().waiting == 8
    end)
    release_until(client, server, function()
      return seen.ended == 20
    end)
    assert.same({ 20, 20 }, { seen.begun, seen.built })
    assert.equal(8, server:stats().connections)
    client:close()
    server:stop()
  end)
end)

describe("calls to a host that nothing is known of", function()
  it("wait outside for the first connection, then share it", function()
    local server = servers.start { http2 = true }
    local client, seen = watched { endpoint = server }
    seen.start(100)
    client:step(0)
    assert.equal(1, seen.begun)
    steps_until(client, function()
      return seen.ended == 100
    end)
    assert.same({ 100, 100 }, { seen.begun, seen.built })
    assert.equal(100, server:stats().processed)
    assert.equal(1, server:stats().connections)
    client:close()
    server:stop()
  end)

  it("do not keep those to others waiting", function()
    local hung, server = silent(), servers.start { http2 = true }
    local client, seen =
      watched { endpoint = hung.url, max_connections = 4, tls = { ca_file = server.ca_file } }
    seen.start(20)
    settle(client)
    assert.equal(1, seen.begun)
    for _ = 1, 3 do
      assert(seen.ask(server.url .. "/"):try_wait(LONG))
    end
    client:close()
    hung.close()
    server:stop()
  end)

  it("go at once when the first connection was not made", function()
    local port = silent()
    local client, seen = watched { endpoint = port.url, max_connections = 4 }
    seen.start(9)
    local made = {}
    local function accepted()
      made[#made + 1] = port.accept()
      return #made
    end
    steps_until(client, function()
      return accepted() == 1
    end)
    assert.equal(1, seen.begun)
    made[1]:close()
    steps_until(client, function()
      return accepted() == 5
    end)
    settle(client)
    assert.same({ 5, 1 }, { seen.begun, seen.ended })
    client:close()
    port.close()
  end)

  it("go at once when the first connection takes its time", function()
    local port = silent()
    local client, seen = watched { endpoint = port.url, max_connections = 4 }
    seen.start(9)
    settle(client)
    assert.equal(1, seen.begun)
    assert.is_true(client:timeout() <= 1)
    repeat
      client:step() -- comes back by itself
    until seen.begun == 4
    settle(client)
    assert.equal(4, seen.begun)
    client:close()
    port.close()
  end)

  it("have their time to answer in from when they begin", function()
    local port = silent()
    local client, seen = watched { endpoint = port.url, max_connections = 1, timeout = 0.05 }
    seen.start(3)
    steps_until(client, function()
      return seen.ended == 1
    end)
    assert.is_true(seen.begun <= 2) -- each needs the connection of the one before
    steps_until(client, function()
      return seen.ended == 3
    end)
    assert.equal(3, seen.begun)
    client:close()
    port.close()
  end)
end)

describe("calls to a host of HTTP/2", function()
  it("wait outside beyond the streams of its connections", function()
    local server = servers.start { http2 = true, max_streams = 3 }
    local client, seen = watched { endpoint = server, max_connections = 2 }
    assert(client:try_run(caller.JOB))
    server:behave "ok_on_release"
    seen.begun = 0
    seen.start(12)
    steps_until(client, function()
      return server:stats().waiting == 6
    end)
    settle(client)
    assert.equal(6, seen.begun)
    assert.equal(2, server:stats().connections)
    release_until(client, server, function()
      return seen.ended == 12
    end)
    assert.equal(12, seen.built)
    assert.equal(2, server:stats().connections)
    client:close()
    server:stop()
  end)

  -- That a connection is full shows when one more finds no room on it.
  it("are not held beyond their limit by one that is full", function()
    local server = servers.start { http2 = true, max_streams = 1 }
    local client, seen = watched { endpoint = server, max_connections = 1 }
    assert(client:try_run(caller.JOB)) -- how many streams there may be is told by then
    server:behave "never_answer"
    seen.start(1)
    steps_until(client, function()
      return server:stats().processed == 2
    end)
    local _, err = client:try_run(caller.JOB, { timeout = 0.05 })
    caller.check({ reason = "timeout", outcome = "not_started", attempts = 1 }, err)
    assert.truthy(tostring(err):find("no connection within 0.05 s", 1, true))
    seen.start(3)
    settle(client)
    assert.equal(4, seen.begun) -- one more, and then it is known
    client:close()
    server:stop()
  end)

  -- As nginx does when a connection has had its number of requests. libcurl has the call wait for another
  -- connection, where it looks at no limit.
  it("end in time when the server refuses them and there is no other connection", function()
    local server = servers.start { http2 = true }
    local client, seen = watched { endpoint = server, max_connections = 1 }
    assert(client:try_run(caller.JOB))
    server:script { "ok_on_release", "goaway_after" }
    seen.start(1)
    steps_until(client, function()
      return server:stats().waiting == 1
    end)
    local _, err = client:try_run(caller.JOB, { timeout = 0.2 })
    caller.check({ reason = "timeout", outcome = "unknown", attempts = 1 }, err)
    assert.equal(1, server:stats().waiting)
    server:release()
    steps_until(client, function()
      return seen.built == 1
    end)
    assert.equal(3, server:stats().processed)
    client:close()
    server:stop()
  end)

  it("end in time, the first of a client, too", function()
    local server = servers.start { http2 = true }
    local client, seen = watched { endpoint = server, max_connections = 1 }
    server:script { { "refused_stream_after", late = true }, "never_answer" }
    local first = client:start(caller.JOB, { timeout = 2 })
    steps_until(client, function()
      return server:stats().waiting == 1
    end)
    seen.start(1)
    steps_until(client, function()
      return server:stats().processed == 2
    end)
    server:release()
    local _, err = caller.wait(client, first)
    caller.check({ reason = "timeout", outcome = "unknown", attempts = 1 }, err)
    assert.equal(0, seen.ended)
    assert.equal(2, server:stats().processed)
    client:close()
    server:stop()
  end)

  it("share the next connection when the last has ended", function()
    local server = servers.start { http2 = true }
    local client, seen = watched { endpoint = server }
    assert(client:try_run(caller.JOB))
    server:drop "close"
    server:wait_for(1, "ended")
    seen.start(50)
    steps_until(client, function()
      return seen.ended == 50
    end)
    assert.equal(50, seen.built)
    assert.equal(2, server:stats().connections)
    client:close()
    server:stop()
  end)
end)
