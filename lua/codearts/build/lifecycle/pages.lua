--- Reads a list of the service to its end, page by page (API reference 7.8).
local core = require "codearts.build.core"

local PAGE = 100 -- the most that the service lists at once
local MOST_ROWS, MOST_PAGES = 10000, 200

--- The rows that no page before had.
local function new_rows(rows, mark, seen)
  local fresh = {}
  for _, row in ipairs(rows) do
    local id = row[mark]
    if (type(id) == "string" or type(id) == "number") and not seen[id] then
      fresh[#fresh + 1], seen[id] = row, true
    end
  end
  return core.came_with(fresh, rows)
end

---@class codearts.build.ListRead
---@field count integer rows that were read
---@field total integer? rows that the list has, as the service says
---@field whole boolean nothing tells that there are others
---@field endless boolean? there are more than anybody reads

--- The end is where all are there that the service counts, or a page brings no other: it may list fewer at once than were
--- asked for, or the same page again and again.
---@param fetch fun(page: integer, size: integer): { rows: table[], total: integer? }?, table?
---@param mark string the member that tells rows apart
---@param take fun(rows: table[]) gets the new rows of each page
---@return codearts.build.ListRead? read
---@return table? err
return function(fetch, mark, take)
  local seen, read = {}, { count = 0, whole = false }
  for page = 0, MOST_PAGES - 1 do
    local answer, err = fetch(page, PAGE)
    if not answer then
      return nil, err
    end
    local fresh = new_rows(answer.rows, mark, seen)
    take(fresh)
    read.count, read.total = read.count + #fresh, answer.total
    read.whole = answer.total == nil and #fresh == 0
      or answer.total ~= nil and read.count >= answer.total
    if read.whole or #fresh == 0 then
      return read
    elseif read.count > MOST_ROWS then
      break
    end
  end
  read.endless = true
  return read
end
