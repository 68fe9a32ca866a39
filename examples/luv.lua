-- libuv: builds beside everything else that the loop does.
--
--     export CODEARTS_BUILD_REGION=cn-north-4 CODEARTS_BUILD_TOKEN=…
--     JOB_ID=… lua examples/luv.lua
local uv = require "luv"

local client = require("codearts.build.luv").new()
local job = { job_id = os.getenv "JOB_ID" }

-- In a coroutine, run yields to the loop.
coroutine.wrap(function()
  local result, err = client:try_run(job)
  print(err and tostring(err) or "coroutine: started build " .. result.actual_build_number)
end)()

-- Or with a callback.
client:start(job):on_done(function(result, err)
  print(err and tostring(err) or "callback: started build " .. result.actual_build_number)
end)

print "the loop runs"
uv.run() -- ends when no call is in flight
client:close()
