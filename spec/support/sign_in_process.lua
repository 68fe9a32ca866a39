-- One of several processes that sign in at once: ENDPOINT IAM STORE. It starts a build, says that
-- the call waits for the token, and says when the build was started.

local flow_client = require "spec.support.flow_client"
local token_store = require "codearts.build.token_store"

local endpoint, iam, store = (table.unpack or unpack)(arg)
local client = flow_client.new {
  endpoint = endpoint,
  iam_endpoint = iam,
  auth = { user = "ci", password = "p", domain = "acme", project = "cn-north-4" },
  token_store = token_store.file(store),
}
local call = client:start()
client:step(0)
io.stdout:write "waiting\n"
io.stdout:flush()
client:wait(call)
local result, err = call:try_wait()
print(result and "done" or tostring(err))
client:close()
