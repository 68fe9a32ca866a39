-- `:CodeArts` and buffers named `codearts://…`. Nothing else is loaded before one of them is used.
if vim.g.loaded_codearts then
  return
end
vim.g.loaded_codearts = true

vim.api.nvim_create_user_command("CodeArts", function(command)
  require("codearts.build.nvim.command").run(command)
end, {
  bang = true,
  nargs = "*",
  desc = "CodeArts Build: start builds and follow them",
  complete = function(...)
    return require("codearts.build.nvim.command").complete(...)
  end,
})

vim.api.nvim_create_autocmd("BufReadCmd", {
  group = vim.api.nvim_create_augroup("codearts", {}),
  pattern = "codearts://*",
  desc = "CodeArts Build: show a project, a job or a build",
  callback = function(event)
    require("codearts.build.nvim.buffer").read(event.buf, event.match)
  end,
})
