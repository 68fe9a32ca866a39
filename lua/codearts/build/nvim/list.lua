--- The jobs of a project and the builds of a job, as tables in a buffer.
local address = require "codearts.build.nvim.address"
local is_id = require("codearts.build.ids").is_id
local duration = require "codearts.build.cli.duration"
local job_list = require "codearts.build.cli.job_list"
local jobs = require "codearts.build.nvim.jobs"
local pages = require "codearts.build.lifecycle.pages"
local pieces = require "codearts.build.nvim.pieces"
local record = require "codearts.build.lifecycle.record"
local session = require "codearts.build.nvim.session"
local spans = require "codearts.build.cli.spans"
local table_of = require "codearts.build.cli.table"
local zone = require "codearts.build.cli.zone"

local DAYS = 30

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

--- The lines of a table and the places they are about, in pieces: a project may have many jobs.
local function lay_out(head, items, row_of)
  local cells, places = {}, {}
  for index, item in ipairs(items) do
    local row, name = row_of(item)
    cells[index], places[index] = row, name or false
    pieces.pause()
  end
  return table_of(head, cells, nil, nil, pieces.pause), places
end

--- Puts lines into the buffer. The first time the cursor goes to what they are about.
local function put(self, lines)
  local function is_over()
    return self.closed or not api.nvim_buf_is_loaded(self.buffer)
  end
  if not pieces.write(self.buffer, lines, is_over) then
    return
  end
  for _, window in ipairs(vim.fn.win_findbuf(self.buffer)) do
    if #lines > 1 and api.nvim_win_get_cursor(window)[1] == 1 then
      api.nvim_win_set_cursor(window, { 2, 0 })
    end
  end
end

--- How much of a list is there, where that is not all of it: "150 of 400 jobs".
local function part_of(read, what)
  if read.whole then
    return nil
  end
  local total = read.total and ("of %d "):format(read.total) or "and more "
  return ("%d %s%s"):format(read.count, total, what)
end

--- Shows a table and how much of the list that is, or the words for none.
---@param part? string
function List:show(head, items, row_of, part, none)
  pieces.go(function()
    if #items == 0 then
      return put(self, { part or none })
    end
    local lines, places = lay_out(head, items, row_of)
    for index, name in ipairs(places) do
      self.names[index + 1] = name
    end
    lines[#lines + 1] = part
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
    return job_list(await, client, project)
  end, function(read)
    local head = { "NAME", "LAST BUILD", "STARTED", "JOB" }
    self:show(head, read.jobs, row_of_job, part_of(read, "jobs"), "no jobs")
  end)
end

--- What is shown of builds: each text is looked at.
local function shown_of(records)
  local shown = {}
  for index, item in ipairs(records) do
    shown[index] = {
      build_number = record.integer(item.build_number),
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

local function list_builds(await, client, job_id)
  local builds = {}
  local function fetch(page, size)
    local args = { job_id = job_id, offset = page, limit = size, interval = DAYS } -- the service calls the page so
    return record.fetch_rows(
      await,
      client,
      "ShowListHistory",
      args,
      "history_records",
      "build_number"
    )
  end
  local read, err = pages(fetch, "build_number", function(rows)
    vim.list_extend(builds, client:mask(shown_of(rows), rows))
  end)
  if not read then
    return nil, err
  end
  read.builds = builds
  return read
end

--- Fills a buffer with the builds of a job. Waits.
---@param buffer integer
---@param job_id string
---@return codearts.build.nvim.List
function list.builds(buffer, job_id)
  local self = new(buffer, job_id)
  local client = session.client()
  return fill(self, function(await)
    return list_builds(await, client, job_id)
  end, function(read)
    local head = { "BUILD", "RESULT", "STARTED", "TOOK" }
    local nothing = ("no builds in the last %d days"):format(DAYS)
    self:show(head, read.builds, function(item)
      local number = item.build_number
      if not number or number < 1 then
        return row_of_build(item)
      end
      jobs.saw(job_id, number)
      return row_of_build(item), address.of(job_id, number)
    end, part_of(read, "builds"), nothing)
  end)
end

return list
