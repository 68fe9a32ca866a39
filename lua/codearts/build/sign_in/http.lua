--- One request of a sign-in, and what its answer means. Runs inside a client's task.
local Call = require "codearts.build.client.call"
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local problem = require "codearts.build.problem"
local shown = require "codearts.build.shown"
local timestamp = require "codearts.build.sign_in.timestamp"

local M = {}

--- How errors name the IAM that is asked.
---@return string
function M.iam(ctx)
  return ctx.client:mask("IAM at " .. shown.address(ctx.iam_endpoint))
end

--- A text from outside, made fit for one line of a message.
---@param ctx table of the sign-in
---@param text string
---@param answer table the raw answer it came with
---@return string
function M.short(ctx, text, answer)
  text = ctx.client:mask(text, answer):gsub("[" .. ascii.CONTROLS .. "]+", " ")
  text = ctx.client:mask(text, answer) -- one blank may be where many kept a secret apart
  return #text > 200 and text:sub(1, 200) .. "…" or text
end

--- An error with what a function of the user's said, which may name what it was given or answered earlier.
---@param ctx table of the sign-in
---@param members table of the error
---@param clean? fun(text: string): string what else its texts are told without
---@return codearts.build.Error
function M.problem(ctx, members, clean)
  local hidden = ctx.secrets()
  local err = ctx.client:problem(members)
  for _, name in ipairs(problem.TOLD) do
    if type(err[name]) == "string" then
      err[name] = core.mask(clean and clean(err[name]) or err[name], hidden)
    end
  end
  return err
end

local function kind_of(status)
  if status >= 500 or status == 429 then
    return "api"
  end
  return status < 400 and "protocol" or "auth"
end

local function refusal(ctx, who, answer, body)
  local code, message = core.error_texts(body)
  local kind = kind_of(answer.status)
  if code == tostring(answer.status) then
    code = nil -- IAM's way of saying nothing more
  end
  -- As one text: two halves of a secret may stand in both.
  local detail = message and ": " .. M.short(ctx, (code and code .. " " or "") .. message, answer)
    or ""
  code, message = code and M.short(ctx, code, answer), message and M.short(ctx, message, answer)
  local id = answer.headers["x-iam-trace-id"] or answer.headers["x-request-id"]
  return core.error {
    kind = kind,
    message = ("%s answered %d%s"):format(who, answer.status, detail),
    status = answer.status,
    error_code = code,
    error_msg = message,
    reason = kind == "protocol" and "redirect" or nil,
    request_id = id and M.short(ctx, id, answer),
    retryable = kind == "api",
  }
end

--- An error of a source that answered, but not with what was asked for.
---@param who string
---@param what string
---@return table err kind "auth"
function M.nonsense(who, what)
  return core.error { kind = "auth", message = who .. " " .. what }
end

--- Sends a request and waits for its end. Every HTTP answer is a result.
---@param ctx table of the sign-in, or of another flow with client, await and secrets
---@param who string whom the messages name
---@param spec table of client:request
---@param opts? table of client:request
---@return table? answer status, headers, body
---@return table? err kinds transport, timeout, protocol, cancelled; config or usage for a bad address
function M.send(ctx, who, spec, opts)
  spec.answer = "raw"
  spec.secrets = ctx.secrets()
  if spec.auth == nil then
    spec.auth = false
  end
  -- Who builds the request has weighed whom its headers may be shown to; nobody else can say so.
  local ok, call = pcall(ctx.client.begin, ctx.client, "request", spec, opts, nil, true)
  local answer, err
  if ok then
    answer, err = ctx.await(Call.new(ctx.client, call))
  else
    err = call
  end
  if answer then
    return answer
  elseif not core.is_error(err) then
    error(err, 0)
  end
  return nil,
    core.error {
      kind = err.kind,
      reason = err.reason,
      field = err.field,
      retryable = err.retryable,
      message = ("%s: %s"):format(who, err.message),
    }
end

-- Seconds that an answer asks to wait, or nil.
local function retry_after(answer)
  local told = answer.headers["retry-after"] or ""
  local date = timestamp.http(told)
  if date then
    return math.max(date - (timestamp.now(answer.headers) or core.time()), 0)
  end
  return tonumber(told:match "^%d+$")
