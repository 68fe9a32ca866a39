-- What becomes of calls that the system, libcrypto or libcurl refuses: each ends in an error that says
-- so, and nothing is left behind.

local caller = require "spec.support.caller"
local native = require "spec.support.native"
local servers = require "spec.support.server"

local library
setup(function()
  library = native.library("refuse", "-Wl,--no-as-needed $(pkg-config --libs libcurl libcrypto)")
end)
teardown(function()
  os.remove(library)
end)

-- Runs a program with these shell commands or variables before it; answers what it printed.
local function run(before, program)
  return (
    caller.elsewhere('local core = require "codearts.build.core"\n' .. program, function(command)
      return ('export ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"; %s %s'):format(
        before:gsub("PRELOAD", "LD_PRELOAD=" .. library),
        command
      )
    end)
  )
end

local FOLDER = [[
local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)
local function list()
  local pipe = io.popen("ls -A " .. folder)
  print("left: " .. pipe:read("*a"):gsub("%s+$", "") .. ".")
  pipe:close()
end
]]

describe("libcurl", function()
  it("older than 7.80 is refused by name", function()
    local told = caller.elsewhere('print(pcall(require, "codearts.build"))', function(command)
      return ("ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=%s LIBCURL=7.79.1 %s"):format(
        library,
        command
      )
    end)
    assert.truthy(told:find("config error: libcurl 7.79.1 is too old", 1, true), told)
  end)

  it("that does not start is told", function()
    local told = run(
      "PRELOAD REFUSE=curl_global_init",
      [[
local ok, err = pcall(core.new, { endpoint = "http://127.0.0.1:1" })
print(ok, err)]]
    )
    assert.equal("false\tconfig error: libcurl did not start: Failed initialization\n", told)
  end)

  -- Before 7.87 its TLS library may raise SIGPIPE; before 7.85 there are no names of protocols.
  for _, version in ipairs { "7.80.0", "7.86.0" } do
    it(version .. " ends no process by SIGPIPE", function()
      for _, tls in ipairs { false, true } do
        local server = servers.start { tls = tls }
        local told = run(
          ("PRELOAD LIBCURL=%s env --default-signal=PIPE"):format(version),
          ([[
local client = core.new {
  endpoint = "%s", auth = "fake-token", timeout = 10, tls = { ca_file = %q },
}
for _ = 1, 3 do
  print(client:run({ job_id = ("0"):rep(32) }).octopus_job_name)
end
client:start { job_id = ("0"):rep(32) }
client:step(0)
client:close()
print(core.versions().libcurl)
io.stdout:flush()
-- The signal is as it was: it ends this program, which then says no more.
if not %s then
  os.execute "kill -PIPE $PPID"
  print "not ended"
end]]):format(server.url, server.ca_file or "/none", tostring(tls))
        )
        assert.equal(("j_Oaqg3PCN\n"):rep(3) .. version .. "\n", told)
        server:stop()
      end
    end)
  end
end)

describe("a system without random bytes", function()
  it("makes no ids and no files, and still runs builds", function()
    local server = servers.start()
    local told = run("PRELOAD REFUSE=getentropy", FOLDER .. ([[
local client = core.new { endpoint = "%s", auth = "fake-token" }
local job = { job_id = ("0"):rep(32) }
print(pcall(core.uuid))
print(client:try_run(job, { run_id = { parameter = "RUN" } }))
print(core.file.replace(folder .. "/a", "text"))
print(core.file.spool(folder .. "/b"))
print(client:run(job).octopus_job_name)
client:close()
list()]]):format(server.url))
    assert.equal(
      [[
false	usage error: uuid: the system has no random bytes to give
nil	usage error: no build was started: run_id: the system has no random bytes to give
nil	Input/output error	false
nil	Input/output error	false
j_Oaqg3PCN
left: .
]],
      told
    )
    assert.equal(1, server:stats().processed)
    server:stop()
  end)
end)

