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

local function options_of(rows)
  local options = {}
  for _, row in ipairs(rows) do
    if is_option(row) then
      options[row.name] = row
    end
  end
  return options
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

---@class codearts.build.cli.Words
---@field options { row: codearts.build.cli.Row, value: string? }[] in their order
---@field arguments string[] the words that belong to no option
---@field waiting codearts.build.cli.Row? an option at the end, without its value
---@field problem string? the first one

--- Tells options from arguments, as argparse does: what begins with a dash is never the value of the option before it.
---@param rows codearts.build.cli.Row[]
---@param list string[]
---@param option_of? fun(word: string): string? the option that a word on its own is the value of
---@return codearts.build.cli.Words
function words.sort(rows, list, option_of)
  local options = options_of(rows)
  local sorted, waiting = { options = {}, arguments = {} }, nil
  local function complain(what, word)
    sorted.problem = sorted.problem or what:format(word)
  end
  local function add(row, value)
    table.insert(sorted.options, { row = row, value = value })
  end
  for _, word in ipairs(list) do
    local is_named = word:find "^%-."
    if waiting and not is_named then
      add(waiting, word)
      waiting = nil
    elseif is_named then
      local name, value = word:match "^(%-%-[^=]+)=(.*)$"
      local row = options[name or word]
      if waiting then
        complain("option '%s' requires an argument", waiting.name)
        waiting = nil
      end
      if not row then
        local told = name or word:match "^[^=]+" -- behind it may be a secret
        complain("unknown option '%s'", told)
      elseif value and not row.word then
        complain("option '%s' does not take arguments", name)
      elseif row.word and not value then
        waiting = row
      else
        add(row, value)
      end
    else
      local name = option_of and option_of(word)
      if name then
        add(options[name], word)
      else
        table.insert(sorted.arguments, word)
      end
    end
  end
  if waiting then
    complain("option '%s' requires an argument", waiting.name)
  end
  sorted.waiting = waiting
  return sorted
end

local function take_options(sorted, values)
  local given = {}
  for _, option in ipairs(sorted.options) do
    given[option.row.name] = true
    if option.value then
      local problem = take(option.row, option.value, values)
      if problem then
        return nil, problem
      end
    else
      values[target_of(option.row)] = true
    end
  end
  return given
end

local function take_arguments(rows, sorted, values)
  local at = 1
  for _, row in ipairs(rows) do
    if not is_option(row) then
      local first = at
      while sorted.arguments[at] and (row.many or at == first) do
        local problem = take(row, sorted.arguments[at], values)
        if problem then
          return problem
        end
        at = at + 1
      end
      if at == first and not row.optional then
        return ("missing argument '%s'"):format(row.word)
      end
    end
  end
  return sorted.arguments[at] and "too many arguments: " .. sorted.arguments[at]
end

--- What sorted words mean.
---@param rows codearts.build.cli.Row[]
---@param sorted codearts.build.cli.Words
---@return table? values by name
---@return string? problem
function words.values(rows, sorted)
  if sorted.problem then
    return nil, sorted.problem
  end
  local values = {}
  for _, row in ipairs(rows) do
    values[target_of(row)] = row.many and {} or row.default
  end
  local given, problem = take_options(sorted, values)
  problem = problem or take_arguments(rows, sorted, values) or problem_of_excludes(rows, given)
  if problem then
    return nil, problem
  end
  return values
end

return words
