--- Talks to a sandbox over plain HTTP with LuaSocket, apart from the library's own client, and waits for what builds do.

local http = require("socket.http")
local json = require("codearts.build.sandbox.json")
local sandbox = require("codearts.build.sandbox")
local signature = require("codearts.build.sandbox.signature")
local socket = require("socket")

local M = {}

M.SAMPLE = "samplejob00000000000000000000001"

---@class spec.Answer
---@field status integer
---@field headers table<string, string>
---@field body string
---@field json any nil when the body is not JSON

---@class spec.SandboxClient
---@field box codearts.build.sandbox.Handle
---@field auth table<string, string> headers that sign in
local Client = {}
Client.__index = Client

-- Head and body go out as two writes; without this they wait for each other.
local function new_socket()
  local tcp = assert(socket.tcp())
  tcp:setoption("tcp-nodelay", true)
  return tcp
end

--- Starts a sandbox and answers a client for it; `client.box.stop()` ends both.
---@param options? table
---@return spec.SandboxClient
function M.start(options)
  return M.of(sandbox.start(options))
end

--- A client for a sandbox that runs.
---@param box codearts.build.sandbox.Handle
---@return spec.SandboxClient
function M.of(box)
  return setmetatable({ box = box, auth = { ["X-Auth-Token"] = box.token } }, Client)
end

---@param method string
---@param target string path and query
---@param options? { headers: table, body: string|table, auth: table|false }
---@return spec.Answer
function Client:request(method, target, options)
  options = options or {}
  local body = options.body
  if type(body) == "table" then
    body = json.encode(body)
  end
  local headers = { ["content-length"] = body and #body or nil }
  for _, source in ipairs({
    options.auth or (options.auth == nil and self.auth) or {},
    options.headers or {},
  }) do
    for name, value in pairs(source) do
      headers[name] = value
    end
  end
  local pieces = {}
  local ok, status, answered = http.request({
    url = self.box.endpoint .. target,
    method = method,
    headers = headers,
    create = new_socket,
    source = body and function()
      local piece = body
      body = nil
      return piece ~= "" and piece or nil
    end,
    sink = function(piece)
      pieces[#pieces + 1] = piece
      return 1
    end,
  })
  assert(ok, status)
  local text = table.concat(pieces)
  return { status = status, headers = answered, body = text, json = json.decode(text) }
end

function Client:get(target, options)
  return self:request("GET", target, options)
end

function Client:post(target, body, options)
  local with_body = { body = body or "" }
  for name, value in pairs(options or {}) do
    with_body[name] = value
  end
  return self:request("POST", target, with_body)
end

--- Starts a build and answers its number.
---@param job_id? string
---@param parameters? table<string, string>
---@param scm? table
---@return integer number
---@return spec.Answer
function Client:run(job_id, parameters, scm)
  local list = json.list({})
  for name, value in pairs(parameters or {}) do
    list[#list + 1] = { name = name, value = value }
  end
  local answer =
    self:post("/v3/jobs/build", { job_id = job_id or M.SAMPLE, parameter = list, scm = scm })
  assert(answer.status == 200, answer.body)
  return tonumber(answer.json.actual_build_number), answer
end

function Client:record(job_id, number)
  return self:get(("/v4/jobs/%s/%d/record-info"):format(job_id, number)).json.result
end

--- Asks until `check` answers something; a build is a process, there is nothing else to wait on.
---@generic T
---@param check fun(): T|nil|false
---@return T
function M.eventually(check)
  for _ = 1, 12000 do
    local value = check()
    if value then
      return value
    end
    socket.sleep(0.005)
  end
  error("it did not come", 2)
end

--- Waits for the end of a build.
---@return table record its record detail
function Client:finished(job_id, number)
  return M.eventually(function()
    local record = self:record(job_id, number)
    return record.finish_time ~= "" and record
  end)
end

--- Waits until the log of a build holds a text.
---@return string log
function Client:logged(job_id, number, text)
  return M.eventually(function()
    local log = self:log(job_id, number)
    return log:find(text, 1, true) and log
  end)
end

--- The log so far, without the times of its lines.
---@return string
function Client:log(job_id, number)
  local page =
    self:get(("/v3/jobs/%s/%d/real-time-log?offset=0"):format(job_id, number)).json.result
  return (("\n" .. page.content):gsub("\n%[%d+/%d+/%d+ [%d:.]+ GMT%+08:00%] ", "\n"):sub(2))
end

--- The headers that sign a request.
---@param key { ak: string, sk: string, security_token: string|nil, date: string|nil, project_id: string|nil }
---@return table<string, string>
function Client:sign(key, method, target, body)
  local headers = {
    host = self.box.endpoint:match("//(.*)$"),
    ["x-sdk-date"] = key.date or os.date("!%Y%m%dT%H%M%SZ"),
    ["x-security-token"] = key.security_token,
    ["x-project-id"] = key.project_id,
  }
  local names = {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  table.sort(names)
  local signed = table.concat(names, ";")
  local canonical = signature.canonical_request({
    method = method,
    target = target,
    body = body or "",
    header = function(name)
      return headers[name]
    end,
  }, signed)
  headers.authorization = ("SDK-HMAC-SHA256 Access=%s, SignedHeaders=%s, Signature=%s"):format(
    key.ak,
    signed,
    signature.signature(key.sk, signature.string_to_sign(canonical, headers["x-sdk-date"]))
  )
  return headers
end

--- Writes a job file into a temporary place.
---@param text string
---@return string path
function M.write_file(text)
  local path = os.tmpname()
  local handle = assert(io.open(path, "wb"))
  handle:write(text)
  handle:close()
  return path
end

--- What a shell command prints.
---@param command string
---@return string
function M.output_of(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- Whether a process exists and is no zombie.
---@param pid string
---@return boolean
function M.is_alive(pid)
  return M.output_of(("ps -o stat= -p %s 2>/dev/null"):format(pid)):find("^[^Z%s]") ~= nil
end

return M
