-- The least program that runs a build, for the bench of whole processes: url token-bytes http-version agent ca.
local build = require "codearts.build"

local url, token, version, _, ca = ...
local client = build.new {
  endpoint = url:match "^%w+://[^/]+",
  auth = ("A"):rep(tonumber(token)),
  tls = { ca_file = ca ~= "" and ca or nil },
  http_version = version,
  proxy = false,
}
local result = client:run {
  job_id = "f9d6c8466d614a9788e9a0acf6c15f46",
  parameter = { { name = "codeBranch", value = "master" } },
  scm = { build_tag = build.null, build_commit_id = "build_commit_id" },
}
assert(result.actual_build_number == "20", "not the answer of the server")
client:close()
