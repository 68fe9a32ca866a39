-- A script that people run again: one start with a key. Told by its environment: ENDPOINT, FOLDER, KEY,
-- AUTH ("token:…" or "ak:sk"), WHEN_LOST, KEY_WAIT, RUN_ID=no. Prints the build's number, or kind, reason
-- and outcome of the error.

local build = require "codearts.build"
local key_store = require "codearts.build.key_store"

local env = os.getenv
local token = env("AUTH"):match "^token:(.*)$"
local ak, sk = env("AUTH"):match "^(.-):(.*)$"
local client = build.new {
  endpoint = env "ENDPOINT",
  auth = token or { ak = ak, sk = sk },
  key_store = key_store.file(env "FOLDER"),
  retry = { max_attempts = 2, base_delay = 0 },
  timeout = 10,
}
local result, err = client:try_run({ job_id = "samplejob00000000000000000000001" }, {
  key = env "KEY",
  key_wait = tonumber(env "KEY_WAIT" or 10),
  run_id = env "RUN_ID" ~= "no" and { parameter = "RUN_ID" } or nil,
  when_lost = env "WHEN_LOST",
})
if result then
  print("build", result.actual_build_number)
else
  print(err.kind, tostring(err.reason), tostring(err.outcome))
  io.stderr:write(tostring(err), "\n")
end
client:close()
