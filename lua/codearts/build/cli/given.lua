--- Values that do not stand on the command line itself, where other users of the machine could read them: in a file, on
-- standard input, or in the environment.
local ascii = require "codearts.build.ascii"
local verdict = require "codearts.build.lifecycle.verdict"

local given = {}

local MOST = 16 * 1024 * 1024 -- bytes of one value; beyond is a mistake, such as /dev/zero
local AT_ONCE = 120 -- texts that core.mask looks for, at most 128
local SHORTEST = 8 -- bytes of a value that is hidden; others may be words that stand anywhere
local ALL = 255 -- bytes of a beginning that nothing has but a value that is as long
local SHORTEST_CUT = 64 -- bytes; nobody cuts off a shorter text, such as a name or a number, without to say so
local MOST_LINES = 100 -- of a value, that are hidden each by itself

-- Texts that are hidden, which these are, and the client whose credentials may be in them.
local forms, known, owner = {}, {}, nil
-- The same in lists, the longest first, since what holds others is to be found as a whole. nil: to be made. `cut`: with what
-- the masks of the client's credentials leave of them.
local lists

local function add(form)
  if #form >= SHORTEST and not known[form] then
    known[form], lists = true, nil
    forms[#forms + 1] = form
  end
end

local function add_cut()
  for index = 1, #forms do
    local open, masked = pcall(owner.core.mask, owner.core, forms[index])
    add(open and masked or "")
  end
end

--- The lists for a text, which may have masks of credentials.
local function lists_for(text)
  local cut = text:find("***", 1, true) ~= nil and owner ~= nil
  if lists and (lists.cut or not cut) then
    return lists
  elseif cut then
    add_cut()
  end
  table.sort(forms, function(a, b)
    return #a > #b
  end)
  lists = { cut = cut }
  for first = 1, #forms, AT_ONCE do
    lists[#lists + 1] = { (unpack or table.unpack)(forms, first, first + AT_ONCE - 1) }
  end
  return lists
end

--- Without its line ends and other control characters: those that tostring of an error turns into blanks.
local function without_controls(value, instead)
  return (
    value
      :gsub("[%z\1-\31\127]", instead)
      :gsub("\194[\128-\159]", instead)
      :gsub("\226\128[\168\169]", instead)
  )
end

--- Without a mark of the byte order and the blanks around it.
local function trimmed(value)
  return ascii.trim((value:gsub("^\239\187\191", "", 1)))
end

local function add_in_one_line(value)
  add(value)
  add(without_controls(value, " "))
  add(without_controls(value, ""))
end

--- Each line: a key comes back with its lines divided in another way, or one of them alone.
local function add_lines(value)
  local count = 0
  for line in value:gmatch "[^\r\n]+" do
    count = count + 1
    if count > MOST_LINES then
      return
    end
    add(trimmed(line))
  end
end

--- What stands in addresses before the host.
local function add_logins(value)
  for login in value:gmatch "://([^/ \t\r\n]+)@" do
    add(login)
    add(login:match ":(.*)$" or "")
  end
end

--- A value may come back as it is, in one line, with something else where its lines ended, or only what it is about.
local function hide(value)
  add_in_one_line(value)
  add_in_one_line(trimmed(value))
  add_lines(value)
  add_logins(value)
  return value
end

-- Words that are no secret whoever was given them, and that are read after they were masked: members of answers that are
-- long enough, and how a build stands.
local PLAIN = {}
for word in
  ([[actual_build_number build_no build_number build_record_id build_stages daily_build_num daily_build_number
     display_name duration end_time execution_id finish_time job_name last_build_status last_build_time
     octopus_job_name start_time]]):gmatch "[a-z_]+"
do
  PLAIN[word] = true
end

local DAILY_NUMBER = "^%d%d%d%d%d%d%d%d%.%d+$"
local MOMENT = "^%d%d%d%d%-%d%d%-%d%d[ T]%d%d:%d%d:%d%d[%d.+:Z -]*$"

local function is_plain(text)
  return PLAIN[text]
    or verdict.of_status(text)
    or verdict.sounds_final(text)
    or text:find(MOMENT) ~= nil
    or text:find(DAILY_NUMBER) ~= nil
end

--- The text without what is hidden, and where it was cut off without each beginning of that of so many bytes.
local function without(text, least)
  for _, some in ipairs(lists_for(text)) do
    text = require("codearts.build.core").mask(text, some, least)
  end
  return text
end

--- Whether somebody may have cut the text off.
local function is_cut(text)
  return #text >= SHORTEST_CUT or text:find("...", 1, true) or text:find("…", 1, true)
end

--- What may be said of a text that the service wrote: it may repeat what it was given. (No piece of that, which other words
--- may be: all of it, or what is left where the text was cut off.)
---@param text string
---@return string
function given.masked(text)
  return is_plain(text) and text or without(text, is_cut(text) and SHORTEST or ALL)
end

--- The same of a line of our own, in which the service's words may be cut off before the id of the request.
---@param line string
---@return string
function given.masked_line(line)
  local words, id = line:match "^(.*)( %(request id .*)$"
  return given.masked(words or line) .. (id and without(id, ALL) or "")
end

--- A line of a log as it came, but for what is hidden. Words that begin as a value does are many in a log, and nobody cuts them
--- off there.
local function masked_log(line)
  local masked = without(line, ALL)
  if masked ~= line and masked == require("codearts.build.core").mask(line, {}) then
    return line -- in another encoding, which is all that was changed
  end
  return masked
end

--- Has a client hide the values beside its credentials, in all that it tells of what the service says.
---@param client codearts.build.Client
---@return codearts.build.Client client
function given.hide_in(client)
  owner, lists = client, nil
  client.masker = {
    mask = function(_, text, ...)
      return given.masked(client.core:mask(text, ...))
    end,
    line = masked_log,
  }
  return client
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
