-- What make asks of the system before it builds, and what it says where that is not there.

local LUA = os.getenv "LUA" or (rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d")
local VERSION = _VERSION:match "%d%.%d"
local OTHER = VERSION == "5.3" and "5.4" or "5.3"

local PKG_CONFIG = [[
#!/bin/sh
[ "$2" = lua ] && echo "-I%s" && exit
%s]]

describe("make", function()
  local folder

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text, "\n")
    file:close()
    os.execute(("chmod +x %s/%s"):format(folder, name))
  end

  before_each(function()
    folder = io.popen("mktemp -d"):read "*l"
  end)

  after_each(function()
    os.execute("rm -r " .. folder)
  end)

  -- Answers what it printed, and whether it succeeded. What it builds goes into the folder.
  local function make(arguments)
    local command =
      "env -u LUA_CFLAGS -u DEPS PATH=%s:$PATH make --no-print-directory BUILD=%s/build %s"
    local pipe = io.popen(command:format(folder, folder, arguments) .. " 2>&1 </dev/null; echo $?")
    local output, status = pipe:read("*a"):match "^(.-)(%d+)\n$"
    pipe:close()
    return output, status == "0"
  end

  -- A `lua` that is this one, and headers of the other as those of pkg-config's `lua`; the rest of what
  -- pkg-config knows is told, or not.
  local function other_headers(rest)
    write("lua.h", "#define LUA_VERSION_NUM " .. OTHER:gsub("%.", "0"))
    write("lua", ('#!/bin/sh\nexec %s "$@"'):format(LUA))
    write("pkg-config", PKG_CONFIG:format(folder, rest))
  end

  it("runs busted, whatever the program of that name is", function()
    write("one_spec.lua", 'describe("one", function() it("is", function() end) end)')
    write("busted", "#!/bin/sh\nexit 1")
    local arguments = "-s test DEPS=skip LUA=%s BUILD=build/%s SPEC=%s/one_spec.lua"
    local output, ok = make(arguments:format(LUA, LUA, folder))
    assert.matches("\n1 passed, 0 failed\n$", output)
    assert.is_true(ok)
  end)

  it("does nothing to the system where it is only to tell what it would do", function()
    write("apt-get", '#!/bin/sh\necho "$@" >>"$(dirname "$0")/calls"')
    local output, ok = make "-n LUA=lua9.9"
    assert.is_true(ok)
    assert.matches("%.ci/configure [^\n]*/build build lua9%.9\n", output)
    make "-q LUA=lua9.9"
    assert.is_nil(io.open(folder .. "/calls"))
    assert.is_nil(io.open(folder .. "/build/config.mk"))
  end)

  it("prints one error where a need is not met", function()
    write("id", "#!/bin/sh\necho 1000")
    write("sudo", "#!/bin/sh\nexit 1")
    local output, ok = make "DEPS= LUA=lua9.9"
    assert.is_false(ok)
    assert.matches("\nMakefile:%d+: %*%*%* LUA=lua9.9: [^\n]*\n$", output)
    assert.equal(1, select(2, output:gsub("%*%*%*", "")))
    assert.is_nil(output:find("No such file", 1, true), output)
  end)

  it("sees to what `make quick` lints with, too", function()
    local output = make "quick DEPS=name LUA=lua9.9"
    assert.matches("%(quick, lua9%.9%)", output)
  end)

  it("takes for `lua` the headers of the Lua that it is", function()
    other_headers 'PATH=${PATH#*:}; exec pkg-config "$@"'
    local output, ok = make(("DEPS=skip LUA=lua %s/build/config.mk"):format(folder))
    assert(ok, output)
    local flags = io.open(folder .. "/build/config.mk"):read "*a"
    assert.is_nil(flags:find(folder, 1, true), flags)
    assert.matches(VERSION, flags, 1, true)
  end)

  it("tells that `lua` has other headers", function()
    other_headers "exit 1"
    local output, ok = make "DEPS=skip LUA=lua"
    assert.is_false(ok)
    local told =
      "^LUA=lua: that is Lua %s, but pkg%%-config knows no headers of that; those of lua are %s"
    assert.matches(told:format(VERSION, OTHER), output)
    output, ok = make(("DEPS=skip LUA=lua LUA_CFLAGS=-I%s"):format(folder))
    assert.is_false(ok)
    told = "^LUA=lua: that is Lua %s, but LUA_CFLAGS leads to %s headers"
    assert.matches(told:format(VERSION, OTHER), output)
  end)

  it("installs nothing where it only builds", function()
    write("apt-get", '#!/bin/sh\necho "$@" >>"$(dirname "$0")/calls"')
    for _, goal in ipairs { "", "install DESTDIR=" .. folder, "compdb" } do
      local output, ok = make("LUA=lua9.9 " .. goal)
      assert.is_false(ok)
      assert.matches("\n    [^\n]*apt%-get install [^\n]*lua9%.9", output)
    end
    assert.is_nil(io.open(folder .. "/calls"))
  end)

  it("takes another pkg-config", function()
    write(
      "other-pkg-config",
      '#!/bin/sh\necho "$@" >>"$(dirname "$0")/asked"; exec pkg-config "$@"'
    )
    write("pkg-config", '#!/bin/sh\nPATH=${PATH#*:}; [ -n "$PKG_CONFIG" ] && exec pkg-config "$@"')
    local output, ok =
      make(("DEPS=skip LUA=%s PKG_CONFIG=other-pkg-config %s/build/config.mk"):format(LUA, folder))
    assert(ok, output)
    local asked = io.open(folder .. "/asked"):read "*a"
    assert.matches("libcurl", asked)
    assert.matches("lua", asked)
  end)

  it("says in one line that TMPDIR is nowhere", function()
    local output, ok = make(("DEPS=skip LUA=%s TMPDIR=%s/nowhere"):format(LUA, folder))
    assert.is_false(ok)
    assert.matches("^Makefile:%d+: [^\n]*TMPDIR=[^\n]*/nowhere: [^\n]*\n$", output)
  end)

  it("formats by the version of the sources alone", function()
    write("formatter", '#!/bin/sh\n[ "$1" = --version ] && echo "formatter 3.1" || echo "$@"')
    local function pinned(version, environment)
      local command = "PATH=%s:$PATH %s .ci/pinned %s formatter a b; echo $?"
      local pipe = io.popen(command:format(folder, environment or "NO_SKIPS=", version))
      local output = pipe:read "*a"
      pipe:close()
      return output
    end
    assert.equal("a b\n0\n", pinned "3.1")
    assert.matches(
      "^SKIPPED: formatter 3%.2: [^\n]*\n0 passed, 0 failed, 1 skipped\n0\n$",
      pinned "3.2"
    )
    assert.matches("1\n$", pinned("3.2", "NO_SKIPS=1"))
  end)
end)
