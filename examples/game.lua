-- A game's loop: the client moves by one step each frame, which never blocks.
--
--     export CODEARTS_BUILD_REGION=cn-north-4 CODEARTS_BUILD_TOKEN=…
--     JOB_ID=… lua examples/game.lua
local build = require "codearts.build"
local socket = require "socket" -- for its sleep, where an engine waits for the screen

local client = build.new()
local text
client:start({ job_id = os.getenv "JOB_ID" }):on_done(function(result, err)
  text = err and tostring(err) or "started build " .. result.actual_build_number
end)

local frames = 0
repeat
  client:step(0)
  frames = frames + 1
  socket.sleep(1 / 60)
until text
print(text, "after " .. frames .. " frames")
client:close()
