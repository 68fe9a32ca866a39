--- The problems of a build in the quickfix list.
local lifecycle = require "codearts.build.lifecycle"
local log_lines = require "codearts.build.nvim.lines"
local paths = require "codearts.build.nvim.paths"
local Pieces = require "codearts.build.nvim.pieces"
local problems = require "codearts.build.nvim.problems"
local read_log = require "codearts.build.lifecycle.log"
local session = require "codearts.build.nvim.session"
local text = require "codearts.build.cli.text"

local PAGE = 32768 -- bytes of log in one request: reading one has to stay short
local AT_ONCE = 100 -- lines
local ITEMS = 5

local quickfix = {}

---@param path string
---@return boolean
function quickfix.exists(path)
  return vim.loop.fs_stat(path) ~= nil
end

--- Makes a new list, a few items at a time.
local function set(found, title, map, done)
  local find, count = paths.finder(map, quickfix.exists, vim.loop.cwd()), 0
  vim.fn.setqflist({}, " ", { title = title })
  local id = vim.fn.getqflist({ id = 0 }).id
  local pieces = Pieces.new(function(list)
    local items = {}
    for index, problem in ipairs(list) do
      local file = problem.file and find(problem.file)
      items[index] = {
        filename = file,
        lnum = file and problem.line or 0,
        col = file and problem.column or 0,
        type = problem.type,
        text = problems.words(problem, file),
      }
    end
    vim.fn.setqflist({}, "a", { id = id, items = items })
  end, ITEMS)
  for _, problem in ipairs(found:places()) do
    pieces:add(problem)
    count = count + 1
  end
  pieces:finish(function()
    done(count)
  end)
end

--- Reads the log of a build that is over, and makes its problems a new quickfix list.
---@param build table its handle
---@param title string
---@param map table<string, string> folders there -> folders here
---@param done fun(count: integer, err: codearts.build.Error?)
function quickfix.fill(build, title, map, done)
  local found, row = problems.new(), 0
  local pieces = Pieces.new(function(lines)
    for _, line in ipairs(lines) do
      found:line(row, text.log_line(log_lines.cut(line), true))
      row = row + 1
    end
  end, AT_ONCE)
  local flow = read_log(lifecycle.handle(build), {
    length = PAGE,
    on_line = function(line)
      pieces:add(line)
    end,
  })
  session.client():task(flow):on_done(function(_, err)
    pieces:finish(function()
      set(found, title, map, function(count)
        done(count, err)
      end)
    end)
  end)
end

return quickfix
