--- What this editor has learned of jobs: for labels and completion, and the pages of the console that it was given.
local address = require "codearts.build.nvim.address"
local reference = require "codearts.build.cli.reference"
local target = require "codearts.build.cli.target"

local jobs = {}

-- By id.
local pages, numbers, parameters = {}, {}, {}

--- An address up to what tells the job, and without a query before that: there may be a ticket, which others see in the list of
--- processes when the page is opened.
local function telling_part(word, job_id)
  local path, query, fragment = word:match "^([^?#]*)([^#]*)(.*)$"
  for _, part in ipairs { path .. fragment, path .. query } do
    for stop in (part .. "&"):gmatch "()[?&#]" do
      local found = reference.job(part:sub(1, stop - 1))
      if found and found.id == job_id then
        return part:sub(1, stop - 1)
      end
    end
  end
end

--- Takes down the address of a job in the console, if that is what a word is.
---@param word string
function jobs.note_page(word)
  local found = word:find "^https://[A-Za-z0-9.-]+:?%d*/[A-Za-z0-9/_.?&=#%%-]*$"
    and reference.job(word)
  if found and found.id then
    pages[found.id] = telling_part(word, found.id)
  end
end

--- The id of a job, and its name where it is known. Waits where it has to be looked for. Raises kind "usage".
---@param session codearts.build.nvim.Session
---@param word string an id or a name
---@param project? string
---@return string job_id
---@return string? name
function jobs.find(session, word, project)
  local found, problem = reference.job(word)
  if found and found.name and not project then
    problem = ("'%s' is no job id (32 letters and digits); to find it by its name set "):format(
      word
    ) .. "vim.g.codearts = { project = … } or CODEARTS_BUILD_PROJECT"
  end
  if problem then
    error(session.core.error { kind = "usage", field = "JOB", message = "JOB: " .. problem }, 0)
  end
  return target.job(session, found, project)
end

--- The page of a job in the console, where it was given.
---@param job_id string
---@return string?
function jobs.page(job_id)
  return pages[job_id]
end

--- Takes down that a build exists.
---@param job_id string
---@param number integer
function jobs.saw(job_id, number)
  numbers[job_id] = numbers[job_id] or {}
  numbers[job_id][number] = true
end

--- Numbers of builds that were seen, newest first.
---@param job_id string
---@return integer[]
function jobs.numbers(job_id)
  local list = {}
  for number in pairs(numbers[job_id] or {}) do
    list[#list + 1] = number
  end
  table.sort(list, function(a, b)
    return a > b
  end)
  return list
end

--- Takes down the parameters that a job declares.
---@param job_id string
---@param names string[]
function jobs.declares(job_id, names)
  parameters[job_id] = names
end

--- Names of the parameters that a job declares, as far as is known.
---@param job_id string
---@return string[]?
function jobs.parameters(job_id)
  return parameters[job_id]
end

--- The job and build of the buffer that the user looks at.
---@return codearts.build.nvim.Address? nil in a buffer that is none of ours
function jobs.here()
  local name = vim.api.nvim_buf_get_name(0)
  return name:find "^codearts://" and address.read(name) or nil
end

return jobs
