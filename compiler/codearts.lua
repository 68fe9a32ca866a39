-- `:compiler! codearts`, then `:make JOB [NAME=VALUE …]`: runs a build; the problems in its log become the quickfix list.
local script = debug.getinfo(1, "S").source:match "^@(.*)/compiler/codearts%.lua$"
local folder = vim.fn.fnamemodify(script, ":p"):gsub("/$", "")

local function set(name, value)
  vim.cmd(("CompilerSet %s=%s"):format(name, vim.fn.escape(value, ' \\|"')))
end

local function quoted(word)
  return vim.fn.escape(vim.fn.shellescape(word), "%#")
end

local ok, settings = pcall(function()
  require "codearts.build" -- which says what helps where the core does not load
  return require "codearts.build.nvim.settings"
end)
if not ok then
  vim.notify("CodeArts: " .. tostring(settings), vim.log.levels.ERROR)
  return
end
vim.g.current_compiler = "codearts"
-- 'makeprg' is read before, so that it cannot be what tells the settings of the moment.
vim.api.nvim_create_autocmd("QuickFixCmdPre", {
  group = vim.api.nvim_create_augroup("codearts_make", {}),
  desc = "CodeArts Build: :make has the settings as they are",
  callback = settings.hand_on,
})
settings.hand_on() -- for those who run 'makeprg' by themselves
set(
  "makeprg",
  table.concat({
    -- Ctrl-C ends all of it by a signal: tee, which writes the list, has to outlive the last words.
    "trap '' INT TERM;",
    quoted(vim.v.progpath),
    "--headless --clean -n --cmd",
    quoted("set rtp^=" .. vim.fn.escape(folder, " ,\\")),
    -- The words are no files, which Neovim would read before all else: an address would be fetched.
    "--cmd 'argdelete *' --cmd 'silent 0file'",
    "-c",
    quoted "lua require('codearts.build.nvim.make').main()",
    "-- $*",
  }, " ")
)
set("errorformat", "codearts-place: %f:%l:%c: %t%*[^:]: %m,codearts-problem: %t%*[^:]: %m,%-G%.%#")
