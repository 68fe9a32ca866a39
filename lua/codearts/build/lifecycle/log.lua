--- Reads the log of a build, page by page (API reference 7.6).
local core = require "codearts.build.core"
local LogLines = require "codearts.build.lifecycle.log_lines"
local Pause = require "codearts.build.lifecycle.pause"
local mend = require "codearts.build.operations.mend"
local operation_call = require "codearts.build.operations.call"
local record = require "codearts.build.lifecycle.record"
local steps = require "codearts.build.lifecycle.steps"

local FIRST_PAUSE = 0.5
-- Looks in a row that may fail or bring nothing for a build that is over before we stop believing in the rest.
local MAX_FRUITLESS = 10
local MAX_FAILURES = 30
-- Seconds between two looks at a log that is quiet: somebody reads it as it comes.
local LONGEST_PAUSE = 5

---@class codearts.build.LogOptions
---@field on_line? fun(line: string) gets every line, without its end; then the lines are counted, not kept
---@field follow? boolean go on until the build is over (default false: what is there now)
---@field step? string|integer only this step: its number from 1, or its name or stage key, if that fits one step only
---@field length? integer about as much in one request; default: as the service likes. For this library's own modules
---@field async? boolean

local function protocol_error(message)
  return core.error {
    kind = "protocol",
    reason = "bad_json",
    operation = "DownloadRealTimeLog",
    retryable = true,
    message = message,
  }
end

--- One page: { content, offset, more }.
local function fetch_page(await, target, offset, length)
  local result, err = record.fetch_result(
    await,
    target,
    "DownloadRealTimeLog",
    { job_id = target.job_id, build_no = target.build_no, offset = offset, length = length },
    nil,
    "broken" -- a character that is cut by the page's end is joined with the next page
  )
  if not result then
    return nil, err
  end
  local content = record.text(result.content) or ""
  local next_offset = record.integer(result.offset) or offset
  if content ~= "" and next_offset <= offset then
    return nil, protocol_error("the log's offset did not move past " .. offset)
  end
  return {
    content = content,
    offset = next_offset,
    more = record.truth(result.has_more_data) == true,
  }
end

--- Whether the build is over, and an error if that cannot be learned. Who reads only as far as the log has come needs to know
-- no more than what the record says.
local function is_over(await, target, follow)
  local detail, err = record.fetch(await, target)
  if not detail then
    return nil, err
  end
  local verdict, problem = record.verdict(await, target, detail)
  return verdict ~= nil, follow and problem or nil
end

--- A log that does not exist yet is answered like one that never will; which statuses that means is not documented.
local function may_come(err)
  return record.may_pass(err) or err.kind == "api"
end

--- Sleeps, but not beyond the moment at which `watch` learns that the build is over.
local function sleep(await, target, seconds, watch)
  local call = target.client:sleep(seconds)
  if not watch then
    return select(2, await(call))
  end
  watch.sleep = call
  local _, err = await(call)
  watch.sleep = nil
  return not watch.over and err or nil
end

--- Reads pages and hands their text to `take`. Without `follow` a build that runs is read as far as it has come.
local function read_pages(await, target, opts, take, watch)
  local follow = opts.follow
  local offset, over, fruitless, failures, unknown = 0, false, 0, 0, 0
  local pause = Pause.new(FIRST_PAUSE, LONGEST_PAUSE)
  while true do
    over = over or watch ~= nil and watch.over == true
    local page, err = fetch_page(await, target, offset, opts.length)
    local more = page and page.more
    if err and not (follow and may_come(err)) then
      return nil, err
    elseif page and page.content ~= "" then
      take(page.content)
      offset, fruitless, unknown = page.offset, 0, 0
      pause:reset()
    elseif over then
      fruitless = fruitless + 1
    end
    failures = err and (over or not watch) and failures + 1 or 0
    if fruitless > MAX_FRUITLESS or failures > MAX_FAILURES then
      return nil, err or protocol_error("the service promises more log and sends none")
    elseif page and not more and (over or not follow) then
      return true
    end
    local was_over = over
    if not over and not watch and not (more and page.content ~= "") then
      over, err = is_over(await, target, follow)
      unknown = err and unknown + 1 or 0 -- a quiet log that can be read says nothing about its build
      if err and (not record.may_pass(err, target) or unknown > MAX_FAILURES) then
        return nil, err
      elseif not over and not follow then
        return true
      end
      over = over or false
      failures = err and failures or 0 -- of a build that waits in a queue there may be no log for long
    end
    if
      over == was_over
      and not (more and page.content ~= "")
      and not (watch and watch.over and not over)
    then
      local sleep_error = sleep(await, target, pause:next(nil, err), watch)
      if sleep_error then
        return nil, sleep_error
      end
    end
  end
end

--- The log of one step comes whole, by the record id of the build (API reference 7.6, DownloadTaskLog).
local function read_step(await, target, step, take)
  local detail, err = record.fetch(await, target)
  if not detail then
    return nil, err
  end
  local record_id = record.text(detail.build_record_id)
  if not record_id then
    return nil, protocol_error("the record of the build has no build_record_id")
  end
  local key, bytes
  key, err = steps.key(await, target, record_id, step)
  if not key then
    return nil, err
  end
  bytes, err = await(
    operation_call.start(
      target.client,
      "DownloadTaskLog",
      { record_id = record_id, task_name = key }
    )
  )
  if not bytes then
    return nil, err
  end
  take(bytes)
  return true
end

--- The flow behind result:log.
---@param target table { client, job_id, build_no }
---@param opts codearts.build.LogOptions
---@param watch { over: boolean?, sleep: table? }? of somebody who waits for the same build: then nobody asks here whether it is
--- over; who knows sets `over` and cancels `sleep`
---@return fun(await: function): string|integer|nil, table?
local function log(target, opts, watch)
  return function(await)
    local lines, kept, count = LogLines.new(), {}, 0
    local function deliver(list)
      for _, line in ipairs(list) do
        count = count + 1
        if opts.on_line then
          opts.on_line(line)
        else
          kept[count] = line
        end
      end
    end
    local characters = mend.joiner()
    local ok, err
    if opts.step then
      ok, err = read_step(await, target, opts.step, function(bytes)
        deliver(lines:add(bytes))
      end)
    else
      ok, err = read_pages(await, target, opts, function(content)
        deliver(lines:add(characters.add(content)))
      end, watch)
    end
    deliver(lines:add(characters.finish()))
    deliver(lines:finish())
    if not ok then
      return nil, err
    end
    if opts.on_line then
      return count
    end
    return count > 0 and table.concat(kept, "\n") .. "\n" or ""
  end
end

return log
