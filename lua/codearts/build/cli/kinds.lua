--- Kinds of words on the command line: each reads what was typed, or says what it expected. Pure.
local dates = require "codearts.build.lifecycle.dates"
local duration = require "codearts.build.cli.duration"
local reference = require "codearts.build.cli.reference"

---@alias codearts.build.cli.Kind fun(str: string): any, string? value, or nil and what was expected

local kinds = { duration = duration.parse, job = reference.job, project = reference.project }

--- An integer from `least` to `most`.
---@param least integer
---@param most integer?
---@return codearts.build.cli.Kind
function kinds.integer(least, most)
  local wanted = ("an integer %s"):format(
    most and ("from %d to %d"):format(least, most) or ("of %d or more"):format(least)
  )
  return function(str)
    local number = str:find("^%d+$") and tonumber(str)
    if not number or number < least or number > (most or 2147483647) then
      return nil, ("expected %s, got '%s'"):format(wanted, str)
    end
    return number
  end
end

---@type codearts.build.cli.Kind
function kinds.day(str)
  if not dates.parse(str) then
    return nil, ("expected a day such as 2024-05-31, got '%s'"):format(str)
  end
  return str
end

--- What follows the @ of a file.
local function problem_of_file(value)
  return value == "@" and "expected a file after the @ (@- is standard input, @@ a literal @)"
end

--- A length of time that may be none at all.
---@type codearts.build.cli.Kind
function kinds.pause(str)
  if str == "0" then
    return 0
  end
  return duration.parse(str)
end

local LONGEST_KEY = 200

--- As the library takes keys.
---@type codearts.build.cli.Kind
function kinds.key(str)
  if #str < 1 or #str > LONGEST_KEY or str:find "[^\33-\126]" then
    return nil, "expected 1 to 200 printable ASCII characters without blanks"
  end
  return str
end

--- NAME=VALUE. What is none is not repeated, here and below: it may be a value, which may be a secret.
---@type codearts.build.cli.Kind
function kinds.pair(str)
  local name, value = str:match("^([^=]+)=(.*)$")
  if not name then
    return nil, "expected NAME=VALUE or NAME=@FILE"
  elseif problem_of_file(value) then
    return nil, problem_of_file(value)
  end
  return { name = name, value = value }
end

--- NAME=VARIABLE, or the name alone where they are the same.
---@type codearts.build.cli.Kind
function kinds.variable(str)
  local name, variable = str:match("^([^=]+)=([^=]+)$")
  if not name and (str == "" or str:find("=", 1, true)) then
    return nil, "expected NAME or NAME=VARIABLE"
  end
  return { name = name or str, value = variable or str }
end

--- NAME=TEXT, NAME:=JSON or NAME=@FILE.
---@type codearts.build.cli.Kind
function kinds.call_argument(str)
  local name, colon, value = str:match("^([A-Za-z0-9_]+)(:?)=(.*)$")
  if not name then
    return nil, "expected NAME=VALUE, NAME:=JSON or NAME=@FILE"
  elseif problem_of_file(value) then
    return nil, problem_of_file(value)
  end
  return { name = name, value = value, json = colon == ":" }
end

--- One of these words.
---@param words string[]
---@return codearts.build.cli.Kind
function kinds.one_of(words)
  return function(str)
    for _, word in ipairs(words) do
      if str == word then
        return str
      end
    end
    return nil, ("expected one of %s, got '%s'"):format(table.concat(words, ", "), str)
  end
end

---@type codearts.build.cli.Kind
function kinds.text(str)
  if str == "" then
    return nil, "expected a text that is not empty"
  end
  return str
end

return kinds
