--- From arguments to a request: checks them against the row of the operation and writes path, query and body.
-- Pure but for the boundary of a form, which is a fresh UUID. Nothing here talks to the service.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local problems = require "codearts.build.problem"
local rows = require "codearts.build.operations.rows"

local null = core.null
local MAX_INTEGER = 9007199254740992 -- 2^53: what a double still holds exactly
local MAX_DEPTH = 64

local request = {}

local usage = problems.refuse

--- "string, not a number" needs an article and our own name for null.
local function kind_of(value)
  if value == null then
    return "null"
  end
  local name = type(value)
  return name == "nil" and "nil" or "a " .. name
end

local function check_text(field, value)
  if type(value) ~= "string" then
    usage(field, ("%s must be a string, not %s"):format(field, kind_of(value)))
  end
  -- The encoder is the one judge of UTF-8 in this library.
  if not pcall(core.encode, value) then
    usage(field, field .. " is not valid UTF-8")
  end
  return value
end

--- An integer as decimal text. The service itself writes build numbers as strings, so those are taken too.
local function integer_text(field, value)
  if type(value) == "string" and value:find("^%-?%d+$") and #value <= 16 then
    return value
  end
  if
    type(value) ~= "number"
    or value ~= math.floor(value)
    or value > MAX_INTEGER
    or value < -MAX_INTEGER
  then
    usage(
      field,
      ("%s must be an integer, not %s"):format(
        field,
        type(value) == "number" and ascii.decimal("%.14g", value) or kind_of(value)
      )
    )
  end
  return ("%d"):format(value)
end

local function number_text(field, value)
  if type(value) ~= "number" or value ~= value or value == math.huge or value == -math.huge then
    usage(field, ("%s must be a finite number, not %s"):format(field, kind_of(value)))
  end
  return core.encode(value)
end

local function boolean_text(field, value)
  if type(value) ~= "boolean" then
    usage(field, ("%s must be true or false, not %s"):format(field, kind_of(value)))
  end
  return tostring(value)
end

local SCALARS = {
  string = check_text,
  integer = integer_text,
  number = number_text,
  boolean = boolean_text,
}

local function require_table(field, value, what)
  if type(value) ~= "table" then
    usage(field, ("%s must be %s, not %s"):format(field, what, kind_of(value)))
  end
end

--- Length of a list; anything but the keys 1 to n is refused.
local function list_length(field, value)
  require_table(field, value, "a list")
  local count = 0
  for _ in next, value do
    count = count + 1
  end
  for index = 1, count do
    if rawget(value, index) == nil then
      usage(field, field .. " must be a list with the keys 1 to n and no other")
    end
  end
  return count
end

