-- The C core by itself, for hosts that embed Lua: one shared object and lua-cjson, no Lua file.
--
--     LUA_CPATH='/path/to/?.so' lua examples/core_alone.lua ENDPOINT TOKEN JOB_ID
--
-- core.new takes explicit options alone: it reads no environment and no file, and signs in by token
-- or by key pair. Its wait blocks in C.
local core = require "codearts.build.core"

local endpoint, token, job_id = arg[1], arg[2], arg[3]
local client = core.new { endpoint = endpoint, auth = token, timeout = 30 }

local result, err = client:try_run {
  job_id = job_id,
  parameter = { codeBranch = "master" },
  scm = { build_tag = core.null },
}
if result then
  print("started", result.octopus_job_name, result.actual_build_number, result.daily_build_number)
else
  print(tostring(err))
end
client:close()
