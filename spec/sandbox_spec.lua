-- The sandbox as a process: it starts, says where it is, and leaves nothing behind however it ends.

local client = require("spec.support.sandbox_client")
local sandbox = require("codearts.build.sandbox")

local function alive(pid)
  return client.is_alive(pid)
end

local function gone(pid)
  return client.eventually(function()
    return not alive(pid)
  end)
end

-- A job that tells the process ids of its step and of that step's child, then waits for ever.
local SLEEPER = [[
job {
  id = "sleeper0000000000000000000000001",
  name = "sleeper",
  parameters = { TRAP = "" },
  steps = {
    step { name = "Sleep", run = "trap \"$TRAP\" TERM\nsleep 600 & echo pids $$ $!; wait; wait" },
  },
}
]]
local SLEEPER_ID = "sleeper0000000000000000000000001"

local function pids_of(log)
  return log:match("pids (%d+) (%d+)")
end

-- The interpreter that runs this spec, as a word of a shell command.
local LUA = os.getenv("LUA")
  or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d%.%d"))

local function lua_command(code)
  return ("%s -e '%s'"):format(LUA, code)
end

describe("sandbox.start", function()
  it("answers an endpoint on loopback, a token that works, and stop", function()
    local c = client.start()
    assert.matches("^http://127%.0%.0%.1:%d+$", c.box.endpoint)
    assert.equal("string", type(c.box.token))
    assert.equal(200, c:get("/v3/jobs/" .. client.SAMPLE .. "/status").status)
    c.box.stop()
    c.box.stop()
    assert.has_error(function()
      c:get("/__sandbox/stats")
    end)
  end)

  it("takes the token and the port that it is given", function()
    local first = sandbox.start({ token = "a token; with = signs" })
    assert.equal("a token; with = signs", first.token)
    first.stop()
    local port = tonumber(first.endpoint:match("%d+$"))
    local second = sandbox.start({ port = port })
    assert.equal(first.endpoint, second.endpoint)
    second.stop()
  end)

  it("takes a token of the greatest length that the service documents", function()
    local c = client.start({ token = ("t"):rep(100000) })
    assert.equal(100000, #c.box.token)
    assert.equal(200, c:get("/v3/jobs/" .. client.SAMPLE .. "/status").status)
    c.box.stop()
  end)

  it("says why it cannot listen", function()
    local first = sandbox.start()
    local ok, message = pcall(sandbox.start, { port = tonumber(first.endpoint:match("%d+$")) })
    first.stop()
    assert.is_false(ok)
    assert.matches("cannot listen on 127.0.0.1 port %d+: ", message)
  end)

  it("does not take two sandboxes for one", function()
    local first, second = sandbox.start(), sandbox.start()
    assert.not_equal(first.endpoint, second.endpoint)
    assert.not_equal(first.token, second.token)
    first.stop()
    second.stop()
  end)

  it("fails where there is no interpreter, without harm to this process", function()
    local real = arg
    _G.arg = { [-1] = "/no/such/lua5.4", [0] = "x" }
    local ok, message = pcall(sandbox.start)
    _G.arg = real
    assert.is_false(ok)
    assert.equal("codearts-build sandbox: the process did not start", message)
  end)

  it("finds an interpreter of its own inside another host", function()
    local real = arg
    _G.arg = { [-1] = "/usr/bin/editor", [0] = "x" }
    local box = sandbox.start()
    _G.arg = real
    assert.matches("^http://", box.endpoint)
    box.stop()
  end)

  it("refuses bad options and names them", function()
    local cases = {
      { { jops = "x" }, "the sandbox has no option 'jops'" },
      { { port = 65536 }, "option port must be an integer from 0 to 65535" },
      { { port = "80" }, "option port must be" },
      { { max_builds = 0 }, "option max_builds must be an integer from 1 to 64" },
      { { token = "" }, "option token must be a text" },
      { { token = "a\nb" }, "option token must be a text without control characters" },
      { { token_life = 0 }, "option token_life must be a number of seconds above 0" },
      { { project_id = "short" }, "option project_id must be 32 digits and lower%-case letters" },
      { { metadata = "yes" }, "option metadata must be true or false" },
      { { user = "u" }, "options user and password go together" },
      { { sk = "s" }, "options ak and sk go together" },
      { { idp_id = "i" }, "options idp_id and id_token go together" },
      { { jobs = "/no/such/file.lua" }, "the job file cannot be read: /no/such/file.lua" },
    }
    for _, case in ipairs(cases) do
      local ok, message = pcall(sandbox.start, case[1])
      assert.is_false(ok)
      assert.matches("^codearts%-build sandbox: ", message)
      assert.matches(case[2], message)
    end
  end)

  it("names the place in a bad job file", function()
    local path =
      client.write_file('job {\n  id = "sleeper0000000000000000000000001",\n  name = "x",\n}\n')
    local ok, message = pcall(sandbox.start, { jobs = path })
    os.remove(path)
    assert.is_false(ok)
    assert.equal(
      "codearts-build sandbox: "
        .. path
        .. ":1: job: steps must be a list with at least one: steps = { step { name = …, run = … } }",
      message
    )
  end)

  it("keeps what builds made only in a folder that it was given", function()
    local folder = client.output_of("mktemp -d"):gsub("\n", "")
    local c = client.start({ folder = folder .. "/new" })
    local number, answer = c:run()
    c:finished(client.SAMPLE, number)
    c.box.stop()
    local name = folder .. "/new/" .. answer.json.octopus_job_name
    assert.equal(name .. "\n", client.output_of("ls -d " .. name))
    client.output_of("rm -rf " .. folder)
  end)

  it("writes no parameter into that folder, where others may read", function()
    local folder = client.output_of("mktemp -d"):gsub("\n", "")
    local id = "secretjob00000000000000000000001"
    local jobs = client.write_file(([[
      job {
        id = "%s",
        name = "secret",
        parameters = { SIGNING_KEY = { default = "", secret = true } },
        steps = {
          step { name = "Look", run = 'grep -rl -- "$SIGNING_KEY" "$WORKSPACE/.." || echo nowhere' },
        },
      }]]):format(id))
    local c = client.start({ folder = folder, jobs = jobs })
    local number = c:run(id, { SIGNING_KEY = "not-for-others" })
    c:finished(id, number)
    assert.truthy(c:log(id, number):find("\nnowhere\n", 1, true))
    c.box.stop()
    assert.equal("", client.output_of("grep -rl not-for-others " .. folder))
    client.output_of("rm -rf " .. folder)
    os.remove(jobs)
  end)

  it("lets nobody else read there what a build printed and made", function()
    local folder =
      client.output_of("umask 022; d=$(mktemp -d) && chmod 755 $d && echo $d"):gsub("\n", "")
    local id = "secretjob00000000000000000000001"
    local jobs = client.write_file(([[
      job {
        id = "%s",
        name = "secret",
        parameters = { SIGNING_KEY = { default = "", secret = true } },
        steps = { step { name = "Show", run = 'echo "$SIGNING_KEY" | tee key' } },
      }]]):format(id))
    local c = client.start({ folder = folder, jobs = jobs })
    local number = c:run(id, { SIGNING_KEY = "not-for-others" })
    c:finished(id, number)
    c.box.stop()
    local found = client.output_of("grep -rl not-for-others " .. folder)
    assert.equal(2, select(2, found:gsub("\n", "")), found)
    assert.equal(
      "",
      client.output_of(("find %s -mindepth 1 -maxdepth 1 -perm /077"):format(folder))
    )
    client.output_of("rm -rf " .. folder)
    os.remove(jobs)
  end)
end)

describe("the end of a sandbox", function()
  local jobs, c, step, child

  before_each(function()
    jobs = client.write_file(SLEEPER)
  end)

  after_each(function()
    os.remove(jobs)
  end)

  local function start_sleeper(parameters)
    c = client.start({ jobs = jobs })
    local number = c:run(SLEEPER_ID, parameters)
    step, child = pids_of(c:logged(SLEEPER_ID, number, "pids"))
    assert.is_true(alive(step) and alive(child))
  end

  it("takes the running builds along", function()
    start_sleeper()
    c.box.stop()
    assert.is_false(alive(step) or alive(child))
  end)

  it("kills a build that does not want to end", function()
    start_sleeper({ TRAP = "echo no" })
    c.box.stop()
    assert.is_false(alive(step) or alive(child))
  end)

  it("takes the builds along when it is killed itself", function()
    start_sleeper()
    local server = client.output_of(("ps -o sid=,ppid= -p %s"):format(step))
    local runner = server:match("(%d+)")
    local pid = client.output_of(("ps -o ppid= -p %s"):format(runner)):match("%d+")
    os.execute("kill -KILL " .. pid)
    gone(step)
    gone(child)
    c.box.stop()
  end)

  it("comes with the end of the process that started it", function()
    local code = ([[
      local box = require("codearts.build.sandbox").start { jobs = "%s", token = "T" }
      io.write(box.endpoint, "\n")
      io.flush()
      os.execute("kill -KILL $PPID")
    ]]):format(jobs)
    local endpoint = client.output_of(lua_command(code) .. " 2>/dev/null"):match("%S+")
    assert.matches("^http://", endpoint)
    client.eventually(function()
      return client.output_of("curl -s " .. endpoint .. "/__sandbox/stats; echo $?"):match("^7\n$")
    end)
  end)
end)

describe("sandbox.serve", function()
  local folder

  local function read(name)
    local handle = io.open(folder .. "/" .. name)
    local text = handle and handle:read("*a")
    if handle then
      handle:close()
    end
    return text and text:find("\n") and text
  end

  local function written(name)
    return client.eventually(function()
      return read(name)
    end)
  end

  before_each(function()
    folder = client.output_of("mktemp -d"):gsub("\n", "")
  end)

  after_each(function()
    client.output_of("rm -rf " .. folder)
  end)

  -- Runs it in a process that says its id in the file `pid`, and answers a pipe whose end is its end.
  local function serve(options)
    local code = ('require("codearts.build.sandbox").serve(%s)'):format(options)
    local script =
      [[sh -c 'echo $$ >%s/pid; exec "$0" -e "$1"' %s '%s' >%s/ready 2>&1; echo $? >%s/status]]
    return io.popen(script:format(folder, LUA, code, folder, folder), "r")
  end

  for _, name in ipairs({ "TERM", "INT" }) do
    it("prints one line when it listens and ends well on SIG" .. name, function()
      local pipe = serve('{ token = "T" }')
      local line = written("ready")
      assert.matches(
        "^codearts%-build sandbox ready endpoint=http://127%.0%.0%.1:%d+ token=T project_id=sandboxproject%d+\n$",
        line
      )
      os.execute(("kill -%s %s"):format(name, written("pid"):match("%d+")))
      pipe:close()
      assert.equal("0\n", read("status"))
      assert.equal(line, read("ready"))
    end)
  end

  it("raises what is wrong", function()
    serve("{ port = -1 }"):close()
    assert.matches("codearts%-build sandbox: the sandbox's option port must be", read("ready"))
    assert.equal("1\n", read("status"))
  end)
end)
