--- What the fault server answers that is no good answer: rows of behaviours.lua.

local clock = require("codearts.build.sandbox.clock")
local list = require("spec.support.behaviours.list")

local RESULT, failure = list.RESULT, list.failure
local rows, row, answer = list.new()

-- Redirects -------------------------------------------------------------------------------------

local function redirect(name, about, location)
  row(name, "body", about, function(c, args)
    c:reply(args.status or 307, "", { { "Location", args.location or location } })
  end)
end

redirect(
  "redirect",
  "307 to another host (`status`, `location`)",
  "https://other.test/v3/jobs/build"
)
redirect("redirect_plain", "307 to plain http", "http://127.0.0.1:9/v3/jobs/build")
answer("see_other", "303 to the build that it started", 303, "", { { "Location", "/v3/1" } })

-- Refusals --------------------------------------------------------------------------------------

answer(
  "unauthorized",
  "401",
  401,
  failure("APIGW.0301", "Incorrect IAM authentication information: decrypt token fail")
)
answer("forbidden", "403", 403, failure("APIGW.0302", "the user may not call this API"))
answer("not_found", "404", 404, failure("CB.00060214", "no such URL"))

-- Retry-After: absent, seconds, a date, and what no client should believe.
for _, refusal in ipairs({
  { "throttled", 429, "APIGW.0308" },
  { "unavailable", 503, "APIGW.0613" },
}) do
  local name, status, code = refusal[1], refusal[2], refusal[3]
  local function retry(suffix, about, value)
    row(name .. suffix, "body", ("%d, Retry-After %s"):format(status, about), function(c, args)
      local after = value(args)
      local headers = after and { { "Retry-After", after } }
      c:reply(status, failure(code, "try again later"), headers)
    end)
  end
  retry("", "absent", function() end)
  retry("_seconds", "in seconds (`seconds`, 1)", function(args)
    return ("%d"):format(args.seconds or 1)
  end)
  retry("_date", "as a date, `seconds` from now (1)", function(args)
    return clock.http(os.time() + (args.seconds or 1))
  end)
  retry("_absurd", "beyond every number", function()
    return ("9"):rep(40)
  end)
  retry("_unparsable", "neither number nor date", function()
    return "soon"
  end)
end

local BUSY = failure("CB.00060211", "too many requests, try again later")
answer("busy_400", "the service's own too many requests, with 400", 400, BUSY)
answer("busy_500", "the service's own too many requests, with 500", 500, BUSY)

answer("error_500", "500 with JSON", 500, failure("CB.00060101", "internal error"))
answer(
  "error_502",
  "502 with an HTML page",
  502,
  "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
  nil,
  "text/html"
)
answer("error_503", "503 without a word", 503, "")
answer("error_504", "504", 504, failure("APIGW.0201", "backend timed out"))

-- What gateways say after they have passed a request on and lost the answer (third party) -----------

answer(
  "gateway_envoy",
  "503 as Envoy says it",
  503,
  "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
  nil,
  "text/plain"
)
answer(
  "gateway_varnish",
  "503 as Varnish says it",
  503,
  "<!DOCTYPE html><html><head><title>503 Backend fetch failed</title></head></html>",
  { { "Retry-After", "5" } },
  "text/html; charset=utf-8"
)
answer("gateway_client_gone", "499", 499, "")
answer("gateway_timeout", "408", 408, "")

-- Error bodies, in the order of API reference 6.1 -------------------------------------------------

local SHAPES = {
  { "pair", '{"error_code":"CB.00060200","error_msg":"bad parameter"}' },
  { "camel", '{"errorCode":"CB.00060200","errorMsg":"bad parameter"}' },
  { "code", '{"code":"CB.00060200","message":"bad parameter"}' },
  { "nested", '{"error":{"code":"CB.00060200","message":"bad parameter"}}' },
  {
    "nested_deeper",
    '{"trace":"t","a":{"b":{"error_code":"CB.00060200","error_msg":"bad parameter"}}}',
  },
  {
    "nested_twice",
    '{"a":{"code":"CB.1","message":"first"},"b":{"code":"CB.00060200","message":"bad parameter"}}',
  },
  { "code_alone", '{"error_code":"CB.00060200"}' },
  { "message_alone", '{"error_msg":"bad parameter"}' },
  { "in_array", '[{"error_code":"CB.00060200","error_msg":"bad parameter"}]' },
  { "details", '{"details":[{"error_code":"CB.00060200","error_msg":"bad parameter"}]}' },
  { "number", '{"error_code":400,"error_msg":"bad parameter"}' },
  {
    "encoded",
    '{"error_code":"PAP5.0013","error_msg":"no permission",'
      .. '"encoded_authorization_message":"bm90IGZvciB5b3U="}',
  },
  { "null", '{"error_code":null,"error_msg":null}' },
  { "text", "bad parameter" },
  { "json_text", '"bad parameter"' },
  { "empty", "" },
}
for _, shape in ipairs(SHAPES) do
  answer("error_" .. shape[1], "400 (`status`), error body: " .. shape[2], 400, shape[2])