describe("libcrypto", function()
  it("that cannot hash starts no build", function()
    local server = servers.start()
    local told = run(
      "PRELOAD REFUSE=EVP_DigestInit_ex",
      ([[
print(pcall(core.sign, {
  algorithm = "SDK-HMAC-SHA256", ak = "FAKEAK", sk = "fake-secret-key", method = "GET",
  host = "a.test", path = "/", date = "20240102T030405Z",
}))
local client = core.new { endpoint = "%s", auth = { ak = "FAKEAK", sk = "fake-secret-key" } }
local _, err = client:try_run { job_id = ("0"):rep(32) }
print(err.kind, err.reason, err.outcome, err.retryable)]]):format(server.url)
    )
    assert.equal(
      [[
false	config error: libcrypto could not compute SHA-256
config	internal	not_started	false
]],
      told
    )
    assert.equal(0, server:stats().processed)
    server:stop()
  end)
end)

describe("files:", function()
  -- 1 MiB may be written. Whoever writes more is ended by a signal, unless he ignores it or holds it back.
  local SMALL = "ulimit -S -f 2048;"

  it("what does not fit leaves the old text, and nothing else", function()
    local told = run(SMALL, FOLDER .. [[
print(core.file.replace(folder .. "/a", "old"))
print(core.file.replace(folder .. "/a", ("x"):rep(3 * 1024 * 1024)))
print(core.file.read(folder .. "/a"))
list()]])
    assert.truthy(
      told:find "^true\nnil\tFile too large\tfalse\nold\ttable: [^\n]+\nleft: a%.\n$",
      told
    )
  end)

  it("a record that does not fit is told beside the build that it tells of", function()
    local server = servers.start()
    local told = run("ulimit -S -f 4;", FOLDER .. ([[
os.execute("chmod 700 " .. folder)
local client = require("codearts.build").new {
  endpoint = "%s", auth = "fake-token", key_store = require("codearts.build.key_store").file(folder),
  on_event = function(event)
    if event.type == "warning" then
      print(event.message:match ": ([%%a ]+)$")
    end
  end,
}
local job = { job_id = ("0"):rep(32), parameter = {} } -- of which one record fits, and no two
for i = 1, 45 do
  job.parameter["P" .. i] = "x"
end
print(client:run(job, { key = "k" }).octopus_job_name)
io.stdout:flush()
-- The signal is as it was: it ends this program, which then says no more.
os.execute "kill -XFSZ $PPID"
print "not ended"]]):format(server.url))
    server:stop()
    assert.equal("File too large\nj_Oaqg3PCN\n", told:sub(1, 26), told)
    assert.is_nil(told:find("not ended", 1, true))
  end)

  it("an answer that does not fit ends its call, and the spool tells why", function()
    local server = servers.start()
    server:behave("answer", { body = ("x"):rep(3 * 1024 * 1024) })
    for _, before in ipairs { "", "LD_PRELOAD=" .. library .. " REFUSE=O_TMPFILE" } do
      local told = run(SMALL .. before, FOLDER .. ([[
local client = core.new { endpoint = "%s", auth = "fake-token", retry = false }
for _, finish in ipairs { "commit", "discard" } do
  local spool = assert(core.file.spool(folder .. "/a"))
  local call = client:request { method = "GET", path = "/x", answer = "bytes", stream = spool }
  local ok, err = pcall(call.wait, call)
  print(ok, err.kind)
  print(spool[finish](spool))
  print(pcall(spool.commit, spool))
end
client:close()
list()]]):format(server.url))
      assert.equal(
        [[
false	cancelled
nil	File too large	false
false	usage error: self: must be a spool that is still open
false	cancelled
File too large
false	usage error: self: must be a spool that is still open
left: .
]],
        told
      )
    end
    server:stop()
  end)

  it("where every file has a name, it is one of its own until it is complete", function()
    local told = run("PRELOAD REFUSE=O_TMPFILE", FOLDER .. [[
local spool = assert(core.file.spool(folder .. "/a"))
local pipe = io.popen("ls " .. folder)
print((pipe:read("*a"):gsub("%x%x+", "HEX")))
pipe:close()
print(spool:commit())
list()
core.file.spool(folder .. "/b"):discard()
core.file.spool(folder .. "/c")
collectgarbage()
collectgarbage()
list()]])
    assert.equal("a.HEX.part\n\n0\nleft: a.\nleft: a.\n", (told:gsub("0%.0", "0")))
  end)

  it("what cannot be named, kept or locked is told", function()
    local told = run("PRELOAD REFUSE='linkat rename flock'", FOLDER .. [[
print(core.file.spool(folder .. "/a"):commit())
print(core.file.replace(folder .. "/a", "text"))
print(core.file.lock(folder .. "/lock"))
print(core.file.read "/proc/self/mem")
list()]])
    assert.equal(
      [[
nil	Operation not permitted	false
nil	Input/output error	false
nil	No locks available	false
nil	Input/output error	false
left: lock.
]],
      told
    )
  end)
end)

