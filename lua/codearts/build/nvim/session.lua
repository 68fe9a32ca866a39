--- The one client of this editor, and what the modules of the command need in its place of a terminal.
local advice = require "codearts.build.cli.advice"
local core = require "codearts.build.core"
local given = require "codearts.build.cli.given"
local messages = require "codearts.build.nvim.messages"
local pieces = require "codearts.build.nvim.pieces"
local text = require "codearts.build.cli.text"

---@class codearts.build.nvim.Session
---@field core table
---@field trouble string? why the service could not be asked last, until it answers again
local session = { core = core, form = "text" }

local client

-- Called with each change of `trouble`.
local listeners = {}

--- Has a function called when there is trouble with the service, or no more.
---@param f fun()
function session.on_trouble(f)
  listeners[#listeners + 1] = f
end

local function note(event)
  local trouble = session.trouble
  if event.type == "response" and event.status and event.status < 500 then
    trouble = nil
  elseif event.type == "retry" and event.kind ~= "auth" then
    trouble = event.reason or event.kind
  end
  if trouble ~= session.trouble then
    session.trouble = trouble
    for _, f in ipairs(listeners) do
      f()
    end
  end
end

local function on_event(event)
  if event.type == "warning" then
    session:warn(tostring(event.message))
  else
    note(event)
  end
end

--- Made with the first use, from the environment. Raises kind "config".
---@return codearts.build.Client
function session.client()
  if not client or not pcall(client.events, client) then -- closed
    local options = require "codearts.build.cli.connection" {
      command = "key",
      key_store = os.getenv "CODEARTS_BUILD_KEY_STORE",
    }
    options.on_event = on_event
    client = given.hide_in(require("codearts.build.nvim").new(options))
  end
  return client
end

--- Waits for a call, in a coroutine. Raises what it ends with.
---@param call codearts.build.Call
---@return any
function session:await(call) -- luacheck: ignore 212
  return call:wait()
end

--- Between two bits of work of which there may be much, in a coroutine.
function session:pause() -- luacheck: ignore 212
  pieces.pause()
end

---@param message string
function session:warn(message) -- luacheck: ignore 212
  messages.notify(given.masked(message), vim.log.levels.WARN)
end

--- Says what the user asked for or should know, once.
---@param message string
---@param level? integer of vim.log.levels
function session.tell(message, level)
  messages.notify(message, level or vim.log.levels.INFO)
end

--- An error in words, with advice where there is some.
---@param err any
---@return string
function session.words(err)
  local words = given.masked(tostring(err))
  local hint = core.is_error(err) and advice(err)
  return text.clean(hint and ("%s (%s)"):format(words, hint) or words)
end

--- Tells an error.
---@param err any
function session.tell_error(err)
  messages.notify(session.words(err), vim.log.levels.ERROR)
end

local function explained(err)
  return core.is_error(err) and err or debug.traceback(tostring(err), 2)
end

--- Runs a function as a coroutine, which waits without holding up the editor.
---@param f fun()
---@param failed? fun(err: any) default: it is told
function session.go(f, failed)
  coroutine.wrap(function()
    local ok, err = xpcall(f, explained)
    if not ok then
      (failed or session.tell_error)(err)
    end
  end)()
end

return session