local function sorted_keys(field, value)
  local keys = {}
  for key in next, value do
    if type(key) ~= "string" then
      usage(field, field .. " must have string keys only")
    end
    keys[#keys + 1] = check_text(field, key)
  end
  return core.sorted(keys)
end

local json_text

--- JSON of any shape: a table with the keys 1 to n is an array, any other one (the empty one too) an object.
local function free_text(field, value, depth)
  if type(value) ~= "table" then
    if type(value) == "number" then
      return number_text(field, value)
    elseif value == null or type(value) == "boolean" then
      return core.encode(value)
    end
    return core.encode(check_text(field, value))
  end
  local parts = {}
  if rawget(value, 1) ~= nil then
    for index = 1, list_length(field, value) do
      parts[index] =
        json_text(("%s[%d]"):format(field, index), "object", rawget(value, index), depth)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for index, key in ipairs(sorted_keys(field, value)) do
    local member = json_text(field .. "." .. key, "object", rawget(value, key), depth)
    parts[index] = core.encode(key) .. ":" .. member
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function field_names(fields)
  local names = {}
  for index, field in ipairs(fields) do
    names[index] = field[1]
  end
  return names
end

--- Refuses keys of `value` that `names` does not hold.
local function refuse_unknown(prefix, value, names, what)
  local known = {}
  for _, name in ipairs(names) do
    known[name] = true
  end
  for key in next, value do
    if not known[key] then
      local shown = tostring(key)
      local near = type(key) == "string" and core.nearest(key, names)
      usage(
        prefix .. shown,
        ("%s has no argument %q%s"):format(
          what,
          shown,
          near and (", did you mean %q?"):format(near) or ""
        )
      )
    end
  end
end

--- A JSON object with the members of `fields` in their order; members that are nil are left out.
local function object_text(prefix, fields, value, depth)
  local parts = {}
  for _, field in ipairs(fields) do
    local name, kind, required = field[1], field[2], field[3]
    local member = rawget(value, name)
    if member == nil and required then
      usage(prefix .. name, prefix .. name .. " is required")
    elseif member ~= nil then
      parts[#parts + 1] = core.encode(name) .. ":" .. json_text(prefix .. name, kind, member, depth)
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- JSON text of a value that must have the given type of the rows.
function json_text(field, kind, value, depth)
  if depth > MAX_DEPTH then
    usage(field, "the arguments are nested too deeply")
  end
  if value == null then
    return "null"
  elseif kind == "string" then
    return core.encode(check_text(field, value))
  elseif SCALARS[kind] then
    return SCALARS[kind](field, value)
  elseif kind == "object" then
    return free_text(field, value, depth + 1)
  end
  local parts = {}
  local element = kind:match("^array<(.*)>$")
  if element then
    for index = 1, list_length(field, value) do
      parts[index] =
        json_text(("%s[%d]"):format(field, index), element, rawget(value, index), depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  element = kind:match("^map<string,(.*)>$")
  if element then
    require_table(field, value, "a table")
    for index, key in ipairs(sorted_keys(field, value)) do
      local member = json_text(field .. "." .. key, element, rawget(value, key), depth + 1)
      parts[index] = core.encode(key) .. ":" .. member
    end
    return "{" .. table.concat(parts, ",") .. "}"
  end
  require_table(field, value, "a table")
  local fields = rows.models[kind]
  refuse_unknown(field .. ".", value, field_names(fields), field)
  return object_text(field .. ".", fields, value, depth + 1)
end

--- Percent-encoding of everything but unreserved characters (API reference 3.7).
local function percent_encode(text)
  return (
    text:gsub("[^A-Za-z0-9%-%._~]", function(byte)
      return ("%%%02X"):format(byte:byte())
    end)
  )
end

local function path_text(row, args)
  return (
    row.path:gsub("{([A-Za-z0-9_]+)}", function(name)
      local kind
      for _, field in ipairs(row.in_path) do
        kind = field[1] == name and field[2] or kind
      end
      local text = SCALARS[kind](name, args[name])
      if text == "" or text == "." or text == ".." then
        usage(name, ("%s must not be %q: it is part of the path"):format(name, text))
      end
      return percent_encode(text)
    end)
  )
end

local function query_pairs(row, args)
  local pairs_list = {}
  for _, field in ipairs(row.in_query or {}) do
    local name, kind = field[1], field[2]
    local value = rawget(args, name)
    local element = kind:match("^array<(.*)>$")
    if value ~= nil and element then -- a list repeats the key (API reference 3.3)
      for index = 1, list_length(name, value) do
        local text = SCALARS[element](("%s[%d]"):format(name, index), rawget(value, index))
        pairs_list[#pairs_list + 1] = { name, text }
      end
    elseif value ~= nil then
      pairs_list[#pairs_list + 1] = { name, SCALARS[kind](name, value) }
    end
  end
  return pairs_list
end

--- Content and file name of a file argument: the bytes, or { name =, content = }.
local function file_parts(field, value)
  if type(value) == "string" then
    return value, "file"
  end
  require_table(field, value, "a string of bytes or { name =, content = }")
  refuse_unknown(field .. ".", value, { "name", "content" }, field)
  local name, content = rawget(value, "name"), rawget(value, "content")
  if type(name) ~= "string" or name:find("[" .. ascii.CONTROLS .. '"\\/]') then
    usage(field .. ".name", field .. ".name must be a plain file name")
  elseif type(content) ~= "string" then
    usage(field .. ".content", field .. ".content must be a string of bytes")
  end
  return content, name
end

--- A multipart/form-data body (RFC 7578), one part a field.
local function form_text(row, args)
  local boundary = "codearts-build-" .. core.uuid()
  local parts = {}
  for _, field in ipairs(row.in_body) do
    local name, kind = field[1], field[2]
    local value = rawget(args, name)
    if value ~= nil then
      parts[#parts + 1] = "--" .. boundary .. "\r\n"
      if kind == "file" then
        local content, file_name = file_parts(name, value)
        parts[#parts + 1] = ('Content-Disposition: form-data; name="%s"; filename="%s"\r\n'):format(
          name,
          file_name
        )
        parts[#parts + 1] = "Content-Type: application/octet-stream\r\n\r\n" .. content .. "\r\n"
      else
        local text = SCALARS[kind](name, value)
        parts[#parts + 1] = ('Content-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'):format(
          name,
          text
        )
      end
    end
  end
  parts[#parts + 1] = "--" .. boundary .. "--\r\n"
  return table.concat(parts), "multipart/form-data; boundary=" .. boundary
end

--- Names of the arguments of an operation, in the order path, query, body.
---@param row table row of codearts.build.operations.rows
---@return string[]
function request.argument_names(row)
  local names = {}
  for _, list in ipairs { row.in_path or {}, row.in_query or {}, row.in_body or {} } do
    for _, field in ipairs(list) do
      names[#names + 1] = field[1]
    end
  end
  if row.body_list then
    names[#names + 1] = "body"
  end
  return names
end

--- Types of the arguments of an operation.
---@param row table
---@return table<string, string> name -> type word of the rows
function request.argument_types(row)
  local types = { body = row.body_list }
  for _, list in ipairs { row.in_path or {}, row.in_query or {}, row.in_body or {} } do
    for _, field in ipairs(list) do
      types[field[1]] = field[2]
    end
  end
  return types
end

--- All operation names, sorted.
---@return string[]
function request.operation_names()
  local names = {}
  for name in pairs(rows.operations) do
    names[#names + 1] = name
  end
  return core.sorted(names)
end

--- The row of an operation; raises a usage error that names the nearest one if there is none of that name.
---@param name string
---@return table
function request.row(name)
  local row = type(name) == "string" and rows.operations[name]
  if not row then
    local near = type(name) == "string" and core.nearest(name, request.operation_names())
    usage(
      "operation",
      type(name) == "string"
          and ("there is no operation %q%s"):format(
            name,
            near and (", did you mean %q?"):format(near) or ""
          )
        or "the operation must be named by a string, not " .. kind_of(name)
    )
  end
  return row
end

--- Checks arguments and prepares the request of an operation. Raises usage errors with `field`; sends nothing.
-- Every required argument must be there, no unknown one, each of the type of its row; integers may also come as decimal
-- strings; build.null is JSON null in a body and refused elsewhere.
---@param name string operation, for example "ShowRecordDetail"
---@param args? table
---@return table spec for client:request
---@return table row
function request.prepare(name, args)
  local row = request.row(name)
  args = args == nil and {} or args
  require_table("args", args, "a table")
  refuse_unknown("", args, request.argument_names(row), name)
  for _, list in ipairs { row.in_path or {}, row.in_query or {}, row.in_body or {} } do
    for _, field in ipairs(list) do
      if field[3] and rawget(args, field[1]) == nil then
        usage(field[1], ("%s needs the argument %s"):format(name, field[1]))
      end
    end
  end
  local spec = {
    operation = name,
    method = row.method,
    path = path_text(row, args),
    query = query_pairs(row, args),
    answer = row.bytes and "bytes" or "json",
  }
  if row.multipart then
    local content_type
    spec.body, content_type = form_text(row, args)
    spec.headers = { ["Content-Type"] = content_type }
  elseif row.in_body then
    spec.body = object_text("", row.in_body, args, 1)
  elseif row.body_list then
    if rawget(args, "body") == nil then
      usage("body", name .. " needs the argument body")
    end
    spec.body = json_text("body", row.body_list, args.body, 1)
  end
  return spec, row
end

return request
