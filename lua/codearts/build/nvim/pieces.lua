--- Much work, a piece at a time: the editor draws and reads keys in between. Who works does so in a coroutine and pauses often,
--- which costs nothing until the piece has taken its time. All who work share the pieces.
local core = require "codearts.build.core"

local BUDGET = 0.002 -- seconds of a piece, as of a step of the client
local BYTES = 4096 -- of texts, after which no more are taken at once
local LINES = 500 -- that are written into a buffer at once
local PAUSE = 1 -- millisecond between two

local pieces = {}

---@type thread[] who is to go on
local ready = {}
local is_asked = false -- for the next piece
local till = 0 -- when the piece ends that runs

local function report(thread, problem)
  local trace = debug.traceback(thread, tostring(problem))
  vim.schedule(function()
    error(trace, 0)
  end)
end

local function piece()
  till = core.now() + BUDGET
  repeat
    local thread = table.remove(ready, 1)
    local ok, problem = coroutine.resume(thread)
    if not ok then
      report(thread, problem)
    end
  until not ready[1] or core.now() >= till
  till = 0
  is_asked = ready[1] ~= nil
  if is_asked then
    vim.defer_fn(piece, PAUSE)
  end
end

local function go_on(thread)
  ready[#ready + 1] = thread
  if not is_asked then
    is_asked = true
    vim.defer_fn(piece, 0)
  end
end

--- Runs a function in pieces, the first of which is the next.
---@param f fun()
function pieces.go(f)
  go_on(coroutine.create(f))
end

--- Goes on in another piece if this one has taken its time. Only in a coroutine; outside of a piece it always waits for one.
---@return boolean paused anything may have happened meanwhile
function pieces.pause()
  if core.now() < till then
    return false
  end
  go_on(coroutine.running())
  coroutine.yield()
  return true
end

--- Has a buffer hold these lines, which the user cannot change. Pauses.
---@param buffer integer
---@param lines string[]
---@param is_over fun(): boolean whether there is nothing to write to any more
---@return boolean written
function pieces.write(buffer, lines, is_over)
  for first = 1, #lines, LINES do
    if is_over() then
      return false
    end
    local some = vim.list_slice(lines, first, first + LINES - 1)
    vim.api.nvim_buf_set_option(buffer, "modifiable", true)
    vim.api.nvim_buf_set_lines(buffer, first - 1, -1, false, some)
    vim.api.nvim_buf_set_option(buffer, "modifiable", false)
    vim.api.nvim_buf_set_option(buffer, "modified", false)
    pieces.pause()
  end
  return not is_over()
end

---@class codearts.build.nvim.Queue
---@field private list any[]
---@field private first integer
---@field private last integer
---@field private running boolean
---@field private waiting (fun())[] what comes after it
local Queue = {}
Queue.__index = Queue

--- Items that come when they come, and are taken in pieces.
---@param take fun(items: any[]) does something with the next items; may pause
---@param at_once integer how many of them
---@return codearts.build.nvim.Queue
function pieces.queue(take, at_once)
  return setmetatable({
    take = take,
    at_once = at_once,
    list = {},
    first = 1,
    last = 0,
    running = false,
    waiting = {},
  }, Queue)
end

local function next_items(self)
  local items, bytes = {}, 0
  while self.first <= self.last and #items < self.at_once and bytes < BYTES do
    local item = self.list[self.first]
    items[#items + 1], self.list[self.first] = item, nil
    self.first = self.first + 1
    bytes = bytes + (type(item) == "string" and #item or 0)
  end
  return items
end

local function work(self)
  while self.first <= self.last or self.waiting[1] do
    if self.first <= self.last then
      self.take(next_items(self))
    else
      table.remove(self.waiting, 1)()
    end
    pieces.pause()
  end
  self.running = false
end

local function run(self)
  if not self.running then
    self.running = true
    pieces.go(function()
      work(self)
    end)
  end
end

---@param item any
function Queue:add(item)
  self.last = self.last + 1
  self.list[self.last] = item
  run(self)
end

--- Calls a function, which may pause, once nothing is left to do.
---@param f fun()
function Queue:finish(f)
  table.insert(self.waiting, f)
  run(self)
end

--- Forgets what is left.
function Queue:stop()
  self.list, self.first, self.last, self.waiting = {}, 1, 0, {}
end

return pieces
