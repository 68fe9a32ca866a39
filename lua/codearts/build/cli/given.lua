--- Values that do not stand on the command line itself, where other users of the machine could read them: in a file, on
-- standard input, or in the environment. They may be secrets, so what the service repeats of them is hidden: all of such a
-- value, or one of its lines.
local ascii = require "codearts.build.ascii"
local calendar = require "codearts.build.calendar"
local log_line = require("codearts.build.cli.text").log_line
local verdict = require "codearts.build.lifecycle.verdict"

local unpack = table.unpack or rawget(_G, "unpack")

local given = {}

local MOST = 16 * 1024 * 1024 -- bytes of one value; beyond is a mistake, such as /dev/zero
local AT_ONCE = 120 -- texts that core.mask looks for, at most 128
local SHORTEST = 8 -- bytes of what is hidden; others may be words that stand anywhere
local MOST_LINES = 100 -- of a value, that are hidden each by itself
local MOST_SHOWN = 12288 -- bytes of a text of an answer that are looked at (codearts.build.client.mask)

-- What is hidden, the longest first, since what holds others is to be found as a whole; and the same as keys.
local hidden, known = {}, {}
-- The client whose credentials may stand in a value, which then comes back with a mask in it; and when to look through the values
-- for them again, which takes long for large ones, while texts with a mask may be many.
local owner
local look_again_at = -math.huge
local REST, RESTS = 1, 10 -- seconds, and times what the last look took

--- Whether a text is a day of this century, a build's number of such a day (20240815.3), or a moment.
local function is_time(text)
  local year, month, day, rest = text:match "^(20%d%d)%-?(%d%d)%-?(%d%d)(.*)$"
  if not year or not calendar.days(tonumber(year), tonumber(month), tonumber(day)) then
    return false
  end
  local hour, finer = rest:match "^[T ]?(%d%d):?[0-5]%d(.*)$"
  if not hour then
    return rest == "" or rest:find "^%.%d%d?%d?%d?$"
  end
  local zone = finer:gsub("^:?[0-5]%d", "", 1):gsub("^%.%d%d?%d?%d?%d?%d?", "", 1)
  return tonumber(hour) < 24 and (zone == "" or zone == "Z" or zone:find "^[+-]%d%d:?%d%d$")
end

-- What a build is told by, which is read after it was masked, and is no secret whoever was given it.
local function is_word(text)
  return verdict.of_status(text) or verdict.sounds_final(text) or is_time(text)
end

--- A NUL would end it for the core.
local function add(text)
  if #text >= SHORTEST and not known[text] and not text:find "%z" and not is_word(text) then
    known[text] = true
    hidden[#hidden + 1] = text
  end
end

--- Without the blanks around it and the mark of a byte order.
local function trimmed(text)
  return ascii.trim((text:gsub("^\239\187\191", "", 1)))
end

--- Without the blanks around it, and as tostring of an error has it.
local function add_forms(value)
  local core = require "codearts.build.core"
  local text = trimmed(value)
  add(text)
  local message = core.mask(text, {}, true) -- what is no text is replaced
  add((tostring(core.error { kind = "", message = message }):gsub("^ error: ", "", 1)))
end

local function line_end(letter)
  return (letter == "n" or letter == "r") and "\n" or nil
end

--- Each by itself, in JSON, too: a key comes back with its lines divided in another way. A NUL divides, too.
local function add_lines(value)
  local count = 0
  for line in value:gsub("\\+([^\\]?)", line_end):gmatch "[^%z\r\n]+" do
    count = count + 1
    if count > MOST_LINES then
      return
    end
    add_forms(line)
  end
end

local function sort()
  table.sort(hidden, function(a, b)
    return #a > #b
  end)
end

local function hide(value)
  add_forms(value)
  add_lines(value)
  sort()
  look_again_at = -math.huge
  return value
end

--- What the masks of the client's credentials leave of the values.
local function add_masked()
  local now = require("codearts.build.core").now
  local began = now()
  if began < look_again_at then
    return
  end
  for index = 1, #hidden do
    local shown = hidden[index]:sub(1, MOST_SHOWN)
    local open, masked = pcall(owner.core.mask, owner.core, shown)
    add(open and masked ~= shown and masked or "")
  end
  sort()
  local ended = now()
  look_again_at = ended + math.max(REST, RESTS * (ended - began))
end

--- The text without the values; as it came where nothing is to be hidden.
local function without(text)
  local mask = hidden[1] and require("codearts.build.core").mask
  for first = 1, #hidden, AT_ONCE do
    local some = { unpack(hidden, first, first + AT_ONCE - 1) }
    local masked = mask(text, some, true)
    -- What is no text is replaced, too, as in a log in another encoding.
    if masked ~= text and masked ~= mask(text, {}, true) then
      text = masked
    end
  end
  return text
end

--- The same of a line of a log, and of what is shown of it where letters are struck over. Where a value went, colours may have
-- gone that were to end others: the line has none, then.
local function line_without(line)
  local masked = without(line)
  if line:find("\8", 1, true) or masked ~= line and line:find("\27", 1, true) then
    local shown = log_line(masked, true)
    local told = without(shown)
    return (masked ~= line or told ~= shown) and told or masked
  end
  return masked
end

--- What may be said of a text that may hold words of the service.
---@param text string
---@return string
function given.masked(text)
  if owner and text:find("***", 1, true) then
    add_masked()
  end
  return without(text)
end

--- Has a client hide the values beside its credentials, in all that it tells of what the service says.
---@param client codearts.build.Client
---@return codearts.build.Client client
function given.hide_in(client)
  owner, look_again_at = client, -math.huge
  client.masker = {
    mask = function(_, text, ...)
      return client.core:mask(given.masked(text), ...)
    end,
    line = line_without,
  }
  return client
end

local function usage(app, name, message)
  error(
    app.core.error { kind = "usage", field = name, message = ("%s: %s"):format(name, message) },
    0
  )
end

--- All of a file, or nil and why not: what comes before an error, as of a pipe that does not wait for its writer, is not all.
local function read_all(file)
  local some, reason = file:read(0)
  if not some then
    return not reason and "" or nil, reason
  end
  return file:read(MOST + 1)
end

local function content_of(app, name, file, what)
  local content, reason = read_all(file)
  if app.core.ending() then
    app:check_ending()
  end
  if not content then
    usage(app, name, ("%s is not a file that can be read: %s"):format(what, reason))
  elseif #content > MOST then
    usage(app, name, ("%s is larger than %d bytes"):format(what, MOST))
  end
  return content
end

local function read_file(app, name, path)
  local file, reason = io.open(path, "rb")
  if not file then
    -- Such a text may be a value that was to be sent as it is: it is not repeated.
    local is_usual = reason:sub(1, #path + 2) == path .. ": "
    local why = is_usual and reason:sub(#path + 3) or "it cannot be opened"
    usage(app, name, ("cannot read the file after the @: %s (@@ is a literal @)"):format(why))
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
---@param place integer of this one among those of --param-env
---@return string
function given.variable(app, name, variable, place)
  local value = os.getenv(variable)
  if not value and name ~= variable then
    usage(app, name, "the environment has no variable of the name that stands after the =")
  elseif not value then
    -- Where the value itself stands in the place of a name, it is not repeated.
    usage(
      app,
      "--param-env",
      ("the environment has no variable of the name in number %d"):format(place)
    )
  end
  return hide(value)
end

return given
