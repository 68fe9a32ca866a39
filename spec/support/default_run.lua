-- One build by the default client, so from the environment alone. Prints the build's number, or the
-- error in one line.

local build = require "codearts.build"

local result, err = build.try_run({ job_id = arg[1] }, { deadline = 20 })
print(result and "build " .. result.actual_build_number or tostring(err))
