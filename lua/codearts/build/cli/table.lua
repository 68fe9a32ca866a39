--- Rows of text in columns as wide as their widest cell. Pure.
local text = require "codearts.build.cli.text"

---@param head string[]
---@param rows string[][] as many cells each as the head has; nil is not allowed
---@return string[] lines
local function render(head, rows)
  local widths, all = {}, { head }
  for _, row in ipairs(rows) do
    all[#all + 1] = row
  end
  for _, row in ipairs(all) do
    for index = 1, #head do
      widths[index] = math.max(widths[index] or 0, text.width(text.clean(row[index])))
    end
  end
  local lines = {}
  for number, row in ipairs(all) do
    local cells = {}
    for index = 1, #head do
      cells[index] = text.pad(text.clean(row[index]), widths[index])
    end
    lines[number] = table.concat(cells, "  "):gsub(" +$", "")
  end
  return lines
end

return render
