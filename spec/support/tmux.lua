--- A real terminal with a shell in it: tmux, which scrolls, breaks lines anew when it is resized, and has job control.

local command = require "spec.support.command"

local M = {}

local function output_of(line)
  local pipe = assert(io.popen(line .. " 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

--- Whether there is one.
---@return boolean
function M.is_here()
  return output_of("command -v tmux") ~= ""
end

---@class spec.Page
---@field private name string
---@field private fifo string
---@field private pipe file*
---@field seen string what the programs in it have written
---@field private text_since string that, without control sequences, after what was awaited last
local Page = {}
Page.__index = Page

function Page:tmux(format, ...)
  return output_of(("tmux -L %s "):format(self.name) .. format:format(...))
end

---@param columns integer
---@param rows integer
---@param shell string? a command whose prompt is "ready:"
---@return spec.Page
function M.start(columns, rows, shell)
  local fifo = os.tmpname()
  os.remove(fifo)
  assert(os.execute("mkfifo " .. fifo))
  local self =
    setmetatable({ name = fifo:match "[^/]*$", fifo = fifo, seen = "", text_since = "" }, Page)
  -- What comes before the pipe is there would be lost, so the shell waits for a line.
  shell = "read -r line; exec env PS1=ready: TERM=screen "
    .. (shell or "bash --norc --noprofile -i")
  local problem =
    self:tmux("-f /dev/null new-session -d -x %d -y %d %s", columns, rows, command.quote(shell))
  assert(problem == "", problem)
  self:tmux "set-option -g history-limit 100000"
  -- A page that hangs is an error, not a reason for the specs to hang. Nor does it outlive a spec that has failed.
  self:tmux(
    "pipe-pane %s",
    command.quote(("timeout 300 cat >%s; tmux -L %s kill-server"):format(fifo, self.name))
  )
  self.pipe = assert(io.open(fifo, "r"))
  self:type "\n"
  self:expect "ready:"
  return self
end

--- Types.
---@param keys string
function Page:type(keys)
  for text, control in keys:gmatch "([^%c]*)(%c?)" do
    if text ~= "" then
      self:tmux("send-keys -l %s", command.quote(text))
    end
    if control ~= "" then
      self:tmux("send-keys -H %02x", control == "\n" and 13 or control:byte())
    end
  end
end

--- The next bytes: a control sequence, or one byte of text.
local function read_next(self)
  local bytes = self.pipe:read(1)
  if bytes == "\27" then
    repeat
      bytes = bytes .. (self.pipe:read(1) or "\7")
    until bytes:find "^\27%[[%d;?<=>]*[%a@]$" or bytes:find "^\27[^%[]"
  end
  return bytes
end

--- Waits until a text has been written, after what was awaited before; colours and the like do not count.
---@param wanted string
function Page:expect(wanted)
  while true do
    local _, last = self.text_since:find(wanted, 1, true)
    if last then
      self.text_since = self.text_since:sub(last + 1)
      return
    end
    local bytes = read_next(self)
    assert(bytes, ("%q never came; what came: %s"):format(wanted, self.seen))
    self.seen = self.seen .. bytes
    self.text_since = self.text_since .. (bytes:sub(1, 1) == "\27" and "" or bytes)
  end
end

---@param columns integer
---@param rows integer
function Page:resize(columns, rows)
  self:tmux("resize-window -x %d -y %d", columns, rows)
end

--- Stops the program that the shell has started, without a word to it.
function Page:stop_program()
  local shell = self:tmux("display-message -p '#{pane_pid}'"):match "%d+"
  assert(os.execute(("kill -STOP $(ps -o pid= --ppid %s)"):format(shell)))
end

--- What a person sees.
---@return string
function Page:text()
  return (self:tmux("capture-pane -p"):gsub("\n+$", "\n"))
end

--- The same with all that has scrolled away; lines that the page broke are whole.
---@return string
function Page:history()
  return (self:tmux("capture-pane -p -J -S -"):gsub(" +\n", "\n"):gsub("\n+$", "\n"))
end

--- Ends everything in it. Twice is fine.
function Page:stop()
  if io.type(self.pipe) == "file" then
    self:tmux "kill-server"
    self.pipe:close()
  end
  os.remove(self.fifo)
end

return M
