-- The receiving side of SDK-HMAC-SHA256, SDK-HMAC-SM3 and V11-HMAC-SHA256 (API reference 3.3 to 3.6, 3.10, 3.11): what the
-- signature of a request must be, computed from the request as it arrived. Written apart from the library's own signing on
-- purpose: each is the other's test.

local digest = require "openssl.digest"
local hmac = require "openssl.hmac"

local M = {}

local function hex(bytes)
  return (bytes:gsub(".", function(c)
    return string.format("%02x", c:byte())
  end))
end

-- Name of the hash, and the header that may tell a body's.
local ALGORITHMS = {
  ["SDK-HMAC-SHA256"] = { "sha256", "x-sdk-content-sha256" },
  ["SDK-HMAC-SM3"] = { "sm3", "x-sdk-content-sm3" },
  ["V11-HMAC-SHA256"] = { "sha256", "x-sdk-content-sha256" },
}

---@class codearts.build.sandbox.How how a request is signed
---@field algorithm string
---@field ak string|nil
---@field scope string|nil of V11: `YYYYMMDD/region/service`

---@type codearts.build.sandbox.How
local USUAL = { algorithm = "SDK-HMAC-SHA256" }

local function hash(how, bytes)
  return hex(digest.new(ALGORITHMS[how.algorithm][1]):final(bytes))
end

local function mac(how, key, text)
  return hmac.new(key, ALGORITHMS[how.algorithm][1]):final(text)
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
local function payload(request, how)
  local actual = hash(how, request.body)
  local named = request.header(ALGORITHMS[how.algorithm][2])
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
---@param how codearts.build.sandbox.How|nil nil: SDK-HMAC-SHA256, here and below
---@return string canonical
function M.canonical_request(request, signed, how)
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
    payload(request, how or USUAL),
  }, "\n")
end

---@param canonical string
---@param date string the value of X-Sdk-Date
---@param how codearts.build.sandbox.How|nil
---@return string
function M.string_to_sign(canonical, date, how)
  how = how or USUAL
  local scope = how.scope and how.scope .. "\n" or ""
  return how.algorithm .. "\n" .. date .. "\n" .. scope .. hash(how, canonical)
end

-- V11 signs by the hexadecimal text of a key that holds for one day, region and service (API reference 3.10).
local function key_of(sk, how)
  return how.scope and hex(mac(how, mac(how, how.ak, sk), how.scope .. "\1")) or sk
end

---@param sk string
---@param text string the string to sign
---@param how codearts.build.sandbox.How|nil
---@return string signature lower-case hex
function M.signature(sk, text, how)
  how = how or USUAL
  return hex(mac(how, key_of(sk, how), text))
end

---@param authorization string the header
---@return string|nil ak nil when it has another form, or an algorithm that is not known
---@return string|nil signed
---@return string|nil signature
---@return codearts.build.sandbox.How|nil how
function M.parse(authorization)
  local algorithm, label, ak, signed, given =
    authorization:match("^(%S+) (%a+)=([^,%s]+), ?SignedHeaders=([^,%s]+), ?Signature=(%x+)$")
  local derived, scope = algorithm == "V11-HMAC-SHA256", nil
  if not ALGORITHMS[algorithm] or label ~= (derived and "Credential" or "Access") then
    return nil
  elseif derived then
    ak, scope = ak:match("^([^/]+)/(%d%d%d%d%d%d%d%d/[^/]+/[^/]+)$")
  end
  return ak, signed, given, { algorithm = algorithm, ak = ak, scope = scope }
end

return M
