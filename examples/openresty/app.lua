-- What nginx.conf calls.
local M = {}

local client -- one for each worker, made by its first request

local function get_client()
  if not client then
    client = require("codearts.build.resty").new {
      token_store = require("codearts.build.token_store").shared_dict(ngx.shared.tokens),
    }
  end
  return client
end

local function answer(result, err)
  if err then
    ngx.status = 502
    ngx.say(tostring(err))
  else
    ngx.say("started build " .. result.actual_build_number)
  end
end

--- Starts one build. The request waits, the worker does not.
function M.build()
  answer(get_client():try_run { job_id = ngx.var.arg_job })
end

--- Starts two builds at once, in light threads.
function M.builds()
  local function run()
    return get_client():try_run { job_id = ngx.var.arg_job }
  end
  local first, second = ngx.thread.spawn(run), ngx.thread.spawn(run)
  for _, thread in ipairs { first, second } do
    local _, result, err = ngx.thread.wait(thread)
    answer(result, err)
  end
end

return M
