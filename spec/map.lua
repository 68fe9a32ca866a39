--- Which specs a source concerns. `make test CHANGED=1` runs those of what git says has changed since
--- BASE (HEAD), `make quick` the fast ones among them.
---
---     lua spec/map.lua specs|fast|c|lua [BASE]   prints spec files, or changed files of C or Lua

local M = {}

-- A source, as a pattern of its path, and the specs that would notice; all rows that fit count.
-- A spec concerns itself, and what lives under a folder of its own name.
local ROWS = {
  { "^csrc/cab/classify", "refusals errors at_most_once" },
  { "^csrc/cab/call", "retry time refusals at_most_once admission" },
  { "^csrc/cab/client", "async cancel fork time admission core_alone connections secrets_sign_in" },
  { "^csrc/cab/states", "async cancel admission trace" },
  { "^csrc/cab/engine", "at_most_once async time stream hardening frames" },
  { "^csrc/cab/transfer", "at_most_once reused stream hardening large_body proxy" },
  { "^csrc/cab/wire", "at_most_once reused stream" },
  { "^csrc/cab/receive", "at_most_once stream large_body hardening" },
  { "^csrc/cab/curl_error", "connect_faults tls errors at_most_once proxy" },
  { "^csrc/cab/sockets", "reused connections" },
  { "^csrc/cab/hosts", "connections frames reused" },
  { "^csrc/cab/trust", "trust tls proxy" },
  { "^csrc/cab/anchors", "trust tls" },
  { "^csrc/cab/bundle", "trust tls" },
  { "^csrc/cab/pem", "units trust" },
  { "^csrc/cab/file_id", "trust" },
  { "^csrc/cab/libssl", "trust tls" },
  { "^csrc/cab/sign", "sign sign_mismatch" },
  { "^csrc/cab/crypto", "sign" },
  { "^csrc/cab/identity", "sign_in secrets_sign_in secrets_build" },
  { "^csrc/cab/secret", "secrets secrets_attempts secrets_given secrets_mask proxy units" },
  { "^csrc/cab/escape", "secrets secrets_mask units" },
  { "^csrc/cab/grams", "secrets units" },
  { "^csrc/cab/pieces", "secrets units proportion" },
  { "^csrc/cab/url", "url" },
  { "^csrc/cab/endpoint", "endpoints proxy" },
  { "^csrc/cab/poller", "async fork" },
  { "^csrc/cab/worker", "journal keys" },
  { "^csrc/cab/journal", "journal keys units" },
  { "^csrc/cab/descriptor", "journal keys_told" },
  { "^csrc/cab/held_signal", "refused cli_output" },
  { "^csrc/cab/nearest", "options config operation_call" },
  { "^csrc/cab/locale", "locale" },
  { "^csrc/cab/retry", "retry" },
  { "^csrc/cab/timers", "time" },
  { "^csrc/cab/list", "async" },
  { "^csrc/cab/pin", "packaging" },
  { "^csrc/cab/", "core_alone" },
  { "^csrc/lua/lua_args", "args result" },
  { "^csrc/lua/lua_secrets", "secrets secrets_attempts secrets_sign_in" },
  { "^csrc/lua/lua_body", "errors result operation_call" },
  { "^csrc/lua/lua_outcome", "errors result secrets" },
  { "^csrc/lua/lua_meta", "result" },
  { "^csrc/lua/lua_slots", "result" },
  { "^csrc/lua/lua_call", "async cancel finalizer admission" },
  { "^csrc/lua/lua_client", "async options" },
  { "^csrc/lua/lua_step", "async finalizer frames" },
  { "^csrc/cab/budget", "frames" },
  { "^csrc/lua/lua_wait", "facade async" },
  { "^csrc/lua/lua_options", "options config" },
  { "^csrc/lua/lua_opts", "options args" },
  { "^csrc/lua/lua_headers", "options secrets_methods" },
  { "^csrc/lua/lua_request", "options operation_call hardening secrets_methods tls" },
  { "^csrc/lua/lua_json", "json" },
  { "^csrc/lua/lua_plain", "json result" },
  { "^csrc/lua/lua_vim", "nvim_json" },
  { "^csrc/lua/lua_sign", "sign" },
  { "^csrc/lua/lua_journal", "journal" },
  { "^csrc/lua/lua_file", "token_store refused" },
  { "^csrc/lua/lua_buf", "json journal sign" },
  { "^csrc/lua/lua_term", "cli_terminal cli_output" },
  { "^csrc/lua/", "core_alone result" },
  { "/client", "facade async tasks result keys_interrupt" },
  { "/client/pause", "keys_stores cli_names" },
  { "/client/mask", "secrets_build secrets_told secrets_given secrets" },
  { "/init%.lua$", "facade load" },
  { "/config", "config" },
  { "/regions", "regions" },
  { "/sign_in", "sign_in sign_in_chain sign_in/ secrets_sign_in secrets_told secrets_attempts" },
  { "/shown", "sign_in/ config regions cli_usage" },
  { "/token_store", "token_store" },
  { "/operations/", "operations operation_call wire" },
  { "^spec/data/operations", "operations wire" },
  { "/lifecycle", "lifecycle wait log_lines log_steps proportion secrets_methods" },
  {
    "/reconcile",
    "reconcile reconcile_asks reconcile_cache reconcile_unlisted reconcile_values secrets_methods",
  },
  { "/keys/", "keys keys_interrupt secrets_methods" },
  { "/key_store", "keys journal strict" },
  { "/hosts/", "host_plain host_luv host_nvim" },
  { "/luv%.lua$", "host_luv" },
  { "/nvim%.lua$", "host_nvim" },
  {
    "build/nvim/",
    "host_nvim nvim_builds nvim_help nvim_lists nvim_parts nvim_pieces nvim_problems nvim_secrets nvim_waits",
  },
  { "^compiler/", "nvim_builds" },
  { "^spec/data/problems/", "nvim_problems" },
  { "/lifecycle/pages", "nvim_lists cli_names" },
  { "/lifecycle/steps", "verdict cli_reading" },
  { "/lifecycle/stages", "cli_render" },
  { "/cli/words", "nvim_parts" },
  { "/cli/styled", "nvim_parts" },
  { "/cli/sorted", "nvim_parts" },
  { "/cli/table", "proportion" },
  { "/cli/entry", "cli_answers" },
  { "/cli/waiting", "verdict" },
  { "/cli/given", "cli_values secrets_given nvim_secrets" },
  { "^lazy%.lua$", "nvim_install" },
  { "^plugin/", "host_nvim nvim_install" },
  { "/resty", "host_resty" },
  { "/nginx_request", "host_resty_callbacks" },
  { "/sandbox", "strict sandbox sandbox_run sandbox_reads sandbox_auth sandbox_units" },
  { "/cli/sandbox", "cli_terminal" },
  { "/cli/output", "cli_output cli_endings" },
  { "/cli/doctor", "cli_doctor" },
  { "/cli/advice", "cli_doctor" },
  { "/cli/speaker", "cli_doctor" },
  { "/cli", "strict cli_usage cli_render cli_text cli_command" },
  { "/calendar", "calendar" },
  { "/ids", "lifecycle cli_reference" },
  { "/base64", "keys_etcd" },
  { "/problem", "facade lifecycle" },
  { "/inherited", "keys" },
  { "/check", "lifecycle" },
  { "/load_error", "load nvim_install" },
  { "/types", "operations" },
  { "/version", "packaging" },
  { "/meta", "result lifecycle" },
  { "/coroutines", "async" },
  { "/unicode", "log_lines" },
  { "/atomic_file", "operation_call" },
  { "/shapes", "config" },
  { "/health", "host_nvim nvim_install" },
  { "/ascii", "locale proportion" },
  { "/ini", "ini sign_in/" },
  { "^examples/love", "host_love" },
  { "^Makefile$", "make packaging nvim_install" },
  { "^%.ci/", "deps run nvim_install" },
  { "^spec/run%.lua$", "run" },
  { "%.rockspec$", "packaging" },
  { "^packaging/", "packaging deps" },
  { "^doc/", "docs" },
  { "^doc/codearts.txt$", "nvim_help" },
  { "/cli/", "nvim_help" },
  { "^README", "docs" },
  { "^doc/client", "nvim_help" },
  { "%.lua$", "layers docs" },
  { "^csrc/", "layers docs" },
}

