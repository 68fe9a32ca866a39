--- Highlight groups for the colours of a terminal.
local styled = require "codearts.build.cli.styled"

local colours = {}

local MOST = 1000 -- groups; Neovim has room for some 20,000

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
---@param key string
---@return string?
function colours.group(key)
  local group = groups[key]
  if not group and count < MOST then
    count = count + 1
    group = "CodeArtsColour" .. count
    groups[key] = group
    define(key, group)
  end
  return group
end

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
