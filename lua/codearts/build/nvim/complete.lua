--- What may stand at a place of `:CodeArts`. Never waits: what is not known yet is asked for, and there the next time.
local jobs = require "codearts.build.nvim.jobs"
local kinds = require "codearts.build.cli.kinds"
local names = require "codearts.build.cli.names"
local reference = require "codearts.build.cli.reference"
local session = require "codearts.build.nvim.session"
local settings = require "codearts.build.nvim.settings"

local MOST = 100 -- builds that are asked for

-- What is being asked for, or was.
local asked = {}

local function ask(what, key, start)
  key = what .. key
  if asked[key] then
    return
  end
  asked[key] = true
  local ok, call = pcall(start, session.client())
  if ok then
    call:on_done(function(_, err)
      asked[key] = err == nil and asked[key] or nil
    end)
  else
    asked[key] = nil
  end
end

local function project()
  return settings.get().project
end

--- Jobs of the last listings, by name where a project says which names are meant.
local function known_jobs()
  local id, list = project(), {}
  for _, job in ipairs(names.all()) do
    if not id then
      list[#list + 1] = job.id
    elseif job.project == id then
      list[#list + 1] = reference.word(job.name)
    end
  end
  if id then
    ask("jobs ", id, function(client)
      local call = client:jobs(id, { async = true, limit = MOST })
      return call:on_done(function(answer)
        if answer then
          names.remember(id, client:mask_credentials(answer.jobs), #answer.jobs == answer.total)
        end
      end)
    end)
  end
  return list
end

--- The id of a job that is written by id or by a name that a listing told.
local function id_of(word)
  local found = reference.job(word)
  if not found or found.id then
    return found and found.id
  end
  for _, job in ipairs(names.all()) do
    if job.name == found.name and (not project() or job.project == project()) then
      return job.id
    end
  end
end

local function known_numbers(job_id)
  ask("numbers ", job_id, function(client)
    local call = client:history(job_id, { async = true, limit = MOST, days = 30 })
    return call:on_done(function(answer)
      for _, item in ipairs(answer and answer.records or {}) do
        if item.build_number and item.build_number > 0 then
          jobs.saw(job_id, item.build_number)
        end
      end
    end)
  end)
  local list = {}
  for index, number in ipairs(jobs.numbers(job_id)) do
    list[index] = tostring(number)
  end
  return list
end

local function known_parameters(job_id)
  ask("parameters ", job_id, function(client)
    local args = { job_id = job_id, get_all_params = "true" }
    local call = client:call("ShowJobConfig", args, { async = true })
    return call:on_done(function(body)
      local declared = require("codearts.build.cli.parameters").declared
      local list = declared(type(body) == "table" and body.result) or {}
      jobs.declares(job_id, client:mask(list, body))
    end)
  end)
  local list = {}
  for index, name in ipairs(jobs.parameters(job_id) or {}) do
    list[index] = name .. "="
  end
  return list
end

local function options(rows)
  local list = {}
  for _, row in ipairs(rows) do
    if row.name:sub(1, 1) == "-" then
      list[#list + 1] = row.name
    end
  end
  return list
end

--- The words that stand before the last blank, as the editor tells them apart.
local function split(text)
  local list, word = {}, ""
  for escape, char in text:gmatch "(\\?)(.)" do
    if escape == "" and char:find "[ \t]" then
      list[#list + 1] = word ~= "" and word or nil
      word = ""
    else
      word = word .. (char:find "[\\ \t]" and "" or escape) .. char
    end
  end
  return list
end

local function argument_at(rows, count)
  for _, row in ipairs(rows) do
    if row.name:sub(1, 1) ~= "-" then
      if count == 0 or row.many then
        return row
      end
      count = count - 1
    end
  end
end

local function of_argument(name, rows, words)
  local row = argument_at(rows, #words)
  local job = (name == "key" and words[2] or words[1])
  local id = job and id_of(job)
  if name == "run" and id then
    return known_parameters(id)
  elseif not row then
    return {}
  elseif row.kind == kinds.job then
    return known_jobs()
  elseif row.name == "build_no" and id then
    return known_numbers(id)
  end
  return row.values or {}
end

--- Candidates that begin with what is typed.
---@param command table codearts.build.nvim.command
---@param lead string what is typed of the word
---@param line string the command line up to the cursor
---@return string[]
return function(command, lead, line)
  local words = split(line:sub(1, #line - #lead):match "CodeArts!? +(.*)$" or "")
  local name = table.remove(words, 1)
  local list
  if not name then
    list = command.NAMES
  elseif command.WORDS[name] then
    local rows, sorted = command.WORDS[name].rows(), command.sorted(name, words)
    if lead:sub(1, 1) == "-" then
      list = options(rows)
    elseif sorted.waiting then
      list = sorted.waiting.values or {}
    else
      list = of_argument(name, rows, sorted.arguments)
    end
  end
  local fitting = {}
  for _, word in ipairs(list or {}) do
    word = word:gsub("[ \\]", "\\%0")
    if word:sub(1, #lead) == lead then
      fitting[#fitting + 1] = word
    end
  end
  return fitting
end
