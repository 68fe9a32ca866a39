-- A real build of a small C project, from start to end, without an account: the sandbox speaks the
-- service's API and runs the steps of examples/demo/jobs.lua as real processes.
--
--     make demo

local build = require "codearts.build"
local sandbox = require "codearts.build.sandbox"

local folder = debug.getinfo(1, "S").source:match "^@(.-)[^/]*$"
local JOB = "demojob0000000000000000000000001"

local function main()
  local box = sandbox.start { jobs = folder .. "demo/jobs.lua" }
  print("The sandbox listens on " .. box.endpoint)

  local client = build.new { endpoint = box.endpoint, auth = box.token }
  local result, err = client:try_run {
    job_id = JOB,
    parameter = { codeBranch = "main", NUMBER = 1969 },
    scm = { build_tag = build.null, build_commit_id = "8d1f0c2b" },
  }
  if not result then
    box.stop()
    return nil, err
  end
  print("octopus_job_name     " .. result.octopus_job_name)
  print("actual_build_number  " .. result.actual_build_number)
  print("daily_build_number   " .. result.daily_build_number)

  result:log {
    follow = true,
    on_line = function(line)
      print("  | " .. line)
    end,
  }
  local ended, record = pcall(result.wait, result)
  client:close()
  box.stop()
  return ended and record or nil, record
end

local record, err = main()
if not record then
  io.stderr:write("demo: ", tostring(err), "\n")
  os.exit(1)
end
print(("success: build %s ended with %s"):format(record.daily_build_num, record.status))
