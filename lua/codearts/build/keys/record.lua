--- The record behind a key: what a store keeps as text. Pure but for the random salt of a new one.
---
---     { v, scope, key, state = "open" | "done" | "free", attempt, nonce, run_id, run_id_parameter,
---       fingerprint, signed_at, fence_at, endpoint, started_at, owner = { host, pid }, build = { … },
---       run_id_hidden }
---
--- `endpoint` is where the attempt was sent, if that is not the scope's without a path. Times are seconds since 1970 by the
--- service's clock, but for `signed_at`, which is what was signed. No value of a parameter is in it: the
--- fingerprint holds truncated, salted hashes. Who can read the store can test guesses of a short one.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"

local record = {}

local VERSION = 1
local LONGEST = 64 * 1024
local LONGEST_REST = 6144 -- of a record, beside its fingerprint
local LONGEST_NAME = 200 -- of what the service calls a build
local LATEST = 253402300799 -- the end of the year 9999, as the calendar has it
local MOST_ATTEMPTS = 2 ^ 31
local HASH_DIGITS = 16
local DEFAULT_PORTS = { http = "80", https = "443" }

--- The service, however its address is spelled, and the path to it there.
local function service_at(address)
  local origin, path = address:match "^([A-Za-z]+://[^/]*)/?(.*)$"
  local scheme, authority = ascii.lower(origin):match "^([a-z]+)://(.*)$"
  local host, port = authority:match "^(.-):(%d+)$"
  host = (host or authority):gsub("(.)%.$", "%1") -- a name's last dot changes nothing
  return ("%s://%s:%s/"):format(scheme, host, port or DEFAULT_PORTS[scheme]), path
end

local last_address, last_service, last_path, last_job, last_name -- most programs have one

local function service_of(address)
  if address ~= last_address then
    last_service, last_path = service_at(address)
    last_address = address
  end
  return last_service, last_path
end

--- Where a key counts: at one service and for one job. A rehearsal in the sandbox is not the release.
---@param address string of the client's first endpoint: https://HOST[:PORT][/PATH]
---@param job_id string
---@param key string
---@return string
function record.scope(address, job_id, key)
  if job_id ~= last_job then
    last_job, last_name = job_id, ascii.lower(job_id)
  end
  return (service_of(address)) .. last_name .. "/" .. key
end

