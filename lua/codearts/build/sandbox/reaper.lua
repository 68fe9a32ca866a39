-- A shell beside the server that ends builds. It sends signals when told to, and when the server goes away, however it went, it kills
-- what is left of every build and removes the temporary folder: a pipe's end is the one message that even a killed process sends.
--
-- Its input, a line each: `watch GROUP`, `signal NAME GROUP`, `forget GROUP` (kills what is left of it), `remove FOLDER`.

local M = {}

local SCRIPT = [[
trap "" INT TERM HUP
groups=" "
while read -r word first second; do
  case $word in
    watch) groups="$groups$first " ;;
    signal) kill -s "$first" -- "-$second" 2>/dev/null ;;
    forget)
      kill -s KILL -- "-$first" 2>/dev/null
      case $groups in
        *" $first "*) groups="${groups%% $first *} ${groups#* $first }" ;;
      esac ;;
    remove) rm -rf -- "$first" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
rm -rf -- "$1"
]]

---@class codearts.build.sandbox.Reaper
---@field private pipe file*
local Reaper = {}
Reaper.__index = Reaper

---@param text string
---@return string text as one word of a shell command
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

---@param folder string removed at the end
---@return codearts.build.sandbox.Reaper
function M.start(folder)
  local command = ("exec setsid sh -c %s sh %s >/dev/null"):format(M.quote(SCRIPT), M.quote(folder))
  local pipe = assert(io.popen(command, "w"))
  pipe:setvbuf("line")
  return setmetatable({ pipe = pipe }, Reaper)
end

---@param group string a process group that must not outlive the server
function Reaper:watch(group)
  self.pipe:write("watch ", group, "\n")
end

---@param name string `TERM` or `KILL`
---@param group string
function Reaper:signal(name, group)
  self.pipe:write("signal ", name, " ", group, "\n")
end

---@param group string a process group that is done; whatever it left behind is killed
function Reaper:forget(group)
  self.pipe:write("forget ", group, "\n")
end

---@param folder string without line breaks
function Reaper:remove(folder)
  self.pipe:write("remove ", folder, "\n")
end

---Ends what is left and waits for it.
function Reaper:close()
  self.pipe:close()
end

return M
