--- Rows of text in columns as wide as their widest cell, or as the page allows. Pure.
local text = require "codearts.build.cli.text"

local GAP = 2
local LEAST = 4 -- columns of a column that had to give way

local table_of = {}

--- The widest column that may still give way; nil if none may. Ids are told whole or are of no use.
local function widest(widths, kept)
  local found
  for index, width in ipairs(widths) do
    if not kept[index] and width > LEAST and (not found or width > widths[found]) then
      found = index
    end
  end
  return found
end

--- Makes columns narrower until they fit.
local function squeeze(widths, columns, kept)
  local total = GAP * (#widths - 1)
  for _, width in ipairs(widths) do
    total = total + width
  end
  while total > columns do
    local index = widest(widths, kept)
    if not index then
      return
    end
    widths[index], total = widths[index] - 1, total - 1
  end
end

--- Columns that lines take.
---@param lines string[]
---@return integer
function table_of.width(lines)
  local width = 0
  for _, line in ipairs(lines) do
    width = math.max(width, text.width(line))
  end
  return width
end

local function do_nothing() end

local function render(_, head, rows, columns, kept, pause)
  local widths, all = {}, { head }
  pause = pause or do_nothing
  for _, row in ipairs(rows) do
    all[#all + 1] = row
  end
  for _, row in ipairs(all) do
    for index = 1, #head do
      widths[index] = math.max(widths[index] or 0, text.width(text.clean(row[index])))
    end
    pause()
  end
  if columns then
    squeeze(widths, columns, kept or {})
  end
  local lines = {}
  for number, row in ipairs(all) do
    local cells = {}
    for index = 1, #head do
      cells[index] = text.pad(text.clean(row[index]), widths[index])
    end
    lines[number] = table.concat(cells, (" "):rep(GAP)):match "^.*[^ ]" or ""
    pause()
  end
  return lines
end

--- table_of(head, rows, columns?, kept?, pause?) answers lines: `rows` have as many cells each as the head (nil is not allowed);
-- with `columns` they fit that many, but for columns whose numbers are keys of `kept`. `pause` is called after each row.
return setmetatable(table_of, { __call = render })
