--- The steps of a build as folds of its log. The log does not say where a step begins, but its lines bear times, and the
--- service tells when each step ran.
local duration = require "codearts.build.cli.duration"
local pieces = require "codearts.build.nvim.pieces"
local record = require "codearts.build.lifecycle.record"
local spans = require "codearts.build.cli.spans"
local text = require "codearts.build.cli.text"
local times = require "codearts.build.lifecycle.times"
local verdict = require "codearts.build.lifecycle.verdict"

local MOST = 200 -- steps; of a build with more none is folded
local SAME_MOMENT = 20 -- lines of one millisecond that are looked through for the name of a step

local folds = {}

---@class codearts.build.nvim.Fold
---@field first integer line, from 1
---@field last integer
---@field name string
---@field status string
---@field took number seconds

---@type table<integer, codearts.build.nvim.Fold[]> by buffer
local of_buffer = {}

--- Asks when the steps ran.
---@param await codearts.build.Await
---@param client codearts.build.Client
---@param detail table record of the build
---@return table? stages { list, first }
function folds.stages(await, client, detail)
  local record_id = record.text(detail.build_record_id)
  local body = record_id
    and await(client:call("ShowBuildRecordFullStages", { record_id = record_id }, { async = true }))
  local result = type(body) == "table" and client:mask(body.result, body)
  local given = type(result) == "table" and result.build_stages
  if type(given) == "table" and vim.tbl_count(given) > MOST then
    return nil
  end
  local list, first = spans.of_stages(given)
  return list and { list = list, first = first }
end

local LONGEST_TIME = 64 -- bytes, with its brackets

--- Seconds since 1970 of a line of a log; nil for one without a time.
---@param line string
---@return number?
function folds.moment(line)
  local day, clock, zone =
    line:sub(1, LONGEST_TIME):match "^%[(%d%d%d%d/%d%d/%d%d) ([%d:.]+) ?G?M?T?([+-]?[%d:]*)%]"
  if not day then
    return nil
  end
  return (times.parse(("%sT%s%s"):format(day:gsub("/", "-"), clock, zone)))
end

local function line_at(buffer, row)
  local is_there = vim.api.nvim_buf_is_loaded(buffer)
  return is_there and vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ""
end

---@class codearts.build.nvim.Dates
---@field rows integer[] of the lines with a time, from 0
---@field moments number[] what they tell
local Dates = {}
Dates.__index = Dates

--- Which lines of a log have times.
---@return codearts.build.nvim.Dates
function folds.dates()
  return setmetatable({ rows = {}, moments = {} }, Dates)
end

---@param row integer from 0
---@param line string
function Dates:line(row, line)
  local moment = folds.moment(line)
  if moment then
    local count = #self.rows + 1
    self.rows[count], self.moments[count] = row, moment
  end
end

--- The row behind the last one that is before a moment. Times grow, so a few tell.
local function row_of(dates, moment)
  local low, high = 0, #dates.rows
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if dates.moments[middle] < moment then
      low = middle
    else
      high = middle - 1
    end
  end
  return low > 0 and dates.rows[low] + 1 or 0
end

--- Of several lines of that moment, the one that names the step.
local function named_row(buffer, row, moment, name)
  for other = row, row + SAME_MOMENT do
    pieces.pause()
    local line = line_at(buffer, other)
    if (folds.moment(line) or moment) > moment + 0.002 then
      break
    elseif name ~= "" and line:find(name, 1, true) then
      return other
    end
  end
  return row
end

--- Where each step stands in a buffer. Takes several pieces.
---@param buffer integer
---@param stages table of folds.stages
---@param dates codearts.build.nvim.Dates of its lines
---@return codearts.build.nvim.Fold[]
function folds.place(buffer, stages, dates)
  local count, list = vim.api.nvim_buf_line_count(buffer), {}
  for _, span in ipairs(stages.list) do
    if span.start then
      local moment = stages.first + span.start
      local row = named_row(buffer, row_of(dates, moment), moment, span.name)
      local before = list[#list]
      if before then
        before.last = math.min(before.last, row)
      end
      local stop = row_of(dates, stages.first + span.stop + 0.001)
      list[#list + 1] = {
        first = row + 1,
        last = math.max(stop, row + 1),
        name = span.name,
        status = span.status,
        took = span.stop - span.start,
      }
    end
  end
  local kept = {}
  for _, fold in ipairs(list) do
    if fold.first <= fold.last and fold.first <= count then
      fold.last = math.min(fold.last, count)
      kept[#kept + 1] = fold
    end
  end
  return kept
end

--- Makes the folds of a window; what went well is closed, unless the cursor is in it.
local function draw(window, list)
  local cursor = vim.api.nvim_win_get_cursor(window)[1]
  vim.api.nvim_win_call(window, function()
    vim.cmd "setlocal foldmethod=manual foldminlines=0 foldenable foldcolumn=0"
    vim.cmd "setlocal foldtext=v:lua.require'codearts.build.nvim.folds'.text()"
    vim.cmd "normal! zE"
    for _, fold in ipairs(list) do
      vim.cmd(("%d,%dfold"):format(fold.first, fold.last))
      local inside = cursor >= fold.first and cursor <= fold.last
      if inside or verdict.of_step(fold.status, true) ~= "good" then
        vim.cmd(("%dfoldopen"):format(fold.first))
      end
    end
    if cursor == vim.api.nvim_buf_line_count(0) then
      vim.cmd "normal! zb"
    end
  end)
end

--- Has the windows of a buffer show its steps.
---@param buffer integer
---@param list codearts.build.nvim.Fold[] of folds.place
function folds.set(buffer, list)
  local before = of_buffer[buffer]
  of_buffer[buffer] = list
  if before and #before == #list and vim.deep_equal(before, list) then
    return -- as the user has opened and closed them
  end
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    draw(window, list)
  end
end

--- Has a window that shows the buffer anew fold its steps.
---@param buffer integer
---@param window integer
function folds.show(buffer, window)
  if of_buffer[buffer] then
    draw(window, of_buffer[buffer])
  end
end

---@param buffer integer
function folds.forget(buffer)
  of_buffer[buffer] = nil
end

--- What a closed fold shows: for 'foldtext'.
---@return string
function folds.text()
  local first, last = vim.v.foldstart, vim.v.foldend
  for _, fold in ipairs(of_buffer[vim.api.nvim_get_current_buf()] or {}) do
    if fold.first == first then
      return text.clean(
        ("▸ %s: %s, %s, %d lines "):format(
          fold.name,
          fold.status,
          duration.format(fold.took),
          last - first + 1
        )
      )
    end
  end
  return ("▸ %d lines "):format(last - first + 1)
end

return folds
