--- The failing lines of a log as diagnostics of its buffer.
local problems = require "codearts.build.nvim.problems"

local diagnostic = vim.diagnostic -- which Neovim loads at this first look

local MOST = 100 -- diagnostics; Neovim sets them all at once

---@class codearts.build.nvim.Marks
---@field problems codearts.build.nvim.Problems
local Marks = {}
Marks.__index = Marks

local marks = {}

---@param buffer integer
---@param namespace integer
---@return codearts.build.nvim.Marks
function marks.new(buffer, namespace)
  return setmetatable({
    buffer = buffer,
    namespace = namespace,
    problems = problems.new(),
    shown = 0,
  }, Marks)
end

--- Takes a line.
---@param row integer from 0
---@param line string clean text
function Marks:line(row, line)
  if self.problems.placed <= MOST then -- the last one may still get what the next lines tell
    self.problems:line(row, line)
  end
end

local SEVERITIES = { E = "ERROR", W = "WARN", I = "INFO" }

--- Shows what was found so far.
function Marks:show()
  local list = self.problems:places()
  if #list == self.shown or self.shown >= MOST then
    return
  end
  local diagnostics = {}
  for index = 1, math.min(#list, MOST) do
    local problem = list[index]
    diagnostics[index] = {
      lnum = problem.row,
      col = 0,
      severity = diagnostic.severity[SEVERITIES[problem.type]],
      message = problem.message,
      source = "codearts",
    }
  end
  self.shown = #diagnostics
  diagnostic.set(self.namespace, self.buffer, diagnostics, { virtual_text = false })
end

return marks
