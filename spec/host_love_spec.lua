-- Games in LÖVE, on a screen that nobody sees.

local display = require("spec.support.display")
local host = require("spec.support.host")
local missing = host.missing("command -v love && command -v zip && " .. display.PROBE)
if missing then
  pending("LÖVE: " .. missing)
  return
end

local server = require("spec.support.server").start()
local folder = host.folder()

-- What a game prints. `paths`: where it finds the library; else it brings it.
local function play(game, paths, count)
  server:reset()
  return host.run(
    (paths or "-u LUA_PATH -u LUA_CPATH LD_PRELOAD= ")
      .. host.service(server.url)
      .. "HOME="
      .. folder
      .. " XDG_DATA_HOME="
      .. folder
      .. "/data XDG_RUNTIME_DIR="
      .. folder
      .. " "
      .. display.command(("love %s %d"):format(game, count))
  )
end

local function core()
  return host.for_luajit():match("LUA_CPATH='([^;]*)%?%.so") .. "codearts/build/core.so"
end

local function sh(command)
  local status = os.execute(command)
  assert(status == true or status == 0, command)
end

-- LÖVE shows an error until somebody presses a key.
local ENDS = "function love.errorhandler(text) print(text) return function() return 1 end end\n"

setup(function()
  sh(
    ("mkdir %s/game && cp examples/love/conf.lua %s/game && cp -r lua/codearts %s/game"):format(
      folder,
      folder,
      folder
    )
  )
  local example = assert(io.open "examples/love/main.lua")
  local copy = assert(io.open(folder .. "/game/main.lua", "w"))
  copy:write(ENDS, example:read "*a")
  example:close()
  copy:close()
end)

teardown(function()
  server:stop()
  host.remove(folder)
end)

describe("LÖVE", function()
  it("runs the example, frame by frame", function()
    local output = play("examples/love", host.for_luajit(), 20)
    local builds = select(2, output:gsub("started build 20\n", ""))
    assert.equal(20, builds, output)
    assert.truthy(output:find("longest step: %d+%.%d ms\n$"), output)
    assert.equal(20, server:stats().processed)
  end)

  it("finds the core in a game's folder", function()
    sh(("cp %s %s/game/codearts/build"):format(core(), folder))
    local output = play(folder .. "/game", nil, 1)
    assert.truthy(output:find("^started build 20\n"), output)
  end)

  it("finds it in the save folder, not in a .love", function()
    sh(
      ("cd %s/game && cp %s codearts/build/core.so && zip -qr ../zipped.love ."):format(
        folder,
        core()
      )
    )
    assert.truthy(play(folder .. "/zipped.love", nil, 1):find("there is no C core", 1, true))
    local saved = folder .. "/data/love/zipped/codearts/build"
    sh(("mkdir -p %s && cp %s %s"):format(saved, core(), saved))
    local output = play(folder .. "/zipped.love", nil, 1)
    assert.truthy(output:find("^started build 20\n"), output)
  end)
end)
