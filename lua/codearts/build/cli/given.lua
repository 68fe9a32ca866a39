--- Values that do not stand on the command line itself, where other users of the machine could read them: in a file, on
-- standard input, or in the environment.
local given = {}

local MOST = 16 * 1024 * 1024 -- bytes of one value; beyond is a mistake, such as /dev/zero
local AT_ONCE = 30 -- texts that core.mask looks for, at most 32: the forms of a value stay together
local SHORTEST = 8 -- bytes of a value that is hidden; others may be words that stand anywhere

local hidden = {}

--- Without its line ends and other control characters: those that tostring of an error turns into blanks.
local function without_controls(value, instead)
  return (
    value
      :gsub("[%z\1-\31\127]", instead)
      :gsub("\194[\128-\159]", instead)
      :gsub("\226\128[\168\169]", instead)
  )
end

--- A value may come back as it is, in one line, or with something else where its lines ended.
local function hide(value)
  if #value >= SHORTEST then
    for _, form in ipairs { value, without_controls(value, " "), without_controls(value, "") } do
      hidden[#hidden + 1] = #form >= SHORTEST and form or value
    end
  end
  return value
end

--- What may be said of a text that the service wrote: it may repeat what it was given.
---@param text string
---@return string
function given.masked(text)
  for first = 1, #hidden, AT_ONCE do
    local some = {}
    for index = first, math.min(first + AT_ONCE - 1, #hidden) do
      some[#some + 1] = hidden[index]
    end
    text = require("codearts.build.core").mask(text, some, true) -- our own words may be a piece of one
  end
  return text
end

local function usage(app, name, message)
  error(
    app.core.error { kind = "usage", field = name, message = ("%s: %s"):format(name, message) },
    0
  )
end

local function content_of(app, name, file, what)
  local content = file:read(0) and file:read(MOST + 1) or file:read "*a"
  if not content then
    usage(app, name, what .. " is not a file that can be read")
  elseif #content > MOST then
    usage(app, name, ("%s is larger than %d bytes"):format(what, MOST))
  end
  return content
end

local function read_file(app, name, path)
  local file, reason = io.open(path, "rb")
  if not file then
    usage(app, name, "cannot read " .. reason)
  end
  local content = content_of(app, name, file, path)
  file:close()
  return content
end

-- It can be read once.
local function read_input(app, name)
  if app.input_of then
    usage(app, name, ("standard input is the value of %s already"):format(app.input_of))
  end
  app.input_of = name
  return content_of(app, name, io.stdin, "standard input")
end

--- What a text stands for: `@FILE` is the content of a file, `@-` standard input, `@@…` a text that begins with @.
---@param app codearts.build.cli.App
---@param name string of the parameter or argument, for complaints
---@param text string
---@param exact boolean? keep a line end at the end of the file, which editors leave and nobody means
---@return string value
---@return string? path of the file it came from
function given.value(app, name, text, exact)
  if text:sub(1, 1) ~= "@" then
    return text
  elseif text:sub(2, 2) == "@" then
    return text:sub(2)
  end
  local path = text:sub(2)
  local value = path == "-" and read_input(app, name) or read_file(app, name, path)
  return hide(exact and value or (value:gsub("\r?\n$", "", 1))), path
end

--- The value of a variable of the environment.
---@param app codearts.build.cli.App
---@param name string of the parameter or argument, for complaints
---@param variable string
---@return string
function given.variable(app, name, variable)
  local value = os.getenv(variable)
  if not value then
    usage(app, name, ("the environment has no variable %s"):format(variable))
  end
  return hide(value)
end

return given
