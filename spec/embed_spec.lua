-- A C program that links the core in (examples/embed.c), built with the flags of this very build.
local native = require "spec.support.native"
local run_job = require "spec.support.run_job"
local servers = require "spec.support.server"
local quote = require "spec.support.quote"

-- Runs a shell command; answers whether it succeeded, and its output.
local function sh(command)
  local pipe = assert(io.popen(("{ %s\n} 2>&1 && echo succeeded"):format(command)))
  local text = pipe:read "*a"
  pipe:close()
  local output = text:match "^(.*)succeeded\n$"
  return output ~= nil, output or text
end

-- The folder of this build: where the core was loaded from.
local function build_folder()
  for template in package.cpath:gmatch "[^;]+" do
    local folder = template:match "^(.*)/%?%.so$"
    local file = folder and io.open(folder .. "/libcodearts_build.a")
    if file then
      file:close()
      return folder
    end
  end
  error "no libcodearts_build.a beside core.so"
end

describe("a C program with the core linked in", function()
  local server, program
  setup(function()
    server = servers.start()
    local folder = build_folder()
    local flags = {}
    for line in io.lines(folder .. "/config.mk") do
      local name, value = line:match "^([%u_]+) %?= (.*)$"
      if name then
        flags[name] = value
      end
    end
    local archive = folder .. "/libcodearts_build.a"
    program = os.tmpname()
    local ok, output = sh(table.concat({
      os.getenv "CC" or "cc",
      "-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -g -Icsrc",
      native.werror,
      flags.LUA_CFLAGS,
      "-o " .. quote(program),
      "examples/embed.c",
      quote(archive),
      flags.LUA_LIBS,
      flags.DEP_LIBS,
      native.runtime(),
      "-lm -ldl -pthread",
    }, " "))
    assert(ok, output)
  end)
  teardown(function()
    os.remove(program)
    server:stop()
  end)

  local function run(job_id)
    -- The core must come from the program, so its file is kept out of the way.
    local path = package.cpath:gsub("[^;]*/build/[^;/]*/%?%.so;?", "")
    return sh(
      ("env -u LUA_PATH CODEARTS_BUILD_TOKEN=fake-token LUA_CPATH=%s timeout 300 %s %s %s"):format(
        quote(path),
        quote(program),
        server.url,
        job_id
      )
    )
  end

  it("runs one build", function()
    local ok, output = run(run_job.JOB_ID)
    assert.equal("build 20 started\n", output)
    assert.is_true(ok)
    local requests = server:stats().requests
    assert.equal(1, #requests)
    assert.equal("fake-token", requests[1].headers["x-auth-token"])
    assert.equal(('{"job_id":"%s"}'):format(run_job.JOB_ID), requests[1].body)
  end)

  it("learns what went wrong", function()
    local ok, output = run "too-short"
    assert.is_false(ok)
    assert.truthy(output:find "^usage error: no build was started: job_id: ")
    server:script { "forbidden" }
    ok, output = run(run_job.JOB_ID)
    assert.is_false(ok)
    assert.truthy(output:find "^RunJob: auth error: no build was started: 403 ")
  end)
end)
