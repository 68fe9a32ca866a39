--- Reads the log of a build, page by page (API reference 7.6).
local core = require "codearts.build.core"
local LogLines = require "codearts.build.lifecycle.log_lines"
local Pause = require "codearts.build.lifecycle.pause"
local characters = require "codearts.build.lifecycle.characters"
local ending = require "codearts.build.lifecycle.ending"
local operation_request = require "codearts.build.operations.request"
local record = require "codearts.build.lifecycle.record"
local steps = require "codearts.build.lifecycle.steps"

local FIRST_PAUSE = 0.5
-- Looks in a row that may fail or bring nothing for a build that is over before we stop believing in the rest.
local MAX_FRUITLESS = 10
local MAX_FAILURES = 30
local MAX_ATTEMPTS = 4 -- at the log of a step
local ELLIPSIS = "…" -- behind which masks look for the beginning of a secret
-- Seconds between two looks at a log that is quiet: somebody reads it as it comes.
local LONGEST_PAUSE = 5

---@class codearts.build.LogOptions
---@field on_line? fun(line: string) gets every line, without its end; then the lines are counted, not kept
---@field follow? boolean go on until the build is over (default false: what is there now)
---@field step? string|integer only this step: its number from 1, or its name or stage key, if that fits one step only
---@field stage? codearts.build.Stage only this one. For this library's own modules
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
    "cut" -- a character that is cut by the page's end is joined with the next page
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
  local verdict, problem = ending.verdict(await, target, detail)
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

--- Reads pages and hands their text to `take`, which may answer why to go no further.
--- Without `follow` a build that runs is read as far as it has come.
local function read_pages(await, target, opts, take, watch)
  local follow = opts.follow
  local offset, over, fruitless, failures, unknown = 0, false, 0, 0, 0
  local pause = Pause.new(FIRST_PAUSE, LONGEST_PAUSE)
  while true do
    over = over or watch ~= nil and watch.over == true
    local page, err = fetch_page(await, target, offset, opts.length)
    if watch and not (err and err.kind == "cancelled") then
      watch.trouble = err
    end
    local more = page and page.more
    if err and not (follow and may_come(err)) then
      return nil, err
    elseif page and page.content ~= "" then
      err = take(page.content)
      if err then
        return nil, err
      end
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
      local sleep_error = sleep(await, target, pause:next(err), watch)
      if sleep_error then
        return nil, sleep_error
      end
    end
  end
end

--- Asks for the log of a step and hands it to `receive`, from its byte `skip` + 1 on. Answers how many bytes came.
local function stream_step(await, target, args, skip, receive)
  local bytes, raised, problem, call = 0, false, nil, nil
  local spec = operation_request.prepare("DownloadTaskLog", args)
  function spec.stream(piece)
    local before = math.max(skip - bytes, 0)
    bytes = bytes + #piece
    local ok, on = pcall(receive, piece:sub(before + 1))
    if ok then
      return on
    end
    raised, problem = true, on
    call:cancel()
  end
  call = target.client:request(spec)
  local _, err = await(call)
  if raised then
    error(problem, 0)
  end
  return bytes, err
end

--- The log of one step comes whole, however long, by the record id of the build (API reference 7.6, DownloadTaskLog). One that
--- breaks off is asked for again: what came of it, the engine does not ask for twice.
local function read_step(await, target, opts, receive)
  local stage, err = opts.stage, nil
  if not stage then
    stage, err = steps.find(await, target, opts.step)
  end
  if not stage then
    return nil, err
  end
  local args = { record_id = stage.record_id, task_name = stage.key }
  local pause, had = Pause.new(FIRST_PAUSE), 0
  for attempt = 1, MAX_ATTEMPTS do
    local bytes
    bytes, err = stream_step(await, target, args, had, receive)
    if not err then
      return true
    elseif bytes == 0 or not err.retryable or attempt == MAX_ATTEMPTS then
      break
    end
    had = math.max(had, bytes)
    local sleep_error = sleep(await, target, pause:next(err))
    if sleep_error then
      return nil, sleep_error
    end
  end
  return nil, err
end

--- A line as it is told. The log may go on behind the rest, with the rest of a secret.
local function hidden(hide, line, unended)
  if not unended then
    return hide(line)
  end
  local text = hide(line .. ELLIPSIS)
  return text:sub(-#ELLIPSIS) == ELLIPSIS and text:sub(1, -#ELLIPSIS - 1) or text
end

--- The flow behind result:log.
---@param target table { client, job_id, build_no }
---@param opts codearts.build.LogOptions
---@param watch { over: boolean?, sleep: table?, trouble: table? }? of somebody who waits for the same build: then nobody asks here
--- whether it is over; who knows sets `over` and cancels `sleep`. `trouble`: what the last look ended with
---@return fun(await: function): string|integer|nil, table?
local function log(target, opts, watch)
  return record.about_build(target, function(await, stopped)
    local client, lines, kept, count = target.client, LogLines.new(characters.joiner()), {}, 0
    local hide = client.masker and client.masker.line
    --- Hands over lines; false: the step's time was over before the last.
    local function deliver()
      while not stopped() do
        local line, unended = lines:next()
        if line == nil then
          return
        elseif line then
          count = count + 1
          line = hide and hidden(hide, line, unended) or line
          if opts.on_line then
            opts.on_line(line)
          else
            kept[count] = line
          end
        end
        if client:is_spent() then
          return false
        end
      end
      return false
    end
    --- The same over as many steps as it takes.
    local function deliver_all()
      while deliver() == false do
        local _, err = await(client:sleep(0))
        if err then
          return err
        end
      end
    end
    local ok, err
    if opts.step or opts.stage then
      ok, err = read_step(await, target, opts, function(bytes)
        lines:add(bytes)
        return deliver()
      end)
    else
      ok, err = read_pages(await, target, opts, function(content)
        lines:add(content)
        return deliver_all()
      end, watch)
    end
    if err and err.kind == "cancelled" then
      return nil, err
    end
    lines:finish()
    local cut_off = deliver_all()
    if not ok or cut_off then
      return nil, err or cut_off
    elseif opts.on_line then
      return count
    end
    kept[count + 1] = "" -- for the last end of line
    return table.concat(kept, "\n")
  end)
end

return log
