--- What the service says of a build after its start, for specs of the lifecycle.

local build = require("codearts.build")
local core = require("codearts.build.core")
local server_process = require("spec.support.server")

local M = {}

M.JOB = "f9d6c8466d614a9788e9a0acf6c15f46"
M.RECORD = "0123456789abcdef0123456789abcdef0123"
M.FINISHED = ',"finish_time":"2022-10-11T08:28:42.000+00:00"'
M.RECORD_PATH = "GET /v4/jobs/" .. M.JOB .. "/20/record-info"

--- What the server answers, in this order. A number is a status with an error body, a string a body of status 200.
function M.answers(server, ...)
  local script = {}
  for index, item in ipairs { ... } do
    if type(item) == "number" then
      script[index] =
        { "answer", status = item, body = '{"error_code":"CB.00060100","error_msg":"busy"}' }
    else
      script[index] = { "answer", body = item }
    end
  end
  server:script(
    script,
    { "answer", status = 404, body = '{"error_code":"X.1","error_msg":"the script is used up"}' }
  )
end

--- The requests that the server got, as "METHOD path".
function M.paths(server)
  local list = {}
  for index, request in ipairs(server:stats().requests) do
    list[index] = request.method .. " " .. request.path
  end
  return list
end

--- What a file of specs stands on: a server from `start` to `stop`, and from `fresh` to `close` a client of it, for each spec.
function M.stage()
  local stage, server, client = {}, nil, nil
  function stage.start()
    server = server_process.start()
  end
  function stage.stop()
    server:stop()
  end
  function stage.fresh()
    server:reset()
    client = build.new({ endpoint = server.url, auth = "a-token", retry = false, timeout = 10 })
    return client, server
  end
  function stage.close()
    client:close()
  end
  function stage.answers(...)
    M.answers(server, ...)
  end
  function stage.paths()
    return M.paths(server)
  end
  return stage
end

--- The record of build 20.
function M.record(status, more)
  return ('{"status":"success","error":null,"result":{"build_no":20,"build_record_id":"%s","status":"%s"%s}}'):format(
    M.RECORD,
    status,
    more or ""
  )
end

--- Whether the build runs, and how it ended.
function M.building(flag, result)
  return ('{"status":"success","result":{"building":%s,"build_result":"%s"}}'):format(
    tostring(flag),
    result or ""
  )
end

--- That another build of the job runs by now.
function M.running_status(last)
  return ('{"status":"success","result":{"last_build_no":"%d","last_build_status":"Running","is_running":true}}'):format(
    last
  )
end

--- The steps of the build, with these states.
function M.steps(...)
  local list = {}
  for index, status in ipairs { ... } do
    list[index] = ('{"name":"step %d","status":"%s","build_time":%d}'):format(
      index,
      status,
      index * 1500
    )
  end
  return ('{"job_name":"demo","build_number":20,"build_steps":[%s]}'):format(
    table.concat(list, ",")
  )
end

--- A page of the log.
function M.page(content, offset, more)
  return ('{"status":"success","result":{"content":%s,"offset":%s,"has_more_data":%s,"current_offset":0}}'):format(
    core.encode(content),
    offset,
    tostring(more)
  )
end

--- The structured error that a function raises.
function M.failure_of(f, ...)
  local ok, err = pcall(f, ...)
  assert(not ok, "an error was expected")
  assert(build.is_error(err), tostring(err))
  return err
end

return M
