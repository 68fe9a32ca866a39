-- What is built, installed and packed: Makefile and rockspec.

local dns = require("spec.support.dns")
local native = require("spec.support.native")
local read_file = require "spec.support.read_file"
local rockspec = require("spec.support.rockspec")
local quote = require "spec.support.quote"

local LUA = os.getenv("LUA") or "lua" .. _VERSION:match("%d%.%d")
local VERSION = _VERSION:match("%d%.%d")

-- Runs a shell command; answers all its output, and fails with that when the command does.
local function sh(command, ...)
  local pipe = assert(io.popen(("{ %s\n} 2>&1 && echo done"):format(command:format(...))))
  local output = pipe:read("*a")
  pipe:close()
  local text = output:match("^(.*)done\n$")
  assert(text, output)
  return text
end

-- The file that `require(name)` would load from one of the templates in `path`.
local function find(name, path)
  for template in path:gmatch("[^;]+") do
    local candidate = template:gsub("%?", (name:gsub("%.", "/")))
    local file = io.open(candidate)
    if file then
      file:close()
      return candidate, template
    end
  end
  error("no " .. name .. " in " .. path)
end

-- What the library says of itself when nothing but these folders can be loaded from.
local SAY = [[
  local build = require("codearts.build")
  print(build._VERSION, (debug.getinfo(build.new, "S").source:gsub("^@", "")))]]

local function library_in(root)
  local share = ("%s/share/lua/%s/"):format(root, VERSION)
  local lib = ("%s/lib/lua/%s/?.so"):format(root, VERSION)
  local _, cjson = find("cjson", package.cpath)
  return sh(
    "cd / && env -u LUA_PATH_%s -u LUA_CPATH_%s LUA_PATH=%s LUA_CPATH=%s %s -e %s",
    VERSION:gsub("%.", "_"),
    VERSION:gsub("%.", "_"),
    quote(share .. "?.lua;" .. share .. "?/init.lua"),
    quote(lib .. ";" .. cjson),
    LUA,
    quote(SAY)
  )
end

describe("version", function()
  local version = require("codearts.build")._VERSION

  it("is the newest of the changelog", function()
    assert.equal(version, read_file("CHANGELOG.md"):match("\n## (%S+)"))
  end)

  it("is the one of the core", function()
    assert.equal(version, require("codearts.build.core")._VERSION)
  end)
end)

-- A sanitizer's runtime is in this build, and takes the place of some of its guards.
local instrumented =
  sh("nm -D --undefined-only %s", quote(native.core_path())):find("__[at]san_init")

-- A program that is done with Lua while a name is still being looked up.
local LEAVES = [[
  local client = require("codearts.build.core").new {
    endpoint = "https://build.service.test", auth = "fake-token",
  }
  client:start { job_id = ("0f1e2d3c"):rep(4) }
  -- Until the name server was asked.
  while io.open(GO) == nil do
    client:step(0.01)
  end
]]

-- What holds for the module however it was built; `core` and `cjson` answer where they are.
local function holds(core, cjson)
  it("exports its entry point alone", function()
    local symbols = sh("nm -D --defined-only %s | cut -d' ' -f3", quote(core()))
    assert.equal("luaopen_codearts_build_core\n", symbols)
  end)

  it("leaves Lua's functions to the program that loads it", function()
    assert.is_nil(sh("readelf -d %s", quote(core())):match("lua[%w%.%-]*%.so"))
  end)

  it("is bound at once, read-only after relocation", function()
    local flags = sh("readelf -dlW %s", quote(core()))
    assert.matches("NOW", flags)
    assert.matches("GNU_RELRO", flags)
  end)

  if not instrumented then
    it("guards its stack and its buffers", function()
      local wanted = sh("nm -D --undefined-only %s", quote(core()))
      assert.matches("__stack_chk_fail", wanted)
      assert.matches("__%w+_chk", (wanted:gsub("__stack_chk_fail", "")))
    end)
  end

  it("stays in memory for the resolver's threads when the Lua state is closed", function()
    if dns.missing() then
      pending(dns.missing())
    end
    local server = dns.start()
    local program, script, go = native.program("state_ends"), os.tmpname(), os.tmpname()
    finally(function()
      server:stop()
      os.remove(program)
      os.remove(script)
      os.remove(go)
    end)
    os.remove(go)
    local cpath = core():gsub("codearts/build/core%.so$", "?.so") .. ";" .. cjson()
    local file = assert(io.open(script, "w"))
    file:write(("package.cpath, GO = %q, %q\n"):format(cpath, go), LEAVES)
    file:close()
    local command = ("RES_OPTIONS=timeout:1 timeout 300 %s %s"):format(program, script)
    local pipe = assert(io.popen(server:command(command) .. " 2>&1"))
    server:wait_for(1)
    assert(io.open(go, "w")):close()
    assert.equal("it lives on\n", pipe:read("*a"))
    pipe:close()
  end)
