-- The service that `bench/longest_step.lua` talks to: answers beside those of bench/server.lua that
-- are large, long, or what sources of credentials ask for. nginx's locations, and what they read.

local M = {}

local SIZE = 8 * 1024 * 1024 - 100 -- the default of max_response_bytes, and a little less

-- What nginx's Lua runs for a path.
local CONTENT = {
  ["/long-log"] = [[
    local line = "[2026/01/01 00:00:00.000] [INFO] [build] line %d of a log that goes on\n"
    local lines, size = {}, 0
    for i = 1, 1000 do
      lines[i] = line:format(i)
      size = size + #lines[i]
    end
    local piece = table.concat(lines)
    for _ = 1, LOG_MIB * 1048576 / size do
      ngx.print(piece)
      ngx.flush(true)
    end]],
  ["/v3/auth/tokens"] = [[
    ngx.status = 201
    ngx.header["X-Subject-Token"] = "a-fake-token"
    ngx.print('{"token":{"issued_at":"2026-01-01T00:00:00.000000Z","expires_at":"2026-01-02T00:00:00.000000Z"}}')]],
  ["/v3.0/OS-AUTH/id-token/tokens"] = [[
    ngx.status = 201
    ngx.header["X-Subject-Token"] = "a-fake-token"
    ngx.print('{"token":{}}')]],
  ["/v3.0/OS-CREDENTIAL/securitytokens"] = [[ngx.print(KEY)]],
  ["/meta-data/latest/api/token"] = [[ngx.print("a-fake-token")]],
  ["/openstack/latest/securitykey"] = [[ngx.print(KEY)]],
  ["/pod-identity"] = [[ngx.print(KEY)]],
  ["~ /record-info$"] = [[
    ngx.print('{"status":"success","result":{"build_no":20,"build_record_id":"record","status":"FAILURE"}}')]],
}

local KEY = [[
    local KEY = '{"credential":{"access":"AK","secret":"a-fake-secret","securitytoken":"t","expires_at":"%s"}}']]

local LINE = "[2026/01/01 00:00:00.000] [INFO] [build] a line of a log, as long as most of them are"

local FILES = {
  ["step-log"] = function()
    return (LINE .. "\n"):rep(math.floor(16 * 1024 * 1024 / #LINE))
  end,
  page = function()
    return ('{"status":"success","result":{"content":"%s","offset":1,"has_more_data":false}}'):format(
      (LINE .. "\\n"):rep(math.floor(1000000 / #LINE)) -- the service's default
    )
  end,
  crowd = function()
    local members = {}
    for i = 1, 13000 do
      members[i] = ('"%x":{}'):format(i)
    end
    return "{" .. table.concat(members, ",") .. "}"
  end,
  text = function()
    return '{"text":"' .. ("x"):rep(SIZE) .. '"}'
  end,
  objects = function()
    local row = '{"id":12345,"name":"a name","ok":true}'
    local rows = math.floor(SIZE / (#row + 1))
    return '{"rows":[' .. (row .. ","):rep(rows - 1) .. row .. "]}"
  end,
  error = function()
    return '{"error_code":"DEV.CB.0000","error_msg":"' .. ("x"):rep(SIZE) .. '"}'
  end,
}

---Writes the files that are answered, into a folder.
---@param folder string
function M.write(folder)
  for name, make in pairs(FILES) do
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(make())
    file:close()
  end
end

---@param folder string where `write` was told to write
---@param log_mib integer
---@return string locations
function M.locations(folder, log_mib)
  local key = KEY:format(os.date("!%Y-%m-%dT%H:%M:%S.000000Z", os.time() + 86400))
  local parts = {
    ("location = /text { alias %s/text; }"):format(folder),
    ("location = /objects { alias %s/objects; }"):format(folder),
    "location = /error { error_page 500 /error-body; return 500; }",
    ("location = /error-body { alias %s/error; }"):format(folder),
    "location = /crowd { error_page 500 /crowd-body; return 500; }",
    ("location = /crowd-body { alias %s/crowd; }"):format(folder),
    ("location ~ /real-time-log$ { alias %s/page; }"):format(folder),
    ("location ~ /task-log$ { alias %s/step-log; }"):format(folder),
  }
  for path, code in pairs(CONTENT) do
    parts[#parts + 1] = ("location %s { content_by_lua_block { ngx.req.read_body()\n%s\n%s } }"):format(
      path:find "^~" and path or "= " .. path,
      code:find "KEY" and key or "",
      (code:gsub("LOG_MIB", log_mib))
    )
  end
  return table.concat(parts, "\n")
end

return M
