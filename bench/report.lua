-- What the bench says: tables in Markdown as they come, targets at the end, all of it as JSON.

local M = { tables = {}, targets = {} }

function M.out(...)
  io.stdout:write(string.format(...), "\n")
  io.stdout:flush()
end

---"12,345" for 12345.4
function M.thousands(n)
  local text, count = string.format("%.0f", n), 1
  while count > 0 do
    text, count = text:gsub("^(-?%d+)(%d%d%d)", "%1,%2")
  end
  return text
end

---Prints a table; a cell that is nil or false stays empty.
---@param head string[]
---@param rows table[]
function M.show(title, head, rows)
  M.out("\n%s\n", title)
  M.out("| %s |", table.concat(head, " | "))
  M.out("|%s", (" --- |"):rep(#head))
  for _, row in ipairs(rows) do
    local cells = {}
    for i = 1, #head do
      cells[i] = row[i] and tostring(row[i]) or ""
    end
    M.out("| %s |", table.concat(cells, " | "))
  end
  M.tables[#M.tables + 1] = { title = title, head = head, rows = rows }
end

---Notes a target and whether it is met.
---@param relation "<="|">="
---@param form? string how to write the value: a format, or "n" for an integer; default "%.2f"
function M.target(name, value, relation, limit, form)
  local function write(n)
    return form == "n" and M.thousands(n) or string.format(form or "%.2f", n)
  end
  local met = value >= limit
  if relation == "<=" then
    met = value <= limit
  end
  M.targets[#M.targets + 1] = {
    name = name,
    value = value,
    limit = limit,
    relation = relation,
    met = met,
    row = { name, relation .. " " .. write(limit), write(value), met and "yes" or "NO" },
  }
end

---Prints the targets.
function M.verdict()
  local rows, met = {}, 0
  for i, target in ipairs(M.targets) do
    rows[i] = target.row
    met = met + (target.met and 1 or 0)
  end
  M.show("Targets", { "target", "limit", "measured", "met" }, rows)
  M.out("\n%d of %d targets met", met, #rows)
end

return M
