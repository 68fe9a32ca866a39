--- Where the command writes: results to standard output, everything else to standard error, and on a terminal a few live
-- lines at the end of it. Off a terminal nothing moves and nothing is coloured.
-- The cursor stands on the first of the live lines, so that what is erased is always from there to the end of the page:
-- however the terminal breaks lines anew when it is resized, that is what we drew.
local ascii = require "codearts.build.ascii"
local output = require "codearts.build.cli.output"
local text = require "codearts.build.cli.text"

local COLOURS = { good = "\27[32m", bad = "\27[31m", dim = "\27[2m" }

---@class codearts.build.cli.Terminal
---@field live boolean whether live lines are drawn
---@field unicode boolean
local Terminal = {}
Terminal.__index = Terminal

--- Whether the locale is a UTF-8 one.
local function is_unicode(getenv)
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = getenv(name)
    if value and value ~= "" then
      return ascii.lower(value):find("utf%-?8") ~= nil
    end
  end
  return false
end

---@param options { progress: "auto"|"plain"|"none", core: table, getenv?: function }
---@return codearts.build.cli.Terminal
function Terminal.new(options)
  local getenv = options.getenv or os.getenv
  local dumb = getenv "TERM" == nil or getenv "TERM" == "" or getenv "TERM" == "dumb"
  local no_colour = getenv "NO_COLOR"
  local err_tty, out_tty = options.core.isatty(2), options.core.isatty(1)
  return setmetatable({
    core = options.core,
    progress = options.progress,
    live = err_tty and not dumb and options.progress == "auto",
    colour = err_tty and not dumb and (no_colour == nil or no_colour == ""),
    out_tty = out_tty,
    err_tty = err_tty,
    out_plain = dumb or no_colour ~= nil and no_colour ~= "",
    unicode = is_unicode(getenv),
    drawn = "", -- the live lines on the page
  }, Terminal)
end

--- Columns and rows of the page.
---@return integer columns
---@return integer rows
function Terminal:size()
  local columns, rows = self.core.terminal_size(2)
  if not columns then
    return 80, 24
  end
  return columns, rows and rows > 0 and rows or 24
end

--- Columns of the page that results are printed on; nil off a terminal, where nothing has to fit.
---@return integer?
function Terminal:result_columns()
  return self.out_tty and (self.core.terminal_size(1) or 80) or nil
end

--- The style that the pure renderers take.
---@param results boolean? for standard output
---@return codearts.build.cli.Style
function Terminal:style(results)
  local colour = self.colour
  if results then
    colour = self.out_tty and not self.out_plain
  end
  return {
    unicode = self.unicode,
    paint = function(name, str)
      return colour and COLOURS[name] and COLOURS[name] .. str .. "\27[0m" or str
    end,
  }
end

local ERASE = "\r\27[J"
-- The page may have become narrower since its size was asked: then lines are cut at the margin instead of taking more rows
-- than we go up again.
local NO_WRAP, WRAP = "\27[?7l", "\27[?7h"

--- Whether the page is ours to draw on. While we were stopped or in the background others wrote on it, and the lines
-- drawn before are theirs to scroll away.
local function owns_page(self)
  local continued, foreground = self.core.continued(), self.core.in_foreground(2)
  if continued or not foreground then
    self.drawn = ""
  end
  return foreground
end

--- Takes the live lines away.
function Terminal:clear()
  if self.drawn ~= "" and owns_page(self) and self.drawn ~= "" then
    output.say(ERASE)
  end
  self.drawn = ""
end

--- Ctrl-Z: leaves the page to the shell until we are continued.
local function suspend(self)
  self:clear()
  self.core.suspend()
end

--- Draws live lines below everything else, instead of those drawn before. The lines must be clean and fit the page.
---@param lines string[]
function Terminal:draw(lines)
  if not self.live then
    return
  elseif self.core.suspend_wanted() then
    suspend(self)
  end
  local now = table.concat(lines, "\n")
  if not owns_page(self) or now == self.drawn then
    return
  end
  local up = #lines > 1 and ("\27[%dA"):format(#lines - 1) or ""
  -- In one piece: a resize in between would move the cursor.
  local erase = self.drawn ~= "" and ERASE or ""
  output.say(erase, NO_WRAP, now, WRAP, up, "\r")
  self.drawn = now
end

--- A line for people, on standard error.
---@param line string
function Terminal:note(line)
  self:clear()
  output.say(line, "\n")
end

--- A line for people that may hold a stranger's words, on standard error: as it is into a pipe.
---@param line string
function Terminal:warn(line)
  self:note(self.err_tty and text.clean(line) or line)
end

--- A line of the result, on standard output.
---@param line string
function Terminal:result(line)
  self:clear()
  output.write(line, "\n")
end

--- A JSON document as the result: as it is into a pipe, with escapes for what a terminal would obey on a terminal.
---@param str string
function Terminal:json(str)
  self:result(self.out_tty and text.json(str) or str)
end

--- A line of a build's log, on standard output: as it is into a pipe, made harmless on a terminal.
---@param line string
---@param prefix? string ours, before it
function Terminal:log_line(line, prefix)
  self:result((prefix or "") .. (self.out_tty and text.log_line(line, self.out_plain) or line))
end

--- Bytes that are the result: as they are into a pipe, as lines of a log on a terminal.
---@return fun(piece: string) write
---@return fun() finish to be called after the last piece
function Terminal:bytes()
  if not self.out_tty then
    return output.write, function() end
  end
  local pending = {}
  local function write(piece)
    local at = 1
    for stop in piece:gmatch "()\n" do
      pending[#pending + 1] = piece:sub(at, stop - 1)
      self:log_line(table.concat(pending))
      pending, at = {}, stop + 1
    end
    pending[#pending + 1] = piece:sub(at)
  end
  return write,
    function()
      local rest = table.concat(pending)
      if rest ~= "" then
        self:log_line(rest)
      end
    end
end

return Terminal
