-- The C core by itself, for hosts that embed Lua: one shared object and lua-cjson, no Lua file.
--
--     LUA_CPATH='/path/to/?.so' CODEARTS_BUILD_TOKEN=… \
--       lua examples/core_alone.lua ENDPOINT JOB_ID
--
-- core.new takes explicit options alone: it reads no environment and no file, and signs in by token
-- or by key pair. Arguments can be read by others on the machine: the token is none. Its wait blocks in C.
local core = require "codearts.build.core"

local endpoint, job_id = arg[1], arg[2]
local client = core.new {
  endpoint = endpoint,
  auth = os.getenv "CODEARTS_BUILD_TOKEN",
  timeout = 30,
}

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
