--- What to do about an error, in the words of somebody who has seen it before. Pure.
local ascii = require "codearts.build.ascii"
local speaker = require "codearts.build.cli.speaker"

-- By reason of a transport or timeout error.
local BY_REASON = {
  resolve = "the name has no address here: check region or endpoint for typing mistakes, and this machine's DNS",
  connect = "nothing accepts connections there: check the port of the endpoint, or that of the proxy if https_proxy names one, "
    .. "firewalls, and whether a proxy is needed",
  connect_timeout = "packets are probably dropped on the way: check firewalls, and https_proxy: whether a proxy is needed, or the one "
    .. "that it names can be reached",
  timeout = "the other side accepted the connection and said nothing: try again, then check proxies on the way",
  deadline = "the time was too short: try again",
  tls_verify = "the certificate is not trusted: update this machine's CA certificates, or name a file with those to trust in "
    .. "SSL_CERT_FILE (in programs: tls = { ca_file = })",
  tls_handshake = "no TLS connection came about: check that the endpoint is an https address, no old proxy is in between, and the "
    .. "server asks for no certificate of the client's (in programs: tls = { cert_file =, key_file = })",
  redirect = "the address leads elsewhere: use the address of the API, not that of the console",
}

local PROXY =
  "it is the proxy that fails: check https_proxy for typing mistakes, and whether this machine is on the proxy's network"
local CLOCK =
  "check this machine's clock; if it is right, the certificate of the other side has run out: tell who runs it"
local OTHER_NAME =
  "whoever answers there is somebody else: check region or endpoint for typing mistakes, and whether a proxy or a login page is in between"
local CERTIFICATE = "the server asks for a certificate of the client's: give one that it takes (in programs: tls = { cert_file =, "
  .. "key_file = }), and look at when it expires and who signed it"

-- By words of ours, of libcurl and its TLS library, where a reason has several causes.
local BY_WORDS = {
  { "resolve", "Could not resolve proxy", PROXY },
  { "connect", "Unsupported proxy", PROXY },
  { "tls_handshake", "client's certificate", CERTIFICATE },
  -- With TLS 1.2, from OpenSSL.
  { "tls_handshake", "alert certificate", CERTIFICATE },
  { "tls_handshake", "alert bad certificate", CERTIFICATE },
  { "tls_handshake", "alert unsupported certificate", CERTIFICATE },
  { "tls_handshake", "alert unknown ca", CERTIFICATE },
  { "tls_handshake", "alert access denied", CERTIFICATE },
  { "tls_handshake", "alert decrypt error", CERTIFICATE },
  { "tls_verify", "expired", CLOCK },
  { "tls_verify", "not yet valid", CLOCK },
  { "tls_verify", "match", OTHER_NAME }, -- a name that does not, or none that does
}

local function by_words(err)
  for _, row in ipairs(BY_WORDS) do
    if err.reason == row[1] and tostring(err.message):find(row[2], 1, true) then
      return row[3]
    end
  end
end

local NOT_THIS_ADDRESS =
  "the gateway does not take calls from this machine's address: ask the administrator of the account which it takes"
local NOT_THIS_API = "access to this API is denied: ask the administrator of the account"

-- By the number of a gateway code (API reference 6.4).
local BY_CODE = {
  ["0301"] = "the gateway does not accept the credentials: renew them, and check key, secret and project for stray characters",
  ["0302"] = "the user may not call this API: ask the administrator of the account",
  ["0304"] = NOT_THIS_API,
  ["0305"] = "the gateway does not accept the credentials: renew them",
  ["0306"] = NOT_THIS_API,
  ["0307"] = "the token is too old or from another region: get a new one for this region",
  ["0308"] = "too many calls: try again later",
  ["0310"] = "the project is not available: check project_id",
  ["0401"] = NOT_THIS_ADDRESS,
  ["0402"] = NOT_THIS_ADDRESS,
  ["0404"] = "the gateway may not pass calls on to the service: ask its administrator",
  ["0801"] = "the service is not available in this region: choose another one",
  ["0802"] = "the user may not use this region: ask the administrator of the account",
}

-- By a piece of the gateway's text behind code 0301 (API reference 6.4).
local BY_TEXT = {
  {
    "decrypt token fail",
    "the token is cut off, wrong, expired, or from another region: get a new one, of project scope",
  },
  { "token expires", "the token is expired: get a new one" },
  { "signature expired", "the key is expired, or this machine's clock is wrong" },
  { "aksk signature fail", "the secret key is wrong: check it for stray blanks" },
  {
    "reach the limit",
    "too many wrong signatures: the key is locked for 5 minutes, then try again",
  },
  { "ak not exist", "the access key is not known: check it, or make a new one" },
}

local function by_code(err, number)
  local said = ascii.lower(tostring(err.error_msg or ""))
  for _, row in ipairs(BY_TEXT) do
    if said:find(row[1], 1, true) then
      return row[2]
    end
  end
  return BY_CODE[number]
end

local STRANGER =
  "neither the service nor its gateway says so, but something on the way: check region and endpoint, and proxies (https_proxy)"

--- By who answered, and the status.
local function by_answer(err)
  local who, number = speaker(err)
  local known = who == "gateway" and by_code(err, number)
  if known then
    return known
  elseif err.kind == "auth" and who == "sign_in" then
    return "check what is signed in with: user, password and project, or key, secret or agency"
  elseif not who and err.kind == "auth" then
    return STRANGER
  elseif not who and err.status >= 500 then
    return "something on the way has trouble, or the service behind it: try again later, then check endpoint and proxies"
  elseif err.kind == "auth" and err.status == 401 then
    return "get a new token of project scope (global tokens are not accepted), or check key and secret"
  elseif err.kind == "auth" and who == "service" then
    return "the credentials are good, the permission is missing: ask for execute permission on the job; a token must be of "
      .. "project scope, global (domain) tokens are not accepted"
  elseif err.kind == "auth" then
    return NOT_THIS_API
  elseif err.status >= 500 then
    return "the service has trouble: try again later, and give it the request id"
  end
end

--- Advice for an error.
---@param err table structured error
---@return string?
return function(err)
  if err.outcome and err.outcome ~= "not_started" and not err.retryable then
    return nil -- to try again might start a second build
  elseif BY_REASON[err.reason] then
    return by_words(err) or BY_REASON[err.reason]
  elseif err.status then
    return by_answer(err)
  elseif err.kind == "config" and err.field == "region" then
    return "set CODEARTS_BUILD_REGION or CODEARTS_BUILD_ENDPOINT"
  elseif err.kind == "auth" then
    return "give credentials: CODEARTS_BUILD_TOKEN, HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or ~/.huaweicloud/credentials"
  end
  return nil
end
