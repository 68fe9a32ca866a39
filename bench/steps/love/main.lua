-- One case of cases.lua, step by step with the frames of a game: ROOT CASE FILE.

local routine

function love.load(arguments)
  package.path = arguments[1] .. "/?.lua;" .. package.path
  local client = require "bench.steps.client"
  routine = coroutine.wrap(function()
    local _, line = pcall(client.run, "love", tonumber(arguments[2]), arguments[3])
    print(tostring(line))
    love.event.quit()
  end)
end

function love.update()
  if routine then
    routine()
  end
end
