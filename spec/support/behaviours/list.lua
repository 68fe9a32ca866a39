--- Lists of behaviours (behaviours.lua), and what their rows are made of.

local M = {}

--- What the service answers to a start.
M.RESULT = '{"octopus_job_name":"j_Oaqg3PCN","actual_build_number":"20",'
  .. '"daily_build_number":"20200612.20"}'

--- The body of a refusal.
---@param code string
---@param message string
---@return string
function M.failure(code, message)
  return ('{"error_code":"%s","error_msg":"%s","request_id":"0f3c"}'):format(code, message)
end

---@class spec.Behaviour
---@field name string
---@field at "accept"|"start"|"bytes"|"head"|"body"
---@field about string
---@field run function(exchange, args)
---@field over "h1"|"h2"|nil
---@field context string|nil TLS context of the connection

--- A new list and two functions that add to it, the second a whole answer, which arguments may change.
---@return spec.Behaviour[] rows
---@return fun(name: string, at: string, about: string, run: function, over?: string) row
---@return fun(name: string, about: string, status: integer, body?: string, headers?: table, kind?: string) answer
function M.new()
  local rows = {}

  local function row(name, at, about, run, over)
    rows[#rows + 1] = { name = name, at = at, about = about, run = run, over = over }
  end

  local function answer(name, about, status, body, headers, kind)
    row(name, "body", about, function(c, args)
      c:reply(args.status or status, args.body or body, args.headers or headers, args.kind or kind)
    end)
  end

  return rows, row, answer
end

return M
