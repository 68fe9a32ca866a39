-- A script that people run again: one start with a key. Told by its environment: ENDPOINT, FOLDER, KEY,
-- AUTH ("token:…" or "ak:sk"), WHEN_LOST, KEY_WAIT, RUN_ID=no, HOLD=no, SLEEP. Prints the build's number, or kind, reason
-- and outcome of the error.

local build = require "codearts.build"
local core = require "codearts.build.core"
local key_store = require "codearts.build.key_store"

local env = os.getenv
local token = env("AUTH"):match "^token:(.*)$"
local ak, sk = env("AUTH"):match "^(.-):(.*)$"

--- A store where nothing tells who is alive, nor keeps others out; with SLEEP its user stops (SIGSTOP) when
--- his first record is there.
local function plain_store(folder)
  local path, sleeps = folder .. "/plain.key", env "SLEEP"
  os.execute("mkdir -p " .. folder)
  local function get()
    local file, text, version = io.open(path), nil, 0
    for line in file and file:lines() or function() end do
      text, version = line, version + 1
    end
    if file then
      file:close()
    end
    return text, text and version
  end
  local function put(_, text, version)
    local there, now = get()
    if now ~= version then
      return nil, there, now
    end
    local file = assert(io.open(path, "a"))
    file:write(text, "\n")
    file:close()
    if sleeps then
      sleeps = nil
      os.execute("kill -STOP " .. core.process().pid)
    end
    return (version or 0) + 1
  end
  return { get = get, put = put }
end

local store = env "HOLD" == "no" and plain_store(env "FOLDER") or key_store.file(env "FOLDER")
local client = build.new {
  endpoint = env "ENDPOINT",
  auth = token or { ak = ak, sk = sk },
  key_store = store,
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
