--- Start and follow builds on Huawei Cloud CodeArts Build.
---
---     local build = require "codearts.build"
---     local result = build.run { job_id = "f9d6c8466d614a9788e9a0acf6c15f46" }
---
--- Requiring this loads the C core and no more: it opens nothing and reads no environment. The default
--- client is made on first use.
local loaded, core = pcall(require, "codearts.build.core")
if not loaded then
  -- Lua 5.1 and LuaJIT would take the next try for a loop, and say no more than that.
  package.loaded["codearts.build.core"] = nil
  package.loaded["codearts.build"] = nil
  error(type(core) == "string" and require "codearts.build.load_error"(core) or core, 0)
end

---@class codearts.build
local M = {}

M._VERSION = core._VERSION

--- JSON null, in arguments and answers. The same value as lua-cjson's null.
M.null = core.null

local default

--- The key store that the environment names.
local function key_store()
  local address = os.getenv "CODEARTS_BUILD_KEY_STORE"
  if address and address ~= "" then
    return require("codearts.build.key_store").from_address(address)
  end
end

--- The client of `build.run`, made on first use from the environment. Raises like build.new.
---@return codearts.build.Client
function M.default()
  if not default or not pcall(default.events, default) then -- closed, or left behind by a fork
    default = M.new { key_store = key_store() }
  end
  return default
end

--- The default client for what starts a build: an error then says that none was.
local function starter()
  local ok, client = pcall(M.default)
  if ok then
    return client
  elseif core.is_error(client) then
    client.outcome = "not_started"
  end
  error(client, 0)
end

--- Makes a client. Sends nothing and reads no file. Raises kind "usage" for a bad option, kind
--- "config" for a bad or missing configuration, both with `field`.
---@param options? codearts.build.Options
---@return codearts.build.Client
function M.new(options)
  return require("codearts.build.client").new(options)
end

--- Starts a build and waits until the service has answered. Blocks, unless the client lives in a
--- host's event loop. Raises structured errors.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@return codearts.build.Result
function M.run(args, opts)
  return starter():run(args, opts)
end

--- The same, answering `nil, err` instead of raising; only out-of-memory is raised.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@return codearts.build.Result? result
---@return codearts.build.Error? err
function M.try_run(args, opts)
  local ok, client = pcall(starter)
  if ok then
    return client:try_run(args, opts)
  elseif core.is_error(client) then
    return nil, client
  end
  error(client, 0)
end

--- Starts a build and answers its call object at once. Raises usage errors only.
---@param args codearts.build.RunArgs
---@param opts? codearts.build.RunOptions
---@return codearts.build.Call
function M.start(args, opts)
  return starter():start(args, opts)
end

--- Starts many builds and waits for all; see Client:run_all.
---@param list codearts.build.RunAllItem[]
---@param opts? codearts.build.RunAllOptions
---@return ({ result: codearts.build.Result } | { error: codearts.build.Error })[]
function M.run_all(list, opts)
  return starter():run_all(list, opts)
end

--- How an answer came to be: { job_id, status, request_id, attempts, http_version, elapsed,
--- timings = { dns, connect, tls, first_byte, total } }, times in seconds. What the service calls as the
--- methods of results are (wait, status, log, stop) is in `members`, by name, and not in the result. nil for
--- anything that is not a result.
---@param result codearts.build.Result
---@return codearts.build.Meta?
function M.meta(result)
  return require("codearts.build.meta").told(result)
end

--- Whether a value is one of this library's structured errors.
---@param value any
---@return boolean
function M.is_error(value)
  return core.is_error(value)
end

--- { build =, libcurl =, tls =, lua =, cjson = }: what this runs on, for bug reports.
---@return table<string, string>
function M.versions()
  local versions = core.versions()
  versions.build, versions.core = versions.core, nil
  versions.lua = _VERSION .. (rawget(_G, "jit") and " (" .. rawget(_G, "jit").version .. ")" or "")
  -- The core loads it first, with care: where a decimal point has several bytes, it would end the process.
  local decodes, cjson = pcall(core.decode, "0")
  if decodes then
    cjson = select(2, pcall(require, "cjson"))
  end
  versions.cjson = not decodes and "none"
    or type(cjson) == "table" and cjson._VERSION
    or "none, vim.json serves"
  return versions
end

return M
