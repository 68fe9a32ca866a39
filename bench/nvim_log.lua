-- A log of 100,000 lines in a buffer of Neovim, what each piece of it costs: lua5.4 bench/nvim_log.lua [LINES [COLOURS of each]]
-- (after `eval "$(make -s env)"`). By the processor, since neighbours count by the clock.

local vim = rawget(_G, "vim")

local JOB = "longjob0000000000000000000000001"
local LINES = tonumber(arg and arg[1] or os.getenv "LINES_OF_LOG" or 100000)

-- Inside of Neovim.
local function measure()
  local session = require "codearts.build.nvim.session"
  local client = session.client()
  local function timed(f, list)
    return function(...)
      local began = os.clock()
      local answer = f(...)
      list[#list + 1] = (os.clock() - began) * 1000
      return answer
    end
  end
  local steps, pieces = {}, {}
  rawset(client, "step", timed(client.step, steps))
  local defer = vim.defer_fn
  vim.defer_fn = function(f, ms)
    return defer(timed(f, pieces), ms)
  end
  vim.cmd(("edit codearts://%s/1"):format(JOB))
  local buffer = require "codearts.build.nvim.buffer"
  assert(vim.wait(120000, function()
    local view = buffer.view()
    return view and view.complete
  end, 10))
  for name, list in pairs { ["steps of the client"] = steps, ["pieces of the log"] = pieces } do
    table.sort(list)
    io.stdout:write(
      ("%s: %d, half of them at most %.2f ms, the longest %.2f ms\n"):format(
        name,
        #list,
        list[math.ceil(#list / 2)],
        list[#list]
      )
    )
  end
  io.stdout:write(("lines: %d\n"):format(vim.api.nvim_buf_line_count(0)))
  vim.cmd "qall!"
end

if vim then
  return measure()
end

local build = require "codearts.build"
local host = require "spec.support.host"
local sandbox = require "codearts.build.sandbox"

local jobs = os.tmpname()
local coloured = {}
for number = 1, tonumber(arg[2] or 0) do
  coloured[number] = (" \27[3%dmword\27[0m"):format(number % 8)
end
local file = assert(io.open(jobs, "w"))
file:write(
  ([[job { id = %q, name = "long", steps = { step { name = "Talk",
    run = "seq -f 'line %%06.0f of a log that is as long as others are, more or less%s' %d" } } }]]):format(
    JOB,
    table.concat(coloured),
    LINES
  )
)
file:close()
local box = sandbox.start { jobs = jobs }
local client = build.new { endpoint = box.endpoint, auth = box.token }
client:run({ job_id = JOB }):wait()
client:close()
io.write(
  host.run(
    ("CODEARTS_BUILD_ENDPOINT=%s CODEARTS_BUILD_TOKEN=%s LINES_OF_LOG=%d "):format(
      box.endpoint,
      box.token,
      LINES
    )
      .. host.for_luajit()
      .. "nvim --clean --headless --cmd 'set rtp^=.' -c 'luafile bench/nvim_log.lua'"
  )
)
box.stop()
os.remove(jobs)
