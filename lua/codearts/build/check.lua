--- Options and arguments of the Lua side, checked by rows.
local calendar = require "codearts.build.calendar"
local core = require "codearts.build.core"
local problems = require "codearts.build.problem"

local check = {}

local function is_count(value, most)
  return type(value) == "number" and value >= 0 and value <= most and value == math.floor(value)
end

-- kind -> what it must be, and whether a value is it
local KINDS = {
  boolean = {
    "true or false",
    function(value)
      return type(value) == "boolean"
    end,
  },
  seconds = {
    "a number of seconds above 0",
    function(value)
      return type(value) == "number" and value > 0 and value < math.huge
    end,
  },
  count = {
    "an integer of 0 or more",
    function(value)
      return is_count(value, 2147483647)
    end,
  },
  limit = {
    "an integer from 0 to 100",
    function(value)
      return is_count(value, 100)
    end,
  },
  days = {
    "an integer from 0 to 30",
    function(value)
      return is_count(value, 30)
    end,
  },
  day = {
    "a day such as 2024-05-31",
    function(value)
      return calendar.parse_day(value) ~= nil
    end,
  },
  ["function"] = {
    "a function",
    function(value)
      return type(value) == "function"
    end,
  },
  string = {
    "a string",
    function(value)
      return type(value) == "string"
    end,
  },
  step = {
    "the name of a step or its number from 1",
    function(value)
      return type(value) == "string" and value ~= ""
        or type(value) == "number" and value >= 1 and value == math.floor(value)
    end,
  },
}

--- Checks a table of options: an unknown one is a usage error that names the nearest known one.
---@param opts any nil: none
---@param known table<string, string> name -> kind
---@param outcome? "not_started" of errors
---@return table opts
function check.options(opts, known, outcome)
  if opts == nil then
    return {}
  elseif type(opts) ~= "table" then
    problems.refuse("opts", "the options must be a table, not a " .. type(opts), outcome)
  end
  local names = {}
  for name in pairs(known) do
    names[#names + 1] = name
  end
  table.sort(names)
  for key, value in next, opts do
    local kind = KINDS[known[key]]
    if not kind then
      local near = type(key) == "string" and core.nearest(key, names)
      problems.refuse(
        tostring(key),
        ("there is no option %q%s"):format(
          tostring(key),
          near and (", did you mean %q?"):format(near) or ""
        ),
        outcome
      )
    elseif not kind[2](value) then
      problems.refuse(key, ("%s must be %s"):format(key, kind[1]), outcome)
    end
  end
  return opts
end

return check
