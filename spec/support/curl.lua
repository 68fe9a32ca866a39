--- The curl program, to check the servers of the specs with somebody else's client: the system's, with
--- the system's own libcurl even where the specs run with another.

local M = {}

local FORMAT = "\\n%{http_code} %{http_version} %{num_connects}"

---@class spec.Curl
---@field exit integer of curl: 52 nothing came, 18 cut off, 56 reset, 28 timed out, …
---@field status integer of the last answer, 0 for none
---@field http string version of the last answer
---@field body string of all answers, with their heads if asked for by -i
---@field connects integer new connections of the last transfer

---@param arguments string for the shell
---@return function finish answers what came, once curl has ended
function M.begin(arguments)
  local pipe = assert(
    io.popen(
      ("env -u LD_LIBRARY_PATH curl -sS -w '%s' %s 2>/dev/null; echo \" $?\""):format(
        FORMAT,
        arguments
      ),
      "r"
    )
  )
  return function()
    local text = pipe:read("*a")
    pipe:close()
    local body, status, http, connects, exit = text:match("^(.*)\n(%d+) (%S+) (%d+) (%d+)\n$")
    return {
      body = body,
      status = tonumber(status),
      http = http,
      connects = tonumber(connects),
      exit = tonumber(exit),
    }
  end
end

---@param arguments string for the shell
---@return spec.Curl
function M.run(arguments)
  return M.begin(arguments)()
end

return M
