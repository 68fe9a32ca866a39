-- The receiving side of SDK-HMAC-SHA256 (API reference 3.3 to 3.6): what the signature of a request must be, computed from the request
-- as it arrived. Written apart from the library's own signing on purpose: each is the other's test.

local digest = require "openssl.digest"
local hmac = require "openssl.hmac"

local M = {}

local function hex(bytes)
  return (bytes:gsub(".", function(c)
    return string.format("%02x", c:byte())
  end))
end

---@param bytes string
---@return string hex lower case
function M.sha256(bytes)
  return hex(digest.new("sha256"):final(bytes))
end

---Percent-decoding; a percent sign that starts no valid escape stays.
---@param text string
---@return string
function M.decode(text)
  return (
    text:gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
  )
end

local function encode(text)
  return (
    text:gsub("[^A-Za-z0-9%-._~]", function(c)
      return string.format("%%%02X", c:byte())
    end)
  )
end

local function canonical_path(path)
  local encoded = M.decode(path):gsub("[^/]+", encode)
  return encoded:sub(-1) == "/" and encoded or encoded .. "/"
end

---@param query string as on the wire, without the question mark
---@return table pairs list of { name, value }, decoded, in the order of the wire
function M.query_pairs(query)
  local found = {}
  for item in query:gmatch("[^&]+") do
    local name, value = item:match("^([^=]*)=?(.*)$")
    found[#found + 1] = { M.decode(name), M.decode(value) }
  end
  return found
end

local function canonical_query(query)
  local found = M.query_pairs(query)
  table.sort(found, function(a, b)
    if a[1] ~= b[1] then
      return a[1] < b[1]
    end
    return a[2] < b[2]
  end)
  for i, pair in ipairs(found) do
    found[i] = encode(pair[1]) .. "=" .. encode(pair[2])
  end
  return table.concat(found, "&")
end

-- The sender may name the hash itself, or leave the body out of the signature; a hash that is not the body's is not believed.
local function payload(request)
  local actual = M.sha256(request.body)
  local named = request.header("x-sdk-content-sha256")
  if request.body ~= "" and named == "UNSIGNED-PAYLOAD" then
    return named
  end
  return actual
end

---@class codearts.build.sandbox.SignedRequest
---@field method string
---@field target string path and query as on the wire
---@field header fun(name: string): string|nil by lower-case name
---@field body string "" when there is none

---@param request codearts.build.sandbox.SignedRequest
---@param signed string the names of the signed headers, lower case, joined by `;`
---@return string canonical
function M.canonical_request(request, signed)
  local path, query = request.target:match("^([^?]*)%??(.*)$")
  local headers = {}
  for name in signed:gmatch("[^;]+") do
    headers[#headers + 1] = name
      .. ":"
      .. (request.header(name) or ""):match("^%s*(.-)%s*$")
      .. "\n"
  end
  return table.concat({
    request.method:upper(),
    canonical_path(path),
    canonical_query(query),
    table.concat(headers),
    signed,
    payload(request),
  }, "\n")
end

---@param canonical string
---@param date string the value of X-Sdk-Date
---@return string
function M.string_to_sign(canonical, date)
  return "SDK-HMAC-SHA256\n" .. date .. "\n" .. M.sha256(canonical)
end

---@param sk string
---@param text string the string to sign
---@return string signature lower-case hex
function M.signature(sk, text)
  return hex(hmac.new(sk, "sha256"):final(text))
end

---@param authorization string the header
---@return string|nil ak nil when it has another form
---@return string|nil signed
---@return string|nil signature
function M.parse(authorization)
  return authorization:match(
    "^SDK%-HMAC%-SHA256 Access=([^,%s]+), ?SignedHeaders=([^,%s]+), ?Signature=(%x+)$"
  )
end

return M
