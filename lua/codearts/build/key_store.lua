--- Stores for the records of keys: `build.new { key_store = require("codearts.build.key_store").file() }`.
---
--- A store is a table of functions. Each answers its values directly, or a call object of the client
--- (client:task, client:request) that answers them as a list, so that nothing blocks a loop; `nil, err`
--- with a structured error, or a raised one: the store is in trouble.
local M = {}

---@alias codearts.build.KeyVersion string|number|nil

---@class codearts.build.KeyStore
---@field get fun(key: string, client: codearts.build.Client): text: string?, version: codearts.build.KeyVersion
---@field put fun(key: string, text: string, version: codearts.build.KeyVersion, client: codearts.build.Client): any, string?, any
--- swaps: version nil: only if there is none. Answers the new version; nil: somebody was first, with what is
--- there
---@field hold? fun(key: string, client: codearts.build.Client): release: (fun())? nil: somebody alive holds it; only
--- where the system itself lets go at the holder's death
---@field holder? fun(key: string, client: codearts.build.Client): process: { host: string, pid: integer }? who holds it
--- now, for errors; nil: nobody knows
---@field never_yields? boolean of this library's own: no function needs a coroutine to be found out
---@field warnings? string[] told as events of type "warning" by the next call, then removed
---@field check? fun(client: codearts.build.Client): text: string? what it is, for `codearts-build doctor`; nil and why not
---@field list? fun(client: codearts.build.Client): texts: string[] the texts of all records, in no order

---@class codearts.build.EtcdOptions
---@field endpoint string|string[] https://HOST:PORT, several as a list or with commas
---@field user? string
---@field password? string
---@field tls? codearts.build.TlsOptions default: the client's
---@field prefix? string of the names of records, default "codearts-build/keys"
---@field timeout? number seconds for one question to the cluster, default 10
---@field allow_http? boolean send the password over plain http to another machine

--- Records in files of one folder: at most one build for all processes that use it.
---@param folder? string default: `$XDG_STATE_HOME/codearts-build/keys`, else `~/.local/state/codearts-build/keys`
---@return codearts.build.KeyStore
function M.file(folder)
  return require("codearts.build.key_store.file").new(folder)
end

--- Records in an etcd cluster: at most one build across machines.
---@param options codearts.build.EtcdOptions
---@return codearts.build.KeyStore
function M.etcd(options)
  return require("codearts.build.key_store.etcd").new(options)
end

--- The store at an address, as CODEARTS_BUILD_KEY_STORE and --key-store have it: `file:FOLDER`,
--- `etcd://HOST:PORT[,HOST:PORT]/PREFIX`, `etcds://…`. See codearts.build.key_store.address.
---@param address string
---@return codearts.build.KeyStore
function M.from_address(address)
  return require("codearts.build.key_store.address").open(address)
end

return M
