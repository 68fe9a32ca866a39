--- The problems of a build in the quickfix list.
local lifecycle = require "codearts.build.lifecycle"
local log_lines = require "codearts.build.nvim.lines"
local paths = require "codearts.build.nvim.paths"
local pieces = require "codearts.build.nvim.pieces"
local problems = require "codearts.build.nvim.problems"
local read_log = require "codearts.build.lifecycle.log"
local session = require "codearts.build.nvim.session"
local text = require "codearts.build.cli.text"

local PAGE = 32768 -- bytes of log in one request: reading one has to stay short
local AT_ONCE = 20 -- lines

local quickfix = {}

---@param path string
---@return boolean
function quickfix.exists(path)
  return vim.loop.fs_stat(path) ~= nil
end

--- Makes a new list. One item after the other: each file takes Neovim as long as it knows files.
local function set(found, title, map)
  local find, list = paths.finder(map, quickfix.exists, vim.loop.cwd()), found:places()
  vim.fn.setqflist({}, " ", { title = title })
  local id = vim.fn.getqflist({ id = 0 }).id
  for _, problem in ipairs(list) do
    local file = problem.file and find(problem.file)
    local item = {
      filename = file,
      lnum = file and problem.line or 0,
      col = file and problem.column or 0,
      type = problem.type,
      text = problems.words(problem, file),
    }
    vim.fn.setqflist({}, "a", { id = id, items = { item } })
    pieces.pause()
  end
  return #list
end

--- Reads the log of a build that is over, and makes its problems a new quickfix list.
---@param build table its handle
---@param title string
---@param map table<string, string> folders there -> folders here
---@param done fun(count: integer, err: codearts.build.Error?)
function quickfix.fill(build, title, map, done)
  local found, row = problems.new(), 0
  local queue = pieces.queue(function(lines)
    for _, line in ipairs(lines) do
      found:line(row, text.log_line(log_lines.cut(line), true))
      row = row + 1
      pieces.pause()
    end
  end, AT_ONCE)
  local flow = read_log(lifecycle.handle(build), {
    length = PAGE,
    on_line = function(line)
      queue:add(line)
    end,
  })
  session.client():task(flow):on_done(function(_, err)
    queue:finish(function()
      done(set(found, title, map), err)
    end)
  end)
end

return quickfix
