--- Buffers named `codearts://…`: what they show, their maps, and their end.
local address = require "codearts.build.nvim.address"
local folds = require "codearts.build.nvim.folds"
local jobs = require "codearts.build.nvim.jobs"
local session = require "codearts.build.nvim.session"
local settings = require "codearts.build.nvim.settings"

local api = vim.api

local buffer = {}

---@class codearts.build.nvim.View
---@field close fun(self) the buffer is gone, or read anew
---@field below? fun(self, line: integer): string? name of the buffer one level down
---@field job_id? string

---@type table<integer, codearts.build.nvim.View> by buffer
local views = {}

local group = api.nvim_create_augroup("codearts_buffers", {})

local function close(number)
  local view = views[number]
  views[number] = nil
  folds.forget(number)
  if view then
    view:close()
  end
end

--- Goes to another buffer of ours in this window.
---@param name string
function buffer.go(name)
  vim.cmd("edit " .. vim.fn.fnameescape(name))
end

local function go_down()
  local view = views[api.nvim_get_current_buf()]
  local name = view and view.below and view:below(api.nvim_win_get_cursor(0)[1])
  if name then
    buffer.go(name)
  end
end

local function go_up()
  local here = jobs.here()
  if here and here.job then
    buffer.go(address.of(here.number and here.job or nil))
  end
end

local function command(name)
  return function()
    require("codearts.build.nvim.command").again(name)
  end
end

local MAPS = {
  { "<CR>", go_down, "CodeArts: go to the job or build under the cursor" },
  { "-", go_up, "CodeArts: go to the job of this build, or to all jobs" },
  { "r", command "again", "CodeArts: run it again" },
  { "gx", command "open", "CodeArts: open its page in the console" },
}

local function set_maps(number)
  for _, map in ipairs(MAPS) do
    vim.keymap.set("n", map[1], map[2], { buffer = number, desc = map[3], silent = true })
  end
end

local OPTIONS = {
  buftype = "nofile",
  swapfile = false,
  undolevels = -1,
  modifiable = false,
  modeline = false,
}

--- The buffer of a kind of ours, empty.
local function prepare(number, filetype)
  api.nvim_buf_set_option(number, "modifiable", true)
  api.nvim_buf_set_lines(number, 0, -1, false, {})
  for name, value in pairs(OPTIONS) do
    api.nvim_buf_set_option(number, name, value)
  end
  api.nvim_buf_set_option(number, "filetype", filetype)
  api.nvim_clear_autocmds { group = group, buffer = number }
  api.nvim_create_autocmd({ "BufUnload", "BufWipeout" }, {
    group = group,
    buffer = number,
    callback = function()
      close(number)
    end,
  })
  api.nvim_create_autocmd("BufWinEnter", {
    group = group,
    buffer = number,
    callback = function()
      folds.show(number, api.nvim_get_current_win())
    end,
  })
end

--- What went wrong before anything could be shown, in the buffer, too: the message may be gone.
local function show_problem(number, err)
  if api.nvim_buf_is_loaded(number) then
    api.nvim_buf_set_option(number, "modifiable", true)
    api.nvim_buf_set_lines(number, 0, -1, false, { session.words(err), ":e tries again" })
    api.nvim_buf_set_option(number, "modifiable", false)
    api.nvim_buf_set_option(number, "modified", false)
  end
  session.tell_error(err)
end

--- Makes the view of a place. Waits where a job has to be looked for.
local function view_of(number, place, given)
  if not place.job then
    return require "codearts.build.nvim.list".jobs(number, given.project)
  end
  local job_id, name = jobs.find(session, place.job, given.project)
  if place.number then
    return require "codearts.build.nvim.log_view"(number, job_id, place.number, name)
  end
  return require "codearts.build.nvim.list".builds(number, job_id, name)
end

local function open(number, place, ticket)
  local view = view_of(number, place, settings.get())
  -- Another `:e`, or the buffer's end, may have come while a job was looked for.
  if views[number] == ticket then
    views[number] = view
  else
    view:close()
  end
end

--- Reads a buffer, for the first time or anew.
---@param number integer
---@param name string
function buffer.read(number, name)
  close(number)
  local place, problem = address.read(name)
  local is_log = place and place.number
  prepare(number, is_log and "codearts-log" or "codearts")
  if is_log then
    vim.cmd [=[syntax match CodeArtsTime /^\[[0-9/]\+ [^]]*\] \?/ conceal]=]
  else
    vim.cmd [[syntax match CodeArtsHead /\%1l.*/]]
  end
  local ticket = { close = function() end }
  views[number] = ticket
  session.go(function()
    if not place then
      error(session.core.error { kind = "usage", field = "NAME", message = problem }, 0)
    end
    if settings.get().maps then
      set_maps(number)
    end
    open(number, place, ticket)
  end, function(err)
    show_problem(number, err)
  end)
end

--- What a buffer shows.
---@param number? integer default: the one that the user looks at
---@return codearts.build.nvim.View?
function buffer.view(number)
  return views[number or api.nvim_get_current_buf()]
end

return buffer
