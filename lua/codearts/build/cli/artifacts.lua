--- codearts-build artifacts: what a build has made.
local App = require "codearts.build.cli.app"
local rows = require "codearts.build.cli.rows"
local target = require "codearts.build.cli.target"

local function cell(value)
  return type(value) == "string" and value ~= "" and value or "-"
end

-- The members of a result, any of which may be null (API reference 7.9).
local PLACES = { "package_info", "package_infos", "image_infos" }

--- What the service tells of the products of a build. Raises where that is nothing: it is no proof that there are none.
local function products(app, job_id, build_no)
  local args = { job_id = job_id, build_no = build_no }
  local answer = app:await(app:client():call("ShowOutputInfo", args, { async = true }))
  local result = type(answer) == "table" and answer.result
  if result == app.core.null then
    return {}
  end
  local told = type(result) == "table" and next(result) == nil
  for _, name in ipairs(PLACES) do
    told = told or type(result) == "table" and result[name] ~= nil
  end
  if not told then
    error(
      app.core.error {
        kind = "protocol",
        reason = "bad_answer",
        operation = "ShowOutputInfo",
        message = "ShowOutputInfo answered without packages or images",
        retryable = true,
      },
      0
    )
  end
  return app:client():mask(result, answer)
end

--- The packages and images of an answer in one list, by name. One of them may stand alone and among the others too.
local function list_of(result)
  local list, seen = {}, {}
  local function add(item)
    local key = type(item) == "table" and cell(item.name) .. "\n" .. cell(item.uri)
    if key and not seen[key] then
      list[#list + 1], seen[key] = item, true
    end
  end
  for _, name in ipairs { "package_infos", "image_infos" } do
    for _, item in pairs(type(result[name]) == "table" and result[name] or {}) do
      add(item)
    end
  end
  add(result.package_info)
  table.sort(list, function(a, b)
    if cell(a.name) ~= cell(b.name) then
      return cell(a.name) < cell(b.name)
    end
    return cell(a.uri) < cell(b.uri)
  end)
  return list
end

--- On a page too narrow for them the addresses stand on lines of their own: half of one is of no use.
local function print_text(app, list)
  local table_of = require "codearts.build.cli.table"
  local cells, columns = {}, app.terminal:result_columns()
  for index, item in ipairs(list) do
    cells[index] = { cell(item.name), cell(item.version), cell(item.package_type), cell(item.uri) }
  end
  local lines = table_of({ "NAME", "VERSION", "TYPE", "ADDRESS" }, cells)
  local narrow = columns and table_of.width(lines) > columns
  if narrow then
    lines = table_of({ "NAME", "VERSION", "TYPE" }, cells, columns)
  end
  for index, line in ipairs(lines) do
    app.terminal:result(line)
    if narrow and index > 1 then
      app.terminal:result("  " .. require("codearts.build.cli.text").clean(cells[index - 1][4]))
    end
  end
end

local function body(app, values)
  local job_id, build_no, name = target.build(app, values)
  local list = list_of(products(app, job_id, build_no))
  if app.form == "json" then
    local json = require "codearts.build.cli.json"
    app:print_json { job_id = job_id, build_no = build_no, artifacts = json.array(list) }
  elseif #list == 0 then
    app:warn(("build %d of %s has made no packages and no images"):format(build_no, name or job_id))
  else
    print_text(app, list)
  end
end

return {
  summary = "List what a build has made: packages and images.",
  examples = {
    "codearts-build artifacts f9d6c8466d614a9788e9a0acf6c15f46 20",
    "codearts-build artifacts nightly --json",
  },
  rows = rows.list(rows.build, rows.json, rows.connection),
  run = App.command(body),
}
