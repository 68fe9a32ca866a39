-- Runs one case in one host and tells the longest step: HOST CASE FILE, where FILE holds what the
-- case is to know, as JSON. Lines of the trace, if it is on, are looked for in its member `trace`.

local M = {}

-- Watches functions: how long the longest took, how much of the processor the busiest, and what the
-- trace had in that time. On a machine that does other things, too, the second is nearer to the truth;
-- what sleeps shows in the first only.
local function watcher(now, trace)
  local W = { longest = 0, busiest = 0, steps = 0, trace = "", what = "" }
  local file = trace and io.open(trace, "r")

  function W.run(what, f, ...)
    local at = file and file:seek "end"
    local cpu, began = os.clock(), now()
    local ok, answer = pcall(f, ...)
    local took, used = now() - began, os.clock() - cpu
    W.steps = W.steps + 1
    W.longest = math.max(W.longest, took)
    if used > W.busiest then
      W.busiest, W.what, W.trace = used, what, ""
      if file then
        file:seek("set", at)
        W.trace = file:read "*a"
      end
    end
    if not ok then
      error(answer, 0)
    end
    return answer
  end
  return W
end

-- How each host makes a client and goes on until something is so.
local HOSTS = {
  plain = function()
    local build = require "codearts.build"
    local socket = require "socket"
    local client, watched
    return function(options)
      client = build.new(options)
      local fd = client:pollfd()
      watched = {
        {
          getfd = function()
            return fd
          end,
        },
      }
      return client
    end, function(done)
      repeat
        socket.select(watched, nil, math.min(client:timeout() or 1, 1))
        client:step(0)
      until done()
    end
  end,
  love = function()
    local build = require "codearts.build"
    local client
    return function(options)
      client = build.new(options)
      return client
    end, function(done)
      repeat
        coroutine.yield() -- the frame is drawn
        client:step(0)
      until done()
    end
  end,
  luv = function()
    local uv = require "luv"
    return require("codearts.build.luv").new,
      function(done)
        repeat
          uv.run "once"
        until done()
      end
  end,
  nvim = function()
    return require("codearts.build.nvim").new,
      function(done)
        assert(vim.wait(600000, done, 1))
      end
  end,
  nginx = function()
    return require("codearts.build.resty").new,
      function(done)
        repeat
          ngx.sleep(0.002)
        until done()
      end
  end,
}

-- "queued -> in_flight x20, …" of the trace's lines.
local function states(trace)
  local names, count = {}, {}
  for change in trace:gmatch "([%l_]+ %-> [%l_]+)" do
    if not count[change] then
      names[#names + 1] = change
    end
    count[change] = (count[change] or 0) + 1
  end
  for i, name in ipairs(names) do
    names[i] = count[name] > 1 and ("%s x%d"):format(name, count[name]) or name
  end
  return table.concat(names, ", ")
end

---@param host "plain"|"love"|"luv"|"nvim"|"nginx"
---@param number integer of the case
---@param path string
---@return string line `calls=… longest=… busiest=… steps=… what=… states=…`
function M.run(host, number, path)
  local cjson = require "cjson"
  local core = require "codearts.build.core"
  local file = assert(io.open(path))
  local place = cjson.decode(file:read "*a")
  file:close()
  local W = watcher(core.now, place.trace)
  local new, till = HOSTS[host]()
  place.now, place.till, place.watched = core.now, till, W.run
  function place.new(options)
    options.proxy = options.proxy or false
    options.trace = place.trace ~= nil
    local client = new(options)
    local step = client.step
    function client.step(self, timeout)
      return W.run("step", step, self, timeout or 0)
    end
    return client
  end
  require("bench.steps.cases")[number].run(place)
  return ("calls=1 longest=%.3f busiest=%.3f steps=%d what=%s states=%s"):format(
    W.longest * 1000,
    W.busiest * 1000,
    W.steps,
    W.what,
    states(W.trace)
  )
end

local given = arg or {}
if given[0] and given[0]:match "steps/client%.lua$" then
  print(M.run(given[1], tonumber(given[2]), given[3]))
end

return M
