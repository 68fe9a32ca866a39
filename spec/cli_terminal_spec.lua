-- The command in a real pseudo-terminal against a sandbox: what a person sees.

local cli_sandbox = require "spec.support.cli_sandbox"
local command = require "spec.support.command"
local screen = require "spec.support.screen"
local text = require "codearts.build.cli.text"

local GOOD, BAD = cli_sandbox.good, cli_sandbox.bad

describe("codearts-build on a terminal", function()
  local box

  setup(function()
    box = cli_sandbox.start()
  end)

  teardown(function()
    box:stop()
  end)

  before_each(function()
    box:close_gate()
  end)

  local function seen_on_page(bytes, columns)
    return screen.new(columns or 80):feed(bytes):text()
  end

  local function gate()
    return "--param GATE=" .. command.quote(box.gate)
  end

  --- Each piece of output between two drawings, as the page looked then.
  local function pages(bytes, columns)
    local page, list, at = screen.new(columns or 80), {}, 1
    while true do
      local first, last = bytes:find("\r\27%[J", at)
      page:feed(bytes:sub(at, first and first - 1))
      list[#list + 1] = page:text() .. "\n"
      if not first then
        return list
      end
      page:feed(bytes:sub(first, last))
      at = last + 1
    end
  end

  it("draws the steps live, and a picture at the end", function()
    local running =
      command.start_on_terminal("run " .. GOOD .. " --wait " .. gate(), box:environment())
    running:expect "▸ 编译程序"
    box:open_gate()
    local status, bytes = running:finish()
    assert.are.equal(0, status)
    local live
    for _, page in ipairs(pages(bytes)) do
      if page:find("▸ 编译程序", 1, true) then
        live = page
      end
    end
    assert.is_truthy(live:find("\nbuild %d+ of " .. GOOD .. "  RUNNING  "), live)
    assert.is_truthy(
      live:find("\n  ✓ Prepare  0.%ds\n  ▸ 编译程序  %d+.%ds\n  · Pack\n"),
      live
    )
    local page = seen_on_page(bytes)
    assert.is_nil(page:find("▸", 1, true), "live lines are gone at the end")
    assert.is_truthy(page:find(": SUCCESS, took ", 1, true), page)
    local picture = page:match "\n✓ 编译程序 %*│([^\n]*)│ +%d+%.?%d*s\n"
    assert.is_truthy(picture and picture:find("██", 1, true), page)
  end)

  it("shows the last lines of what failed", function()
    local status, bytes = command.run_on_terminal("run " .. BAD .. " --wait", box:environment())
    assert.are.equal(1, status)
    local page = seen_on_page(bytes)
    assert.is_truthy(page:find("\n✗ Test ", 1, true), page)
    assert.is_truthy(page:find("\n  Pack ", 1, true), page)
    assert.is_truthy(page:find("not run", 1, true), page)
    assert.is_truthy(page:find("last lines of Test:", 1, true), page)
    assert.is_truthy(page:find("test 7 failed", 1, true), page)
    assert.is_truthy(page:find("\nall of it: codearts-build log " .. BAD, 1, true), page)
    assert.is_true(screen.new(80):feed(bytes).colours > 0)
  end)

  it("shows several builds in one line each", function()
    local running = command.start_on_terminal(
      ("run %s %s %s --wait %s"):format(GOOD, BAD, GOOD, gate()),
      box:environment()
    )
    running:expect "编译程序 (2/3)"
    box:open_gate()
    local status, bytes = running:finish()
    assert.are.equal(1, status)
    local found
    for _, page in ipairs(pages(bytes)) do
      found = found
        or page:find(
          ("\n%s #%%d+  %%u+  [^\n]+\n%s #%%d+  %%u+  [^\n]+\n%s #%%d+  %%u+  [^\n]+\n"):format(
            GOOD:sub(1, 8),
            BAD:sub(1, 8),
            GOOD:sub(1, 8)
          )
        )
    end
    assert.is_truthy(found, table.concat(pages(bytes), "\n====\n"))
  end)

  it("prints the log above the live lines", function()
    local running =
      command.start_on_terminal("run " .. GOOD .. " --follow " .. gate(), box:environment(), 120)
    running:expect "▸ 编译程序"
    box:open_gate()
    local status, bytes = running:finish()
    assert.are.equal(0, status)
    local page = seen_on_page(bytes, 120)
    assert.is_truthy(page:find("waiting\n", 1, true), page)
    assert.is_truthy(page:find("a line red\n", 1, true), page)
    assert.is_truthy(bytes:find("a line \27[31mred\27[0m", 1, true), "the log keeps its colours")
  end)

  it("detaches on Ctrl-C", function()
    local running =
      command.start_on_terminal("run " .. GOOD .. " --wait " .. gate(), box:environment())
    running:expect "▸ 编译程序"
    running:type "\3"
    local status, bytes = running:finish()
    assert.are.equal(130, status)
    local page = seen_on_page(bytes, 200)
    local number = page:match "build (%d+) of"
    assert.is_truthy(page:find(("codearts%%-build wait %s %s"):format(GOOD, number)), page)
    assert.is_truthy(page:find(("codearts%%-build stop %s %s"):format(GOOD, number)), page)
    assert.is_nil(page:find("▸", 1, true), page)
    local state = command.run(("status %s %s"):format(GOOD, number), box.env)
    assert.is_truthy(state.out:find("RUNNING", 1, true), state.out)
    command.run(("stop %s %s"):format(GOOD, number), box.env)
  end)

  it("uses no colours if they are not wanted", function()
    local status, bytes =
      command.run_on_terminal("run " .. BAD .. " --wait", box:environment { NO_COLOR = "1" })
    assert.are.equal(1, status)
    assert.are.equal(0, screen.new(80):feed(bytes).colours)
    assert.is_truthy(bytes:find("█", 1, true))
  end)

  it("writes plain lines on a dumb terminal and when asked to", function()
    for _, case in ipairs { { "", { TERM = "dumb" } }, { "--progress plain", { NO_COLOR = "1" } } } do
      local status, bytes = command.run_on_terminal(
        "run " .. GOOD .. " --follow " .. case[1],
        box:environment(case[2]),
        200
      )
      assert.are.equal(0, status)
      assert.is_nil(bytes:find "\27", bytes)
      assert.is_truthy(bytes:find(": SUCCESS", 1, true))
    end
  end)

  it("is silent when asked to", function()
    local _, bytes =
      command.run_on_terminal("run " .. BAD .. " --wait --progress none", box:environment(), 120)
    local _, count = bytes:gsub("\n", "")
    assert.are.equal(2, count, bytes)
  end)

  it("draws in ASCII where the terminal knows no more", function()
    local _, bytes = command.run_on_terminal(
      "run " .. GOOD .. " --wait",
      box:environment { LANG = "C", LC_ALL = "C" }
    )
    assert.is_nil(bytes:find "[\128-\255]", bytes)
    assert.is_truthy(bytes:find("+ Prepare", 1, true), bytes)
  end)

  it("fits narrow and wide pages", function()
    for _, columns in ipairs { 24, 40, 200 } do
      local running = command.start_on_terminal(
        "run " .. GOOD .. " --wait " .. gate(),
        box:environment(),
        columns
      )
      running:expect "▸ 编译程序"
      box:open_gate()
      local status, bytes = running:finish()
      box:close_gate()
      assert.are.equal(0, status)
      local after = bytes:match "SUCCESS, took [^\n]*\n(.*)$"
      for line in after:gsub("\27%[[%d;]*m", ""):gmatch "[^\r\n]+" do
        assert.is_true(text.width(line) <= columns, line)
      end
    end
  end)

  it("leaves the terminal alone with --json", function()
    local status, bytes =
      command.run_on_terminal("run " .. GOOD .. " --wait --json", box:environment(), 200)
    assert.are.equal(0, status)
    assert.is_truthy(bytes:find "^{.*}\r\n$")
  end)

  it("tells what another shell needs for a sandbox", function()
    local running = command.start_on_terminal("sandbox --token " .. command.quote "it's", {}, 200)
    running:expect "  codearts-build jobs\r\n"
    running:type "\3"
    local status, bytes = running:finish()
    assert.are.equal(0, status)
    local ready, exports = bytes
      :gsub("\r", "")
      :match "^codearts%-build sandbox ready ([^\n]*)\nIn[^\n]*\n(.*)  codearts%-build jobs\n"
    local shell = io.popen(
      exports
        .. 'echo "endpoint=$CODEARTS_BUILD_ENDPOINT token=$CODEARTS_BUILD_TOKEN project_id=$CODEARTS_BUILD_PROJECT"'
    )
    assert.are.equal(ready, shell:read "*l")
    shell:close()
  end)
end)

describe("core.terminal_size", function()
  it("is nil off a terminal", function()
    local told = require("spec.support.caller").elsewhere(
      'print((require "codearts.build.core").terminal_size(0))',
      function(line)
        return line .. " </dev/null"
      end
    )
    assert.equal("nil\n", told)
  end)
end)
