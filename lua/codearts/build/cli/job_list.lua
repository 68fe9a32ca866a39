--- All jobs of a project, in a flow of a client task; what they are called is remembered.
local names = require "codearts.build.cli.names"

---@class codearts.build.cli.JobList: codearts.build.ListRead
---@field jobs table[] as the service lists them, without what must not be shown
---@field ids any[] beside them their ids as they are
---@field called any[] and what they are really called

---@param await function
---@param client codearts.build.Client
---@param project string
---@param search? string leaves to the service what is like a name
---@return codearts.build.cli.JobList? list
---@return table? err
return function(await, client, project, search)
  local record = require "codearts.build.lifecycle.record" -- not before: a usage error does without the core
  local jobs, ids, called = {}, {}, {}
  local list, err = require "codearts.build.lifecycle.pages"(
    function(page, size)
      return record.fetch_rows(await, client, "ListProjectJobs", {
        project_id = project,
        page_index = page,
        page_size = size,
        search = search,
      }, "jobs", "id")
    end,
    "id",
    function(rows)
      local before = #jobs
      for index, job in ipairs(rows) do
        ids[before + index], called[before + index] = job.id, job.job_name
      end
      for index, job in ipairs(client:mask_credentials(rows)) do
        jobs[before + index] = job
      end
    end
  )
  if not list then
    return nil, err
  end
  list.jobs, list.ids, list.called = jobs, ids, called
  local pause = require "codearts.build.client.pause"(await, client)
  names.remember(project, jobs, list.whole and not search, nil, pause)
  return list
end
