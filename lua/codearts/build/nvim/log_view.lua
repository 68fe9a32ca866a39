--- The log of a build in a buffer: read from the service, appended in pieces, followed at its end.
local colours = require "codearts.build.nvim.colours"
local folds = require "codearts.build.nvim.folds"
local ending = require "codearts.build.lifecycle.ending"
local follow = require "codearts.build.lifecycle.follow"
local lifecycle = require "codearts.build.lifecycle"
local log_lines = require "codearts.build.nvim.lines"
local marks = require "codearts.build.nvim.marks"
local pieces = require "codearts.build.nvim.pieces"
local read_log = require "codearts.build.lifecycle.log"
local record = require "codearts.build.lifecycle.record"
local session = require "codearts.build.nvim.session"
local styled = require "codearts.build.cli.styled"
local text = require "codearts.build.cli.text"
local watches = require "codearts.build.nvim.watch"

local AT_ONCE = 50 -- lines
local PAGE = 32768 -- bytes of log in one request: reading one has to stay short

local TICK = 1000 -- milliseconds

local api = vim.api
local namespace = api.nvim_create_namespace "codearts"

---@class codearts.build.nvim.LogView
---@field buffer integer
---@field job_id string
---@field number integer
---@field build table
---@field closed boolean
---@field lines integer that are in the buffer
---@field detail table?
---@field watch codearts.build.nvim.Watch?
---@field queue codearts.build.nvim.Queue of lines
---@field colours table<integer, table> of colours.of, by row
---@field marks codearts.build.nvim.Marks
---@field dates codearts.build.nvim.Dates
local View = {}
View.__index = View

--- Changes the buffer, which the user cannot.
local function write(self, first, last, lines)
  api.nvim_buf_set_option(self.buffer, "modifiable", true)
  api.nvim_buf_set_lines(self.buffer, first, last, false, lines)
  api.nvim_buf_set_option(self.buffer, "modifiable", false)
  api.nvim_buf_set_option(self.buffer, "modified", false)
end

