-- Scripts with a key in processes of their own, and the builds that they start at a sandbox.

local json = require("codearts.build.sandbox.json")
local sandboxes = require "spec.support.sandbox_client"

---@class spec.Keyed
---@field box spec.SandboxClient
---@field folder string
local Keyed = {}
Keyed.__index = Keyed

local SCRIPT = "spec/support/keyed_run.lua"
local PAST_FENCE = 900 + 120 + 60

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function interpreter()
  local first = 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  return first < 0 and arg[first]:find "lua[%w%.%-]*$" and arg[first] or "lua5.4"
end

--- "T": it is stopped; "t": by its tracer.
local function status_of(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  local line = file and file:read "*l" or ""
  return file and file:close() and (line:match "^.*%) (%a)" or ""):upper()
end

local M = { quote = quote, interpreter = interpreter }

---@param options? table of the sandbox
---@return spec.Keyed
function M.start(options)
  local all = { ak = "AK", sk = "SK", max_builds = 8 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local self = setmetatable({ box = sandboxes.start(all), number = 0 }, Keyed)
  self.base = os.tmpname()
  os.remove(self.base)
  return self:fresh()
end

--- Another key in another folder.
function Keyed:fresh()
  self.number = self.number + 1
  self.folder = ("%s/%d/keys"):format(self.base, self.number)
  self.key = ("key-%d"):format(self.number)
  self.before = self:builds()
  return self
end

--- How many builds were started ever.
function Keyed:builds()
  return self.box:request("GET", "/__sandbox/stats").json.builds_started
end

--- How many were started since `fresh`.
function Keyed:started()
  return self:builds() - self.before
end

--- Moves the sandbox's clock, in seconds ahead of ours.
function Keyed:move_clock(ahead)
  assert(self.box:request("POST", "/__sandbox/clock?ahead=" .. ahead).status == 200)
end

--- The shell's command that runs the script. `opts`: prefix, auth ("token" or signed), and names of the
--- script's environment.
function Keyed:command(opts)
  local env = {
    ENDPOINT = opts.endpoint or self.box.box.endpoint,
    FOLDER = self.folder,
    KEY = self.key,
    AUTH = opts.auth == "token" and "token:" .. self.box.box.token or "AK:SK",
    WHEN_LOST = opts.when_lost,
    KEY_WAIT = opts.key_wait or "1",
    RUN_ID = opts.run_id,
    HOLD = opts.hold,
    SLEEP = opts.sleep,
  }
  local words = { "env" }
  for name, value in pairs(env) do
    words[#words + 1] = name .. "=" .. quote(value)
  end
  words[#words + 1] = opts.prefix
  words[#words + 1] = quote(interpreter())
  words[#words + 1] = SCRIPT
  return table.concat(words, " ")
end

--- Runs the script to its end. Answers what it printed.
---@return string
function Keyed:run(opts)
  local pipe = assert(io.popen(self:command(opts or {}) .. " 2>/dev/null", "r"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

--- The records of the key so far, oldest first.
---@return table[]
function Keyed:records()
  local pipe = io.popen(("cat %s/*.key 2>/dev/null"):format(self.folder))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = json.decode(line)
  end
  pipe:close()
  return list
end

--- Begins the script, which stops (SIGSTOP) when its first record is on the disk. Answers a function that
--- lets it go on and answers what it printed then.
---@return fun(): string
function Keyed:sleeper(opts)
  opts.sleep = "yes"
  opts.prefix = opts.hold ~= "no"
      and "strace -f -qq -o /dev/null -e trace=fdatasync" .. " -e inject=fdatasync:signal=STOP:when=1"
    or nil
  local out = ("%s/%d.out"):format(self.base, self.number)
  os.execute(("mkdir -p %s"):format(self.base))
  local command = ("(%s; echo over) >%s 2>/dev/null &"):format(self:command(opts), out)
  os.execute(command)
  local pid
  for _ = 1, 300 do
    local first = self:records()[1]
    pid = first and ("%d"):format(first.owner.pid)
    if pid and status_of(pid) == "T" then
      break
    end
    os.execute "sleep 0.05"
  end
  self.asleep = pid
  return function()
    assert(pid, "it wrote no record")
    os.execute("kill -CONT " .. pid)
    self.asleep = nil
    for _ = 1, 600 do
      local file = io.open(out)
      local text = file:read "*a"
      file:close()
      if text:find "over\n$" then
        return (text:gsub("over\n$", ""))
      end
      os.execute "sleep 0.05"
    end
    os.execute("kill -KILL " .. pid)
    error "it did not come to its end"
  end
end

--- Runs the script again until the key is settled, as the documents say; raises unless that is one build.
function Keyed:settle()
  local text = self:run {}
  assert(self:started() <= 1, "two builds")
  if not text:find "^build" then
    assert(text:find "^key\tin_doubt\tunknown", "neither a build nor doubt: " .. text)
    self:move_clock(PAST_FENCE)
    -- With time to look, which it takes only as long as nothing is found.
    local ok, again =
      pcall(self.run, self, { auth = "token", when_lost = "resend", key_wait = "60" })
    self:move_clock(0)
    assert(ok and again:find "^build", "in doubt for ever: " .. tostring(again))
  end
  assert(self:started() == 1, ("%d builds"):format(self:started()))
end

function Keyed:stop()
  if self.asleep then
    os.execute("kill -KILL " .. self.asleep)
  end
  self.box.box.stop()
  os.execute("rm -rf " .. quote(self.base))
end

return M
