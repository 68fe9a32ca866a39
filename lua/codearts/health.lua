--- `:checkhealth codearts`: what a build from this Neovim needs, and what to do where it is missing. Sends
--- nothing; `codearts-build doctor` asks the service itself.
local M = {}

local health = vim.health or require "health" -- Neovim 0.7
local start = health.start or health.report_start
local ok, warn = health.ok or health.report_ok, health.warn or health.report_warn
local fail, info = health.error or health.report_error, health.info or health.report_info

local uv = vim.uv or vim.loop

-- Where systems keep the certificates that they trust.
local BUNDLES = {
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
}

local function first_line(value)
  return (tostring(value):match "^[^\n]*")
end

--- The time of the newest source of the core, where there are sources.
local function newest_source(root)
  local newest = 0
  for _, wing in ipairs { "cab", "lua" } do
    for _, path in ipairs(vim.fn.glob(root .. "/csrc/" .. wing .. "/*.[ch]", true, true)) do
      newest = math.max(newest, uv.fs_stat(path).mtime.sec)
    end
  end
  return newest
end

--- The core beside the Lua files that are loaded, if `make nvim` has put one there.
local function own_core()
  local here = debug.getinfo(1, "S").source:match "^@(.*)/lua/codearts/health%.lua$"
  local root = here and uv.fs_realpath(here)
  local path = root and root .. "/lua/codearts/build/core.so"
  return path and uv.fs_stat(path) and path, root
end

local function check_core()
  local loaded, build = pcall(require, "codearts.build")
  if not loaded then
    local found, advice = first_line(build):match "^(.-)%.? (Run: .*)$"
    fail(found or first_line(build), { advice or "the first lines of :messages tell more" })
    return nil
  end
  local versions = build.versions()
  local path, root = own_core()
  local rebuild = root and { "Run: make -C " .. root .. " nvim, and start Neovim again" } or {}
  local ours = require "codearts.build.version"
  if versions.build ~= ours then
    fail(("core %s with Lua files of %s"):format(versions.build, ours), rebuild)
  elseif path and uv.fs_stat(path).mtime.sec < newest_source(root) then
    warn("the core is older than its sources: " .. path, rebuild)
  else
    ok(("core %s, %s"):format(versions.build, path or "from package.cpath"))
  end
  ok(("interface of %s"):format(versions.lua))
  ok(("libcurl %s, %s"):format(versions.libcurl, versions.tls))
  return versions
end

local function check_json(versions)
  local core = require "codearts.build.core"
  local decodes, problem = pcall(core.decode, '{"a":[1,null]}')
  if not decodes then
    fail("JSON: " .. tostring(problem), { "Install lua-cjson for Lua 5.1" })
  elseif versions.cjson:find "^none" then
    ok "JSON by Neovim's vim.json; there is no lua-cjson"
  else
    ok("JSON by lua-cjson " .. versions.cjson)
  end
end

local function check_settings()
  local found, given = pcall(require("codearts.build.nvim.settings").get)
  if not found then
    fail(tostring(given), { ":help codearts-settings" })
  elseif given.project then
    ok("project " .. given.project)
  else
    info "no project is named: jobs are called by their ids (:help codearts-settings)"
  end
end

--- How `:CodeArts` connects.
local function check_service()
  local shown = require "codearts.build.shown"
  local connection = require "codearts.build.cli.connection" {}
  local found, options, sign_in, told = pcall(require("codearts.build.config").resolve, connection)
  if not found then
    fail("service: " .. tostring(options), {
      "Set CODEARTS_BUILD_REGION, for example to cn-north-4, or CODEARTS_BUILD_ENDPOINT, before Neovim starts",
    })
    return nil
  end
  local made, client = pcall(require("codearts.build").new, connection)
  if made then
    client:close()
  elseif client.field == "proxy" then
    fail("service: " .. client.message, { "Correct https_proxy or http_proxy: http://host:port" })
    return nil
  elseif not tostring(client.field):find "^tls" then -- which is looked at next
    fail("service: " .. client.message, {
      "Name the host alone in CODEARTS_BUILD_ENDPOINT, https://host, and unset what holds a password",
    })
    return nil
  end
  local source = told.endpoint_source and (" (%s)"):format(told.endpoint_source) or ""
  ok(("service %s%s"):format(shown.address(options.endpoint), source))
  if told.warning then
    warn(told.warning)
  end
  return connection, options.endpoint, sign_in
