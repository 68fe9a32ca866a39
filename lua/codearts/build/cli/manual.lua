--- The manual pages, from the same words and rows as --help. For `make install`; nothing else loads it.
local ascii = require "codearts.build.ascii"
local arguments = require "codearts.build.cli.arguments"
local exit_status = require "codearts.build.cli.exit_status"
local version = require "codearts.build.version"

local manual = {}

--- Text that means nothing to roff.
local function plain(str)
  return (
    str:gsub("\\", "\\e"):gsub("-", "\\-"):gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1")
  )
end

local function is_option(row)
  return row.name:sub(1, 1) == "-"
end

--- A row as it is typed: "--tag TAG", "JOB".
local function typed(row)
  if not is_option(row) then
    return ("\\fI%s\\fR"):format(plain(row.word))
  end
  return ("\\fB%s\\fR"):format(plain(row.name))
    .. (row.word and (" \\fI%s\\fR"):format(plain(row.word)) or "")
end

local function synopsis(name, rows)
  local parts = { ("\\fBcodearts\\-build %s\\fR"):format(name) }
  for _, row in ipairs(rows) do
    if is_option(row) then
      parts[#parts + 1] = ("[%s]"):format(typed(row)) .. (row.many and "..." or "")
    end
  end
  for _, row in ipairs(rows) do
    if not is_option(row) then
      local form = row.optional and "[%s]" or "%s"
      parts[#parts + 1] = form:format(typed(row)) .. (row.many and "..." or "")
    end
  end
  return table.concat(parts, "\n")
end

--- Pairs of a term and what it means.
local function definitions(pairs_of)
  local lines = {}
  for _, pair in ipairs(pairs_of) do
    lines[#lines + 1] = (".TP\n%s\n%s"):format(pair[1], plain(pair[2]))
  end
  return table.concat(lines, "\n")
end

local function row_definitions(rows)
  local list = {}
  for _, row in ipairs(rows) do
    local help = row.help
    if row.default then
      help = ("%s Default: %s."):format(help, row.default)
    end
    if row.variable then
      help = ("%s Environment: %s."):format(help, row.variable)
    end
    list[#list + 1] = { typed(row), help }
  end
  return definitions(list)
end

local function examples(list)
  local lines = {}
  for _, line in ipairs(list) do
    lines[#lines + 1] = ".nf\n" .. plain(line) .. "\n.fi"
  end
  return table.concat(lines, "\n.PP\n")
end

local function statuses()
  local list = {}
  for index, row in ipairs(exit_status.meanings) do
    list[index] = { ("\\fB%d\\fR"):format(row[1]), row[2] .. "." }
  end
  return definitions(list)
end

local function environment()
  local list = {}
  for index, row in ipairs(arguments.environment) do
    list[index] = { ("\\fB%s\\fR"):format(plain(row[1])), row[2] }
  end
  return definitions(list)
end

local function page(title, sections)
  local lines = {
    ('.TH %s 1 "" "codearts\\-build %s" "User Commands"'):format(
      plain(ascii.upper(title)),
      version
    ),
  }
  for _, section in ipairs(sections) do
    if section[2] and section[2] ~= "" then
      lines[#lines + 1] = (".SH %s\n%s"):format(section[1], section[2])
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function without_dot(summary)
  return plain((summary:gsub("%.$", "")))
end

--- The page of the program.
---@return string roff
function manual.program()
  local commands, others = {}, {}
  for index, name in ipairs(arguments.commands) do
    commands[index] = { ("\\fB%s\\fR"):format(name), arguments.command(name).summary }
    others[index] = ("\\fBcodearts\\-build\\-%s\\fR(1)"):format(name)
  end
  return page("codearts-build", {
    { "NAME", "codearts\\-build \\- " .. without_dot(arguments.summary) },
    { "SYNOPSIS", "\\fBcodearts\\-build\\fR \\fICOMMAND\\fR [\\fIargument\\fR]..." },
    { "DESCRIPTION", plain(arguments.about) },
    { "COMMANDS", definitions(commands) },
    {
      "OPTIONS",
      definitions {
        { "\\fB\\-\\-help\\fR", "Show the help, after a command that of the command." },
        { "\\fB\\-\\-version\\fR", "Print the version." },
      },
    },
    { "EXIT STATUS", statuses() },
    { "ENVIRONMENT", environment() },
    {
      "FILES",
      definitions {
        {
          "~/.huaweicloud/credentials",
          "Credentials, in the form of the vendor's SDK.",
        },
        {
          "~/.cache/codearts\\-build/jobs",
          "Names of listed jobs, for completion.",
        },
      },
    },
    { "EXAMPLES", examples(arguments.examples) },
    { "SEE ALSO", table.concat(others, ",\n") },
  })
end

--- What a command is about: indented lines stay as they are, as in --help.
local function about(str)
  local lines = {}
  for line in (str .. "\n"):gmatch "(.-)\n" do
    local text = line == "" and ".PP" or plain(line)
    lines[#lines + 1] = line:sub(1, 2) == "  " and ".nf\n" .. text .. "\n.fi" or text
  end
  return table.concat(lines, "\n")
end

--- The page of a command.
---@param name string
---@return string roff
function manual.command(name)
  local command = arguments.command(name)
  return page("codearts-build-" .. name, {
    {
      "NAME",
      ("codearts\\-build\\-%s \\- %s"):format(name, without_dot(command.summary)),
    },
    { "SYNOPSIS", synopsis(name, command.rows) },
    { "DESCRIPTION", about(command.summary .. (command.about and "\n" .. command.about or "")) },
    { "OPTIONS", row_definitions(command.rows) },
    { "EXAMPLES", examples(command.examples) },
    {
      "SEE ALSO",
      "\\fBcodearts\\-build\\fR(1), which tells the exit status and the environment",
    },
  })
end

--- Writes all pages.
---@param folder string
function manual.write(folder)
  local function write(name, content)
    local file = assert(io.open(("%s/%s.1"):format(folder, name), "w"))
    assert(file:write(content))
    assert(file:close())
  end
  write("codearts-build", manual.program())
  for _, name in ipairs(arguments.commands) do
    write("codearts-build-" .. name, manual.command(name))
  end
end

return manual
