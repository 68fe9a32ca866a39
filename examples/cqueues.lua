-- cqueues takes a client as it is: an object with pollfd, events and timeout.
--
--     export CODEARTS_BUILD_REGION=cn-north-4 CODEARTS_BUILD_TOKEN=…
--     JOB_ID=… lua examples/cqueues.lua
local build = require "codearts.build"
local condition = require "cqueues.condition"
local cqueues = require "cqueues"

local client = build.new()
local loop = cqueues.new()
local started = condition.new()

-- One coroutine moves the client.
loop:wrap(function()
  while true do
    if client:step(0) > 0 then
      cqueues.poll(client)
    else
      started:wait()
    end
  end
end)

-- The others wait for their calls in the way of cqueues.
local function await(call)
  local ended = condition.new()
  call:on_done(function()
    ended:signal()
  end)
  started:signal()
  ended:wait()
  return call:try_wait()
end

local running = 3
for i = 1, running do
  loop:wrap(function()
    local result, err = await(client:start { job_id = os.getenv "JOB_ID" })
    print(i, err and tostring(err) or "started build " .. result.actual_build_number)
    running = running - 1
  end)
end

repeat
  assert(loop:step())
until running == 0
cqueues.cancel(client:pollfd()) -- before the client closes it
client:close()
