-- Neovim: a build beside the editing.
--
--     export CODEARTS_BUILD_REGION=cn-north-4 CODEARTS_BUILD_TOKEN=…
--     JOB_ID=… nvim -c 'luafile examples/nvim.lua'
local client = require("codearts.build.nvim").new()

local function start_build()
  vim.notify "starting a build"
  client:start({ job_id = os.getenv "JOB_ID" }):on_done(function(result, err)
    -- The main loop: everything of the editor may be used here.
    if err then
      vim.notify(tostring(err), vim.log.levels.ERROR)
    else
      vim.notify("started build " .. result.actual_build_number)
    end
    if #vim.api.nvim_list_uis() == 0 then
      vim.cmd "qall!"
    end
  end)
end

vim.api.nvim_create_user_command("StartBuild", start_build, {})
if #vim.api.nvim_list_uis() == 0 then
  start_build() -- headless: this once, then the end
end
