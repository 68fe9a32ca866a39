-- What becomes of the command's output where it cannot be written at once, or not at all: nothing is lost that can be
-- written, and what is lost is said.

local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local core = require "codearts.build.core"
local lifecycle = require "spec.support.lifecycle"
local native = require "spec.support.native"
local read_file = require "spec.support.read_file"
local server_process = require "spec.support.server"

local GOOD = cli_sandbox.good
local LINES = 4000 -- more than a pipe or a terminal takes
local LOG = ("a line of the log, long enough\n"):rep(LINES)

describe("codearts-build, whose output", function()
  local server, full_output

  setup(function()
    full_output = native.program "full_output"
    server = server_process.start()
  end)

  teardown(function()
    server:stop()
    os.remove(full_output)
  end)

  before_each(function()
    server:reset()
  end)

  local function page(content)
    content = content:gsub("\n", "\\n")
    return ('{"result":{"content":"%s","offset":8,"has_more_data":false}}'):format(content)
  end

  --- What is told of build 20.
  local function serve(status)
    server:behave("by_path", {
      rows = {
        { path = "/record%-info", body = lifecycle.record(status, lifecycle.FINISHED) },
        { path = "/real%-time%-log.*offset=0", body = page(LOG) },
        { path = "/real%-time%-log", body = page "" },
      },
    })
  end

  --- The command's variables. `how`: what full_output does with its output.
  local function environment(how)
    return {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "a-token",
      UNDER = how and ("%s %s --"):format(full_output, how),
    }
  end

  describe("nobody reads for a while,", function()
    it("comes whole though others made it non-blocking", function()
      serve "SUCCESS"
      for _, kind in ipairs { "shared", "terminal" } do
        local result = command.run(("log %s 20"):format(GOOD), environment(kind .. " read"))
        assert.are.equal(0, result.status, result.err)
        assert.are.equal(#LOG, #result.out, kind)
        assert.are.equal(LOG, result.out)
      end
    end)

    it("comes whole though the command is stopped and goes on", function()
      serve "SUCCESS"
      local how = environment "pipe read CONT TSTP CONT"
      local out = os.tmpname()
      local arguments = ("wait %s 20 --follow >%s"):format(GOOD, out)
      local status, seen = command.run_on_terminal(arguments, how)
      local written = read_file(out)
      os.remove(out)
      assert.are.equal(0, status, seen)
      assert.are.equal(LOG, written:sub(1, #LOG))
      assert.is_truthy(written:find(": SUCCESS", 1, true), written:sub(-500))
    end)

    it("is given up for a signal that is to end the command", function()
      serve "RUNNING"
      for signal, status in pairs { HUP = 129, INT = 130, TERM = 143 } do
        local how = environment("pipe leave " .. signal)
        local result = command.run(("wait %s 20 --follow --output ndjson"):format(GOOD), how)
        assert.are.equal(status, result.status, result.err)
        assert.is_nil(result.err:find("cannot be written", 1, true), result.err)
        assert.is_truthy(result.err:find("goes on", 1, true), result.err)
      end
      -- What it would have done after is no success.
      local result = command.run(("log %s 20"):format(GOOD), environment "pipe leave TERM")
      assert.are.equal(143, result.status, result.err)
    end)

    it("ends the command with 141 where its reader goes away", function()
      serve "SUCCESS"
      for _, more in ipairs { "", " --follow" } do
        local line = command.line(("log %s 20%s"):format(GOOD, more), environment())
        local pipe =
          io.popen(("{ { %s; echo ended with $? >&2; } | head -c 1; } 2>&1"):format(line))
        local told = pipe:read "*a"
        pipe:close()
        assert.is_truthy(told:find("ended with 141", 1, true), told)
      end
    end)

    it("tells what a signal did once somebody reads again", function()
      serve "RUNNING"
      local how = environment "pipe read TERM"
      local result = command.run(("wait %s 20 --follow --output ndjson"):format(GOOD), how)
      assert.are.equal(143, result.status, result.err)
      local last = core.decode(result.out:match "\n({[^\n]*})\n$")
      assert.are.equal("detached", last.event)
    end)
  end)

  --- Runs with its output at the end of a file that may grow by so many bytes. Answers the status, what was written, and
  -- what was said elsewhere.
  local function run_limited(room, before, arguments, redirections)
    local out, full = os.tmpname(), ("\0"):rep(2048 * 512 - room)
    local file = assert(io.open(out, "wb"))
    file:write(full)
    file:close()
    local line = command.line(arguments, environment())
    local running = command.start_line(
      ("%s ulimit -S -f 2048; exec %s >>%s %s"):format(before, line, out, redirections)
    )
    local status, said = running:finish()
    local written = read_file(out):sub(#full + 1)
    os.remove(out)
    return status, written, said
  end

  -- As on a full disk, but that the system sends a signal, too.
  it("meets the limit of the size of files says so", function()
    serve "SUCCESS"
    for _, before in ipairs { "", "trap '' XFSZ;" } do
      for _, arguments in ipairs { "log %s 20", "wait %s 20 --follow --output ndjson" } do
        local status, written, said = run_limited(50000, before, arguments:format(GOOD), "")
        assert.are.equal(6, status, said)
        assert.are.equal(50000, #written)
        assert.is_truthy(said:find("cannot be written to: File too large", 1, true), said)
      end
    end
  end)

  it("has no room for what was started tells it on standard error", function()
    server:behave "ok"
    local status, written, said = run_limited(0, "", "run " .. GOOD, "")
    assert.are.equal(6, status, said)
    assert.are.equal("", written)
    assert.is_truthy(said:find("build 20 of " .. GOOD .. " was started", 1, true), said)
    assert.are.equal(6, (run_limited(0, "", "run " .. GOOD, "2>&1")))
  end)
end)
