-- Whom a client trusts: what is in the file and in the folder at the moment of a connection, no more
-- and no less, and at no cost of a connection's.

local caller = require "spec.support.caller"
local certs = require "spec.support.certs"
local namespaces = require "spec.support.namespaces"
local native = require "spec.support.native"
local read_file = require "spec.support.read_file"
local servers = require "spec.support.server"
local strace = require "spec.support.strace"

local unpack = table.unpack or unpack

local function quote(text)
  return ("%q"):format(text)
end

describe("the certificates to trust", function()
  local server, files, base, ca_file, ca_path

  local function write(path, text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end

  local function hashed(name)
    return native.module("pem", "-lcrypto").hash(files[name])
  end

  --- The file holds these authorities, in this order.
  local function in_file(...)
    local parts = {}
    for i, name in ipairs { ... } do
      parts[i] = read_file(files[name])
    end
    write(ca_file, table.concat(parts))
  end

  --- The folder holds these, each by its name.
  local function in_folder(...)
    os.execute(("rm -rf %s && mkdir %s"):format(ca_path, ca_path))
    for i, name in ipairs { ... } do
      write(("%s/%s.%d"):format(ca_path, hashed(name), i - 1), read_file(files[name]))
    end
  end

  setup(function()
    server = servers.start { tls = true }
    files = certs.shared()
    base = os.tmpname()
    os.remove(base)
    assert(os.execute("mkdir " .. base))
    ca_file, ca_path = base .. "/ca.pem", base .. "/folder"
  end)
  teardown(function()
    server:stop()
    os.execute("rm -rf " .. base)
  end)
  before_each(function()
    server:reset()
    server:behave("answer", {
      body = '{"actual_build_number":"20"}',
      headers = { { "Connection", "close" } },
    })
  end)

  local function told(client)
    local result, err = client:try_run(caller.JOB)
    return result and "trusted" or err.reason
  end

  --- What one connection comes to.
  local function once(tls)
    local client = caller.new { endpoint = server, tls = tls }
    local answer = told(client)
    client:close()
    return answer
  end

  describe("are those of file and folder:", function()
    local ROWS = {
      { "only the file has it", { "other_ca", "ca" }, { "other_ca" }, true },
      { "only the folder has it", { "other_ca" }, { "ca" }, true },
      { "both have it", { "ca" }, { "ca" }, true },
      { "none has it", { "other_ca" }, { "other_ca" }, false },
      { "the file has another of its name behind it", { "ca", "twin_ca" }, {}, true },
      { "the folder has another of its name", { "ca" }, { "twin_ca" }, true },
      { "only another of its name is there", { "twin_ca" }, { "twin_ca" }, false },
    }
    for _, row in ipairs(ROWS) do
      it(row[1], function()
        in_file(unpack(row[2]))
        in_folder(unpack(row[3]))
        local answer = once { ca_file = ca_file, ca_path = ca_path }
        assert.equal(row[4], answer == "trusted", answer)
      end)
    end

    it("a certificate that is no authority is trusted as itself", function()
      in_file "good"
      assert.equal("trusted", once { ca_file = ca_file })
    end)

    it("a folder alone", function()
      in_folder("other_ca", "ca")
      assert.equal("tls_verify", once { ca_path = ca_path }) -- libcrypto looks for .1 where there is a .0
      in_folder "ca"
      assert.equal("trusted", once { ca_path = ca_path })
      assert.equal("tls_verify", once { ca_path = base .. "/none" })
    end)
  end)

  describe("are what they are when a connection is made:", function()
    local function client_of(tls)
      return caller.new { endpoint = server, tls = tls, http_version = "1.1" }
    end

    it("taken out of the file", function()
      in_file("other_ca", "ca")
      local client = client_of { ca_file = ca_file }
      assert.equal("trusted", told(client))
      assert.equal("trusted", told(client))
      in_file "other_ca"
      assert.equal("tls_verify", told(client))
      assert.equal("tls_verify", told(client))
      in_file("other_ca", "ca")
      assert.equal("trusted", told(client))
      assert.equal("trusted", told(client))
      client:close()
    end)

    it("taken out of the folder", function()
      in_folder("ca", "other_ca")
      local client = client_of { ca_path = ca_path }
      assert.equal("trusted", told(client))
      os.remove(("%s/%s.0"):format(ca_path, hashed "ca"))
      assert.equal("tls_verify", told(client))
      assert.equal("tls_verify", told(client))
      in_folder "ca"
      assert.equal("trusted", told(client))
      client:close()
    end)

    it("taken out of both", function()
      in_file("ca", "other_ca")
      in_folder "ca"
      local client = client_of { ca_file = ca_file, ca_path = ca_path }
      assert.equal("trusted", told(client))
      in_file "other_ca"
      assert.equal("trusted", told(client))
      in_folder "other_ca"
      assert.equal("tls_verify", told(client))
      in_file "ca"
      assert.equal("trusted", told(client))
      client:close()
    end)

    it("a file that has gone, and comes back", function()
      in_file "ca"
      local client = client_of { ca_file = ca_file }
      assert.equal("trusted", told(client))
      os.remove(ca_file)
      local _, err = client:try_run(caller.JOB)
      caller.check({ kind = "config", reason = "tls_config", field = "tls.ca_file" }, err)
      assert.is_truthy(err.message:find(ca_file, 1, true))
      in_file "ca"
      assert.equal("trusted", told(client))
      client:close()
    end)

    it("the system's, taken out of both", function()
      if namespaces.missing() then
        pending(namespaces.missing())
      end
      local PROGRAM = [[
local client = require("codearts.build.core").new { endpoint = %s, auth = "fake-token", retry = false }
local function tell()
  local result, err = client:try_run { job_id = ("0f1e2d3c"):rep(4) }
  io.write(result and "trusted " or err.reason .. " ")
end
tell()
os.execute "cp %s /etc/ssl/certs/ca-certificates.crt"
tell()
os.remove "/etc/ssl/certs/%s.0"
tell()
]]
      local name = hashed "ca"
      local program = PROGRAM:format(quote(server.url), files.other_ca, name)
      local answer = caller.elsewhere(program, function(command)
        local steps = {
          "mkdir -p /etc/ssl/certs",
          "mount -t tmpfs none /etc/ssl/certs",
          ("cp %s /etc/ssl/certs/%s.0"):format(files.ca, name),
          ("cp %s /etc/ssl/certs/ca-certificates.crt"):format(files.ca),
          command,
        }
        return namespaces.command(table.concat(steps, " && "))
      end)
      assert.equal("trusted trusted tls_verify ", answer)
    end)
  end)

  describe("as a file", function()
    local function refused()
      local _, err = caller.run { endpoint = server, tls = { ca_file = ca_file } }
      caller.check({
        kind = "config",
        reason = "tls_config",
        field = "tls.ca_file",
        outcome = "not_started",
        retryable = false,
        attempts = 1,
      }, err)
      assert.equal(0, server:stats().bytes)
    end

    local BROKEN = {
      ["is empty"] = function()
        return ""
      end,
      ["is no PEM"] = function()
        return "no certificate\n"
      end,
      ["is cut off"] = function(good)
        return good:sub(1, -40)
      end,
      ["ends with one that is cut off"] = function(good)
        return good .. good:sub(1, -40)
      end,
      ["holds what is no base64"] = function(good)
        return good .. good:gsub("\nMII", "\n!!!", 1)
      end,
      ["holds base64 of no certificate"] = function(good)
        return good
          .. "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
      end,
      ["holds a certificate that says to be longer"] = function(good)
        return good .. good:gsub("\nMII%u", "\nMII/", 1)
      end,
      ["holds a key alone"] = function()
        return read_file(files.good_key)
      end,
    }
    for name, make in pairs(BROKEN) do
      it("it is refused when it " .. name, function()
        write(ca_file, make(read_file(files.ca)))
        refused()
      end)
    end

    for what, make in pairs {
      ["a pipe"] = "mkfifo %s",
      ["a device that never ends"] = "ln -s /dev/zero %s",
      ["a folder"] = "mkdir %s",
      ["a file of 65 MiB"] = "truncate -s 65M %s",
    } do
      it("it is refused when it is " .. what, function()
        assert(os.execute("rm -f " .. ca_file .. "; " .. make:format(ca_file)))
        refused()
        os.remove(ca_file)
      end)
    end

    it("it may hold texts, keys, line ends of Windows and older labels", function()
      local good, other = read_file(files.ca), read_file(files.other_ca)
      local ROWS = {
        "Somebody's authority\n=====\n" .. good .. "\nits end",
        read_file(files.good_key) .. good,
        other .. (good:gsub("\n", "\r\n")),
        (good:gsub("CERTIFICATE", "X509 CERTIFICATE")),
        (good:gsub("CERTIFICATE", "TRUSTED CERTIFICATE")),
      }
      for i, text in ipairs(ROWS) do
        write(ca_file, text)
        assert.equal("trusted", once { ca_file = ca_file }, "case " .. i)
      end
    end)
  end)

  -- A process that makes 60 connections at once: what it opened, as strace tells, and its threads.
  describe("cost nothing of a connection's:", function()
    local missing = strace.missing()
    if missing then
      pending("a file is read once, a certificate of a folder once in a while: " .. missing)
      return
    end

    local PROGRAM = [[
local client = require("codearts.build.core").new {
  endpoint = %s, auth = "fake-token", retry = false, http_version = "1.1", max_connections = 60,
  tls = { %s }, timeout = 25, connect_timeout = 25,
}
local calls, done = {}, 0
for i = 1, 60 do
  calls[i] = client:start { job_id = ("0f1e2d3c"):rep(4) }
end
for i = 1, 60 do
  done = done + (calls[i]:try_wait(25) and 1 or 0)
end
local threads = 1
for line in io.lines "/proc/self/status" do
  threads = tonumber(line:match "^Threads:%%s+(%%d+)") or threads
end
io.write(done, " done, ", threads, " thread")
]]
    local function opened(tls)
      local log = base .. "/strace"
      local program = PROGRAM:format(quote(server.url), tls)
      local answer = caller.elsewhere(program, function(command)
        return "env ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=report_bugs=0 "
          .. ("strace -f -qq -e trace=open,openat -o %s %s"):format(log, command)
      end)
      assert.equal("60 done, 1 thread", answer)
      return read_file(log)
    end

    local function count(text, path)
      local n = 0
      for _ in text:gmatch((path:gsub("%p", "%%%0"))) do
        n = n + 1
      end
      return n
    end

    it("a file is read once", function()
      in_file("other_ca", "ca")
      assert.equal(1, count(opened(("ca_file = %s"):format(quote(ca_file))), ca_file))
      assert.is_true(server:stats().connections > 20)
    end)

    it("a certificate of a folder is read once in a while", function()
      in_folder "ca"
      local text = opened(("ca_path = %s"):format(quote(ca_path)))
      local reads = count(text, ("%s/%s.0"):format(ca_path, hashed "ca"))
      assert.is_true(reads >= 1 and reads <= 20, reads .. " reads")
    end)
  end)
end)
