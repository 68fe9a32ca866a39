--- The colours of a terminal in buffers: highlight groups for them, and lines that are drawn in them.
local styled = require "codearts.build.cli.styled"

local colours = {}

local MOST = 1000 -- groups; Neovim has room for some 20,000
local MOST_SPANS = 100 -- of a line: Neovim draws each column with a look at all of them

-- As xterm has them; `g:terminal_color_N` goes before.
local BASIC = {
  [0] = "#000000",
  "#cd0000",
  "#00cd00",
  "#cdcd00",
  "#3a66ee",
  "#cd00cd",
  "#00cdcd",
  "#e5e5e5",
  "#7f7f7f",
  "#ff0000",
  "#00ff00",
  "#ffff00",
  "#5c5cff",
  "#ff00ff",
  "#00ffff",
  "#ffffff",
}

local STEPS = { [0] = 0, 95, 135, 175, 215, 255 }

--- The colour with that number among the 256 of a terminal.
local function rgb_of(number)
  if number < 16 then
    local own = vim.g["terminal_color_" .. number]
    return type(own) == "string" and own:find "^#%x%x%x%x%x%x$" and own or BASIC[number]
  elseif number < 232 then
    number = number - 16
    local red, green = math.floor(number / 36), math.floor(number / 6) % 6
    return ("#%02x%02x%02x"):format(STEPS[red], STEPS[green], STEPS[number % 6])
  end
  local grey = 8 + 10 * (number - 232)
  return ("#%02x%02x%02x"):format(grey, grey, grey)
end

local groups, count = {}, 0

local function define(key, group)
  local look = styled.look(key)
  local set = {}
  for name, value in pairs(look) do
    if name == "fg" or name == "bg" then
      set[name] = type(value) == "number" and rgb_of(value) or value
      set["cterm" .. name] = type(value) == "number" and value or nil
    else
      set[name] = value
    end
  end
  if look.bold or look.italic or look.underline or look.reverse then
    set.cterm = {
      bold = look.bold,
      italic = look.italic,
      underline = look.underline,
      reverse = look.reverse,
    }
  end
  vim.api.nvim_set_hl(0, group, set)
end

--- The group for a look, as styled.line writes it; nil where there are too many.
local function group_of(key)
  local group = groups[key]
  if not group and count < MOST then
    count = count + 1
    group = "CodeArtsColour" .. count
    groups[key] = group
    define(key, group)
  end
  return group
end

--- What the first colours of a line come to: where each begins and ends, and its group, one after the other.
---@param spans table[] of styled.line
---@return (integer|string)[]
function colours.of(spans)
  local list, length = {}, 0
  for _, span in ipairs(spans) do
    local group = length < 3 * MOST_SPANS and group_of(span[3])
    if group then
      list[length + 1], list[length + 2], list[length + 3] = span[1], span[2], group
      length = length + 3
    end
  end
  return list
end

local namespace = vim.api.nvim_create_namespace "codearts_colours"

---@type table<integer, table<integer, table>> by buffer, then by row from 0: of colours.of
local shown = {}

--- Has the lines of a buffer drawn in colours.
---@param buffer integer
---@param rows table<integer, table> by row from 0: of colours.of; may grow
function colours.show(buffer, rows)
  shown[buffer] = rows
end

--- No more.
---@param buffer integer
---@param rows table those that were shown
function colours.forget(buffer, rows)
  if shown[buffer] == rows then
    shown[buffer] = nil
  end
end

--- Draws in colours what is on the screen alone: of marks for a whole log Neovim would have to keep books, which takes it longer
--- than a piece of work may.
local function draw(_, _, buffer, row)
  local list, set = shown[buffer] and shown[buffer][row] or {}, vim.api.nvim_buf_set_extmark
  local mark = { end_row = row, ephemeral = true }
  for at = 1, #list, 3 do
    mark.end_col, mark.hl_group = list[at + 1], list[at + 2]
    pcall(set, buffer, namespace, row, list[at], mark) -- somebody may have made the line shorter
  end
end

vim.api.nvim_set_decoration_provider(namespace, {
  on_win = function(_, _, buffer)
    return shown[buffer] ~= nil
  end,
  on_line = draw,
})

local LINKS = {
  CodeArtsTime = "Comment",
  CodeArtsHead = "Title",
  CodeArtsGood = "DiagnosticInfo",
  CodeArtsBad = "DiagnosticError",
  CodeArtsNow = "DiagnosticHint",
}

local function define_all()
  for name, target in pairs(LINKS) do
    vim.cmd(("highlight default link %s %s"):format(name, target))
  end
  for key, group in pairs(groups) do
    define(key, group)
  end
end

-- A colour scheme takes them away.
vim.api.nvim_create_autocmd("ColorScheme", {
  group = vim.api.nvim_create_augroup("codearts_colours", {}),
  callback = define_all,
})
define_all()

return colours
