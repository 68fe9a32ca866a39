--- Records in etcd (3.4 or newer), by its JSON gateway over the client's own engine: at most one build across
--- machines. All reads are linearizable.
---
--- A swap compares the revision and the text: after an old snapshot was restored, revisions come again.
local ascii = require "codearts.build.ascii"
local base64 = require "codearts.build.base64"
local core = require "codearts.build.core"
local Gateway = require "codearts.build.key_store.etcd_gateway"
local http = require "codearts.build.sign_in.http"

local M = {}

local PREFIX = "codearts-build/keys"
local TIMEOUT = 10
local LONGEST_VERSION = 32
local PAGE = 50 -- records in one answer: with 64 KiB each it stays below the limit of an answer

local OPTIONS = {
  endpoint = { string = true, table = true },
  user = { string = true },
  password = { string = true },
  tls = { table = true },
  prefix = { string = true },
  timeout = { number = true },
  allow_http = { boolean = true },
}

local function refuse(field, message)
  error(
    core.error {
      kind = "config",
      field = "key_store." .. field,
      message = "key_store." .. field .. ": " .. message,
    },
    0
  )
end

local function check(options)
  if type(options) ~= "table" then
    refuse("endpoint", "etcd wants a table with an endpoint")
  end
  for name, value in next, options do
    if not OPTIONS[name] then
      refuse(tostring(name), "there is no such option of etcd")
    elseif not OPTIONS[name][type(value)] then
      refuse(name, "must not be a " .. type(value))
    end
  end
  local timeout = options.timeout or TIMEOUT
  if not (timeout > 0 and timeout < math.huge) then
    refuse("timeout", "must be seconds, more than 0")
  elseif (options.user == nil) ~= (options.password == nil) then
    refuse("user", "user and password come together")
  elseif options.user == "" then
    refuse("user", "is empty")
  end
end

