--- Certificate authorities and certificates for the TLS servers, made when specs run.
---
--- Spec side: `certs.shared()` has a process make them in a temporary folder, once for all specs
--- of a run; the folder goes away with the process.

local M = {}

local NAMES = { "DNS:localhost", "DNS:service.test", "DNS:*.service.test", "IP:127.0.0.1" }
local DAY = 86400

-- One row a certificate: what differs from a good one. Times are seconds from now.
local ROWS = {
  { name = "good" },
  { name = "expired", from = -20 * DAY, to = -10 * DAY },
  { name = "not_yet_valid", from = 10 * DAY, to = 20 * DAY },
  { name = "wrong_host", names = { "DNS:elsewhere.test" } },
  { name = "untrusted", issuer = "other_ca" },
  { name = "self_signed", issuer = "self_signed" },
  { name = "sha1", digest = "sha1" },
  { name = "client", purpose = "clientAuth" },
  { name = "other_client", purpose = "clientAuth", issuer = "other_ca" },
}

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- Makes every file; runs in the process, needs luaossl.
local function make(folder)
  local bignum = require("openssl.bignum")
  local digest = require("openssl.digest")
  local extension = require("openssl.x509.extension")
  local mime = require("mime")
  local pkey = require("openssl.pkey")
  local x509 = require("openssl.x509")
  local name = require("openssl.x509.name")

  local files, made, serial = { folder = folder }, {}, 0

  local function issue(row)
    local key = pkey.new({ type = "EC", curve = "prime256v1" })
    local subject = name.new()
    subject:add("CN", "codearts-build spec " .. (row.subject or row.name))
    local certificate = x509.new()
    serial = serial + 1
    certificate:setVersion(3)
    certificate:setSerial(bignum.new(serial))
    certificate:setSubject(subject)
    certificate:setPublicKey(key)
    certificate:setLifetime(os.time() + (row.from or -DAY), os.time() + (row.to or DAY))
    if row.authority then
      certificate:addExtension(extension.new("basicConstraints", "critical,CA:TRUE"))
      certificate:addExtension(extension.new("keyUsage", "critical,keyCertSign,cRLSign"))
    else
      local names = table.concat(row.names or NAMES, ",")
      certificate:addExtension(extension.new("subjectAltName", names))
      certificate:addExtension(extension.new("extendedKeyUsage", row.purpose or "serverAuth"))
    end
    local issuer = made[row.issuer or "ca"] or { subject = subject, key = key }
    certificate:setIssuer(issuer.subject)
    certificate:sign(issuer.key, row.digest or "sha256")
    made[row.name] = { subject = subject, key = key }
    files[row.name] = folder .. "/" .. row.name .. ".pem"
    files[row.name .. "_key"] = folder .. "/" .. row.name .. ".key"
    write(files[row.name], certificate:toPEM())
    write(files[row.name .. "_key"], key:toPEM("private"))
    return key
  end

  issue({ name = "ca", authority = true })
  issue({ name = "other_ca", authority = true, issuer = "other_ca" })
  issue({ name = "twin_ca", subject = "ca", authority = true, issuer = "twin_ca" })
  for _, row in ipairs(ROWS) do
    local key = issue(row)
    if row.name == "good" then
      local der = mime.unb64((key:toPEM("public"):gsub("%-%-.-%-%-\n", "")))
      files.good_pin = "sha256//" .. mime.b64(digest.new("sha256"):final(der))
    end
  end
  return files
end

--- Process side: makes the folder.
---@return table role whose end removes the folder
---@return table<string, string> files
function M.start()
  local pipe = assert(io.popen("mktemp -d", "r"))
  local folder = pipe:read("*l")
  pipe:close()
  local files = make(assert(folder, "mktemp failed"))
  local role = {}
  function role.finish()
    for _, path in pairs(files) do
      os.remove(path)
    end
    os.remove(folder)
  end
  return role, files
end

local shared, keeper

--- Paths of the PEM files, by name: `ca` (what a client trusts), `other_ca`, `twin_ca` (another
--- authority by the name of `ca`), `good`, `expired`, …
--- and `client`; each with its private key under the same name and `_key`. `good_pin` is the
--- good server's public key as libcurl pins it. Made on first use.
---@return table<string, string>
function M.shared()
  if not shared then
    keeper, shared = require("spec.support.process").start("certs", {})
    M.keeper = keeper -- the folder lives as long as the connection to the process
  end
  return shared
end

return M
