--- What goes out for each operation and for each way to sign in, told as data: method, target, headers and body,
-- with a word in place of what differs from call to call. spec/wire_spec.lua compares it with spec/data/wire.json,
-- which says what the official SDK sends (API reference 1 to 4, 8). Run from the root of the repository to write
-- that file anew, and look at the difference:
--   eval "$(make -s env)"; lua5.4 spec/support/wire_requests.lua

package.path = "./?.lua;" .. package.path -- run as a script from the root

local build = require "codearts.build"
local flow_client = require "spec.support.flow_client"
local rows = require "codearts.build.operations.rows"
local sample_args = require "spec.support.sample_args"
local servers = require "spec.support.server"

local M = { FILE = "spec/data/wire.json" }

local TOKEN = "fake-token-of-wire"

-- The official example (API reference 1.5), and a member that newer editions know.
local EXAMPLE = {
  job_id = "f9d6c8466d614a9788e9a0acf6c15f46",
  parameter = { { name = "codeBranch", value = "master" } },
  scm = { build_tag = build.null, build_commit_id = "build_commit_id", branch = "master" },
}

local function told(request)
  local headers = {}
  for name, value in pairs(request.headers) do
    headers[name] = value
  end
  headers.host = "HOST"
  headers["user-agent"] = (headers["user-agent"] or ""):gsub(
    "^codearts%-build/" .. build._VERSION:gsub("%p", "%%%0") .. "$",
    "codearts-build/VERSION"
  )
  headers["x-sdk-date"] = headers["x-sdk-date"] and "DATE"
  headers.authorization = headers.authorization
    and headers.authorization:gsub("Signature=%x+$", "Signature=SIGNATURE")
  local body = request.body or ""
  local boundary = (headers["content-type"] or ""):match "boundary=(.*)"
  if boundary then
    headers["content-type"] = headers["content-type"]:gsub("boundary=.*", "boundary=BOUNDARY")
    body = body:gsub(boundary:gsub("%p", "%%%0"), "BOUNDARY")
  end
  return { method = request.method, target = request.path, headers = headers, body = body }
end

local function only_request(server)
  local requests = server:stats().requests
  assert(#requests == 1, "one request was expected, not " .. #requests)
  return told(requests[1])
end

--- Calls each operation once.
---@param server spec.Server
---@return table<string, table> requests by name
function M.operations(server)
  local all = {}
  local client = build.new { endpoint = server.url, auth = TOKEN, retry = false, proxy = false }
  for name, row in pairs(rows.operations) do
    server:reset()
    server:script({}, row.starts_build and "ok" or { "answer", body = "{}" })
    local args = row.starts_build and EXAMPLE or sample_args(row)
    args.file = row.multipart and "bytes of a file" or nil -- JSON holds no others
    client:call(name, args)
    all[name] = only_request(server)
  end
  client:close()
  return all
end

local function json(status, body, headers)
  return { "answer", status = status, body = body, headers = headers }
end

local EXPIRES = '"expires_at":"2099-01-01T00:00:00.000000Z"'
local KEY =
  json(200, '{"credential":{"access":"A","secret":"S","securitytoken":"T",' .. EXPIRES .. "}}")

-- Names of the requests, how the client signs in (%s: the server's address), what the server answers.
local SIGN_INS = {
  {
    { "KeystoneCreateToken" },
    { auth = { user = "ci", password = "fake", domain = "acme", project = "cn-north-4" } },
    {},
    { json(201, '{"token":{' .. EXPIRES .. "}}", { { "X-Subject-Token", TOKEN } }) },
  },
  {
    { "KeystoneListProjects" },
    { auth = { ak = "FAKEAK", sk = "fake-secret-key" } },
    {},
    { json(200, '{"projects":[{"id":"p"}]}') },
  },
  {
    { "ExchangeIdToken", "CreateTemporaryKey" },
    {},
    {
      HUAWEICLOUD_SDK_IDP_ID = "my-idp",
      HUAWEICLOUD_SDK_ID_TOKEN_FILE = "FILE",
      HUAWEICLOUD_SDK_IAM_ENDPOINT = "%s",
      HUAWEICLOUD_SDK_PROJECT_ID = "p",
    },
    { json(201, '{"token":{}}', { { "X-Subject-Token", "unscoped" } }), KEY },
  },
  {
    { "MetadataToken", "MetadataKey" },
    {},
    { HUAWEICLOUD_SDK_PROJECT_ID = "p" },
    { json(200, "metadata-token"), KEY },
  },
  {
    { false, "PodIdentity" },
    {},
    {
      HC_CONTAINER_CREDENTIALS_FULL_URI = "%s/pod",
      HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = "FILE",
      HUAWEICLOUD_SDK_PROJECT_ID = "p",
    },
    { json(500, ""), KEY },
  },
}

--- Signs in by each way that sends requests.
---@param server spec.Server
---@return table<string, table> requests by name
function M.sign_ins(server)
  local all, service = {}, servers.start()
  for _, case in ipairs(SIGN_INS) do
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write "fake-token-of-a-file\n"
    file:close()
    local variables = { HOME = path, CODEARTS_BUILD_METADATA_ENDPOINT = server.url }
    for name, value in pairs(case[3]) do
      variables[name] = value == "FILE" and path or value:format(server.url)
    end
    local options = {
      endpoint = service.url,
      region = "cn-north-4",
      iam_endpoint = server.url,
      auth = case[2].auth,
      proxy = false,
    }
    server:reset()
    server:script(case[4])
    local client = flow_client.new(options, variables)
    local _, err = client:run()
    client:close()
    os.remove(path)
    assert(not err, tostring(err))
    for i, request in ipairs(server:stats().requests) do
      if case[1][i] then -- false: another way's, which was tried before
        all[case[1][i]] = told(request)
      end
    end
  end
  service:stop()
  return all
end

--- All of it as JSON, sorted.
---@param all table<string, table>
---@return string
local function written(all)
  local function quoted(text)
    return '"'
      .. text:gsub('[%c"\\]', function(byte)
        return ("\\u%04x"):format(byte:byte())
      end)
      .. '"'
  end
  local function members(object, indent)
    local names, texts = {}, {}
    for name in pairs(object) do
      names[#names + 1] = name
    end
    table.sort(names)
    for i, name in ipairs(names) do
      local value = object[name]
      local text = type(value) == "table" and members(value, indent .. " ") or quoted(value)
      texts[i] = ("%s%s: %s"):format(indent, quoted(name), text)
    end
    return "{\n" .. table.concat(texts, ",\n") .. "\n" .. indent:sub(2) .. "}"
  end
  return members(all, " ") .. "\n"
end

if arg and arg[0] and arg[0]:find "wire_requests%.lua$" then
  local server = servers.start()
  local all = { operations = M.operations(server), sign_in = M.sign_ins(server) }
  server:stop()
  local file = assert(io.open(M.FILE, "w"))
  file:write(written(all))
  file:close()
end

return M
