--- What each thread of threads.c runs: clients of both kinds, waiting, callbacks, closing and not.

local url, number = ...

local build = require("codearts.build")
local core = require("codearts.build.core")

local JOB = { job_id = ("a"):rep(32) }

for _, new in ipairs({ build.new, core.new }) do
  local client = new({
    endpoint = url,
    auth = "a-fake-token-" .. number,
    proxy = false,
    tls = url:find("^https") and { ca_file = os.getenv("CA_FILE") } or nil,
  })
  assert(client:run(JOB).octopus_job_name)
  local told = 0
  for _ = 1, 5 do
    client:start(JOB):on_done(function(result)
      assert(result.octopus_job_name)
      told = told + 1
    end)
  end
  while client:step() > 0 do
    collectgarbage("step")
  end
  assert(told == 5)
  local result, err = client:try_run({ job_id = "bad" })
  assert(result == nil and err.kind == "usage")
  client:start(JOB) -- ends with its client
  if number % 2 == 0 then
    client:close()
  end
end
