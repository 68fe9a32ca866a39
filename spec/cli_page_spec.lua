-- The command in a real terminal with a shell (tmux): what is on the page and above it, after it has scrolled, was
-- stopped, put into the background, or resized.

local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local tmux = require "spec.support.tmux"

local GOOD, BAD = cli_sandbox.good, cli_sandbox.bad

local function count(str, wanted)
  local _, found = str:gsub(wanted, "")
  return found
end

-- Where there is none, `make check` has brought it.
if not tmux.is_here() then
  pending "codearts-build on a page: tmux is not installed"
  return
end

describe("codearts-build on a page", function()
  local box, page, script

  setup(function()
    box = cli_sandbox.start()
    script = os.tmpname()
  end)

  teardown(function()
    box:stop()
    os.remove(script)
  end)

  before_each(function()
    box:close_gate()
  end)

  after_each(function()
    box:open_gate()
    page:stop()
  end)

  --- Opens a page whose shell knows the command as `go`.
  local function open(arguments, columns, rows)
    local file = assert(io.open(script, "w"))
    file:write("exec ", command.line(arguments, box.env), "\n")
    file:close()
    page = tmux.start(columns or 80, rows or 24)
    page:type("alias go='sh " .. script .. "'\n")
    page:expect "ready:"
  end

  local function gate()
    return "--param GATE=" .. command.quote(box.gate)
  end

  it("fits more builds than rows, and loses no number", function()
    open(("run %s %s --wait %s"):format((GOOD .. " "):rep(19), BAD, gate()), 80, 12)
    page:type "go\n"
    -- Between two pictures there is none.
    local seen
    repeat
      page:expect "more: "
      page:expect "waiting"
      seen = page:text()
    until seen:find "and %d+ more: [^\n]*%d+ waiting\n"
    box:open_gate()
    page:expect "ready:"
    local history = page:history()
    assert.are.equal(20, count(history, " started %("), history)
    assert.are.equal(19, count(history, ": SUCCESS, took"), history)
    assert.are.equal(1, count(history, ": FAILURE, took"), history)
    assert.is_nil(history:find("RUNNING", 1, true), history)
    assert.is_true(count(history, "\n") < 60, history)
  end)

  it("is left clean by Ctrl-Z, and by what comes after it", function()
    open(("run %s --wait %s"):format(GOOD, gate()))
    page:type "go\n"
    page:expect "▸ 编译程序"
    page:type "\26"
    page:expect "ready:"
    local stopped = page:text()
    assert.is_nil(stopped:find("▸", 1, true), stopped)
    assert.is_truthy(stopped:find("Stopped", 1, true), stopped)
    page:type 'echo of" "the shell\n'
    page:expect "of the shell"
    page:type "fg\n"
    page:expect "▸ 编译程序"
    box:open_gate()
    page:expect "ready:"
    local history = page:history()
    assert.is_truthy(history:find("\nof the shell\n", 1, true), history)
    assert.is_truthy(history:find(": SUCCESS, took", 1, true), history)
    assert.is_nil(history:find("▸", 1, true), history)
    assert.is_nil(history:find("RUNNING", 1, true), history)
  end)

  it("is not drawn on from the background", function()
    open(("run %s --wait %s"):format(GOOD, gate()))
    page:type "go &\n"
    page:expect " started ("
    page:type 'echo of" "the shell\n'
    page:expect "of the shell"
    page:type "fg\n"
    page:expect "▸ 编译程序"
    local before = page.seen:match " started %((.*)of the shell\r\n"
    assert.is_nil(before:find("RUNNING", 1, true), before)
    page:type "\26"
    page:expect "ready:"
    page:type 'bg; echo of" "the shell again\n'
    page:expect "of the shell again"
    box:open_gate()
    page:expect ": SUCCESS, took"
    local history = page:history()
    assert.is_nil(history:find("▸", 1, true), history)
    assert.is_truthy(history:find("\nof the shell\n", 1, true), history)
    assert.is_truthy(history:find("\nof the shell again\n", 1, true), history)
  end)

  it("is not erased after a stop that nobody announced", function()
    open(("run %s --wait %s"):format(GOOD, gate()))
    page:type "go\n"
    page:expect "▸ 编译程序"
    page:stop_program()
    page:expect "ready:"
    page:type "clear\n"
    page:expect "ready:"
    page:type 'echo of" "the shell\n'
    page:expect "of the shell"
    page:type "fg\n"
    page:expect "▸ 编译程序"
    box:open_gate()
    page:expect "ready:"
    local seen = page:text()
    assert.is_truthy(seen:find("\nof the shell\n", 1, true), seen)
    assert.is_nil(seen:find("▸", 1, true), seen)
  end)

  it("is left clean by a resize", function()
    for _, size in ipairs { { 30, 24 }, { 200, 24 }, { 50, 8 }, { 60, 40 } } do
      box:close_gate()
      open(("run %s --wait %s"):format(GOOD, gate()), 80, 24)
      page:type 'echo of" "the shell\n'
      page:expect "of the shell"
      page:type "go\n"
      page:expect "▸ 编译程序"
      page:resize(size[1], size[2])
      page:expect "▸ 编译程序"
      box:open_gate()
      page:expect "ready:"
      local history = page:history()
      assert.is_truthy(history:find("\nof the shell\n", 1, true), history)
      assert.is_truthy(history:find(": SUCCESS, took", 1, true), history)
      assert.is_nil(history:find("▸", 1, true), history)
      assert.is_nil(history:find("RUNNING", 1, true), history)
      if size[1] ~= 60 then
        page:stop()
      end
    end
  end)

  it("is left clean by somebody who drags its edge", function()
    open(("run %s --wait %s"):format(GOOD, gate()), 100, 24)
    -- On a page that is not full tmux scrolls the first lines away when lines below are broken, ours too.
    page:type "seq 1 40\n"
    page:expect "ready:"
    page:type "go\n"
    page:expect "▸ 编译程序"
    for columns = 100, 20, -1 do
      page:resize(columns, 24)
    end
    for columns = 20, 100, 3 do
      page:resize(columns, 10 + columns % 7)
    end
    page:expect "▸ 编译程序"
    box:open_gate()
    page:expect "ready:"
    local history = page:history()
    assert.is_nil(history:find("\nbuild %d+ of %w*\n"), history)
    assert.is_nil(history:find("▸", 1, true), history)
    assert.is_nil(history:find("RUNNING", 1, true), history)
  end)

  it("may go away", function()
    local told = os.tmpname()
    os.remove(told)
    assert(os.execute("mkfifo " .. told))
    local file = assert(io.open(script, "w"))
    file:write(
      command.line(("run %s --wait %s"):format(GOOD, gate()), box.env),
      (" 2>%s"):format(told),
      "\n"
    )
    file:close()
    page = tmux.start(80, 24)
    page:type("sh " .. script .. "\n")
    local pipe = assert(io.open(told, "r"))
    page:expect " started ("
    page:stop()
    local said = pipe:read "*a"
    pipe:close()
    os.remove(told)
    assert.is_truthy(said:find("hung up; build %d+ of " .. GOOD .. " goes on"), said)
    assert.is_truthy(said:find("codearts%-build wait " .. GOOD .. " %d+"), said)
  end)
end)
