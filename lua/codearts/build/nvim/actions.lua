--- What the words of `:CodeArts` do. Each runs in a coroutine and may wait; what it raises is told.
local address = require "codearts.build.nvim.address"
local buffer = require "codearts.build.nvim.buffer"
local earlier = require "codearts.build.nvim.earlier"
local jobs = require "codearts.build.nvim.jobs"
local lifecycle = require "codearts.build.lifecycle"
local messages = require "codearts.build.nvim.messages"
local meta = require "codearts.build.meta"
local parameters = require "codearts.build.cli.parameters"
local pieces = require "codearts.build.nvim.pieces"
local quickfix = require "codearts.build.nvim.quickfix"
local record = require "codearts.build.lifecycle.record"
local session = require "codearts.build.nvim.session"
local settings = require "codearts.build.nvim.settings"
local target = require "codearts.build.cli.target"
local text = require "codearts.build.cli.text"
local verdict = require "codearts.build.lifecycle.verdict"
local watches = require "codearts.build.nvim.watch"

---@class codearts.build.nvim.Command
---@field bang boolean
---@field mods string such as "vertical"

local MOST_LINES = 15 -- of a window that shows an answer
local BESIDE = 5000 -- milliseconds that the verdict waits, at most, for the list that is made of the log

local actions = {}

local function usage(field, message)
  error(session.core.error { kind = "usage", field = field, message = message }, 0)
end

--- The window of this tab page that shows a buffer.
local function window_of(name)
  for _, number in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(number) == name then
      local window = vim.fn.bufwinid(number)
      return window > 0 and window or nil
    end
  end
end

--- Shows a buffer of ours: where it is seen already, or else in a new window.
local function show(name, mods)
  local window = window_of(name)
  if window then
    vim.api.nvim_set_current_win(window)
  elseif jobs.here() and mods == "" then
    buffer.go(name)
  else
    vim.cmd(("%s split %s"):format(mods, vim.fn.fnameescape(name)))
  end
end

--- The job and build that the values name; the latest where no number was given. A build that was just started from here may
-- not be listed yet, and one whose number is not known must not be taken for another.
local function build_of(values)
  local job_id, name = target.job(session, values.job, values.project)
  local is_latest = not values.build_no and not values.key
  local open = is_latest and watches.doubt(job_id)
  if open then
    usage("NUMBER", open)
  end
  local quiet = setmetatable({
    warn = function() end,
  }, { __index = session })
  values = vim.tbl_extend("force", values, { job = { id = job_id } })
  local _, number, _, doubt = target.build(quiet, values)
  number = is_latest and math.max(number, watches.newest(job_id) or 0) or number
  jobs.saw(job_id, number)
  if doubt then
    session:warn("there may be a later build: " .. tostring(doubt))
  end
  return job_id, number, name
end

--- What makes of the end of a build a quickfix list, before that end is told; a log that takes long does not hold it up.
local function fill_quickfix(watch)
  local map = settings.get().paths
  watch.before_telling = function(tell)
    local told = false
    local function say(more)
      if not told then
        told = true
        tell(more)
      elseif more then
        session.tell(watch:name() .. more)
      end
    end
    vim.defer_fn(function()
      if not told then
        say ", its log is still being read"
      end
    end, BESIDE)
    quickfix.fill(watch.build, "CodeArts " .. watch:name(), map, function(count, err)
      if err then
        return say(", its log cannot be read: " .. session.words(err))
      end
      say(count > 0 and (", %d in the quickfix list"):format(count) or nil)
    end)
  end
end

--- Warns of parameters that the job does not declare.
local function check_parameters(job_id, args)
  local asked = {}
  for index, item in ipairs(args.parameter) do
    asked[index] = item.name
  end
  if #asked > 0 then
    parameters.check(session, job_id, asked, function() end)
  end
end

--- Starts a build and waits for its number.
---@param one codearts.build.nvim.Asked
---@return table result
---@return integer number
local function start(one)
  local call = session.client():start(one.args, one.options)
  if not one.without then -- those of an earlier build are of what the job declares, in the words of an answer
    check_parameters(one.job_id, one.args)
  end
  local result = call:wait()
  return result, lifecycle.handle(result).build_no
end

--- Says of an error of a start where to look for a build. Whether there may be one that it started.
local function explain(err, job_id)
  local outcome = session.core.is_error(err) and err.outcome
  local is_other = outcome and err.kind == "key" and err.reason == "mismatch" -- what became of the key's own start
  if is_other or outcome ~= "started" and outcome ~= "unknown" then
    return false
  end
  err.message = err.message .. ("; :CodeArts history %s shows its builds"):format(job_id)
  return true
end

---@class codearts.build.nvim.Asked a build that is asked for
---@field words any what tells the same command given again
---@field find fun(): string, string?, table, table, string[]? the job and its name, what client:start takes, and what is left
--- out though an earlier build had it; may wait

--- Starts a build that was found; it is watched from then on.
local function start_found(one, bang)
  local result, number
  local ok, err = pcall(function()
    if one.is_second then
      local message = "a start of %s with these parameters is under way"
      usage("JOB", message:format(one.name or one.job_id or "this job"))
    end
    result, number = start(one)
  end)
  local is_there = ok or explain(err, one.job_id)
  watches.answered(one.start, is_there and { job_id = one.job_id, number = number } or nil)
  if not ok then
    error(err, 0)
  end
  jobs.saw(one.job_id, number)
  local watch = watches.begin(result, one.job_id, number, one.name)
  watch.loud = true
  if bang then
    fill_quickfix(watch)
  end
  local told = watches.how_started(result) .. watch:name()
  if one.without and one.without[1] then
    local names = table.concat(one.without, ", ")
    session:warn(("%s without %s, which the service does not tell"):format(told, names))
  else
    messages.echo(told)
  end
