--- When Neovim ends: clients are closed, and who ends it learns which starts had no answer yet.
local M = {}

local clients = setmetatable({}, { __mode = "k" }) -- client -> its starts in flight: call -> words
local waiting = false

--- What a message calls a start.
local function words_for(args, opts)
  local key = type(opts) == "table" and rawget(opts, "key")
  local job = tostring(args.job_id)
  return key and ("job %s, key %s"):format(job, tostring(key)) or "job " .. job
end

--- Closes the client; adds the words for those of its starts that may have started a build.
local function close(client, starts, unknown)
  local calls = {}
  for call, words in pairs(starts) do
    calls[#calls + 1] = { call = call, words = words }
  end
  -- What a callback raises now has nobody left to read it.
  pcall(client.close, client)
  for _, one in ipairs(calls) do
    local _, err = one.call:try_wait()
    if err and err.outcome == "unknown" then
      unknown[#unknown + 1] = one.words
    end
  end
end

--- Messages vanish with the screen, so one that matters waits for a key; not where a signal ends Neovim.
local function tell(text)
  if #vim.api.nvim_list_uis() > 0 and vim.v.dying == 0 then
    vim.fn.confirm(text, "&Quit", 1, "Warning")
  else
    io.stderr:write(text, "\n")
  end
end

local function leave()
  local unknown = {}
  repeat -- a callback may have made another client
    local client, starts = next(clients)
    if client then
      clients[client] = nil
      close(client, starts, unknown)
    end
  until not client
  if unknown[1] then
    table.sort(unknown)
    tell(
      "CodeArts: Neovim ends without knowing whether a build was started:\n"
        .. table.concat(unknown, "\n")
    )
  end
end

local function await_end()
  vim.api.nvim_create_autocmd("VimLeavePre", {
    group = vim.api.nvim_create_augroup("codearts_leaving", {}),
    desc = "CodeArts Build: close the connections, tell which starts are unknown",
    callback = leave,
  })
end

--- Has a client closed when Neovim ends. Its starts are noted from now on.
---@param client codearts.build.Client
function M.watch(client)
  if not waiting then
    waiting = true
    if vim.in_fast_event() then
      vim.schedule(await_end)
    else
      await_end()
    end
  end
  local starts, start = {}, client.start
  clients[client] = starts
  function client.start(self, args, opts, operation)
    local call = start(self, args, opts, operation)
    starts[call] = words_for(args, opts)
    return call:on_done(function()
      starts[call] = nil
    end)
  end
end

return M