end

local function cjson()
  return (select(2, find("cjson", package.cpath)))
end

describe("core.so", function()
  holds(native.core_path, cjson)
end)

describe("make", function()
  -- One file of all, in a build folder of its own.
  local function compile(flags)
    local folder = sh("mktemp -d"):match("%S+")
    finally(function()
      sh("rm -rf %s", quote(folder))
    end)
    local object = folder .. "/obj/csrc/cab/error.o"
    return sh("make -s V=1 DEPS=skip BUILD=%s LUA=%s %s %s", folder, LUA, flags, object)
  end

  for _, flags in ipairs({
    "CFLAGS='-O2 -g'",
    "CFLAGS=-O0",
    "CFLAGS='-Os -D_FORTIFY_SOURCE=1'",
    "CPPFLAGS=-D_FORTIFY_SOURCE=3",
  }) do
    it("compiles without a warning with " .. flags, function()
      assert.equal("", compile(flags .. " WERROR=1"))
    end)
  end

  it("goes on after a warning, unless WERROR=1", function()
    local flags = "CFLAGS=-Wdeclaration-after-statement "
    assert.matches("warning", compile(flags .. "WERROR=0"))
    assert.is_false((pcall(compile, flags .. "WERROR=1")))
  end)
end)

describe("the rockspec", function()
  local spec = rockspec.read()

  it("lists every Lua module", function()
    assert.same(rockspec.lua_modules(), spec.build.install.lua)
  end)
end)

local function version_at(root)
  local version = require("codearts.build")._VERSION
  return ("%s\t%s/share/lua/%s/codearts/build/init.lua\n"):format(version, root, VERSION)
end

local TOLD = ("codearts-build %s\n"):format(require("codearts.build")._VERSION)

-- What an installed command says of itself, which takes no module of the tree.
local function told_by(path)
  return sh("cd / && env -u LUA_PATH -u LUA_CPATH %s --version", quote(path))
end

describe("installing by make", function()
  local folder

  before_each(function()
    folder = sh("mktemp -d"):match("%S+")
  end)

  after_each(function()
    sh("rm -rf %s", quote(folder))
  end)

  local function make(arguments, ...)
    return sh("make -s install DEPS=skip LUA=%s " .. arguments, LUA, ...)
  end

  it("puts a working library under DESTDIR", function()
    make("PREFIX=/opt/x DESTDIR=%s", folder)
    assert.equal(version_at(folder .. "/opt/x"), library_in(folder .. "/opt/x"))
  end)

  it("brings a command that finds its modules wherever the tree is moved to", function()
    local root = folder .. "/moved"
    make("PREFIX=%s/first", folder)
    sh("mv %s/first %s", folder, root)
    local command = root .. "/bin/codearts-build"
    assert.matches("\nlua=" .. LUA .. "\n", read_file(command), 1, true)
    assert.equal(TOLD, told_by(command))
    assert.matches("^%.TH CODEARTS", read_file(root .. "/share/man/man1/codearts-build.1"))
    assert.matches("^%.TH CODEARTS", read_file(root .. "/share/man/man1/codearts-build-run.1"))
    for path, word in pairs {
      ["bash-completion/completions/codearts-build"] = "complete -F",
      ["zsh/site-functions/_codearts-build"] = "#compdef codearts-build",
      ["fish/vendor_completions.d/codearts-build.fish"] = "complete -c codearts-build",
    } do
      assert.matches(word, read_file(root .. "/share/" .. path), 1, true)
    end
  end)

  it("brings licence and documents", function()
    make("PREFIX=%s", folder)
    for _, name in ipairs { "LICENSE", "README.md", "doc/keys.md", "examples/script.lua" } do
      assert.equal(read_file(name), read_file(folder .. "/share/doc/codearts-build/" .. name))
    end
  end)

  if not instrumented then
    it("brings what a C program links, wherever it is moved to", function()
      make("PREFIX=%s/first", folder)
      sh("mv %s/first %s/second", folder, folder)
      sh(
        "cc -o %s/embed examples/embed.c -Wl,-E $(PKG_CONFIG_PATH=%s/second/lib/pkgconfig:$PKG_CONFIG_PATH"
          .. " pkg-config --cflags --libs codearts-build-%s)",
        folder,
        folder,
        LUA
      )
      local output = sh(
        "CODEARTS_BUILD_TOKEN=a-token %s/embed http://127.0.0.1:9 %s || true",
        folder,
        ("a"):rep(32)
      )
      assert.matches("transport error: no build was started", output, 1, true)
    end)
  end

  describe("for two Luas", function()
    -- One that shares its modules, if there is one.
    local other
    for _, name in ipairs { "luajit", "lua5.1", "lua5.4", "lua5.3" } do
      if name ~= LUA and sh(".ci/lua-headers %s 2>/dev/null || true", name) ~= "" then
        other = other or name
      end
    end
    if not other then
      pending "for two Luas: there is one only"
      return
    end

    local function named(lua)
      return folder .. "/bin/codearts-build-" .. lua:gsub("^lua5", "5")
    end

    it("serves both, and takes away no more than one", function()
      make("PREFIX=%s", folder)
      sh("make -s install DEPS=skip LUA=%s PREFIX=%s", other, folder)
      for _, lua in ipairs { LUA, other } do
        assert.equal(TOLD, told_by(named(lua)))
        assert.matches("\nlua=" .. lua .. "\n", read_file(named(lua)), 1, true)
        read_file(folder .. "/lib/pkgconfig/codearts-build-" .. lua .. ".pc")
      end
      assert.equal(read_file(named(LUA)), read_file(folder .. "/bin/codearts-build"))

      sh("make -s uninstall DEPS=skip LUA=%s PREFIX=%s", LUA, folder)
      assert.equal(TOLD, told_by(named(other)))
      assert.equal(TOLD, told_by(folder .. "/bin/codearts-build"))
      sh("make -s uninstall DEPS=skip LUA=%s PREFIX=%s", other, folder)
      assert.equal("", sh("find %s ! -type d", folder))
    end)
  end)
end)

