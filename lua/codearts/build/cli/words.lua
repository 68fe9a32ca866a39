--- Reads words by the rows of a command, without argparse: for hosts that have a command line of their own.
local kinds = require "codearts.build.cli.kinds"

local words = {}

local function target_of(row)
  return (row.name:gsub("^%-+", ""):gsub("-", "_"))
end

local function is_option(row)
  return row.name:sub(1, 1) == "-"
end

--- Takes a word for the value of a row.
local function take(row, word, values)
  local kind = row.kind or row.values and kinds.one_of(row.values)
  local value = word
  if kind then
    local problem
    value, problem = kind(word)
    if value == nil then
      return ("%s: %s"):format(is_option(row) and row.name or row.word, problem)
    end
  end
  local target = target_of(row)
  if row.many then
    table.insert(values[target], value)
  else
    values[target] = value
  end
end

--- Values before anything was given, options by name, and the arguments in their order.
local function prepare(rows)
  local values, options, arguments = {}, {}, {}
  for _, row in ipairs(rows) do
    values[target_of(row)] = row.many and {} or row.default
    if is_option(row) then
      options[row.name] = row
    else
      arguments[#arguments + 1] = row
    end
  end
  return values, options, arguments
end

local function problem_of_excludes(rows, given)
  for _, row in ipairs(rows) do
    for _, other in ipairs(given[row.name] and row.excludes or {}) do
      if given[other] then
        return ("%s can not be used together with %s"):format(row.name, other)
      end
    end
  end
end

--- What the words mean.
---@param rows codearts.build.cli.Row[]
---@param list string[]
---@return table? values by name
---@return string? problem
function words.read(rows, list)
  local values, options, arguments = prepare(rows)
  local given, at, index = {}, 1, 1
  while index <= #list do
    local word, problem = list[index], nil
    local name, value = word:match "^(%-%-[^=]+)=(.*)$"
    local option = options[name or word]
    if not option and word:sub(1, 1) == "-" then
      return nil, ("unknown option '%s'"):format(name or word)
    elseif option and not option.word then
      values[target_of(option)], given[option.name] = true, true
    elseif option then
      if not name then
        index = index + 1
        value = list[index]
      end
      problem = value == nil and ("option '%s' requires an argument"):format(option.name)
        or take(option, value, values)
      given[option.name] = true
    elseif not arguments[at] then
      return nil, "too many arguments: " .. word
    else
      problem = take(arguments[at], word, values)
      at = arguments[at].many and at or at + 1
    end
    if problem then
      return nil, problem
    end
    index = index + 1
  end
  local missing = arguments[at]
  if
    missing
    and not missing.optional
    and not (missing.many and #values[target_of(missing)] > 0)
  then
    return nil, ("missing argument '%s'"):format(missing.word)
  end
  local problem = problem_of_excludes(rows, given)
  if problem then
    return nil, problem
  end
  return values
end

return words