describe("a process with all its files open", function()
  it("makes no client, and goes on when some are closed", function()
    local server = servers.start()
    local told = run(
      "ulimit -n 64;",
      ([[
local held = {}
repeat
  local file = io.open "/dev/null"
  held[#held + 1] = file
until not file
local options = { endpoint = "%s", auth = "fake-token" }
print(pcall(core.new, options))
for _, file in ipairs(held) do
  file:close()
end
local client = core.new(options)
print(client:run({ job_id = ("0"):rep(32) }).octopus_job_name)
client:close()]]):format(server.url)
    )
    assert.equal(
      "false\tconfig error: the system gave no event descriptor: too many open files?\nj_Oaqg3PCN\n",
      told
    )
    server:stop()
  end)

  it("starts no call in a loop that could not be woken, and tells of all that it starts", function()
    if not pcall(require, "luv") then
      pending "luv is not installed"
      return
    end
    local server = servers.start()
    local told = run(
      "ulimit -n 64;",
      ([[
local uv, adapter = require "luv", require "codearts.build.luv"
require "codearts.build.hosts.uv" -- while a file can be opened
local client = require("codearts.build").new { endpoint = "%s", auth = "fake-token", retry = false }
local held = {}
local function take_all()
  repeat
    local file = io.open "/dev/null"
    held[#held + 1] = file
  until not file
end
local function free_all()
  for i = #held, 1, -1 do
    held[i]:close()
    held[i] = nil
  end
end
take_all()
print(pcall(client.pollfd, client))
print(pcall(adapter.attach, client))
free_all()
adapter.attach(client)
uv.run "nowait" -- nothing is to come but the start
take_all()
local timer = uv.new_timer()
timer:start(10, 0, function()
  client:start({ job_id = ("0"):rep(32) }):on_done(function(result, err)
    print(result or err.outcome)
    client:close()
  end)
  timer:start(500, 0, function()
    free_all()
    timer:start(60000, 0, function()
      print "nobody was woken"
      os.exit(1)
    end)
    timer:unref()
  end)
end)
uv.run()]]):format(server.url)
    )
    local refused =
      "false\tconfig error: the system gave no descriptor to wake by: too many open files?\n"
    assert.equal(refused:rep(2) .. "not_started\n", told)
    server:stop()
  end)

  it("still hears of a sign-in", function()
    local server = servers.start()
    local told = run(
      "ulimit -n 64;",
      ([[
local identity = core.identity()
local client = core.new { endpoint = "%s", auth = identity }
client:pollfd() -- somebody may wait for it
local held = {}
repeat
  local file = io.open "/dev/null"
  held[#held + 1] = file
until not file
local call = client:start { job_id = ("0"):rep(32) }
client:step(0)
print(identity:wanted())
identity:set { token = "fake-token" }
for _, file in ipairs(held) do
  file:close()
end
print(call:wait(10).octopus_job_name)
client:close()]]):format(server.url)
    )
    assert.equal("missing\nj_Oaqg3PCN\n", told)
    server:stop()
  end)
end)
