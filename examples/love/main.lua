-- LÖVE: the client moves by one step each frame, which never blocks.
--
--     export CODEARTS_BUILD_REGION=cn-north-4 CODEARTS_BUILD_TOKEN=…
--     JOB_ID=… love examples/love       press space to start a build
--     JOB_ID=… love examples/love 20    starts twenty at once, and ends when all have ended
--
-- To bring the library with a game: its Lua files (lua/codearts) go where the game's are, the core,
-- which is built by `make LUA=luajit`, to codearts/build/core.so beside them, and lua-cjson's cjson.so
-- to the top, if the system has none. The system loads neither from inside of a .love or any other zip:
-- give the game out as a folder, or have it copy the two into its save folder
-- (love.filesystem.getSaveDirectory()) first, under the same names; LÖVE looks there, too.
local build = require "codearts.build"

local client = build.new()
local lines, left, quits = { "press space" }, 0, false
local longest = 0 -- seconds of a step

local function start()
  left = left + 1
  client:start({ job_id = os.getenv "JOB_ID" }):on_done(function(result, err)
    lines[#lines + 1] = err and tostring(err) or "started build " .. result.actual_build_number
    print(lines[#lines])
    left = left - 1
  end)
end

function love.load(arguments)
  local count = tonumber(arguments[1])
  quits = count ~= nil
  for _ = 1, count or 0 do
    start()
  end
end

function love.keypressed(key)
  if key == "space" then
    start()
  end
end

function love.update()
  local before = love.timer.getTime()
  client:step(0)
  longest = math.max(longest, love.timer.getTime() - before)
  if quits and left == 0 then
    print(("longest step: %.1f ms"):format(longest * 1000))
    love.event.quit()
  end
end

function love.draw()
  love.graphics.print(table.concat(lines, "\n", math.max(1, #lines - 20)), 20, 20)
end

function love.quit()
  client:close()
end
