-- What every supported Lua has. Other globals are asked for by rawget(_G, name): where the table of globals is strict, whoever
-- reads one that is not there is refused. Fields that only some have are listed, for they are used behind a test.
std = "min"
max_line_length = 140
read_globals = {
  coroutine = { fields = { "isyieldable", "_create", "_resume", "_status", "_yield" } },
  math = { fields = { "maxinteger", "mininteger", "tointeger", "type" } },
  package = { fields = { "loaders", "searchers", "searchpath" } },
  table = { fields = { "pack", "unpack" } },
}
exclude_files = { "build", "lua_modules" }

-- Not where the library lives, and not `arg`, which programs that embed Lua do not set.
local OF_SOME = { "jit", "loadstring", "setfenv", "unpack" }
files["lua"] = { not_globals = { "arg" } }
files["bench"] = { read_globals = OF_SOME }
files["examples"] = { read_globals = OF_SOME }
files["lua/codearts/build/resty.lua"] = { read_globals = { "ngx" } }
files["lua/codearts/build/hosts/nginx*.lua"] = { read_globals = { "ngx" } }
files["lua/codearts/build/nginx_request.lua"] = { globals = { "ngx" }, read_globals = { "jit" } }
files["lua/codearts/build/nvim.lua"] = { globals = { "vim" } }
files["lua/codearts/build/nvim"] = { globals = { "vim" } }
files["lua/codearts/health.lua"] = { read_globals = { "vim" } }
files["compiler"] = { globals = { "vim" } }
files["plugin"] = { globals = { "vim" } }
-- Begins as a script of the shell, which Lua reads as the text of this variable.
files["bin/codearts-build"] = { globals = { "_" } }
files["spec"] = {
  std = "+busted",
  read_globals = OF_SOME,
  globals = { io = { other_fields = true, fields = { stderr = { read_only = false } } } },
}
files["examples/demo/jobs.lua"] = { read_globals = { "job", "step" } }
files["bench/steps"] = { read_globals = { "ngx", "vim" } }
files["bench/steps/love"] = { globals = { "love" } }
files["examples/love"] = { globals = { "love" } }
files["examples/nvim.lua"] = { read_globals = { "vim" } }
files["examples/openresty"] = { globals = { "ngx" } }
files["spec/data"] = { max_line_length = false }
-- Generated.
files["lua/codearts/build/operations/rows.lua"] = { max_line_length = false }
files["lua/codearts/build/types.lua"] = { max_line_length = false }
files["spec/proof/torture.lua"] = { read_globals = { "server" } }
