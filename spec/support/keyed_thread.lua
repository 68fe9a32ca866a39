--- What each thread of threads.c runs: one start with the key that all of them have.

local about = ...
local endpoint, folder = about:match "^(%S+) (%S+)$"

local build = require "codearts.build"
local client = build.new {
  endpoint = endpoint,
  auth = { ak = "AK", sk = "SK" },
  key_store = require("codearts.build.key_store").file(folder),
}
local args = { job_id = ("a"):rep(32) }
assert(client:run(args, { key = "k", key_wait = 60 }).actual_build_number == "20")
client:close()