-- LuaRocks knows LuaJIT as 5.1, Debian's no 5.5, and looks for headers beside the interpreter, where a sanitizer's has none.
local served = LUA ~= "luajit" and VERSION ~= "5.5" and not instrumented
local luarocks = sh("command -v luarocks-%s || true", VERSION):match("%S+")
if served and not luarocks then
  pending(("LuaRocks: luarocks-%s is not installed"):format(VERSION))
elseif served then
  describe("LuaRocks", function()
    local folder, root, before

    -- The address keeps it from asking anywhere for what it believes missing.
    local function rock(arguments, ...)
      local command = "cd %s/source && LUAROCKS_CONFIG=%s/config.lua %s --only-server=%s "
      return sh(command:format(folder, folder, luarocks, folder) .. arguments, ...)
    end

    local function files()
      return sh(
        "cd %s/source && find . -path ./build -prune -o -type f -print | sort",
        quote(folder)
      )
    end

    setup(function()
      folder = sh("mktemp -d"):match("%S+")
      root = folder .. "/tree"
      sh(
        "mkdir %s/source && cp -r csrc lua bin doc spec examples packaging .ci .busted Makefile *.rockspec LICENSE %s/source",
        folder,
        folder
      )
      before = files()
      local config = assert(io.open(folder .. "/config.lua", "w"))
      config:write "rocks_provided = {"
      for _, name in ipairs {
        "lua-cjson",
        "argparse",
        "busted",
        "cqueues",
        "http",
        "luaossl",
        "luasocket",
        "lyaml",
      } do
        config:write(("[%q] = '9-1', "):format(name))
      end
      config:write "}\n"
      config:close()
      rock("make --tree=%s *.rockspec", root)
    end)

    teardown(function()
      sh("rm -rf %s", quote(folder))
    end)

    holds(function()
      return ("%s/lib/lua/%s/codearts/build/core.so"):format(root, VERSION)
    end, cjson)

    it("leaves nothing in the source tree but the build folder", function()
      assert.equal(before, files())
    end)

    it("installs a working library", function()
      assert.equal(version_at(root), library_in(root))
    end)

    it("installs the command", function()
      assert.equal(TOLD, told_by(root .. "/bin/codearts-build"))
    end)

    it("packs a rock that installs elsewhere", function()
      sh("mkdir -p %s/packed", folder)
      rock("pack --tree=%s codearts-build && mv *.rock %s/packed", root, folder)
      rock("install --tree=%s/other %s/packed/*.rock", folder, folder)
      assert.equal(version_at(folder .. "/other"), library_in(folder .. "/other"))
      assert.equal(TOLD, told_by(folder .. "/other/bin/codearts-build"))
      assert.equal(before, files())
    end)

    it("runs specs", function()
      local output = rock "test -- spec/url_spec.lua"
      assert.matches("\n%d+ passed, 0 failed\n", output)
      assert.equal(before, files())
    end)
  end)
end
