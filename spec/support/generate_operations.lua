--- Writes lua/codearts/build/operations/rows.lua (the rows behind client:call) and lua/codearts/build/types.lua (the same
-- rows as LuaCATS types) from spec/data/operations.json. Run from the root of the repository:
--   lua5.4 spec/support/generate_operations.lua
-- spec/operations_spec.lua fails while the files on disk differ from what this script would write.

package.path = "./?.lua;" .. package.path -- run as a script from the root
local ordered_json = require "spec.support.ordered_json"
local read_file = require "spec.support.read_file"

local SOURCE = "spec/data/operations.json"
local ROWS_FILE = "lua/codearts/build/operations/rows.lua"
local TYPES_FILE = "lua/codearts/build/types.lua"

-- The two operations that start a build: their errors carry an outcome (API reference 1 and 1.6).
local STARTS_BUILD = { RunJob = true, ExecuteJob = true }

-- Members that newer editions of the documentation list and the source of the data lacks (API reference 1.2).
local NEWER_MEMBERS = {
  Scm = { "branch", "build_type", "repo_id", "repo_name", "scm_type", "url" },
}

local function contains(list, wanted)
  for _, value in ipairs(list or {}) do
    if value == wanted then
      return true
    end
  end
  return false
end

--- Fields of an object as rows { name, type, required }.
local function field_rows(members, required)
  local rows = {}
  for _, member in ipairs(members) do
    rows[#rows + 1] =
      { name = member[1], type = member[2], required = contains(required, member[1]) }
  end
  return rows
end

local function parameter_rows(list)
  local rows = {}
  for _, item in ipairs(list) do
    rows[#rows + 1] = { name = item.name, type = item.type, required = item.required }
  end
  return rows
end

local function by_name(a, b)
  return a.name < b.name
end

--- Turns the data file into { operations = { row … }, models = { { name, fields } … } }, both sorted by name.
local function load_rows()
  local data = ordered_json.decode(read_file(SOURCE))
  local operations, models = {}, {}
  for _, item in ipairs(data.operations) do
    local row = {
      name = item.name,
      method = item.method,
      path = item.path,
      path_fields = parameter_rows(item.path_params),
      query = parameter_rows(item.query),
      multipart = item.request_content_type == "multipart/form-data",
      bytes = item.response ~= "json",
      starts_build = STARTS_BUILD[item.name] or false,
      answer = field_rows(item.response_fields),
      group = item.doc_group ~= ordered_json.null and item.doc_group or nil,
    }
    if item.body ~= ordered_json.null then
      if item.body["[]"] then
        row.body_list = "array<" .. item.body["[]"] .. ">"
      else
        row.body = field_rows(item.body, item.body_required)
      end
    end
    operations[#operations + 1] = row
  end
  for _, pair in ipairs(data.models) do
    local fields = field_rows(pair[2], data.models_required[pair[1]])
    for _, name in ipairs(NEWER_MEMBERS[pair[1]] or {}) do
      fields[#fields + 1] = { name = name, type = "string" }
    end
    models[#models + 1] = { name = pair[1], fields = fields }
  end
  table.sort(operations, by_name)
  table.sort(models, by_name)
  return { operations = operations, models = models }
end

--- The model names in a type such as "array<X>" or "map<string,X>".
local PLAIN = {
  string = true,
  integer = true,
  number = true,
  boolean = true,
  object = true,
  file = true,
  array = true,
  map = true,
}
local function each_model(type_text, found)
  for word in type_text:gmatch("[A-Za-z0-9_]+") do
    if not PLAIN[word] then
      found(word)
    end
  end
end

--- Models that a request body can hold, at any depth.
local function request_models(rows)
  local by_model, wanted = {}, {}
  for _, model in ipairs(rows.models) do
    by_model[model.name] = model
  end
  local function want(name)
    if wanted[name] then
      return
    end
    wanted[name] = true
    for _, field in ipairs(assert(by_model[name], name).fields) do
      each_model(field.type, want)
    end
  end
  for _, row in ipairs(rows.operations) do
    for _, field in ipairs(row.body or {}) do
      each_model(field.type, want)
    end
  end
  return wanted
end

local function lua_key(name)
  return name:match("^[A-Za-z_][A-Za-z0-9_]*$") and name ~= "end" and name or ("[%q]"):format(name)
end

local function lua_fields(fields)
  local parts = {}
  for _, field in ipairs(fields) do
    parts[#parts + 1] = ("{ %q, %q%s }"):format(
      field.name,
      field.type,
      field.required and ", true" or ""
    )
  end
  return parts
end

--- `label = { item, item },` on one line where it fits into the width of the page, else one item a line.
local function write_list(out, indent, label, items)
  local line = ("%s%s = { %s },"):format(indent, label, table.concat(items, ", "))
  if #line <= 110 then
    out[#out + 1] = line
    return
  end
  out[#out + 1] = ("%s%s = {"):format(indent, label)
  for _, item in ipairs(items) do
    out[#out + 1] = ("%s  %s,"):format(indent, item)
  end
  out[#out + 1] = indent .. "},"
end

local function write_operation(out, row)
  out[#out + 1] = ("  %s = {"):format(lua_key(row.name))
  out[#out + 1] = ("    method = %q, path = %q,"):format(row.method, row.path)
  if #row.path_fields > 0 then
    write_list(out, "    ", "in_path", lua_fields(row.path_fields))
  end
  if #row.query > 0 then
    write_list(out, "    ", "in_query", lua_fields(row.query))
  end
  if row.body then
    write_list(out, "    ", "in_body", lua_fields(row.body))
  end
  if row.body_list then
    out[#out + 1] = ("    body_list = %q,"):format(row.body_list)
  end
  for _, flag in ipairs { "multipart", "bytes", "starts_build" } do
    if row[flag] then
      out[#out + 1] = ("    %s = true,"):format(flag)
    end
  end
  out[#out + 1] = "  },"
end

---@return string text of the rows file
local function rows_text(rows)
  local out = {
    "--- Every operation of the service as data. Written by spec/support/generate_operations.lua: do not edit.",
    "-- A field is { name, type, required }. Types: string, integer, number, boolean, object (any JSON), file (bytes),",
    "-- array<T>, map<string,T>, or a key of `models`. in_path, in_query and in_body say where an argument goes, a body in",
    "-- the order of its fields; body_list: the body is a JSON array of that type, given as the argument `body`;",
    "-- multipart: the body is a form; bytes: the answer is not JSON; starts_build: contract of at most one build.",
    "local operations = {",
  }
  for _, row in ipairs(rows.operations) do
    write_operation(out, row)
  end
  out[#out + 1] = "}"
  out[#out + 1] = ""
  out[#out + 1] = "local models = {"
  local wanted = request_models(rows)
  for _, model in ipairs(rows.models) do
    if wanted[model.name] then
      write_list(out, "  ", lua_key(model.name), lua_fields(model.fields))
    end
  end
  out[#out + 1] = "}"
  out[#out + 1] = ""
  out[#out + 1] = "return { operations = operations, models = models }"
  return table.concat(out, "\n") .. "\n"
end

local LUA_TYPES = {
  string = "string",
  integer = "integer",
  number = "number",
  boolean = "boolean",
  object = "any",
  file = "string|{ name: string, content: string }",
}

local function cats_type(type_text)
  local element = type_text:match("^array<(.*)>$")
  if element then
    return cats_type(element) .. "[]"
  end
  element = type_text:match("^map<string,(.*)>$")
  if element then
    return ("table<string, %s>"):format(cats_type(element))
  end
  return LUA_TYPES[type_text] or "codearts.build.model." .. type_text
end

local function write_class(out, name, fields, optional)
  out[#out + 1] = "---@class " .. name
  for _, field in ipairs(fields) do
    local key = field.name:match("^[A-Za-z_][A-Za-z0-9_]*$") and field.name
      or ("[%q]"):format(field.name)
    local mark = optional(field) and "?" or ""
    out[#out + 1] = ("---@field %s%s %s"):format(key, mark, cats_type(field.type))
  end
  out[#out + 1] = ""
end

local function argument_fields(row)
  local fields, seen = {}, {}
  for _, list in ipairs { row.path_fields, row.query, row.body or {} } do
    for _, field in ipairs(list) do
      if not seen[field.name] then
        seen[field.name] = true
        fields[#fields + 1] = field
      end
    end
  end
  if row.body_list then
    fields[#fields + 1] = { name = "body", type = row.body_list, required = true }
  end
  return fields
end

local function not_required(field)
  return not field.required
end

local function always()
  return true
end

--- Type of what client:call answers.
local function answer_type(row)
  if row.bytes then
    return "string"
  elseif #row.answer == 1 and row.answer[1].name == "body" then
    return cats_type(row.answer[1].type)
  end
  return "codearts.build.answer." .. row.name
end

---@return string text of the types file
local function types_text(rows)
  local out = {
    "---@meta",
    "--- Types of every operation, for editors. Written by spec/support/generate_operations.lua: do not edit.",
    '-- codearts.build.args.X are the arguments of client:call("X", args), codearts.build.answer.X its decoded answer,',
    "-- codearts.build.model.X what both are made of. Members of answers may be missing or build.null.",
    "",
  }
  for _, row in ipairs(rows.operations) do
    out[#out + 1] = ("--- %s %s%s"):format(
      row.method,
      row.path,
      row.group and (" (%s)"):format(row.group) or ""
    )
    write_class(out, "codearts.build.args." .. row.name, argument_fields(row), not_required)
    if answer_type(row) == "codearts.build.answer." .. row.name then
      write_class(out, "codearts.build.answer." .. row.name, row.answer, always)
    end
  end
  for _, model in ipairs(rows.models) do
    write_class(out, "codearts.build.model." .. model.name, model.fields, not_required)
  end
  out[#out + 1] = "---@class codearts.build.Client"
  for _, row in ipairs(rows.operations) do
    out[#out + 1] = ('---@field call fun(self: codearts.build.Client, name: "%s", args: codearts.build.args.%s, '):format(
      row.name,
      row.name
    ) .. ("opts?: codearts.build.CallOptions): %s"):format(answer_type(row))
  end
  return table.concat(out, "\n") .. "\n"
end

local generator = { rows_file = ROWS_FILE, types_file = TYPES_FILE }

--- What the two files should hold.
---@return string rows, string types
function generator.texts()
  local rows = load_rows()
  return rows_text(rows), types_text(rows)
end

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

-- Run as a script (arg[0] is this file), or required by the spec.
if arg and arg[0] and arg[0]:match("generate_operations%.lua$") then
  local rows, types = generator.texts()
  write_file(ROWS_FILE, rows)
  write_file(TYPES_FILE, types)
end

return generator
