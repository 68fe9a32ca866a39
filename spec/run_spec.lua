-- The sums that `make test` and `make check` end with (run.lua).

local LUA = os.getenv "LUA" or "lua" .. _VERSION:match "%d%.%d"

-- Answers the lines that spec/run.lua prints, and whether it succeeded.
local environment
local function run(...)
  local words = { "env", environment, LUA, "spec/run.lua" }
  for _, word in ipairs { ... } do
    words[#words + 1] = "'" .. word .. "'"
  end
  local pipe = io.popen(table.concat(words, " ") .. " 2>&1; echo $?")
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  local status = table.remove(lines)
  return lines, status == "0"
end

local function last(...)
  local lines, ok = run(...)
  return lines[#lines], ok
end

describe("spec/run.lua", function()
  before_each(function()
    environment = "NO_SKIPS="
  end)

  it("takes what busted counted, errors as failures", function()
    local line, ok =
      last "echo 5 successes / 2 failures / 1 error / 0 pending : 0.5 seconds; exit 3"
    assert.equal("5 passed, 3 failed", line)
    assert.is_false(ok)
  end)

  local PENDING = "echo 5 successes / 0 failures / 0 errors / 2 pending : 0.5 seconds; "
    .. "echo; echo Pending -\\> spec/x_spec.lua @ 7; echo a mount is its own; "
    .. "echo spec/x_spec.lua:8: no namespaces; "
    .. "echo; echo Pending -\\> spec/y_spec.lua @ 1; echo Neovim"

  it("says what was skipped, and why", function()
    local lines, ok = run(PENDING, "echo 4 passed, 0 failed, 1 skipped", "true")
    assert.is_true(ok)
    assert.equal("10 passed, 0 failed, 3 skipped", lines[#lines])
    assert.equal("SKIPPED: a mount is its own: no namespaces", lines[#lines - 2])
    assert.equal("SKIPPED: Neovim", lines[#lines - 1])
  end)

  it("takes what was skipped for failed where nothing may be", function()
    environment = "NO_SKIPS=1"
    local lines, ok = run(PENDING, "echo 4 passed, 0 failed, 1 skipped")
    assert.is_false(ok)
    assert.equal("9 passed, 3 failed", lines[#lines])
    assert.matches("^FAILED", lines[#lines - 1])
    assert.matches("^FAILED", lines[#lines - 2])
    assert.equal("SKIPPED: Neovim", lines[#lines - 3])
  end)

  it("sums the last numbers of each command", function()
    local line, ok =
      last("echo 9 passed, 9 failed; echo 3 passed, 0 failed", "echo 4 passed, 0 failed")
    assert.equal("7 passed, 0 failed", line)
    assert.is_true(ok)
  end)

  it("takes a command without numbers for one check", function()
    local line, ok = last("true", "false")
    assert.equal("1 passed, 1 failed", line)
    assert.is_false(ok)
  end)

  it("believes the exit status more than the numbers", function()
    local line, ok = last "echo 3 passed, 0 failed; exit 1"
    assert.equal("3 passed, 1 failed", line)
    assert.is_false(ok)
  end)

  it("does not succeed where nothing was tested", function()
    local line, ok = last "echo 0 successes / 0 failures / 0 errors / 0 pending"
    assert.equal("0 passed, 0 failed", line)
    assert.is_false(ok)
  end)

  it("names what failed at the end", function()
    local lines = run("true", "exit 7")
    assert.equal("FAILED (exit status 7): exit 7", lines[#lines - 1])
  end)

  it("runs commands side by side, each output whole", function()
    local folder = io.popen("mktemp -d"):read "*l"
    os.execute(("mkfifo %s/1 %s/2"):format(folder, folder))
    -- Each ends only once the other has begun.
    local meet = "echo a; echo x >%s & read x <%s; echo b; echo 1 passed, 0 failed"
    local one = meet:format(folder .. "/1", folder .. "/2")
    local two = meet:format(folder .. "/2", folder .. "/1")
    local lines, ok = run("-j", "2", one, two)
    os.execute("rm -r " .. folder)
    assert.is_true(ok)
    assert.equal("2 passed, 0 failed", lines[#lines])
    assert.matches("^== ", lines[1])
    assert.same({ "a", "b", "1 passed, 0 failed" }, { lines[2], lines[3], lines[4] })
    assert.matches("^== ", lines[5])
  end)

  it("waits for no process that a command has left behind", function()
    local lines = run("-j", "2", "sleep 600 & echo left $!", "true")
    local left = table.concat(lines, "\n"):match "left (%d+)"
    assert.truthy(os.execute("kill " .. left), "it has ended before")
    assert.equal("2 passed, 0 failed", lines[#lines])
  end)
end)
