-- The job file: a Lua file that may call `job` and `step` and nothing else. It is Lua because a build's commands are several lines of
-- shell, which `[[ ]]` holds without any escaping, and because a call knows its line, so every complaint can name it.
--
--   job {
--     id = "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
--     name = "demo",
--     source = "src",                                   -- copied into the working folder; relative to the job file
--     parameters = { codeBranch = "main", KEY = { default = "", secret = true } },
--     steps = {
--       step { name = "Compile", run = [[ make ]] },
--     },
--     packages = { "demo.tar.gz" },                     -- files that a build makes, relative to its folder
--   }

local parameter = require "codearts.build.sandbox.parameter"

local M = {}

---@class codearts.build.sandbox.Step
---@field name string
---@field run string shell commands, run by `sh -e`
---@field line integer where it stands in the job file

---@class codearts.build.sandbox.Declared a parameter that a job declares
---@field name string
---@field default string
---@field secret boolean shown as asterisks

---@class codearts.build.sandbox.Job
---@field id string
---@field name string
---@field source string|nil absolute, or relative to the server's folder
---@field parameters codearts.build.sandbox.Declared[] sorted by name
---@field steps codearts.build.sandbox.Step[]
---@field packages string[] files that a build makes, relative to its folder
---@field line integer where it stands in the job file

-- A name that the sandbox sets itself in every build.
M.PREDEFINED = {
  BUILDNUMBER = true,
  TIMESTAMP = true,
  INCREASENUM = true,
  PROJECT_ID = true,
  WORKSPACE = true,
  GIT_TAG = true,
  COMMIT_ID = true,
  COMMIT_ID_SHORTER = true,
}

---The job that a sandbox without a job file has. DELAY is a number of seconds, EXIT_STATUS what the last step exits with.
M.SAMPLE_ID = "samplejob00000000000000000000001"

local SAMPLE = [==[
job {
  id = "samplejob00000000000000000000001",
  name = "sample",
  parameters = { codeBranch = "master", RUN_ID = "", DELAY = "0", EXIT_STATUS = "0" },
  steps = {
    step { name = "Greet", run = [[echo "Hello from build $INCREASENUM of branch $codeBranch"]] },
    step { name = "Wait", run = [[sleep "$DELAY"]] },
    step { name = "Finish", run = [[echo "The last step exits with $EXIT_STATUS"
exit "$EXIT_STATUS"]] },
  },
}
]==]

local function compile(text, name, globals)
  local set_globals = rawget(_G, "setfenv")
  if set_globals then
    local chunk, message = rawget(_G, "loadstring")(text, name)
    return chunk and set_globals(chunk, globals), message
  end
  return load(text, name, "t", globals)
end

-- The line in the job file that called `job` or `step`: the third function from here. A tail call leaves no line behind.
local function line_of_call()
  local info = debug.getinfo(3, "l")
  return info and info.currentline > 0 and info.currentline or 1
end

-- Raises with the place; caught in `read`.
local function complain(file, line, text)
  error(setmetatable({ text = ("%s:%d: %s"):format(file, line, text) }, M), 0)
end

local function check_keys(file, line, what, given, known)
  if type(given) ~= "table" then
    complain(file, line, what .. " takes a table")
  end
  for key in pairs(given) do
    if not known[key] then
      complain(file, line, ("%s has no member '%s'"):format(what, tostring(key)))
    end
  end
end

local function check_text(file, line, what, value)
  if type(value) ~= "string" or value == "" or value:find("\0", 1, true) then
    complain(file, line, what .. " must be a text that is not empty")
  end
end

local STEP = { name = true, run = true }

local function make_step(file, line, given)
  check_keys(file, line, "step", given, STEP)
  check_text(file, line, "step: name", given.name)
  check_text(file, line, "step: run", given.run)
  return setmetatable({ name = given.name, run = given.run, line = line }, STEP)
end

local DECLARED = { default = true, secret = true }

local function declared(file, line, name, value)
  local what = ("job: parameters.%s"):format(tostring(name))
  local complaint = parameter.bad_name(name)
    or (M.PREDEFINED[name] and "the name is one that the sandbox sets itself")
  if complaint then
    complain(file, line, what .. ": " .. complaint)
  end
  local given = type(value) == "table" and value or { default = value }
  check_keys(file, line, what, given, DECLARED)
  complaint = parameter.bad_value(given.default)
  if complaint then
    complain(file, line, what .. ": " .. complaint:gsub("value", "default"))
  elseif given.secret ~= nil and type(given.secret) ~= "boolean" then
    complain(file, line, what .. ": secret must be true or false")
  end
  return { name = name, default = given.default, secret = given.secret or false }