-- Those that take seconds: whole servers, hosts, hundreds of cases.
local SLOW = {
  at_most_once = true,
  chaos = true,
  cli_command = true,
  cli_output = true,
  cli_terminal = true,
  connect_faults = true,
  gateways = true,
  host_love = true,
  host_luv = true,
  host_nvim = true,
  host_resty = true,
  host_resty_callbacks = true,
  keys = true,
  keys_interrupt = true,
  large_body = true,
  locale = true,
  make = true,
  nvim_builds = true,
  nvim_help = true,
  nvim_install = true,
  packaging = true,
  proxy = true,
  reconcile = true,
  reused = true,
  sandbox_run = true,
  stream = true,
  strict = true,
  time = true,
  tls = true,
  trust = true,
}

local function exists(path)
  local file = io.open(path)
  if file then
    file:close()
  end
  return file ~= nil
end

--- The specs of some files, in the order of their names.
---@param files string[]
---@param fast? boolean only those that take less than seconds
---@return string[] specs paths
function M.specs_of(files, fast)
  local found, list = {}, {}
  local function add(name)
    local path = name:find "/$" and "spec/" .. name:gsub("/$", "") or "spec/" .. name .. "_spec.lua"
    if not found[path] and not (fast and SLOW[name]) and (name:find "/$" or exists(path)) then
      found[path] = true
      list[#list + 1] = path
    end
  end
  for _, file in ipairs(files) do
    local own = file:match "^spec/([%w_/]+)_spec%.lua$"
    if own then
      add(own)
    end
    for _, row in ipairs(ROWS) do
      if file:find(row[1]) and not own then
        for name in row[2]:gmatch "%S+" do
          add(name)
        end
      end
    end
  end
  table.sort(list)
  return list
end

--- Names in the rows that are no spec: for the spec of this file.
---@return string[]
function M.unknown()
  local list = {}
  for _, row in ipairs(ROWS) do
    for name in row[2]:gmatch "%S+" do
      if not name:find "/$" and not exists("spec/" .. name .. "_spec.lua") then
        list[#list + 1] = name
      end
    end
  end
  return list
end

--- Files that changed since `base` or are new, and are still there.
---@param base string
---@return string[]
function M.changed(base)
  local pipe = assert(
    io.popen(
      ("{ git diff --name-only %s; git ls-files --others --exclude-standard; } | sort -u"):format(
        base
      )
    )
  )
  local files = {}
  for file in pipe:lines() do
    if exists(file) then
      files[#files + 1] = file
    end
  end
  pipe:close()
  return files
end

if arg and arg[0] and arg[0]:find "spec/map%.lua$" then
  local what, base = arg[1], arg[2] or "HEAD"
  local files, list = M.changed(base), {}
  if what == "specs" or what == "fast" then
    list = M.specs_of(files, what == "fast")
  else
    for _, file in ipairs(files) do
      if file:find(what == "c" and "%.[ch]$" or "%.lua$") and not file:find "%.rockspec$" then
        list[#list + 1] = file
      end
    end
  end
  print(table.concat(list, " "))
end

return M
