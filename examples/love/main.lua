-- LÖVE: the client moves by one step each frame, which never blocks.
--
--     export CODEARTS_BUILD_REGION=cn-north-4 CODEARTS_BUILD_TOKEN=…
--     JOB_ID=… love examples/love
--
-- Press space to start a build. Without a window the first starts by itself and the game ends.
local build = require "codearts.build"

local client = build.new()
local text = "press space"

local function start()
  text = "starting a build"
  client:start({ job_id = os.getenv "JOB_ID" }):on_done(function(result, err)
    text = err and tostring(err) or "started build " .. result.actual_build_number
    if os.getenv "SDL_VIDEODRIVER" == "dummy" then
      print(text)
      love.event.quit()
    end
  end)
end

function love.load()
  if os.getenv "SDL_VIDEODRIVER" == "dummy" then
    start()
  end
end

function love.keypressed(key)
  if key == "space" then
    start()
  end
end

function love.update()
  client:step(0)
end

function love.draw()
  love.graphics.print(text, 20, 20)
end

function love.quit()
  client:close()
end