end

--- How many certificates a file holds; nil when it cannot be read.
local function certificates_in(path)
  local file = io.open(path)
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return text and select(2, text:gsub("%-BEGIN [A-Z ]*CERTIFICATE%-", ""))
end

local function check_trust(connection, endpoint)
  local shown = require "codearts.build.shown"
  if endpoint:find "^http:" then
    info "trust: the service is asked by plain HTTP, without certificates"
    return
  end
  local named = connection.tls and connection.tls.ca_file
  for _, path in ipairs(named and { named } or BUNDLES) do
    local count = certificates_in(path)
    if count and count > 0 then
      ok(("trust: %d certificates in %s"):format(count, path))
      return
    elseif named then
      fail(
        ("trust: SSL_CERT_FILE names %s, which holds no certificates"):format(shown.path(path)),
        {
          "Name a file of certificates, or unset SSL_CERT_FILE to trust the system's",
        }
      )
      return
    end
  end
  warn("trust: no file of trusted certificates was found", {
    "Install the system's (on Debian and Ubuntu: sudo apt-get install ca-certificates), or name a file in SSL_CERT_FILE",
  })
end

local CREDENTIALS = {
  "Set CODEARTS_BUILD_TOKEN, or HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, before Neovim starts, or write "
    .. "~/.huaweicloud/credentials",
}

--- The sources that need no request, in their order; the values are shown to nobody.
local function check_credentials(sign_in)
  local environment = require "codearts.build.sign_in.environment"
  local ctx = { getenv = os.getenv, warn = warn, region = sign_in.region }
  local sources = {
    { "CODEARTS_BUILD_TOKEN", environment.token },
    { "environment", environment.official },
    { "credentials file", require("codearts.build.sign_in.credentials_file").read },
  }
  for _, source in ipairs(sources) do
    local found, problem, absent, path = source[2](ctx)
    if found then
      ok(("credentials: from %s%s, not tried here"):format(source[1], path and " " .. path or ""))
      return
    elseif not absent then
      warn(("credentials: %s: %s"):format(source[1], tostring(problem)), CREDENTIALS)
    end
  end
  warn("credentials: none here; a cloud server or a pod may have its own", CREDENTIALS)
end

local function check_key_store()
  local key_store = require "codearts.build.key_store"
  local address = os.getenv "CODEARTS_BUILD_KEY_STORE"
  address = address ~= "" and address or nil
  local advice = {
    address and "Correct or unset CODEARTS_BUILD_KEY_STORE"
      or "Only starts with a key need one: set CODEARTS_BUILD_KEY_STORE to file:FOLDER",
  }
  local made, store = pcall(address and key_store.from_address or key_store.file, address)
  if not made then
    fail(tostring(store), advice)
  elseif not store.folder then
    info("key store: etcd, not asked here; codearts-build doctor does")
  else
    local answer, err = store.check()
    if err then
      (address and fail or warn)("key store: " .. tostring(err), advice)
    elseif answer:find "vanishes" then
      warn("key store: " .. answer, advice)
    elseif answer:find "not made yet" then
      info("key store: the first key makes " .. store.folder)
    else
      ok("key store: " .. answer)
    end
  end
end

--- Called by Neovim.
function M.check()
  start "codearts-build"
  local versions = check_core()
  if not versions then
    return
  end
  check_json(versions)
  check_settings()
  local connection, endpoint, sign_in = check_service()
  if connection then
    check_trust(connection, endpoint)
    check_credentials(sign_in)
  end
  check_key_store()
end

return M
