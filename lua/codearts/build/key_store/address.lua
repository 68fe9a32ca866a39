--- Key stores by their addresses, as the command line and the environment name them:
---
---     file:FOLDER
---     etcd://HOST:PORT[,HOST:PORT…][/PREFIX]      etcds:// over TLS
---
--- Nothing secret stands in one: the login comes from CODEARTS_BUILD_ETCD_USER and
--- CODEARTS_BUILD_ETCD_PASSWORD_FILE, a private authority from CODEARTS_BUILD_ETCD_CA_FILE.
local core = require "codearts.build.core"
local shown = require "codearts.build.shown"

local M = {}

local USER, PASSWORD_FILE = "CODEARTS_BUILD_ETCD_USER", "CODEARTS_BUILD_ETCD_PASSWORD_FILE"
local CA_FILE = "CODEARTS_BUILD_ETCD_CA_FILE"

local function refuse(message)
  error(core.error { kind = "config", field = "key_store", message = "key store: " .. message }, 0)
end

local function variable(getenv, name)
  local value = getenv(name)
  return value ~= "" and value or nil
end

local function password_of(getenv, user)
  local path = variable(getenv, PASSWORD_FILE)
  if (user == nil) ~= (path == nil) then
    refuse(("%s and %s come together"):format(USER, PASSWORD_FILE))
  elseif not path then
    return nil
  end
  local text, problem = core.file.read(path)
  if not text then
    refuse(("%s: %s: %s"):format(PASSWORD_FILE, shown.path(path), problem))
  end
  text = text:gsub("\r?\n$", "")
  if text == "" then
    refuse(("%s: %s is empty"):format(PASSWORD_FILE, path))
  end
  return text
end

local function etcd(tls, rest, getenv)
  if rest:find("@", 1, true) then
    refuse(("an address holds no login: give that by %s and %s"):format(USER, PASSWORD_FILE))
  end
  local hosts, prefix = rest:match "^([^/?#]+)/?([^?#]*)$"
  if not hosts then
    refuse "an address of etcd is etcd://HOST:PORT[,HOST:PORT]/PREFIX, or etcds:// over TLS"
  end
  local endpoints = {}
  for each in hosts:gmatch "[^,]+" do
    if shown.is_word_with_slash(each .. rest:sub(#hosts + 1)) then
      refuse "a host before a slash has its port: etcd://HOST:PORT/PREFIX; else it may be a secret"
    end
    endpoints[#endpoints + 1] = (tls and "https://" or "http://") .. each
  end
  local user, ca_file = variable(getenv, USER), variable(getenv, CA_FILE)
  return require("codearts.build.key_store.etcd").new {
    endpoint = endpoints,
    prefix = prefix ~= "" and prefix or nil,
    user = user,
    password = password_of(getenv, user),
    tls = tls and ca_file and { ca_file = ca_file } or nil,
  }
end

--- The store at an address. Raises kind "config" for what is none; the message repeats nothing of it.
---@param address string
---@param getenv? fun(name: string): string? default os.getenv
---@return codearts.build.KeyStore
function M.open(address, getenv)
  local scheme, rest = tostring(address):match "^([a-z]+):(.*)$"
  if scheme == "file" and rest ~= "" then
    return require("codearts.build.key_store.file").new(rest)
  elseif (scheme == "etcd" or scheme == "etcds") and rest:sub(1, 2) == "//" then
    return etcd(scheme == "etcds", rest:sub(3), getenv or os.getenv)
  end
  return refuse "an address is file:FOLDER, etcd://HOST:PORT/PREFIX or etcds://HOST:PORT/PREFIX"
end

return M