--- The windows whose cursor stands on the last line: they go along.
local function followers(self)
  local windows, last = {}, api.nvim_buf_line_count(self.buffer)
  for _, window in ipairs(vim.fn.win_findbuf(self.buffer)) do
    if api.nvim_win_get_cursor(window)[1] == last then
      windows[#windows + 1] = window
    end
  end
  return windows
end

--- Whether there is nothing to show it in any more; a buffer may end without its autocommands.
function View:is_over()
  if not self.closed and not api.nvim_buf_is_loaded(self.buffer) then
    self:close()
  end
  return self.closed
end

--- How the build stands, behind the last line.
function View:show_state()
  if self:is_over() then
    return
  end
  local words, group = "reading", "CodeArtsNow"
  if self.verdict then
    words = watches.words(self.detail, self.verdict)
    group = self.verdict == "success" and "CodeArtsGood" or "CodeArtsBad"
  elseif self.watch and self.watch.call then
    words = self.watch:brief()
  end
  if self.problem then
    words = (self.verdict and words .. "; " or "") .. text.clean(self.problem)
    group = "CodeArtsBad"
  end
  api.nvim_buf_set_extmark(self.buffer, namespace, api.nvim_buf_line_count(self.buffer) - 1, 0, {
    id = 1,
    virt_text = { { "  ▸ " .. words, group } },
    hl_mode = "combine",
  })
end

--- Appends lines, and goes along where somebody looks at the end.
function View:append(items)
  local plain = {}
  for index, line in ipairs(items) do
    local row, shown, spans = self.lines + index - 1, styled.line(line)
    plain[index], self.colours[row] = shown, spans and colours.of(spans)
    self.marks:line(row, shown)
    self.dates:line(row, shown)
    pieces.pause()
  end
  if self:is_over() then
    return
  end
  local windows = followers(self)
  colours.show(self.buffer, self.colours)
  write(self, self.lines == 0 and 0 or -1, -1, plain)
  self.lines = self.lines + #plain
  for _, window in ipairs(windows) do
    api.nvim_win_set_cursor(window, { self.lines, 0 })
  end
  self:show_state()
end

--- Takes a line of the log, however long it is.
local function take(self, line)
  self.queue:add(log_lines.cut(line))
end

--- Runs a flow that ends with the buffer.
local function task(self, flow)
  local call = session.client():task(flow)
  self.calls[#self.calls + 1] = call
  return call
end

--- The failing lines of what was read so far.
local function show_marks(self)
  self.queue:finish(function()
    if not self:is_over() then
      self.marks:show()
    end
  end)
end

--- The steps as folds, as far as the service tells when they ran.
local function fold_steps(self)
  local detail = self.detail
  if self:is_over() or not detail then
    return
  end
  task(self, function(await)
    return folds.stages(await, session.client(), detail)
  end):on_done(function(stages)
    if stages and not self:is_over() then
      -- What was read before the steps were asked for has to stand in the buffer first.
      self.queue:finish(function()
        if self:is_over() then
          return
        end
        local list = folds.place(self.buffer, stages, self.dates)
        if not self:is_over() then
          folds.set(self.buffer, list)
        end
      end)
    end
  end)
end

--- The log is read: what it shows is complete.
local function complete(self, err)
  if self:is_over() then
    return
  end
  self.queue:finish(function()
    if self:is_over() then
      return
    end
    if err and err.kind ~= "cancelled" then
      self.problem = self.problem or "the log is not complete: " .. session.words(err)
    end
    show_marks(self)
    self:show_state()
    fold_steps(self)
    self.complete = true
  end)
end

--- Shows the time that passes.
local function tick(self)
  if self.complete or self:is_over() then
    return
  end
  if vim.fn.win_findbuf(self.buffer)[1] then
    self:show_state()
  end
  vim.defer_fn(function()
    tick(self)
  end, TICK)
end

--- Follows a build that runs, beside its wait.
local function follow_build(self)
  local watch = self.watch
  watch:join()
  tick(self)
  local follower = follow(self.build, function(line)
    take(self, line)
  end, PAGE)
  self.calls[#self.calls + 1] = follower.call
  local steps = watch:brief(true)
  watch:on("progress", function()
    self.detail = watch.detail
    self:show_state()
    if not self:is_over() and watch:brief(true) ~= steps then
      steps = watch:brief(true)
      show_marks(self)
      fold_steps(self)
    end
  end)
  watch:on("end", function()
    if self:is_over() then
      return
    end
    self.detail, self.verdict = watch.detail or self.detail, watch.verdict
    if not watch.verdict then
      self.problem = session.words(watch.err)
    end
    task(self, function(await)
      return follower:finish(await, true) -- what there is of it is worth reading, though the wait ended in trouble
    end):on_done(function(err, broken)
      complete(self, err or broken)
    end)
  end)
end

--- Reads the log of a build that is over.
local function read_all(self)
  local flow = read_log(lifecycle.handle(self.build), {
    length = PAGE,
    on_line = function(line)
      take(self, line)
    end,
  })
  task(self, flow):on_done(function(_, err)
    complete(self, err)
  end)
end

--- Asks how the build stands, then reads its log in the way that this needs.
function View:read()
  self.watch = watches.find(self.job_id, self.number)
  if self.watch then
    self.build = self.watch.build
    return follow_build(self)
  end
  local place = { client = session.client(), job_id = self.job_id, build_no = self.number }
  task(self, function(await)
    local detail, err = record.fetch(await, place)
    if not detail then
      return nil, err
    end
    local found, _, newest = ending.verdict(await, place, detail)
    self.detail = place.client:mask(newest)
    return found or "none"
  end):on_done(function(verdict, err)
    if self:is_over() then
      return
    elseif err then
      self.problem = session.words(err)
      self:show_state()
      session.tell_error(err)
    elseif verdict == "none" then
      self.watch = watches.begin(self.build, self.job_id, self.number, self.name)
      follow_build(self)
      self:show_state()
    else
      self.verdict = verdict
      read_all(self)
    end
  end)
end

--- Stops reading. The wait for the build goes on if somebody asked for it.
function View:close()
  if self.closed then
    return
  end
  self.closed = true
  self.queue:stop()
  colours.forget(self.buffer, self.colours)
  for _, call in ipairs(self.calls) do
    call:cancel()
  end
  if self.watch then
    self.watch:leave()
  end
end

--- Shows a build in a buffer, which is empty.
---@param buffer integer
---@param job_id string
---@param number integer
---@param name? string of the job
---@return codearts.build.nvim.LogView
return function(buffer, job_id, number, name)
  local self = setmetatable({
    buffer = buffer,
    job_id = job_id,
    number = number,
    name = name,
    build = session.client():build(job_id, number),
    closed = false,
    lines = 0,
    calls = {},
    colours = {},
    marks = marks.new(buffer, namespace),
    dates = folds.dates(),
  }, View)
  self.queue = pieces.queue(function(items)
    self:append(items)
  end, AT_ONCE)
  self:show_state()
  self:read()
  return self
end
