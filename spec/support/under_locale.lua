-- busted --helper: sets the locale in LOCALE as programs do it, late: after a first call.

local build = require("codearts.build")

local client = build.new({
  endpoint = "http://127.0.0.1:1",
  auth = "a-fake-token",
  proxy = false,
  retry = false,
})
local _, err = client:try_run({ job_id = ("a"):rep(32) })
assert(err.kind == "transport", tostring(err))
client:close()
assert(os.setlocale(os.getenv("LOCALE")), "there is no such locale")
