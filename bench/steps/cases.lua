-- What is done while steps are watched. A case takes a table with
--
--   new(options) -> client     in the host, watched
--   till(done)                 lets the host go on until done() answers true
--   http, https, h2, ca, ca_path, proxy, folder, log_mib, … what bench/longest_step.lua knows of its servers

local JOB = { job_id = ("a"):rep(32), parameter = { codeBranch = "master" } }
local TOKEN = ("A"):rep(2560)

local M = {}

-- Starts `count` calls at once, waits for all, and closes the client unless it is to go on.
local function finish(place, client, count, start, goes_on)
  local ended, failure = 0, nil
  for i = 1, count do
    start(i):on_done(function(_, err)
      ended, failure = ended + 1, failure or err
    end)
  end
  place.till(function()
    return ended == count
  end)
  if not goes_on then
    client:close()
  end
  return failure
end

local function starts(place, options, count)
  options.auth = options.auth or TOKEN
  local client = place.new(options)
  local err = finish(place, client, count, function()
    return client:start(JOB)
  end)
  assert(err == nil, tostring(err))
end

-- One request whose answer is `path`; `expected`: how it fails.
local function answer(place, path, spec, expected)
  local client = place.new { endpoint = place.http, auth = TOKEN }
  spec.operation, spec.method, spec.path, spec.read_only = "Show", "GET", path, true
  local err = finish(place, client, 1, function()
    return client:request(spec, { retry = false })
  end)
  assert((err and err.kind) == expected, tostring(err))
end

local function secured(place, more)
  local options = { endpoint = place.https, tls = { ca_file = place.ca } }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return options
end

-- A start whose credentials are what the chain finds in these variables alone.
local function by_chain(place, variables)
  local getenv = os.getenv
  -- luacheck: push ignore 122
  os.getenv = function(name)
    return variables[name]
  end
  local client = place.new { endpoint = place.http, iam_endpoint = place.http }
  local err = finish(place, client, 1, function()
    return client:start(JOB)
  end)
  os.getenv = getenv
  -- luacheck: pop
  assert(err == nil, tostring(err))
end

local function file_with(place, name, text)
  local path = place.folder .. "/" .. name
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

