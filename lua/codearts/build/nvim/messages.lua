--- Messages that come when they come: none waits for a key, for whoever types would lose it.
local text = require "codearts.build.cli.text"

local messages = {}

local HIGHLIGHTS = {
  [vim.log.levels.WARN] = "WarningMsg",
  [vim.log.levels.ERROR] = "ErrorMsg",
}

--- Shows as much as fits the line; all of it is in :messages. After a command, which would have it wait for a key.
local show = vim.schedule_wrap(function(message, highlight)
  local shortmess = vim.o.shortmess
  vim.o.shortmess = shortmess .. "T"
  vim.cmd "redraw" -- two messages, one over the other, would wait for a key, too
  vim.cmd("echohl " .. (highlight or "None"))
  vim.cmd("echomsg " .. vim.fn.string(message))
  vim.cmd "echohl None"
  vim.o.shortmess = shortmess
end)

--- Whether messages go to Neovim itself: its own vim.notify waits for a key after a long one, and raises what is an error in
--- whatever script waits at that moment.
local function is_plain()
  return debug.getinfo(vim.notify, "S").source:find("vim/_editor", 1, true) ~= nil
end

--- What the user asked for or should know: kept, and told by what the user has for that (vim.notify).
---@param message string
---@param level integer of vim.log.levels
function messages.notify(message, level)
  message = "CodeArts: " .. text.clean(message)
  if is_plain() then
    show(message, HIGHLIGHTS[level])
  else
    vim.notify(message, level, { title = "CodeArts" })
  end
end

--- A short answer to a command, which nobody has to read later.
---@param message string
function messages.echo(message)
  message = "CodeArts: " .. text.clean(message)
  vim.cmd "redraw"
  vim.api.nvim_echo({ { text.fit(message, math.max(vim.v.echospace, 1)) } }, false, {})
end

return messages
