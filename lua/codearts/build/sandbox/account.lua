-- Who the one user of a sandbox is and whose account it belongs to, as IAM and the build service tell it alike.

return {
  USER_ID = "sandboxuser000000000000000000001",
  DOMAIN_ID = "sandboxdomain0000000000000000001",
}
