--- client:run_all: many builds, a bounded number at a time.
local Call = require "codearts.build.client.call"
local core = require "codearts.build.core"
local coroutines = require "codearts.build.coroutines"
local inherited = require "codearts.build.inherited"
local problems = require "codearts.build.problem"

local function usage(field, message)
  problems.refuse(field, field .. ": " .. message, "not_started")
end

local PATIENCE = 5 -- seconds for what was cancelled to end: what is known of a key has to be written down

local KNOWN = { max_in_flight = "number", on_progress = "function" }

-- Options of each start; those of the second kind go with a key only. `start` checks them.
local FOR_START = { key = true, run_id = true }
local OF_KEYS = { key_wait = true, when_lost = true, settle = true }

local function check(list, opts)
  if type(list) ~= "table" then
    usage("list", "must be an array of arguments")
  elseif type(opts) ~= "table" then
    usage("opts", "must be a table, not " .. type(opts))
  end
  inherited.refuse(opts)
  for name, value in next, opts do
    local is_for_start = FOR_START[name] or OF_KEYS[name]
    if not (KNOWN[name] or is_for_start) then
      usage(
        tostring(name),
        "unknown name; only max_in_flight, on_progress, key, key_wait, when_lost, settle and run_id"
      )
    elseif not is_for_start and type(value) ~= KNOWN[name] then
      usage(name, "must be a " .. KNOWN[name])
    end
  end
  local limit = opts.max_in_flight
  if limit and (limit < 1 or limit ~= math.floor(limit)) then
    usage("max_in_flight", "must be a whole number of at least 1")
  end
  return limit or math.huge
end

--- What start takes for an item: its arguments without its key, and the options.
local function split(item, opts)
  local args, start_opts = item, { key = opts.key, run_id = opts.run_id }
  if type(item) == "table" and rawget(item, "key") ~= nil then
    args = {}
    for name, value in next, item do
      if name ~= "key" then
        args[name] = value
      end
    end
    start_opts.key = rawget(item, "key")
  elseif type(item) == "table" and inherited.name(item) == "key" then
    start_opts.key = false -- which no key is
  end
  if start_opts.key ~= nil then
    for name in next, OF_KEYS do
      start_opts[name] = opts[name]
    end
  end
  return args, start_opts
end

--- The starts of a list, which can be waited for as one call. A debug hook, as Ctrl-C is one, may raise anywhere in it, its
--- callbacks included: so it notes what is to happen before, and the calls tell how they ended. All it knows is in its own
--- table: when nginx cuts a request off, what functions of that share with callbacks is gone, and the list goes on.
---@class codearts.build.StartList
---@field client codearts.build.Client
---@field opts codearts.build.RunAllOptions
---@field limit number
---@field todo any[] what the list holds now, whatever a callback makes of it
---@field total integer
---@field next_index integer of the one that is started next
---@field in_flight integer
---@field ended_count integer
---@field calls table<integer, codearts.build.Call|true> true: it may be under way, and nobody has its call
---@field items table<integer, table> how they ended
---@field on_progress? fun(done: integer, total: integer, index: integer, item: table)
---@field raised boolean whether that raised, and what
---@field problem any
---@field on_end? fun()
local List = {}
List.__index = List
Call.add_kind(List)

function List:done()
  return self.ended_count == self.total
end

function List:on_done(f)
  self.on_end = f
end

--- Notes how one ended, and tells that.
function List:ended(index, item)
  self.items[index] = item
  self.in_flight, self.ended_count = self.in_flight - 1, self.ended_count + 1
  if self.on_progress then
    local ok, err = coroutines.pcall(self.on_progress, self.ended_count, self.total, index, item) -- here, or in a step
    if not ok and not self.raised then
      self.raised, self.problem = true, err
    end
  end
end

local function item_of(result, err)
  return err and { error = err } or { result = result }
end

--- Starts the first ones; each that ends starts the next.
function List:fill()
  while self.next_index <= self.total and self.in_flight < self.limit do
    local index = self.next_index
    self.calls[index] = true
    self.next_index, self.in_flight = index + 1, self.in_flight + 1
    local ok, call = pcall(self.client.start, self.client, split(self.todo[index], self.opts))
    if ok then
      self.calls[index] = call
      call:on_done(function(result, err)
        self:ended(index, item_of(result, err))
        self:fill()
        if self:done() and self.on_end then
          self.on_end()
        end
      end)
    elseif core.is_error(call) then
      self:ended(index, { error = call })
    else
      error(call, 0)
    end
  end
end

function List:run()
  self:fill()
  self.client:wait_for(self, nil, true)
  if not self:done() then -- vim.wait ends so by Ctrl-C
    error("the wait was interrupted", 0)
  end
end

--- What is told of a start whose call nobody has: that it was begun is not known, or it was not.
function List:lost(index, problem)
  local args = self.todo[index]
  local err = core.error {
    kind = "cancelled",
    message = "the list was broken off: " .. tostring(problem),
    retryable = false,
  }
  self.client:describe(err, {
    operation = "RunJob",
    attempts = 0,
    outcome = self.calls[index] and "unknown" or "not_started",
    about = {
      job_id = type(args) == "table" and rawget(args, "job_id") or nil,
      began = core.now(),
      started_at = core.time(),
    },
  })
  return err
end

--- Ends what something broke off: no more is started, what is under way is cancelled, and each item is told what became of it.
function List:break_off(problem)
  local till = core.now() + PATIENCE
  self.next_index = self.total + 1
  for index = 1, self.total do
    local call = self.calls[index]
    if Call.is(call) and not self.client:is_left_behind() then
      call:cancel()
    end
  end
  for index = 1, self.total do
    local call = self.calls[index]
    if Call.is(call) then
      self.items[index] = item_of(call:try_wait(math.max(till - core.now(), 0)))
    else
      self.items[index] = self.items[index] or { error = self:lost(index, problem) }
    end
  end
  self.on_progress = nil -- of what has not ended yet
end

--- Starts all builds of the list, at most `max_in_flight` at a time, and waits until each has
--- ended. An item holds the arguments of a build, and may hold a `key` of its own, which goes before that of
--- the options. One failure, a bad argument too, never stops the others; what on_progress raises is raised
--- when all have ended. What Ctrl-C breaks off ends what is under way as cancelled, and starts no more: then, too, each item
--- tells its outcome. Blocks like run.
---@param self codearts.build.Client
---@param list codearts.build.RunAllItem[]
---@param opts? codearts.build.RunAllOptions
---@return ({ result: codearts.build.Result } | { error: codearts.build.Error })[] items in the order of the list
return function(self, list, opts)
  if opts == nil then
    opts = {}
  end
  local limit = check(list, opts)
  self:check_wait "not_started"
  local all = setmetatable({
    client = self,
    opts = opts,
    limit = limit,
    todo = {},
    total = #list,
    next_index = 1,
    in_flight = 0,
    ended_count = 0,
    calls = {},
    items = {},
    on_progress = opts.on_progress,
    raised = false,
    problem = nil,
    on_end = nil,
  }, List)
  for index = 1, all.total do
    all.todo[index] = list[index]
  end
  local ok, problem = self:guard(all.run, all)
  if problem == "not enough memory" then
    error(problem, 0)
  elseif not ok then
    all:break_off(problem)
  elseif all.raised then
    error(all.problem, 0)
  end
  return all.items
end
