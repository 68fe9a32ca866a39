--- Neovim in a real terminal, with its screen to read and its inside to ask.

local host = require "spec.support.host"
local quote = require "spec.support.quote"
local tmux = require "spec.support.tmux"

local ROOT = io.popen("pwd"):read "*l"

local M = {}

---@class spec.Editor
---@field page spec.Page
---@field folder string where it was started
---@field private socket string
local Editor = {}
Editor.__index = Editor

--- What is missing for it here, or nil.
---@return string?
function M.missing()
  return host.missing "command -v nvim" or not tmux.is_here() and "tmux is not installed" or nil
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

--- Starts one in an empty folder of its own.
---@param env table<string, string>
---@param options { init: string?, columns: integer?, rows: integer?, files: table<string, string>? }? init: Lua, run before plugins
---@return spec.Editor
function M.start(env, options)
  options = options or {}
  local folder = host.folder()
  local self = setmetatable({ folder = folder, socket = folder .. "/socket" }, Editor)
  for name, text in pairs(options.files or {}) do
    os.execute("mkdir -p " .. quote(folder .. "/" .. (name:match "^(.*)/" or "")))
    write(folder .. "/" .. name, text)
  end
  write(folder .. "/init.lua", options.init or "")
  local variables = { "HOME=" .. folder, "XDG_CACHE_HOME=" .. folder, "LC_ALL=C.UTF-8" }
  for name, value in pairs(env) do
    variables[#variables + 1] = name .. "=" .. quote(value)
  end
  write(
    folder .. "/start",
    ("cd %s; stty -ixon; exec env %s %s nvim --clean -n -u %s/init.lua --cmd 'set rtp^=%s' --listen %s\n"):format(
      folder,
      table.concat(variables, " "),
      host.for_luajit(),
      folder,
      ROOT,
      self.socket
    )
  )
  self.page = tmux.start(options.columns or 100, options.rows or 24)
  self.page:type(("sh %s/start\n"):format(folder))
  -- The screen is up when the editor answers.
  M.eventually(function()
    return self:ask "return 1" == "1"
  end)
  return self
end

--- Looks again and again until it is so; a screen tells nobody when it changes.
---@generic T
---@param check fun(): T
---@return T
function M.eventually(check)
  for _ = 1, 600 do
    local value = check()
    if value then
      return value
    end
    os.execute "sleep 0.05"
  end
  error("it did not come", 2)
end

--- Runs Lua inside; answers what it returns as a text.
---@param code string
---@return string
function Editor:ask(code)
  local path = self.folder .. "/ask.lua"
  write(path, ("local function ask() %s end\nreturn tostring(ask())"):format(code))
  local pipe = assert(
    io.popen(
      ("LD_PRELOAD= timeout 60 nvim --server %s --remote-expr %s 2>&1"):format(
        self.socket,
        quote(("luaeval('dofile(_A)', %q)"):format(path))
      )
    )
  )
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("\r?\n$", ""))
end

--- Runs an Ex command, as if it was typed.
---@param line string
function Editor:command(line)
  self.page:type(":" .. line .. "\n")
end

--- Waits inside until a Lua expression is true.
---@param expression string
function Editor:wait(expression)
  -- In short turns: what was typed just before is read in between only.
  local answer
  for _ = 1, 150 do
    answer = self:ask(("return vim.wait(200, function() return %s end, 20)"):format(expression))
    if answer ~= "false" then
      break
    end
  end
  assert(
    answer == "true",
    ("%s never was; %s; the screen:\n%s"):format(expression, answer, self:screen())
  )
end

--- What a person sees.
---@return string
function Editor:screen()
  return self.page:text()
end

--- Waits until a person sees a text, and answers all that is seen.
---@param wanted string
---@return string
function Editor:expect(wanted)
  local screen
  local ok = pcall(M.eventually, function()
    screen = self:screen()
    return screen:find(wanted, 1, true)
  end)
  assert(ok, ("%q is not on the screen:\n%s"):format(wanted, screen))
  return screen
end

--- The messages so far.
---@return string
function Editor:messages()
  return self:ask "return vim.fn.execute('messages')"
end

--- Ends it. Twice is fine.
function Editor:stop()
  self.page:stop()
  host.remove(self.folder)
end

return M
