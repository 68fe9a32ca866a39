--- Names of buffers: `codearts://` is a project, `codearts://JOB` a job, `codearts://JOB/NUMBER` a build. Pure.
local address = {}

---@class codearts.build.nvim.Address
---@field job? string as it was written: an id or a name
---@field number? integer

--- A job's name may hold what would end it, or what the editor takes for something else.
local function escaped(job)
  return (
    job:gsub("[%%/?#%z\1-\32]", function(char)
      return ("%%%02X"):format(char:byte())
    end)
  )
end

local function unescaped(text)
  return (text:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

---@param job? string
---@param number? integer
---@return string
function address.of(job, number)
  local text = "codearts://" .. (job and escaped(job) or "")
  return number and ("%s/%d"):format(text, number) or text
end

--- What a buffer is about; nil and the problem for a name that makes no sense.
---@param name string
---@return codearts.build.nvim.Address?
---@return string? problem
function address.read(name)
  local rest = name:match "^codearts://(.*)$"
  if not rest then
    return nil, "no name of a build: " .. name
  elseif rest == "" then
    return {}
  end
  local job, number = rest:match "^([^/]+)/(%d+)$"
  job = job or rest:match "^([^/]+)/?$"
  number = number and tonumber(number)
  if not job or number and (number < 1 or number > 2147483647) then
    return nil, "expected codearts://, codearts://JOB or codearts://JOB/NUMBER, got " .. name
  end
  return { job = unescaped(job), number = number }
end

return address
