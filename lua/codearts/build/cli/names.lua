--- What jobs are called, from the last listings, kept in a file for the completion and for labels. Never used to find a
-- job: a job may have been removed and its name given to another one since.
local text = require "codearts.build.cli.text"

local names = {}

local MOST = 5000 -- lines

---@class codearts.build.cli.KnownJob
---@field project string
---@field id string
---@field name string

local function folder(getenv)
  local cache, home = getenv "XDG_CACHE_HOME", getenv "HOME"
  if cache and cache:sub(1, 1) == "/" then
    return cache .. "/codearts-build"
  end
  return home and home ~= "" and home .. "/.cache/codearts-build" or nil
end

local function do_nothing() end

--- The jobs of the last listings, in their order.
---@param getenv? fun(name: string): string?
---@param pause? fun() called after each
---@return codearts.build.cli.KnownJob[]
function names.all(getenv, pause)
  pause = pause or do_nothing
  local place, list = folder(getenv or os.getenv), {}
  local file = place and io.open(place .. "/jobs", "rb")
  local content = file and file:read "*a" or ""
  if file then
    file:close()
  end
  for project, id, name in content:gmatch "([A-Za-z0-9]+)\t([A-Za-z0-9]+)\t([^\n]+)\n" do
    list[#list + 1] = { project = project, id = id, name = name }
    pause()
  end
  return list
end

--- The name of a job, if a listing told it.
---@param id string
---@return string?
function names.of(id)
  for _, job in ipairs(names.all()) do
    if job.id == id then
      return job.name
    end
  end
  return nil
end

local function write(place, list, pause)
  local lines = {}
  for index, job in ipairs(list) do
    lines[index] = ("%s\t%s\t%s\n"):format(job.project, job.id, job.name)
    pause()
  end
  local replace = require("codearts.build.core").file.replace -- a reader sees the old file or the new one
  local path, content = place .. "/jobs", table.concat(lines)
  if not replace(path, content) then
    -- The folder and the one above it; a home that does not exist is not for us to make.
    for _, folder_of in ipairs { place:match "^(.*)/", place } do
      os.execute(("mkdir -m 700 '%s' 2>/dev/null"):format((folder_of:gsub("'", "'\\''"))))
    end
    replace(path, content)
  end
end

--- Remembers a listing. That it cannot be kept is no trouble of the command's.
---@param project string
---@param jobs table[] as the service lists them, without what must not be shown
---@param complete boolean all jobs of the project are there; else the others stay known
---@param getenv? fun(name: string): string?
---@param pause? fun() called after each bit of work
function names.remember(project, jobs, complete, getenv, pause)
  local place = folder(getenv or os.getenv)
  if not place then
    return
  end
  pause = pause or do_nothing
  local list, listed = {}, {}
  for _, job in ipairs(jobs) do
    if
      type(job.id) == "string"
      and job.id:find "^[A-Za-z0-9]+$"
      and type(job.job_name) == "string"
    then
      list[#list + 1] = { project = project, id = job.id, name = text.clean(job.job_name) }
      listed[job.id] = true
    end
    pause()
  end
  for _, job in ipairs(names.all(getenv, pause)) do
    local stays = not listed[job.id] and not (complete and job.project == project)
    if stays and #list < MOST then
      list[#list + 1] = job
    end
    pause()
  end
  write(place, list, pause)
end

return names