--- Addresses with their schemes, without a slash at their ends.
local function endpoints_of(options)
  local given, list = options.endpoint, {}
  for each in (type(given) == "table" and table.concat(given, ",") or given or ""):gmatch "[^,]+" do
    local endpoint = http.url(ascii.trim(each), "")
    if not http.is_plain(endpoint) or endpoint:find("/", 9, true) then
      refuse("endpoint", "must be http://HOST:PORT or https://HOST:PORT, several with commas")
    elseif options.user and not options.allow_http and not http.is_safe(endpoint) then
      refuse(
        "endpoint",
        "plain http would show the password to everybody on the way; use https, or the option allow_http"
      )
    end
    list[#list + 1] = endpoint
  end
  if not list[1] then
    refuse("endpoint", "an endpoint is needed")
  end
  return list
end

--- The first key after all that begin with a prefix.
local function after(prefix)
  local head = prefix:gsub("\255+$", "")
  return head:sub(1, -2) .. string.char(head:byte(-1) + 1)
end

local function nonsense()
  return core.error {
    kind = "key",
    reason = "store",
    field = "key_store",
    message = "key store: etcd answered what is no record",
    retryable = false,
  }
end

--- A version is one text, so that it can be compared: the revision and what was there.
local function version_of(revision, text)
  return revision .. " " .. text
end

--- The text of a key-value pair and its version; nil when there is none; nil and an error.
local function read_pair(kvs)
  local pair = type(kvs) == "table" and kvs[1] or nil
  if pair == nil then
    return nil
  end
  local text = type(pair) == "table" and base64.decode(tostring(pair.value or ""))
  local revision = type(pair) == "table" and tostring(pair.mod_revision or "")
  if not text or not revision or not revision:find "^%d+$" then
    return nil, nonsense()
  end
  return text, version_of(revision, text)
end

local function comparison(key, version)
  if version == nil then
    return { { key = key, target = "CREATE", result = "EQUAL", create_revision = "0" } }
  end
  local revision, text = version:match "^(%d+) (.*)$"
  return {
    { key = key, target = "MOD", result = "EQUAL", mod_revision = revision },
    { key = key, target = "VALUE", result = "EQUAL", value = base64.encode(text) },
  }
end

--- What a swap answered, as the interface of stores has it.
local function swapped(body, text)
  local first = type(body.responses) == "table" and body.responses[1] or nil
  if body.succeeded == true then
    local revision = tostring(body.header.revision or "")
    if not revision:find "^%d+$" then
      return nil, nonsense()
    end
    return { version_of(revision, text) }
  elseif type(first) ~= "table" or type(first.response_range) ~= "table" then
    return nil, nonsense()
  end
  local there, version = read_pair(first.response_range.kvs)
  if core.is_error(version) then
    return nil, version
  end
  return { nil, there, version }
end

---@class codearts.build.EtcdStore
---@field gateway table
---@field prefix string
local Etcd = {}
Etcd.__index = Etcd

--- A call that asks once and answers what `read` makes of the body.
function Etcd:ask(client, path, question, read)
  return client:task(function(await)
    local body, err = self.gateway:ask(client, await, path, question)
    if not body then
      return nil, err
    end
    return read(body)
  end)
end

function Etcd:name_of(key)
  return base64.encode(self.prefix .. key)
end

--- See codearts.build.KeyStore.
function Etcd:get(key, client)
  return self:ask(client, "/v3/kv/range", { key = self:name_of(key) }, function(body)
    local text, version = read_pair(body.kvs)
    if core.is_error(version) then
      return nil, version
    end
    return { text, version }
  end)
end

--- See codearts.build.KeyStore.
function Etcd:put(key, text, version, client)
  local name = self:name_of(key)
  return self:ask(client, "/v3/kv/txn", {
    compare = comparison(name, version),
    success = { { request_put = { key = name, value = base64.encode(text) } } },
    failure = { { request_range = { key = name } } },
  }, function(body)
    return swapped(body, text)
  end)
end

--- Adds the texts of a page. Answers the name of its last key, or nil and what is wrong with it.
local function add_page(texts, body)
  local kvs = type(body.kvs) == "table" and body.kvs or {}
  for _, pair in ipairs(kvs) do
    local text, problem = read_pair { pair }
    if not text then
      return nil, problem
    end
    texts[#texts + 1] = text
  end
  local last = kvs[#kvs]
  return last and base64.decode(tostring(last.key))
end

--- See codearts.build.KeyStore. One page after the other, each from behind the last key.
function Etcd:list(client)
  return client:task(function(await)
    local texts, seen, from = {}, {}, base64.encode(self.prefix)
    repeat
      local body, err = self.gateway:ask(client, await, "/v3/kv/range", {
        key = from,
        range_end = base64.encode(after(self.prefix)),
        limit = PAGE,
      })
      if not body then
        return nil, err
      end
      local last, problem = add_page(texts, body)
      if problem then
        return nil, problem
      elseif last and seen[last] then
        return nil, nonsense() -- a page that was there before: it would never end
      end
      from = last and base64.encode(last .. "\0")
      seen[last or ""] = true
    until not from or body.more ~= true
    return { texts }
  end)
end

--- The version in an answer: of what stands there no more than versions are made of.
local function version_in(about, client)
  local text = about and about.version
  local version = type(text) == "string" and client:mask(text):match "^[0-9A-Za-z.+-]+"
  return version and version:sub(1, LONGEST_VERSION) or "?"
end

--- The version of the cluster if it tells, and how long a read takes.
function Etcd:check(client)
  return client:task(function(await)
    local began = core.now()
    local question = { key = base64.encode(self.prefix) }
    local body, err = self.gateway:ask(client, await, "/v3/kv/range", question)
    if not body then
      return nil, err
    end
    local elapsed = core.now() - began
    local about = self.gateway:ask(client, await, "/v3/maintenance/status", {})
    local version = version_in(about, client)
    return { ("etcd %s, read in %d ms"):format(version, math.floor(elapsed * 1000 + 0.5)) }
  end)
end

--- A store in an etcd cluster. Asks nothing yet.
---@param options codearts.build.EtcdOptions
---@return codearts.build.KeyStore
function M.new(options)
  check(options)
  local self = setmetatable({
    gateway = Gateway.new {
      endpoints = endpoints_of(options),
      user = options.user,
      password = options.password,
      tls = options.tls,
      timeout = options.timeout or TIMEOUT,
    },
    prefix = (options.prefix or PREFIX):gsub("/*$", "") .. "/",
  }, Etcd)
  local store = {}
  for _, name in ipairs { "get", "put", "list", "check" } do
    store[name] = function(...)
      return self[name](self, ...)
    end
  end
  return store
end

return M
