--- Much work, a piece at a time: the editor draws and reads keys in between.

local BUDGET = 3e6 -- nanoseconds of a piece
local BYTES = 4096 -- of texts, after which no more are taken at once
local PAUSE = 1 -- millisecond between two

---@class codearts.build.nvim.Pieces
---@field private list any[]
---@field private first integer
---@field private last integer
---@field private running boolean
---@field private waiting (fun())[] what comes after it
local Pieces = {}
Pieces.__index = Pieces

---@param take fun(items: any[]) does something with the next items
---@param at_once integer how many of them
---@return codearts.build.nvim.Pieces
function Pieces.new(take, at_once)
  return setmetatable({
    take = take,
    at_once = at_once,
    list = {},
    first = 1,
    last = 0,
    running = false,
    waiting = {},
  }, Pieces)
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
  local till = vim.loop.hrtime() + BUDGET
  while self.first <= self.last and vim.loop.hrtime() < till do
    self.take(next_items(self))
  end
  self.running = self.first <= self.last
  if self.running then
    vim.defer_fn(function()
      work(self)
    end, PAUSE)
    return
  end
  local waiting = self.waiting
  self.waiting = {}
  for _, f in ipairs(waiting) do
    f()
  end
end

---@param item any
function Pieces:add(item)
  self.last = self.last + 1
  self.list[self.last] = item
  if not self.running then
    self.running = true
    vim.defer_fn(function()
      work(self)
    end, 0)
  end
end

--- Calls a function once nothing is left to do.
---@param f fun()
function Pieces:finish(f)
  table.insert(self.waiting, f)
  if not self.running then
    work(self)
  end
end

--- Forgets what is left.
function Pieces:stop()
  self.list, self.first, self.last, self.waiting = {}, 1, 0, {}
end

return Pieces
