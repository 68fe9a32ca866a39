--- What a start is given: the parameters of the build, where their values come from, and whether the job knows them.
local given = require "codearts.build.cli.given"
local text = require "codearts.build.cli.text"

local parameters = {}

--- Those of --param and --param-env, as client:start takes them.
---@param app codearts.build.cli.App
---@param values table parsed arguments
---@return { name: string, value: string }[]
function parameters.given(app, values)
  local list = {}
  for _, pair in ipairs(values.param) do
    local value = given.value(app, pair.name, pair.value)
    list[#list + 1] = { name = pair.name, value = value }
  end
  for place, pair in ipairs(values.param_env) do
    local value = given.variable(app, pair.name, pair.value, place)
    list[#list + 1] = { name = pair.name, value = value }
  end
  return list
end

--- What client:start takes.
---@param job_id string
---@param values table parsed arguments
---@param list { name: string, value: string }[] the parameters
---@return table args
---@return table options
function parameters.start(job_id, values, list)
  return {
    job_id = job_id,
    parameter = list,
    scm = { build_tag = values.tag, build_commit_id = values.commit, branch = values.branch },
  }, {
    run_id = values.run_id and { parameter = values.run_id } or nil,
    key = values.key,
    key_wait = values.key_wait,
    when_lost = values.when_lost,
    settle = values.settle,
  }
end

--- The names that a job declares, from its definition (API reference 7.9): each parameter is a list of named values, one
-- of which is its name.
---@param config any result of ShowJobConfig
---@return string[]? names nil where they cannot be read
function parameters.declared(config)
  local rows = require("codearts.build.lifecycle.record").rows
  local list = type(config) == "table" and config.parameters
  if type(list) ~= "table" then
    return nil
  end
  local names = {}
  for _, parameter in ipairs(list) do
    local name
    local params = type(parameter) == "table" and parameter.params
    for _, item in ipairs(rows(params, "name")) do
      name = name or item.name == "name" and item.value
    end
    if type(name) ~= "string" then
      return nil
    end
    names[#names + 1] = name
  end
  return names
end

local function unknown_ones(names, asked)
  local known, unknown = {}, {}
  for _, name in ipairs(names) do
    known[name] = true
  end
  for _, name in ipairs(asked) do
    if not known[name] then
      unknown[#unknown + 1] =
        { name = name, nearest = require("codearts.build.core").nearest(name, names) }
    end
  end
  return unknown
end

--- Asks for the job's definition and warns of parameters that it does not declare: the service starts a build with them
-- all the same, and nothing else would tell. Who may not read the definition gets no warning.
---@param app codearts.build.cli.App
---@param job_id string
---@param asked string[] names
---@param tell fun(unknown: { name: string, nearest: string? })
---@return table call
function parameters.check(app, job_id, asked, tell)
  local client = app:client()
  local call = client:call(
    "ShowJobConfig",
    { job_id = job_id, get_all_params = "true" },
    { async = true }
  )
  call:on_done(function(body)
    local names = parameters.declared(type(body) == "table" and body.result)
    for _, unknown in ipairs(names and unknown_ones(names, asked) or {}) do
      unknown.nearest = client:mask(unknown.nearest, body)
      app:warn(
        text.clean(
          ("the job %s does not declare the parameter %s%s"):format(
            job_id,
            unknown.name,
            unknown.nearest and ("; did you mean %s?"):format(unknown.nearest) or ""
          )
        )
      )
      tell(unknown)
    end
  end)
  return call
end

return parameters