-- `whole`: what takes longer in one piece, and why is in doc/hosts.md.
local function case(name, run, whole)
  M[#M + 1] = { name = name, run = run, whole = whole }
end

case("the first call", function(place)
  starts(place, { endpoint = place.http }, 1)
end)

case("the first call, https", function(place)
  starts(place, secured(place), 1)
end)

case("200 calls at once", function(place)
  starts(place, { endpoint = place.http }, 200)
end)

case("20 calls at once, https", function(place)
  starts(place, secured(place, { http_version = "1.1" }), 20)
end)

case("200 calls at once, https over 200 connections", function(place)
  starts(place, secured(place, { http_version = "1.1", max_connections = 200 }), 200)
end)

case("20 calls at once, https, whose folder is hashed", function(place)
  starts(place, secured(place, { http_version = "1.1", tls = { ca_path = place.ca_path } }), 20)
end)

case("20 calls at once twice, https, sessions resumed", function(place)
  local client = place.new(secured(place, { endpoint = place.brief, auth = TOKEN }))
  for round = 1, 2 do
    local err = finish(place, client, 20, function()
      return client:start(JOB)
    end, round == 1)
    assert(err == nil, tostring(err))
  end
end)

case("100 calls at once, HTTP/2", function(place)
  starts(place, secured(place, { endpoint = place.h2 }), 100)
end)

case("10,000 calls at once", function(place)
  starts(place, { endpoint = place.http, max_connections = 256 }, 10000)
end)

case("an answer of 8 MiB, one text", function(place)
  answer(place, "/text", { answer = "json" })
end, true)

case("an answer of 8 MiB, 200,000 objects", function(place)
  answer(place, "/objects", { answer = "json" })
end, true)

case("an answer of 8 MiB, as bytes", function(place)
  answer(place, "/text", { answer = "bytes" })
end, true)

case("an error of 8 MiB", function(place)
  answer(place, "/error", { answer = "json" }, "api")
end)

case("an error of 128 KiB, 13,000 objects", function(place)
  answer(place, "/crowd", { answer = "json" }, "api")
end)

-- The log of a build, line by line.
local function log(place, options)
  local client, lines = place.new { endpoint = place.http, auth = TOKEN }, 0
  options.async = true
  function options.on_line()
    lines = lines + 1
  end
  local err = finish(place, client, 1, function()
    return client:build(("a"):rep(32), 20):log(options)
  end)
  assert(err == nil and lines > 10000, tostring(err))
end

case("a page of a log, 1 MB, by lines", function(place)
  log(place, {})
end, true)

case("the log of a step, 16 MiB, by lines", function(place)
  log(place, { step = 1 })
end)

case("a log of 1 GiB", function(place)
  local size = 0
  answer(place, "/long-log", {
    answer = "bytes",
    stream = function(piece)
      size = size + #piece
    end,
  })
  assert(size > (place.log_mib - 1) * 1048576)
end)

case("a log of 1 GiB to a file", function(place)
  local core = require "codearts.build.core"
  local spool = assert(core.file.spool(place.folder .. "/copy"))
  answer(place, "/long-log", { answer = "bytes", stream = spool })
  spool:discard()
end)

case("20 calls at once through a proxy, https", function(place)
  starts(place, secured(place, { http_version = "1.1", proxy = place.proxy }), 20)
end)

case("signing", function(place)
  starts(place, {
    endpoint = place.http,
    auth = { ak = "AK", sk = "a-fake-secret", project_id = "p" },
  }, 200)
end)

case("sign-in by password", function(place)
  starts(place, {
    endpoint = place.http,
    iam_endpoint = place.http,
    auth = { user = "u", password = "p", domain = "d", project = "cn-north-4" },
  }, 20)
end)

case("sign-in by password, tokens in a file", function(place)
  local token_store = require "codearts.build.token_store"
  starts(place, {
    endpoint = place.http,
    iam_endpoint = place.http,
    auth = { user = "u", password = "p", domain = "d", project = "cn-north-4" },
    token_store = token_store.file(place.folder .. "/tokens"),
  }, 20)
end)

case("sign-in by a function", function(place)
  starts(place, {
    endpoint = place.http,
    auth = function()
      return TOKEN
    end,
  }, 20)
end)

case("sign-in by a credentials file", function(place)
  local text = "[basic]\nak = AK\nsk = a-fake-secret\nproject_id = p\n"
  by_chain(place, { HUAWEICLOUD_SDK_CREDENTIALS_FILE = file_with(place, "credentials", text) })
end)

case("sign-in by the metadata service", function(place)
  by_chain(place, {
    CODEARTS_BUILD_METADATA_ENDPOINT = place.http,
    HUAWEICLOUD_SDK_PROJECT_ID = "p",
    HOME = place.folder,
  })
end)

case("sign-in by pod identity", function(place)
  by_chain(place, {
    CODEARTS_BUILD_METADATA_ENDPOINT = "http://127.0.0.1:1",
    HC_CONTAINER_CREDENTIALS_FULL_URI = place.http .. "/pod-identity",
    HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = file_with(place, "pod-token", "a-fake-token"),
    HUAWEICLOUD_SDK_PROJECT_ID = "p",
    HOME = place.folder,
  })
end)

case("sign-in by an id token", function(place)
  by_chain(place, {
    HUAWEICLOUD_SDK_IDP_ID = "idp",
    HUAWEICLOUD_SDK_ID_TOKEN_FILE = file_with(place, "id-token", "a-fake-token"),
    HUAWEICLOUD_SDK_PROJECT_ID = "p",
    HOME = place.folder,
  })
end)

case("a name server that hangs", function(place)
  local client = place.new { endpoint = "https://nowhere.invalid", auth = TOKEN }
  local err = finish(place, client, 20, function()
    return client:start(JOB, { deadline = 1, retry = false })
  end)
  assert(err, "the name was found")
end)

case("close with 1,000 calls in flight", function(place)
  local client = place.new { endpoint = place.mute, auth = TOKEN, max_connections = 1000 }
  local ended = 0
  for _ = 1, 1000 do
    client:start(JOB):on_done(function()
      ended = ended + 1
    end)
  end
  local till = place.now() + 1
  place.till(function()
    return place.now() > till -- nobody tells that all are out; most are
  end)
  place.watched("close", client.close, client)
  assert(ended == 1000)
end, true)

case("steps while 10,000 ended calls are collected", function(place)
  local client = place.new { endpoint = place.http, auth = TOKEN }
  local ended = 0
  for _ = 1, 10000 do
    client:sleep(0):on_done(function()
      ended = ended + 1
    end)
  end
  place.till(function()
    return ended == 10000
  end)
  assert(finish(place, client, 1000, function()
    return client:start(JOB)
  end) == nil)
end)

return M
