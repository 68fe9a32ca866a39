--- TLS contexts of the server process, by name.

local context = require("openssl.ssl.context")
local native = require("spec.support.native")
local pkey = require("openssl.pkey")
local read_file = require "spec.support.read_file"
local store = require("openssl.x509.store")
local x509 = require("openssl.x509")

local M = {}

-- What differs from a good server. `weak` lets OpenSSL use what it refuses by default.
local ROWS = {
  good = {},
  expired = { certificate = "expired" },
  not_yet_valid = { certificate = "not_yet_valid" },
  wrong_host = { certificate = "wrong_host" },
  untrusted = { certificate = "untrusted" },
  self_signed = { certificate = "self_signed" },
  sha1 = { certificate = "sha1", weak = true },
  tls_1_0 = { protocol = "TLSv1", weak = true },
  tls_1_1 = { protocol = "TLSv1_1", weak = true },
  tls_1_2 = { protocol = "TLSv1_2" },
  client_certificate = { ask = true },
  client_certificate_1_2 = { ask = true, protocol = "TLSv1_2" },
  optional_certificate = { ask = true, optional = true },
  http1 = { protocols = { "http/1.1" } },
}

---@param name string
---@param files table<string, string> of certs.lua
---@param protocols string[] ALPN names in the order of preference
function M.context(name, files, protocols)
  local row = assert(ROWS[name], "no such TLS context: " .. name)
  local made = context.new(row.protocol or "TLS", true)
  if row.weak then
    made:setCipherList("ALL:@SECLEVEL=0")
  end
  local certificate = row.certificate or "good"
  made:setCertificate(x509.new(read_file(files[certificate])))
  made:setPrivateKey(pkey.new(read_file(files[certificate .. "_key"])))
  if row.ask then
    local trusted = store.new()
    trusted:add(x509.new(read_file(files.ca)))
    made:setStore(trusted)
    local required = row.optional and 0 or context.VERIFY_FAIL_IF_NO_PEER_CERT
    made:setVerify(context.VERIFY_PEER + required)
    local luaossl = native.module("luaossl", "$(pkg-config --libs libssl)")
    assert(luaossl.resume(made))
  end
  made:setAlpnSelect(function(_, offered)
    for _, wanted in ipairs(row.protocols or protocols) do
      for _, protocol in ipairs(offered) do
        if protocol == wanted then
          return wanted
        end
      end
    end
  end)
  return made
end

return M
