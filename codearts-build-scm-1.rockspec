rockspec_format = "3.0"
package = "codearts-build"
version = "scm-1"
source = {
  -- `luarocks make` takes the tree that it stands in.
  url = ".",
}
description = {
  summary = "Runs Huawei Cloud CodeArts Build jobs from Lua",
  detailed = [[
Starts a build and answers its numbers, follows it to its end, and reads its log: blocking or
asynchronous in any event loop, with at most one build a call whatever the network does.
]],
  license = "MIT",
  labels = { "ci", "cloud", "huaweicloud" },
}
dependencies = {
  "lua >= 5.1",
  "lua-cjson",
  -- Only the command asks for it; the modules do without.
  "argparse",
}
-- Without a header: that would be looked for outside of the multiarch folders.
external_dependencies = {
  CURL = { library = "curl" },
  OPENSSL = { library = "crypto" },
}
supported_platforms = { "unix" }
build = {
  type = "builtin",
  -- The two lists of files are written by `make rockspec`.
  modules = {
    ["codearts.build.core"] = {
      sources = {
        "csrc/cab/buf.c",
        "csrc/cab/call.c",
        "csrc/cab/classify.c",
        "csrc/cab/client.c",
        "csrc/cab/clock.c",
        "csrc/cab/crypto.c",
        "csrc/cab/endpoint.c",
        "csrc/cab/engine.c",
        "csrc/cab/error.c",
        "csrc/cab/identity.c",
        "csrc/cab/poller.c",
        "csrc/cab/request.c",
        "csrc/cab/retry.c",
        "csrc/cab/sign.c",
        "csrc/cab/timers.c",
        "csrc/cab/url.c",
        "csrc/lua/lua_error.c",
        "csrc/lua/lua_file.c",
        "csrc/lua/lua_json.c",
        "csrc/lua/lua_opts.c",
        "csrc/lua/lua_sign.c",
        "csrc/lua/lua_term.c",
      }, -- sources
      defines = { "_GNU_SOURCE" },
      incdirs = { "csrc", "$(CURL_INCDIR)", "$(OPENSSL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)", "$(OPENSSL_LIBDIR)" },
      libraries = { "curl", "crypto", "pthread" },
    },
    -- Lua
    ["codearts.build.atomic_file"] = "lua/codearts/build/atomic_file.lua",
    ["codearts.build.cli"] = "lua/codearts/build/cli.lua",
    ["codearts.build.cli.arguments"] = "lua/codearts/build/cli/arguments.lua",
    ["codearts.build.cli.duration"] = "lua/codearts/build/cli/duration.lua",
    ["codearts.build.cli.exit_status"] = "lua/codearts/build/cli/exit_status.lua",
    ["codearts.build.cli.json"] = "lua/codearts/build/cli/json.lua",
    ["codearts.build.cli.reference"] = "lua/codearts/build/cli/reference.lua",
    ["codearts.build.cli.spans"] = "lua/codearts/build/cli/spans.lua",
    ["codearts.build.cli.terminal"] = "lua/codearts/build/cli/terminal.lua",
    ["codearts.build.cli.text"] = "lua/codearts/build/cli/text.lua",
    ["codearts.build.cli.timeline"] = "lua/codearts/build/cli/timeline.lua",
    ["codearts.build.ini"] = "lua/codearts/build/ini.lua",
    ["codearts.build.lifecycle"] = "lua/codearts/build/lifecycle.lua",
    ["codearts.build.lifecycle.log"] = "lua/codearts/build/lifecycle/log.lua",
    ["codearts.build.lifecycle.log_lines"] = "lua/codearts/build/lifecycle/log_lines.lua",
    ["codearts.build.lifecycle.pause"] = "lua/codearts/build/lifecycle/pause.lua",
    ["codearts.build.lifecycle.record"] = "lua/codearts/build/lifecycle/record.lua",
    ["codearts.build.lifecycle.wait"] = "lua/codearts/build/lifecycle/wait.lua",
    ["codearts.build.nearest"] = "lua/codearts/build/nearest.lua",
    ["codearts.build.operation_call"] = "lua/codearts/build/operation_call.lua",
    ["codearts.build.operation_request"] = "lua/codearts/build/operation_request.lua",
    ["codearts.build.operations"] = "lua/codearts/build/operations.lua",
    ["codearts.build.regions"] = "lua/codearts/build/regions.lua",
    ["codearts.build.sandbox"] = "lua/codearts/build/sandbox.lua",
    ["codearts.build.sandbox.ask"] = "lua/codearts/build/sandbox/ask.lua",
    ["codearts.build.sandbox.builds"] = "lua/codearts/build/sandbox/builds.lua",
    ["codearts.build.sandbox.clock"] = "lua/codearts/build/sandbox/clock.lua",
    ["codearts.build.sandbox.fault"] = "lua/codearts/build/sandbox/fault.lua",
    ["codearts.build.sandbox.http"] = "lua/codearts/build/sandbox/http.lua",
    ["codearts.build.sandbox.iam"] = "lua/codearts/build/sandbox/iam.lua",
    ["codearts.build.sandbox.identities"] = "lua/codearts/build/sandbox/identities.lua",
    ["codearts.build.sandbox.jobs"] = "lua/codearts/build/sandbox/jobs.lua",
    ["codearts.build.sandbox.json"] = "lua/codearts/build/sandbox/json.lua",
    ["codearts.build.sandbox.launch"] = "lua/codearts/build/sandbox/launch.lua",
    ["codearts.build.sandbox.log"] = "lua/codearts/build/sandbox/log.lua",
    ["codearts.build.sandbox.luahttp"] = "lua/codearts/build/sandbox/luahttp.lua",
    ["codearts.build.sandbox.options"] = "lua/codearts/build/sandbox/options.lua",
    ["codearts.build.sandbox.parameter"] = "lua/codearts/build/sandbox/parameter.lua",
    ["codearts.build.sandbox.random"] = "lua/codearts/build/sandbox/random.lua",
    ["codearts.build.sandbox.reads"] = "lua/codearts/build/sandbox/reads.lua",
    ["codearts.build.sandbox.reaper"] = "lua/codearts/build/sandbox/reaper.lua",
    ["codearts.build.sandbox.routes"] = "lua/codearts/build/sandbox/routes.lua",
    ["codearts.build.sandbox.run_job"] = "lua/codearts/build/sandbox/run_job.lua",
    ["codearts.build.sandbox.runner"] = "lua/codearts/build/sandbox/runner.lua",
    ["codearts.build.sandbox.script"] = "lua/codearts/build/sandbox/script.lua",
    ["codearts.build.sandbox.server"] = "lua/codearts/build/sandbox/server.lua",
    ["codearts.build.sandbox.signature"] = "lua/codearts/build/sandbox/signature.lua",
    ["codearts.build.sandbox.utf8"] = "lua/codearts/build/sandbox/utf8.lua",
    ["codearts.build.sandbox.views"] = "lua/codearts/build/sandbox/views.lua",
    ["codearts.build.sign_in.credential"] = "lua/codearts/build/sign_in/credential.lua",
    ["codearts.build.sign_in.http"] = "lua/codearts/build/sign_in/http.lua",
    ["codearts.build.sign_in.id_token"] = "lua/codearts/build/sign_in/id_token.lua",
    ["codearts.build.sign_in.life"] = "lua/codearts/build/sign_in/life.lua",
    ["codearts.build.sign_in.metadata"] = "lua/codearts/build/sign_in/metadata.lua",
    ["codearts.build.sign_in.password"] = "lua/codearts/build/sign_in/password.lua",
    ["codearts.build.sign_in.pod_identity"] = "lua/codearts/build/sign_in/pod_identity.lua",
    ["codearts.build.sign_in.project"] = "lua/codearts/build/sign_in/project.lua",
    ["codearts.build.sign_in.temporary_key"] = "lua/codearts/build/sign_in/temporary_key.lua",
    ["codearts.build.sign_in.text_file"] = "lua/codearts/build/sign_in/text_file.lua",
    ["codearts.build.sign_in.timestamp"] = "lua/codearts/build/sign_in/timestamp.lua",
    ["codearts.build.types"] = "lua/codearts/build/types.lua",
    ["codearts.build.version"] = "lua/codearts/build/version.lua",
  }, -- modules
  install = {
    bin = { ["codearts-build"] = "bin/codearts-build" },
  },
  copy_directories = { "doc" },
}
test = {
  type = "command",
  command = "make test",
}
