-- What every Lua client of the bench shares: the request, and the line that tells what it measured.

local M = {}

---The arguments of the RunJob that everybody sends, in the form that `run` takes.
function M.args(cjson_null)
  return {
    job_id = "f9d6c8466d614a9788e9a0acf6c15f46",
    parameter = { { name = "codeBranch", value = "master" } },
    scm = { build_tag = cjson_null, build_commit_id = "build_commit_id" },
  }
end

---Whether a decoded answer is the one that the server gives.
function M.verify(answer)
  if answer.actual_build_number ~= "20" then
    error "not the answer of the server"
  end
end

local function proc_status(field)
  local file = io.open("/proc/self/status", "r")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return tonumber(text:match(field .. ":%s*(%d+)")) or 0
end

---Resident memory of this process now, KiB.
function M.resident()
  return proc_status("VmRSS")
end

---Makes `warm` calls, then measures `calls`, one after another.
---@param call fun()
function M.sequential(calls, warm, now, call)
  for _ = 1, warm do
    call()
  end
  M.report(calls, now, function()
    for _ = 1, calls do
      call()
    end
  end)
end

---Runs `work` and prints `calls=… seconds=… cpu=… peak_kib=…` and what work returns (a table).
---@param calls integer
---@param now fun(): number
---@param work fun(): table|nil
function M.report(calls, now, work)
  local start, cpu = now(), os.clock()
  local more = work() or {}
  local seconds = now() - start
  cpu = os.clock() - cpu
  local line = string.format(
    "calls=%d seconds=%.6f cpu=%.6f peak_kib=%d",
    calls,
    seconds,
    cpu,
    proc_status("VmHWM")
  )
  for name, value in pairs(more) do
    line = line .. " " .. name .. "=" .. tostring(value)
  end
  print(line)
end

return M