end

--- Finds what is meant; whether one is a second start is told by its words, and again by what they mean.
local function find(one)
  if not one.is_second then
    one.job_id, one.name, one.args, one.options, one.without = one.find()
    one.start.job_id = one.job_id
    one.is_second = watches.is_second(one.start, vim.inspect { one.args, one.options })
  end
end

--- Starts builds, once all of their jobs are found. From the command on it is known that they are asked for.
---@param asked codearts.build.nvim.Asked[]
---@param bang boolean
local function run(asked, bang)
  for _, one in ipairs(asked) do
    one.start = watches.start()
    one.is_second = watches.is_second(one.start, vim.inspect(one.words))
  end
  local ok, err = pcall(function()
    for _, one in ipairs(asked) do
      find(one)
    end
  end)
  for _, one in ipairs(asked) do
    if ok then
      session.go(function()
        start_found(one, bang)
      end)
    else
      watches.answered(one.start)
    end
  end
  if not ok then
    error(err, 0)
  end
end

--- @- is standard input, which an editor has no use for.
local function refuse_input(values)
  for _, pair in ipairs(values.param) do
    if pair.value == "@-" then
      usage(pair.name, pair.name .. ": there is no standard input here; write @@- for the text @-")
    end
  end
end

--- What client:start takes.
---@param job_id string
---@param values table
---@return table args
---@return table options
function actions.start_of(job_id, values)
  refuse_input(values)
  return parameters.start(job_id, values, parameters.given(session, values))
end

---@param values table
---@param command codearts.build.nvim.Command
function actions.run(values, command)
  local asked = {}
  for index, reference in ipairs(values.targets) do
    asked[index] = {
      words = vim.tbl_extend("force", values, { targets = reference }),
      find = function()
        local job_id, name = target.job(session, reference, values.project)
        return job_id, name, actions.start_of(job_id, values)
      end,
    }
  end
  run(asked, command.bang)
end

---@param values table
---@param command codearts.build.nvim.Command
function actions.wait(values, command)
  local job_id, number, name = build_of(values)
  local build = session.client():build(job_id, number)
  local watch = watches.begin(build, job_id, number, name)
  watch.loud = true
  if command.bang then
    fill_quickfix(watch)
  end
end

---@param values table
---@param command codearts.build.nvim.Command
function actions.log(values, command)
  local job_id, number = build_of(values)
  show(address.of(job_id, number), command.mods)
end

---@param values table
function actions.stop(values)
  local job_id, number, name = build_of(values)
  session:await(session.client():build(job_id, number):stop { async = true })
  messages.echo(("%s #%d is being stopped"):format(name or job_id, number))
end

---@param values table
function actions.status(values)
  local job_id, number, name = build_of(values)
  local client = session.client()
  local detail = client:mask(session:await(client:build(job_id, number):status { async = true }))
  local reason = record.text(detail.err_msg)
  local told = ("%s #%d: %s%s"):format(
    name or job_id,
    number,
    record.text(detail.status) or "?",
    reason and ", " .. reason or ""
  )
  local doubt = not verdict.of_status(detail.status) and meta.kept(detail)
  if doubt then
    session:warn(told .. "; " .. doubt)
  else
    messages.echo(told)
  end
end

---@param values table
---@param command codearts.build.nvim.Command
function actions.history(values, command)
  show(address.of((target.job(session, values.job, values.project))), command.mods)
end

---@param _ table
---@param command codearts.build.nvim.Command
function actions.jobs(_, command)
  show(address.of(), command.mods)
end

local function open_page(page)
  if vim.ui.open then
    vim.ui.open(page)
    return
  end
  for _, opener in ipairs { "xdg-open", "open", "wslview" } do
    if vim.fn.executable(opener) == 1 then
      vim.fn.jobstart({ opener, page }, { detach = true })
      return
    end
  end
  messages.echo(page)
end

---@param values table
function actions.open(values)
  local job_id = target.job(session, values.job, values.project)
  local page = jobs.page(job_id)
  if not page then
    usage(
      "JOB",
      "its page in the console is not known: name the job by its address once, :CodeArts history https://…"
    )
  end
  open_page(page)
end

--- Lines that are too many for a message, in a window that forgets them when it closes.
local function show_lines(lines)
  vim.cmd(("botright %dnew"):format(math.max(1, math.min(#lines, MOST_LINES))))
  vim.cmd "setlocal buftype=nofile bufhidden=wipe noswapfile winfixheight"
  local number = vim.api.nvim_get_current_buf()
  pieces.write(number, lines, function()
    return not vim.api.nvim_buf_is_loaded(number)
  end)
end

---@param values table
function actions.key(values)
  local lines = {}
  local function print_line(_, line)
    lines[#lines + 1] = text.clean(line)
  end
  local app = setmetatable({
    terminal = { result = print_line, note = print_line },
  }, { __index = session })
  require("codearts.build.cli.key").body(app, values)
  show_lines(lines)
end

--- Runs a job again, as a build if one is meant.
---@param place codearts.build.nvim.Address
function actions.again(place)
  local function find_again()
    local job_id, name = jobs.find(session, place.job, settings.get().project)
    local args, without = { job_id = job_id, parameter = {} }, {}
    if place.number then
      args, without = earlier.start_of(job_id, place.number)
    end
    return job_id, name, args, {}, without
  end
  run({ { words = place, find = find_again } }, false)
end

return actions
