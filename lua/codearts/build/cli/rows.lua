--- Rows of arguments and options that several commands have.
local ascii = require "codearts.build.ascii"
local kinds = require "codearts.build.cli.kinds"

---@class codearts.build.cli.Row
---@field name string of an option with its dashes, else of an argument
---@field word string? what stands for its value in the usage; an option without is a flag
---@field help string
---@field kind codearts.build.cli.Kind?
---@field values string[]? the only ones; then it needs no kind
---@field file boolean? its value is the name of a file or folder
---@field many boolean? an option that may be given again, or an argument of one or more
---@field optional boolean? an argument that may be left out, with `many` any number
---@field default any?
---@field excludes string[]? options above it that must not be given with it
---@field variable string? of the environment, whose value serves where the option is not given
---@field check (fun(values: table): string?)? what it alone cannot say: the problem

local rows = {}

rows.json = { name = "--json", help = "Print the result as one JSON document." }

rows.connection = {
  {
    name = "--region",
    word = "ID",
    help = "Region of the service, for example cn-north-4.",
    kind = kinds.text,
  },
  {
    name = "--endpoint",
    word = "URL",
    help = "Address of the service instead of a region.",
    kind = kinds.text,
  },
}

--- Of commands that print while they wait.
rows.events = {
  rows.json,
  {
    name = "--output",
    word = "FORM",
    help = "text, json, or ndjson: every event as one line of JSON.",
    values = { "text", "json", "ndjson" },
    excludes = { "--json" },
  },
  {
    name = "--progress",
    word = "HOW",
    help = "auto, plain (no live lines) or none.",
    values = { "auto", "plain", "none" },
    default = "auto",
  },
}

--- Whether a job is given by its name while no project says where to look for it.
local function problem_of_names(values)
  for _, job in ipairs(values.targets or { values.job }) do
    if job.name and not values.project then
      return ("JOB: '%s' is no job id (32 letters and digits) and no address; to find it by its name give --project or set %s"):format(
        job.name,
        "CODEARTS_BUILD_PROJECT"
      )
    end
  end
end

--- The project whose jobs have names; a name is of no use without.
rows.project = {
  name = "--project",
  word = "ID",
  help = "Project that a job is looked for in by its name: its id or an address (default: CODEARTS_BUILD_PROJECT).",
  kind = kinds.project,
  variable = "CODEARTS_BUILD_PROJECT",
  check = problem_of_names,
}

rows.job = {
  name = "job",
  word = "JOB",
  help = "Name of a job, its id, or the address of its page in the console (name:TEXT is a name in any case).",
  kind = kinds.job,
}

rows.key_store = {
  name = "--key-store",
  word = "ADDRESS",
  help = "Where the records of keys are: file:FOLDER, etcd://HOST:PORT/PREFIX or etcds://... "
    .. "(default: CODEARTS_BUILD_KEY_STORE, else a folder of this user).",
  kind = kinds.text,
  variable = "CODEARTS_BUILD_KEY_STORE",
}

rows.settle = {
  name = "--settle",
  word = "TIME",
  help = "How long the service may take to list what it accepted (default 2m).",
  kind = kinds.pause,
}

--- Of commands that take a build: the key that it was started with stands for its number.
rows.of_key = {
  {
    name = "--key",
    word = "KEY",
    help = "The key that the build was started with, in place of its number.",
    kind = kinds.key,
    check = function(values)
      return values.key and values.build_no and "--key stands in place of NUMBER: give one of both"
    end,
  },
  rows.key_store,
}

rows.build = {
  rows.job,
  {
    name = "build_no",
    word = "NUMBER",
    help = "Number of the build (default: the latest, which is told).",
    kind = kinds.integer(1),
    optional = true,
  },
  rows.project,
  rows.of_key[1],
  rows.of_key[2],
}

rows.waiting = {
  {
    name = "--timeout",
    word = "TIME",
    help = "Stop waiting after this time, such as 90s, 30m, 1h30m; the build goes on.",
    kind = kinds.duration,
  },
  { name = "--follow", help = "Print the log while waiting." },
  {
    name = "--on-interrupt",
    word = "WHAT",
    help = "On Ctrl-C, SIGTERM and SIGHUP: detach (the builds go on) or stop (default detach).",
    values = { "stop", "detach" },
  },
}

--- Values from the environment.
---@param things string
---@return codearts.build.cli.Row
function rows.environment(things)
  return {
    name = "--param-env",
    word = "NAME[=VARIABLE]",
    help = ("%s whose value is that of a variable of the environment (by default of the same name)."):format(
      things
    ),
    kind = kinds.variable,
    many = true,
  }
end

--- The paging of a list of things.
---@param things string
---@return codearts.build.cli.Row[]
function rows.paging(things)
  return {
    {
      name = "--limit",
      word = "N",
      help = ("%s to list, at most 100 (default 10)."):format(things),
      kind = kinds.integer(1, 100),
    },
    {
      name = "--page",
      word = "N",
      help = ("Page of that many %s, from 0."):format(ascii.lower(things)),
      kind = kinds.integer(0),
    },
  }
end

--- One flat list of rows and of lists of rows.
---@param ... codearts.build.cli.Row|codearts.build.cli.Row[]
---@return codearts.build.cli.Row[]
function rows.list(...)
  local list = {}
  local function add(item)
    if item.name then
      list[#list + 1] = item
    else
      for _, row in ipairs(item) do
        add(row)
      end
    end
  end
  add { ... }
  return list
end

return rows