--- The service at an address with its path, unless it is the scope's, which has none.
---@param scope string
---@param address string
---@return string? service
function record.elsewhere(scope, address)
  local service, path = service_of(address)
  return (scope:sub(1, #service) ~= service or path ~= "") and service .. path or nil
end

--- The run id of a key, the same wherever it is asked for: when the store was lost, the history of the
--- service still shows the build.
---@param scope string
---@return string uuid (RFC 9562, version 8)
function record.run_id(scope)
  local hex = core.sha256("codearts-build run id\n" .. scope)
  local variant = ("89ab"):sub(tonumber(hex:sub(17, 17), 16) % 4 + 1):sub(1, 1)
  return ("%s-%s-8%s-%s%s-%s"):format(
    hex:sub(1, 8),
    hex:sub(9, 12),
    hex:sub(14, 16),
    variant,
    hex:sub(18, 20),
    hex:sub(21, 32)
  )
end

local function hash(salt, name, value)
  return core.sha256(salt .. "\n" .. #name .. "\n" .. name .. "\n" .. value):sub(1, HASH_DIGITS)
end

---@class codearts.build.KeyArguments
---@field parameter table<string, string> as it is sent, without the run id
---@field scm table<string, string|false> as it is sent; false: null
---@field run_id_parameter? string

--- What is to be compared of a request.
---@param body string of the request
---@param run_id_parameter? string
---@return codearts.build.KeyArguments
function record.arguments(body, run_id_parameter)
  local sent = assert(core.decode(body))
  local arguments = { parameter = {}, scm = {}, run_id_parameter = run_id_parameter }
  for _, each in ipairs(sent.parameter or {}) do
    if each.name ~= run_id_parameter then
      arguments.parameter[each.name] = each.value
    end
  end
  for name, value in next, sent.scm or {} do
    arguments.scm[name] = type(value) == "string" and value
  end
  return arguments
end

--- A null and an absent member are two things, and neither is a text.
local function scm_text(value)
  return value and "=" .. value or "null"
end

--- What shows whether other arguments are the same, and tells nothing else.
---@param arguments codearts.build.KeyArguments
---@return table
function record.fingerprint(arguments)
  local salt = core.uuid()
  local print = { salt = salt, parameter = {}, scm = {} }
  for name, value in next, arguments.parameter do
    print.parameter[name] = hash(salt, name, value)
  end
  for name, value in next, arguments.scm do
    print.scm[name] = hash(salt, name, scm_text(value))
  end
  return print
end

--- The first name, in their order, whose value is not the same in both.
local function different(printed, given, hashed)
  local names = {}
  for name in next, printed do
    names[#names + 1] = name
  end
  for name in next, given do
    if printed[name] == nil then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = given[name]
    if value == nil or printed[name] ~= hashed(name, value) then
      return name
    end
  end
end

--- The argument in which a request differs from the one that was recorded, or nil.
---@param kept table a record
---@param arguments codearts.build.KeyArguments
---@return string? field for example "parameter.codeBranch"
function record.difference(kept, arguments)
  local print = kept.fingerprint
  local name = different(print.parameter, arguments.parameter, function(name, value)
    return hash(print.salt, name, value)
  end)
  if name then
    return "parameter." .. name
  end
  name = different(print.scm, arguments.scm, function(member, value)
    return hash(print.salt, member, scm_text(value))
  end)
  if name then
    return "scm." .. name
  elseif kept.run_id_parameter ~= arguments.run_id_parameter then
    return "run_id.parameter"
  end
end

--- The text that a parameter of a build shows, or nil: secret values are shown as asterisks (API reference 7.4).
local function legible(each)
  local value = type(each) == "table" and each.secret ~= true and each.value
  return type(value) == "string" and not value:find("*", 1, true) and value ~= "" and value or nil
end

--- The argument that a build of the history shows to be another, or nil. Only what can be read counts. A
--- service that trims what it shows does not make it another.
---@param shown any[]? the build's parameters, each { name, value, secret } if it is one
---@param arguments codearts.build.KeyArguments
---@return string? field
function record.shown_difference(shown, arguments)
  for _, each in ipairs(shown or {}) do
    local value = legible(each)
    local ours = value and arguments.parameter[each.name]
    if ours and value ~= ours and ascii.trim(value) ~= ascii.trim(ours) then
      return "parameter." .. each.name
    end
  end
end

--- Whether a record of what this body asks for has room in a store. A fingerprint is longer than the body
--- by 300 bytes at most.
---@param body string of the request
---@param fingerprint table
---@return boolean
function record.fits(body, fingerprint)
  return #body < LONGEST / 2 or #core.encode(fingerprint) < LONGEST - LONGEST_REST
end

--- A copy, which the members of records only are in.
---@param kept table
---@return table
function record.copy(kept)
  return {
    v = VERSION,
    scope = kept.scope,
    key = kept.key,
    state = kept.state,
    attempt = kept.attempt,
    nonce = kept.nonce,
    run_id = kept.run_id,
    run_id_parameter = kept.run_id_parameter,
    run_id_hidden = kept.run_id_hidden,
    fingerprint = kept.fingerprint,
    signed_at = kept.signed_at,
    fence_at = kept.fence_at,
    endpoint = kept.endpoint,
    started_at = kept.started_at,
    owner = kept.owner,
    build = kept.build,
  }
end

--- As many bytes of a text as a name may have, without half a character at its end.
local function cut(text)
  local length = LONGEST_NAME
  while text:find("^[\128-\191]", length + 1) do
    length = length - 1
  end
  return text:sub(1, length)
end

--- Whatever the service calls a build, the record of it has room.
local function shorten(build)
  for name, text in next, build do
    if #text > LONGEST_NAME then
      build[name] = cut(text)
    end
  end
end

--- As a store keeps it; nil when it is longer than 64 KiB.
---@param kept table its build's names are cut to what is kept of them
---@return string?
function record.encode(kept)
  kept.v = VERSION
  if kept.build then
    shorten(kept.build)
  end
  local text = core.encode(kept)
  return #text <= LONGEST and text or nil
end

local function is_text(value)
  return type(value) == "string"
end
local function is_time(value)
  return type(value) == "number" and value >= 0 and value <= LATEST
end
local function is_table(value)
  return type(value) == "table"
end

--- A table of texts, by names that are texts.
local function are_texts(value)
  for name, text in next, is_table(value) and value or { false } do
    if not (is_text(name) and is_text(text)) then
      return false
    end
  end
  return true
end

local MEMBERS = {
  scope = is_text,
  key = is_text,
  nonce = is_text,
  attempt = function(value)
    return type(value) == "number" and value >= 0 and value < MOST_ATTEMPTS and value % 1 == 0
  end,
  fingerprint = function(value)
    return is_table(value)
      and is_text(value.salt)
      and are_texts(value.parameter)
      and are_texts(value.scm)
  end,
  owner = function(value)
    return is_table(value) and is_text(value.host) and type(value.pid) == "number"
  end,
}
local OPTIONAL = {
  run_id = is_text,
  run_id_parameter = is_text,
  signed_at = is_time,
  fence_at = is_time,
  endpoint = is_text,
  started_at = is_time,
  -- A build is known by any of these; the service may leave the others out.
  build = function(value)
    return are_texts(value)
      and (value.actual_build_number or value.octopus_job_name or value.daily_build_number) ~= nil
  end,
}
local STATES = { open = true, done = true, free = true }

--- Reads what a store answered.
---@param text any
---@param scope? string that it has to be of
---@return table? kept
---@return string? problem why it is none
function record.decode(text, scope)
  if type(text) ~= "string" or #text > LONGEST then
    return nil, "what it holds is no record"
  end
  local kept = core.decode(text)
  if type(kept) ~= "table" then
    return nil, "what it holds is no record"
  elseif kept.v ~= VERSION then
    return nil, ("its record is not of version %d"):format(VERSION)
  end
  for name, value in next, kept do
    if value == core.null then
      kept[name] = nil
    end
  end
  for name, check in next, MEMBERS do
    if not check(kept[name]) then
      return nil, "its record lacks " .. name
    end
  end
  for name, check in next, OPTIONAL do
    if kept[name] ~= nil and not check(kept[name]) then
      return nil, "its record has a bad " .. name
    end
  end
  if not STATES[kept.state] or (kept.state == "done" and not kept.build) then
    return nil, "its record has a bad state"
  elseif (kept.run_id == nil) ~= (kept.run_id_parameter == nil) then
    return nil, "its record has half of a run id"
  elseif scope and kept.scope ~= scope then
    return nil, "its record is of another key"
  elseif not pcall(core.encode, kept) then -- JSON can write numbers that no reader can keep
    return nil, "its record cannot be written again"
  end
  return kept
end

return record