end

--- Seconds until another attempt, or nil; by the rule and the options of all calls.
local function pause(ctx, answer, attempt)
  local policy = ctx.retry == nil and {} or ctx.retry
  if kind_of(answer.status) ~= "api" or type(policy) ~= "table" then
    return nil
  end
  return core.retry_delay {
    attempt = attempt,
    random = tonumber(core.uuid():sub(1, 8), 16) / 2 ^ 32,
    retry_after = retry_after(answer),
    max_attempts = policy.max_attempts,
    base_delay = policy.base_delay,
    max_delay = policy.max_delay,
  }
end

--- The same for IAM, which answers with a JSON object; anything else is an error. The engine repeats
--- what no answer came for; this repeats what was answered by "try again later". IAM is shown the client's certificate, as its
--- own endpoints are.
---@return table? body
---@return table|nil answer_or_err
function M.json(ctx, who, spec)
  spec.certificate = true
  local attempt, last = 0, nil
  while true do
    attempt = attempt + 1
    local answer, err = M.send(ctx, who, spec)
    if answer and last then
      core.came_with(answer, last) -- whose signature it may repeat
    end
    last = answer
    local delay = answer and pause(ctx, answer, attempt)
    if not answer then
      return nil, err
    elseif not delay then
      return M.read(ctx, who, answer)
    end
    local slept
    slept, err = ctx.await(ctx.client:sleep(delay))
    if not slept then
      return nil, err
    end
  end
end

--- Reads an answer that must be a JSON object.
---@return table? body
---@return table|nil answer_or_err
function M.read(ctx, who, answer)
  local body = core.decode(answer.body)
  if answer.status < 200 or answer.status > 299 then
    return nil, refusal(ctx, who, answer, body)
  elseif type(body) ~= "table" then
    local form = answer.headers["content-type"]
    return nil,
      M.nonsense(
        who,
        ("answered %d without JSON (%s)"):format(
          answer.status,
          form and M.short(ctx, form, answer) or "no type"
        )
      )
  end
  return body, answer
end

-- Addresses that no packet leaves this machine for.
local LOOPBACK = { "^localhost$", "^127%.%d+%.%d+%.%d+$", "^%[::1%]$" }

--- Whether a host that looks like an address of IPv4 is one: 127.0.0.256 is a name, which somebody else may answer for.
local function is_no_name(host)
  for number in host:gmatch "%d+" do
    if #number > 3 or ascii.number(number) > 255 or number:find "^0%d" then
      return false
    end
  end
  return true
end

--- Whether secrets may be sent to a URL: over TLS, or without leaving this machine.
---@param url string
---@param also? string pattern of a host that is near enough, too
---@return boolean
function M.is_safe(url, also)
  if url:find "^https://" then
    return true
  end
  local host = (url:match "^http://([^/?#]*)" or ""):gsub(":%d+$", "")
  for _, pattern in ipairs(LOOPBACK) do
    if host:find(pattern) then
      return host == "[::1]" or is_no_name(host)
    end
  end
  return also ~= nil and host:find(also) ~= nil and is_no_name(host)
end

-- A host's name or address, and a port. Nothing else is repeated of an address: it may be a password in a wrong place.
local HOSTS = { "^[A-Za-z0-9._-]+$", "^%[[0-9A-Fa-f:.]+%]$" }

--- Whether a URL is a host, a port and perhaps a path, and nothing that somebody else may take for something else.
---@param url string
---@return boolean
function M.is_plain(url)
  local authority, path = url:match "^https?://([^/]+)(.*)$"
  local host = (authority or ""):gsub(":[0-9]+$", "")
  for _, pattern in ipairs(HOSTS) do
    if host:find(pattern) then
      return not path:find "[^\33-\126]" and not path:find "[@?#]"
    end
  end
  return false
end

--- Joins an endpoint (scheme optional) and a path.
---@param endpoint string
---@param path string
---@return string url
function M.url(endpoint, path)
  if not endpoint:find "^https?://" then
    endpoint = "https://" .. endpoint
  end
  return (endpoint:gsub("/+$", "")) .. path
end

return M
