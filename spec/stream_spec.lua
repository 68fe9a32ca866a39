-- Large answers are taken piece by piece: neither the core nor Lua holds more than some pieces.

local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local servers = require "spec.support.server"

local BODY = ("0123456789abcdef"):rep(2 ^ 18) -- 4 MiB
local LARGEST_PIECE = 512 * 1024

for _, mode in ipairs { { name = "HTTP/1.1" }, { name = "HTTP/2", http2 = true } } do
  describe("a large answer over " .. mode.name, function()
    local server, client

    setup(function()
      server = servers.start { http2 = mode.http2 }
    end)
    teardown(function()
      server:stop()
    end)
    before_each(function()
      server:reset()
      server:behave("answer", { body = BODY })
      client = caller.new {
        endpoint = server,
        max_response_bytes = 1000,
        http_version = mode.http2 and "2" or nil,
      }
    end)
    after_each(function()
      client:close()
    end)

    local function request(stream)
      return client:request { method = "GET", path = "/v3/log", answer = "bytes", stream = stream }
    end

    it("comes in small pieces, whole and in order", function()
      local pieces, largest = {}, 0
      local _, err = caller.wait(
        client,
        request(function(piece)
          pieces[#pieces + 1] = piece
          largest = math.max(largest, #piece)
        end)
      )
      assert.is_nil(err)
      assert.is_true(table.concat(pieces) == BODY)
      assert.is_true(largest <= LARGEST_PIECE)
    end)

    it("comes to several at a time, driven by nothing but step and timeout", function()
      local bytes, left = 0, 3
      for _ = 1, left do
        request(function(piece)
          bytes = bytes + #piece
        end):on_done(function(_, err)
          assert(not err, tostring(err))
          left = left - 1
        end)
      end
      while left > 0 do
        client:step(math.min(client:timeout() or 10, 10))
      end
      assert.equal(3 * #BODY, bytes)
    end)

    it("is not taken for silent while its receiver takes its time", function()
      local other = caller.new { endpoint = server }
      -- A busy server may well be silent for the shorter ones.
      local timeout = 0.1
      local bytes, _, err
      repeat
        timeout, bytes = timeout * 2, 0
        _, err = caller.wait(
          client,
          client:request({
            method = "GET",
            path = "/v3/log",
            answer = "bytes",
            stream = function(piece)
              if bytes == 0 then
                caller.wait(other, other:sleep(timeout * 1.5))
              end
              bytes = bytes + #piece
            end,
          }, { timeout = timeout, retry = false })
        )
      until not err or timeout > 5
      other:close()
      assert.is_nil(err)
      assert.equal(#BODY, bytes)
    end)

    it("goes into a file that has its name only when all is there", function()
      local path = os.tmpname()
      assert(os.remove(path))
      local spool = assert(core.file.spool(path))
      local _, err = caller.wait(client, request(spool))
      assert.is_nil(err)
      assert.is_nil(io.open(path))
      assert.equal(#BODY, spool:commit())
      local file = assert(io.open(path, "rb"))
      assert.is_true(file:read "*a" == BODY)
      file:close()
      os.remove(path)
      assert.is_nil(spool:discard())
    end)

    it("ends when the file cannot be written", function()
      local path = os.tmpname()
      os.remove(path)
      local spool = assert(core.file.spool(path))
      spool:discard()
      local _, err = caller.wait(client, request(spool))
      caller.check({ kind = "cancelled", outcome = false }, err)
    end)
  end)
end

-- Bytes have no end of their own as JSON has, and over HTTP/2 a gateway that lost the rest may end them as
-- if they were whole, which nobody can tell: haproxy's issues 2749 and 3209, and libcurl's 6015 until 8.0.
describe("bytes from a server of HTTP/2", function()
  local server, client
  setup(function()
    server = servers.start { http2 = true }
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    client = caller.new { endpoint = server, retry = false }
  end)
  after_each(function()
    client:close()
  end)

  local function ask(with)
    local call =
      with:request { method = "GET", path = "/v3/log", answer = "bytes", read_only = true }
    return caller.wait(with, call)
  end
  -- Which version of HTTP each request came by.
  local function versions()
    local list = {}
    for i, request in ipairs(server:stats().requests) do
      list[i] = request.http
    end
    return table.concat(list, " ")
  end

  for how, code in pairs { ["their end"] = false, ["RST_STREAM"] = "NO_ERROR" } do
    it("are not told as whole where " .. how .. " comes before the rest", function()
      for _ = 1, 2 do
        server:script { { "broken_off", body = ("line\n"):rep(200), code = code or nil } }
        local bytes, err = ask(client)
        assert.is_nil(bytes)
        caller.check({ kind = "transport" }, err)
        assert(client:try_run(caller.JOB)) -- so that it is known to speak HTTP/2
      end
    end)
  end

  it("come over a connection of their own, and starts stay on theirs", function()
    local function both()
      assert.is_string((ask(client)))
      assert(client:try_run(caller.JOB))
    end
    both() -- libcurl takes the oldest connection that will do
    both()
    assert.equal("1.1 2 1.1 2", versions())
    assert.equal(2, server:stats().connections)
  end)

  it("hold up no start, and no start them", function()
    assert.is_string((ask(client)))
    assert(client:try_run(caller.JOB))
    server:script({ "ok_on_release" }, "ok")
    local call = client:request { method = "GET", path = "/v3/log", answer = "bytes" }
    repeat
      client:step(0.01)
    until server:stats().waiting == 1
    for _ = 1, 3 do
      assert(client:try_run(caller.JOB))
    end
    assert.is_false(call:done())
    server:script({ "ok_on_release" }, "ok")
    local start = client:start(caller.JOB)
    repeat
      client:step(0.01)
    until server:stats().waiting == 2
    assert.is_string((ask(client)))
    assert.is_false(start:done())
    server:release()
    assert(caller.wait(client, call))
    assert(caller.wait(client, start))
    assert.equal("1.1 2 1.1 2 2 2 2 1.1", versions())
    assert.equal(3, server:stats().connections)
  end)

  it("share the only connection in turn with starts", function()
    local single = caller.new { endpoint = server, retry = false, max_connections = 1 }
    for _ = 1, 3 do
      assert(single:try_run(caller.JOB))
      assert.is_string((ask(single)))
    end
    single:close()
  end)

  it("come over HTTP/2 where that was asked for", function()
    local other = caller.new { endpoint = server, retry = false, http_version = "2" }
    server:script { { "broken_off", body = "line\nline\n" } }
    assert.equal("line\n", (ask(other))) -- as long as nobody can tell
    other:close()
  end)
end)

-- RFC 9112, 9.8. libcurl has OpenSSL pass over it.
describe("bytes that end with the connection", function()
  local HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n"
  local server
  setup(function()
    server = servers.start { tls = true }
  end)
  teardown(function()
    server:stop()
  end)

  for _, version in ipairs { "auto", "1.1" } do
    it("are whole where TLS said goodbye, and no others, with http_version " .. version, function()
      for _, verify in ipairs { true, false } do
        server:reset()
        server:script {
          { "raw", bytes = HEAD .. "line\n", goodbye = true },
          { "raw", bytes = HEAD .. "line\n" },
        }
        local client = caller.new {
          endpoint = server,
          retry = false,
          http_version = version,
          tls = { ca_file = server.ca_file, verify = verify },
        }
        local spec = { method = "GET", path = "/v3/log", answer = "bytes", read_only = true }
        assert.equal("line\n", (caller.wait(client, client:request(spec))))
        local bytes, err = caller.wait(client, client:request(spec))
        assert.is_nil(bytes)
        caller.check({ kind = "transport" }, err)
        client:close()
      end
    end)
  end
end)

describe("a small answer", function()
  it("may close its client with the last piece", function()
    local server = servers.start()
    server:behave("answer", { body = "text" })
    for _, new in ipairs { caller.new, core.new } do
      local client = new { endpoint = new == core.new and server.url or server }
      local seen, told = {}, 0
      local call = client:request {
        method = "GET",
        path = "/v3/log",
        answer = "bytes",
        stream = function(piece)
          seen[#seen + 1] = piece
          client:close()
        end,
      }
      call:on_done(function()
        told = told + 1
      end)
      while not call:done() do
        client:step(1)
      end
      assert.same({ "text" }, seen)
      assert.equal(1, told)
      assert.is_false((pcall(client.step, client, 0)))
    end
    server:stop()
  end)
end)

describe("a spool", function()
  it("is refused where no file can be", function()
    local spool, reason = core.file.spool "/no/such/folder/file"
    assert.is_nil(spool)
    assert.is_string(reason)
    assert.has_error(function()
      core.file.spool ""
    end)
  end)

  it("leaves nothing behind where its name is a folder's", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute(("mkdir -p '%s/target/full'"):format(folder))
    local ok, reason = assert(core.file.spool(folder .. "/target")):commit()
    assert.is_nil(ok)
    assert.is_string(reason)
    local list = io.popen(("ls -A '%s'"):format(folder))
    assert.equal("target\n", list:read "*a")
    list:close()
    os.execute(("rm -rf '%s'"):format(folder))
  end)

  it("leaves nothing behind when it is forgotten", function()
    local path = os.tmpname()
    local listing = "ls " .. path .. "* | wc -l"
    assert(core.file.spool(path)):discard()
    core.file.spool(path)
    collectgarbage()
    collectgarbage()
    local pipe = assert(io.popen(listing))
    assert.equal(1, pipe:read "*n")
    pipe:close()
    os.remove(path)
  end)
end)
