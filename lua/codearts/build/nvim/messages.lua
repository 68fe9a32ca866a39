--- Messages that come when they come: none waits for a key, for whoever types would lose it.
local text = require "codearts.build.cli.text"

local messages = {}

local HIGHLIGHTS = {
  [vim.log.levels.WARN] = "WarningMsg",
  [vim.log.levels.ERROR] = "ErrorMsg",
}

local LATER = 100 -- milliseconds

--- Whether a message would write over what somebody types, or over a question.
local function is_taken()
  local mode = vim.api.nvim_get_mode().mode
  return mode == "c" or mode:sub(1, 1) == "r"
end

--- Shows as much as fits the line; all of it is in :messages.
local function show(message, highlight)
  if is_taken() then
    vim.defer_fn(function()
      show(message, highlight)
    end, LATER)
    return
  end
  local shortmess = vim.o.shortmess
  vim.o.shortmess = shortmess .. "T"
  vim.cmd "redraw" -- two messages, one over the other, would wait for a key, too
  vim.cmd("echohl " .. (highlight or "None"))
  vim.cmd("echomsg " .. vim.fn.string(message))
  vim.cmd "echohl None"
  vim.o.shortmess = shortmess
end

local function source_of(func)
  return debug.getinfo(func, "S").source
end

--- Whether messages go to Neovim itself: its own vim.notify waits for a key after a long one, and raises what is an error in
--- whatever script waits at that moment.
local function is_plain()
  -- Its file has another name in each version, or none; what nobody replaces is from the same one.
  return source_of(vim.notify) == source_of(vim.schedule_wrap)
end

--- What the user asked for or should know: kept, and told by what the user has for that (vim.notify).
---@param message string
---@param level integer of vim.log.levels
function messages.notify(message, level)
  message = "CodeArts: " .. text.clean(message)
  if is_plain() then
    -- After the command that it may be about: within, it would wait for a key.
    vim.schedule(function()
      show(message, HIGHLIGHTS[level])
    end)
  else
    vim.notify(message, level, { title = "CodeArts" })
  end
end

--- A short answer to a command, which nobody has to read later.
---@param message string
function messages.echo(message)
  if is_taken() then
    return
  end
  message = "CodeArts: " .. text.clean(message)
  vim.cmd "redraw"
  vim.api.nvim_echo({ { text.fit(message, math.max(vim.v.echospace, 1)) } }, false, {})
end

return messages
