-- A script that starts builds and may block.
--
--     export CODEARTS_BUILD_REGION=cn-north-4 CODEARTS_BUILD_TOKEN=…
--     JOB_ID=… lua examples/script.lua
local build = require "codearts.build"

local job = { job_id = os.getenv "JOB_ID" }

-- One build. try_run answers nil and an error, run would raise it.
local result, err = build.try_run(job)
if not result then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
print("started build " .. result.actual_build_number)

-- Several at once.
local items = build.run_all({ job, job, job }, {
  max_in_flight = 2,
  on_progress = function(done, total)
    print(("%d of %d"):format(done, total))
  end,
})
for i, item in ipairs(items) do
  print(i, item.result and item.result.actual_build_number or tostring(item.error))
end
