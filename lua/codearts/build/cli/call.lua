--- codearts-build call: any operation of the service.
local App = require "codearts.build.cli.app"
local given = require "codearts.build.cli.given"
local kinds = require "codearts.build.cli.kinds"
local output = require "codearts.build.cli.output"
local rows = require "codearts.build.cli.rows"

local unpack = table.unpack or rawget(_G, "unpack")

local function usage(app, field, message)
  error(app.core.error { kind = "usage", field = field, message = message }, 0)
end

local BOOLEANS = { ["true"] = true, ["false"] = false }

--- A value of the type that the operation wants, from what was typed.
local function value_of(app, item, kind)
  local name = item.name
  local value, path = item.value, nil
  if not item.literal then
    value, path = given.value(app, name, value, kind == "file")
  end
  if item.json then
    local decoded, problem = app.core.decode(value)
    if decoded == nil then
      usage(app, name, ("%s: not JSON: %s"):format(name, tostring(problem)))
    end
    return decoded
  elseif kind == "file" then
    return { name = path and path:match("[^/]*$") or "file", content = value }
  elseif kind == "boolean" and BOOLEANS[value] ~= nil then
    return BOOLEANS[value]
  end
  return value
end

--- The arguments as client:call takes them. A list may be given by naming it several times.
local function arguments_of(app, values)
  local request = require "codearts.build.operations.request"
  local types = request.argument_types(request.row(values.operation))
  local args = {}
  local items = {}
  for index, item in ipairs(values.arguments) do
    items[index] = item
  end
  for place, item in ipairs(values.param_env) do
    local value = given.variable(app, item.name, item.value, place)
    items[#items + 1] = { name = item.name, value = value, literal = true }
  end
  for _, item in ipairs(items) do
    local kind = types[item.name] or "string"
    local element = not item.json and kind:match("^array<(.*)>$")
    if element then
      args[item.name] = args[item.name] or {}
      table.insert(args[item.name], value_of(app, item, element))
    elseif args[item.name] ~= nil then
      usage(app, item.name, ("%s is given twice"):format(item.name))
    else
      args[item.name] = value_of(app, item, kind)
    end
  end
  return args
end

local function list(app)
  local request = require "codearts.build.operations.request"
  local known = require("codearts.build.operations.rows").operations
  for _, name in ipairs(request.operation_names()) do
    app.terminal:result(table.concat({ name, unpack(request.argument_names(known[name])) }, " "))
  end
end

--- The service's JSON as it came: decoding and encoding again could not tell an empty list from an empty object.
---@return string
---@return boolean? started a build
local function json_answer(app, values, args)
  local encode = require("codearts.build.cli.json").encode
  local operation_call = require "codearts.build.operations.call"
  if operation_call.starts_build(values.operation) then
    app.starts = args.job_id
    local result = app:await(app:client():call(values.operation, args, { async = true }))
    return encode(result), true
  end
  local call = operation_call.start(app:client(), values.operation, args, nil, "text")
  local answer = app:await(call)
  return type(answer) == "string" and answer or encode(answer)
end

local function body(app, values)
  if values.list then
    return list(app)
  end
  local args = arguments_of(app, values)
  local row = require("codearts.build.operations.rows").operations[values.operation]
  if not row.bytes then
    if values.to then
      usage(app, "to", values.operation .. " answers JSON: --to is for operations that do not")
    end
    local answer, started = json_answer(app, values, args)
    app.terminal:json(answer)
    if started and output.problem then
      app:warn("a build was started: " .. answer)
    end
    return
  end
  local write, finish = app.terminal:bytes()
  local call = app:client():call(values.operation, args, { async = true, to = values.to or write })
  local ok, answer = pcall(app.await, app, call)
  finish()
  if not ok then
    error(answer, 0)
  end
  if values.to then
    app:warn(("%d bytes written to %s"):format(answer, values.to))
  end
end

return {
  summary = "Call any operation of the service by its name.",
  about = [[
Arguments are NAME=TEXT, NAME:=JSON, NAME=@FILE (its content), NAME=@- (standard input) or NAME=@@TEXT (a text that
begins with @). JSON answers are printed as JSON, others as they are.]],
  examples = {
    "codearts-build call --list",
    "codearts-build call ShowJobStatus job_id=f9d6c8466d614a9788e9a0acf6c15f46",
    "codearts-build call DownloadBuildLog record_id=ID --to build.log",
  },
  rows = rows.list({
    {
      name = "operation",
      word = "OPERATION",
      help = "Name of the operation.",
      optional = true,
    },
    {
      name = "arguments",
      word = "ARGUMENT",
      help = "Its arguments.",
      kind = kinds.call_argument,
      optional = true,
      many = true,
    },
    rows.environment "An argument",
    { name = "--list", help = "List all operations and their arguments." },
    {
      name = "--to",
      file = true,
      word = "FILE",
      help = "File for an answer that is not JSON; it appears whole or not at all.",
      kind = kinds.text,
    },
    { name = "--json", help = "JSON in any case (the default of this command)." },
  }, rows.connection),
  check = function(values)
    if not values.operation and not values.list then
      return "missing argument 'operation' (or --list)"
    end
  end,
  run = App.command(body),
}
