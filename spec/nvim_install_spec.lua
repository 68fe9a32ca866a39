-- The tree as a plugin of Neovim: built by `make nvim`, found in each layout of packages, in a home that
-- holds nothing else.

local host = require "spec.support.host"
local quote = require "spec.support.quote"
local missing = host.missing "command -v nvim"
if missing then
  pending("the plugin in Neovim: " .. missing)
  return
end
local read_file = require "spec.support.read_file"
local server = require("spec.support.server").start()

-- Runs a shell command; answers all its output, and whether it succeeded.
local function sh(command, ...)
  local pipe = assert(io.popen(("{ %s\n} 2>&1 </dev/null; echo $?"):format(command:format(...))))
  local output, status = pipe:read("*a"):gsub("\r", ""):match "^(.-)(%d+)\n$"
  pipe:close()
  return output, status == "0"
end

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

describe("the plugin of Neovim", function()
  local home

  -- A copy of the tree, with the objects of a build for Neovim, which are the same everywhere.
  local function clone(folder)
    local output, ok = sh(
      [[
        to=%s; mkdir -p "$to/build"
        for name in * .ci; do [ "$name" = build ] || cp -Rp "$name" "$to" || exit 1; done
        rm -f "$to/lua/codearts/build/core.so"
        cp -Rp build/nvim "$to/build"
      ]],
      quote(folder)
    )
    assert(ok, output)
    return folder
  end

  local function make(folder, arguments, environment)
    return sh(
      "env %s make --no-print-directory -C %s %s",
      environment or "",
      quote(folder),
      arguments
    )
  end

  -- Runs Neovim as its user would, with nothing set but the service.
  local function nvim(arguments, ...)
    return sh(
      "cd %s && env -u LUA_PATH -u LUA_CPATH -u LUA_INIT -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u VIMINIT LD_PRELOAD= "
        .. "HOME=%s %s timeout 60 nvim --headless %s",
      home,
      home,
      host.service(server.url),
      arguments:format(...)
    )
  end

  local RUN = [[-c 'lua
    local client = require("codearts.build.nvim").new()
    client:start({ job_id = os.getenv "JOB_ID" }):on_done(function(result, err)
      io.stdout:write(tostring(err or result.octopus_job_name), "\n")
      vim.cmd "qall!"
    end)']]

  setup(function()
    local output, ok = sh "make -s LUA=nvim"
    assert(ok, output)
  end)

  before_each(function()
    home = host.folder()
  end)

  after_each(function()
    host.remove(home)
  end)

  teardown(function()
    server:stop()
  end)

  -- The lines of the README for a package of Neovim itself, which are for a shell.
  local function readme_lines(url)
    local text = read_file "README.md"
    local lines = assert(text:match "\n## In Neovim\n.-```sh\n(.-)```")
    return (lines:gsub("%f[%w]URL%f[%W]", url))
  end

  it("works as a package of Neovim by the lines of the README", function()
    local origin = clone(home .. "/origin")
    local output, ok = sh(
      "cd %s && git init -q && git add -f . && git -c user.name=x -c user.email=x@y.test commit -qm all",
      origin
    )
    assert(ok, output)
    output, ok = sh("cd %s && export HOME=%s && %s", home, home, readme_lines(origin))
    assert(ok, output)
    assert.equal(host.NAME .. "\n", nvim(RUN))
    local words =
      nvim [[-c 'help codearts-tour' -c 'lua io.stdout:write(vim.fn.expand("%%:t"), vim.fn.exists(":CodeArts"), "\n")' -c 'qall!']]
    assert.equal("codearts.txt2\n", words)
  end)

  it("works where a manager adds its folder to the runtime path", function()
    local folder = clone(home .. "/.local/share/nvim/plugged/codearts-build")
    assert.is_true(select(2, make(folder, "nvim")))
    assert.equal(host.NAME .. "\n", nvim("--cmd 'set rtp^=%s' %s", folder, RUN))
  end)

  it("tells lazy.nvim what to run, which knows it by its name", function()
    assert.same({ "codearts-build", build = "make nvim" }, dofile "lazy.lua")
  end)

  it("names the command that helps where it was not built", function()
    local folder = clone(home .. "/it's here")
    local load = [[-c 'lua print((select(2, pcall(require, "codearts.build"))))' -c qall]]
    local told =
      nvim('--cmd \'exe "set rtp+=" .. escape($HOME .. "/it\'\\\'\'s here", " ")\' ' .. load)
    local command = told:match "Run: (make %-C .* nvim)$"
    assert.is_not_nil(command, told)
    assert.equal("codearts.build: its C core is not built for this Neovim. Run: " .. command, told)
    local output, ok = sh("%s", command)
    assert(ok, output)
    assert.is_true(exists(folder .. "/lua/codearts/build/core.so"))
  end)

  -- What Neovim says above an error: "Error detected while processing …:", since 0.12 "Error in …:".
  local HEADING = "^Error %l.*:$"

  it("names it, and nothing else, whatever is used first", function()
    local folder = clone(home .. "/plugin")
    local told = "CodeArts: codearts.build: its C core is not built for this Neovim. Run: make -C "
      .. folder
      .. " nvim"
    for _, first in ipairs { "CodeArts jobs", "edit codearts://", "compiler codearts" } do
      local said = nvim("--cmd 'set rtp^=%s' -c '%s' -c 'qall!'", folder, first)
      local lines = {}
      for line in said:gmatch "[^\n]+" do
        lines[#lines + 1] = not line:find(HEADING) and line or nil
      end
      assert.same({ told }, lines)
    end
  end)

  it("names it where the core is for another Lua", function()
    local folder = clone(home .. "/plugin")
    local other = home .. "/other.c"
    sh(
      "echo 'int luaL_none(void *); int luaopen_codearts_build_core(void *L) { return luaL_none(L); }' >%s"
        .. " && cc -shared -fPIC -Wl,-z,now -o %s/lua/codearts/build/core.so %s",
      other,
      folder,
      other
    )
    local told = nvim(
      "--cmd 'set rtp^=%s' -c 'lua print((select(2, pcall(require, \"codearts.build\"))))' -c qall",
      folder
    )
    assert.matches(
      "built for another Lua than the LuaJIT [^\n]* Run: make %-C [^\n]*/plugin nvim\n",
      told
    )
  end)

  it("says in :checkhealth that its sources are newer", function()
    local folder = clone(home .. "/plugin")
    make(folder, "nvim")
    local function report()
      nvim(
        "--cmd 'set rtp^=%s' -c 'checkhealth codearts' -c 'write! %s/report' -c 'qall!'",
        folder,
        home
      )
      return (sh("grep -i core %s/report", home))
    end
    assert.matches("OK:? core %d", report())
    sh("touch -d tomorrow %s/csrc/lua/core.c", folder)
    assert.matches("WARNING:? the core is older than its sources", report())
  end)

  it("leaves a core alone that an editor has loaded", function()
    local folder = clone(home .. "/plugin")
    local core = folder .. "/lua/codearts/build/core.so"
    make(folder, "nvim")
    local before = sh("ls -i %s", core)
    sh("rm %s/build/nvim/codearts/build/core.so", folder)
    local output, ok = make(folder, "nvim")
    assert(ok, output)
    assert.not_equal(before, (sh("ls -i %s", core)))
  end)

  it(
    "is not in the way of other Luas: nothing else loads its core, installs or keeps it",
    function()
      local folder = clone(home .. "/plugin")
      make(folder, "nvim")
      local said = sh(
        "cd %s && env -u LUA_PATH -u LUA_CPATH -u LUA_PATH_5_4 -u LUA_CPATH_5_4 LUA=lua5.4 bin/codearts-build doctor",
        folder
      )
      assert.is_nil(said:find("another Lua", 1, true), said)
      assert.matches("there is no C core for ", said)
      local output, ok = make(folder, "clean")
      assert(ok, output)
      assert.is_false(exists(folder .. "/lua/codearts/build/core.so"))
    end
  )

  it("names in one line what the system lacks, with the command that brings it", function()
    local folder = clone(home .. "/plugin")
    sh(
      "rm -r %s/build; mkdir %s/bin.d; printf '#!/bin/sh\\nexit 1\\n' >%s/bin.d/pkg-config; chmod +x %s/bin.d/*",
      folder,
      folder,
      folder,
      folder
    )
    local output, ok = make(folder, "nvim", ("DEPS= PATH=%s/bin.d:$PATH"):format(folder))
    assert.is_false(ok)
    assert.matches(
      "^codearts%-build needs LuaJIT headers, libcrypto, libcurl; on Debian and Ubuntu: "
        .. "sudo apt%-get install libcurl4%-openssl%-dev libluajit[^\n ]* libssl%-dev%s*\n",
      output
    )
  end)

  it("builds with the headers of any Lua 5.1", function()
    local folder = clone(home .. "/plugin")
    sh("mkdir %s/bin.d", folder)
    local file = assert(io.open(folder .. "/bin.d/pkg-config", "w"))
    file:write '#!/bin/sh\ncase $* in *luajit) exit 1 ;; "--cflags lua5.1") echo -I/of/5.1; exit ;; esac\nexit 0\n'
    file:close()
    file = assert(io.open(folder .. "/bin.d/cc", "w"))
    file:write "#!/bin/sh\ncase $* in *-I/of/5.1*) echo 501 ;; *) exit 1 ;; esac\n"
    file:close()
    sh("chmod +x %s/bin.d/*", folder)
    local output = sh("cd %s && PATH=%s/bin.d:$PATH .ci/lua-headers nvim", folder, folder)
    assert.equal("lua5.1\n", output)
  end)
end)