end

local function parameters_of(file, line, given)
  if type(given) ~= "table" then
    complain(file, line, "job: parameters must be a table of names and defaults")
  end
  local list = {}
  for name, value in pairs(given) do
    list[#list + 1] = declared(file, line, name, value)
  end
  table.sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

local function check_steps(file, line, steps)
  if type(steps) ~= "table" or #steps == 0 then
    complain(
      file,
      line,
      "job: steps must be a list with at least one: steps = { step { name = …, run = … } }"
    )
  end
  for key, item in pairs(steps) do
    if getmetatable(item) ~= STEP or type(key) ~= "number" then
      complain(
        file,
        line,
        ("job: steps[%s] must be a step: step { name = …, run = … }"):format(tostring(key))
      )
    end
  end
end

local function packages_of(file, line, given)
  if type(given) ~= "table" then
    complain(file, line, "job: packages must be a list of file names")
  end
  for key, name in pairs(given) do
    check_text(file, line, ("job: packages[%s]"):format(tostring(key)), name)
    if type(key) ~= "number" or name:find("^/") or ("/" .. name .. "/"):find("/../", 1, true) then
      complain(file, line, "job: packages must be a list of file names in the build's folder")
    end
  end
  return given
end

local function is_folder(path)
  local handle = io.open(path .. "/.", "r")
  if handle then
    handle:close()
  end
  return handle ~= nil
end

local JOB = {
  id = true,
  name = true,
  source = true,
  parameters = true,
  steps = true,
  packages = true,
}

local function make_job(file, line, known, given)
  check_keys(file, line, "job", given, JOB)
  if type(given.id) ~= "string" or #given.id ~= 32 or not given.id:find("^[0-9a-z]+$") then
    complain(file, line, "job: id must be 32 digits and lower-case letters")
  elseif known[given.id] then
    complain(
      file,
      line,
      ("job: the id %s is already the id of the job in line %d"):format(
        given.id,
        known[given.id].line
      )
    )
  end
  check_text(file, line, "job: name", given.name)
  check_steps(file, line, given.steps)
  local source = given.source
  if source ~= nil then
    check_text(file, line, "job: source", source)
    source = source:sub(1, 1) == "/" and source or (file:match("^.*/") or "./") .. source
    if not is_folder(source) then
      complain(file, line, "job: source is not a folder: " .. source)
    end
  end
  return {
    id = given.id,
    name = given.name,
    source = source,
    steps = given.steps,
    line = line,
    parameters = parameters_of(file, line, given.parameters or {}),
    packages = packages_of(file, line, given.packages or {}),
  }
end

local function read(text, file)
  local jobs, by_id = {}, {}
  local chunk, message = compile(text, "@" .. file, {
    step = function(given)
      local line = line_of_call()
      return make_step(file, line, given)
    end,
    job = function(given)
      local line = line_of_call()
      local job = make_job(file, line, by_id, given)
      jobs[#jobs + 1], by_id[job.id] = job, job
    end,
  })
  if not chunk then
    return nil, message
  end
  local ok, raised = pcall(chunk)
  if not ok then
    return nil, getmetatable(raised) == M and raised.text or tostring(raised)
  elseif #jobs == 0 then
    return nil,
      file
        .. ":1: the file defines no job; it is Lua: job { id = …, name = …, steps = { … } }"
  end
  return jobs
end

---Reads a job file, or gives the built-in sample job.
---@param file string|nil
---@return codearts.build.sandbox.Job[]|nil jobs in the order of the file
---@return string|nil message beginning with `file:line:`
function M.load(file)
  if not file then
    return read(SAMPLE, "sample")
  end
  local handle, message = io.open(file, "rb")
  local text = handle and handle:read("*a")
  if handle then
    handle:close()
  end
  if not text then
    return nil, ("the job file cannot be read: %s"):format(message or file .. " is not a file")
  elseif text:sub(1, 1) == "\27" then
    return nil, file .. ":1: a job file is text"
  end
  return read(text, file)
end

return M
