-- Who comes late, who sleeps, who was cut off: one build all the same.

local build = require "codearts.build"
local key_store = require "codearts.build.key_store"
local keyed = require "spec.support.keyed"
local read_file = require "spec.support.read_file"
local servers = require "spec.support.server"
local strace = require "spec.support.strace"

local ARGS = { job_id = "samplejob00000000000000000000001" }
local PAST_FENCE = 900 + 120 + 60

local missing = strace.missing()

describe("who sleeps between his record and his request", function()
  local world

  before_each(function()
    world = keyed.start()
  end)
  after_each(function()
    world:stop()
  end)

  it("keeps others waiting where his life shows", function()
    if missing then
      pending(missing)
    end
    local wake = world:sleeper {}
    assert.truthy(world:run({ key_wait = "0.2" }):find "^key\tbusy\tunknown")
    world:move_clock(PAST_FENCE)
    local other = world:run { auth = "token", when_lost = "resend", key_wait = "0.2" }
    assert.truthy(other:find "^key\tbusy\tunknown")
    assert.truthy(wake():find "not_started") -- his signature is too old
    assert.equal(0, world:started())
    assert.truthy(world:run({ auth = "token" }):find "^build")
    assert.equal(1, world:started())
  end)

  it("is refused when somebody sent again past his fence", function()
    local wake = world:sleeper { hold = "no" }
    local opts = { hold = "no", auth = "token", when_lost = "resend", key_wait = "0.2" }
    assert.truthy(world:run(opts):find "^key\tin_doubt\tunknown") -- too early
    world:move_clock(PAST_FENCE)
    assert.equal("build\t1\n", world:run(opts))
    -- His is refused (401); before he tries again he finds that the key is not his any more.
    assert.equal("build\t1\n", wake())
    assert.equal(1, world:started())
  end)

  it("leaves doubt when he has a token, which does not grow old", function()
    local wake = world:sleeper { hold = "no", auth = "token" }
    world:move_clock(PAST_FENCE)
    local opts = { hold = "no", auth = "token", when_lost = "resend", key_wait = "0.2" }
    assert.truthy(world:run(opts):find "^key\tin_doubt\tunknown")
    assert.equal(0, world:started())
    assert.equal("build\t1\n", wake())
    assert.equal("build\t1\n", world:run(opts))
    assert.equal(1, world:started())
  end)

  it("stays in doubt when what was sent again is refused", function()
    world.box:request("POST", "/__sandbox/lose")
    local wake = world:sleeper { hold = "no" }
    world:move_clock(PAST_FENCE)
    world.box:request("POST", "/__sandbox/refuse?status=429&times=5&operation=RunJob")
    local opts = { hold = "no", auth = "token", when_lost = "resend", key_wait = "0.2" }
    assert.truthy(world:run(opts):find "unknown")
    local records = world:records()
    assert.same({ "open", "open" }, { records[1].state, records[#records].state })
    wake()
    assert.equal(0, world:started())
  end)
end)

describe("what a power cut leaves of a record", function()
  local server, base

  setup(function()
    server = servers.start()
    base = os.tmpname()
    os.remove(base)
  end)
  teardown(function()
    server:stop()
    os.execute("rm -rf " .. base)
  end)

  local function run(folder, auth)
    local client = build.new {
      endpoint = server.url,
      auth = auth or { ak = "AK", sk = "SK" },
      retry = false,
      key_store = key_store.file(folder),
    }
    local result, err = client:try_run(ARGS, { key = "k", key_wait = 0 })
    client:close()
    return result, err
  end

  --- Cuts the file of the key behind every byte of its last line, and answers what a run says then.
  local function each_cut(visit)
    server:reset()
    run(base .. "/whole")
    local name = io.popen("ls " .. base .. "/whole"):read "*l"
    local text = read_file(base .. "/whole/" .. name)
    local first = #text:match "^[^\n]*\n"
    visit(function(length)
      os.execute(("rm -rf %s/cut; mkdir -p -m 700 %s/cut"):format(base, base))
      local cut = assert(io.open(base .. "/cut/" .. name, "wb"))
      cut:write(text:sub(1, length))
      cut:close()
      os.execute(("chmod 600 %s/cut/%s"):format(base, name))
      server:reset()
      return run(base .. "/cut")
    end, first, #text)
  end

  it("is nothing before its end: what was not on the disk was not sent", function()
    each_cut(function(at, first)
      for length = 0, first - 1, 7 do
        assert.is_truthy(at(length), tostring(length))
        assert.equal(1, server:stats().processed)
      end
      local _, err = at(first - 1)
      assert.is_nil(err)
    end)
  end)

  it("is doubt after it, until the build's own record is whole", function()
    each_cut(function(at, first, all)
      for length = first, all - 1, 7 do
        local _, err = at(length)
        assert.equal("in_doubt", err.reason)
        assert.equal(0, server:stats().processed)
      end
      assert.is_truthy(at(all))
      assert.equal(0, server:stats().processed)
    end)
  end)
end)

describe("the disk", function()
  if missing then
    pending(missing)
    return
  end
  local world

  setup(function()
    world = keyed.start()
  end)
  teardown(function()
    world:stop()
  end)

  --- What a run asks of the disk and of the network, in its order, by strace.
  local function calls()
    local log = world.base .. "/strace"
    os.execute("mkdir -p " .. world.base)
    local text = world:run {
      run_id = "no",
      prefix = "strace -f -qq -o " .. log .. " -e trace=fsync,fdatasync,connect,pwrite64",
    }
    assert.truthy(text:find "^build")
    local list = {}
    for line in io.lines(log) do
      local name = line:match "^%d+%s+([%w_]+)%("
      if name and not line:find("AF_UNIX", 1, true) then
        list[#list + 1] = name
      end
    end
    return list
  end

  it("has the record before the service has the request, and is asked no more than that", function()
    calls() -- makes the folders
    world.number, world.key = world.number + 1, "another"
    assert.same({ "pwrite64", "fdatasync", "fsync", "connect", "pwrite64", "fdatasync" }, calls())
    assert.same({}, calls()) -- a replay writes and sends nothing
  end)

  it("is not believed when it shows what it could not sync", function()
    world:fresh()
    local text = world:run {
      prefix = "strace -f -qq -o /dev/null -e trace=fdatasync,/^ftruncate"
        .. " -e inject=fdatasync:error=EIO:when=1 -e inject=/^ftruncate:error=EIO",
    }
    assert.equal("key\tstore\tnot_started\n", text)
    assert.equal("open", world:records()[1].state)
    assert.equal(0, world:started())
  end)

  it("is not held by somebody because a signal came", function()
    world:fresh()
    local text = world:run {
      key_wait = "0",
      prefix = "strace -f -qq -o /dev/null -e trace=flock -e inject=flock:error=EINTR:when=1",
    }
    assert.equal("build", text:match "^%a+")
  end)

  it("is believed once: what could not be synced is not sent", function()
    for _, call in ipairs { "fdatasync", "fsync", "pwrite64" } do
      for _, code in ipairs { "EIO", "ENOSPC" } do
        world:fresh()
        local text = world:run {
          prefix = ("strace -f -qq -o /dev/null -e trace=%s -e inject=%s:error=%s:when=1"):format(
            call,
            call,
            code
          ),
        }
        assert.equal("key\tstore\tnot_started\n", text, call .. " " .. code)
        assert.equal(0, world:started())
        assert.truthy(world:run({}):find "^build")
        assert.equal(1, world:started())
      end
    end
  end)
end)
