--- How the command connects: its options, and one variable that other programs know too.

--- Options for build.new. SSL_CERT_FILE, which OpenSSL and the curl program understand, names the certificates to trust
-- where a proxy or a private service has its own.
---@param values table parsed arguments
---@param getenv? fun(name: string): string?
---@return table options
return function(values, getenv)
  local address = (values.key or values.command == "key") and values.key_store
  local ca_file = (getenv or os.getenv) "SSL_CERT_FILE"
  return {
    region = values.region,
    endpoint = values.endpoint,
    key_store = address and require("codearts.build.key_store").from_address(address) or nil,
    tls = ca_file and ca_file ~= "" and { ca_file = ca_file } or nil,
  }
end
