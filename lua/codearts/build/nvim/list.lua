--- The jobs of a project and the builds of a job, as tables in a buffer.
local address = require "codearts.build.nvim.address"
local is_id = require("codearts.build.ids").is_id
local duration = require "codearts.build.cli.duration"
local jobs = require "codearts.build.nvim.jobs"
local names = require "codearts.build.cli.names"
local Pieces = require "codearts.build.nvim.pieces"
local record = require "codearts.build.lifecycle.record"
local session = require "codearts.build.nvim.session"
local spans = require "codearts.build.cli.spans"
local table_of = require "codearts.build.cli.table"
local text = require "codearts.build.cli.text"
local zone = require "codearts.build.cli.zone"

local PAGE = 100 -- the most that the service lists at once (API reference 7.8)
local DAYS = 30
local AT_ONCE = 20 -- rows

local api = vim.api

---@class codearts.build.nvim.List: codearts.build.nvim.View
---@field buffer integer
---@field names (string|false)[] by line: the buffer one level down
local List = {}
List.__index = List

local function new(buffer, job_id)
  return setmetatable({ buffer = buffer, job_id = job_id, names = {}, closed = false }, List)
end

function List:close()
  self.closed = true
  if self.call then
    self.call:cancel()
  end
end

function List:below(line)
  return self.names[line] or nil
end

local function cell(value)
  return record.text(value) or type(value) == "number" and ("%d"):format(value) or "-"
end

--- The widest cell of each column so far.
local function widen(widest, rows)
  for _, row in ipairs(rows) do
    for index, value in ipairs(row) do
      if text.width(text.clean(value)) > text.width(text.clean(widest[index] or "")) then
        widest[index] = value
      end
    end
  end
end

--- The lines of a table and the places they are about, a few at a time: a project may have many jobs.
local function lay_out(head, items, row_of, done)
  local lines, widest, cells, places = {}, {}, {}, {}
  local printer = Pieces.new(function(rows)
    -- One more row that is as wide as the widest, and not shown.
    local printed = table_of(head, vim.list_extend({ widest }, rows))
    lines[1] = printed[1]
    vim.list_extend(lines, printed, 3)
  end, AT_ONCE)
  local measurer = Pieces.new(function(some)
    local rows = {}
    for index, item in ipairs(some) do
      local row, name = row_of(item)
      rows[index], cells[#cells + 1], places[#places + 1] = row, row, name or false
    end
    widen(widest, rows)
  end, AT_ONCE)
  for _, item in ipairs(items) do
    measurer:add(item)
  end
  measurer:finish(function()
    for _, row in ipairs(cells) do
      printer:add(row)
    end
    printer:finish(function()
      done(lines, places)
    end)
  end)
end

--- Puts lines into the buffer. The first time the cursor goes to what they are about.
local function put(self, lines)
  if self.closed or not api.nvim_buf_is_loaded(self.buffer) then
    return
  end
  api.nvim_buf_set_option(self.buffer, "modifiable", true)
  api.nvim_buf_set_lines(self.buffer, 0, -1, false, lines)
  api.nvim_buf_set_option(self.buffer, "modifiable", false)
  api.nvim_buf_set_option(self.buffer, "modified", false)
  for _, window in ipairs(vim.fn.win_findbuf(self.buffer)) do
    if #lines > 1 and api.nvim_win_get_cursor(window)[1] == 1 then
      api.nvim_win_set_cursor(window, { 2, 0 })
    end
  end
end

--- Shows a table, or the words for none.
function List:show(head, items, row_of, none)
  if #items == 0 then
    return put(self, { none })
  end
  lay_out(head, items, row_of, function(lines, places)
    for index, name in ipairs(places) do
      self.names[index + 1] = name
    end
    put(self, lines)
  end)
end

--- Runs a flow whose result belongs into the buffer.
local function fill(self, flow, show)
  self.call = session.client():task(flow)
  local answer = session:await(self.call)
  if not self.closed then
    show(answer)
  end
  return self
end

--- Adds the jobs of a page that were not listed before; answers how many that are.
local function add_new(all, seen, page)
  local new_ones = 0
  for index = 1, math.min(#page, PAGE) do
    local job = page[index]
    local id = type(job) == "table" and record.text(job.id)
    if id and not seen[id] then
      seen[id], new_ones = true, new_ones + 1
      all[#all + 1] = job
    end
  end
  return new_ones
end

local function row_of_job(job)
  return {
    cell(job.job_name),
    cell(job.last_build_status),
    zone(job.last_build_time),
    cell(job.id),
  },
    is_id(job.id) and address.of(job.id)
end

local list = {}

--- Fills a buffer with the jobs of a project. Waits.
---@param buffer integer
---@param project? string
---@return codearts.build.nvim.List
function list.jobs(buffer, project)
  if not project then
    error(
      session.core.error {
        kind = "config",
        field = "project",
        message = "no project is named: set vim.g.codearts = { project = … } or CODEARTS_BUILD_PROJECT",
      },
      0
    )
  end
  local self = new(buffer)
  local client = session.client()
  return fill(self, function(await)
    local all, seen, page, new_ones = {}, {}, 0
    repeat
      local answer, err = await(client:jobs(project, { async = true, page = page, limit = PAGE }))
      if err then
        return nil, err
      end
      new_ones = add_new(all, seen, client:mask_credentials(answer.jobs))
      page = page + 1
    until #answer.jobs < PAGE or new_ones == 0 -- which all pages are, if the service heeds no number of a page
    return all
  end, function(all)
    names.remember(project, all, true)
    self:show({ "NAME", "LAST BUILD", "STARTED", "JOB" }, all, row_of_job, "no jobs")
  end)
end

--- What is shown of builds: each text is looked at.
local function shown_of(records)
  local shown = {}
  for index = 1, math.min(#records, PAGE) do
    local item = records[index]
    shown[index] = {
      build_number = item.build_number,
      result = item.result,
      start_time = item.start_time,
      end_time = item.end_time,
    }
  end
  return shown
end

local function row_of_build(item)
  local start, stop = spans.time(item.start_time), spans.time(item.end_time)
  return {
    cell(item.build_number),
    cell(item.result),
    zone(item.start_time),
    start and stop and duration.format(stop - start) or "-",
  }
end

--- Fills a buffer with the builds of a job. Waits.
---@param buffer integer
---@param job_id string
---@return codearts.build.nvim.List
function list.builds(buffer, job_id)
  local self = new(buffer, job_id)
  local client = session.client()
  return fill(self, function(await)
    local answer, err = await(client:history(job_id, { async = true, limit = PAGE, days = DAYS }))
    return answer and { records = client:mask(shown_of(answer.records), answer.records) }, err
  end, function(answer)
    local nothing = ("no builds in the last %d days"):format(DAYS)
    self:show({ "BUILD", "RESULT", "STARTED", "TOOK" }, answer.records, function(item)
      local number = item.build_number
      if not number or number < 1 then
        return row_of_build(item)
      end
      jobs.saw(job_id, number)
      return row_of_build(item), address.of(job_id, number)
    end, nothing)
  end)
end

return list