end

-- 200 that makes no sense -------------------------------------------------------------------------

answer("ok_empty", "200 without a body", 200, "")
answer("ok_not_json", "200 with a page", 200, "<html><body>Log in</body></html>", nil, "text/html")
answer("ok_cut", "200 with half of the JSON", 200, RESULT:sub(1, 16))
answer("ok_array", "200 with an array", 200, "[" .. RESULT .. "]")
answer("ok_null", "200 with null", 200, "null")
answer(
  "ok_deep",
  "200, 20,000 arrays deep",
  200,
  '{"octopus_job_name":"j_1","more":' .. ("["):rep(20000) .. ("]"):rep(20000) .. "}"
)
answer("ok_nan", "200 with NaN", 200, '{"octopus_job_name":"j_1","actual_build_number":NaN}')
answer("ok_bad_utf8", "200 with bad UTF-8", 200, '{"octopus_job_name":"j_\255\254"}')
answer("ok_without_members", "200 without the three members", 200, '{"hello":"world"}')
answer(
  "ok_nested",
  "200, nested under result",
  200,
  '{"status":"success","result":' .. RESULT .. "}"
)
answer(
  "ok_fail",
  "200 that tells a failure",
  200,
  '{"status":"fail","error":{"code":"CB.00060101","message":"internal error"},"result":null}'
)
answer(
  "ok_numbers",
  "200 with numbers where texts belong",
  200,
  '{"octopus_job_name":"j_Oaqg3PCN","actual_build_number":20,"daily_build_number":20200612.25}'
)
answer("ok_large", "200 with 9 MiB of JSON", 200, nil)
rows[#rows].run = function(c)
  c:reply(200, '{"octopus_job_name":"j_1","more":"' .. ("x"):rep(9437184) .. '"}')
end

-- Echoes of secrets -------------------------------------------------------------------------------

local function echo(name, about, message)
  row(name, "body", about, function(c, args)
    local text = message(c.request, c):gsub('[\\"]', "\\%0")
    c:reply(args.status or 401, failure("APIGW.0301", text))
  end, "h1")
end

echo("echo_token", "401 with the token in its message", function(request)
  return "decrypt token fail: " .. tostring(request.headers["x-auth-token"])
end)
echo("echo_authorization", "401 with the Authorization header in its message", function(request)
  return "verify aksk signature fail: " .. tostring(request.headers["authorization"])
end)
echo("echo_first", "401 with what signed the first request in its message", function(_, c)
  return "verify aksk signature fail: " .. tostring(c.server.requests[1].headers["authorization"])
end)
echo("echo_canonical", "401 with a canonical request, lines parted by |", function(request)
  local signed = tostring(request.headers["authorization"]):match("SignedHeaders=([^,]*)") or ""
  local lines = {}
  for name in signed:gmatch("[^;]+") do
    lines[#lines + 1] = name .. ":" .. tostring(request.headers[name])
  end
  return ("verify aksk signature fail, (canonicalRequest:%s|%s||%s||%s|)"):format(
    request.method,
    request.path,
    table.concat(lines, "|"),
    signed
  )
end)
echo("echo_body", "401 with the whole request in its message", function(request)
  return (request.head:gsub("[\r\n]+", "|")) .. (request.body or "")
end)

row(
  "echo_anywhere",
  "body",
  "401, or as for `answer`, with what signed the request for each @",
  function(c, args)
    local sent = c.request.headers
    local said = tostring(sent["authorization"]) .. " " .. tostring(sent["x-security-token"])
    local function fill(text)
      return text and (text:gsub("@", (said:gsub("%%", "%%%%"))))
    end
    local headers = {}
    for i, pair in ipairs(args.headers or {}) do
      headers[i] = { pair[1], fill(pair[2]) }
    end
    local body = args.body or failure("APIGW.0301", "verify aksk signature fail: @")
    c:reply(args.status or 401, fill(body), headers, fill(args.kind))
  end,
  "h1"
)

return rows
