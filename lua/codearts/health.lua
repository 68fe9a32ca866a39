--- `:checkhealth codearts`: whether the library loads in this Neovim, and what it would talk to.
local M = {}

--- Called by Neovim. Sends nothing.
function M.check()
  local health = vim.health or require "health" -- 0.7
  local start = health.start or health.report_start
  local ok, fail = health.ok or health.report_ok, health.error or health.report_error

  start "codearts-build"
  local loaded, build = pcall(require, "codearts.build")
  if not loaded then
    fail(tostring(build))
    return
  end
  local versions = build.versions()
  ok(
    ("codearts-build %s, libcurl %s (%s), lua-cjson %s"):format(
      versions.build,
      versions.libcurl,
      versions.tls,
      versions.cjson
    )
  )
  local made, client = pcall(build.new)
  if made then
    client:close()
    ok "the environment names a service; codearts-build doctor tries it"
  else
    fail(tostring(client))
  end
end

return M
