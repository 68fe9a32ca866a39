-- The set-up of system packages (.ci/deps), with stand-ins for what would change the system. A Lua that
-- does not exist takes the part of one that is not installed.

local LUA = os.getenv "LUA" or "lua" .. _VERSION:match "%d%.%d"

describe("the set-up of packages", function()
  local folder

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write("#!/bin/sh\n", text, "\n")
    file:close()
    os.execute(("chmod +x %s/%s"):format(folder, name))
  end

  before_each(function()
    folder = io.popen("mktemp -d"):read "*l"
    write("apt-get", 'echo "$@" >>"$(dirname "$0")/calls"')
    write("sudo", '[ "$1" = -n ] && exit 1; echo sudo >>"$(dirname "$0")/calls"; "$@"')
    write("id", "echo 0")
  end)

  after_each(function()
    os.execute("rm -rf " .. folder)
  end)

  -- Answers what it printed, and whether it succeeded.
  local function deps(arguments, environment)
    local command = "env PATH=%s:$PATH DEPS= %s .ci/deps %s 2>&1 </dev/null; echo $?"
    local pipe = io.popen(command:format(folder, environment or "", arguments))
    local text = pipe:read "*a"
    pipe:close()
    local output, status = text:match "^(.-)(%d+)\n$"
    return output, status == "0"
  end

  local function calls()
    local file = io.open(folder .. "/calls")
    local text = file and file:read "*a"
    if file then
      file:close()
    end
    return text
  end

  it("says and does nothing where nothing is missing", function()
    -- Not all that specs can need is there for 5.5.
    local output, ok = deps((LUA == "lua5.5" and "build " or "test ") .. LUA)
    assert.equal("", output)
    assert.is_true(ok)
    assert.is_nil(calls())
  end)

  it("installs what is missing as root, and removes nothing", function()
    local output, ok = deps "build lua9.9"
    assert.matches("^update[^\n]*\ninstall [^\n]*\n$", calls())
    for _, word in ipairs {
      "%-%-no%-install%-recommends ",
      "%-%-no%-remove ",
      " lua9%.9%s",
      " liblua9%.9%-dev ",
      " lua%-cjson ",
    } do
      assert.matches(word, calls())
    end
    -- The stand-in has installed nothing.
    assert.matches(
      "Still missing after installing: cmd:lua9%.9[^\n]*\n[^\n]*DEPS=skip[^\n]*\n$",
      output
    )
    assert.is_false(ok)
  end)

  describe("takes for LuaJIT", function()
    before_each(function()
      write("luajit", "exit 1")
    end)

    it("the family that nginx goes with, where there are two", function()
      write("apt-cache", 'echo "$2 | 2.1 | a mirror"')
      deps "build luajit"
      assert.matches(" libluajit2%-5%.1%-dev ", calls())
    end)

    it("the one that there is", function()
      write("apt-cache", "")
      deps "build luajit"
      assert.matches(" libluajit%-5%.1%-dev ", calls())
    end)
  end)

  it("knows what `lua` is, and its headers", function()
    write("lua", "echo 5.3")
    write("pkg-config", "exit 1")
    local output = deps "build lua"
    assert.matches(" liblua5%.3%-dev ", calls())
    assert.matches("Still missing after installing: [^\n]*headers:lua ", output)
  end)

  it("uses sudo where that asks for nothing", function()
    write("id", "echo 1000")
    write("sudo", '[ "$1" = -n ] && exit 0; echo sudo >>"$(dirname "$0")/calls"; "$@"')
    deps "build lua9.9"
    assert.matches("^sudo\nupdate[^\n]*\nsudo\ninstall ", calls())
  end)

  it("names the command where it may not install", function()
    write("id", "echo 1000")
    local output, ok = deps "build lua9.9"
    assert.matches("sudo apt%-get install [^\n]*lua9%.9", output)
    assert.is_false(ok)
    assert.is_nil(calls())
  end)

  it("names the command that failed", function()
    write("apt-get", '[ "$1" = update ]')
    local output, ok = deps "build lua9.9"
    assert.matches("\n    *apt%-get install [^\n]*lua9%.9", output)
    assert.is_false(ok)
  end)

  it("names the command and does not run it with DEPS=name", function()
    local output, ok = deps("build lua9.9", "DEPS=name")
    assert.matches("\n    apt%-get install [^\n]*lua9%.9", output)
    assert.is_false(ok)
    assert.is_nil(calls())
  end)

  it("is left out with DEPS=skip", function()
    local output, ok = deps("build lua9.9", "DEPS=skip")
    assert.equal("", output)
    assert.is_true(ok)
  end)

  it("of `make deb` is named with its command, and git need not know who that is", function()
    local why = require("spec.support.host").missing "command -v git"
    if why then
      pending(why)
      return
    end
    write("dpkg-checkbuilddeps", "echo x: error: Unmet build dependencies: dh-lua >&2; exit 1")
    -- In a tree of its own, since build/deb is made anew.
    local pipe = io.popen(([[
      exec 2>&1; cp -r packaging %s && cd %s && mkdir -p lua/codearts/build &&
      echo 'return "9.9"' >lua/codearts/build/version.lua &&
      git init -q && git add . && git -c user.name=x -c user.email=x@y.test commit -qm all &&
      env PATH=%s:"$PATH" HOME=/nowhere GIT_CONFIG_NOSYSTEM=1 DEBFULLNAME= DEBEMAIL= packaging/deb;
      grep Maintainer build/deb/*/debian/control]]):format(folder, folder, folder))
    local output = pipe:read "*a"
    pipe:close()
    local command, maintainer =
      output:match "^[^\n]*: dh%-lua%.[^\n]*\n +([^\n]+)\n[^\n]+\n([^\n]+)\n$"
    assert.equal(
      "sudo apt-get build-dep -y --no-install-recommends "
        .. folder
        .. "/build/deb/codearts-build-9.9",
      command,
      output
    )
    assert.matches("^Maintainer: 0 <0@.+>$", maintainer)
  end)
end)
