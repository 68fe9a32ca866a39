-- `:CodeArts` and buffers named `codearts://…`. Nothing else is loaded before one of them is used.
if vim.g.loaded_codearts then
  return
end
vim.g.loaded_codearts = true

-- A module of ours, or nil where the core does not load: what helps is told then, without a traceback.
local function module(name)
  local ok, problem = pcall(require, "codearts.build")
  if ok then
    return require("codearts.build.nvim." .. name)
  end
  vim.notify("CodeArts: " .. tostring(problem), vim.log.levels.ERROR)
end

vim.api.nvim_create_user_command("CodeArts", function(given)
  local command = module "command"
  if command then
    command.run(given)
  end
end, {
  bang = true,
  nargs = "*",
  desc = "CodeArts Build: start builds and follow them",
  complete = function(...)
    local command = module "command"
    return command and command.complete(...) or {}
  end,
})

vim.api.nvim_create_autocmd("BufReadCmd", {
  group = vim.api.nvim_create_augroup("codearts", {}),
  pattern = "codearts://*",
  desc = "CodeArts Build: show a project, a job or a build",
  callback = function(event)
    local buffer = module "buffer"
    if buffer then
      buffer.read(event.buf, event.match)
    end
  end,
})
