--- client:run_all: many builds, a bounded number at a time.
local coroutines = require "codearts.build.coroutines"
local inherited = require "codearts.build.inherited"
local problems = require "codearts.build.problem"

local function usage(field, message)
  problems.refuse(field, field .. ": " .. message, "not_started")
end

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

--- Starts the first builds of a list; each that ends starts the next. Answers what waits for all of
--- them, which looks like a call, and how they ended. Not a part of the function that waits: when
--- nginx cuts a request off, what its functions share with callbacks is gone, and the list goes on.
local function begin(self, list, opts, limit)
  local on_progress, total = opts.on_progress, #list
  local todo = {} -- what the list holds now, whatever a callback makes of it
  for index = 1, total do
    todo[index] = list[index]
  end
  local items, next_index, in_flight, done = {}, 1, 0, 0
  local raised, problem = false, nil
  local on_end

  local function ended(index, item)
    in_flight, done = in_flight - 1, done + 1
    items[index] = item
    if on_progress then
      local ok, err = coroutines.pcall(on_progress, done, total, index, item) -- here, or in a step
      if not ok and not raised then
        raised, problem = true, err
      end
    end
  end

  local function fill()
    while next_index <= total and in_flight < limit do
      local index = next_index
      next_index, in_flight = next_index + 1, in_flight + 1
      local ok, call = pcall(self.start, self, split(todo[index], opts))
      if ok then
        call:on_done(function(result, err)
          ended(index, err and { error = err } or { result = result })
          fill()
          if done == total and on_end then
            on_end()
          end
        end)
      else
        ended(index, { error = call })
      end
    end
  end

  fill()
  return {
    done = function()
      return done == total
    end,
    on_done = function(_, f)
      on_end = f
    end,
  }, function()
    return items, raised, problem
  end
end

--- Starts all builds of the list, at most `max_in_flight` at a time, and waits until each has
--- ended. An item holds the arguments of a build, and may hold a `key` of its own, which goes before that of
--- the options. One failure, a bad argument too, never stops the others; what on_progress raises is raised
--- when all have ended. Blocks like run.
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
  local all, outcome = begin(self, list, opts, limit)
  self:wait_for(all, nil, true)
  local items, raised, problem = outcome()
  if raised then
    error(problem, 0)
  end
  return items
end
